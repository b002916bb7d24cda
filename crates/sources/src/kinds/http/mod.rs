//! `http://` and `https://`: MJPEG, or a picture that is asked for again and again. Which of the two it is the
//! answer's content type says.

pub(crate) mod request;

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hub::CaptureTime;
use hyper::body::Incoming;
use tokio::time::{MissedTickBehavior, interval, timeout};
use url::Url;
use wire::multipart::{self, Event, Limits, Parser, Part};

use crate::{
    Error,
    ingest::{Ingest, taken},
};
use request::{Answer, Caller};

/// A single picture must be whole so soon after its answer has begun.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_HEADER_BYTES: usize = 16 * 1024;

pub(crate) async fn run(url: &Url, pause: Duration, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    let mut caller = Caller::new(url);
    let answer = caller.get().await?;
    match Content::of(&answer)? {
        Content::Parts(boundary) => parts(answer, &boundary, ingest).await,
        Content::Picture => snapshots(caller, answer, pause, ingest).await,
    }
}

/// What an answer holds.
#[derive(Debug, PartialEq)]
enum Content {
    /// MJPEG with this boundary.
    Parts(String),
    Picture,
}

impl Content {
    fn of(answer: &Answer) -> Result<Self, Error> {
        Self::named(answer.content_type())
    }

    fn named(content_type: &str) -> Result<Self, Error> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            it if it.starts_with("multipart/") => multipart::boundary(content_type)
                .map(Self::Parts)
                .map_err(|error| Error::Unusable(format!("its MJPEG stream cannot be read: {error}"))),
            // The bytes decide later.
            "" | "application/octet-stream" => Ok(Self::Picture),
            it if it.starts_with("image/") => Ok(Self::Picture),
            other => Err(Error::Unusable(format!(
                "it answers with {other}; a source is an MJPEG stream (multipart/x-mixed-replace) or a picture (image/jpeg)"
            ))),
        }
    }
}

async fn parts(mut answer: Answer, boundary: &str, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    let limits = Limits { max_part_bytes: ingest.max_frame_bytes(), max_header_bytes: LONGEST_HEADER_BYTES };
    let mut parser = Parser::new(boundary, limits);
    while let Some(piece) = next(&mut answer.body).await? {
        let mut rest: &[u8] = &piece;
        loop {
            let event = parser.feed(&mut rest).map_err(|error| Error::Unusable(error.to_string()))?;
            match event {
                None => break,
                Some(Event::End) => return Err(Error::Ended),
                Some(Event::Part(part)) => {
                    let captured = timestamp(&part);
                    ingest.picture(part.body, captured).await?;
                }
            }
        }
    }
    Err(Error::Ended)
}

/// What another hub says of its frame; cameras say nothing.
fn timestamp(part: &Part) -> Option<CaptureTime> {
    CaptureTime::from_unix_secs(part.headers.get("X-Timestamp")?.trim().parse().ok()?)
}

async fn snapshots(
    mut caller: Caller,
    first: Answer,
    pause: Duration,
    ingest: &mut Ingest<'_>,
) -> Result<Infallible, Error> {
    ingest.allow_gap(pause);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut answer = first;
    loop {
        let slow = |_| Error::Slow { what: "the picture", after: BODY_TIMEOUT };
        let picture =
            timeout(BODY_TIMEOUT, whole(answer, ingest.max_frame_bytes())).await.map_err(slow)??;
        ingest.picture(picture, taken(SystemTime::now())).await?;
        ticks.tick().await;
        answer = caller.get().await?;
    }
}

async fn whole(mut answer: Answer, limit: usize) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = next(&mut answer.body).await? {
        if bytes.len() + piece.len() > limit {
            return Err(Error::Unusable(format!(
                "its picture has more than the {limit} bytes of server.max_frame_size_mb"
            )));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    while let Some(piece) = body.frame().await {
        if let Ok(data) = piece.map_err(|error| Error::broken(&error))?.into_data() {
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
