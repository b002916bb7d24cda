//! Values as written, and how they are read.

/// A value as it is written in a file, a variable or an argument.
#[derive(Clone, Debug, Eq, PartialEq)]
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

/// A list, or text separated by commas.
///
/// # Errors
/// It is neither.
pub fn list_items(raw: &Raw) -> Result<Vec<String>, Refusal> {
    let items: Vec<&str> = match raw {
        Raw::Text(text) => text.split(',').collect(),
        Raw::List(items) => items.iter().map(String::as_str).collect(),
        Raw::Entries(_) | Raw::Nested | Raw::Section => return Err(Refusal::BadType),
    };
    let trimmed = items.into_iter().map(str::trim);
    Ok(trimmed.filter(|item| !item.is_empty()).map(str::to_owned).collect())
}
