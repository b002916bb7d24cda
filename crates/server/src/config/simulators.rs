//! The further simulators: a map of the file, name to address, read as [`Place`]s.
//!
//! It is a map beside the sections, not a section: its names are the user's.

use std::collections::BTreeMap;

use sessions::Place;

use super::layer::SimulatorLine;
use super::problem::{Problem, ProblemKind};

/// Its name in the file.
pub(super) const NAME: &str = "simulators";

/// Those of all lines by their names; what a line leaves open is as of `default`.
pub(super) fn read(
    lines: Vec<SimulatorLine>,
    default: &Place,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for SimulatorLine { name, address, origin } in lines {
        let place = default.parse(&address).and_then(|place| place.simulator().map(|_| place));
        match place {
            Ok(place) => {
                places.insert(name, place);
            }
            Err(error) => {
                let what = format!("{name}: {error}");
                problems.push(Problem::new(ProblemKind::BadType, origin, what).of_key(NAME));
            }
        }
    }
    places
}
