//! Is this a whole JPEG that every reader downstream can show, and how large is its picture?
//!
//! The walk jumps from segment to segment up to the first scan and then looks at the end of the file. It does not
//! scan the entropy-coded data, which is 99 % of the bytes: a frame of 100 kB takes well under a microsecond, so it
//! can stand in the way of every frame. Damage inside a scan is therefore not seen here.
//!
//! Two kinds of files are scanned for their end: those that end with something else (a camera's buffer, a phone's film),
//! and those with a segment that announces more pictures behind the first, which end like a JPEG anyway.

use std::ops::Range;

use super::{exif, marker};

/// How many bytes after EOI are passed over before the data are scanned for it.
///
/// UVC cameras hand over buffers rounded up to their transfer size, and some HTTP cameras count the line end before
/// the next delimiter into `Content-Length`.
const MAX_PADDING_BYTES: usize = 4096;

/// Steps of the walk before the first scan. A large ICC profile comes in at most 255 segments; a stranger's frame of
/// four-byte segments must not buy millions of steps.
const MAX_STEPS: u32 = 1024;

/// The bytes that are taken for padding after EOI.
pub(crate) fn is_padding(byte: u8) -> bool {
    matches!(byte, 0x00 | 0xFF | b'\r' | b'\n')
}

/// What the headers of a JPEG say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Pixels, at least 1.
    pub width: u16,
    /// Pixels, at least 1.
    pub height: u16,
    /// 1 for grey, 3 for YCbCr, 4 for CMYK.
    pub components: u8,
    /// Coded in several passes (SOF2).
    pub progressive: bool,
    /// Whether a DHT segment comes before the first scan. UVC cameras leave the standard tables out;
    /// [`with_standard_tables`](super::with_standard_tables) puts them in.
    pub has_huffman_tables: bool,
    /// How the camera was held, as EXIF says it: 1 upright, 2 to 8 mirrored or turned.
    pub orientation: u8,
}

/// Why bytes are no JPEG for us. Positions count bytes from the start of the frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the frame is empty; send the bytes of a JPEG file")]
    Empty,
    #[error("not a JPEG: it starts with `{found}` where FF D8 belongs")]
    NotAJpeg { found: String },
    #[error("the JPEG is cut off at byte {position}, inside {inside}; send the file whole")]
    Truncated { position: usize, inside: &'static str },
    #[error("the JPEG has no end marker (FF D9) in its {length} bytes: it is cut off; send the file whole")]
    NoEnd { length: usize },
    #[error("JPEG with {} (marker FF {marker:02X} at byte {position}) is not supported; send baseline or progressive Huffman-coded JPEG", coding(*.marker))]
    Unsupported { marker: u8, position: usize },
    #[error("JPEG with {bits} bits per sample is not supported; send 8 bits")]
    UnsupportedPrecision { bits: u8 },
    #[error("the JPEG says its picture is {width}x{height}; both must be at least 1")]
    ZeroSize { width: u16, height: u16 },
    #[error("bad JPEG: {reason} at byte {position}")]
    Malformed { reason: &'static str, position: usize },
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FRAME",
            Self::NotAJpeg { .. } => "NOT_A_JPEG",
            Self::Truncated { .. } | Self::NoEnd { .. } => "TRUNCATED_JPEG",
            Self::Unsupported { .. } | Self::UnsupportedPrecision { .. } => "UNSUPPORTED_JPEG",
            Self::ZeroSize { .. } | Self::Malformed { .. } => "BAD_JPEG",
        }
    }
}

/// What a marker that we refuse stands for (T.81 table B.1).
fn coding(code: u8) -> &'static str {
    match code {
        0xC3 => "lossless coding",
        0xC5..=0xC7 => "hierarchical (differential) coding",
        0xC8 => "reserved extension coding",
        0xC9 | 0xCA | 0xCC => "arithmetic coding",
        0xCB => "lossless arithmetic coding",
        0xCD..=0xCF => "hierarchical arithmetic coding",
        _ => "an unknown coding",
    }
}

/// Reads the headers of a JPEG and checks that it is whole: SOI, a frame header that we take, a scan, EOI. What comes
/// after that is none of its business.
///
/// # Errors
/// See [`Error`]; damage inside the entropy-coded data is not looked for.
pub fn probe(bytes: &[u8]) -> Result<Info, Error> {
    let walk = walk(bytes)?;
    walk.end(bytes).map(|_| walk.info)
}

fn malformed(reason: &'static str, position: usize) -> Error {
    Error::Malformed { reason, position }
}

/// The way to the first scan.
pub(super) struct Walk {
    pub(super) info: Info,
    /// Where the marker of the first scan stands.
    pub(super) scan: usize,
    /// Where its entropy-coded data begins.
    entropy: usize,
    /// Bytes before the scan that belong to no segment.
    pub(super) junk: Vec<Range<usize>>,
    /// A segment (EXIF, XMP, MPF) that files with more than one picture or with a film have.
    may_have_more: bool,
}

impl Walk {
    /// Whether anything comes after the scan's header.
    pub(super) fn has_data(&self, bytes: &[u8]) -> bool {
        bytes.len() > self.entropy
    }

    /// Where the picture's last byte, that of EOI, ends.
    pub(super) fn end(&self, bytes: &[u8]) -> Result<usize, Error> {
        let padding =
            bytes.iter().rev().take(MAX_PADDING_BYTES).take_while(|byte| is_padding(**byte)).count();
        let end = bytes.len() - padding;
        let ends_so = end >= self.entropy + 2 && bytes[..end].ends_with(&[0xFF, marker::EOI]);
        if ends_so && !self.may_have_more {
            return Ok(end);
        }
        scan_end(bytes, self.entropy).ok_or(Error::NoEnd { length: bytes.len() })
    }
}

