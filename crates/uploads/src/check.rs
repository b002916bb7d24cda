//! What bytes must be to become a frame of a session. Nothing is decoded here.

use wire::{
    image::{self, Kind, MAX_DECODED_PIXELS, Refused},
    upload::{Encoding, Raw, RawError, UnknownEncoding},
};

use crate::analysis::Picture;

/// Why bytes are no frame of a session.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadFrame {
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Raw(#[from] RawError),
    #[error("it has {} × {} pixels, the session's first frame has {} × {}", size.0, size.1, first.0, first.1)]
    OtherSize { size: (u32, u32), first: (u32, u32) },
}

/// Reads what the bytes are. `announced` is the session's width and height.
pub(crate) fn check(
    encoding: &str,
    bytes: &[u8],
    announced: Option<(u32, u32)>,
) -> Result<Picture, BadFrame> {
    Ok(match encoding.parse()? {
        Encoding::Raw => {
            let Raw { width, height, channels, .. } = Raw::parse(bytes, announced)?;
            image::check_pixels((width, height), MAX_DECODED_PIXELS)?;
            Picture::Raw { width, height, channels }
        }
        // Some clients name the one and send the other; the bytes say what they are.
        Encoding::Jpeg | Encoding::Png => match image::check(bytes)? {
            Kind::Jpeg(info) => Picture::Jpeg { width: info.width.into(), height: info.height.into() },
            Kind::Png { width, height } => Picture::Png { width, height },
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"\0\0\0\0IEND\xAE\x42\x60\x82");
        bytes
    }

    #[test]
    fn bombs_are_refused_by_their_headers() {
        assert!(check("png", &png(64, 48), None).is_ok());
        assert!(check("png", &png(20_000, 20_000), None).unwrap_err().to_string().contains("20000×20000"));
        let raw = [4320u32, 7681, 3].map(u32::to_le_bytes).concat();
        assert!(check("raw", &raw, None).unwrap_err().to_string().contains("do not fill"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = png(64, 48);
        assert!(check("png", &whole[..whole.len() - 1], None).unwrap_err().to_string().contains("cut off"));
        assert!(check("jpeg", b"\xff\xd8\xff", None).is_err());
        assert!(check("jpeg", b"", None).is_err());
    }

    #[test]
    fn the_bytes_say_what_they_are() {
        assert_eq!(check("jpeg", &png(64, 48), None), Ok(Picture::Png { width: 64, height: 48 }));
        assert_eq!(check("raw", &[0; 12], Some((2, 2))).unwrap().size(), (2, 2));
        assert!(check("bmp", b"BM", None).unwrap_err().to_string().contains("jpeg, png and raw"));
    }
}
