//! Movie fragments (14496-12, 8.8): each `moof` lists the samples of the `mdat`
//! behind it, with defaults in the fragment's and in the movie's header.

use super::Collected;
use crate::Result;
use crate::mp4::boxes::{Area, Fields, Found, child, each};
use crate::mp4::fragment::{Header, PER_SAMPLE, Run, decode_time};
use crate::source::Source;

/// What a sample has when its run does not say.
#[derive(Clone, Copy, Debug, Default)]
struct Defaults {
    duration: u32,
    size: u32,
}

/// Reads all fragments of the file for one track.
pub(super) fn read(source: &mut Source<'_>, moov: Area, track: u32, collected: &mut Collected) -> Result<()> {
    let defaults = movie_defaults(source, moov, track)?;
    let mut fragments = Fragments { track, defaults, time: collected.end, collected };
    let rest = Area { start: moov.end, end: source.len() };
    each(source, rest, b"moof", |source, moof| fragments.fragment(source, moof))
}

/// `trex` of the track.
fn movie_defaults(source: &mut Source<'_>, moov: Area, track: u32) -> Result<Defaults> {
    let mut defaults = None;
    let Some(mvex) = child(source, moov, b"mvex")? else {
        return Ok(Defaults::default());
    };
    each(source, mvex, b"trex", |source, trex| {
        if trex.content.end - trex.content.start >= 20 {
            let content: [u8; 20] = source.array(trex.content.start)?;
            let mut fields = Fields::new(&content[4..]);
            let (id, _entry) = (fields.u32(), fields.u32());
            if id == Some(track) && defaults.is_none() {
                let (duration, size) = (fields.u32().unwrap_or(0), fields.u32().unwrap_or(0));
                defaults = Some(Defaults { duration, size });
            }
        }
        Ok(())
    })?;
    Ok(defaults.unwrap_or_default())
}

struct Fragments<'c> {
    track: u32,
    defaults: Defaults,
    /// Where the last sample's time ended.
    time: u64,
    collected: &'c mut Collected,
}

/// Where the samples of one track in one fragment lie.
struct Place {
    wanted: bool,
    /// What offsets count from.
    base: u64,
    /// Where a run without an offset of its own begins.
    next: u64,
    defaults: Defaults,
}

impl Fragments<'_> {
    fn fragment(&mut self, source: &mut Source<'_>, moof: Found) -> Result<()> {
        // Without an offset of its own, a track's data follows the previous track's.
        let mut data_end = moof.begin;
        each(source, moof.content, b"traf", |source, traf| {
            let Some(mut place) = self.place(source, traf.content, moof.begin, data_end)? else {
                return Ok(());
            };
            each(source, traf.content, b"trun", |source, trun| {
                let bytes = source.bytes(trun.content.start, trun.content.end)?;
                self.run(source, trun.content.start, &bytes, &mut place)
            })?;
            data_end = place.next;
            Ok(())
        })
    }

    /// Reads the headers of one track's part (`tfhd`, `tfdt`).
    fn place(
        &mut self,
        source: &mut Source<'_>,
        traf: Area,
        moof: u64,
        data_end: u64,
    ) -> Result<Option<Place>> {
        let Some(tfhd) = child(source, traf, b"tfhd")? else {
            return Ok(None);
        };
        let header = Header::parse(&source.bytes(tfhd.start, tfhd.end)?)
            .ok_or_else(|| source.broken(tfhd.start, "a fragment's header (tfhd) is too short"))?;
        let wanted = header.track == self.track;
        if wanted && let Some(tfdt) = child(source, traf, b"tfdt")? {
            let time = decode_time(&source.bytes(tfdt.start, tfdt.end)?)
                .ok_or_else(|| source.broken(tfdt.start, "a fragment's time (tfdt) is too short"))?;
            self.time = time;
        }
        let moof_or_behind = if header.flags & Header::BASE_IS_MOOF != 0 { moof } else { data_end };
        let base = header.base.unwrap_or(moof_or_behind);
        let duration = header.duration.unwrap_or(self.defaults.duration);
        let size = header.size.unwrap_or(self.defaults.size);
        Ok(Some(Place { wanted, base, next: base, defaults: Defaults { duration, size } }))
    }

    fn run(&mut self, source: &Source<'_>, at: u64, bytes: &[u8], place: &mut Place) -> Result<()> {
        let short = || source.broken(at, "a fragment's table (trun) is too short");
        let mut run = Run::parse(bytes).ok_or_else(short)?;
        if let Some(offset) = run.data_offset {
            place.next = place.base.saturating_add_signed(i64::from(offset));
        }
        if !place.wanted && run.flags & PER_SAMPLE == 0 {
            // Four billion samples of another track cost no loop.
            let bytes = u64::from(run.count) * u64::from(place.defaults.size);
            place.next = place.next.saturating_add(bytes);
            return Ok(());
        }
        for _ in 0..run.count {
            let entry = run.next().ok_or_else(short)?;
            let size = u64::from(entry.size.unwrap_or(place.defaults.size));
            if place.wanted {
                let duration = entry.duration.unwrap_or(place.defaults.duration);
                self.collected.push(source, place.next, size, self.time, duration)?;
                self.time = self.time.saturating_add(u64::from(duration));
            }
            place.next = place.next.saturating_add(size);
        }
        Ok(())
    }
}
