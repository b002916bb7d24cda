//! What reading the configuration results in.

use std::path::PathBuf;

use super::problem::{Origin, Warning};
use super::sources::Listed;
use super::tables::Key;
use super::typed::Config;

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

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {:?} ({})", self.key.path(), self.value, self.origin)
    }
}
