//! What a key is: its name, its kind, and how a written value becomes a field of the config.
//!
//! The rows stand in `super::table`; parsing, range checks, environment names, the reference page
//! and the example file all come from them. A kind carries the function that stores its value, so
//! that a row cannot read one type and set another.

use std::fmt;

use super::typed::Config;

/// One setting. `section.name` is its path.
#[derive(Debug)]
pub struct Key {
    pub section: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    /// As it would be written in a file; the empty text and the empty list are written "".
    pub default: &'static str,
    /// What the number counts, where the name does not end in it.
    pub unit: &'static str,
    /// The requirement documents' own environment names, strongest first. Every key also has
    /// `FRAMEHUB__SECTION__NAME`, which wins over these.
    pub env: &'static [&'static str],
    /// Never printed.
    pub secret: bool,
    /// Whether this version acts on it.
    pub available: bool,
    /// One to three sentences: what it does, and what raising or lowering it costs.
    pub doc: &'static str,
}

/// A word, and what it sets.
pub type ChoiceOption = (&'static str, fn(&mut Config));

/// How a value is read, checked and stored. Ranges include both ends.
#[derive(Clone, Copy)]
pub enum Kind {
    Flag(fn(&mut Config, bool)),
    Int {
        least: u64,
        most: u64,
        set: fn(&mut Config, u64),
    },
    Number {
        least: f64,
        most: f64,
        set: fn(&mut Config, f64),
    },
    /// The first spelling that matches, whatever its case.
    Choice(&'static [ChoiceOption]),
    /// `set` answers whether it took the text; `allowed` says which texts it takes.
    Text {
        allowed: &'static str,
        set: fn(&mut Config, &str) -> bool,
    },
    /// A list of maps, in a file only. `set` answers with what to show, or with what is wrong.
    Entries {
        allowed: &'static str,
        set: fn(&mut Config, &[Entry]) -> Result<String, String>,
    },
    /// As `Text`; in a file a list or text parted by commas, elsewhere text parted by commas.
    List {
        allowed: &'static str,
        set: fn(&mut Config, Vec<String>) -> bool,
    },
}

/// A value as somebody wrote it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Raw {
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
    pub(super) line: usize,
    pub(super) fields: Vec<(String, Raw)>,
}

/// Why a value was not taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    BadType,
    OutOfRange,
    /// In words.
    Explained(String),
}

impl Key {
    /// `section.name`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// `FRAMEHUB__SECTION__NAME`.
    pub fn env_name(&self) -> String {
        format!("FRAMEHUB__{}__{}", self.section, self.name).to_ascii_uppercase()
    }

    /// What may be written, in words.
    pub fn allowed(&self) -> String {
        let unit = match self.unit {
            "" => self.unit_of_name(),
            unit => format!(" {unit}"),
        };
        match self.kind {
            Kind::Flag(_) => "true or false".to_owned(),
            Kind::Int { least, most, .. } => format!("a whole number from {least} to {most}{unit}"),
            Kind::Number { least, most, .. } => format!("a number from {least} to {most}{unit}"),
            Kind::Choice(options) => {
                let words: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
                format!("one of {}", words.join(", "))
            }
            Kind::Text { allowed, .. } | Kind::List { allowed, .. } | Kind::Entries { allowed, .. } => {
                allowed.to_owned()
            }
        }
    }

    fn unit_of_name(&self) -> String {
        let units = [("seconds", "seconds"), ("days", "days"), ("kb", "kB"), ("mb", "MB"), ("gb", "GB")];
        let last = self.name.rsplit('_').next().unwrap_or("");
        let found = units.iter().find(|(suffix, _)| *suffix == last);
        found.map_or(String::new(), |(_, unit)| format!(" {unit}"))
    }

