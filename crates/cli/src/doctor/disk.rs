//! The recordings' folder: is it one, may it be written, how much is free, how fast is it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::finding::Finding;
use super::probe_name;
use crate::terminal::{gigabytes, rate};

const SUBJECT: &str = "recordings";
/// What is written to measure the speed: enough to be more than a disk's own cache hides, little enough for a card.
const WRITTEN: u64 = 64 * 1_000_000;
const CHUNK: usize = 1_000_000;
/// A slow disk is known to be slow after this time.
const LONGEST: Duration = Duration::from_secs(3);
/// A stream of 30 JPEGs of 100 kB a second.
const STREAM_BYTES_PER_SEC: f64 = 3e6;
/// Slower than three such streams is too slow for most uses.
const SLOW_BYTES_PER_SEC: f64 = 3.0 * STREAM_BYTES_PER_SEC;

/// Looks at the folder, or at the one in which it would be made.
pub(super) fn examine(config: &record::Config) -> Finding {
    let folder = &config.directory;
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        let mend = "name a folder in recording.directory, or move the file away";
        return Finding::wrong(SUBJECT, format!("{shown} is a file, not a folder"), mend);
    }
    let mend = "let the hub's user write there, or name another folder in recording.directory";
    match measure(&nearest(folder), config.retention.min_free_bytes) {
        Ok(disk) => disk.finding(&shown.to_string(), config.retention.min_free_bytes),
        Err(error) => Finding::wrong(SUBJECT, format!("{shown} cannot be written: {error}"), mend),
    }
}

/// The folder, or its nearest parent that exists.
fn nearest(folder: &Path) -> PathBuf {
    let full = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    full.ancestors().find(|path| path.is_dir()).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// What the disk has and does; no speed where too little is free to try.
#[derive(Debug)]
struct Disk {
    free: u64,
    bytes_per_sec: Option<f64>,
}

fn measure(folder: &Path, keep_free: u64) -> io::Result<Disk> {
    let free = free_bytes(folder)?;
    let room = free > keep_free.saturating_add(WRITTEN);
    let probe = Probe::make(folder)?;
    let bytes_per_sec = if room { Some(probe.write()?) } else { None };
    Ok(Disk { free, bytes_per_sec })
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

impl Disk {
    fn finding(&self, folder: &str, keep_free: u64) -> Finding {
        let free = gigabytes(self.free);
        let Some(bytes_per_sec) = self.bytes_per_sec else {
            let what = format!("{folder}: {free} free; recording pauses below {}", gigabytes(keep_free));
            let mend =
                "make room, lower recording.min_free_gb, or name another folder in recording.directory";
            return Finding::wrong(SUBJECT, what, mend);
        };
        let speed = rate(bytes_per_sec);
        let streams = (bytes_per_sec / STREAM_BYTES_PER_SEC).floor();
        let what = format!("{folder}: {free} free, written at {speed}: {streams} streams of 3 MB/s");
        if bytes_per_sec < SLOW_BYTES_PER_SEC {
            let mend = "use a faster disk, recording.codec=h264 (a tenth of the bytes), or recording.fps";
            return Finding::note(SUBJECT, what, mend);
        }
        Finding::ok(SUBJECT, what)
    }
}

/// A file that goes when this does.
struct Probe {
    file: File,
    path: PathBuf,
}

impl Probe {
    fn make(folder: &Path) -> io::Result<Probe> {
        let name = probe_name().map_err(|error| io::Error::other(error.to_string()))?;
        let path = folder.join(format!(".{name}"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Probe { file, path })
    }

    /// Bytes a second, the way to the disk included.
    fn write(&self) -> io::Result<f64> {
        // Not zeroes, which some file systems do not store.
        let chunk: Vec<u8> = (0..CHUNK).map(|i| (i * 31 % 251) as u8).collect();
        let started = Instant::now();
        let mut written = 0;
        while written < WRITTEN && started.elapsed() < LONGEST {
            (&self.file).write_all(&chunk)?;
            // Otherwise the kernel takes all of it at once, and the time limit never counts.
            self.file.sync_data()?;
            written += CHUNK as u64;
        }
        Ok(written as f64 / started.elapsed().as_secs_f64().max(1e-6))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::finding::Verdict;
    use super::*;

    fn config(directory: PathBuf) -> record::Config {
        record::Config { directory, ..server::config::Config::default().recording }
    }

    #[test]
    fn a_file_in_the_folders_place_is_wrong_and_nothing_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recordings");
        std::fs::write(&file, "x").unwrap();
        let finding = examine(&config(file));
        assert_eq!(finding.verdict, Verdict::Wrong);
        assert!(finding.what.ends_with("is a file, not a folder"), "{}", finding.what);
        let mut missing = config(folder.path().join("a/b"));
        missing.retention.min_free_bytes = 0;
        assert_ne!(examine(&missing).verdict, Verdict::Wrong);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the file");
    }

    #[test]
    fn a_full_disk_and_a_slow_one_are_told_with_what_to_do() {
        let gb = 1 << 30;
        let full = Disk { free: gb, bytes_per_sec: None }.finding("r", 5 * gb);
        assert_eq!(full.verdict, Verdict::Wrong);
        assert_eq!(full.what, "r: 1 GB free; recording pauses below 5 GB");
        assert!(full.mend.contains("recording.min_free_gb"));
        let slow = Disk { free: 9 * gb, bytes_per_sec: Some(4e6) }.finding("r", 0);
        assert_eq!(slow.verdict, Verdict::Note);
        let fast = Disk { free: 9 * gb, bytes_per_sec: Some(300e6) }.finding("r", 0);
        assert_eq!(fast, Finding::ok(SUBJECT, "r: 9 GB free, written at 300.0 MB/s: 100 streams of 3 MB/s"));
    }
}