/// Walks the segments up to the first scan.
pub(super) fn walk(bytes: &[u8]) -> Result<Walk, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    if !bytes.starts_with(&[0xFF, marker::SOI]) {
        return Err(Error::NotAJpeg { found: crate::preview(&bytes[..bytes.len().min(8)]) });
    }
    let mut frame = None;
    let (mut has_huffman_tables, mut may_have_more, mut orientation) = (false, false, 1);
    let mut junk = Vec::new();
    let mut position = 2;
    for _ in 0..MAX_STEPS {
        if let Some(found) = junk_at(bytes, position) {
            position = found.end;
            junk.push(found);
        }
        let code = marker_at(bytes, position)?;
        match code {
            0xFF => {
                position += 1; // a fill byte (T.81 B.1.1.2)
                continue;
            }
            marker::TEM | marker::RST0..=marker::RST7 => {
                position += 2; // stands alone, without a length
                continue;
            }
            marker::EOI => {
                return Err(malformed("the end marker comes before any scan", position));
            }
            marker::SOI | 0x00..=0xBF => {
                return Err(malformed("a marker that cannot stand between segments", position));
            }
            _ => {}
        }
        let body = segment(bytes, position)?;
        match code {
            marker::DHT => has_huffman_tables = true,
            marker::APP1 | marker::APP2 => {
                may_have_more = true;
                orientation = if orientation == 1 { exif::of_segment(body) } else { orientation };
            }
            marker::SOF0 | marker::SOF1 | marker::SOF2 => {
                if frame.is_some() {
                    return Err(malformed("a second frame header", position));
                }
                frame = Some(frame_header(code, body, position)?);
            }
            0xC3..=marker::SOF15 => return Err(Error::Unsupported { marker: code, position }),
            marker::SOS => {
                let Some(info) = frame else {
                    return Err(malformed("a scan without a frame header before it", position));
                };
                check_scan_header(body, &info, position)?;
                let info = Info { has_huffman_tables, orientation, ..info };
                let entropy = position + 4 + body.len();
                return Ok(Walk { info, scan: position, entropy, junk, may_have_more });
            }
            _ => {}
        }
        position += 4 + body.len();
    }
    Err(malformed("too many segments before the first scan", position))
}

/// Bytes where a segment must begin that belong to none. Decoders pass over them; some sensors write them.
fn junk_at(bytes: &[u8], position: usize) -> Option<Range<usize>> {
    let rest = bytes.get(position..)?;
    match memchr::memchr(0xFF, rest) {
        Some(0) => None,
        found => Some(position..position + found.unwrap_or(rest.len())).filter(|junk| !junk.is_empty()),
    }
}

/// The code of the marker at `position`.
fn marker_at(bytes: &[u8], position: usize) -> Result<u8, Error> {
    match bytes.get(position..) {
        Some([0xFF, code, ..]) => Ok(*code),
        _ => Err(Error::Truncated { position: bytes.len(), inside: "the headers" }),
    }
}

/// The content of the segment whose marker stands at `position`, without its length field.
fn segment(bytes: &[u8], position: usize) -> Result<&[u8], Error> {
    let truncated = Error::Truncated { position: bytes.len(), inside: "a header segment" };
    let Some(&[high, low]) = bytes.get(position + 2..position + 4) else {
        return Err(truncated);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length < 2 {
        return Err(malformed("a segment shorter than its own length field", position));
    }
    bytes.get(position + 4..position + 2 + length).ok_or(truncated)
}

/// T.81 B.2.2: precision, height, width, count of components, three bytes each.
fn frame_header(code: u8, body: &[u8], position: usize) -> Result<Info, Error> {
    let &[precision, h1, h0, w1, w0, components, ref rest @ ..] = body else {
        return Err(malformed("a frame header that is too short", position));
    };
    if components == 0 || rest.len() != usize::from(components) * 3 {
        return Err(malformed("a frame header whose length does not fit its components", position));
    }
    if precision != 8 {
        return Err(Error::UnsupportedPrecision { bits: precision });
    }
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if width == 0 || height == 0 {
        return Err(Error::ZeroSize { width, height });
    }
    Ok(Info {
        width,
        height,
        components,
        progressive: code == marker::SOF2,
        has_huffman_tables: false,
        orientation: 1,
    })
}

/// T.81 B.2.3: count of components, two bytes each, three bytes of spectral selection.
fn check_scan_header(body: &[u8], info: &Info, position: usize) -> Result<(), Error> {
    let count = body.first().copied().unwrap_or(0);
    let in_range = (1..=4).contains(&count) && count <= info.components;
    if !in_range || body.len() != 4 + 2 * usize::from(count) {
        return Err(malformed("a scan header that does not fit its components", position));
    }
    Ok(())
}

/// Where the EOI of the scans that begin at `position` ends; `None` if they break off.
fn scan_end(bytes: &[u8], mut position: usize) -> Option<usize> {
    loop {
        position += memchr::memchr(0xFF, bytes.get(position..)?)?;
        position += match *bytes.get(position + 1)? {
            marker::EOI => return Some(position + 2),
            marker::SOI => return None, // another picture: this one has been torn off
            0xFF => 1,
            0x00..=0xBF | marker::RST0..=marker::RST7 => 2,
            // Further scans of a progressive picture, and their tables.
            _ => {
                let &[high, low] = bytes.get(position + 2..position + 4)? else { return None };
                2 + usize::from(u16::from_be_bytes([high, low])).max(2)
            }
        };
    }
}