    /// Checks a value and stores it. Answers with the value in its usual spelling, for people.
    pub(super) fn apply(&self, raw: &Raw, config: &mut Config) -> Result<String, Refusal> {
        if let Kind::List { set, .. } = self.kind {
            let items = list_items(raw)?;
            let shown = items.join(",");
            return if set(config, items) { Ok(shown) } else { Err(Refusal::BadType) };
        }
        if let Kind::Entries { set, .. } = self.kind {
            return set(config, entries(raw)?).map_err(Refusal::Explained);
        }
        let Raw::Text(text) = raw else { return Err(Refusal::BadType) };
        match self.kind {
            Kind::Flag(set) => {
                let value = flag(text).ok_or(Refusal::BadType)?;
                set(config, value);
                Ok(value.to_string())
            }
            Kind::Int { least, most, set } => {
                let value = whole(text)?;
                if value < least || value > most {
                    return Err(Refusal::OutOfRange);
                }
                set(config, value);
                Ok(value.to_string())
            }
            Kind::Number { least, most, set } => {
                let value = number(text)?;
                if value < least || value > most {
                    return Err(Refusal::OutOfRange);
                }
                set(config, value);
                Ok(value.to_string())
            }
            Kind::Choice(options) => {
                let word = choice_word(text, options);
                let found = options.iter().find(|(option, _)| option.eq_ignore_ascii_case(word));
                let (option, set) = found.ok_or(Refusal::OutOfRange)?;
                set(config);
                Ok((*option).to_owned())
            }
            Kind::Text { set, .. } => match set(config, text) {
                true => Ok(text.clone()),
                false => Err(Refusal::BadType),
            },
            Kind::List { .. } | Kind::Entries { .. } => Err(Refusal::BadType),
        }
    }

    /// Stores the default.
    pub(super) fn apply_default(&self, config: &mut Config) -> Result<String, Refusal> {
        self.apply(&Raw::Text(self.default.to_owned()), config)
    }
}

/// The words for yes and no: YAML 1.1's, which 001's own reader takes, and the shell's 1 and 0.
fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["true", "yes", "on", "1"]) {
        return Some(true);
    }
    is(&["false", "no", "off", "0"]).then_some(false)
}

/// A choice that has true and false among its words takes their other spellings too.
fn choice_word<'a>(text: &'a str, options: &[ChoiceOption]) -> &'a str {
    let has_flag = options.iter().any(|(word, _)| *word == "true");
    match flag(text) {
        Some(true) if has_flag => "true",
        Some(false) if has_flag => "false",
        _ => text.trim(),
    }
}

/// `50`, or `50.0` as some writers put it. A number that is whole but not ours is out of range.
fn whole(text: &str) -> Result<u64, Refusal> {
    if let Ok(value) = text.trim().parse::<u64>() {
        return Ok(value);
    }
    let value = number(text)?;
    if value.fract() != 0.0 {
        return Err(Refusal::BadType);
    }
    // Exact up to 2^53; beyond that no key has room.
    if (0.0..=9_007_199_254_740_992.0).contains(&value) { Ok(value as u64) } else { Err(Refusal::OutOfRange) }
}

fn number(text: &str) -> Result<f64, Refusal> {
    let value: f64 = text.trim().parse().map_err(|_| Refusal::BadType)?;
    if value.is_finite() { Ok(value) } else { Err(Refusal::BadType) }
}

/// None where nothing is written.
fn entries(raw: &Raw) -> Result<&[Entry], Refusal> {
    match raw {
        Raw::Entries(entries) => Ok(entries),
        Raw::List(items) if items.is_empty() => Ok(&[]),
        Raw::Text(text) if text.trim().is_empty() => Ok(&[]),
        _ => Err(Refusal::BadType),
    }
}

pub(super) fn list_items(raw: &Raw) -> Result<Vec<String>, Refusal> {
    let items: Vec<&str> = match raw {
        Raw::Text(text) => text.split(',').collect(),
        Raw::List(items) => items.iter().map(String::as_str).collect(),
        Raw::Entries(_) | Raw::Nested | Raw::Section => return Err(Refusal::BadType),
    };
    let trimmed = items.into_iter().map(str::trim);
    Ok(trimmed.filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Flag(_) => "Flag",
            Kind::Int { .. } => "Int",
            Kind::Number { .. } => "Number",
            Kind::Choice(_) => "Choice",
            Kind::Text { .. } => "Text",
            Kind::List { .. } => "List",
            Kind::Entries { .. } => "Entries",
        })
    }
}
