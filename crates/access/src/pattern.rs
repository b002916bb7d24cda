//! Patterns of stream names: `*` stands for any number of characters, including none.

use std::{fmt, str::FromStr};

use hub::StreamName;

/// As in `cam-*`. `*` alone is every stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPattern(String);

impl StreamPattern {
    const LONGEST: usize = 128;

    pub fn every() -> Self {
        Self("*".to_owned())
    }

    /// Exactly this stream.
    pub fn only(name: &StreamName) -> Self {
        Self(name.as_str().to_owned())
    }

    pub fn is_every(&self) -> bool {
        self.0.bytes().all(|b| b == b'*')
    }

    pub fn matches(&self, name: &StreamName) -> bool {
        matches(self.0.as_bytes(), name.as_str().as_bytes())
    }
}

/// Goes back to the last star only, which bounds the time by the product of both lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the pattern goes on after the last star, and how much of the name that star has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, n));
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, taken)) = star else { return false };
                p = after;
                n = taken + 1;
                star = Some((after, n));
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl fmt::Display for StreamPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a pattern of stream names: letters, digits, '_', '-' and '*', as in cam-*")]
pub struct InvalidPattern(String);

impl FromStr for StreamPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'*');
        if (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(good) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidPattern(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    /// What matching means, without regard to time.
    fn defined(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|taken| defined(rest, &name[taken..])),
            Some((byte, rest)) => name.first() == Some(byte) && defined(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_defined(pattern in "[ab*]{1,8}", name in "[ab]{1,10}") {
            prop_assert_eq!(
                pattern.parse::<StreamPattern>().unwrap().matches(&name.parse().unwrap()),
                defined(pattern.as_bytes(), name.as_bytes())
            );
        }

        #[test]
        fn a_name_is_a_pattern_of_itself_alone(name in "[a-z0-9_-]{1,64}", other in "[a-z0-9_-]{1,64}") {
            let (name, other): (StreamName, StreamName) = (name.parse().unwrap(), other.parse().unwrap());
            prop_assert!(StreamPattern::only(&name).matches(&name));
            prop_assert_eq!(StreamPattern::only(&name).matches(&other), name == other);
        }
    }

    #[test]
    fn what_is_no_name_is_no_pattern() {
        for wrong in ["", "a b", "cam/*", "käse", &"x".repeat(129)] {
            assert!(wrong.parse::<StreamPattern>().is_err(), "{wrong}");
        }
        assert!("**".parse::<StreamPattern>().unwrap().is_every());
    }
}
