//! Work that waits for the disk, kept off the thread that serves connections.
//!
//! There are three lanes with a few places each: questions (a list, a lookup, opening a file) are short, reading is
//! what downloads and replays do for as long as they last, and saving a clip may take minutes. A disk that hangs fills
//! its lanes and nothing else: neither the runtime's pool of threads nor a live view notices.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use record::Recordings;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// A disk is not faster with more, and decoding would take the processors away from the streams.
const PLACES: usize = 4;
/// A long clip leaves a place for another.
const SAVERS: usize = 2;
/// A request waits this long for a place, then is refused for now.
const PATIENCE: Duration = Duration::from_secs(5);

/// The recordings, and the way to them.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) recordings: Recordings,
    pub(crate) disk: Disk,
}

#[derive(Debug, Clone)]
pub(crate) struct Disk {
    questions: Arc<Semaphore>,
    readers: Arc<Semaphore>,
    savers: Arc<Semaphore>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let lane = |places| Arc::new(Semaphore::new(places));
        Self { questions: lane(PLACES), readers: lane(PLACES), savers: lane(SAVERS) }
    }

    /// A short question to the store.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, record::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = place(&self.questions).await?;
        Ok(run(place, question).await??)
    }

    /// A picture of a recording.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        reading: impl FnOnce() -> Result<T, record::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = place(&self.readers).await?;
        Ok(run(place, reading).await??)
    }

    /// A new recording made of others.
    pub(crate) async fn save<T: Send + 'static>(
        &self,
        saving: impl FnOnce() -> Result<T, record::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = place(&self.savers).await?;
        Ok(run(place, saving).await??)
    }

    /// The next step of a download or a replay: it waits for its turn, however long that takes.
    pub(crate) async fn read_on<T: Send + 'static>(
        &self,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = Arc::clone(&self.readers).acquire_owned().await.map_err(|_closed| broken())?;
        run(place, reading).await
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

/// The place is given back when the work is done, even if the request has ended.
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
        assert_eq!(disk.read_on(|| 2).await.unwrap(), 2, "the other lane is free");
        drop(releases);
        for task in hanging {
            assert!(task.await.unwrap().unwrap());
        }
        assert_eq!(disk.ask(|| Ok(3)).await.unwrap(), 3);
    }
}
