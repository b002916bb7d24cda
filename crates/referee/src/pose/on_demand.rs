//! A model that is loaded when it is first needed: a hub that never looks for people pays neither time nor memory for it.

use std::sync::{Mutex, OnceLock};

use media::Picture;

use super::{Error, Model, Settings, Source};
use crate::tracks::Person;

/// Shared by all who need the model. The first of them loads it, and the others wait for that.
#[derive(Debug)]
pub struct OnDemand {
    source: Source,
    settings: Settings,
    model: OnceLock<Model>,
    /// Held by the thread that loads, so that only one does.
    loading: Mutex<()>,
}

impl OnDemand {
    /// Nothing is read yet.
    pub fn new(source: Source, settings: Settings) -> Self {
        Self { source, settings, model: OnceLock::new(), loading: Mutex::new(()) }
    }

    /// The model, loaded if it is not yet. A failure is not kept: the next call tries again.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn model(&self) -> Result<&Model, Error> {
        if let Some(model) = self.model.get() {
            return Ok(model);
        }
        // Held even if an earlier loading panicked.
        let _only_one = self.loading.lock();
        if let Some(model) = self.model.get() {
            return Ok(model);
        }
        let model = Model::load(&self.source, &self.settings)?;
        Ok(self.model.get_or_init(|| model))
    }

    /// [`Model::run`] of the model.
    ///
    /// # Errors
    /// As [`Model::load`] and [`Model::run`].
    pub fn run(&self, picture: &Picture) -> Result<Vec<Person>, Error> {
        self.model()?.run(picture)
    }

    /// A model that tests have made themselves.
    #[cfg(test)]
    pub(super) fn loaded(model: Model) -> Self {
        Self { model: OnceLock::from(model), ..Self::new(Source::Builtin, Settings::default()) }
    }
}
