//! `http://` and `https://`: MJPEG, JPEGs one after the other, or a single picture that is requested again and again, as
//! the answer's bytes say.

mod request;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hub::CaptureTime;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use url::Url;
use wire::{
    Mended,
    body::{Reader, Shape},
    multipart::{self, Event, Limits, Part},
};

use super::{
    error::Error,
    intake::{Intake, captured_now},
};
use request::{Answer, Caller};

/// A single picture must be complete so soon after its answer has begun.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_HEADER_BYTES: usize = 16 * 1024;

/// Pictures from this URL until there is a reason to stop. `pause` lies between two requests for a single picture.
///
/// # Errors
/// The reason.
pub async fn run(url: &Url, pause: Duration, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let mut caller = Caller::new(url);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let answer = caller.get().await?;
        if answer.was_odd() {
            intake.note(&[Mended::Head]);
        }
        Body::new(&answer, intake).read(answer).await?;
        intake.watchdog().allow_gap(pause);
    }
}

/// The body of an answer: what it is, its bytes say.
struct Body<'a, 'b> {
    reader: Reader,
    intake: &'a mut Intake<'b>,
    pictures: u64,
}

impl<'a, 'b> Body<'a, 'b> {
    fn new(answer: &Answer, intake: &'a mut Intake<'b>) -> Self {
        let limits = Limits {
            max_part_bytes: intake.admission().limits().max_bytes,
            max_header_bytes: LONGEST_HEADER_BYTES,
        };
        let reader = Reader::new(answer.content_type(), answer.body.size_hint().exact(), limits);
        Self { reader, intake, pictures: 0 }
    }

    /// Reads it to its end. If it was a single picture, there may be another after a pause.
    async fn read(mut self, mut answer: Answer) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let piece = next(&mut answer.body);
            let piece = if self.is_single() {
                let slow = |_| net::Error::Slow { what: "the picture", after: BODY_TIMEOUT };
                timeout_at(begun + BODY_TIMEOUT, piece).await.map_err(slow)?
            } else {
                piece.await
            };
            match piece {
                Ok(Some(piece)) => self.feed(&piece).await?,
                Ok(None) => break self.finish(None).await,
                Err(error) => break self.finish(Some(error)).await,
            }
        }
    }

    /// Whether it may be a picture that is asked for again and again.
    fn is_single(&self) -> bool {
        self.pictures <= 1 && self.reader.shape() != Some(Shape::Parts)
    }

    async fn feed(&mut self, mut piece: &[u8]) -> Result<(), Error> {
        while let Some(event) = self.reader.feed(&mut piece).map_err(|error| self.refused(error))? {
            match event {
                Event::Part(part) => self.take(part).await?,
                Event::End => return Err(Error::Ended),
            }
        }
        for _ in 0..self.reader.take_dropped() {
            self.intake.skip(&"a JPEG in the body is cut off or too large");
        }
        self.intake.note(&self.reader.take_mended());
        Ok(())
    }

    async fn take(&mut self, part: Part) -> Result<(), Error> {
        self.pictures += 1;
        let captured =
            if self.reader.shape() == Some(Shape::Parts) { timestamp(&part) } else { captured_now() };
        self.intake.picture(part.body, captured).await
    }

    /// `broken`: the connection ended before its time. Many cameras announce more bytes than they send.
    async fn finish(mut self, broken: Option<Error>) -> Result<(), Error> {
        let last = self.reader.finish().map_err(|error| self.refused(error));
        if let Some(error) = broken {
            let is_whole = |part: &Part| wire::image::check(&part.body).is_ok();
            if !last
                .as_ref()
                .is_ok_and(|parts| parts.iter().all(is_whole) && parts.len() as u64 + self.pictures > 0)
            {
                return Err(error);
            }
        }
        for part in last? {
            self.take(part).await?;
        }
        if self.is_single() { Ok(()) } else { Err(Error::Ended) }
    }

    fn refused(&self, error: multipart::Error) -> Error {
        match error {
            // The same trouble as in a picture alone, so the same words.
            multipart::Error::NotPictures { content_type } => Error::ContentType { content_type },
            multipart::Error::PartTooLarge { .. } => self.intake.admission().limits().too_large().into(),
            other => Error::Mjpeg(other),
        }
    }
}

/// The capture time that another hub gives; cameras give none, or the time since their start.
fn timestamp(part: &Part) -> Option<CaptureTime> {
    Some(CaptureTime::claimed(part.headers.get("X-Timestamp")?.trim().parse().ok()?))
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    while let Some(piece) = body.frame().await {
        if let Ok(data) = piece.map_err(|error| net::Error::broken(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
