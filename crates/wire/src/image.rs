//! The one admission of pictures: what the bytes of a frame must be before anything is done with them.
//!
//! The bytes decide, not the Content-Type that came with them: half the publishers in the field send none or
//! `application/octet-stream`. Nothing is decoded here. Headers and ends are read, so that a decompression bomb is
//! refused before anything is allocated for it.
//!
//! What every decoder passes over is taken (bytes before and after the picture, a missing end marker), and is not
//! carried on.

use bytes::Bytes;

use crate::{
    jpeg::{self, exif},
    mended::Mended,
};

/// A JPEG of more pixels would take a viewer's browser down, and its header may claim 65500×65500 for nothing. No
/// sensor in the field has more at video rate.
pub const MAX_PIXELS: u64 = 100_000_000;
/// What the hub itself decodes (PNG, raw frames) takes three bytes a pixel: 8K UHD is the largest.
pub const MAX_DECODED_PIXELS: u64 = 7680 * 4320;

/// How large a picture's file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: usize,
    /// The setting that raises `max_bytes`, as the error names it.
    pub setting: &'static str,
}

impl Limits {
    /// The refusal of a frame that is larger, also of one whose bytes have not all been read.
    pub fn too_large(&self) -> Refused {
        Refused::TooLarge { limit: self.max_bytes, setting: self.setting }
    }
}

/// A picture within the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// Can be shown as it is: one upright picture with its Huffman tables, and nothing else.
    Jpeg { payload: Bytes, size: (u32, u32), mended: Vec<Mended> },
    /// Has to be decoded first.
    Undecoded(Undecoded),
}

/// A picture whose pixels have not been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecoded {
    pub file: Bytes,
    /// As the file has it, before it is turned.
    pub size: (u32, u32),
    pub coding: Coding,
    /// EXIF's: 1 upright, 2 to 8 mirrored or turned.
    pub orientation: u8,
    pub mended: Vec<Mended>,
}

/// Why a picture has to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Png,
    /// It is to be turned.
    Jpeg,
    /// It had no end marker, and the one that it has is ours: it is whole if it can be decoded.
    CutJpeg,
}

/// Admits the bytes of one frame. A clean JPEG passes as it is, without a copy.
///
/// # Errors
/// See [`Refused`].
pub fn admit(bytes: Bytes, limits: &Limits) -> Result<Admitted, Refused> {
    if bytes.len() > limits.max_bytes {
        return Err(limits.too_large());
    }
    let lead = lead(&bytes);
    let bytes = if lead > 0 { Bytes::copy_from_slice(&bytes[lead..]) } else { bytes };
    let mut admitted = if bytes.starts_with(&SOI) { admit_jpeg(bytes)? } else { admit_png(bytes)? };
    if lead > 0 {
        match &mut admitted {
            Admitted::Jpeg { mended, .. } | Admitted::Undecoded(Undecoded { mended, .. }) => {
                mended.push(Mended::Lead);
            }
        }
    }
    Ok(admitted)
}

/// Line ends and zeros before a picture: what stands between two pictures, counted to the wrong one.
fn lead(bytes: &[u8]) -> usize {
    const MOST: usize = 4096;
    if begins_as_one(bytes) {
        return 0;
    }
    let blank = |byte: &&u8| matches!(byte, 0 | b'\r' | b'\n' | b' ');
    let count = bytes.iter().take(MOST).take_while(blank).count();
    if begins_as_one(&bytes[count..]) { count } else { 0 }
}

fn admit_jpeg(bytes: Bytes) -> Result<Admitted, Refused> {
    let jpeg::Outcome { payload, info, is_cut, mended } = jpeg::mend(bytes)?;
    let size = Kind::Jpeg(info).size();
    let has_to_be_decoded = is_cut || info.orientation != 1;
    check_pixels(size, if has_to_be_decoded { MAX_DECODED_PIXELS } else { MAX_PIXELS })?;
    if !has_to_be_decoded {
        return Ok(Admitted::Jpeg { payload, size, mended });
    }
    let coding = if is_cut { Coding::CutJpeg } else { Coding::Jpeg };
    let orientation = info.orientation;
    Ok(Admitted::Undecoded(Undecoded { file: payload, size, coding, orientation, mended }))
}

fn admit_png(file: Bytes) -> Result<Admitted, Refused> {
    let size = check(&file)?.size();
    let orientation = png_chunk(&file, b"eXIf").map_or(1, exif::of_tiff);
    let (coding, mended) = (Coding::Png, Vec::new());
    Ok(Admitted::Undecoded(Undecoded { file, size, coding, orientation, mended }))
}

/// What kind of picture the bytes are, once they are known to be whole and not to have too many pixels.
///
/// # Errors
/// See [`Refused`].
pub fn check(bytes: &[u8]) -> Result<Kind, Refused> {
    let kind = sniff(bytes)?;
    let max_pixels = if matches!(kind, Kind::Png { .. }) { MAX_DECODED_PIXELS } else { MAX_PIXELS };
    check_pixels(kind.size(), max_pixels)?;
    if matches!(kind, Kind::Png { .. }) && png_chunk(bytes, b"IEND").is_none() {
        return Err(Refused::Png { reason: "it is cut off: it does not end with an IEND chunk" });
    }
    Ok(kind)
}

