//! MJPEG over HTTP: `multipart/x-mixed-replace`, a part a frame.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use hub::Frame;
use serde::Deserialize;
use tokio::time::{Instant, Sleep};
use transport::{LiveBody, Part, live_response};
use wire::mjpeg::{self, Framing};

use super::{Client, Fps, Source, Views, live_headers, query};
use crate::browser::is_browser;

/// `?fps=` and `?advance_headers=0|1`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    pub(crate) fps: Option<Fps>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) advance_headers: Option<bool>,
}

fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    query::flag(deserializer, "advance_headers")
}

/// The response that shows `source` until it ends. A `client` of the robot's stream is counted and logged, and gets its
/// heartbeats at a steady beat (`docs/ref/compatibility.md`).
pub(crate) fn response(
    views: &Arc<Views>,
    source: Source,
    client: Option<Client>,
    query: &Query,
    headers: &HeaderMap,
) -> Response {
    let framing = choose_framing(query, headers);
    let mut head = live_headers();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(mjpeg::CONTENT_TYPE));
    live_response(head.into_response(), MjpegBody::new(Arc::clone(views), source, client, framing))
}

/// Browsers paint a part when the next one's headers arrive, every other reader wants to know the length.
fn choose_framing(query: &Query, headers: &HeaderMap) -> Framing {
    let ahead = query.advance_headers.unwrap_or_else(|| is_browser(headers));
    if ahead { Framing::Ahead } else { Framing::Length }
}

struct MjpegBody {
    views: Arc<Views>,
    source: Source,
    client: Option<Client>,
    framing: Framing,
    heartbeat: Pin<Box<Sleep>>,
    heartbeats: u64,
    /// When the heartbeats' interval began: with the last frame or heartbeat, for a tracked client with the last
    /// heartbeat.
    quiet_since: Instant,
    opened: bool,
    ended: bool,
}

impl MjpegBody {
    fn new(views: Arc<Views>, source: Source, client: Option<Client>, framing: Framing) -> Self {
        Self {
            heartbeat: Box::pin(tokio::time::sleep(views.heartbeat)),
            heartbeats: 0,
            quiet_since: Instant::now(),
            opened: false,
            ended: false,
            views,
            source,
            client,
            framing,
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        let Some(frame) = std::task::ready!(self.source.poll_next(cx)) else {
            self.ended = true;
            return Poll::Ready(Some(Bytes::from_static(self.framing.closing()).into()));
        };
        match &mut self.client {
            Some(client) => client.count_frame(),
            None => self.quiet_since = Instant::now(),
        }
        if frame.seq > 0 && self.source.is_live() {
            self.views.observe_age(&frame);
        }
        Poll::Ready(Some(self.part(&frame)))
    }

    fn part(&self, frame: &Frame) -> Part {
        let head = self.framing.head(frame.payload.len(), frame.timestamp_unix_secs(), frame.seq);
        Part::new(head, frame.payload.clone(), Bytes::from_static(self.framing.trailer()))
    }

    /// Something that the reader ignores, every so often while no frame comes. The timer is not set anew for each
    /// frame: when it fires, the age of the last one is checked.
    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        loop {
            std::task::ready!(self.heartbeat.as_mut().poll(cx));
            let interval = self.views.heartbeat;
            let now = Instant::now();
            let due = self.quiet_since + interval;
            if now < due {
                self.heartbeat.as_mut().reset(due);
                continue;
            }
            self.quiet_since = now;
            self.heartbeat.as_mut().reset(now + interval);
            if let Some(part) = self.heartbeat_part() {
                if let Some(client) = &self.client {
                    client.log_heartbeat();
                }
                return Poll::Ready(Some(part));
            }
        }
    }

    fn heartbeat_part(&mut self) -> Option<Part> {
        self.heartbeats += 1;
        match self.framing {
            Framing::Length => Some(mjpeg::heartbeat_line(self.heartbeats).into()),
            Framing::Ahead => {
                let newest = self.source.newest().or_else(|| self.views.placeholder())?;
                Some(self.part(&newest))
            }
        }
    }
}

impl LiveBody for MjpegBody {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if !self.opened {
            self.opened = true;
            return Poll::Ready(Some(Bytes::from_static(self.framing.opening()).into()));
        }
        // A steady beat is due however many frames wait.
        if self.client.is_some()
            && let Poll::Ready(part) = self.poll_heartbeat(cx)
        {
            return Poll::Ready(part);
        }
        if let Poll::Ready(part) = self.poll_frame(cx) {
            return Poll::Ready(part);
        }
        self.poll_heartbeat(cx)
    }
}
