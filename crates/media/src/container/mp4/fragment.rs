//! Movie fragments (14496-12, 8.8): each `moof` lists the samples of the `mdat`
//! behind it, with defaults in the fragment's and in the movie's header.

use super::Collected;
use super::boxes::{Area, Fields, Found, child, next_box};
use crate::Result;
use crate::container::source::Source;

/// Flags of `trun` that put a field into each sample's entry.
const PER_SAMPLE: u32 = 0xF00;

/// What a sample has when its run does not say.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    duration: u32,
    size: u32,
}

/// Reads all fragments of the file for one track.
pub(super) fn read(source: &mut Source<'_>, moov: Area, track: u32, collected: &mut Collected) -> Result<()> {
    let defaults = movie_defaults(source, moov, track)?;
    let mut at = moov.end;
    let mut time = collected.end;
    while let Some(found) = next_box(source, at, source.len())? {
        if &found.name == b"moof" {
            fragment(source, found, track, defaults, &mut time, collected)?;
        }
        at = found.next;
    }
    Ok(())
}

/// `trex` of the track.
fn movie_defaults(source: &mut Source<'_>, moov: Area, track: u32) -> Result<Defaults> {
    let Some(mvex) = child(source, moov, b"mvex")? else {
        return Ok(Defaults::default());
    };
    let mut at = mvex.start;
    while let Some(found) = next_box(source, at, mvex.end)? {
        at = found.next;
        let size = found.content.end - found.content.start;
        if &found.name != b"trex" || size < 20 {
            continue;
        }
        let content: [u8; 20] = source.array(found.content.start)?;
        let mut fields = Fields::new(&content[4..]);
        let (id, _entry) = (fields.u32(), fields.u32());
        if id == Some(track) {
            return Ok(Defaults { duration: fields.u32().unwrap_or(0), size: fields.u32().unwrap_or(0) });
        }
    }
    Ok(Defaults::default())
}

fn fragment(
    source: &mut Source<'_>,
    moof: Found,
    track: u32,
    defaults: Defaults,
    time: &mut u64,
    collected: &mut Collected,
) -> Result<()> {
    // Without an offset of its own, a track's data follows the previous track's.
    let mut data_end = moof.begin;
    let mut at = moof.content.start;
    while let Some(found) = next_box(source, at, moof.content.end)? {
        at = found.next;
        if &found.name != b"traf" {
            continue;
        }
        let Some(header) = Header::read(source, found.content, moof.begin, data_end, defaults)? else {
            continue;
        };
        if header.track == track
            && let Some(start) = decode_time(source, found.content)?
        {
            *time = start;
        }
        let mut runs = Runs { header, next_offset: header.base, wanted: header.track == track, time };
        runs.read(source, found.content, collected)?;
        data_end = runs.next_offset;
    }
    Ok(())
}

/// `tfhd`: the track, where its data is counted from, and defaults.
#[derive(Clone, Copy, Debug)]
struct Header {
    track: u32,
    base: u64,
    defaults: Defaults,
}

impl Header {
    fn read(
        source: &mut Source<'_>,
        traf: Area,
        moof: u64,
        data_end: u64,
        defaults: Defaults,
    ) -> Result<Option<Self>> {
        let Some(tfhd) = child(source, traf, b"tfhd")? else {
            return Ok(None);
        };
        let bytes = source.bytes(tfhd.start, tfhd.end)?;
        let Some(header) = Self::parse(&bytes, moof, data_end, defaults) else {
            return Err(source.broken(tfhd.start, "a fragment's header (tfhd) is too short"));
        };
        Ok(Some(header))
    }

    fn parse(bytes: &[u8], moof: u64, data_end: u64, defaults: Defaults) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let flags = fields.u32()?;
        let track = fields.u32()?;
        let base = match flags {
            _ if flags & 0x1 != 0 => fields.u64()?,
            _ if flags & 0x2_0000 != 0 => moof,
            _ => data_end,
        };
        fields.u32_if(flags & 0x2 != 0)?;
        let duration = fields.u32_if(flags & 0x8 != 0)?;
        let size = fields.u32_if(flags & 0x10 != 0)?;
        Some(Self {
            track,
            base,
            defaults: Defaults {
                duration: duration.unwrap_or(defaults.duration),
                size: size.unwrap_or(defaults.size),
            },
        })
    }
}

/// `tfdt`: the time of the fragment's first sample.
fn decode_time(source: &mut Source<'_>, traf: Area) -> Result<Option<u64>> {
    let Some(tfdt) = child(source, traf, b"tfdt")? else {
        return Ok(None);
    };
    let version = source.array::<1>(tfdt.start)?[0];
    let time = if version == 1 {
        u64::from_be_bytes(source.array(tfdt.start + 4)?)
    } else {
        u64::from(u32::from_be_bytes(source.array(tfdt.start + 4)?))
    };
    Ok(Some(time))
}

/// The runs (`trun`) of one track in one fragment.
struct Runs<'t> {
    header: Header,
    /// Where a run without an offset of its own begins.
    next_offset: u64,
    wanted: bool,
    time: &'t mut u64,
}

impl Runs<'_> {
    fn read(&mut self, source: &mut Source<'_>, traf: Area, collected: &mut Collected) -> Result<()> {
        let mut at = traf.start;
        while let Some(found) = next_box(source, at, traf.end)? {
            at = found.next;
            if &found.name != b"trun" {
                continue;
            }
            let bytes = source.bytes(found.content.start, found.content.end)?;
            self.run(source, found.content.start, &bytes, collected)?;
        }
        Ok(())
    }

    fn run(&mut self, source: &Source<'_>, at: u64, bytes: &[u8], collected: &mut Collected) -> Result<()> {
        let short = "a fragment's table (trun) is too short";
        let mut fields = Fields::new(bytes);
        let (Some(flags), Some(count)) = (fields.u32(), fields.u32()) else {
            return Err(source.broken(at, short));
        };
        let Some(data_offset) = fields.u32_if(flags & 0x1 != 0) else {
            return Err(source.broken(at, short));
        };
        if let Some(data_offset) = data_offset {
            let data_offset = i64::from(data_offset.cast_signed());
            self.next_offset = self.header.base.saturating_add_signed(data_offset);
        }
        let first_flags = fields.u32_if(flags & 0x4 != 0);
        if first_flags.is_none() {
            return Err(source.broken(at, short));
        }
        if !self.wanted && flags & PER_SAMPLE == 0 {
            // Four billion samples of another track cost no loop.
            let bytes = u64::from(count) * u64::from(self.header.defaults.size);
            self.next_offset = self.next_offset.saturating_add(bytes);
            return Ok(());
        }
        for _ in 0..count {
            let Some((duration, size)) = self.entry(&mut fields, flags) else {
                return Err(source.broken(at, short));
            };
            if self.wanted {
                let offset = self.next_offset;
                collected.push(source, offset, u64::from(size), *self.time, duration)?;
                *self.time = self.time.saturating_add(u64::from(duration));
            }
            self.next_offset = self.next_offset.saturating_add(u64::from(size));
        }
        Ok(())
    }

    /// Duration and size of the next sample.
    fn entry(&self, fields: &mut Fields<'_>, flags: u32) -> Option<(u32, u32)> {
        let duration = fields.u32_if(flags & 0x100 != 0)?;
        let size = fields.u32_if(flags & 0x200 != 0)?;
        fields.u32_if(flags & 0x400 != 0)?;
        fields.u32_if(flags & 0x800 != 0)?;
        let defaults = self.header.defaults;
        Some((duration.unwrap_or(defaults.duration), size.unwrap_or(defaults.size)))
    }
}
