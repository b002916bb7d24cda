//! The index of recordings: a table in SQLite that finds them without reading the disk.
//!
//! It holds what is finished; what is being written is the store's own knowledge. It can be rebuilt from the files at any
//! time, so nothing about it is precious.

mod database;

use std::path::{Path, PathBuf};

use hub::StreamName;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

pub(crate) use self::database::is_broken;

use super::{
    cursor::Key,
    layout::{Kind, RecordingId},
    metadata::{Metadata, Status, path_of},
    query::{Filter, Order, StreamSummary},
};
use crate::Codec;

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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Index {
    /// The one in the recordings' folder, or a new one there, or one in memory.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        Ok(Self { connection: database::open(directory)?, directory: directory.to_owned() })
    }

    /// A new one in place of one that turned out broken while it was used.
    pub(crate) fn replace(self) -> Result<Self> {
        let Self { connection, directory } = self;
        drop(connection);
        database::put_away(&directory);
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
             WHERE {of_stream} AND {} AND (start_ms, stream, file) {comparison} (?1, ?2, ?3)
                 AND start_ms >= ?4 AND start_ms < ?5 AND end_ms > ?6
             ORDER BY start_ms {order}, stream {order}, file {order} LIMIT ?8",
            is_among(9)
        ))?;
        let stream = filter.stream.as_ref().map(StreamName::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(
            params![
                bound.start_ms,
                bound.stream,
                bound.file,
                earliest,
                to,
                from,
                stream,
                limit,
                among(filter)
            ],
            |row| self.read(row),
        )?;
        rows.collect()
    }

    /// Of all that match. Counts those that do or those that do not, whichever may be fewer.
    pub(crate) fn totals(&self, filter: &Filter) -> Result<Totals> {
        let stream = filter.stream.as_ref().map(StreamName::as_str);
        let among = among(filter);
        let of_stream = if stream.is_some() { "stream = ?1" } else { "?1 IS NULL" };
        let those = format!("{of_stream} AND {}", is_among(2));
        let all = format!("SELECT ifnull(sum(count), 0), ifnull(sum(bytes), 0) FROM totals WHERE {those}");
        let (from, to) = span(filter);
        if (from, to) == (i64::MIN, i64::MAX) {
            return self.sum(&all, params![stream, among]);
        }
        let sum = format!("SELECT count(*), ifnull(sum(size), 0) FROM recordings WHERE {those}");
        if from >= to || !self.is_most(from, to)? {
            let earliest = from.saturating_sub(self.longest()?);
            let inside = format!("{sum} AND start_ms >= ?3 AND start_ms < ?4 AND end_ms > ?5");
            return self.sum(&inside, params![stream, among, earliest, to, from]);
        }
        let all = self.sum(&all, params![stream, among])?;
        let before = format!("{sum} AND start_ms <= ?3 AND end_ms <= ?3");
        let before = self.sum(&before, params![stream, among, from])?;
        let after = self.sum(&format!("{sum} AND start_ms >= ?3"), params![stream, among, to])?;
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

    /// All, those that ended first in front: stream, file, end and size.
    pub(crate) fn by_age(&self) -> Result<Vec<(String, String, Timestamp, u64)>> {
        let mut select = self.connection.prepare_cached(
            "SELECT stream, file, end_ms, size FROM recordings ORDER BY end_ms, stream, file",
        )?;
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, time(row.get(2)?), unsigned(row.get(3)?))))?;
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

/// That the stream is in the list of parameter `n`, see [`among`].
fn is_among(n: usize) -> String {
    format!("(?{n} IS NULL OR stream IN (SELECT value FROM json_each(?{n})))")
}

/// The streams that the filter is bounded to, as a JSON array: names need no escapes.
fn among(filter: &Filter) -> Option<String> {
    let streams = filter.among.as_ref()?;
    let quoted: Vec<String> = streams.iter().map(|name| format!("\"{name}\"")).collect();
    Some(format!("[{}]", quoted.join(",")))
}

/// A filter's `from` and `to` in milliseconds; where it has none, the ends of all time.
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
