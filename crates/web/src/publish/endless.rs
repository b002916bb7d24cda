//! A `multipart/x-mixed-replace` body, which never ends: each part is a frame.

use std::sync::Arc;

use hub::Frame;
use ingest::Ingest;
use wire::multipart::{Event, Part};

use super::{
    Publishing,
    frame::{Published, incoming_frame},
    incoming::{Deadline, Incoming},
    multipart::{bad_multipart, parser},
};
use crate::error::ApiError;

/// Publishes each part as it comes. A part that is no picture is counted and passed over: one torn frame must not
/// end a camera's connection.
pub(super) async fn publish(
    publishing: &Publishing,
    mut ingest: Ingest,
    boundary: &str,
    body: Incoming,
) -> Result<Published, ApiError> {
    let mut parser = parser(publishing, boundary, None);
    let mut totals = Totals::default();
    let mut body = Deadline::new(publishing, body);
    while let Some(chunk) = body.next().await? {
        let mut input = &chunk[..];
        while let Some(event) = parser.feed(&mut input).map_err(|error| bad_multipart(publishing, &error))? {
            match event {
                Event::Part(part) => totals.take(&mut ingest, part).await?,
                Event::End => return totals.answer(&ingest),
            }
            body.frame_done();
        }
        body.progress(parser.in_part());
    }
    parser.finish().map_err(|error| bad_multipart(publishing, &error))?;
    totals.answer(&ingest)
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
    async fn take(&mut self, ingest: &mut Ingest, part: Part) -> Result<(), ApiError> {
        let Part { headers, body } = part;
        let frame_size = body.len();
        let error = match incoming_frame(body, |name| headers.get(name)) {
            Ok(frame) => match ingest.frame(frame).await {
                Ok(frame) => {
                    self.frames += 1;
                    self.bytes += frame_size as u64;
                    self.last = Some((frame, frame_size));
                    return Ok(());
                }
                Err(error) if error.ends_stream() => return Err(error.into()),
                Err(error) => error.into(),
            },
            Err(error) => {
                ingest.count_rejected();
                error
            }
        };
        self.rejected += 1;
        tracing::debug!(stream = %ingest.name(), error = error.message, "frame refused");
        self.last_error = Some(error);
        Ok(())
    }

    fn answer(self, ingest: &Ingest) -> Result<Published, ApiError> {
        let Some((frame, frame_size)) = self.last else {
            let none = || ApiError::bad_request("MISSING_FRAME", "the body ended without a single frame");
            return Err(self.last_error.unwrap_or_else(none));
        };
        let Self { frames, rejected, bytes, .. } = self;
        let published = Published::new(ingest, &frame, frame_size);
        Ok(Published { frames: Some(frames), rejected: Some(rejected), bytes: Some(bytes), ..published })
    }
}
