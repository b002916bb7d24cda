//! Work that waits for the disk, kept off the thread that serves connections.
//!
//! There are two lanes with a few places each: questions (a list, a lookup, opening a file), which are short, and
//! labour (reading for downloads and replays, saving a clip), which may not be. A disk that hangs fills its lanes and
//! nothing else: neither the runtime's pool of threads nor a live view notices.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Places in a lane: a disk is not faster with more, and decoding would take the processors away from the streams.
const PLACES: usize = 4;
/// Whoever asks waits so long for a place, then is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone)]
pub(crate) struct Disk {
    questions: Arc<Semaphore>,
    labour: Arc<Semaphore>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { questions: Arc::new(Semaphore::new(PLACES)), labour: Arc::new(Semaphore::new(PLACES)) }
    }

    /// A short question to the shelf.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, record::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = place(&self.questions).await?;
        Ok(run(place, question).await??)
    }

    /// Something longer that a request waits for.
    pub(crate) async fn labour<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, record::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = place(&self.labour).await?;
        Ok(run(place, work).await??)
    }

    /// A step of something that goes on for as long as its client: it waits for its turn, however long that takes.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = Arc::clone(&self.labour).acquire_owned().await.map_err(|_closed| broken())?;
        run(place, work).await
    }
}

async fn place(lane: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    match tokio::time::timeout(PATIENCE, Arc::clone(lane).acquire_owned()).await {
        Ok(place) => place.map_err(|_closed| broken()),
        Err(_elapsed) => {
            let message = "the disk of the recordings is busy: try again shortly";
            Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "RECORDINGS_BUSY", message))
        }
    }
}

/// The place is given back when the work is done, even if nobody waits for it any more.
async fn run<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let worked = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    worked.await.map_err(|error| {
        tracing::error!(%error, "work on the recordings failed");
        broken()
    })
}

fn broken() -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "work on the recordings failed: see the log")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_turns_questions_away_and_recovers() {
        let disk = Disk::new();
        let (releases, hanging): (Vec<_>, Vec<_>) = (0..PLACES)
            .map(|_| {
                let (release, released) = mpsc::channel::<()>();
                let disk = disk.clone();
                let hangs = async move { disk.ask(move || Ok(released.recv().is_err())).await };
                (release, tokio::spawn(hangs))
            })
            .unzip();
        while disk.questions.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // A blocking task keeps paused time from moving by itself.
        let turned_away = tokio::spawn({
            let disk = disk.clone();
            async move { disk.ask(|| Ok(1)).await }
        });
        tokio::task::yield_now().await;
        tokio::time::advance(PATIENCE).await;
        assert_eq!(turned_away.await.unwrap().unwrap_err().code(), "RECORDINGS_BUSY");
        assert_eq!(disk.step(|| 2).await.unwrap(), 2, "the other lane is free");
        drop(releases);
        for task in hanging {
            assert!(task.await.unwrap().unwrap());
        }
        assert_eq!(disk.ask(|| Ok(3)).await.unwrap(), 3);
    }
}
