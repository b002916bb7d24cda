//! Tests of `name`.
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
    for text in ["", "a\n", "\na", "a b", "..", "a/b", "a\0", "é", "ａ", "Ａ", "٣", "ſ", "\u{212a}"] {
        assert!(text.parse::<StreamName>().is_err(), "{text:?}");
    }
    assert!("é".repeat(32).parse::<StreamName>().is_err(), "64 bytes are not 64 letters");
}

#[test]
fn the_message_is_one_short_line() {
    let message = "\n".repeat(10_000).parse::<StreamName>().unwrap_err().to_string();
    assert!(message.len() < 300 && !message.contains('\n'), "{message}");
}
