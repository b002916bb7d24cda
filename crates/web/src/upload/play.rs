//! A video in a form, played into an upload session as a client would send its frames.

use std::time::SystemTime;

use access::{Grant, Scope};
use axum::extract::Request;
use http::StatusCode;
use hub::StreamName;
use serde_json::{Map, Value};
use uploads::Connection;
use wire::upload::{FrameHead, ServerMessage, SessionEnd, SessionStart, SignalHead};

use super::{
    Uploading, form,
    video::{Video, undecodable},
};
use crate::error::ApiError;

/// The session ends when the request does, however that ends.
struct Guest(Connection);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The result of the phrase in a form.
pub(crate) async fn analyse(
    uploading: &Uploading,
    grant: &Grant,
    request: Request,
) -> Result<Map<String, Value>, ApiError> {
    let id = new_id();
    let stream: StreamName = format!("session_{id}").parse()?;
    grant.require(Scope::Publish, &stream)?;
    // A place before the first byte: who cannot be analysed shall not fill the disk.
    let place = uploading.uploads.place().map_err(|error| refused(&error))?;
    let form = form::read(uploading, request).await?;
    let mut video = Video::open(form.video.clone()).await?;
    let mut guest = Guest(uploading.uploads.connect(|_| true).with_place(place));
    let start = SessionStart {
        session_id: id,
        fps: video.fps,
        pipeline: form.pipeline.clone(),
        include_keypoints: form.include_keypoints,
        save_overlay: form.save_overlay,
        ..SessionStart::default()
    };
    guest.0.start(&start).map_err(|error| refused(&error))?;
    let mut frame_number = 0;
    while let Some(jpeg) = video.next().await? {
        let head = FrameHead { frame_number, ..FrameHead::default() };
        guest.0.frame(&head, jpeg).await.map_err(|error| refused(&error))?;
        heed(&guest.0).await?;
        frame_number += 1;
    }
    if frame_number == 0 {
        return Err(undecodable("it has no frame"));
    }
    guest
        .0
        .end(&SessionEnd { total_frames: Some(frame_number), ..SessionEnd::default() })
        .map_err(|e| refused(&e))?;
    let signal = SignalHead { filename: form.signal_name.clone(), ..SignalHead::default() };
    guest.0.signal(&signal, form.signal.clone()).map_err(|error| refused(&error))?;
    outcome(&guest.0).await
}

/// Waits for the answer to a frame. A frame that cannot be read is left out, as in any upload.
async fn heed(connection: &Connection) -> Result<(), ApiError> {
    let mailbox = connection.mailbox();
    loop {
        let queued = mailbox.next().await.map_err(|close_reason| failed(&close_reason.reason))?;
        match queued.message() {
            ServerMessage::FrameAck { .. } => return Ok(()),
            ServerMessage::Error { error_message, .. } => {
                tracing::debug!(error_message, "a frame is left out")
            }
            _ => {}
        }
    }
}

async fn outcome(connection: &Connection) -> Result<Map<String, Value>, ApiError> {
    let mailbox = connection.mailbox();
    loop {
        let queued = mailbox.next().await.map_err(|close_reason| failed(&close_reason.reason))?;
        let answer = match queued.message() {
            ServerMessage::ProcessComplete { result, .. } => {
                let mut result = result.clone();
                result.remove("streaming_stats");
                Ok(result)
            }
            ServerMessage::Error { error_message, .. } => Err(failed(error_message)),
            _ => continue,
        };
        queued.sent();
        return answer;
    }
}

/// Unique in this hub. No client chooses it, so it need not be remembered.
fn new_id() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("analyze_{millis}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn refused(error: &uploads::Error) -> ApiError {
    let status = match error {
        uploads::Error::UnknownPipeline { .. } | uploads::Error::BadFps { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    ApiError::new(status, error.code().as_str(), error.to_string())
}

/// The phrase was read, and there is no verdict on it.
fn failed(reason: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "PROCESSING_FAILED", reason)
}
