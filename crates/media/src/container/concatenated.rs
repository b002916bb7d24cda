//! JPEG pictures one after the other. A picture's end is found by walking its
//! segments: looking for `FF D9` alone would end at the thumbnail that cameras
//! put inside a segment.

use memchr::memchr;

use super::{DEFAULT_FPS, Track};
use crate::Result;
use crate::source::{MAX_FRAME_BYTES, Source};

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// Finds up to `most` pictures; whatever lies between them is passed over.
pub(super) fn read(source: &Source<'_>, most: usize) -> Result<Track> {
    let mut track = Track { fps: DEFAULT_FPS, ..Track::default() };
    let mut scanner = Scanner::default();
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < source.len() {
        let size = (source.len() - offset).min(PIECE as u64) as usize;
        source.read(offset, &mut piece[..size])?;
        let mut rest = &piece[..size];
        while let Some(found) = scanner.feed(&mut rest) {
            if found.end - found.start > MAX_FRAME_BYTES {
                track.torn += 1;
                continue;
            }
            let time_secs = track.samples.len() as f64 / DEFAULT_FPS;
            track.push(source, found.start, found.end - found.start, time_secs)?;
            if track.samples.len() >= most {
                return Ok(finished(track, &scanner));
            }
        }
        offset += size as u64;
    }
    if scanner.place != Place::Between {
        track.torn += 1;
    }
    Ok(finished(track, &scanner))
}

fn finished(mut track: Track, scanner: &Scanner) -> Track {
    track.torn += scanner.torn;
    track.duration_secs = track.samples.len() as f64 / DEFAULT_FPS;
    track
}

/// Walks the markers of bytes that come in pieces.
#[derive(Debug, Default)]
struct Scanner {
    place: Place,
    /// The last byte was `FF`.
    after_ff: bool,
    /// The current picture has image data.
    scanned: bool,
    /// Where the current picture starts.
    start: u64,
    /// Bytes consumed so far.
    position: u64,
    /// Pictures that ended without an end marker.
    torn: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Looking for the start of a picture.
    #[default]
    Between,
    /// At a marker.
    Marker,
    /// At the first byte of a segment's length.
    Length { scan: bool },
    /// At its second byte.
    LengthEnd { scan: bool, high: u8 },
    /// Inside a segment.
    Segment { scan: bool, left: u16 },
    /// In the compressed data behind a scan's header.
    Data,
}

impl Scanner {
    /// Takes bytes from `input` up to the end of a picture and says where it
    /// lies; `None` once the input is used up.
    fn feed(&mut self, input: &mut &[u8]) -> Option<std::ops::Range<u64>> {
        while let Some(&byte) = input.first() {
            let jump = self.jump(input);
            if jump > 0 {
                *input = &input[jump..];
                self.position += jump as u64;
                continue;
            }
            *input = &input[1..];
            self.position += 1;
            if self.step(byte) {
                self.place = Place::Between;
                if self.scanned {
                    return Some(self.start..self.position);
                }
                self.torn += 1;
            }
        }
        None
    }

    /// How many bytes can be passed over without looking at each.
    fn jump(&mut self, input: &[u8]) -> usize {
        match &mut self.place {
            Place::Segment { left, scan } => {
                let jump = input.len().min(usize::from(*left));
                *left -= jump as u16;
                if *left == 0 {
                    self.place = if *scan { Place::Data } else { Place::Marker };
                }
                jump
            }
            Place::Between | Place::Data if !self.after_ff => memchr(0xFF, input).unwrap_or(input.len()),
            _ => 0,
        }
    }

    /// Takes one byte; true at the end of a picture.
    fn step(&mut self, byte: u8) -> bool {
        let after_ff = std::mem::replace(&mut self.after_ff, false);
        match self.place {
            Place::Length { scan } => self.place = Place::LengthEnd { scan, high: byte },
            Place::LengthEnd { scan, high } => match u16::from_be_bytes([high, byte]).checked_sub(2) {
                None => self.tear(),
                Some(0) if scan => self.place = Place::Data,
                Some(0) => self.place = Place::Marker,
                Some(left) => self.place = Place::Segment { scan, left },
            },
            // Any number of FF may precede a marker (T.81, B.1.1.2).
            _ if byte == 0xFF => self.after_ff = true,
            Place::Marker if !after_ff => self.tear(),
            _ if after_ff => return self.marker(byte),
            _ => {}
        }
        false
    }

    fn marker(&mut self, marker: u8) -> bool {
        let between = self.place == Place::Between;
        match marker {
            SOI => {
                if !between {
                    self.torn += 1;
                }
                self.start = self.position - 2;
                self.scanned = false;
                self.place = Place::Marker;
            }
            _ if between => {}
            EOI => return true,
            0 if self.place == Place::Marker => self.tear(),
            0 | TEM => {}
            _ if RST.contains(&marker) => {}
            _ => {
                self.scanned |= marker == SOS;
                self.place = Place::Length { scan: marker == SOS };
            }
        }
        false
    }

    /// Gives the current picture up.
    fn tear(&mut self) {
        self.torn += 1;
        self.place = Place::Between;
    }
}

#[cfg(test)]
mod tests;
