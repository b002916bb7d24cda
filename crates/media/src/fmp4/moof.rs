//! Reading a fragment's head back: where its samples lie and when they are shown.

use super::fragment::{IS_NOT_SYNC, TRUN_FLAGS};
use super::{MAX_HEAD_BYTES, Placed, Sample, TRACK, extra};
use crate::Result;
use crate::container::MAX_FRAME_BYTES;
use crate::container::mp4::boxes::{Area, Fields, Found, child, next_box};
use crate::container::source::Source;

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
        let mut fields = Fields::new(tfhd);
        if fields.u32()? != 0x2_0000 || fields.u32()? != TRACK {
            return None;
        }
        let mut fields = Fields::new(tfdt);
        if fields.u32()? != 1 << 24 {
            return None;
        }
        let time = fields.u64()?;

        let mut fields = Fields::new(trun);
        if fields.u32()? != TRUN_FLAGS {
            return None;
        }
        let count = fields.u32()? as usize;
        if count == 0 || trun.len() as u64 != 12 + 12 * count as u64 {
            return None;
        }
        let start = moof.checked_add(u64::from(fields.u32()?))?;
        let mut run = Self {
            time,
            end_time: time,
            media: Area { start, end: start },
            samples: Vec::with_capacity(count),
            traf,
        };
        for _ in 0..count {
            run.push(&mut fields)?;
        }
        Some(run)
    }

    /// Reads the table's next entry.
    fn push(&mut self, fields: &mut Fields<'_>) -> Option<()> {
        let (duration, bytes, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
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
        let mut at = self.traf.start;
        while let Some(found) = next_box(source, at, self.traf.end)? {
            if &found.name == b"uuid" {
                let content = source.bytes(found.content.start, found.content.end)?;
                extra::read(&content, &mut self.samples);
            }
            at = found.next;
        }
        Ok(())
    }
}
