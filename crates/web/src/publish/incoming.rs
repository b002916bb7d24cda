//! A request's body as it comes, and how long a publisher may rest in it.

use std::{collections::VecDeque, future::Future, sync::Arc};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::Publishing;
use crate::{
    error::ApiError,
    transport::{Busy, GivenUp},
};

/// A request's body, the beginning of which may have been read before its kind was known.
pub(crate) struct Incoming {
    body: Body,
    begun: VecDeque<Bytes>,
    busy: Option<Arc<Busy>>,
}

impl Incoming {
    pub(crate) fn of(request: Request) -> (Parts, Self) {
        let (head, body) = request.into_parts();
        let busy = head.extensions.get::<Arc<Busy>>().cloned();
        (head, Self { body, begun: VecDeque::new(), busy })
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
