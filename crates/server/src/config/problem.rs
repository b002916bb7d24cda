//! What can be wrong with a configuration, and the report that a user reads.
//!
//! Every problem of every layer is gathered before anything is said, so that a file is mended in
//! one go. Values of secret keys never get in here.

use std::fmt;
use std::path::PathBuf;

use super::key::{Key, Kind, Raw, Refusal};
use super::table::KEYS;

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

impl ProblemKind {
    /// A name that stays the same from version to version.
    pub fn code(self) -> &'static str {
        match self {
            ProblemKind::Unreadable => "CONFIG_UNREADABLE",
            ProblemKind::Syntax => "CONFIG_SYNTAX",
            ProblemKind::UnknownKey => "CONFIG_UNKNOWN_KEY",
            ProblemKind::DuplicateKey => "CONFIG_DUPLICATE_KEY",
            ProblemKind::BadType => "CONFIG_BAD_TYPE",
            ProblemKind::OutOfRange => "CONFIG_OUT_OF_RANGE",
        }
    }
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
            Refusal::BadType => ProblemKind::BadType,
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
        Raw::Nested => return "the list holds something other than plain values".to_owned(),
        Raw::List(_) if !matches!(key.kind, Kind::List { .. }) => {
            return "a list stands where one value belongs".to_owned();
        }
        _ if key.secret => "the value".to_owned(),
        Raw::List(items) => quoted(&items.join(",")),
        Raw::Text(text) => quoted(text),
    };
    match (&key.kind, refusal) {
        (Kind::Flag(_), _) => format!("{value} is neither true nor false"),
        (Kind::Choice(_), _) => format!("{value} is not one of the choices"),
        (_, Refusal::OutOfRange) => format!("{value} is out of range"),
        (Kind::Int { .. }, _) => format!("{value} is not a whole number"),
        (Kind::Number { .. }, _) => format!("{value} is not a number"),
        _ => format!("{value} is not allowed"),
    }
}

/// A stranger's text on a terminal: quoted, control characters escaped, and not too long.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
        None => format!("{text:?}"),
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
    /// The first problem's code.
    pub fn code(&self) -> &'static str {
        self.problems.first().map_or("CONFIG", |problem| problem.kind.code())
    }

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

/// The known key nearest to `section.name`, if one is near enough to be meant.
pub(super) fn nearest_key(section: &str, name: &str) -> Option<&'static Key> {
    /// Below this the pair has little more than letters in common.
    const NEAR: f64 = 0.75;
    let score = |key: &Key| {
        let alike = strsim::jaro_winkler(name, key.name);
        if section == key.section {
            return alike;
        }
        let slip = strsim::damerau_levenshtein(section, key.section) <= 2;
        // A key that fits in another section was put under the wrong heading.
        if slip {
            alike * 0.95
        } else if alike > 0.9 {
            alike * 0.8
        } else {
            0.0
        }
    };
    let mut best = None;
    let mut best_score = NEAR;
    for key in KEYS {
        // Of equals the first: the sections that matter most come first.
        if score(key) > best_score {
            best_score = score(key);
            best = Some(key);
        }
    }
    best
}

/// The name among `known` nearest to `name`, if one is near enough to be meant.
pub(super) fn nearest_name<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
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

    fn nearest(section: &str, name: &str) -> Option<String> {
        nearest_key(section, name).map(Key::path)
    }

    #[test]
    fn slips_of_the_pen_find_their_key() {
        assert_eq!(nearest("server", "prot").as_deref(), Some("server.port"));
        assert_eq!(nearest("streams", "timeout").as_deref(), Some("streams.timeout_seconds"));
        assert_eq!(nearest("streams", "max_concurent").as_deref(), Some("streams.max_concurrent"));
        assert_eq!(nearest("recodring", "fps").as_deref(), Some("recording.fps"));
    }

    #[test]
    fn a_key_under_the_wrong_heading_is_found() {
        assert_eq!(nearest("server", "retention_days").as_deref(), Some("recording.retention_days"));
        assert_eq!(nearest("", "stream_fps").as_deref(), Some("viewers.stream_fps"));
        assert_eq!(nearest("", "port").as_deref(), Some("server.port"));
    }

    #[test]
    fn nothing_near_is_nothing_said() {
        assert_eq!(nearest("server", "colour"), None);
        assert_eq!(nearest("zebra", "giraffe"), None);
        assert_eq!(nearest_name("PATH", ["STREAM_FPS"].into_iter()), None);
    }

    #[test]
    fn a_strangers_text_is_cut_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31mb"), r#""a\u{1b}[31mb""#);
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
    }
}
