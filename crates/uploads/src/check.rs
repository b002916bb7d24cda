//! What bytes must be to become a frame of a session. Nothing is decoded here: headers and ends are looked at, so that
//! a bomb is refused before anything is allocated for it.

use wire::{
    image::{self, Kind},
    upload::{Encoding, Raw},
};

use crate::Picture;

/// A JPEG's header may claim 65500×65500 for nothing; no sensor in the field has more at video rate.
const MAX_PIXELS: u64 = 100_000_000;
/// PNG and raw frames are held as three bytes a pixel: 8K UHD is the largest that is taken.
const MAX_PLAIN_PIXELS: u64 = 7680 * 4320;
/// How a PNG ends (W3C PNG specification, section 11.2.5): an empty IEND chunk with its checksum.
const PNG_END: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82];

/// Reads what the bytes are. `announced` is the session's width and height.
///
/// # Errors
/// In words.
pub(crate) fn check(encoding: &str, bytes: &[u8], announced: Option<(u32, u32)>) -> Result<Picture, String> {
    let encoding: Encoding =
        encoding.parse().map_err(|error: wire::upload::UnknownEncoding| error.to_string())?;
    let picture = match encoding {
        Encoding::Raw => raw(bytes, announced)?,
        // Some clients name the one and send the other; the bytes say what they are.
        Encoding::Jpeg | Encoding::Png => file(bytes)?,
    };
    let (width, height) = picture.size();
    let max = if matches!(picture, Picture::Jpeg { .. }) { MAX_PIXELS } else { MAX_PLAIN_PIXELS };
    if u64::from(width) * u64::from(height) > max {
        return Err(format!("it claims {width} × {height} pixels: at most {max} are taken"));
    }
    Ok(picture)
}

fn raw(bytes: &[u8], announced: Option<(u32, u32)>) -> Result<Picture, String> {
    let raw = Raw::parse(bytes, announced).map_err(|error| error.to_string())?;
    Ok(Picture::Raw { width: raw.width, height: raw.height, channels: raw.channels })
}

fn file(bytes: &[u8]) -> Result<Picture, String> {
    match image::sniff(bytes).map_err(|error| error.to_string())? {
        Kind::Jpeg(info) => Ok(Picture::Jpeg { width: info.width.into(), height: info.height.into() }),
        Kind::Png { .. } if !bytes.ends_with(&PNG_END) => {
            Err("the PNG is cut off: it does not end with an IEND chunk".to_owned())
        }
        Kind::Png { width, height } => Ok(Picture::Png { width, height }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(PNG_END);
        bytes
    }

    #[test]
    fn bombs_are_refused_by_their_headers() {
        assert!(check("png", &png(64, 48), None).is_ok());
        assert!(check("png", &png(20_000, 20_000), None).unwrap_err().contains("20000 × 20000"));
        let raw = [4320u32, 7681, 3].map(u32::to_le_bytes).concat();
        assert!(check("raw", &raw, None).unwrap_err().contains("do not fill"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = png(64, 48);
        assert!(check("png", &whole[..whole.len() - 1], None).unwrap_err().contains("cut off"));
        assert!(check("jpeg", b"\xff\xd8\xff", None).is_err());
        assert!(check("jpeg", b"", None).is_err());
    }

    #[test]
    fn the_bytes_say_what_they_are() {
        assert_eq!(check("jpeg", &png(64, 48), None), Ok(Picture::Png { width: 64, height: 48 }));
        assert_eq!(check("raw", &[0; 12], Some((2, 2))).unwrap().size(), (2, 2));
        assert!(check("bmp", b"BM", None).unwrap_err().contains("jpeg, png and raw"));
    }
}
