//! `?width=&height=&quality=`: how a viewer wants to see a stream, and what that makes of a picture's size.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};
use wire::wall::{self, QUALITIES, SIDES};

use crate::view::Fps;

/// A size and a quality; all absent: the picture as published.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Look {
    #[serde(default, deserialize_with = "side")]
    pub(crate) width: Option<u32>,
    #[serde(default, deserialize_with = "side")]
    pub(crate) height: Option<u32>,
    #[serde(default, deserialize_with = "quality")]
    pub(crate) quality: Option<u8>,
}

/// A look at a rate: what one worker makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    pub(crate) look: Look,
    /// Frames a second, in thousandths, so that it can be compared.
    millihertz: Option<u32>,
}

impl Look {
    /// Whether there is nothing to be made.
    pub(crate) fn is_as_published(self) -> bool {
        self == Self::default()
    }

    /// The size that it makes of a picture's: never larger, and of the same proportions if one side alone is asked for.
    pub(super) fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        match (self.width, self.height) {
            (None, None) => (width, height),
            (Some(wanted), None) if wanted < width => (wanted, in_proportion(height, wanted, width)),
            (None, Some(wanted)) if wanted < height => (in_proportion(width, wanted, height), wanted),
            (Some(wide), Some(high)) => (wide.min(width), high.min(height)),
            _ => (width, height),
        }
    }
}

/// `side * part / whole`, rounded, and at least a pixel.
fn in_proportion(side: u32, part: u32, whole: u32) -> u32 {
    let scaled = (u64::from(side) * u64::from(part) + u64::from(whole) / 2) / u64::from(whole.max(1));
    u32::try_from(scaled).unwrap_or(side).clamp(1, side.max(1))
}

impl Wish {
    pub(crate) fn new(look: Look, fps: Option<f64>) -> Self {
        let thousandths = |fps: f64| (fps.clamp(0.001, Fps::MAX) * 1000.0).round() as u32;
        Self { look, millihertz: fps.map(thousandths) }
    }

    /// `None` where nothing has to be made.
    pub(crate) fn unless_as_published(look: Look, fps: Option<f64>) -> Option<Self> {
        (!look.is_as_published()).then(|| Self::new(look, fps))
    }

    /// Frames a second; `None`: as published.
    pub(crate) fn fps(self) -> Option<f64> {
        self.millihertz.map(|thousandths| f64::from(thousandths) / 1000.0)
    }
}

impl From<&wall::StreamRequest> for Look {
    fn from(wish: &wall::StreamRequest) -> Self {
        Self { width: wish.width, height: wish.height, quality: wish.quality }
    }
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within(deserializer, &SIDES, "a picture's side is", "pixels")
}

fn quality<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    within(deserializer, &QUALITIES, "quality is", "(higher is finer)")
}

fn within<'de, D, N>(
    deserializer: D,
    range: &std::ops::RangeInclusive<N>,
    what: &str,
    unit: &str,
) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: std::str::FromStr + PartialOrd + fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        D::Error::custom(format!("{shown}: {what} {} to {} {unit}", range.start(), range.end()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn look(width: Option<u32>, height: Option<u32>) -> Look {
        Look { width, height, quality: None }
    }

    #[test]
    fn one_side_keeps_the_proportions_and_both_are_taken_as_they_are() {
        let camera = (1280, 720);
        assert_eq!(look(Some(640), None).size(camera), (640, 360));
        assert_eq!(look(None, Some(360)).size(camera), (640, 360));
        assert_eq!(look(Some(500), None).size(camera), (500, 281));
        assert_eq!(look(Some(224), Some(224)).size(camera), (224, 224));
        assert_eq!(look(None, None).size(camera), camera);
        assert_eq!(look(Some(16), None).size((8000, 10)), (16, 1), "never nothing");
    }

    #[test]
    fn what_is_wanted_larger_stays_as_it_is() {
        let camera = (640, 480);
        assert_eq!(look(Some(641), None).size(camera), camera);
        assert_eq!(look(None, Some(8192)).size(camera), camera);
        assert_eq!(look(Some(1280), Some(240)).size(camera), (640, 240));
    }

    #[test]
    fn nonsense_is_refused() {
        let read = |query: &str| serde_json::from_str::<Look>(query);
        assert_eq!(read(r#"{"width":"640"}"#).unwrap(), look(Some(640), None));
        for wrong in ["0", "15", "8193", "-1", "", "1e3", "640px", "99999999999", "NaN"] {
            let error = read(&format!(r#"{{"height":"{wrong}"}}"#)).unwrap_err().to_string();
            assert!(error.contains("16 to 8192"), "{error}");
        }
        for wrong in ["0", "101", "high"] {
            assert!(read(&format!(r#"{{"quality":"{wrong}"}}"#)).is_err());
        }
    }

    #[test]
    fn rates_can_be_compared() {
        let at = |fps| Wish::new(Look::default(), fps);
        assert_eq!(at(Some(12.5)), at(Some(12.5)));
        assert_ne!(at(Some(12.5)), at(Some(12.0)));
        assert_eq!((at(Some(12.5)).fps(), at(None).fps()), (Some(12.5), None));
        assert!(at(Some(1e-9)).fps().unwrap() > 0.0);
    }

    proptest! {
        #[test]
        fn no_picture_is_made_larger_or_empty(
            width in 1..70_000u32, height in 1..70_000u32,
            wide in proptest::option::of(16..=8192u32), high in proptest::option::of(16..=8192u32),
        ) {
            let (w, h) = look(wide, high).size((width, height));
            prop_assert!((1..=width).contains(&w) && (1..=height).contains(&h));
        }
    }
}
