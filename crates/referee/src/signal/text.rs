//! Bytes of a log to its lines: encodings, line ends, and words regardless of case.

/// The text in UTF-8, UTF-16 (with a byte order mark, or known by its zero bytes) or else Latin-1; `None` for what is no
/// text in any of them.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8_or_latin1(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        // The first characters of every log are plain letters.
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes)?,
        [0, _, ..] => utf16(bytes, u16::from_be_bytes)?,
        _ => utf8_or_latin1(bytes),
    };
    (!text.contains('\0')).then_some(text)
}

fn utf8_or_latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    rest.is_empty().then(|| char::decode_utf16(units).collect::<Result<String, _>>().ok()).flatten()
}

/// The lines that are not empty, with their numbers from 1, whichever way they end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut number = 0;
    let mut before = ' ';
    text.split_inclusive(['\n', '\r']).filter_map(move |piece| {
        let line = piece.trim_matches(['\n', '\r']);
        // The second half of CR LF ends no line of its own.
        let second_half = piece == "\n" && before == '\r';
        before = piece.chars().last().unwrap_or(' ');
        if !second_half {
            number += 1;
        }
        (!line.trim().is_empty()).then_some((number, line.trim()))
    })
}

/// The halves of `time | text`.
pub(super) fn timed(line: &str) -> Option<(&str, &str)> {
    line.split_once('|').map(|(time, text)| (time.trim(), text.trim()))
}

/// What follows a word (in lower case) at the beginning of a text.
pub(super) fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// The beginning of a line, printable, for an error message.
pub(super) fn shown(line: &str) -> String {
    const SHOWN: usize = 60;
    let mut text: String = line.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if line.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}
