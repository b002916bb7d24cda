//! Folders and files by handle: everything below the recordings' folder is reached from here (DK4).
//!
//! The recordings' folder itself is wherever the configuration says, through symlinks if need be. What lies in it is
//! opened relative to a handle and never through a symlink, so neither a stream's folder nor a file can be made to
//! stand for something elsewhere.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::Path,
};

use hub::StreamName;
use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};

const TEMPORARY: &str = ".json.tmp";

/// The recordings' folder, open.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

/// A stream's folder, open.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Root {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(directory, flags, Mode::empty())?))
    }

    /// Makes it if need be; says whether it did.
    pub(crate) fn make(directory: &Path) -> io::Result<(Self, bool)> {
        match Self::open(directory) {
            Ok(root) => Ok((root, false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(directory)?;
                Ok((Self::open(directory)?, true))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn folder(&self, stream: &StreamName) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Folder(rustix::fs::openat(&self.0, stream.as_str(), flags, Mode::empty())?))
    }

    /// Empty as it is, tidying may delete it before it is opened: then it is made again.
    pub(crate) fn make_folder(&self, stream: &StreamName) -> io::Result<Folder> {
        const TRIES: usize = 5;
        for _ in 1..TRIES {
            match self.make_and_open(stream) {
                Err(error) if is_absence(&error) => {}
                made => return made,
            }
        }
        self.make_and_open(stream)
    }

    fn make_and_open(&self, stream: &StreamName) -> io::Result<Folder> {
        match rustix::fs::mkdirat(&self.0, stream.as_str(), Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => self.folder(stream),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it was there and empty, and is gone now.
    pub(crate) fn remove_if_empty(&self, stream: &StreamName) -> bool {
        rustix::fs::unlinkat(&self.0, stream.as_str(), AtFlags::REMOVEDIR).is_ok()
    }

    /// The folders in it that are named like streams; symlinks are none.
    pub(crate) fn streams(&self) -> io::Result<Vec<StreamName>> {
        let mut streams = Vec::new();
        for name in names(&self.0)? {
            let Ok(stream) = name.parse::<StreamName>() else { continue };
            if type_of(&self.0, &name).is_ok_and(FileType::is_dir) {
                streams.push(stream);
            }
        }
        Ok(streams)
    }
}

impl Folder {
    /// A new file, for reading and writing. Fails if there is anything of that name.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    pub(crate) fn open(&self, name: &str) -> io::Result<File> {
        self.open_with(name, OFlags::RDONLY)
    }

    pub(crate) fn open_for_recovery(&self, name: &str) -> io::Result<File> {
        self.open_with(name, OFlags::RDWR)
    }

    fn open_with(&self, name: &str, access: OFlags) -> io::Result<File> {
        // Opening a pipe in its place would wait for the other end.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.0, name, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(not_a_file());
        }
        Ok(file)
    }

    /// Its size in bytes, if it is a file itself.
    pub(crate) fn size(&self, name: &str) -> io::Result<u64> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(not_a_file());
        }
        Ok(u64::try_from(stat.st_size).unwrap_or_default())
    }

    /// Whether this program or another has it open for writing a recording.
    pub(crate) fn is_locked(&self, name: &str) -> bool {
        self.open(name).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// A small file's content.
    pub(crate) fn read(&self, name: &str, max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(name)?.take(max + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max} bytes")));
        }
        Ok(bytes)
    }

    /// Puts a small file in place of the one of that name, whole or not at all. `durable`: it survives a power cut.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
        let temporary = format!(".{}{TEMPORARY}", name.trim_end_matches(".json"));
        let written = self.write_temporary(&temporary, bytes, durable);
        let moved = written.and_then(|()| Ok(rustix::fs::renameat(&self.0, &temporary, &self.0, name)?));
        if moved.is_err() {
            // The disk may be full: what was begun only takes room.
            let _ = self.remove(&temporary);
        }
        moved?;
        if durable { self.sync() } else { Ok(()) }
    }

    fn write_temporary(&self, name: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
        let mut file = match self.create(name) {
            // Left over from a crash.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove(name)?;
                self.create(name)?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        if durable { file.sync_all() } else { Ok(()) }
    }

    /// What was made, renamed or removed in it survives a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    /// Of everything in it.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        names(&self.0)
    }
}

/// Whether a name is that of a file that [`Folder::replace`] did not come to rename.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

/// Whether an error means that there is no such file or folder, or something else in its place.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NXIO, Errno::ISDIR];
    error.kind() == io::ErrorKind::Unsupported
        || Errno::from_io_error(error).is_some_and(|error| absent.contains(&error))
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "it is not a regular file")
}

fn names(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        // Names that are not UTF-8 are none of ours.
        if let Ok(name) = entry?.file_name().to_str() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn type_of(directory: &OwnedFd, name: &str) -> io::Result<FileType> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}