/// # Errors
/// [`Refused::TooManyPixels`].
pub fn check_pixels((width, height): (u32, u32), limit: u64) -> Result<(), Refused> {
    let is_within = u64::from(width) * u64::from(height) <= limit;
    is_within.then_some(()).ok_or(Refused::TooManyPixels { width, height, limit })
}

/// A picture that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg(jpeg::Info),
    /// Pixels, each from 1 to 2^31 - 1.
    Png {
        width: u32,
        height: u32,
    },
}

impl Kind {
    /// Width and height, in pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Jpeg(info) => (info.width.into(), info.height.into()),
            Self::Png { width, height } => (width, height),
        }
    }
}

/// So many bytes tell whether a picture begins.
pub(crate) const MAGIC_BYTES: usize = PNG_SIGNATURE.len();

/// Whether the bytes begin as a picture does, whatever comes then.
pub fn begins_as_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&SOI) || bytes.starts_with(&PNG_SIGNATURE)
}

/// Why a picture is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
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
    #[error("the frame is larger than {limit} bytes: send a smaller one, or raise {setting}")]
    TooLarge { limit: usize, setting: &'static str },
    #[error("the picture claims {width}×{height} pixels: at most {limit} are taken")]
    TooManyPixels { width: u32, height: u32, limit: u64 },
}

impl Refused {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FRAME",
            Self::Unknown { .. } => "NOT_AN_IMAGE",
            Self::Jpeg(error) => error.code(),
            Self::Png { .. } => "BAD_PNG",
            Self::TooLarge { .. } => "FRAME_TOO_LARGE",
            Self::TooManyPixels { .. } => "PICTURE_TOO_LARGE",
        }
    }
}

/// How a JPEG begins.
const SOI: [u8; 2] = [0xFF, 0xD8];
/// W3C PNG specification, section 5.2.
const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];

/// Tells JPEG from PNG and reads the picture's size.
///
/// # Errors
/// See [`Refused`]; a JPEG is checked as [`jpeg::probe`] does, of a PNG only the first 24 bytes are read.
fn sniff(bytes: &[u8]) -> Result<Kind, Refused> {
    match bytes {
        [] => Err(Refused::Empty),
        [0xFF, 0xD8, ..] => Ok(Kind::Jpeg(jpeg::probe(bytes)?)),
        _ if bytes.starts_with(&PNG_SIGNATURE) => png_size(&bytes[PNG_SIGNATURE.len()..]),
        _ => Err(Refused::Unknown {
            first: crate::preview(&bytes[..bytes.len().min(12)]),
            guess: guess(bytes),
        }),
    }
}

/// Section 11.2.2: IHDR is the first chunk, 13 bytes long, and begins with width and height.
fn png_size(chunk: &[u8]) -> Result<Kind, Refused> {
    let Some(&[0, 0, 0, 13, b'I', b'H', b'D', b'R', w3, w2, w1, w0, h3, h2, h1, h0]) = chunk.first_chunk()
    else {
        return Err(Refused::Png { reason: "no IHDR chunk after the signature: it is cut off or damaged" });
    };
    let (width, height) = (u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0]));
    let allowed = 1..=i32::MAX as u32;
    if !allowed.contains(&width) || !allowed.contains(&height) {
        return Err(Refused::Png { reason: "its width and height must be at least 1 and below 2^31" });
    }
    Ok(Kind::Png { width, height })
}

/// The content of the first chunk of a PNG that has this name (section 5.3: length, name, content, checksum); it is
/// looked for up to IEND, after which there is padding. Each step is at least 12 bytes long, so the walk is short.
fn png_chunk<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = &bytes[PNG_SIGNATURE.len()..];
    while let Some((&[l3, l2, l1, l0, ref name @ ..], content)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([l3, l2, l1, l0]) as usize;
        let next = content.get(length.checked_add(4)?..)?;
        if name == wanted {
            return content.get(..length);
        }
        if name == b"IEND" {
            return None;
        }
        rest = next;
    }
    None
}

/// What publishers send by mistake, by its first bytes.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [b'G', b'I', b'F', b'8', ..] => " (a GIF)",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => " (a WebP)",
        [b'R', b'I', b'F', b'F', ..] => " (an AVI or WAV)",
        [b'B', b'M', ..] => " (perhaps a BMP)",
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => " (a TIFF)",
        [b'P', b'1'..=b'7', b'\n' | b' ' | b'\r', ..] => " (a PPM, PGM or PBM)",
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', ..] => " (a JPEG XL)",
        [0, 0, 0, 12, b'j', b'P', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => " (a JPEG 2000)",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => " (an AVIF)",
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', b'e' | b'i', ..] => " (a HEIC)",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => " (an MP4 or MOV)",
        [b'/', b'9', b'j', b'/', ..] | [b'd', b'a', b't', b'a', b':', ..] => " (base64 text)",
        [0, 0, 0, 1, ..] | [0, 0, 1, ..] => " (perhaps raw H.264)",
        [b'{' | b'[', ..] => " (perhaps JSON)",
        [b'-', b'-', ..] => " (perhaps a multipart body whose Content-Type was not set)",
        _ => "",
    }
}
