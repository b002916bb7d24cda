//! A request's body as it comes, and how long a publisher may rest in it.

use std::{future::Future, sync::Arc};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::Instant;
use transport::{Busy, GivenUp};

use super::Publishing;
use crate::error::ApiError;

/// A request's body.
pub(crate) struct Incoming {
    body: Body,
    /// Its whole length, if the client announced it.
    announced: Option<u64>,
    received: u64,
    busy: Option<Arc<Busy>>,
}

impl Incoming {
    pub(crate) fn of(request: Request) -> (Parts, Self) {
        let (head, body) = request.into_parts();
        let busy = head.extensions.get::<Arc<Busy>>().cloned();
        let announced = body.size_hint().exact();
        (head, Self { body, announced, received: 0, busy })
    }

    /// From now on this reader bounds the time that the body takes, and holds no more than `most` bytes of it.
    pub(crate) fn bound_by_reader(&self, most: usize) {
        if let Some(busy) = &self.busy {
            busy.bound_by_reader(most);
        }
    }

    fn set_between_frames(&self, is_between: bool) {
        if let Some(busy) = &self.busy {
            busy.set_between_frames(is_between);
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| broken(&error))?;
            if let Ok(data) = frame.into_data() {
                self.received += data.len() as u64;
                return Ok(Some(data));
            }
        }
    }

    /// Bytes of the whole body, if the client announced them.
    pub(super) fn announced(&self) -> Option<u64> {
        self.announced
    }
}

/// Ends a wait at shutdown: the streams have ended by then, so no frame that is still to come could be shown.
pub(super) async fn unless_stopping<T>(
    publishing: &Publishing,
    work: impl Future<Output = T>,
) -> Result<T, ApiError> {
    tokio::select! {
        done = work => Ok(done),
        () = publishing.shutdown.cancelled() => Err(hub::ClaimError::ShuttingDown.into()),
    }
}

/// Between frames a publisher may rest for long; within a frame its bytes have to come.
pub(super) struct Deadline<'a> {
    publishing: &'a Publishing,
    body: Incoming,
    in_part: bool,
    at: Instant,
}

impl<'a> Deadline<'a> {
    pub(super) fn new(publishing: &'a Publishing, body: Incoming) -> Self {
        body.bound_by_reader(publishing.admission.limits().max_bytes);
        Self { publishing, body, in_part: false, at: Instant::now() + publishing.idle }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let next = tokio::time::timeout_at(self.at, self.body.next());
        let late = |_| GivenUp::Late(self.publishing.body_timeout);
        unless_stopping(self.publishing, next).await?.map_err(late)?
    }

    /// At the body's end: whether all has come that was announced.
    pub(super) fn check_whole(&self) -> Result<(), ApiError> {
        let Incoming { announced, received, .. } = &self.body;
        match announced {
            Some(length) if length > received => {
                let message = format!("the body ended after {received} of {length} bytes");
                Err(ApiError::bad_request("BODY_TRUNCATED", message))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn frame_done(&mut self) {
        self.in_part = false;
        self.body.set_between_frames(true);
        self.at = Instant::now() + self.publishing.idle;
    }

    pub(super) fn progress(&mut self, in_part: bool) {
        if in_part && !self.in_part {
            self.in_part = true;
            self.body.set_between_frames(false);
            self.at = Instant::now() + self.publishing.body_timeout;
        }
    }
}

fn broken(error: &axum::Error) -> ApiError {
    match GivenUp::find(error) {
        Some(&given_up) => given_up.into(),
        None => ApiError::bad_request("BODY_TRUNCATED", format!("the body broke off: {error}")),
    }
}
