//! Reads every layer and folds them into one [`Config`].

use std::fmt;
use std::path::PathBuf;

use settings::Raw;

use super::environment::{self, Environment};
use super::layer::{self, Layer, Override, Written};
use super::problem::{Error, Origin, Problem, ProblemKind, Warning};
use super::profile::Profile;
use super::sources::Listed;
use super::tables::{self, Key, keys};
use super::typed::Config;
use super::{file, simulators, sources};
use crate::logging::settings::is_python_format;

/// The file that is read when none is named, if it is there.
pub(super) const DEFAULT_FILE: &str = "config.yaml";

/// Beside it, the file of environment variables.
pub(super) const DOTENV_FILE: &str = ".env";

/// An API key shorter than this can be guessed by trying.
const SHORT_API_KEY: usize = 8;

/// The key that chooses a profile.
const PROFILE_KEY: (&str, &str) = ("viewers", "profile");

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

/// A configuration without problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub config: Config,
    /// One for each key, in the order of the reference page.
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

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

    layers.insert(0, profile_layer(&layers));

    let mut loaded = fold(layers)?;
    loaded.config.bare = !has_file && loaded.sources.is_empty() && loaded.config.camera.index.is_none();
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
    let profile = profile_layer(std::slice::from_ref(&layer));
    fold(vec![profile, layer])
}

/// The layer of the profile that the others choose.
fn profile_layer(others: &[Layer]) -> Layer {
    let profile = chosen_profile(others);
    let written = profile.values().iter().filter_map(|(path, value)| {
        let (section, name) = path.split_once('.')?;
        let raw = Raw::Text((*value).to_owned());
        let key = tables::find(section, name)?;
        Some(Written { key, raw, origin: Origin::Profile { name: profile.name() } })
    });
    Layer { written: written.collect(), ..Layer::default() }
}

/// The last one that the layers name.
fn chosen_profile(layers: &[Layer]) -> Profile {
    let written = layers.iter().flat_map(|layer| &layer.written);
    let mut scratch = Config::blank();
    for choice in written.filter(|written| (written.key.section, written.key.name) == PROFILE_KEY) {
        // A word that is refused here is reported when the layers are folded.
        let _reported_later = choice.key.apply(&choice.raw, &mut scratch);
    }
    scratch.viewers.profile
}

fn missing_file(path: PathBuf) -> Layer {
    let origin = Origin::File { path, line: 0 };
    Layer::bad(Problem::new(ProblemKind::Unreadable, origin, "there is no such file"))
}

/// Lays the layers over the defaults, later ones on top, checking every value in each.
fn fold(layers: Vec<Layer>) -> Result<Loaded, Error> {
    let mut config = Config::blank();
    let mut settings = Vec::new();
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let (mut lines, mut named) = (Vec::new(), Vec::new());
    for key in keys() {
        match key.apply_default(&mut config) {
            Ok(value) => settings.push(Setting { key, value, origin: Origin::Default }),
            Err(refusal) => {
                let raw = Raw::Text(key.default.to_owned());
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
    config.simulators = simulators::read(named, &config.sessions.default, &mut problems);
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.origin.rank());
        return Err(Error { problems, warnings });
    }
    config.settle();
    config.viewers.is_rate_written = is_written("viewers.stream_fps", &settings);
    config.sources = sources.iter().map(|listed| listed.spec.clone()).collect();
    warnings.extend(open_to_strangers(&config, &settings));
    warnings.extend(short_api_keys(&config, &settings));
    warnings.extend(python_format(&settings));
    settings.iter_mut().for_each(mask);
    Ok(Loaded { config, settings, sources, warnings, files: Vec::new() })
}

/// What stands for a secret wherever values are shown.
pub(super) const MASK: &str = "********";

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

/// Whether it stands anywhere but among the defaults.
fn is_written(path: &str, settings: &[Setting]) -> bool {
    settings.iter().any(|setting| setting.key.path() == path && setting.origin != Origin::Default)
}

/// The file of an existing server may say how Python writes its lines.
fn python_format(settings: &[Setting]) -> Option<Warning> {
    let setting = settings.iter().find(|setting| setting.key.path() == "logging.format")?;
    let what = "a format of Python's logging is left out: lines look as with auto".to_owned();
    is_python_format(&setting.value).then(|| Warning { origin: setting.origin.clone(), what })
}

/// Others than this machine's own users get in without a key.
fn open_to_strangers(config: &Config, settings: &[Setting]) -> Option<Warning> {
    if !config.auth.is_open() || config.server.host.to_canonical().is_loopback() {
        return None;
    }
    let setting = settings.iter().find(|setting| setting.key.path() == "server.host")?;
    let what = format!(
        "listening on {} without an API key: anyone who reaches this machine can watch, publish and delete; \
         set auth.api_keys (API_KEYS)",
        config.server.host
    );
    Some(Warning { origin: setting.origin.clone(), what })
}
