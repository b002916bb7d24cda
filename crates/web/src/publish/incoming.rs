//! A request's body as it comes, and how long it may take.

use std::{collections::VecDeque, future::Future};

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::Publishing;
use crate::error::ApiError;

/// A request's body, the beginning of which may have been read before its kind was known.
pub(crate) struct Incoming {
    body: Body,
    begun: VecDeque<Bytes>,
}

impl Incoming {
    pub(crate) fn new(body: Body) -> Self {
        Self { body, begun: VecDeque::new() }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if let Some(chunk) = self.begun.pop_front() {
            return Ok(Some(chunk));
        }
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| broken(&error))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    pub(super) async fn peek(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.next().await?;
        self.begun.extend(chunk.clone());
        Ok(chunk)
    }

    /// Bytes still to come, if the client announced them.
    pub(super) fn announced(&self) -> Option<u64> {
        let begun: u64 = self.begun.iter().map(|chunk| chunk.len() as u64).sum();
        self.body.size_hint().exact().map(|rest| rest + begun)
    }
}

/// Ends a wait for a frame's bytes that takes longer than `server.body_timeout_seconds`.
pub(super) async fn within<T>(publishing: &Publishing, work: impl Future<Output = T>) -> Result<T, ApiError> {
    unless_stopping(publishing, tokio::time::timeout(publishing.body_timeout, work))
        .await?
        .map_err(|_| too_slow(publishing))
}

/// Ends a wait at shutdown: the streams have ended by then, so no frame that is still to come could be shown.
async fn unless_stopping<T>(publishing: &Publishing, work: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::select! {
        done = work => Ok(done),
        () = publishing.shutdown.cancelled() => Err(hub::ClaimError::ShuttingDown.into()),
    }
}

/// Between frames a publisher may rest for long; within a frame its bytes have to come.
pub(super) struct Deadline<'a> {
    publishing: &'a Publishing,
    in_part: bool,
    at: Instant,
}

impl<'a> Deadline<'a> {
    pub(super) fn new(publishing: &'a Publishing) -> Self {
        Self { publishing, in_part: false, at: Instant::now() + publishing.idle }
    }

    pub(super) async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        let done = unless_stopping(self.publishing, tokio::time::timeout_at(self.at, work)).await?;
        done.map_err(|_| too_slow(self.publishing))
    }

    pub(super) fn frame_done(&mut self) {
        self.in_part = false;
        self.at = Instant::now() + self.publishing.idle;
    }

    pub(super) fn progress(&mut self, in_part: bool) {
        if in_part && !self.in_part {
            self.in_part = true;
            self.at = Instant::now() + self.publishing.body_timeout;
        }
    }
}

fn broken(error: &axum::Error) -> ApiError {
    ApiError::bad_request("BODY_TRUNCATED", format!("the body broke off: {error}"))
}

fn too_slow(publishing: &Publishing) -> ApiError {
    let secs = publishing.body_timeout.as_secs_f64();
    let message = format!(
        "the frame's bytes did not come within {secs} s: send faster, or raise server.body_timeout_seconds"
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT", message)
}
