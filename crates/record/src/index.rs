//! The index of recordings: a table in SQLite that finds them without a look at the disk.
//!
//! It holds what is finished; what is being written is the shelf's own knowledge. It can be rebuilt from the files at any
//! time, so nothing about it is precious: a database that is broken, strange or locked is replaced or done without.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hub::StreamName;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, Row, params};

use crate::{
    Codec, Filter, Kind, Metadata, Order, RecordingId, Status, StreamSummary, cursor::Key, metadata::path_of,
};

const FILE: &str = "index.sqlite";
/// Tells our databases from others': 'FHub'.
const APPLICATION: i32 = 0x4648_7562;
/// Of the schema: a database of another version is thrown away and built anew.
const VERSION: i32 = 1;
/// Somebody looking into the database holds us up no longer.
const BUSY: Duration = Duration::from_millis(200);

const SCHEMA: &str = "
    CREATE TABLE recordings (
        stream TEXT NOT NULL, file TEXT NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL,
        start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, duration REAL NOT NULL, frames INTEGER NOT NULL,
        average_fps REAL NOT NULL, target_fps REAL NOT NULL, codec INTEGER NOT NULL, size INTEGER NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, lost INTEGER NOT NULL, gaps TEXT,
        -- Its end is on the disk: nothing of it has to be looked at again as long as it has this size.
        settled INTEGER NOT NULL,
        UNIQUE (stream, file)
    ) STRICT;
    -- With all that counting needs, so that the table itself is read for a page only.
    CREATE INDEX by_start ON recordings (start_ms, stream, file, end_ms, size);
    CREATE INDEX by_stream ON recordings (stream, start_ms, file, end_ms, size);
    CREATE INDEX by_end ON recordings (stream, end_ms, kind);

    CREATE TABLE totals (
        stream TEXT PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
        -- How far before a time a recording that holds it may begin.
        longest_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER added AFTER INSERT ON recordings BEGIN
        INSERT INTO totals VALUES (new.stream, 1, new.size, new.end_ms - new.start_ms)
        ON CONFLICT (stream) DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes,
            longest_ms = max(longest_ms, excluded.longest_ms);
    END;
    CREATE TRIGGER removed AFTER DELETE ON recordings BEGIN
        UPDATE totals SET count = count - 1, bytes = bytes - old.size WHERE stream = old.stream;
        DELETE FROM totals WHERE stream = old.stream AND count = 0;
    END;
";

const COLUMNS: &str = "stream, file, kind, status, start_ms, end_ms, duration, frames, average_fps, target_fps, \
                       codec, size, width, height, lost, gaps";

// What the columns of these names hold is the position herein.
const KINDS: [Kind; 2] = [Kind::Segment, Kind::Clip];
const STATUSES: [Status; 3] = [Status::Finished, Status::Recording, Status::Healed];
const CODECS: [Codec; 3] = [Codec::Mp4v, Codec::Mjpeg, Codec::H264];

type Result<T> = rusqlite::Result<T>;

#[derive(Debug)]
pub(crate) struct Index {
    connection: Connection,
    directory: PathBuf,
}

/// What the index knows of a file, for a comparison with the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) size: u64,
    pub(crate) settled: bool,
}

