//! What several tables and their messages need of texts.

/// Stores a value that parsing may refuse, and says whether there was one.
pub fn store<T>(slot: &mut T, parsed: Option<T>) -> bool {
    let Some(value) = parsed else { return false };
    *slot = value;
    true
}

/// A path: not empty and without a NUL.
pub fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Foreign text for a terminal: quoted, control characters escaped, and not too long.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
    }
}

/// The name among `known` nearest to `name`, if one is near enough to be meant.
pub fn nearest_name<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.len() / 4).clamp(1, 4);
    let scored = known.map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate));
    scored
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_cut_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31mb"), r#""a\u{1b}[31mb""#);
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        assert_eq!(nearest_name("STREAM_FSP", ["STREAM_FPS"].into_iter()), Some("STREAM_FPS"));
        assert_eq!(nearest_name("PATH", ["STREAM_FPS"].into_iter()), None);
    }
}
