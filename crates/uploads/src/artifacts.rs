//! What runs leave behind: a folder a session below the output folder, with `analysis_result.json` in it.
//!
//! Only folders that this program has made are ever removed: those with `session.json` in them.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use jiff::Timestamp;
use net::{NoRoom, Room};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::analysis::Failure;

/// The result as `process_complete` has it, without what concerns the upload.
pub const RESULT_FILE: &str = "analysis_result.json";
/// Marks a folder as a run's.
const MARK: &str = "session.json";

/// The output folder.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// The folder, and what stays free on its disk.
    room: Room,
}

/// A run in the listing.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The session's.
    pub id: String,
    /// When it was finished, RFC 3339.
    pub finished: String,
    /// `complete` or `failed`.
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Some of the runs, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    pub analyses: Vec<Summary>,
    /// Of those that may be seen.
    pub total: usize,
}

/// Bytes of a result that is read whole.
const MAX_RESULT_BYTES: u64 = 64 << 20;

impl Artifacts {
    pub fn new(room: Room) -> Self {
        Self { room }
    }

    fn folder(&self) -> &Path {
        self.room.folder()
    }

    /// Whether there is room for so many bytes more. May wait for the disk.
    ///
    /// # Errors
    /// There is not.
    pub fn check_room(&self, bytes: u64) -> Result<(), NoRoom> {
        self.room.check_new(bytes)
    }

    // ---- writing ----

    /// A folder for a run. It takes the session's name when the run has ended, so that what an earlier run of that name
    /// has left stays whole until then.
    pub(crate) fn begin(&self, id: &str) -> io::Result<Run> {
        let room = fs::create_dir_all(self.folder()).and_then(|()| Ok(self.room.check_new(0)?));
        room.and_then(|()| self.make(id)).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("artifacts cannot be kept in {}: {error}", self.folder().display()),
            )
        })
    }

    fn make(&self, id: &str) -> io::Result<Run> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let mark = json!({ "session_id": id, "started": now() }).to_string();
        loop {
            let number = RUNS.fetch_add(1, Ordering::Relaxed);
            let folder = self.folder().join(format!(".{id}.{}-{number}", std::process::id()));
            match fs::create_dir(&folder) {
                // Another machine's hub may have the same folder and the same process number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            let mut run =
                Run { id: id.to_owned(), folder, to: self.folder().join(id), is_kept: false, mark: None };
            let mut file = File::create_new(run.folder.join(MARK))?;
            // It tells those who clean up that the run is alive; where there are no locks, they have to do without.
            let _ = file.try_lock();
            file.write_all(mark.as_bytes())?;
            run.mark = Some(file);
            return Ok(run);
        }
    }

    /// A folder for what is needed for a while; it goes with the value.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn scratch(&self) -> io::Result<Scratch> {
        self.begin("scratch").map(|run| Scratch(Some(run)))
    }

    /// Removes what runs of a program that was killed have left.
    pub(crate) fn recover(&self) {
        let Ok(entries) = fs::read_dir(self.folder()) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(is_unfinished) && is_dead(&entry.path().join(MARK)) {
                let removed = fs::remove_dir_all(entry.path());
                tracing::info!(folder = %entry.path().display(), ?removed, "a run that was broken off is removed");
            }
        }
    }

    // ---- reading ----

    /// Runs that `may_see`, newest first.
    ///
    /// # Errors
    /// The folder cannot be read; that it is not there yet is none.
    pub fn list(&self, offset: usize, limit: usize, may_see: impl Fn(&str) -> bool) -> io::Result<Page> {
        let entries = match fs::read_dir(self.folder()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Page { analyses: Vec::new(), total: 0 });
            }
            Err(error) => return Err(error),
        };
        let mut runs: Vec<(SystemTime, String)> = Vec::new();
        for entry in entries {
            let Ok(id) = entry?.file_name().into_string() else { continue };
            let Some(path) = self.file(&id, RESULT_FILE).filter(|_| may_see(&id)) else { continue };
            // A run that is being deleted meanwhile is not listed.
            if let Ok(written) = fs::metadata(path).and_then(|data| data.modified()) {
                runs.push((written, id));
            }
        }
        runs.sort_unstable_by(|a, b| b.cmp(a));
        let total = runs.len();
        let page = runs.iter().skip(offset).take(limit);
        Ok(Page { analyses: page.filter_map(|(_, id)| self.summary(id)).collect(), total })
    }

    fn summary(&self, id: &str) -> Option<Summary> {
        let result = self.result(id)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let decision = &result["decision"];
        Some(Summary {
            id: id.to_owned(),
            finished: text(&result["finished"]).unwrap_or_default(),
            status: if result.get("error").is_some() { "failed" } else { "complete" },
            winner: text(&decision["winner"]),
            reason: text(&decision["reason"]),
            confidence: decision["confidence"].as_f64(),
            error: text(&result["error"]),
        })
    }

    /// What [`RESULT_FILE`] holds.
    pub fn result(&self, id: &str) -> Option<Value> {
        let path = self.file(id, RESULT_FILE)?;
        let is_sane = fs::metadata(&path).is_ok_and(|data| data.len() <= MAX_RESULT_BYTES);
        is_sane.then(|| fs::read(path).ok())?.and_then(|bytes| serde_json::from_slice(&bytes).ok())
    }

    /// The path of a run's file: a plain file in a plain folder, no link, nothing outside.
    pub fn file(&self, id: &str, name: &str) -> Option<PathBuf> {
        if !is_plain(id) || !is_plain(name) {
            return None;
        }
        let folder = self.folder().join(id);
        let path = folder.join(name);
        let is_folder = fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir());
        let is_file = fs::symlink_metadata(&path).is_ok_and(|data| data.is_file());
        (is_folder && is_file).then_some(path)
    }

    /// The names of a run's files.
    pub fn files(&self, id: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder().join(id)) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| name != MARK && self.file(id, name).is_some()).collect();
        names.sort_unstable();
        names
    }
}

