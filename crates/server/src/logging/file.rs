//! The log file: bounded in size, and always under its own name.
//!
//! `tail -f logs/server.log` follows the open file, not the name. Moving the full file aside
//! would leave such a reader on `server.log.1` for ever, so a rotation copies the text to
//! `server.log.1` and empties `server.log`: there is one writer, so nothing falls between the two.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A writer of whole lines into a file that never grows much past its limit.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: BufWriter<File>,
    /// Bytes in the file, by our own count.
    written: u64,
    max_bytes: u64,
    keep_files: usize,
    /// When to rotate; later than the limit after a rotation that failed.
    rotate_at: u64,
}

impl LogFile {
    /// Opens the file for appending, making its folder. `keep_files` older files stay beside it,
    /// `path.1` the youngest; those above are removed.
    ///
    /// # Errors
    /// When the folder cannot be made or the file cannot be opened.
    pub(super) fn open(path: &Path, max_bytes: u64, keep_files: usize) -> io::Result<LogFile> {
        let (file, written) = open_for_appending(path)?;
        let log = LogFile {
            path: path.to_owned(),
            file: BufWriter::new(file),
            written,
            max_bytes,
            keep_files,
            rotate_at: max_bytes,
        };
        log.remove_surplus();
        Ok(log)
    }

    /// `path.1`, `path.2`, …
    fn older(&self, number: usize) -> PathBuf {
        self.beside(&number.to_string())
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }

    /// Files left from a time when more were kept.
    fn remove_surplus(&self) {
        let mut number = self.keep_files + 1;
        while fs::remove_file(self.older(number)).is_ok() {
            number += 1;
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        if self.keep_files > 0 {
            self.copy_aside()?;
        }
        self.file.get_ref().set_len(0)?;
        self.written = 0;
        self.rotate_at = self.max_bytes;
        Ok(())
    }

    /// Copies under a passing name first, so that a full disk costs no older file.
    fn copy_aside(&self) -> io::Result<()> {
        let copy = self.beside("copy");
        if let Err(error) = fs::copy(&self.path, &copy) {
            let _ = fs::remove_file(&copy);
            return Err(error);
        }
        for number in (1..self.keep_files).rev() {
            match fs::rename(self.older(number), self.older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(copy, self.older(1))
    }

    /// The disk is full or the folder is closed to us: append a while longer, then let old lines
    /// go. The log must not take more than twice its share.
    fn rotation_failed(&mut self, error: &io::Error) {
        eprintln!("warning: {} cannot be rotated: {error}", self.path.display());
        self.rotate_at = self.written.saturating_add(self.max_bytes / 4);
        if self.written >= self.max_bytes.saturating_mul(2) && self.file.get_ref().set_len(0).is_ok() {
            self.written = 0;
            self.rotate_at = self.max_bytes;
        }
    }

    /// After `rm` or `logrotate` the open file has lost its name: go on under the name.
    fn follow_the_name(&mut self) -> io::Result<()> {
        if is_same_file(self.file.get_ref(), &self.path)? {
            return Ok(());
        }
        let (file, written) = open_for_appending(&self.path)?;
        self.file = BufWriter::new(file);
        self.written = written;
        self.rotate_at = self.max_bytes;
        Ok(())
    }
}

impl Write for LogFile {
    /// Takes one line whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let after = self.written.saturating_add(line.len() as u64);
        if self.written > 0
            && after > self.rotate_at
            && let Err(error) = self.rotate()
        {
            self.rotation_failed(&error);
        }
        self.file.write_all(line)?;
        self.written = self.written.saturating_add(line.len() as u64);
        Ok(line.len())
    }

    /// Called after each batch of lines.
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.follow_the_name()
    }
}

fn open_for_appending(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_same_file(_file: &File, path: &Path) -> io::Result<bool> {
    path.try_exists()
}

#[cfg(test)]
mod tests;
