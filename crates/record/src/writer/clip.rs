//! Saving the last moments of a stream as a file of their own: copied out of its recordings, or else written from what
//! the ring still holds.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hub::{Class, Rule, Start, Stream};
use jiff::Timestamp;
use media::fmp4::{self, Track, ticks};

use super::{
    encoder::{self, Encoder},
    fragment::{Fragment, Missing},
    segment::{self, Segment, usual_duration},
    timeline::Timeline,
};
use crate::{
    Codec, Error, Filter, Kind, Metadata, OpenFile, Order, RecordingId, clock::ClockOffset, context::Context,
};

/// Recordings that a clip may be put together from.
const MAX_PARTS: usize = 1000;

pub(crate) fn save(context: &Context, stream: &Stream, span: Duration) -> Result<Metadata, Error> {
    // A stream that rests keeps its last minute.
    let newest = stream.newest().map_or_else(SystemTime::now, |frame| frame.received.wall);
    let from = newest.checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH);
    let saved = match from_recordings(context, stream, from)? {
        Some(metadata) => Some(metadata),
        None => from_ring(context, stream, from)?,
    };
    saved.ok_or_else(|| Error::NothingToSave { stream: stream.name().clone(), seconds: span.as_secs() })
}

// ---- from recordings ----

/// A recording that a part of the clip comes from.
struct Part {
    open: OpenFile,
    reader: fmp4::Reader,
}

fn from_recordings(context: &Context, stream: &Stream, from: SystemTime) -> Result<Option<Metadata>, Error> {
    let from = Timestamp::try_from(from).unwrap_or(Timestamp::UNIX_EPOCH);
    let parts = parts(context, stream, from)?;
    context.room.check_new(parts.iter().map(|part| part.bytes_from(from)).sum())?;
    let mut clip: Option<Segment> = None;
    for part in &parts {
        if let Err(error) = copy(context, stream, from, part, &mut clip) {
            clip.into_iter().for_each(Segment::discard);
            return Err(error);
        }
    }
    clip.map_or(Ok(None), Segment::finish)
}

impl Part {
    fn skipped(&self, from: Timestamp) -> u64 {
        ticks(from.duration_since(self.open.metadata.start_time).try_into().unwrap_or_default())
    }

    fn first_fragment(&self, from: Timestamp) -> usize {
        self.reader.fragment_at(self.skipped(from)).unwrap_or(0)
    }

    /// What a copy from `from` on takes on the disk.
    fn bytes_from(&self, from: Timestamp) -> u64 {
        let first = self.reader.fragments().get(self.first_fragment(from));
        first.map_or(0, |first| self.reader.whole_bytes().saturating_sub(first.offset))
    }
}

/// The newest recordings back to `from` that one file can hold: of one size and codec.
fn parts(context: &Context, stream: &Stream, from: Timestamp) -> Result<Vec<Part>, Error> {
    let filter = Filter {
        stream: Some(stream.name().clone()),
        from: Some(from),
        order: Order::Newest,
        limit: MAX_PARTS,
        ..Filter::default()
    };
    let mut parts: Vec<Part> = Vec::new();
    for metadata in context.store.list(&filter)?.recordings {
        if metadata.kind == Kind::Clip {
            continue;
        }
        let Ok(id) = RecordingId::parse(stream.name(), &metadata.file) else { continue };
        // One that has gone meanwhile, or is not ours, is no part.
        let Ok(open) = context.store.open(&id) else { continue };
        let Some(reader) =
            open.file.try_clone().ok().and_then(|file| fmp4::Reader::open(file, &open.path).ok())
        else {
            continue;
        };
        if parts.first().is_some_and(|newest| newest.reader.track() != reader.track()) {
            break;
        }
        parts.push(Part { open, reader });
    }
    parts.reverse();
    Ok(parts)
}