/// A folder that is removed when this is dropped, or at the next start.
#[derive(Debug)]
pub struct Scratch(Option<Run>);

impl Scratch {
    pub fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), |run| &run.folder)
    }
}

impl Drop for Scratch {
    /// Freeing a large file may take the disk a while, which the thread of a connection does not have.
    fn drop(&mut self) {
        let run = self.0.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(run));
        }
    }
}

/// A run's folder, removed with the run unless it has come to its end.
#[derive(Debug)]
pub(crate) struct Run {
    id: String,
    pub(crate) folder: PathBuf,
    to: PathBuf,
    is_kept: bool,
    /// Locked while the run is alive.
    mark: Option<File>,
}

impl Run {
    /// Adds what the hub knows to a pipeline's result, and writes it.
    pub(crate) fn complete(
        self,
        pipeline: Option<&str>,
        wall_time_seconds: f64,
        mut result: Map<String, Value>,
    ) -> Result<Map<String, Value>, Failure> {
        let folder = std::path::absolute(&self.to).unwrap_or_else(|_| self.to.clone());
        result.insert("session_id".into(), json!(self.id));
        result.insert("pipeline".into(), json!(pipeline));
        result.insert("artifact_dir".into(), json!(folder.to_string_lossy()));
        result.insert("wall_time_seconds".into(), json!(wall_time_seconds));
        result.insert("finished".into(), json!(now()));
        let kept = self.keep(&Value::Object(result.clone()));
        kept.map_err(|source| Failure::Result { folder, source })?;
        Ok(result)
    }

    pub(crate) fn fail(self, failure: &Failure) {
        let id = self.id.clone();
        let note = json!({ "session_id": id, "error": failure.to_string(), "finished": now() });
        if let Err(error) = self.keep(&note) {
            tracing::warn!(session = id, %error, "why the analysis failed cannot be written");
        }
    }

    /// In the place of an earlier run of that name; what is no run's stays.
    fn keep(mut self, result: &Value) -> io::Result<()> {
        write_whole(&self.folder.join(RESULT_FILE), result)?;
        if self.to.exists() {
            let is_ours = self.to.join(MARK).is_file();
            let is_empty = fs::read_dir(&self.to).is_ok_and(|mut entries| entries.next().is_none());
            if !is_ours && !is_empty {
                let why = "that folder is none of an analysis's: use another session_id";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
            }
            fs::remove_dir_all(&self.to)?;
        }
        fs::rename(&self.folder, &self.to)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(session = self.id, %error, "what a run that was given up has made stays");
        }
    }
}

/// A run's folder before it has its name: `.<session>.<process>-<number>`.
fn is_unfinished(name: &str) -> bool {
    let number = name.strip_prefix('.').and_then(|name| name.rsplit_once('.')).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

/// Whether a run's mark is there and nobody holds it. A process number would not tell: in a container it is the same at
/// every start.
fn is_dead(mark: &Path) -> bool {
    let is_file = fs::symlink_metadata(mark).is_ok_and(|data| data.is_file());
    is_file && File::open(mark).is_ok_and(|file| !matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// A name that leads nowhere else, whatever the system.
fn is_plain(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=120).contains(&name.len()) && name.bytes().all(good) && !name.starts_with('.')
}

/// A reader finds the old one or the new one, never a half.
fn write_whole(path: &Path, value: &Value) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".result").permissions(readable()).tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.flush()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// As other files are; a temporary one is its owner's alone.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(0o644)
}

fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

#[cfg(test)]
mod tests;
