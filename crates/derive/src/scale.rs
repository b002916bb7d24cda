//! Renditions: pictures made smaller or coarser.

use hub::{Format, Frame, Want};
use media::scale::Scaler;

use crate::thread::{MAX_PIXELS, Make};

/// `quality` is that of a want that names none.
pub(crate) fn scale(want: Want, quality: u8) -> Make {
    let mut scaler = Scaler::new();
    Box::new(move |frame| {
        let size = (frame.format.width, frame.format.height);
        let (width, height) = fit(&want, size);
        if (width, height) == size && want.quality.is_none() {
            return Ok(None);
        }
        let quality = want.quality.unwrap_or(quality);
        let jpeg = scaler.rescale(&frame.payload, (width, height), quality, MAX_PIXELS);
        let payload = jpeg.map_err(|error| error.to_string())?.into();
        Ok(Some(Frame { payload, format: Format::jpeg(width, height), ..frame.clone() }))
    })
}

/// The size that a picture gets: never larger, and of the same proportions if one side alone is wanted.
fn fit(want: &Want, (width, height): (u32, u32)) -> (u32, u32) {
    match (want.width, want.height) {
        (Some(wanted), None) if wanted < width => (wanted, in_proportion(height, wanted, width)),
        (None, Some(wanted)) if wanted < height => (in_proportion(width, wanted, height), wanted),
        (Some(wide), Some(high)) => (wide.min(width), high.min(height)),
        _ => (width, height),
    }
}

/// `side * part / whole`, rounded, and at least a pixel.
fn in_proportion(side: u32, part: u32, whole: u32) -> u32 {
    let scaled = (u64::from(side) * u64::from(part) + u64::from(whole) / 2) / u64::from(whole.max(1));
    u32::try_from(scaled).unwrap_or(side).clamp(1, side.max(1))
}

#[cfg(test)]
mod tests {
    use hub::Codec;
    use proptest::prelude::*;

    use super::*;

    fn fitted(width: Option<u32>, height: Option<u32>, size: (u32, u32)) -> (u32, u32) {
        fit(&Want::in_codecs(&[Codec::Jpeg]).scaled_to(width, height), size)
    }

    #[test]
    fn one_side_keeps_the_proportions_and_both_are_taken_as_they_are() {
        let camera = (1280, 720);
        assert_eq!(fitted(Some(640), None, camera), (640, 360));
        assert_eq!(fitted(None, Some(360), camera), (640, 360));
        assert_eq!(fitted(Some(500), None, camera), (500, 281));
        assert_eq!(fitted(Some(224), Some(224), camera), (224, 224));
        assert_eq!(fitted(None, None, camera), camera);
        assert_eq!(fitted(Some(16), None, (8000, 10)), (16, 1), "never nothing");
    }

    #[test]
    fn a_picture_that_is_small_already_keeps_its_size() {
        let camera = (640, 480);
        assert_eq!(fitted(Some(641), None, camera), camera);
        assert_eq!(fitted(None, Some(8192), camera), camera);
        assert_eq!(fitted(Some(1280), Some(240), camera), (640, 240));
    }

    proptest! {
        #[test]
        fn no_picture_is_made_larger_or_empty(
            width in 1..70_000u32, height in 1..70_000u32,
            wide in proptest::option::of(16..=8192u32), high in proptest::option::of(16..=8192u32),
        ) {
            let (w, h) = fitted(wide, high, (width, height));
            prop_assert!((1..=width).contains(&w) && (1..=height).contains(&h));
        }
    }
}
