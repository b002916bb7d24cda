//! Values as written, and how they are read.

use std::fmt;

/// A value as it is written in a file, a variable or an argument.
#[derive(Clone, Eq, PartialEq)]
pub enum Raw {
    Text(String),
    List(Vec<String>),
    /// A list of maps.
    Entries(Vec<Entry>),
    /// A list that holds lists, or values and maps side by side.
    Nested,
    /// A section where a value belongs.
    Section,
}

impl fmt::Debug for Raw {
    /// Without the text, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Text(_) => f.write_str("Text(…)"),
            Raw::List(items) => write!(f, "List({} items)", items.len()),
            Raw::Entries(entries) => f.debug_tuple("Entries").field(entries).finish(),
            Raw::Nested => f.write_str("Nested"),
            Raw::Section => f.write_str("Section"),
        }
    }
}

/// One map of a list, as written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where it begins in the file.
    pub line: usize,
    pub fields: Vec<(String, Raw)>,
}

/// Why a value was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    BadType,
    OutOfRange,
    /// In words.
    Explained(String),
}

/// The words for yes and no: those of YAML 1.1, and the shell's 1 and 0.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "yes", "on", "1"]) {
        return Some(true);
    }
    is(&["false", "no", "off", "0"]).then_some(false)
}

/// `50`, or `50.0` as some writers put it. A whole number that does not fit is out of range.
pub(crate) fn whole(text: &str) -> Result<u64, Refusal> {
    if let Ok(value) = text.trim().parse::<u64>() {
        return Ok(value);
    }
    let value = number(text)?;
    if value.fract() != 0.0 {
        return Err(Refusal::BadType);
    }
    // Exact up to 2^53; no key allows more.
    if (0.0..=9_007_199_254_740_992.0).contains(&value) { Ok(value as u64) } else { Err(Refusal::OutOfRange) }
}

pub(crate) fn number(text: &str) -> Result<f64, Refusal> {
    let value: f64 = text.trim().parse().map_err(|_| Refusal::BadType)?;
    if value.is_finite() { Ok(value) } else { Err(Refusal::BadType) }
}

/// None where nothing is written.
pub(crate) fn entries(raw: &Raw) -> Result<&[Entry], Refusal> {
    match raw {
        Raw::Entries(entries) => Ok(entries),
        Raw::List(items) if items.is_empty() => Ok(&[]),
        Raw::Text(text) if text.trim().is_empty() => Ok(&[]),
        _ => Err(Refusal::BadType),
    }
}

/// A list, or text separated by commas, which may look like a list of JSON or YAML: `["a", 'b']`. Quotes around an item
/// are not part of it.
///
/// # Errors
/// It is neither, a bracket or a quote is not closed, or there is something but no item in it.
pub fn list_items(raw: &Raw) -> Result<Vec<String>, Refusal> {
    let (items, is_empty) = match raw {
        Raw::Text(text) => {
            let inner = unbracketed(text.trim())?;
            (split_items(inner)?, text.is_empty() || (inner.is_empty() && text.contains('[')))
        }
        Raw::List(items) => (items.iter().map(|item| item.trim().to_owned()).collect(), items.is_empty()),
        Raw::Entries(_) | Raw::Nested | Raw::Section => return Err(Refusal::BadType),
    };
    let items: Vec<String> = items.into_iter().filter(|item| !item.is_empty()).collect();
    if items.is_empty() && !is_empty { Err(Refusal::BadType) } else { Ok(items) }
}

fn unbracketed(text: &str) -> Result<&str, Refusal> {
    match (text.strip_prefix('['), text.strip_suffix(']')) {
        (None, None) => Ok(text),
        (Some(inner), Some(_)) if !inner.is_empty() => Ok(inner[..inner.len() - 1].trim()),
        _ => Err(Refusal::BadType),
    }
}

/// Cuts at commas outside of quotes.
fn split_items(mut text: &str) -> Result<Vec<String>, Refusal> {
    let mut items = Vec::new();
    loop {
        text = text.trim_start();
        let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (item, rest) = match quote {
            Some(quote) => text[1..].split_once(quote).ok_or(Refusal::BadType)?,
            None => text.split_at(text.find(',').unwrap_or(text.len())),
        };
        items.push(item.trim().to_owned());
        match rest.trim_start().strip_prefix(',') {
            Some(rest) => text = rest,
            None if rest.trim().is_empty() => return Ok(items),
            None => return Err(Refusal::BadType),
        }
    }
}

#[cfg(test)]
mod tests;
