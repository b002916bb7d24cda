//! JSON as other languages write it, made into JSON: Python writes `NaN` and `Infinity` for numbers that JSON has not, and
//! half of a surrogate pair for what was cut in the middle; editors begin a file with a byte order mark.
//!
//! Only tokens are looked at, never the grammar: what is wrong otherwise is found by whoever parses the text.

use std::{borrow::Cow, ops::Range};

/// `null` for numbers that JSON or a double cannot hold, U+FFFD for half a surrogate pair, no byte order mark.
pub fn mended(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bytes = text.as_bytes();
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut replace = |range: Range<usize>, with: &str| {
        mended.push_str(&text[copied..range.start]);
        mended.push_str(with);
        copied = range.end;
    };
    while at < bytes.len() {
        let end = at + length_of_token(&bytes[at..]);
        match bytes[at] {
            b'"' => lone_surrogates(bytes, at..end, |escape| replace(escape, "\\ufffd")),
            _ if is_no_number(&text[at..end]) => replace(at..end, "null"),
            _ => {}
        }
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

/// A string with its quotes, a word or number, or one byte. Tokens begin and end at ASCII, so on whole characters.
fn length_of_token(rest: &[u8]) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte) || !byte.is_ascii();
    match rest[0] {
        b'"' => length_of_string(rest),
        byte if is_word(&byte) => rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len()),
        _ => 1,
    }
}

fn length_of_string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A number to whoever wrote it, and none to JSON.
fn is_no_number(word: &str) -> bool {
    let unsigned = word.trim_start_matches(['-', '+']);
    matches!(unsigned, "NaN" | "nan" | "Infinity" | "Inf" | "inf")
        || unsigned.starts_with(|first: char| first.is_ascii_digit())
            && word.parse::<f64>().is_ok_and(|number| !number.is_finite())
}

/// The `\uD800` to `\uDFFF` of a string that do not stand in pairs.
fn lone_surrogates(bytes: &[u8], string: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut at = string.start;
    while at < string.end {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        match surrogate(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(surrogate(bytes, at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(_half) => {
                found(at..at + 6);
                at += 6;
            }
            None => at += 2,
        }
    }
}

/// The code unit escaped here, if it belongs to a pair.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let unit = u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    (is_hex && (0xD800..=0xDFFF).contains(&unit)).then_some(unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_json_stays_as_it_is() {
        let text = r#"{"NaN": "NaN, -Infinity \\ \" \ud83d\ude00", "a": [1e308, -0.5, 12345678901234567890123, null, true]}"#;
        assert!(matches!(mended(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn what_json_has_not_becomes_null() {
        let text = r#"{"a": NaN, "b":[-Infinity,Infinity ,1e999,-1e400], "c": nan}"#;
        assert_eq!(mended(text), r#"{"a": null, "b":[null,null ,null,null], "c": null}"#);
        let huge = "9".repeat(400);
        assert_eq!(mended(&format!("[{huge}]")), "[null]");
    }

    #[test]
    fn half_a_pair_is_replaced_and_a_mark_taken_off() {
        assert_eq!(mended("\u{feff}{}"), "{}");
        assert_eq!(
            mended(r#"["\ud83d", "\ude00x", "\ud83d\u0041"]"#),
            r#"["\ufffd", "\ufffdx", "\ufffd\u0041"]"#
        );
        assert_eq!(mended(r#"["\\ud83d"]"#), r#"["\\ud83d"]"#);
    }

    #[test]
    fn no_text_panics() {
        let pieces = ["\"", "\\", "\\u", "d8", "NaN", "é", "\u{feff}", "-", "1e999", "[", "\\ud83d", " "];
        for i in 0..pieces.len().pow(4) {
            let text: String =
                (0..4).map(|place| pieces[i / pieces.len().pow(place) % pieces.len()]).collect();
            let once = mended(&text).into_owned();
            assert!(once.len() <= 4 * text.len(), "{text:?}");
        }
    }
}
