//! What a viewer asks for in the query: `?fps=`, and `?width=&height=&quality=`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use hub::{Codec, Want};
use serde::{Deserialize, Deserializer, de::Error};
use wire::wall::{QUALITIES, SIDES};

/// What every view can show.
const SHOWN: &[Codec] = &[Codec::Jpeg];

/// The frames as published.
pub(crate) fn as_published() -> Want {
    Want::in_codecs(SHOWN)
}

/// Frames a second that a client may ask for: above 0 and at most 1000; 0 means as published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fps(pub(crate) Option<f64>);

impl Fps {
    const MAX: f64 = 1000.0;

    fn new(fps: f64) -> Option<Self> {
        (fps.is_finite() && (0.0..=Self::MAX).contains(&fps)).then_some(Self((fps > 0.0).then_some(fps)))
    }
}

impl<'de> Deserialize<'de> for Fps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fps = f64::deserialize(deserializer)?;
        Self::new(fps).ok_or_else(|| {
            D::Error::custom(format!("fps={fps}: allowed is 0 (as published) to {}", Self::MAX))
        })
    }
}

/// A size and a quality; all absent: the picture as published.
#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Rendition {
    #[serde(default, deserialize_with = "side")]
    width: Option<u32>,
    #[serde(default, deserialize_with = "side")]
    height: Option<u32>,
    #[serde(default, deserialize_with = "quality")]
    quality: Option<u8>,
}

impl Rendition {
    pub(crate) fn want(self) -> Want {
        as_published().scaled_to(self.width, self.height).at_quality(self.quality)
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
    range: &RangeInclusive<N>,
    what: &str,
    unit: &str,
) -> Result<Option<N>, D::Error>
where
    D: Deserializer<'de>,
    N: FromStr + PartialOrd + fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        D::Error::custom(format!("{shown}: {what} {} to {} {unit}", range.start(), range.end()))
    })
}

/// A yes or no, called `name` in the query.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D, name: &str) -> Result<Option<bool>, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "1" | "true" => Ok(Some(true)),
        "0" | "false" => Ok(Some(false)),
        other => Err(D::Error::custom(format!("{name}={other}: allowed are 0 and 1"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rates_out_of_range_are_refused() {
        assert_eq!(Fps::new(0.0).map(|fps| fps.0), Some(None));
        assert_eq!(Fps::new(12.5).map(|fps| fps.0), Some(Some(12.5)));
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 1001.0] {
            assert_eq!(Fps::new(wrong), None);
        }
    }

    #[test]
    fn sizes_and_qualities_out_of_range_are_refused() {
        let read = |query: &str| serde_json::from_str::<Rendition>(query);
        assert_eq!(read(r#"{"width":"640"}"#).unwrap().want(), as_published().scaled_to(640, None));
        for wrong in ["0", "15", "8193", "-1", "", "1e3", "640px", "99999999999", "NaN"] {
            let error = read(&format!(r#"{{"height":"{wrong}"}}"#)).unwrap_err().to_string();
            assert!(error.contains("16 to 8192"), "{error}");
        }
        for wrong in ["0", "101", "high"] {
            assert!(read(&format!(r#"{{"quality":"{wrong}"}}"#)).is_err());
        }
    }
}
