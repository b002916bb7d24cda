//! Concatenated JPEGs (a `.mjpeg` file, a camera's pipe) cut into whole ones.
//!
//! The splitter walks the segments by their lengths, so that a thumbnail inside an APP1 segment, which is a JPEG of
//! its own, does not end the frame. In entropy-coded data it looks at 0xFF alone. A look for FF D9 would be shorter
//! and wrong.
//!
//! It never fails: what makes no sense is dropped and counted, and it goes on at the next SOI. After damage that next
//! SOI can be a thumbnail's; the frame after it is right again. A frame over the limit makes sense: it is walked to
//! its end, and only not kept.

use bytes::Bytes;

use super::{marker, probe::is_padding};
use crate::buffer::{Buffer, Length};

/// Cuts a stream of JPEGs; see the head of this file.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    frame: Buffer,
    has_scan: bool,
    /// The frame at hand has passed the limit: it is counted and not kept.
    is_oversized: bool,
    skipped_bytes: u64,
    torn: u64,
    oversized: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between frames, looking for 0xFF.
    Outside,
    /// Between frames, after a 0xFF.
    OutsideFf,
    /// A segment must begin here.
    Marker,
    /// After a 0xFF where a segment begins.
    MarkerCode,
    /// The first byte of a segment's length.
    LengthHigh { scan: bool },
    /// The second one.
    LengthLow { scan: bool, high: u8 },
    /// Inside a segment.
    Segment { scan: bool, remaining: usize },
    /// Inside entropy-coded data.
    Entropy,
    /// After a 0xFF in entropy-coded data.
    EntropyFf,
}

