//! A layer: what is written in one place, with nothing derived from it.
//!
//! File, `.env`, environment and arguments each become one of these; `load` lays them over
//! each other.

use std::fmt;
use std::str::FromStr;

use settings::Raw;

use super::problem::{Origin, Problem, ProblemKind, Warning};
use super::tables::{self, Key, nearest_key};

/// One value as written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) key: &'static Key,
    pub(super) raw: Raw,
    pub(super) origin: Origin,
}

/// A source as written; the text may hold a password.
#[derive(Clone)]
pub(super) struct SourceLine {
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl fmt::Debug for SourceLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceLine({})", self.origin)
    }
}

/// A simulator as written; people may write a password into the address.
#[derive(Clone)]
pub(super) struct SimulatorLine {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) origin: Origin,
}

impl fmt::Debug for SimulatorLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatorLine({}, {})", self.name, self.origin)
    }
}

/// Everything that one place says, and what is wrong with the way it says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// In order; of one key's values the last counts.
    pub(super) written: Vec<Written>,
    /// Sources; those of all layers are added up.
    pub(super) sources: Vec<SourceLine>,
    /// Simulators by their names.
    pub(super) simulators: Vec<SimulatorLine>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

impl Layer {
    /// Of a place that cannot be read.
    pub(super) fn bad(problem: Problem) -> Layer {
        Layer { problems: vec![problem], ..Layer::default() }
    }
}

/// `section.key=value` from the command line.
#[derive(Clone, Eq, PartialEq)]
pub struct Override {
    pub key: String,
    pub value: String,
}

impl fmt::Debug for Override {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Override({}=…)", self.key)
    }
}

/// The text is not of the form `section.key=value`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected section.key=value, for example server.port=8080")]
pub struct NotAnOverride;

impl FromStr for Override {
    type Err = NotAnOverride;

    fn from_str(text: &str) -> Result<Override, NotAnOverride> {
        let (key, value) = text.split_once('=').ok_or(NotAnOverride)?;
        match key.split_once('.') {
            Some((section, name)) if !section.is_empty() && !name.is_empty() => {
                Ok(Override { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(NotAnOverride),
        }
    }
}

/// The layer of the command line.
pub(super) fn of_arguments(arguments: &[Override]) -> Layer {
    let mut layer = Layer::default();
    for Override { key, value } in arguments {
        let origin = Origin::Argument { key: key.clone() };
        let (section, name) = key.split_once('.').unwrap_or(("", key));
        let Some(found) = tables::find(section, name) else {
            let near = nearest_key(section, name).map(Key::path);
            layer.problems.push(
                Problem::new(ProblemKind::UnknownKey, origin, format!("there is no key {key}"))
                    .suggesting(near),
            );
            continue;
        };
        layer.written.push(Written { key: found, raw: Raw::Text(value.clone()), origin });
    }
    layer
}
