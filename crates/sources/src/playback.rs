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
mod tests {
    #![allow(clippy::unwrap_used)]
    use hub::{Class, Limits, RingLimits, Rule, Start};
    use tokio::time::Instant;

    use super::*;

    fn admission() -> Admission {
        Admission::new(wire::image::Limits { max_bytes: 1 << 20, setting: "" }, 80)
    }

    fn hub() -> Hub {
        let ring =
            RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 20, backlog_bytes: 1 << 20 };
        Hub::new(Limits { streams: 10, viewers_per_stream: 10, ring })
    }

    fn spec(path: &std::path::Path, fps: f64) -> Spec {
        let spec = Spec::of_argument("a".parse().unwrap(), path.to_str().unwrap());
        Spec { fps: Some(fps), kind: Kind::File { path: path.to_owned(), looping: false }, ..spec }
    }

    fn jpeg(grey: u8) -> Vec<u8> {
        media::jpeg::encode(&media::Picture::filled(8, 8, [grey; 3]), 90).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_plays_once_in_its_own_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mjpeg");
        std::fs::write(&path, (0..4).flat_map(jpeg).collect::<Vec<u8>>()).unwrap();
        let hub = hub();
        let playback = Playback::open(&hub, spec(&path, 10.0), &admission()).await.unwrap();
        assert_eq!(playback.length(), Some(Duration::from_millis(400)));
        let mut reader = playback.stream().subscribe(Rule::InOrder, Class::Service, Start::Oldest).unwrap();
        let start = Instant::now();
        playback.run().await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 400, "the last picture has its time, too");
        for grey in 0..4 {
            assert_eq!(reader.recv().await.unwrap().frame.payload, jpeg(grey));
        }
        let report = playback.report();
        assert_eq!((report.captures, report.late, report.frame_errors), (4, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_played_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let hub = hub();
        let missing = folder.path().join("nowhere.mjpeg");
        let error = Playback::open(&hub, spec(&missing, 10.0), &admission()).await.unwrap_err();
        assert!(error.to_string().contains("nowhere.mjpeg"), "{error}");
        assert!(hub.is_empty());
        std::fs::write(folder.path().join("a.jpg"), b"plain text").unwrap();
        let playback = Playback::open(&hub, spec(folder.path(), 10.0), &admission()).await.unwrap();
        let error = playback.run().await.unwrap_err();
        assert!(error.to_string().contains("a.jpg"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_loops_breaks_off_at_an_unusable_picture() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.jpg"), jpeg(1)).unwrap();
        std::fs::write(folder.path().join("b.jpg"), b"plain text").unwrap();
        let kind = Kind::File { path: folder.path().to_owned(), looping: true };
        let looping = Spec { kind, ..spec(folder.path(), 10.0) };
        let playback = Playback::open(&hub(), looping, &admission()).await.unwrap();
        let error = playback.run().await.unwrap_err();
        assert!(error.to_string().contains("b.jpg"), "{error}");
        assert_eq!(playback.report().captures, 1, "the good one was published");
    }
}
