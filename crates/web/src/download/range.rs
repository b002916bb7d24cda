//! Which bytes a `Range` header asks for: RFC 9110, section 14, as a pure function.

use std::ops::Range;

/// What is to be sent of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// There is no range, or none that has to be honoured.
    Whole,
    /// Not empty, and within the file.
    Part(Range<u64>),
    /// Nothing that is asked for is there.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `len` bytes. Several ranges, other units and what is malformed are answered
/// with the whole, as section 14.2 allows: no client of recordings needs `multipart/byteranges`.
pub(crate) fn select(header: &str, len: u64) -> Selection {
    let Some(spec) = single_spec(header) else { return Selection::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Selection::Whole };
    match (first, last) {
        ("", suffix) => select_suffix(suffix, len),
        (first, "") => select_from(number(first), Some(u64::MAX), len),
        (first, last) => select_from(number(first), number(last), len),
    }
}

/// The one range of a set. Empty elements of a list do not count (section 5.6.1.2).
fn single_spec(header: &str) -> Option<&str> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty());
    let only = specs.next()?;
    specs.next().is_none().then_some(only)
}

fn select_suffix(suffix: &str, len: u64) -> Selection {
    match number(suffix) {
        None => Selection::Whole,
        Some(0) => Selection::Unsatisfiable,
        // Of nothing there is no part: Content-Range could not name it.
        Some(_) if len == 0 => Selection::Whole,
        Some(wanted) => Selection::Part(len.saturating_sub(wanted)..len),
    }
}

/// `last` is included.
fn select_from(first: Option<u64>, last: Option<u64>, len: u64) -> Selection {
    match (first, last) {
        (Some(first), Some(last)) if first > last => Selection::Whole,
        (Some(first), Some(_)) if first >= len => Selection::Unsatisfiable,
        (Some(first), Some(last)) => Selection::Part(first..last.saturating_add(1).min(len)),
        _ => Selection::Whole,
    }
}

/// Digits only. A number beyond any file stands for the largest one.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
