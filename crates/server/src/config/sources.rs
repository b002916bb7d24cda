//! The list of sources: lines of the file and of `--source`, read as [`sources::Spec`]s.
//!
//! It is a list beside the sections, not a key: lines of several places are added up, not laid over each other.

use std::collections::BTreeMap;

use sources::{Kind, Spec};

use super::layer::{Layer, SourceLine};
use super::problem::{Origin, Problem, ProblemKind};

/// Its name in the file.
pub(super) const NAME: &str = "sources";

/// What `--source` is called in messages.
const ARGUMENT: &str = "--source";

/// A source, and where it is written.
#[derive(Clone, Debug)]
pub struct Listed {
    pub spec: Spec,
    pub origin: Origin,
}

/// The layer of the command line's `--source`.
pub(super) fn of_arguments(lines: &[String]) -> Layer {
    let origin = || Origin::Argument { key: ARGUMENT.to_owned() };
    let lines = lines.iter().map(|text| SourceLine { text: text.clone(), origin: origin() });
    Layer { sources: lines.collect(), ..Layer::default() }
}

/// All lines of all layers as sources. `taken` names streams that something else of the config fills.
pub(super) fn read(
    lines: Vec<SourceLine>,
    taken: &[(&str, &str)],
    problems: &mut Vec<Problem>,
) -> Vec<Listed> {
    let mut names: BTreeMap<String, String> =
        taken.iter().map(|(name, by)| ((*name).to_owned(), (*by).to_owned())).collect();
    let mut listed = Vec::new();
    for SourceLine { text, origin } in lines {
        let bad = |kind, what: String| Problem::new(kind, origin.clone(), what).of_key(NAME);
        let spec = match Spec::parse(&text) {
            Ok(spec) => spec,
            Err(error) => {
                problems.push(bad(ProblemKind::BadType, error.to_string()));
                continue;
            }
        };
        // The right to add an argument is not the right to run commands as the hub.
        if matches!(spec.kind, Kind::Command(_)) && !matches!(origin, Origin::File { .. }) {
            let what = "'exec:' runs a command and is taken from the configuration file only".to_owned();
            problems.push(bad(ProblemKind::OutOfRange, what));
            continue;
        }
        if let Some(by) = names.insert(spec.name.to_string(), origin.to_string()) {
            let what = format!("the stream {} has a source already ({by})", spec.name);
            let allowed = "a name of its own for each, written in front: NAME=URL";
            problems.push(bad(ProblemKind::DuplicateKey, what).allowing(allowed));
            continue;
        }
        listed.push(Listed { spec, origin });
    }
    listed
}
