//! A source that is played once, in the foreground: no rest without viewers, no second attempt. For commands that
//! publish or analyse one source.

use std::time::Duration;

use hub::{Claim, ClaimError, Hub, Publisher, Stream};
use ingest::{
    Admission, now,
    pull::{Report, State, Status},
};

use crate::{
    Error, Kind, Spec,
    blocking::blocking,
    kinds::{self, clip::Footage},
};

/// A source with its stream, opened as far as a mistake in it can be found without playing it.
#[derive(Debug)]
pub struct Playback {
    spec: Spec,
    admission: Admission,
    status: Status,
    publisher: Publisher,
    footage: Option<Footage>,
    length: Option<Duration>,
}

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error(transparent)]
    Stream(#[from] ClaimError),
    #[error(transparent)]
    Source(#[from] Error),
}

impl Playback {
    /// Opens a file or folder, and claims the stream.
    ///
    /// # Errors
    /// What is there cannot be read, or the stream is taken.
    pub async fn open(hub: &Hub, spec: Spec, admission: &Admission) -> Result<Self, OpenError> {
        let quality = spec.quality.unwrap_or(admission.quality());
        let (footage, length) = match &spec.kind {
            Kind::File { path, looping } => {
                let footage = Footage::open(path, *looping, spec.fps, quality).await?;
                let measured = blocking(move || {
                    let length = footage.length();
                    Ok((footage, length))
                });
                let (footage, length) = measured.await?;
                (Some(footage), length)
            }
            _ => (None, None),
        };
        let publisher = hub.publisher(&spec.name, Claim::SteadySource, now())?;
        let status = Status::new(spec.kind.word());
        Ok(Self { spec, admission: admission.clone(), status, publisher, footage, length })
    }

    /// Where the pictures come.
    pub fn stream(&self) -> &Stream {
        self.publisher.stream()
    }

    /// How long one round of a file plays, if that is known.
    pub fn length(&self) -> Option<Duration> {
        self.length
    }

    /// What it does and what it has counted so far.
    pub fn report(&self) -> Report {
        self.status.report()
    }

    /// Plays the source to its end. Dropping the future closes it.
    ///
    /// # Errors
    /// Why it broke off, or that it had no picture that can be used. A file or folder, which may play in a loop, breaks
    /// off at its first unusable picture; what others send goes on without it.
    pub async fn run(&self) -> Result<(), Error> {
        self.status.count_attempt();
        self.status.set(State::Connecting);
        let mut intake = kinds::intake(&self.spec, &self.publisher, &self.status, &self.admission);
        let end = match &self.footage {
            Some(footage) => tokio::select! {
                biased;
                why = self.trouble() => return Err(Error::UnusablePicture { why }),
                end = footage.play(&mut intake) => end,
            },
            None => kinds::run(&self.spec, &mut intake).await,
        };
        match end {
            Err(error) if error.is_end() => {}
            Err(error) => return Err(error),
            Ok(never) => match never {},
        }
        match self.status.trouble() {
            Some(why) if !self.status.is_live() => Err(Error::NoPicture { why }),
            _ => Ok(()),
        }
    }

    /// Waits for the first unusable picture.
    async fn trouble(&self) -> String {
        let (_, mut trouble) = self.status.watch();
        let why = trouble.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // The other end lives as long as the status.
        why.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
