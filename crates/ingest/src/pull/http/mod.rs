//! `http://` and `https://`: MJPEG, or a single picture that is requested again and again, by the answer's content type.

mod request;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hub::CaptureTime;
use hyper::body::Incoming;
use net::http::read_body;
use tokio::time::{MissedTickBehavior, interval, timeout};
use url::Url;
use wire::multipart::{self, Event, Limits, Parser, Part};

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
    let answer = caller.get().await?;
    match Content::named(answer.content_type())? {
        Content::Parts(boundary) => parts(answer, &boundary, intake).await,
        Content::Picture => snapshots(caller, answer, pause, intake).await,
    }
}

/// The content of an answer.
#[derive(Debug, PartialEq)]
enum Content {
    /// MJPEG with this boundary.
    Parts(String),
    Picture,
}

impl Content {
    fn named(content_type: &str) -> Result<Self, Error> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            it if it.starts_with("multipart/") => {
                multipart::boundary(content_type).map(Self::Parts).map_err(Error::Mjpeg)
            }
            // The bytes decide later.
            "" | "application/octet-stream" => Ok(Self::Picture),
            it if it.starts_with("image/") => Ok(Self::Picture),
            other => Err(Error::ContentType { content_type: other.to_owned() }),
        }
    }
}

async fn parts(mut answer: Answer, boundary: &str, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let limits = Limits {
        max_part_bytes: intake.admission().limits().max_bytes,
        max_header_bytes: LONGEST_HEADER_BYTES,
    };
    let mut parser = Parser::new(boundary, limits);
    while let Some(piece) = next(&mut answer.body).await? {
        let mut rest: &[u8] = &piece;
        loop {
            match parser.feed(&mut rest)? {
                None => break,
                Some(Event::End) => return Err(Error::Ended),
                Some(Event::Part(part)) => {
                    let captured = timestamp(&part);
                    intake.picture(part.body, captured).await?;
                }
            }
        }
    }
    Err(Error::Ended)
}

/// The capture time that another hub gives; cameras give none, or the time since their start.
fn timestamp(part: &Part) -> Option<CaptureTime> {
    Some(CaptureTime::claimed(part.headers.get("X-Timestamp")?.trim().parse().ok()?))
}

async fn snapshots(
    mut caller: Caller,
    first: Answer,
    pause: Duration,
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    intake.watchdog().allow_gap(pause);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut answer = first;
    loop {
        let limits = *intake.admission().limits();
        let picture = match timeout(BODY_TIMEOUT, read_body(answer.body, limits.max_bytes)).await {
            Ok(Err(net::Error::BodyTooLarge { .. })) => return Err(limits.too_large().into()),
            Ok(read) => read?,
            Err(_) => return Err(net::Error::Slow { what: "the picture", after: BODY_TIMEOUT }.into()),
        };
        intake.picture(picture, captured_now()).await?;
        ticks.tick().await;
        answer = caller.get().await?;
    }
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    while let Some(piece) = body.frame().await {
        if let Ok(data) = piece.map_err(|error| net::Error::broken(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_content_type_tells_a_stream_from_a_picture() {
        let named = |text| Content::named(text);
        assert_eq!(
            named("multipart/x-mixed-replace; boundary=frame").unwrap(),
            Content::Parts("frame".to_owned())
        );
        for picture in ["image/jpeg", "IMAGE/PNG; x=1", "", "application/octet-stream"] {
            assert_eq!(named(picture).unwrap(), Content::Picture, "{picture}");
        }
        for page in ["text/html; charset=utf-8", "application/json", "multipart/x-mixed-replace"] {
            assert!(named(page).is_err(), "{page}");
        }
    }
}
