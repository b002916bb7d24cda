//! The name of a stream: checked once, when text becomes a [`StreamName`], and never again (H1).

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// `^[A-Za-z0-9_-]{1,64}$`. Cheap to clone; safe as a file name, a URL segment and a metric label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

/// Text that is not a stream name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid stream name {shown:?}: use 1 to 64 letters, digits, '_' or '-'")]
pub struct InvalidName {
    /// The offending text, cut to 80 characters so that a message stays a line.
    pub shown: String,
}

impl InvalidName {
    pub const CODE: &str = "INVALID_STREAM_NAME";
}

impl StreamName {
    pub const MAX_LEN: usize = 64;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(allowed) {
            return Err(InvalidName { shown: text.chars().take(80).collect() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    /// `^[A-Za-z0-9_-]{1,64}$`, spelled out.
    fn matches_by_hand(text: &str) -> bool {
        let allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        (1..=64).contains(&text.chars().count()) && text.chars().all(|c| allowed.contains(c))
    }

    fn check(text: &str) {
        match text.parse::<StreamName>() {
            Ok(name) => {
                assert!(matches_by_hand(text), "{text:?}");
                assert_eq!((name.as_str(), name.to_string().as_str()), (text, text));
            }
            Err(InvalidName { shown }) => {
                assert!(!matches_by_hand(text), "{text:?}");
                assert_eq!(shown, text.chars().take(80).collect::<String>());
            }
        }
    }

    /// The same texts at every run.
    fn fixed_seed() -> ProptestConfig {
        ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(fixed_seed())]

        #[test]
        fn any_text_is_judged_as_by_the_rule(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn names_are_taken_up_to_their_longest(text in "[A-Za-z0-9_-]{0,70}") {
            check(&text);
        }

        #[test]
        fn one_stranger_spoils_a_name(before in "[A-Za-z0-9_-]{0,63}", stranger: char, after in "[a-z]{0,20}") {
            check(&format!("{before}{stranger}{after}"));
        }
    }

    #[test]
    fn every_ascii_character_alone() {
        (0..=127u8).for_each(|byte| check(&char::from(byte).to_string()));
    }

    #[test]
    fn what_regexes_are_fooled_by() {
        for text in ["", "a\n", "\na", "a b", "..", "a/b", "a\0", "é", "ａ", "Ａ", "٣", "ſ", "\u{212a}"]
        {
            assert!(text.parse::<StreamName>().is_err(), "{text:?}");
        }
        assert!("é".repeat(32).parse::<StreamName>().is_err(), "64 bytes are not 64 letters");
    }

    #[test]
    fn the_message_is_one_short_line() {
        let message = "\n".repeat(10_000).parse::<StreamName>().unwrap_err().to_string();
        assert!(message.len() < 300 && !message.contains('\n'), "{message}");
    }
}
