//! Numbers as clients write them: OpenCV's properties are floats, so a width may come as `1920.0` and a frame's number
//! as `1e9`; what is not known is `null` or left out.

use serde::{Deserialize, Deserializer, de::Error};

/// The largest whole number that a float holds exactly, as JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u64),
    Float(f64),
}

/// A whole number that is not negative.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    optional_whole(deserializer)?.ok_or_else(|| Error::custom("a whole number is missing"))
}

pub(super) fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<Number>::deserialize(deserializer).map_err(|_| Error::custom(EXPECTED))? {
        None => Ok(None),
        Some(Number::Whole(number)) if number <= MAX_EXACT as u64 => Ok(Some(number)),
        Some(Number::Float(number)) if (0.0..=MAX_EXACT).contains(&number) && number.fract() == 0.0 => {
            Ok(Some(number as u64))
        }
        Some(_) => Err(Error::custom(EXPECTED)),
    }
}

const EXPECTED: &str = "expected a whole number from 0 to 2^53 - 1";

/// A width or a height.
pub(super) fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = optional_whole(deserializer)?;
    number
        .map(|number| u32::try_from(number).map_err(|_| Error::custom("a side has too many pixels")))
        .transpose()
}

/// `null` is the same as nothing.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
