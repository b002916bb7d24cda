//! Layered configuration: what was written becomes one typed config.
//!
//! Built-in defaults < profile < configuration file < `.env` < environment < arguments. Each place is read
//! into a layer that says what somebody wrote and where; the layers are folded once, in that
//! order, into a [`Config`]. Nothing is looked up later and nothing is reloaded: streams are made at
//! run time anyway, so a change of configuration is a restart.
//!
//! All problems of all layers are reported together. The keys stand in one table, [`KEYS`].

mod environment;
mod file;
mod grants;
mod key;
mod layer;
mod memory;
mod problem;
mod profile;
pub mod reference;
mod simulators;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod typed;

use std::path::PathBuf;

pub use environment::Environment;
pub use key::{ChoiceOption, Entry, Key, Kind};
pub use layer::{NotAnOverride, Override};
pub use memory::MemoryBound;
pub use problem::{Error, Origin, Problem, ProblemKind, Warning};
pub use profile::Profile;
pub use sources::Listed;
pub use table::{KEYS, SECTIONS, Section};
pub use typed::*;

use layer::Layer;

/// The file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "config.yaml";

/// Beside it, the file of environment variables.
const DOTENV_FILE: &str = ".env";

/// An API key shorter than this can be guessed by trying.
const SHORT_API_KEY: usize = 8;

/// Where the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Where [`DEFAULT_FILE`] and `.env` are looked for. Empty: the working directory.
    pub directory: PathBuf,
    /// A file that was named; it must exist.
    pub file: Option<PathBuf>,
    pub environment: Environment,
    pub arguments: Vec<Override>,
    /// Sources of pictures (`--source`), beside those of the file.
    pub sources: Vec<String>,
}

impl Inputs {
    /// What a command reads: the working directory, this process's environment, its arguments.
    pub fn of_process(file: Option<PathBuf>, arguments: Vec<Override>) -> Inputs {
        Inputs { file, environment: Environment::of_process(), arguments, ..Inputs::default() }
    }
}

/// A configuration without problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// One for each of [`KEYS`], in that order.
    pub settings: Vec<Setting>,
    /// The sources of pictures, as the file and `--source` list them.
    pub sources: Vec<Listed>,
    /// To be logged once logging runs.
    pub warnings: Vec<Warning>,
    /// The files that were read.
    pub files: Vec<PathBuf>,
}

/// The value in force of one key.
#[derive(Clone)]
pub struct Setting {
    pub key: &'static Key,
    /// In its usual spelling. Of a secret: stars, or nothing where none is set.
    pub value: String,
    pub origin: Origin,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {:?} ({})", self.key.path(), self.value, self.origin)
    }
}

/// Reads every layer and folds them.
///
/// # Errors
/// All problems of all layers together; there is no partial config.
pub fn load(inputs: &Inputs) -> Result<Loaded, Error> {
    let mut layers = Vec::new();
    let mut files = Vec::new();
    let path = inputs.file.clone().unwrap_or_else(|| inputs.directory.join(DEFAULT_FILE));
    match file::read(&path) {
        Some(layer) => {
            layers.push(layer);
            files.push(path);
        }
        None if inputs.file.is_some() => layers.push(missing_file(path)),
        None => {}
    }
    let has_file = !files.is_empty();
    let dotenv = inputs.directory.join(DOTENV_FILE);
    if let Some(layer) = environment::of_dotenv(&dotenv) {
        layers.push(layer);
        files.push(dotenv);
    }
    layers.push(environment::of_variables(&inputs.environment));
    layers.push(layer::of_arguments(&inputs.arguments));
    layers.push(sources::of_arguments(&inputs.sources));

    layers.insert(0, profile::layer(&layers));

    let mut loaded = fold(layers)?;
    loaded.config.bare = !has_file && loaded.sources.is_empty() && loaded.settings.iter().all(leaves_bare);
    loaded.files = files;
    Ok(loaded)
}

/// A config of defaults and `arguments` alone: for a hub inside another program, where files of the working directory and
/// the environment are that program's.
///
/// # Errors
/// As [`load`].
pub fn of_arguments(arguments: &[Override]) -> Result<Loaded, Error> {
    let layer = layer::of_arguments(arguments);
    let profile = profile::layer(std::slice::from_ref(&layer));
    fold(vec![profile, layer])
}

