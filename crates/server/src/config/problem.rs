//! What can be wrong with a configuration, and the report that a user reads.
//!
//! Every problem of every layer is gathered before anything is said, so that a file is mended in
//! one go. Values of secret keys never get in here.

use std::fmt;
use std::path::PathBuf;

use settings::{Form, Raw, Refusal, quoted};
use wire::address::redacted_within;

use super::tables::Key;

/// Where a value was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    Default,
    /// `viewers.profile` sets it.
    Profile {
        name: &'static str,
    },
    File {
        path: PathBuf,
        line: usize,
    },
    DotEnv {
        path: PathBuf,
        line: usize,
        name: String,
    },
    Environment {
        name: String,
    },
    /// `key` is what stands before the equals sign; the value may be a secret.
    Argument {
        key: String,
    },
}

impl Origin {
    /// Later layers and later lines sort last.
    pub(super) fn rank(&self) -> (u8, usize) {
        match self {
            Origin::Default => (0, 0),
            Origin::Profile { .. } => (0, 1),
            Origin::File { line, .. } => (1, *line),
            Origin::DotEnv { line, .. } => (2, *line),
            Origin::Environment { .. } => (3, 0),
            Origin::Argument { .. } => (4, 0),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Profile { name } => write!(f, "viewers.profile={name}"),
            Origin::File { path, line: 0 } => write!(f, "{}", path.display()),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::DotEnv { path, line, name } if name.is_empty() => {
                write!(f, "{}:{line}", path.display())
            }
            Origin::DotEnv { path, line, name } => write!(f, "{}:{line} {name}", path.display()),
            Origin::Environment { name } => write!(f, "environment variable {name}"),
            Origin::Argument { key } => write!(f, "argument {key}"),
        }
    }
}

/// What sort of problem it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProblemKind {
    /// A file cannot be opened or is not text.
    Unreadable,
    /// A file is text, but not in its own syntax.
    Syntax,
    UnknownKey,
    DuplicateKey,
    BadType,
    OutOfRange,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub origin: Origin,
    /// `section.key` as written. Empty where the trouble is not with a key.
    pub key: String,
    /// What is wrong, in words.
    pub what: String,
    /// What would be right. Empty where nothing can be said.
    pub allowed: String,
    /// The known name that comes nearest, for an unknown one.
    pub did_you_mean: Option<String>,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, origin: Origin, what: impl Into<String>) -> Problem {
        Problem {
            kind,
            origin,
            key: String::new(),
            what: what.into(),
            allowed: String::new(),
            did_you_mean: None,
        }
    }

    pub(super) fn of_key(mut self, key: impl Into<String>) -> Problem {
        self.key = key.into();
        self
    }

    pub(super) fn allowing(mut self, allowed: impl Into<String>) -> Problem {
        self.allowed = allowed.into();
        self
    }

    pub(super) fn suggesting(mut self, name: Option<String>) -> Problem {
        self.did_you_mean = name;
        self
    }

    /// A known key whose value was refused.
    pub(super) fn refused(key: &Key, raw: &Raw, refusal: Refusal, origin: Origin) -> Problem {
        let kind = match refusal {
            Refusal::BadType | Refusal::Explained(_) => ProblemKind::BadType,
            Refusal::OutOfRange => ProblemKind::OutOfRange,
        };
        Problem::new(kind, origin, complaint(key, raw, refusal)).of_key(key.path()).allowing(key.allowed())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        // An argument is named by its key already.
        let named = matches!(self.origin, Origin::Argument { .. });
        if !named && !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.allowed.is_empty() {
            write!(f, "\n    allowed: {}", self.allowed)?;
        }
        if let Some(name) = &self.did_you_mean {
            write!(f, "\n    did you mean {name}?")?;
        }
        Ok(())
    }
}

fn complaint(key: &Key, raw: &Raw, refusal: Refusal) -> String {
    let value = match raw {
        Raw::Section => return "a section stands where a value belongs".to_owned(),
        Raw::Entries(_) | Raw::Nested if !matches!(key.form, Form::Entries(_)) => {
            return "the list holds something other than plain values".to_owned();
        }
        Raw::Nested => return "the list holds something other than maps".to_owned(),
        Raw::Entries(_) => "the list".to_owned(),
        Raw::List(_) if !matches!(key.form, Form::List(_) | Form::Entries(_)) => {
            return "a list stands where one value belongs".to_owned();
        }
        _ if key.secret => "the value".to_owned(),
        // It may be an address with a password in it.
        Raw::List(items) => quoted(&redacted_within(&items.join(","))),
        Raw::Text(text) => quoted(&redacted_within(text)),
    };
    match (&key.form, refusal) {
        (_, Refusal::Explained(what)) => what,
        (Form::Entries(_), _) => format!("{value} is not a list of maps, which only a file can hold"),
        (Form::Flag, _) => format!("{value} is neither true nor false"),
        (Form::Choice(_), _) => format!("{value} is not one of the choices"),
        (_, Refusal::OutOfRange) => format!("{value} is out of range"),
        (Form::Int { .. }, _) => format!("{value} is not a whole number"),
        (Form::Number { .. }, _) => format!("{value} is not a number"),
        _ => format!("{value} is not allowed"),
    }
}

/// Something that does not stop the start, but that its author should know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    pub origin: Origin,
    pub what: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.what)
    }
}

/// The configuration cannot be used. Its `Display` is the whole report, several lines long.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", report(.problems, .warnings))]
pub struct Error {
    /// At least one, in the order of the layers and of the lines in them.
    pub problems: Vec<Problem>,
    pub warnings: Vec<Warning>,
}

impl Error {
    /// 2 (wrong usage) when all that is wrong stands on the command line, else 1 (failed).
    pub fn exit_code(&self) -> u8 {
        let typed = |problem: &Problem| matches!(problem.origin, Origin::Argument { .. });
        if self.problems.iter().all(typed) { 2 } else { 1 }
    }
}

fn report(problems: &[Problem], warnings: &[Warning]) -> String {
    let mut text = match problems.len() {
        1 => "the configuration has a problem:".to_owned(),
        count => format!("the configuration has {count} problems:"),
    };
    for problem in problems {
        text.push_str("\n\n  ");
        text.push_str(&problem.to_string().replace('\n', "\n  "));
    }
    for warning in warnings {
        text.push_str("\n\n  warning: ");
        text.push_str(&warning.to_string());
    }
    text.push_str("\n\n`framehub config reference` explains every key.");
    text
}