impl Splitter {
    /// A splitter that drops frames of more than `max_frame_bytes`.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self {
            state: State::Outside,
            frame: Buffer::new(max_frame_bytes),
            has_scan: false,
            is_oversized: false,
            skipped_bytes: 0,
            torn: 0,
            oversized: 0,
        }
    }

    /// Takes bytes off the front of `input` until a frame is whole or the input is used up.
    ///
    /// Call it again with what is left until it gives `None`. Each byte of a frame is copied once.
    pub fn feed(&mut self, input: &mut &[u8]) -> Option<Bytes> {
        while !input.is_empty() {
            match self.state {
                State::Outside => self.seek(input),
                State::Segment { scan, remaining } => self.segment(input, scan, remaining),
                State::Entropy => self.entropy(input),
                _ => {
                    if self.step(input) {
                        return Some(self.frame.take());
                    }
                }
            }
        }
        None
    }

    /// Whether a frame has begun and is not whole.
    pub fn in_picture(&self) -> bool {
        !matches!(self.state, State::Outside | State::OutsideFf)
    }

    /// Tells that the stream has ended, and gives the frame that it broke off in, if that has come as far as its pixels.
    pub fn finish(&mut self) -> Option<Bytes> {
        let has_pixels = matches!(self.state, State::Entropy | State::EntropyFf) && !self.is_oversized;
        self.state = State::Outside;
        has_pixels.then(|| self.frame.take())
    }

    /// Bytes between frames that belonged to none and were no padding, and bytes of dropped frames.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// Frames that were dropped because they broke off or made no sense.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Frames that were dropped because they passed the limit.
    pub fn oversized(&self) -> u64 {
        self.oversized
    }

    fn seek(&mut self, input: &mut &[u8]) {
        let found = memchr::memchr(0xFF, input);
        let (garbage, rest) = input.split_at(found.unwrap_or(input.len()));
        self.skipped_bytes += garbage.iter().filter(|byte| !is_padding(**byte)).count() as u64;
        *input = rest;
        if found.is_some() {
            *input = &rest[1..];
            self.state = State::OutsideFf;
        }
    }

    fn segment(&mut self, input: &mut &[u8], scan: bool, remaining: usize) {
        let taken = remaining.min(input.len());
        let (here, rest) = input.split_at(taken);
        *input = rest;
        self.keep(here);
        self.state = match remaining - taken {
            0 if scan => State::Entropy,
            0 => State::Marker,
            remaining => State::Segment { scan, remaining },
        };
    }

    fn entropy(&mut self, input: &mut &[u8]) {
        let found = memchr::memchr(0xFF, input);
        let (here, rest) = input.split_at(found.map_or(input.len(), |at| at + 1));
        *input = rest;
        self.keep(here);
        if found.is_some() {
            self.state = State::EntropyFf;
        }
    }

    /// Takes one byte in the states that look at single ones; true when it ended a frame.
    fn step(&mut self, input: &mut &[u8]) -> bool {
        let byte = input[0];
        let next = match (self.state, byte) {
            (State::OutsideFf, marker::SOI) => {
                *input = &input[1..];
                self.begin();
                return false;
            }
            (State::OutsideFf, 0xFF) => State::OutsideFf,
            (State::OutsideFf, _) => {
                self.state = State::Outside; // that state reads the byte again
                return false;
            }
            (State::Marker, 0xFF) => State::MarkerCode,
            (State::MarkerCode | State::EntropyFf, marker::SOI) => {
                *input = &input[1..];
                self.drop_torn();
                self.skipped_bytes -= 1; // the 0xFF just counted among them begins the next frame
                self.begin();
                return false;
            }
            (State::MarkerCode | State::EntropyFf, marker::EOI) => {
                *input = &input[1..];
                return self.end();
            }
            (State::MarkerCode, 0xFF) => State::MarkerCode,
            (State::EntropyFf, 0xFF) => State::EntropyFf,
            (State::EntropyFf, 0x00 | marker::RST0..=marker::RST7) => State::Entropy,
            (State::MarkerCode, marker::TEM | marker::RST0..=marker::RST7) => State::Marker,
            (State::MarkerCode | State::EntropyFf, marker::SOF0..) => {
                let scan = byte == marker::SOS;
                self.has_scan |= scan;
                State::LengthHigh { scan }
            }
            (State::LengthHigh { scan }, high) => State::LengthLow { scan, high },
            (State::LengthLow { scan, high }, low) => match u16::from_be_bytes([high, low]) {
                0 | 1 => return self.resync(),
                2 if scan => State::Entropy,
                2 => State::Marker,
                length => State::Segment { scan, remaining: usize::from(length) - 2 },
            },
            _ => return self.resync(),
        };
        *input = &input[1..];
        if next != State::OutsideFf {
            self.keep(&[byte]);
        }
        self.state = next;
        false
    }

    fn begin(&mut self) {
        self.frame.begin(Length::Unknown);
        self.has_scan = false;
        self.is_oversized = false;
        self.keep(&[0xFF, marker::SOI]);
        self.state = State::Marker;
    }

    /// Ends the frame; true when it is one to hand out.
    fn end(&mut self) -> bool {
        if !self.has_scan {
            self.drop_torn();
            return false;
        }
        self.keep(&[marker::EOI]);
        self.state = State::Outside;
        !self.is_oversized
    }

    /// Copies bytes to the frame, or counts them if it has passed the limit.
    fn keep(&mut self, bytes: &[u8]) {
        if !self.is_oversized && self.frame.append(bytes).is_err() {
            self.is_oversized = true;
            self.oversized += 1;
            self.skipped_bytes += self.frame.len() as u64;
            self.frame.clear();
        }
        if self.is_oversized {
            self.skipped_bytes += bytes.len() as u64;
        }
    }

    /// Drops the frame; the byte at hand is read again outside.
    fn resync(&mut self) -> bool {
        self.drop_torn();
        false
    }

    fn drop_torn(&mut self) {
        if !self.is_oversized {
            self.torn += 1;
            self.skipped_bytes += self.frame.len() as u64;
        }
        self.frame.clear();
        self.state = State::Outside;
    }
}