fn missing_file(path: PathBuf) -> Layer {
    let origin = Origin::File { path, line: 0 };
    let problem = Problem::new(ProblemKind::Unreadable, origin, "there is no such file");
    Layer { problems: vec![problem], ..Layer::default() }
}

/// Lays the layers over the defaults, later ones on top, checking every value in each.
fn fold(layers: Vec<Layer>) -> Result<Loaded, Error> {
    let mut config = Config::blank();
    let mut settings = Vec::new();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let (mut lines, mut named) = (Vec::new(), Vec::new());
    for key in KEYS {
        match key.apply_default(&mut config) {
            Ok(value) => settings.push(Setting { key, value, origin: Origin::Default }),
            Err(refusal) => {
                let raw = key::Raw::Text(key.default.to_owned());
                problems.push(Problem::refused(key, &raw, refusal, Origin::Default));
            }
        }
    }
    for layer in layers {
        problems.extend(layer.problems);
        warnings.extend(layer.warnings);
        lines.extend(layer.sources);
        named.extend(layer.simulators);
        for written in layer.written {
            let key = written.key;
            match key.apply(&written.raw, &mut config) {
                Err(refusal) => problems.push(Problem::refused(key, &written.raw, refusal, written.origin)),
                Ok(value) => {
                    if let Some(setting) = settings.iter_mut().find(|setting| std::ptr::eq(setting.key, key))
                    {
                        setting.value = value;
                        setting.origin = written.origin;
                    }
                }
            }
        }
    }
    let sources = sources::read(lines, &config.streams_of_its_own(), &mut problems);
    config.simulators = simulators::read(named, &config.simulator.place(), &mut problems);
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.origin.rank());
        return Err(Error { problems, warnings });
    }
    config.settle();
    config.sources = sources.iter().map(|listed| listed.spec.clone()).collect();
    config.not_yet = not_yet(&config, &settings);
    warnings.extend(open_to_strangers(&config, &settings));
    warnings.extend(short_api_keys(&config, &settings));
    settings.iter_mut().for_each(mask);
    Ok(Loaded { config, settings, sources, warnings, files: Vec::new() })
}

fn not_yet(config: &Config, settings: &[Setting]) -> Vec<NotYet> {
    let is_written = |origin: &Origin| !matches!(origin, Origin::Default | Origin::Profile { .. });
    let waiting = |setting: &&Setting| !setting.key.available && is_written(&setting.origin);
    let mut all = Vec::new();
    for section in SECTIONS {
        // Whoever turned recording off gets what they asked for.
        if section.name == "recording" && !config.recording.enabled {
            continue;
        }
        let of_section = settings.iter().filter(|setting| setting.key.section == section.name);
        let keys: Vec<&str> = of_section.filter(waiting).map(|setting| setting.key.name).collect();
        if !keys.is_empty() {
            all.push(NotYet { section: section.name, keys, why: section.missing });
        }
    }
    all
}

/// What stands for a secret wherever values are shown.
const MASK: &str = "********";

fn mask(setting: &mut Setting) {
    if setting.key.secret && !setting.value.is_empty() {
        setting.value = MASK.to_owned();
    }
}

fn short_api_keys(config: &Config, settings: &[Setting]) -> Option<Warning> {
    let keys = &config.auth.api_keys;
    let short = keys.iter().filter(|key| key.expose().len() < SHORT_API_KEY).count();
    let setting = settings.iter().find(|setting| setting.key.path() == "auth.api_keys")?;
    let what = format!(
        "API keys of fewer than {SHORT_API_KEY} characters can be guessed by trying ({short} of {})",
        keys.len()
    );
    (short > 0).then(|| Warning { origin: setting.origin.clone(), what })
}

/// 000's security note.
fn open_to_strangers(config: &Config, settings: &[Setting]) -> Option<Warning> {
    if !config.open_to_strangers() {
        return None;
    }
    let setting = settings.iter().find(|setting| setting.key.path() == "server.host")?;
    let what = format!(
        "listening on {} without an API key: whoever reaches this machine can watch, publish and delete; \
         set auth.api_keys (API_KEYS)",
        config.server.host
    );
    Some(Warning { origin: setting.origin.clone(), what })
}

/// Whether a setting leaves the server without anything to show of its own.
fn leaves_bare(setting: &Setting) -> bool {
    setting.origin == Origin::Default || matches!(setting.key.section, "server" | "logging" | "demo")
}
