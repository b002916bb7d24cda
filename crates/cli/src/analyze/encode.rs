//! From a picture to the bytes that are sent. What is a JPEG already is sent as it is, unless something else is asked.

use bytes::Bytes;
use client::upload::Encoding;
use media::Picture;
use wire::upload::Raw;

use super::source::{DEFAULT_QUALITY, MOST_PIXELS, Still};

/// How frames are to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encode {
    pub(super) encoding: Encoding,
    /// JPEG, 1 to 100; asked for: JPEGs are encoded anew.
    pub(super) quality: Option<u8>,
}

/// The payload, and the quality if it was encoded here. Decodes and encodes: not for an async thread.
///
/// # Errors
/// A JPEG that is damaged or larger than 8K.
pub(super) fn encode(still: Still, options: Encode) -> media::Result<(Bytes, Option<u8>)> {
    let picture = match (still, options) {
        (Still::Jpeg(jpeg), Encode { encoding: Encoding::Jpeg, quality: None }) => return Ok((jpeg, None)),
        (Still::Jpeg(jpeg), _) => media::jpeg::decode(&jpeg, MOST_PIXELS)?,
        (Still::Pixels(picture), _) => picture,
    };
    Ok(match options.encoding {
        Encoding::Jpeg => {
            let quality = options.quality.unwrap_or(DEFAULT_QUALITY);
            (media::jpeg::encode(&picture, quality)?.into(), Some(quality))
        }
        Encoding::Png => (media::png::encode(&picture)?.into(), None),
        Encoding::Raw => (raw(picture), None),
    })
}

/// Blue comes first.
fn raw(picture: Picture) -> Bytes {
    let Picture { width, height, rgb: mut pixels } = picture;
    for pixel in pixels.as_chunks_mut::<3>().0 {
        pixel.swap(0, 2);
    }
    Raw { width, height, channels: 3, pixels: &pixels }.to_bytes().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn jpeg() -> Bytes {
        media::jpeg::encode(&Picture::filled(8, 4, [200, 100, 50]), 95).unwrap().into()
    }

    fn encoded(still: Still, encoding: Encoding, quality: Option<u8>) -> (Bytes, Option<u8>) {
        encode(still, Encode { encoding, quality }).unwrap()
    }

    #[test]
    fn a_jpeg_is_sent_as_it_is_unless_a_quality_is_asked_for() {
        assert_eq!(encoded(Still::Jpeg(jpeg()), Encoding::Jpeg, None), (jpeg(), None));
        let (coarse, quality) = encoded(Still::Jpeg(jpeg()), Encoding::Jpeg, Some(5));
        assert_eq!(quality, Some(5));
        assert_ne!(coarse, jpeg());
    }

    #[test]
    fn pixels_arrive_as_they_were() {
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6] };
        let (png, _) = encoded(Still::Pixels(picture.clone()), Encoding::Png, None);
        assert_eq!(media::png::decode(&png, 100).unwrap(), picture);
        let (raw, _) = encoded(Still::Pixels(picture), Encoding::Raw, None);
        let parsed = Raw::parse(&raw, None).unwrap();
        assert_eq!((parsed.width, parsed.height, parsed.pixels), (2, 1, &[3, 2, 1, 6, 5, 4][..]));
    }

    #[test]
    fn a_damaged_picture_is_an_error() {
        let still = Still::Jpeg(jpeg().slice(..60));
        assert!(encode(still, Encode { encoding: Encoding::Raw, quality: None }).is_err());
    }
}
