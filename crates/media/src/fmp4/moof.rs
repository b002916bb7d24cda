//! Reading a fragment's head back: where its samples lie and when they are shown.

use super::extra;
use super::fragment::{IS_NOT_SYNC, TRUN_FLAGS};
use super::recording::{MAX_HEAD_BYTES, Placed, Sample, TRACK};
use crate::Result;
use crate::mp4::boxes::{Area, Found, child, each};
use crate::mp4::fragment::{Entry, Header, Run as Table, decode_time};
use crate::source::{MAX_FRAME_BYTES, Source};

/// The samples of one fragment.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) time: u64,
    /// Where the last sample's time ends.
    pub(super) end_time: u64,
    /// Where the media begins and ends in the file.
    pub(super) media: Area,
    /// Without number, time of capture and metadata.
    pub(super) samples: Vec<Placed>,
    traf: Area,
}

impl Run {
    /// Reads a `moof`, or `None` where it is not as we write them.
    pub(super) fn read(source: &mut Source<'_>, moof: Found) -> Result<Option<Self>> {
        if moof.next - moof.begin > MAX_HEAD_BYTES {
            return Ok(None);
        }
        let Some(traf) = child(source, moof.content, b"traf")? else {
            return Ok(None);
        };
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (part, name) in parts.iter_mut().zip([b"tfhd", b"tfdt", b"trun"]) {
            let Some(area) = child(source, traf, name)? else {
                return Ok(None);
            };
            *part = source.bytes(area.start, area.end)?;
        }
        let [tfhd, tfdt, trun] = parts;
        Ok(Self::parse(moof.begin, traf, &tfhd, &tfdt, &trun))
    }

    fn parse(moof: u64, traf: Area, tfhd: &[u8], tfdt: &[u8], trun: &[u8]) -> Option<Self> {
        let header = Header::parse(tfhd)?;
        let time = decode_time(tfdt)?;
        let mut table = Table::parse(trun)?;
        let ours = header.flags == Header::BASE_IS_MOOF && header.track == TRACK && table.flags == TRUN_FLAGS;
        let count = table.count as usize;
        if !ours
            || !tfdt.starts_with(&[1, 0, 0, 0])
            || count == 0
            || trun.len() as u64 != 12 + 12 * count as u64
        {
            return None;
        }
        let start = moof.checked_add_signed(i64::from(table.data_offset?))?;
        let media = Area { start, end: start };
        let mut run = Self { time, end_time: time, media, samples: Vec::with_capacity(count), traf };
        for _ in 0..count {
            run.push(table.next()?)?;
        }
        Some(run)
    }

    fn push(&mut self, entry: Entry) -> Option<()> {
        let (duration, bytes, flags) = (entry.duration?, entry.size?, entry.flags?);
        if bytes == 0 || u64::from(bytes) > MAX_FRAME_BYTES {
            return None;
        }
        let sample = Sample {
            time: self.end_time,
            duration,
            bytes,
            key: flags & IS_NOT_SYNC == 0,
            seq: 0,
            captured: None,
            metadata: None,
        };
        self.samples.push(Placed { sample, offset: self.media.end });
        self.end_time = self.end_time.checked_add(u64::from(duration))?;
        self.media.end = self.media.end.checked_add(u64::from(bytes))?;
        Some(())
    }

    /// Fills in what our own box says of the samples.
    pub(super) fn read_extra(&mut self, source: &mut Source<'_>) -> Result<()> {
        each(source, self.traf, b"uuid", |source, uuid| {
            let content = source.bytes(uuid.content.start, uuid.content.end)?;
            extra::read(&content, &mut self.samples);
            Ok(())
        })
    }
}
