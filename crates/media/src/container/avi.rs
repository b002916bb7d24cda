//! AVI with MJPG video: our own RIFF walk. The index at the end (`idx1`) is not
//! needed: the frames' chunks are walked, which also reads recordings whose
//! writer never came to its end, and files of several RIFF parts (OpenDML).
//!
//! Source: "AVI RIFF File Reference" (Microsoft) and "OpenDML AVI File Format
//! Extensions" 1.02.

use super::{DEFAULT_FPS, FPS, Track};
use crate::Result;
use crate::source::{Source, four_characters};

/// A chunk or a list: four characters, a length, and where its content lies.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    name: [u8; 4],
    start: u64,
    end: u64,
    /// Where the next one begins: contents are padded to even lengths.
    next: u64,
    /// It claimed to go on beyond what holds it.
    cut: bool,
}

/// The video stream among the file's streams.
#[derive(Debug, Default)]
struct Video {
    /// Its number, as in the chunk name `01dc`.
    number: Option<u8>,
    /// From the bitmap header (`strf`).
    codec: [u8; 4],
    /// From the stream header; the main header's where that says nothing.
    fps: f64,
    header_fps: f64,
}

pub(super) fn read(source: &mut Source<'_>) -> Result<Track> {
    let mut walk = Walk { video: Video::default(), track: Track::default(), ticks: 0, streams: 0 };
    let mut at = 0;
    while let Some(chunk) = next_chunk(source, at, source.len())? {
        if &chunk.name == b"RIFF" {
            walk.riff(source, chunk)?;
        }
        at = chunk.next;
    }
    walk.finish(source)
}

struct Walk {
    video: Video,
    track: Track,
    /// Frame intervals passed; empty chunks stand for a repeated frame.
    ticks: u64,
    streams: u8,
}

impl Walk {
    /// The lists of one RIFF part, behind its form type (`AVI ` or `AVIX`).
    fn riff(&mut self, source: &mut Source<'_>, riff: Chunk) -> Result<()> {
        let mut at = riff.start.saturating_add(4);
        while let Some(chunk) = next_chunk(source, at, riff.end)? {
            if &chunk.name == b"LIST" && chunk.end - chunk.start >= 4 {
                match &source.array::<4>(chunk.start)? {
                    b"hdrl" => self.headers(source, chunk)?,
                    b"movi" => self.movie(source, chunk)?,
                    _ => {}
                }
            }
            at = chunk.next;
        }
        Ok(())
    }

    fn headers(&mut self, source: &mut Source<'_>, list: Chunk) -> Result<()> {
        let mut at = list.start + 4;
        while let Some(chunk) = next_chunk(source, at, list.end)? {
            let size = chunk.end - chunk.start;
            if &chunk.name == b"avih" && size >= 4 {
                let micros = u32::from_le_bytes(source.array(chunk.start)?);
                self.video.header_fps = 1e6 / f64::from(micros);
            }
            if &chunk.name == b"LIST" && size >= 4 && &source.array::<4>(chunk.start)? == b"strl" {
                self.stream(source, chunk)?;
            }
            at = chunk.next;
        }
        Ok(())
    }

    /// One stream's headers; the first video stream is the one that is read.
    fn stream(&mut self, source: &mut Source<'_>, list: Chunk) -> Result<()> {
        let number = self.streams;
        self.streams = self.streams.saturating_add(1);
        if self.video.number.is_some() {
            return Ok(());
        }
        let mut at = list.start + 4;
        while let Some(chunk) = next_chunk(source, at, list.end)? {
            let size = chunk.end - chunk.start;
            // AVISTREAMHEADER: type 0, handler 4, scale 20, rate 24.
            if &chunk.name == b"strh" && size >= 28 {
                let header: [u8; 28] = source.array(chunk.start)?;
                if &header[..4] == b"vids" {
                    self.video.number = Some(number);
                    self.video.codec = le(&header, 4).to_le_bytes();
                    self.video.fps = f64::from(le(&header, 24)) / f64::from(le(&header, 20));
                }
            }
            // BITMAPINFOHEADER: compression at 16. It outranks the handler.
            if &chunk.name == b"strf" && size >= 20 && self.video.number == Some(number) {
                self.video.codec = source.array(chunk.start + 16)?;
            }
            at = chunk.next;
        }
        Ok(())
    }

    /// The frames: chunks `NNdc` or `NNdb`, perhaps in lists called `rec `.
    fn movie(&mut self, source: &mut Source<'_>, list: Chunk) -> Result<()> {
        let number = self.video.number.ok_or_else(|| source.not_jpeg("no video"))?;
        if !is_jpeg(self.video.codec) {
            return Err(source.not_jpeg(four_characters(self.video.codec)));
        }
        let tens = [b'0' + number / 10, b'0' + number % 10];
        let mut at = list.start + 4;
        while let Some(chunk) = next_chunk(source, at, list.end)? {
            at = chunk.next;
            if &chunk.name == b"LIST" {
                // The content of `rec ` is walked as if it lay here.
                at = chunk.start.saturating_add(4);
                continue;
            }
            if chunk.name[..2] != tens || !matches!(&chunk.name[2..], b"dc" | b"db") {
                continue;
            }
            if chunk.cut {
                self.track.torn += 1;
                continue;
            }
            let time_secs = self.ticks as f64 / self.fps();
            let size = chunk.end - chunk.start;
            self.track.push(source, chunk.start, size, time_secs)?;
            self.ticks += 1;
        }
        Ok(())
    }

    fn fps(&self) -> f64 {
        let usable = |fps: &f64| FPS.contains(fps);
        let named = [self.video.fps, self.video.header_fps];
        named.into_iter().find(usable).unwrap_or(DEFAULT_FPS)
    }

    fn finish(mut self, source: &Source<'_>) -> Result<Track> {
        if let Some(first) = self.track.samples.first()
            && (first.bytes < 2 || source.array(first.offset)? != [0xFF, 0xD8])
        {
            return Err(source.not_jpeg(four_characters(self.video.codec)));
        }
        self.track.fps = self.fps();
        self.track.duration_secs = self.ticks as f64 / self.fps();
        Ok(self.track)
    }
}

/// `MJPG` in any case, and `JPEG` of some still capture drivers. Avid's `AVRn`
/// and `LJPG` are other things.
fn is_jpeg(codec: [u8; 4]) -> bool {
    let codec = codec.to_ascii_uppercase();
    &codec == b"MJPG" || &codec == b"JPEG"
}

/// The chunk at `at`, or `None` where `end` leaves no room for one.
///
/// A length beyond the end is taken as "to the end" and marked: a writer that
/// was stopped leaves 0 or nonsense in its outer lists, and a frame half written.
fn next_chunk(source: &mut Source<'_>, at: u64, end: u64) -> Result<Option<Chunk>> {
    if end.saturating_sub(at) < 8 {
        return Ok(None);
    }
    source.count_part(at)?;
    let header: [u8; 8] = source.array(at)?;
    let name = [header[0], header[1], header[2], header[3]];
    let size = u64::from(le(&header, 4));
    let start = at + 8;
    let unfinished = size == 0 && matches!(&name, b"RIFF" | b"LIST");
    let cut = size > end - start;
    let stop = if cut || unfinished { end } else { start + size };
    Ok(Some(Chunk { name, start, end: stop, next: stop + ((stop - start) & 1), cut }))
}

/// The little-endian number at `at`; callers pass headers of fixed size.
fn le(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}
