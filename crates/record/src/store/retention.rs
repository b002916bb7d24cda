//! Which recordings have to go, and their deletion: by age once a day, by size whenever it is too much.
//!
//! A pure function decides. It goes by when a recording ended: a wrong clock can make a recording seem young and so keep
//! it, and one that ends in the future is never old.

use std::collections::BTreeMap;

use hub::StreamName;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil, tz::TimeZone};

use super::{folder::Root, index::Index, layout::place};
use crate::{Disk, Error, Filter, RecordingId, Retention, Store, TimeOfDay};

/// What a sweep checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    Age,
    /// All recordings together, and what the disk has left.
    Sizes,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    pub deleted: u64,
    pub bytes: u64,
    pub removed_folders: u64,
}

/// A recording that may have to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) id: RecordingId,
    pub(crate) end_time: Timestamp,
    pub(crate) bytes: u64,
    /// It counts, but it stays.
    pub(crate) growing: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deletion {
    pub(crate) id: RecordingId,
    pub(crate) bytes: u64,
    pub(crate) reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Age,
    TotalSize,
    FreeSpace,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Age => "older than recording.retention_days",
            Self::TotalSize => "all recordings together are too large",
            Self::FreeSpace => "the disk is nearly full",
        }
    }
}

impl Sweep {
    /// The part of it that this sweep is for.
    fn part_of(self, retention: &Retention) -> Retention {
        match self {
            Self::Age => Retention { max_total_bytes: None, min_free_bytes: 0, ..*retention },
            Self::Sizes => Retention { max_age: std::time::Duration::MAX, ..*retention },
        }
    }
}

/// What has to go, what ended first in front. `disk`: `None` where it is not known; then nothing goes for its sake.
pub(crate) fn decide(
    now: Timestamp,
    candidates: &[Candidate],
    retention: &Retention,
    disk: Option<Disk>,
) -> Vec<Deletion> {
    let oldest = SignedDuration::try_from(retention.max_age).ok().and_then(|age| now.checked_sub(age).ok());
    let max_total = retention.max_total_bytes.unwrap_or(u64::MAX);
    let mut total: u64 = candidates.iter().fold(0, |sum, candidate| sum.saturating_add(candidate.bytes));
    let mut free = disk.map_or(u64::MAX, |disk| disk.free_bytes);

    let mut by_age: Vec<&Candidate> = candidates.iter().filter(|candidate| !candidate.growing).collect();
    by_age.sort_by_key(|candidate| (candidate.end_time, &candidate.id));
    let mut deletions = Vec::new();
    for candidate in by_age {
        let reason = if oldest.is_some_and(|oldest| candidate.end_time < oldest) {
            Reason::Age
        } else if total > max_total {
            Reason::TotalSize
        } else if free < retention.min_free_bytes {
            Reason::FreeSpace
        } else {
            break;
        };
        total = total.saturating_sub(candidate.bytes);
        free = free.saturating_add(candidate.bytes);
        deletions.push(Deletion { id: candidate.id.clone(), bytes: candidate.bytes, reason });
    }
    deletions
}

/// The next time, by the zone of `now`, that it is so late. A time that summer time leaves out comes an hour later that
/// day, and one that comes twice is meant the first time.
pub(crate) fn next_run(now: &Zoned, at: TimeOfDay) -> Timestamp {
    let (hour, minute) = (at.hour.try_into().unwrap_or(-1), at.minute.try_into().unwrap_or(-1));
    let time = civil::Time::new(hour, minute, 0, 0).unwrap_or(civil::Time::midnight());
    // The second day is enough, but where a whole day was left out (Samoa, in December 2011).
    for days in 0..4 {
        let day = now.date().saturating_add(days.days()).to_datetime(time);
        let next = now.time_zone().to_ambiguous_timestamp(day).compatible();
        if let Ok(next) = next
            && next > now.timestamp()
        {
            return next;
        }
    }
    now.timestamp().saturating_add(24.hours()).unwrap_or(Timestamp::MAX)
}

/// Now, by the machine's own time zone, or else by UTC, which the log then says.
pub(crate) fn local_now() -> Zoned {
    let zone = TimeZone::try_system().unwrap_or_else(|error| {
        tracing::warn!(%error, "the machine's time zone is not known: the daily cleanup goes by UTC");
        TimeZone::UTC
    });
    Timestamp::now().to_zoned(zone)
}

impl Store {
    /// Deletes what may not stay, and folders of streams that are empty then. A recording that cannot be deleted is
    /// logged and stays.
    pub fn sweep(&self, now: Timestamp, retention: &Retention, which: Sweep) -> Result<SweepReport, Error> {
        let retention = which.part_of(retention);
        let disk = self.disk().ok();
        let mut report = SweepReport::default();
        if which == Sweep::Age || self.is_too_much(&retention, disk)? {
            for deletion in decide(now, &self.candidates()?, &retention, disk) {
                self.carry_out(&deletion, &mut report);
            }
        }
        if which == Sweep::Age {
            report.removed_folders += self.remove_empty_folders();
        }
        Ok(report)
    }

    /// Saves going through every recording while there is room.
    fn is_too_much(&self, retention: &Retention, disk: Option<Disk>) -> Result<bool, Error> {
        let low = disk.is_some_and(|disk| disk.free_bytes < retention.min_free_bytes);
        let Some(max) = retention.max_total_bytes else { return Ok(low) };
        let kept = self.with_index(|index| index.totals(&Filter::default()))?;
        let others: u64 = self.unindexed().all().iter().map(|(_, metadata, _)| metadata.size_bytes).sum();
        Ok(low || kept.bytes.saturating_add(others) > max)
    }

    fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        let mut candidates = BTreeMap::new();
        for (stream, file, end_time, bytes) in self.with_index(Index::by_age)? {
            let Ok(stream) = stream.parse::<StreamName>() else { continue };
            if let Ok(id) = RecordingId::parse(&stream, &file) {
                candidates.insert(id.clone(), Candidate { id, end_time, bytes, growing: false });
            }
        }
        // On a full disk the index does not take what has ended: it can go all the same.
        for (id, metadata, growing) in self.unindexed().all() {
            let (end_time, bytes) = (metadata.end_time, metadata.size_bytes);
            candidates.insert(id.clone(), Candidate { id, end_time, bytes, growing });
        }
        Ok(candidates.into_values().collect())
    }

    fn carry_out(&self, deletion: &Deletion, report: &mut SweepReport) {
        let path = place(self.directory(), &deletion.id);
        match self.take_away(&deletion.id) {
            Ok((size_bytes, folder)) => {
                report.deleted += 1;
                report.bytes += size_bytes;
                report.removed_folders += u64::from(folder);
                let reason = deletion.reason.as_str();
                tracing::info!(path = %path.display(), size_bytes, reason, "deleted a recording");
            }
            Err(Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a recording that should go cannot be deleted");
            }
        }
    }

    fn remove_empty_folders(&self) -> u64 {
        let Ok(root) = Root::open(self.directory()) else { return 0 };
        let streams = root.streams().unwrap_or_default();
        let mut removed = 0;
        for stream in streams.iter().filter(|stream| root.remove_if_empty(stream)) {
            removed += 1;
            tracing::info!(%stream, "removed the empty folder of a stream");
        }
        removed
    }
}

#[cfg(test)]
mod tests;
