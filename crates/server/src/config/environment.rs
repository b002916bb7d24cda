//! The layers of the environment: `.env` and the process's own variables.
//!
//! Variables come in as a map, so that no test touches the process. Each key has its own
//! `FRAMEHUB__SECTION__KEY` and the names that existing clients know. An empty
//! variable counts as not set: `docker compose` passes many of those on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use settings::{Raw, nearest_name};

use super::file::read_text;
use super::layer::{Layer, Written};
use super::problem::{Origin, Problem, ProblemKind, Warning};
use super::tables::{Key, keys, nearest_key};

/// Environment variables. Its `Debug` shows names only.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. Names that are not Unicode cannot be ours; in a value, what
    /// is not Unicode becomes U+FFFD and is refused where it matters.
    pub fn of_process() -> Environment {
        let named = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        });
        Environment(named.collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str)?;
        (!value.is_empty() && !is_service_link(name, value)).then_some(value)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Environment {
        Environment(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The layer of the process's environment.
pub(super) fn of_variables(variables: &Environment) -> Layer {
    layer(variables, &|name| Origin::Environment { name: name.to_owned() })
}

/// The layer of a `.env` file. None: there is no such file.
pub(super) fn of_dotenv(path: &Path) -> Option<Layer> {
    read_text(path)
        .map(|text| text.map_or_else(|problem| Layer::bad(*problem), |text| parse_dotenv(&text, path)))
}

/// Turns the text of a `.env` file into a layer. `$NAME` in a value is replaced as dotenv does;
/// single quotes keep a dollar sign.
pub(super) fn parse_dotenv(text: &str, path: &Path) -> Layer {
    let place = |line, name: &str| Origin::DotEnv { path: path.to_owned(), line, name: name.to_owned() };
    // Without a line end behind it, dotenvy calls a last line with trailing blanks unfinished.
    let text: String = text.lines().map(|line| with_list_quoted(line) + "\n").collect();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    let mut variables = BTreeMap::new();
    let mut written_on: BTreeMap<String, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    for item in dotenvy::Iter::new(text.as_bytes()) {
        match item {
            Ok((name, value)) => {
                at = line_of(&lines, at, |line| assigns(line, &name));
                if let Some(first) = written_on.insert(name.clone(), at) {
                    let what = format!("stands here a second time, after line {first}; this one counts");
                    warnings.push(Warning { origin: place(at, &name), what });
                }
                variables.insert(name, value);
            }
            Err(dotenvy::Error::LineParse(rest, _)) => {
                let rest = rest.lines().next().unwrap_or("").to_owned();
                at = line_of(&lines, at, |line| line.contains(&rest));
                problems.push(
                    Problem::new(ProblemKind::Syntax, place(at, ""), "the line cannot be read")
                        .allowing("NAME=value, with quotes around a value that has spaces"),
                );
            }
            Err(error) => {
                problems.push(Problem::new(ProblemKind::Syntax, place(at, ""), error.to_string()));
                break;
            }
        }
    }
    let variables = Environment(variables);
    let line_of_name = |name: &str| written_on.get(name).copied().unwrap_or(0);
    let mut layer = layer(&variables, &|name| place(line_of_name(name), name));
    layer.problems.extend(problems);
    layer.warnings.extend(warnings);
    warn_of_slips(&variables, &mut layer, &|name| place(line_of_name(name), name));
    layer
}

/// A list's own quotes and blanks are part of the value: dotenvy would take them out, or call the line unreadable.
fn with_list_quoted(line: &str) -> String {
    match line.split_once('=').map(|(name, value)| (name, value.trim())) {
        Some((name, value)) if value.starts_with('[') && value.ends_with(']') => {
            if !value.contains('\'') {
                return format!("{name}='{value}'");
            }
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
            format!("{name}=\"{escaped}\"")
        }
        _ => line.to_owned(),
    }
}

/// The number of the first line after line `after` that fits; `after` itself if none does.
fn line_of(lines: &[&str], after: usize, fits: impl Fn(&str) -> bool) -> usize {
    let later = lines.iter().enumerate().skip(after);
    later.filter(|(_, line)| fits(line)).map(|(index, _)| index + 1).next().unwrap_or(after)
}

fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export").map_or(line, str::trim_start);
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn layer(variables: &Environment, place: &dyn Fn(&str) -> Origin) -> Layer {
    let mut layer = Layer::default();
    for key in keys() {
        let own = key.env_name();
        let names = std::iter::once(own.as_str()).chain(key.env.iter().copied());
        let mut set = names.filter_map(|name| Some((name, variables.get(name)?)));
        let Some((name, value)) = set.next() else { continue };
        layer.written.push(Written { key, raw: Raw::Text(value.to_owned()), origin: place(name) });
        for (other, _) in set.filter(|(_, other)| *other != value) {
            let what = format!("differs from {name}, which sets the same {} and wins", key.path());
            layer.warnings.push(Warning { origin: place(other), what });
        }
    }
    let (links, ours): (Vec<_>, Vec<_>) =
        variables.0.iter().partition(|(name, value)| is_service_link(name, value));
    layer.warnings.extend(warning_of_links(&links, place));
    for (name, _) in ours {
        check_name(name, &mut layer, place);
    }
    layer
}

/// Whether an orchestrator wrote it: Kubernetes and Docker describe each service near a container in variables of
/// these forms, so that one called `server` sets `SERVER_PORT=tcp://10.3.250.1:5000`.
fn is_service_link(name: &str, value: &str) -> bool {
    let names_port = |(_service, port): (&str, &str)| {
        let (number, rest) = port.split_once('_').unwrap_or((port, ""));
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        is_number
            && PROTOCOLS
                .iter()
                .any(|known| rest.get(..known.len()).is_some_and(|p| p.eq_ignore_ascii_case(known)))
    };
    let is_address = PROTOCOLS.iter().any(|known| {
        value.split_once("://").is_some_and(|(scheme, _address)| scheme.eq_ignore_ascii_case(known))
    });
    let is_a_services = is_address && name.ends_with("_PORT")
        || name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.split_once("_PORT_").is_some_and(names_port);
    // No service's name has two underscores side by side.
    is_a_services && !name.starts_with("FRAMEHUB__")
}

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// One for all of those that look like ours.
fn warning_of_links(links: &[(&String, &String)], place: &dyn Fn(&str) -> Origin) -> Option<Warning> {
    let looks_ours = |name: &str| {
        name.starts_with("REFEREE_")
            || name.starts_with("FRAMEHUB_")
            || documented().any(|known| known == name)
    };
    let mut ours = links.iter().map(|(name, _)| name.as_str()).filter(|name| looks_ours(name));
    let first = ours.next()?;
    let others = match ours.count() {
        0 => String::new(),
        others => format!(" (and {others} more like it)"),
    };
    let what = format!(
        "describes a service of the container's surroundings and is left out{others}: to set the key, write \
         FRAMEHUB__SECTION__KEY or an argument"
    );
    Some(Warning { origin: place(first), what })
}

/// Names that can only be meant for us, but that are none of ours.
fn check_name(name: &str, layer: &mut Layer, place: &dyn Fn(&str) -> Origin) {
    if let Some(path) = name.strip_prefix("FRAMEHUB__") {
        if keys().any(|key| key.env_name() == name) {
            return;
        }
        let path = path.to_ascii_lowercase();
        let (section, key) = path.split_once("__").unwrap_or(("", &path));
        let near = nearest_key(section, key).map(Key::env_name);
        layer.problems.push(
            Problem::new(ProblemKind::UnknownKey, place(name), "no key has this name")
                .allowing("FRAMEHUB__SECTION__KEY in capitals")
                .suggesting(near),
        );
        return;
    }
    if name.starts_with("REFEREE_") && !documented().any(|known| known == name) {
        let near = nearest_name(name, documented());
        let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        layer
            .warnings
            .push(Warning { origin: place(name), what: format!("is not known and is left out{hint}") });
        return;
    }
    if let Some(rest) = name.strip_prefix("FRAMEHUB_") {
        let squeezed = |key: &&Key| format!("{}_{}", key.section, key.name).eq_ignore_ascii_case(rest);
        if let Some(key) = keys().find(squeezed) {
            let what = format!("is not read; did you mean {} (two underscores)?", key.env_name());
            layer.warnings.push(Warning { origin: place(name), what });
        }
    }
}

/// In a `.env` file, unlike in the whole environment, nearly every name is meant for us.
fn warn_of_slips(variables: &Environment, layer: &mut Layer, place: &dyn Fn(&str) -> Origin) {
    for name in variables.0.keys() {
        let prefixed = name.starts_with("FRAMEHUB_") || name.starts_with("REFEREE_");
        if prefixed || documented().any(|known| known == name) {
            continue;
        }
        if let Some(near) = nearest_name(name, documented()) {
            let what = format!("is not known and is left out; did you mean {near}?");
            layer.warnings.push(Warning { origin: place(name), what });
        }
    }
}

/// Every name that existing clients know.
fn documented() -> impl Iterator<Item = &'static str> {
    keys().flat_map(|key| key.env.iter().copied())
}
