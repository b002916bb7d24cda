//! A row: one key of a room's table, and the field of the room's settings that it sets.

use std::time::Duration;

use crate::value::{Entry, Raw, Refusal, entries, flag, list_items, number, whole};

/// One key that sets a field of `S`. Made by the function for its kind of value, and completed by [`Row::default`],
/// [`Row::doc`] and the like.
pub struct Row<S: 'static> {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) env: &'static [&'static str],
    pub(crate) secret: bool,
    pub(crate) doc: &'static str,
    kind: Kind<S>,
}

/// A word, and what it sets.
type Choice<S> = (&'static str, fn(&mut S));

/// How a value is read, checked and stored. It carries the function that stores the value, so that a row cannot read
/// one type and set another. Ranges include both ends.
enum Kind<S: 'static> {
    Flag(fn(&mut S, bool)),
    Int { least: u64, most: u64, set: fn(&mut S, u64) },
    Number { least: f64, most: f64, set: Quantity<S> },
    Choice(&'static [Choice<S>]),
    Text { allowed: &'static str, set: fn(&mut S, &str) -> bool },
    List { allowed: &'static str, set: fn(&mut S, Vec<String>) -> bool },
    Entries { allowed: &'static str, set: fn(&mut S, &[Entry]) -> Result<String, String> },
}

/// What a number counts.
enum Quantity<S> {
    Plain(fn(&mut S, f64)),
    Seconds(fn(&mut S, Duration)),
    /// In kB, MB or GB, as the key's name ends; rounded to whole bytes.
    Bytes(fn(&mut S, u64)),
}

impl<S: 'static> Row<S> {
    const fn new(name: &'static str, kind: Kind<S>) -> Self {
        Self { name, kind, default: "", unit: "", env: &[], secret: false, doc: "" }
    }

    pub const fn flag(name: &'static str, set: fn(&mut S, bool)) -> Self {
        Self::new(name, Kind::Flag(set))
    }

    /// A whole number.
    pub const fn int(name: &'static str, least: u64, most: u64, set: fn(&mut S, u64)) -> Self {
        Self::new(name, Kind::Int { least, most, set })
    }

    pub const fn number(name: &'static str, least: f64, most: f64, set: fn(&mut S, f64)) -> Self {
        Self::new(name, Kind::Number { least, most, set: Quantity::Plain(set) })
    }

    /// A duration, written in seconds. The range must be one that a [`Duration`] can hold.
    pub const fn seconds(name: &'static str, least: f64, most: f64, set: fn(&mut S, Duration)) -> Self {
        Self::new(name, Kind::Number { least, most, set: Quantity::Seconds(set) })
    }

    /// A size, written in the unit that `name` ends in: `_kb`, `_mb` or `_gb`, which are powers of two.
    pub const fn bytes(name: &'static str, least: f64, most: f64, set: fn(&mut S, u64)) -> Self {
        Self::new(name, Kind::Number { least, most, set: Quantity::Bytes(set) })
    }

    /// The first spelling that matches, in any case.
    pub const fn choice(name: &'static str, options: &'static [Choice<S>]) -> Self {
        Self::new(name, Kind::Choice(options))
    }

    /// `set` answers whether it took the text; `allowed` says which texts it takes.
    pub const fn text(name: &'static str, allowed: &'static str, set: fn(&mut S, &str) -> bool) -> Self {
        Self::new(name, Kind::Text { allowed, set })
    }

    /// As [`Row::text`]; in a file a list or text separated by commas, elsewhere text separated by commas.
    pub const fn list(
        name: &'static str,
        allowed: &'static str,
        set: fn(&mut S, Vec<String>) -> bool,
    ) -> Self {
        Self::new(name, Kind::List { allowed, set })
    }

    /// A list of maps, in a file only. `set` answers with what to show, or with what is wrong.
    pub const fn entries(
        name: &'static str,
        allowed: &'static str,
        set: fn(&mut S, &[Entry]) -> Result<String, String>,
    ) -> Self {
        Self::new(name, Kind::Entries { allowed, set })
    }

    /// As it would be written in a file; the empty text and the empty list are written "".
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    /// What the number counts, where the name does not end in it.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Environment names beside `FRAMEHUB__SECTION__NAME`, which wins over these; the strongest first.
    pub const fn env(mut self, names: &'static [&'static str]) -> Self {
        self.env = names;
        self
    }

    /// Its value is never printed.
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// One to three sentences: what it does, and what raising or lowering it costs.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// What a value looks like. Texts and lists come with what they allow, in words.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Flag,
    Int { least: u64, most: u64 },
    Number { least: f64, most: f64 },
    Choice(Vec<&'static str>),
    Text(&'static str),
    List(&'static str),
    Entries(&'static str),
}

impl<S: 'static> Row<S> {
    pub(crate) fn form(&self) -> Form {
        match self.kind {
            Kind::Flag(_) => Form::Flag,
            Kind::Int { least, most, .. } => Form::Int { least, most },
            Kind::Number { least, most, .. } => Form::Number { least, most },
            Kind::Choice(options) => Form::Choice(options.iter().map(|(word, _)| *word).collect()),
            Kind::Text { allowed, .. } => Form::Text(allowed),
            Kind::List { allowed, .. } => Form::List(allowed),
            Kind::Entries { allowed, .. } => Form::Entries(allowed),
        }
    }

    /// Checks a value and stores it. Answers with the value in its usual spelling, for people.
    pub(crate) fn apply(&self, raw: &Raw, settings: &mut S) -> Result<String, Refusal> {
        match self.kind {
            Kind::List { set, .. } => {
                let items = list_items(raw)?;
                let shown = items.join(",");
                if set(settings, items) { Ok(shown) } else { Err(Refusal::BadType) }
            }
            Kind::Entries { set, .. } => set(settings, entries(raw)?).map_err(Refusal::Explained),
            _ => match raw {
                Raw::Text(text) => self.apply_text(text, settings),
                _ => Err(Refusal::BadType),
            },
        }
    }

    fn apply_text(&self, text: &str, settings: &mut S) -> Result<String, Refusal> {
        match &self.kind {
            Kind::Flag(set) => {
                let value = flag(text).ok_or(Refusal::BadType)?;
                set(settings, value);
                Ok(value.to_string())
            }
            Kind::Int { least, most, set } => {
                let value = within(whole(text)?, *least, *most)?;
                set(settings, value);
                Ok(value.to_string())
            }
            Kind::Number { least, most, set } => {
                let value = within(number(text)?, *least, *most)?;
                match set {
                    Quantity::Plain(set) => set(settings, value),
                    Quantity::Seconds(set) => set(settings, Duration::from_secs_f64(value)),
                    Quantity::Bytes(set) => set(settings, (value * unit_bytes(self.name)).round() as u64),
                }
                Ok(value.to_string())
            }
            Kind::Choice(options) => {
                let word = choice_word(text, options);
                let found = options.iter().find(|(option, _)| option.eq_ignore_ascii_case(word));
                let (option, set) = found.ok_or(Refusal::OutOfRange)?;
                set(settings);
                Ok((*option).to_owned())
            }
            Kind::Text { set, .. } if set(settings, text) => Ok(text.to_owned()),
            Kind::Text { .. } | Kind::List { .. } | Kind::Entries { .. } => Err(Refusal::BadType),
        }
    }
}

fn within<T: PartialOrd>(value: T, least: T, most: T) -> Result<T, Refusal> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(Refusal::OutOfRange) }
}

fn unit_bytes(name: &str) -> f64 {
    const KB: f64 = 1024.0;
    match name.rsplit('_').next() {
        Some("kb") => KB,
        Some("mb") => KB * KB,
        Some("gb") => KB * KB * KB,
        _ => 1.0,
    }
}

/// A choice that has true and false among its words takes their other spellings too.
fn choice_word<'a, S: 'static>(text: &'a str, options: &[Choice<S>]) -> &'a str {
    let has_flag = options.iter().any(|(word, _)| *word == "true");
    match flag(text) {
        Some(true) if has_flag => "true",
        Some(false) if has_flag => "false",
        _ => text.trim(),
    }
}

impl<S: 'static> std::fmt::Debug for Row<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({})", self.name)
    }
}