fn copy(
    context: &Context,
    stream: &Stream,
    from: Timestamp,
    part: &Part,
    clip: &mut Option<Segment>,
) -> Result<(), Error> {
    let began = part.open.metadata.start_time;
    let (skipped, first) = (part.skipped(from), part.first_fragment(from));
    // On a timeline that all parts share: since the epoch.
    let offset = ticks(began.duration_since(Timestamp::UNIX_EPOCH).try_into().unwrap_or_default());
    let mut missing = gaps(&part.open.metadata, from, offset, began);
    for index in first..part.reader.fragments().len() {
        let mut fragment = read(part, index, skipped)?;
        let Some(start) = fragment.start() else { continue };
        fragment.wall = SystemTime::from(began).checked_add(fmp4::duration(start));
        for sample in &mut fragment.samples {
            sample.time += offset;
        }
        fragment.missing = std::mem::take(&mut missing);
        let segment = match clip {
            Some(segment) => segment,
            None => {
                let (codec, track) = (part.open.metadata.codec, part.reader.track().clone());
                clip.insert(new_clip(context, stream, codec, track, &fragment)?)
            }
        };
        context.room.check_new(fragment.bytes as u64)?;
        segment.append(&fragment)?;
    }
    Ok(())
}

/// One fragment's samples from `skipped` on: where each stands for itself, to the frame; else from the fragment's
/// beginning, which is where decoding starts.
fn read(part: &Part, index: usize, skipped: u64) -> Result<Fragment, Error> {
    let each_stands_alone = part.open.metadata.codec != Codec::H264;
    let mut fragment = Fragment::default();
    for placed in part.reader.samples(index)? {
        if each_stands_alone && placed.sample.time < skipped {
            continue;
        }
        let payload = Bytes::from(part.reader.read(&placed)?);
        fragment.bytes += payload.len();
        fragment.payloads.push(payload);
        fragment.samples.push(placed.sample);
    }
    Ok(fragment)
}

fn gaps(metadata: &Metadata, from: Timestamp, offset: u64, began: Timestamp) -> Vec<Missing> {
    let within = metadata.gaps.iter().filter(|gap| gap.at >= from);
    let missing = within.map(|gap| {
        let at = offset + ticks(gap.at.duration_since(began).try_into().unwrap_or_default());
        let length = Duration::try_from_secs_f64(gap.seconds).unwrap_or_default();
        Missing { from: at, until: at + ticks(length), frames: gap.frames }
    });
    missing.collect()
}

// ---- from the ring ----

fn from_ring(context: &Context, stream: &Stream, from: SystemTime) -> Result<Option<Metadata>, Error> {
    let subscribed = stream.subscribe(Rule::InOrder, Class::Service, Start::Oldest);
    let Ok(mut subscriber) = subscribed else { return Ok(None) };
    let config = &context.config;
    let mut timeline = Timeline::new(config.target_fps);
    let mut fragment = Fragment::default();
    let mut encoder: Option<Encoder> = None;
    while let Some(delivery) = subscriber.try_recv() {
        let frame = &delivery.frame;
        if frame.received.wall < from || !encoder::is_recordable(frame) {
            continue;
        }
        if encoder.as_ref().is_some_and(|encoder| !encoder.takes(frame)) {
            // Of another size than what follows: the clip begins here.
            (encoder, fragment) = (None, Fragment::default());
        }
        let Some(time) = timeline.place(frame) else { continue };
        let coded = Encoder::code(&mut encoder, frame, fragment.is_empty(), config.codec, config.target_fps)?;
        fragment.push(frame, coded.payload, coded.key, time, usual_duration(config.target_fps));
    }
    let Some(encoder) = encoder.filter(|_| !fragment.is_empty()) else { return Ok(None) };
    context.room.check_new(fragment.bytes as u64)?;
    let mut clip = new_clip(context, stream, config.codec, encoder.track, &fragment)?;
    // The ring is bounded, and so is what is taken out of it at once: one fragment holds it.
    if let Err(error) = clip.append(&fragment) {
        clip.discard();
        return Err(error);
    }
    clip.finish()
}

fn new_clip(
    context: &Context,
    stream: &Stream,
    codec: Codec,
    track: Track,
    first: &Fragment,
) -> Result<Segment, Error> {
    let spec = segment::SegmentSpec {
        store: &context.store,
        syncer: &context.syncer,
        stream: stream.name(),
        kind: Kind::Clip,
        codec,
        target_fps: context.config.target_fps,
        track,
        start: first.wall.unwrap_or(SystemTime::UNIX_EPOCH),
        told_by: ClockOffset::now(),
    };
    Segment::create(spec, first.start().unwrap_or(0))
}
