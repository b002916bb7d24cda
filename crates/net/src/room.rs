//! What a disk keeps free: asked before anything is written there, by whoever writes.
//!
//! A question may wait as long as the disk does not answer: not for a thread that serves connections.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Of what is kept free, so much more has to be free before something begins: it would stand at the limit at once.
const MARGIN: u64 = 10;

/// A folder, and how much of its disk stays free.
#[derive(Debug, Clone)]
pub struct Room {
    folder: PathBuf,
    keeps: u64,
}

/// Why nothing may be written.
#[derive(Debug, thiserror::Error)]
pub enum NoRoom {
    #[error(
        "the disk has less than {} MB free, which recording.min_free_gb keeps: make room, or lower it",
        keeps / (1024 * 1024)
    )]
    Kept { keeps: u64 },
    #[error("{}: {source}", folder.display())]
    Unknown { folder: PathBuf, source: io::Error },
}

/// Of a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// For us.
    pub free: u64,
    pub total: u64,
}

impl Room {
    /// `keeps` bytes of the folder's disk stay free; with 0 nothing is ever refused.
    pub fn new(folder: &Path, keeps: u64) -> Self {
        Self { folder: folder.to_owned(), keeps }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is free before anything begins, and what deleting old files aims at: so what is being written goes on while
    /// they are deleted.
    pub fn wanted(&self) -> u64 {
        self.keeps.saturating_add(self.keeps / MARGIN)
    }

    /// Whether what is being written may grow by so many bytes.
    ///
    /// # Errors
    /// It may not.
    pub fn check(&self, bytes: u64) -> Result<(), NoRoom> {
        self.leaves(self.keeps, bytes)
    }

    /// Whether something may begin that has so many bytes. What is no recording asks this for all that it writes, so that
    /// no recording is ever deleted for its sake.
    ///
    /// # Errors
    /// It may not.
    pub fn check_new(&self, bytes: u64) -> Result<(), NoRoom> {
        self.leaves(self.wanted(), bytes)
    }

    fn leaves(&self, left: u64, bytes: u64) -> Result<(), NoRoom> {
        if self.keeps == 0 {
            return Ok(());
        }
        let space = disk_space(&self.folder);
        let space = space.map_err(|source| NoRoom::Unknown { folder: self.folder.clone(), source })?;
        if space.free >= left.saturating_add(bytes) {
            Ok(())
        } else {
            Err(NoRoom::Kept { keeps: self.keeps })
        }
    }
}

impl From<NoRoom> for io::Error {
    fn from(error: NoRoom) -> Self {
        match error {
            NoRoom::Kept { .. } => Self::new(io::ErrorKind::StorageFull, error),
            NoRoom::Unknown { source, .. } => source,
        }
    }
}

/// Of the disk that a folder lies on, or will when it is made.
///
/// # Errors
/// The system does not say.
pub fn disk_space(folder: &Path) -> io::Result<DiskSpace> {
    let mut failed = None;
    for folder in folder.ancestors() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match rustix::fs::statvfs(folder) {
            Ok(space) => {
                let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
                return Ok(DiskSpace { free: bytes(space.f_bavail), total: bytes(space.f_blocks) });
            }
            Err(error) => failed.get_or_insert(error),
        };
    }
    Err(failed.map_or_else(|| io::ErrorKind::NotFound.into(), Into::into))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_the_one_it_will_lie_in() {
        let not_there = std::env::temp_dir().join("is/not/there");
        assert_eq!(disk_space(&not_there).unwrap().total, disk_space(&std::env::temp_dir()).unwrap().total);
    }

    #[test]
    fn what_begins_leaves_more_than_what_goes_on() {
        let folder = std::env::temp_dir();
        let free = disk_space(&folder).unwrap().free;
        let half = Room::new(&folder, free / 2);
        assert!(half.check(free / 4).is_ok() && half.check_new(free / 4).is_ok());
        assert!(half.check(free / 100 * 48).is_ok(), "a growing file may take what is beyond");
        assert!(half.check_new(free / 100 * 48).is_err(), "nothing new may begin there");
        let error = io::Error::from(half.check(free).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("recording.min_free_gb"), "{error}");
        assert!(Room::new(&folder, 0).check_new(u64::MAX).is_ok(), "nothing is kept");
        assert!(Room::new(&folder, u64::MAX).check(0).is_err());
    }
}
