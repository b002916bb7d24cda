//! `?t=`, the moment that a viewer asks for, and `?speed=`.
//!
//! Pages hang the present time on a picture's address against caches, and many call it `t`. No number is a moment of a
//! live stream's past, so those are passed over ([`moment`]), as is a time that a page's clock has only just reached.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use record::Position;
use serde::{Deserialize, Deserializer, de::Error};

use crate::{clock, error::ApiError};

/// A moment of a live stream's past: `-30s`, `-30`, `-1.5m`, `-1h`, or a time (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Past {
    Ago(Duration),
    At(Timestamp),
}

/// By so much a page's clock may be behind ours, and before it, and mean the present.
const BEHIND: Duration = Duration::from_secs(2);
const AHEAD: Duration = Duration::from_secs(3600);

/// The moment of a live stream that the query names; `None`: the present.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Past>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_cache_buster(&text) {
        return Ok(None);
    }
    let past = Past::parse(&text)
        .ok_or_else(|| wrong(&text, "-30s, -1.5m, -1h, or a time like 2026-01-21T10:30:00Z"))?;
    let now = Timestamp::now();
    let present = now.saturating_sub(BEHIND).unwrap_or(now)..now.saturating_add(AHEAD).unwrap_or(now);
    Ok(Some(past).filter(|past| !matches!(past, Past::At(time) if present.contains(time))))
}

/// Nothing, a number, or letters and digits mixed, which no person writes for a time.
fn is_cache_buster(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._".contains(&b);
    // What lacks its sign alone is a mistake that is worth a word.
    let is_span = text.ends_with(['s', 'm', 'h']) && parse_span(text).is_some();
    text.is_empty() || !is_span && text.bytes().all(is_plain) && text.bytes().any(|b| b.is_ascii_digit())
}

impl Past {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('-') {
            Some(span) => parse_span(span).map(Self::Ago),
            None => clock::parse_rfc3339(text).map(Self::At),
        }
    }

    /// As a time before `now`.
    pub(crate) fn before(self, now: Timestamp) -> Result<Timestamp, ApiError> {
        let time = match self {
            Self::Ago(span) => now.saturating_sub(span).unwrap_or(Timestamp::MIN),
            Self::At(time) => time,
        };
        if time <= now {
            return Ok(time);
        }
        let message = format!("t={time}: that is not past yet, it is {now:.3}");
        Err(ApiError::bad_request("BAD_QUERY", message))
    }
}

/// A moment of a recording: seconds from its start, or, negative, from its end; `m` and `h` may follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offset(pub(crate) Position);

impl Offset {
    fn parse(text: &str) -> Option<Self> {
        let position = match text.strip_prefix('-') {
            Some(span) => Position::FromEnd(parse_span(span)?),
            None => Position::FromStart(parse_span(text)?),
        };
        Some(Self(position))
    }
}

impl Default for Offset {
    fn default() -> Self {
        Self(Position::FromStart(Duration::ZERO))
    }
}

/// `12`, `12.5`, `12.5s`, `1.5m`, `1h`; no sign, no exponent.
fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let is_plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds = match unit {
        "h" => 3600.0,
        "m" => 60.0,
        _ => 1.0,
    };
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// How much faster than it happened: 0.1 to 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Speed(pub(crate) f64);

impl Speed {
    const RANGE: std::ops::RangeInclusive<f64> = 0.1..=100.0;
}

impl Default for Speed {
    fn default() -> Self {
        Self(1.0)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| wrong(&text, "seconds from the start, or negative from the end"))
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let speed = f64::deserialize(deserializer)?;
        if Self::RANGE.contains(&speed) {
            return Ok(Self(speed));
        }
        let (low, high) = (Self::RANGE.start(), Self::RANGE.end());
        Err(D::Error::custom(format!("speed={speed}: allowed is {low} to {high}")))
    }
}

fn wrong<E: Error>(text: &str, allowed: impl fmt::Display) -> E {
    let shown: String = text.chars().take(40).collect();
    E::custom(format!("t={shown}: allowed is {allowed}"))
}

#[cfg(test)]
mod tests;