/// A recording as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aged {
    pub(crate) stream: String,
    pub(crate) file: String,
    pub(crate) end: Timestamp,
    pub(crate) bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Index {
    /// The one in the recordings' folder, or a new one there, or one in memory. Says in the log which, if it is not the first.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        // Below its real path nothing may be a symlink (D4), which SQLite checks for us.
        let real = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        let path = real.join(FILE);
        let opened = open_or_make(&path).or_else(|trouble| match trouble {
            Trouble::Outdated => {
                tracing::info!(path = %path.display(), "the index of recordings is of another version: building it anew");
                remove(&path);
                open_or_make(&path)
            }
            Trouble::Unfit(reason) => {
                let aside = set_aside(&path);
                tracing::warn!(path = %path.display(), reason, aside, "the index of recordings cannot be used: building it anew");
                open_or_make(&path)
            }
            Trouble::Unusable(_) => Err(trouble),
        });
        let connection = match opened {
            Ok(connection) => connection,
            Err(trouble) => {
                tracing::warn!(path = %path.display(), reason = %trouble, "no index of recordings on disk: it is kept in memory");
                let connection = Connection::open_in_memory()?;
                connection.execute_batch(SCHEMA)?;
                connection
            }
        };
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { connection, directory: directory.to_owned() })
    }

    /// Throws away one that turned out broken while it was used.
    pub(crate) fn reopen(self) -> Result<Self> {
        let directory = self.directory.clone();
        drop(self);
        if let Ok(real) = fs::canonicalize(&directory) {
            set_aside(&real.join(FILE));
        }
        Self::open(&directory)
    }

    pub(crate) fn put(&self, recordings: &[(&Metadata, bool)]) -> Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for (metadata, settled) in recordings {
            self.put_one(metadata, *settled)?;
        }
        transaction.commit()
    }

    fn put_one(&self, recording: &Metadata, settled: bool) -> Result<()> {
        self.remove(&recording.stream_name, &recording.file)?;
        let gaps = match recording.gaps.as_slice() {
            [] => None,
            gaps => serde_json::to_string(gaps).ok(),
        };
        let (start, end) = (recording.start_time.as_millisecond(), recording.end_time.as_millisecond());
        let mut insert = self.connection.prepare_cached(&format!(
            "INSERT INTO recordings ({COLUMNS}, settled) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)"
        ))?;
        insert.execute(params![
            recording.stream_name,
            recording.file,
            position(&KINDS, recording.kind),
            position(&STATUSES, recording.status),
            start,
            // A clock that was set back while it was written makes no recording of negative length.
            end.max(start),
            finite(recording.duration_seconds),
            signed(recording.total_frames),
            finite(recording.average_fps),
            finite(recording.target_fps),
            position(&CODECS, recording.codec),
            signed(recording.size_bytes),
            recording.width,
            recording.height,
            signed(recording.frames_lost),
            gaps,
            settled,
        ])?;
        Ok(())
    }

    pub(crate) fn remove(&self, stream: &str, file: &str) -> Result<()> {
        let mut delete =
            self.connection.prepare_cached("DELETE FROM recordings WHERE stream = ?1 AND file = ?2")?;
        delete.execute([stream, file])?;
        Ok(())
    }

    /// Several of a stream.
    pub(crate) fn remove_all<'a>(
        &self,
        stream: &str,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for file in files {
            self.remove(stream, file)?;
        }
        transaction.commit()
    }

    pub(crate) fn get(&self, id: &RecordingId) -> Result<Option<Metadata>> {
        let mut select = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM recordings WHERE stream = ?1 AND file = ?2"))?;
        select.query_row([id.stream.as_str(), id.file.as_str()], |row| self.read(row)).optional()
    }

    /// The first `limit` that match, in the filter's order, after `cursor`.
    pub(crate) fn page(&self, filter: &Filter, cursor: Option<&Key>, limit: usize) -> Result<Vec<Metadata>> {
        let (from, to) = span(filter);
        let earliest = from.saturating_sub(self.longest()?);
        // One bound of the key's range is the cursor's or the time's, whichever is narrower; the other is the time's.
        let (comparison, order, bound) = match filter.order {
            Order::Newest => ("<", "DESC", Key::newest_before(to, cursor)),
            Order::Oldest => (">", "ASC", Key::oldest_after(earliest, cursor)),
        };
        let of_stream = if filter.stream.is_some() { "stream = ?7" } else { "?7 IS NULL" };
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM recordings
             WHERE {of_stream} AND (start_ms, stream, file) {comparison} (?1, ?2, ?3)
                 AND start_ms >= ?4 AND start_ms < ?5 AND end_ms > ?6
             ORDER BY start_ms {order}, stream {order}, file {order} LIMIT ?8"
        ))?;
        let stream = filter.stream.as_ref().map(StreamName::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(
            params![bound.start_ms, bound.stream, bound.file, earliest, to, from, stream, limit],
            |row| self.read(row),
        )?;
        rows.collect()
    }

    /// Of all that match. Counts those that do or those that do not, whichever may be fewer.
    pub(crate) fn totals(&self, filter: &Filter) -> Result<Totals> {
        let stream = filter.stream.as_ref().map(StreamName::as_str);
        let all =
            "SELECT ifnull(sum(count), 0), ifnull(sum(bytes), 0) FROM totals WHERE ?1 IS NULL OR stream = ?1";
        let (from, to) = span(filter);
        if (from, to) == (i64::MIN, i64::MAX) {
            return self.sum(all, params![stream]);
        }
        let of_stream = if stream.is_some() { "stream = ?1" } else { "?1 IS NULL" };
        let sum = format!("SELECT count(*), ifnull(sum(size), 0) FROM recordings WHERE {of_stream}");
        if from >= to || !self.is_most(from, to)? {
            let earliest = from.saturating_sub(self.longest()?);
            let inside = format!("{sum} AND start_ms >= ?2 AND start_ms < ?3 AND end_ms > ?4");
            return self.sum(&inside, params![stream, earliest, to, from]);
        }
        let all = self.sum(all, params![stream])?;
        let before =
            self.sum(&format!("{sum} AND start_ms <= ?2 AND end_ms <= ?2"), params![stream, from])?;
        let after = self.sum(&format!("{sum} AND start_ms >= ?2"), params![stream, to])?;
        Ok(Totals {
            count: all.count.saturating_sub(before.count + after.count),
            bytes: all.bytes.saturating_sub(before.bytes + after.bytes),
        })
    }

    fn sum(&self, sql: &str, params: impl Params) -> Result<Totals> {
        let read = |row: &Row<'_>| Ok(Totals { count: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?) });
        self.connection.prepare_cached(sql)?.query_row(params, read)
    }

    /// Whether a span is more than half of the time that there are recordings of.
    fn is_most(&self, from: i64, to: i64) -> Result<bool> {
        let sql = "SELECT (SELECT min(start_ms) FROM recordings), (SELECT max(start_ms) FROM recordings)";
        let (first, last): (Option<i64>, Option<i64>) =
            self.connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(last)) = (first, last) else { return Ok(false) };
        Ok(to.min(last) - from.max(first) > (last - first) / 2)
    }

    fn longest(&self) -> Result<i64> {
        let sql = "SELECT ifnull(max(longest_ms), 0) FROM totals";
        self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
    }

    pub(crate) fn streams(&self) -> Result<Vec<StreamSummary>> {
        let mut select = self.connection.prepare_cached(
            "SELECT stream, count, bytes,
                 (SELECT min(start_ms) FROM recordings WHERE stream = totals.stream),
                 (SELECT max(end_ms) FROM recordings WHERE stream = totals.stream)
             FROM totals ORDER BY stream",
        )?;
        let rows = select.query_map([], |row| {
            Ok(StreamSummary {
                name: row.get(0)?,
                count: unsigned(row.get(1)?),
                total_bytes: unsigned(row.get(2)?),
                first_time: time(row.get(3)?),
                last_time: time(row.get(4)?),
            })
        })?;
        rows.collect()
    }

    /// The last segment that begins at `time` or before, and the first that ends after it: if one holds it, it is among them.
    pub(crate) fn around(&self, stream: &StreamName, time: Timestamp) -> Result<Vec<Metadata>> {
        let mut found = Vec::new();
        for rest in [
            "start_ms <= ?2 ORDER BY start_ms DESC, file DESC LIMIT 1",
            "end_ms > ?2 ORDER BY end_ms, file LIMIT 1",
        ] {
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM recordings WHERE stream = ?1 AND kind = 0 AND {rest}"
            ))?;
            let row = select.query_row(params![stream.as_str(), time.as_millisecond()], |row| self.read(row));
            found.extend(row.optional()?);
        }
        Ok(found)
    }

    /// All of a stream's files.
    pub(crate) fn known(&self, stream: &str) -> Result<Vec<(String, Known)>> {
        let mut select =
            self.connection.prepare_cached("SELECT file, size, settled FROM recordings WHERE stream = ?1")?;
        let rows = select.query_map([stream], |row| {
            Ok((row.get(0)?, Known { size: unsigned(row.get(1)?), settled: row.get(2)? }))
        })?;
        rows.collect()
    }

    pub(crate) fn stream_names(&self) -> Result<Vec<String>> {
        let mut select = self.connection.prepare_cached("SELECT stream FROM totals")?;
        select.query_map([], |row| row.get(0))?.collect()
    }

    /// All, those that ended first in front.
    pub(crate) fn by_age(&self) -> Result<Vec<Aged>> {
        let mut select = self.connection.prepare_cached(
            "SELECT stream, file, end_ms, size FROM recordings ORDER BY end_ms, stream, file",
        )?;
        let rows = select.query_map([], |row| {
            let (end, bytes) = (time(row.get(2)?), unsigned(row.get(3)?));
            Ok(Aged { stream: row.get(0)?, file: row.get(1)?, end, bytes })
        })?;
        rows.collect()
    }

    /// [`COLUMNS`] in their order.
    fn read(&self, row: &Row<'_>) -> Result<Metadata> {
        let stream_name: String = row.get(0)?;
        let file: String = row.get(1)?;
        let gaps: Option<String> = row.get(15)?;
        Ok(Metadata {
            recording_path: path_of(&self.directory, &stream_name, &file),
            stream_name,
            file,
            kind: at(&KINDS, row.get(2)?, Kind::Segment),
            status: at(&STATUSES, row.get(3)?, Status::Finished),
            start_time: time(row.get(4)?),
            end_time: time(row.get(5)?),
            duration_seconds: row.get(6)?,
            total_frames: unsigned(row.get(7)?),
            average_fps: row.get(8)?,
            target_fps: row.get(9)?,
            codec: at(&CODECS, row.get(10)?, Codec::Mp4v),
            size_bytes: unsigned(row.get(11)?),
            width: row.get(12)?,
            height: row.get(13)?,
            frames_lost: unsigned(row.get(14)?),
            gaps: gaps.and_then(|gaps| serde_json::from_str(&gaps).ok()).unwrap_or_default(),
        })
    }
}

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it is of another version")]
    Outdated,
    /// Not ours, or broken.
    #[error("{0}")]
    Unfit(String),
    /// It may be in order, but not for us, not now.
    #[error("{0}")]
    Unusable(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        if is_broken(&error) { Self::Unfit(error.to_string()) } else { Self::Unusable(error) }
    }
}

