//! One recording read as frames: which samples of a fragment are wanted, and their pictures as JPEG.

use std::{
    time::{Duration, Instant, SystemTime},
    vec,
};

use hub::{CaptureTime, Format, Frame, Moment};
use jiff::Timestamp;
use media::{
    fmp4::{Codec, Placed, Reader, duration, ticks},
    h264::Decoder,
};

use crate::{Error, OpenFile, RecordingId};

/// For pictures that have to be coded again: viewers cannot see the difference.
const QUALITY: u8 = 85;

#[derive(Debug)]
pub(super) struct RecordingReader {
    pub(super) id: RecordingId,
    pub(super) start: Timestamp,
    reader: Reader,
    /// False once nothing more comes.
    pub(super) growing: bool,
}

/// What is left to read of a fragment.
#[derive(Debug)]
pub(super) struct Strip {
    picks: vec::IntoIter<Pick>,
    /// Of an H.264 recording. A fragment begins with a key frame, so each has its own.
    decoder: Option<Decoder>,
    /// The time of the last sample that is wanted.
    pub(super) last: Option<Duration>,
    /// When the fragment's first sample is shown, by the recording's clock and in its own time.
    wall: SystemTime,
    begin: u64,
}

/// A sample, and whether its picture is wanted or only leads to a wanted one.
#[derive(Debug)]
struct Pick {
    placed: Placed,
    wanted: bool,
}

impl RecordingReader {
    pub(super) fn new(open: OpenFile) -> Result<Self, Error> {
        let reader = Reader::open(open.file, &open.path).map_err(Error::reading)?;
        Ok(Self { id: open.id, start: open.metadata.start_time, reader, growing: open.growing })
    }

    /// Its length as far as it is written.
    pub(super) fn end(&self) -> Duration {
        duration(self.reader.end_time())
    }

    pub(super) fn fragments(&self) -> usize {
        self.reader.fragments().len()
    }

    /// The last that begins at or before `time`, else the first.
    pub(super) fn fragment_at(&self, time: Duration) -> usize {
        self.reader.fragment_at(ticks(time)).unwrap_or(0)
    }

    pub(super) fn is_growing(&self) -> bool {
        self.growing && !self.reader.finished()
    }

    /// Looks for fragments that came since; whether there are any.
    pub(super) fn refresh(&mut self) -> Result<bool, Error> {
        self.reader.refresh().map_err(Error::reading)
    }

    /// The frames of a fragment, without those that have a newer one at or before `from`, and those nearer than `step`
    /// to the one before, of which `last` is the time.
    pub(super) fn strip(
        &self,
        fragment: usize,
        from: Duration,
        last: Option<Duration>,
        step: Duration,
    ) -> Result<Strip, Error> {
        let samples = self.reader.samples(fragment).map_err(Error::reading)?;
        let begin = samples.first().map_or(0, |first| first.sample.time);
        let wall = SystemTime::from(self.start) + duration(begin);
        let (picks, last) = pick(samples, from, last, step);
        let decoder = if picks.is_empty() { None } else { self.decoder()? };
        Ok(Strip { picks: picks.into_iter(), decoder, last, wall, begin })
    }

    fn decoder(&self) -> Result<Option<Decoder>, Error> {
        let track = self.reader.track();
        let Codec::H264 { sps, pps } = &track.codec else { return Ok(None) };
        Ok(Some(Decoder::new(sps, pps)?.cropped(track.width, track.height)))
    }

    fn frame(&self, placed: Placed, payload: Vec<u8>, wall: SystemTime) -> Frame {
        let track = self.reader.track();
        let sample = placed.sample;
        Frame {
            seq: sample.seq,
            received: Moment { mono: Instant::now(), wall },
            payload: payload.into(),
            format: Format::jpeg(track.width, track.height),
            captured: sample.captured.and_then(CaptureTime::from_unix_secs),
            source_seq: None,
            metadata: sample.metadata,
        }
    }
}

impl Strip {
    /// The next wanted frame and its time in the recording. After an error there is nothing more to be had.
    pub(super) fn next(&mut self, reader: &RecordingReader) -> Option<Result<(Duration, Frame), Error>> {
        loop {
            let pick = self.picks.next()?;
            let time = pick.placed.sample.time;
            match self.picture(reader, &pick) {
                Ok(Some(jpeg)) => {
                    let wall = self.wall + duration(time.saturating_sub(self.begin));
                    return Some(Ok((duration(time), reader.frame(pick.placed, jpeg, wall))));
                }
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// `None` if it is not wanted, or the sample holds none.
    fn picture(&mut self, reader: &RecordingReader, pick: &Pick) -> Result<Option<Vec<u8>>, Error> {
        let Some(decoder) = &mut self.decoder else {
            return if pick.wanted { Ok(Some(reader.reader.read(&pick.placed)?)) } else { Ok(None) };
        };
        let decoded = decoder.decode(&reader.reader.read(&pick.placed)?)?;
        Ok(decoded.filter(|_| pick.wanted).map(|picture| picture.to_jpeg(QUALITY)).transpose()?)
    }
}

/// The samples that have to be read, and the time of the last one that is wanted.
fn pick(
    samples: Vec<Placed>,
    from: Duration,
    mut last: Option<Duration>,
    step: Duration,
) -> (Vec<Pick>, Option<Duration>) {
    let times: Vec<Duration> = samples.iter().map(|placed| duration(placed.sample.time)).collect();
    let mut picks = Vec::with_capacity(samples.len());
    let mut end = 0;
    for (at, placed) in samples.into_iter().enumerate() {
        let overtaken = times.get(at + 1).is_some_and(|&newer| newer <= from);
        let too_near = last.is_some_and(|last| times[at] < last.saturating_add(step));
        let wanted = !overtaken && !too_near;
        if wanted {
            last = Some(times[at]);
            end = at + 1;
        }
        picks.push(Pick { placed, wanted });
    }
    picks.truncate(end);
    (picks, if end > 0 { last } else { None })
}
