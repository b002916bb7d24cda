//! What kind of picture is this? Asked once, at the door, of every frame that comes in.
//!
//! The bytes decide, not the Content-Type that came with them: half the publishers in the field send none or
//! `application/octet-stream`.

use crate::jpeg;

/// A picture that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg(jpeg::Info),
    /// Pixels, each from 1 to 2^31 - 1. Only the first 24 bytes were looked at.
    Png {
        width: u32,
        height: u32,
    },
}

impl Kind {
    /// Pixels.
    pub fn width(&self) -> u32 {
        match self {
            Self::Jpeg(info) => u32::from(info.width),
            Self::Png { width, .. } => *width,
        }
    }

    /// Pixels.
    pub fn height(&self) -> u32 {
        match self {
            Self::Jpeg(info) => u32::from(info.height),
            Self::Png { height, .. } => *height,
        }
    }
}

/// Whether the bytes begin as a picture does, whatever comes then.
pub fn begins_as_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(&PNG_SIGNATURE)
}

/// Why bytes are no picture for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the frame is empty; send the bytes of a JPEG or PNG file")]
    Empty,
    #[error(
        "not an image we take: it starts with `{first}`{guess}; send the bytes of a JPEG (FF D8) or PNG (89 50 4E 47) file"
    )]
    Unknown { first: String, guess: &'static str },
    #[error(transparent)]
    Jpeg(#[from] jpeg::Error),
    #[error("bad PNG: {reason}")]
    Png { reason: &'static str },
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FRAME",
            Self::Unknown { .. } => "NOT_AN_IMAGE",
            Self::Jpeg(error) => error.code(),
            Self::Png { .. } => "BAD_PNG",
        }
    }
}

/// W3C PNG specification, section 5.2.
const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];

/// Tells JPEG from PNG and reads the picture's size.
///
/// # Errors
/// See [`Error`]; a JPEG is checked as [`jpeg::probe`] does, of a PNG only the start is looked at.
pub fn sniff(bytes: &[u8]) -> Result<Kind, Error> {
    match bytes {
        [] => Err(Error::Empty),
        [0xFF, 0xD8, ..] => Ok(Kind::Jpeg(jpeg::probe(bytes)?)),
        _ if bytes.starts_with(&PNG_SIGNATURE) => png_size(&bytes[PNG_SIGNATURE.len()..]),
        _ => {
            Err(Error::Unknown { first: crate::preview(&bytes[..bytes.len().min(12)]), guess: guess(bytes) })
        }
    }
}

/// Section 11.2.2: IHDR is the first chunk, 13 bytes long, and begins with width and height.
fn png_size(chunk: &[u8]) -> Result<Kind, Error> {
    let Some(&[0, 0, 0, 13, b'I', b'H', b'D', b'R', w3, w2, w1, w0, h3, h2, h1, h0]) = chunk.first_chunk()
    else {
        return Err(Error::Png { reason: "no IHDR chunk after the signature: it is cut off or damaged" });
    };
    let (width, height) = (u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]));
    let allowed = 1..=i32::MAX as u32;
    if !allowed.contains(&width) || !allowed.contains(&height) {
        return Err(Error::Png { reason: "its width and height must be at least 1 and below 2^31" });
    }
    Ok(Kind::Png { width, height })
}

/// What publishers send by mistake, by its first bytes.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'G', b'I', b'F', b'8', ..] => " (a GIF)",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => " (a WebP)",
        [b'R', b'I', b'F', b'F', ..] => " (an AVI or WAV)",
        [b'B', b'M', ..] => " (perhaps a BMP)",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => " (an MP4, HEIC or AVIF)",
        [b'/', b'9', b'j', b'/', ..] | [b'd', b'a', b't', b'a', b':', ..] => " (base64 text)",
        [0, 0, 0, 1, ..] | [0, 0, 1, ..] => " (perhaps raw H.264)",
        [b'{' | b'[', ..] => " (perhaps JSON)",
        [b'-', b'-', ..] => " (perhaps a multipart body whose Content-Type was not set)",
        _ => "",
    }
}