/// Whether a database answers like one whose file is damaged or none of ours.
pub(crate) fn is_broken(error: &rusqlite::Error) -> bool {
    let broken = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase, ErrorCode::Unknown];
    match error {
        rusqlite::Error::SqliteFailure(error, _) => broken.contains(&error.code),
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => true,
        _ => false,
    }
}

fn open_or_make(path: &Path) -> std::result::Result<Connection, Trouble> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Trouble::Unfit("it is not a regular file".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let number = |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Err(Trouble::Unfit("it is somebody else's database".to_owned()));
    }
    if tables > 0 && version != VERSION {
        return Err(Trouble::Outdated);
    }
    // Where there can be no write-ahead log (some network drives), the answer is another mode, and that does as well.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY")?;
    // Also shows whether it can be written at all.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// The database's files: it and its write-ahead log belong together.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) {
    for part in PARTS {
        let _ = fs::remove_file(with_suffix(path, part));
    }
}

/// Renames it to the first free of `index.sqlite.old1`… Gives that name, or an empty one if that cannot be done.
fn set_aside(path: &Path) -> String {
    let free = (1..=99).map(|number| format!(".old{number}")).find(|suffix| {
        PARTS.iter().all(|part| fs::symlink_metadata(with_suffix(path, &format!("{suffix}{part}"))).is_err())
    });
    let Some(suffix) = free else { return String::new() };
    let moved = PARTS.map(|part| {
        fs::rename(with_suffix(path, part), with_suffix(path, &format!("{suffix}{part}"))).is_ok()
    });
    if moved.contains(&true) { format!("{FILE}{suffix}") } else { String::new() }
}

/// From (incl. nothing that ends there) and to, in milliseconds; open ends are the ends of all time.
pub(crate) fn span(filter: &Filter) -> (i64, i64) {
    let from = filter.from.map_or(i64::MIN, |time| time.as_millisecond());
    let to = filter.to.map_or(i64::MAX, |time| time.as_millisecond());
    (from, to)
}

fn position<T: PartialEq>(table: &[T], value: T) -> i64 {
    table.iter().position(|entry| *entry == value).map_or(0, |position| position as i64)
}

fn at<T: Copy>(table: &[T], position: i64, otherwise: T) -> T {
    usize::try_from(position).ok().and_then(|position| table.get(position)).copied().unwrap_or(otherwise)
}

fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

// SQLite's integers have a sign. Neither frames nor bytes come near the limit, but a strange metadata file may say so.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// SQLite stores "not a number" as NULL, which the column forbids.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

#[cfg(test)]
mod tests;
