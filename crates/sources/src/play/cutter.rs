//! Frames out of a pipe's bytes: JPEGs one after the other, or MJPEG parts as ffmpeg writes them. Which of
//! the two it is shows in the first bytes.

use bytes::Bytes;
use wire::jpeg::Splitter;
use wire::multipart::{Event, Limits, Parser};

/// The largest frame taken from a pipe.
const LONGEST_FRAME_BYTES: usize = 64 * 1024 * 1024;
const LONGEST_HEADER_BYTES: usize = 16 * 1024;

/// Bytes in, whole frames out.
#[derive(Debug)]
pub enum Cutter {
    /// The first bytes, while they may still be either.
    Unknown(Vec<u8>),
    Jpegs(Box<Splitter>),
    Parts(Box<Parser>),
}

/// The bytes cannot be cut into frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    #[error(
        "the input starts with \"{0}\"; expected are JPEGs one after the other, or an MJPEG stream as \
         ffmpeg -f mpjpeg writes it"
    )]
    NotFrames(String),
    #[error("the input is no clean MJPEG stream: {0}")]
    Parts(#[from] wire::multipart::Error),
    #[error("the input ended without a frame")]
    Empty,
}

impl Default for Cutter {
    fn default() -> Self {
        Cutter::Unknown(Vec::new())
    }
}

impl Cutter {
    /// Takes bytes in, hands whole frames to `each`, which says whether to go on.
    pub fn feed(&mut self, bytes: &[u8], each: &mut impl FnMut(Bytes) -> bool) -> Result<bool, CutError> {
        let mut first = Vec::new();
        let mut rest = bytes;
        if let Cutter::Unknown(head) = self {
            head.extend_from_slice(bytes);
            let Some(known) = recognise(head)? else { return Ok(true) };
            first = std::mem::take(head);
            *self = known;
            rest = &first;
        }
        let more = self.cut(&mut rest, each);
        drop(first);
        more
    }

    fn cut(&mut self, rest: &mut &[u8], each: &mut impl FnMut(Bytes) -> bool) -> Result<bool, CutError> {
        match self {
            Cutter::Unknown(_) => Ok(true),
            Cutter::Jpegs(splitter) => {
                while let Some(jpeg) = splitter.feed(rest) {
                    if !each(jpeg) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Cutter::Parts(parser) => loop {
                match parser.feed(rest)? {
                    Some(Event::Part(part)) if !each(part.body.clone()) => return Ok(false),
                    Some(Event::Part(_)) => {}
                    Some(Event::End) => return Ok(false),
                    None => return Ok(true),
                }
            },
        }
    }
}

/// `None` while the bytes may still be either.
fn recognise(head: &[u8]) -> Result<Option<Cutter>, CutError> {
    let text = head.trim_ascii_start();
    if text.starts_with(&[0xFF, 0xD8]) {
        return Ok(Some(Cutter::Jpegs(Box::new(Splitter::new(LONGEST_FRAME_BYTES)))));
    }
    let foreign = || {
        let shown = &head[..head.len().min(24)];
        Err(CutError::NotFrames(shown.escape_ascii().to_string()))
    };
    if let Some(line) = text.strip_prefix(b"--") {
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
            return if line.len() > LONGEST_HEADER_BYTES { foreign() } else { Ok(None) };
        };
        let Ok(boundary) = str::from_utf8(line[..end].trim_ascii_end()) else { return foreign() };
        let limits = Limits { max_part_bytes: LONGEST_FRAME_BYTES, max_header_bytes: LONGEST_HEADER_BYTES };
        return Ok(Some(Cutter::Parts(Box::new(Parser::new(boundary, limits)))));
    }
    // One byte of either beginning, or blanks only: wait for more.
    let undecided = text.is_empty() || text == [0xFF] || text == b"-";
    if undecided && head.len() < LONGEST_HEADER_BYTES { Ok(None) } else { foreign() }
}

#[cfg(test)]
mod tests;
