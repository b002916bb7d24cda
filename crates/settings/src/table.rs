//! Tables: what a room declares, and what the server makes of it.

use std::fmt;

use crate::row::{Form, Row};
use crate::value::{Raw, Refusal};

/// Keys of one section that set fields of `S`, as a room declares them. Several tables may share a section.
#[derive(Debug)]
pub struct Table<S: 'static> {
    pub section: &'static str,
    /// What the section is about. Of tables that share a section, the first one's counts.
    pub doc: &'static str,
    pub rows: &'static [Row<S>],
}

impl<S> Table<S> {
    /// The table as a section of a larger configuration, of which `part` is the room's part.
    pub fn section<C: 'static>(&'static self, part: fn(&mut C) -> &mut S) -> Section<C> {
        let key = |row: &'static Row<S>| Key {
            section: self.section,
            name: row.name,
            default: row.default,
            unit: row.unit,
            env: row.env,
            secret: row.secret,
            doc: row.doc,
            form: row.form(),
            apply: Box::new(move |raw, config| row.apply(raw, part(config))),
        };
        Section { name: self.section, doc: self.doc, keys: self.rows.iter().map(key).collect() }
    }
}

/// A group of keys, as in the file.
#[derive(Debug)]
pub struct Section<C> {
    pub name: &'static str,
    pub doc: &'static str,
    pub keys: Vec<Key<C>>,
}

/// One key of the whole configuration. `section.name` is its path.
pub struct Key<C> {
    pub section: &'static str,
    pub name: &'static str,
    /// As it would be written in a file; the empty text and the empty list are written "".
    pub default: &'static str,
    /// What the number counts, where the name does not end in it.
    pub unit: &'static str,
    /// Names of existing clients' environments, strongest first. Every key also has `FRAMEHUB__SECTION__NAME`, which
    /// wins over these.
    pub env: &'static [&'static str],
    /// Never printed.
    pub secret: bool,
    /// What it does, and what raising or lowering it costs.
    pub doc: &'static str,
    pub form: Form,
    apply: Apply<C>,
}

type Apply<C> = Box<dyn Fn(&Raw, &mut C) -> Result<String, Refusal> + Send + Sync>;

impl<C> Key<C> {
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
        match &self.form {
            Form::Flag => "true or false".to_owned(),
            Form::Int { least, most } => format!("a whole number from {least} to {most}{unit}"),
            Form::Number { least, most } => format!("a number from {least} to {most}{unit}"),
            Form::Choice(words) => format!("one of {}", words.join(", ")),
            Form::Text(allowed) | Form::List(allowed) | Form::Entries(allowed) => (*allowed).to_owned(),
        }
    }

    fn unit_of_name(&self) -> String {
        let units = [("seconds", "seconds"), ("days", "days"), ("kb", "kB"), ("mb", "MB"), ("gb", "GB")];
        let last = self.name.rsplit('_').next().unwrap_or("");
        let found = units.iter().find(|(suffix, _)| *suffix == last);
        found.map_or(String::new(), |(_, unit)| format!(" {unit}"))
    }

    /// Checks a value and stores it. Answers with the value in its usual spelling, for people.
    ///
    /// # Errors
    /// The value is not allowed; nothing was stored.
    pub fn apply(&self, raw: &Raw, config: &mut C) -> Result<String, Refusal> {
        (self.apply)(raw, config)
    }

    /// Stores the default.
    ///
    /// # Errors
    /// The table's default is not one of its allowed values.
    pub fn apply_default(&self, config: &mut C) -> Result<String, Refusal> {
        self.apply(&Raw::Text(self.default.to_owned()), config)
    }
}

impl<C> fmt::Debug for Key<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.path())
    }
}
