//! A body in which pictures come: one, or any number of them, each of which is a frame as soon as it is there.

use std::sync::Arc;

use http::{HeaderMap, header::CONTENT_TYPE};
use hub::{Claim, Frame, StreamName};
use ingest::Ingest;
use wire::{
    body::{Reader, Shape},
    multipart::{Event, Part},
};

use super::{
    Publishing, Query,
    frame::{Published, incoming_frame},
    incoming::{Deadline, Incoming},
    multipart::{bad_multipart, limits},
    open,
};
use crate::error::ApiError;

/// Publishes each picture as it comes. A bad one among many is counted and passed over: one torn frame must not end a
/// camera's connection.
pub(super) async fn publish(
    publishing: &Publishing,
    name: StreamName,
    query: Query,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Published, ApiError> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ingest = open(publishing, name, query.claim())?;
    let reader = Reader::new(content_type, body.announced(), limits(publishing));
    let too_large = reader.check_announced().map_err(|error| bad_multipart(publishing, &error));
    too_large.inspect_err(|_| ingest.count_rejected())?;
    let mut pictures =
        Pictures { publishing, content_type, headers, reader, ingest, totals: Totals::default() };
    let read = pictures.read(body).await;
    if read.is_err() && pictures.reader.in_picture() {
        pictures.ingest.count_rejected();
    }
    read?;
    let Pictures { reader, ingest, totals, .. } = pictures;
    totals.answer(&ingest, reader.shape())
}

struct Pictures<'a> {
    publishing: &'a Publishing,
    content_type: &'a str,
    /// Of the request: they speak of its first picture, if that has none of its own.
    headers: &'a HeaderMap,
    reader: Reader,
    ingest: Ingest,
    totals: Totals,
}

impl Pictures<'_> {
    async fn read(&mut self, body: Incoming) -> Result<(), ApiError> {
        let mut body = Deadline::new(self.publishing, body);
        // Parts may come when they will; anything else has begun with the request.
        body.progress(!self.content_type.trim_start().starts_with("multipart/"));
        while let Some(chunk) = body.next().await? {
            let mut input = &chunk[..];
            while let Some(event) = self.feed(&mut input)? {
                match event {
                    Event::Part(part) => self.take(part).await?,
                    Event::End => return Ok(()),
                }
                body.frame_done();
            }
            self.count_dropped();
            body.progress(self.reader.in_picture());
        }
        body.check_whole()?;
        for part in self.reader.finish().map_err(|error| bad_multipart(self.publishing, &error))? {
            self.take(part).await?;
        }
        self.count_dropped();
        Ok(())
    }

    fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Event>, ApiError> {
        let was_clear = self.reader.shape().is_some();
        let event = self.reader.feed(input).map_err(|error| bad_multipart(self.publishing, &error))?;
        if !was_clear && self.reader.shape() == Some(Shape::Picture) {
            // A request a picture: such clients share their stream.
            self.ingest = open(self.publishing, self.ingest.name().clone(), Claim::Shared)?;
        }
        Ok(event)
    }

    async fn take(&mut self, part: Part) -> Result<(), ApiError> {
        let Part { headers, body } = part;
        let frame_size = body.len();
        let is_first = self.totals.frames + self.totals.rejected == 0;
        let of_request = |name: &str| {
            let value =
                self.headers.get(name).filter(|_| is_first && self.reader.shape() != Some(Shape::Parts));
            value.and_then(|value| str::from_utf8(value.as_bytes()).ok())
        };
        let error = match incoming_frame(body, |name| headers.get(name).or_else(|| of_request(name))) {
            Ok(frame) => match self.ingest.frame(frame).await {
                Ok(frame) => {
                    self.ingest.note(&self.reader.take_mended());
                    self.totals.add(frame, frame_size);
                    return Ok(());
                }
                Err(error) if error.ends_stream() => return Err(error.into()),
                Err(error) => error.into(),
            },
            Err(error) => {
                self.ingest.count_rejected();
                error
            }
        };
        tracing::debug!(stream = %self.ingest.name(), error = error.message, "frame refused");
        self.totals.refuse(error);
        Ok(())
    }

    /// Pictures that the reader passed over, since they broke off or were too large.
    fn count_dropped(&mut self) {
        for _ in 0..self.reader.take_dropped() {
            self.ingest.count_rejected();
            let message = "a JPEG in the body is cut off or too large: send each one whole";
            self.totals.refuse(ApiError::bad_request("TRUNCATED_JPEG", message));
        }
    }
}

#[derive(Default)]
struct Totals {
    frames: u64,
    rejected: u64,
    bytes: u64,
    last: Option<(Arc<Frame>, usize)>,
    last_error: Option<ApiError>,
}

impl Totals {
    fn add(&mut self, frame: Arc<Frame>, frame_size: usize) {
        self.frames += 1;
        self.bytes += frame_size as u64;
        self.last = Some((frame, frame_size));
    }

    fn refuse(&mut self, error: ApiError) {
        self.rejected += 1;
        self.last_error = Some(error);
    }

    fn answer(self, ingest: &Ingest, shape: Option<Shape>) -> Result<Published, ApiError> {
        let Some((frame, frame_size)) = self.last else {
            let none = || ApiError::bad_request("MISSING_FRAME", "the body ended without a single frame");
            return Err(self.last_error.unwrap_or_else(none));
        };
        let published = Published::new(ingest, &frame, frame_size);
        if shape == Some(Shape::Picture) && self.frames == 1 {
            return Ok(published);
        }
        let Self { frames, rejected, bytes, .. } = self;
        Ok(Published { frames: Some(frames), rejected: Some(rejected), bytes: Some(bytes), ..published })
    }
}
