//! JSON text of our own message types, and the two questions that a borrowed raw value is asked.

mod mend;

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

pub use self::mend::mended;

/// The JSON text of a message made of strings and numbers.
///
/// Serialising fails for maps with keys that are no strings and for failing `Serialize` implementations; the private
/// message types that come here have neither, so the empty text is never seen.
pub(crate) fn text<T: Serialize>(message: &T) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

/// A number that clients know as a whole one, without a fraction where it has none: 2048, not 2048.0.
///
/// # Errors
/// The serializer's.
pub fn whole<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let is_whole = number.fract() == 0.0 && (0.0..1e15).contains(number);
    if is_whole { serializer.serialize_u64(*number as u64) } else { serializer.serialize_f64(*number) }
}

/// The string that a raw value is, borrowed unless it has escapes; `None` for any other kind of value.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str::<String>(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}
