//! A stream received as MJPEG (`multipart/x-mixed-replace`), from a hub or from any camera that speaks it.
//! One [`Watcher`] is one connection; when it ends, so does the watcher.

use crate::connect::{self, ANSWER_TIMEOUT, Purpose};
use crate::{Error, Target};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use net::http::Http;
use std::time::{Duration, Instant};
use wire::multipart::{self, Event, Limits, Parser, Part};

/// A frame of a hub is at most some ten megabytes; a stranger's bytes get no more memory than this.
const LONGEST_FRAME_BYTES: usize = 64 * 1024 * 1024;
const LONGEST_HEADER_BYTES: usize = 16 * 1024;

/// A slow reader must not hide a second of video in its own HTTP buffer.
const SLOW_BUFFER_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Read no faster than this: a viewer on a thin link, for measurements. `None`: as fast as it comes.
    pub bytes_per_sec: Option<u32>,
}

/// One frame as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The picture, in memory of its own.
    pub payload: Bytes,
    /// The stream's number of the frame (`X-Frame-Seq`); holes are frames this viewer was not sent.
    pub seq: Option<u64>,
    /// Capture time in seconds since 1970 (`X-Timestamp`), by the publisher's clock or the hub's.
    pub timestamp: Option<f64>,
    /// When its last byte was parsed.
    pub at: Instant,
}

/// An open MJPEG connection.
pub struct Watcher {
    url: String,
    body: Incoming,
    parser: Parser,
    /// Received and not yet parsed.
    pending: Bytes,
    throttle: Option<Throttle>,
    finished: bool,
    /// Drives the body.
    _http: Http<Empty<Bytes>>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Keeps the reading at a rate: `bytes` may have been read when `started` + bytes / rate has come. It counts bytes and
/// waits, where `net::Pace` counts frames and refuses.
struct Throttle {
    bytes_per_sec: f64,
    started: tokio::time::Instant,
    bytes: u64,
}

impl Watcher {
    /// Asks for the stream and waits for the answer's head, not for a frame.
    ///
    /// # Errors
    /// [`Error::Refused`] with the hub's message, [`Error::BadReply`] if what is there is no MJPEG.
    pub async fn connect(target: &Target, options: &Options) -> Result<Watcher, Error> {
        let url = target.url();
        let request = connect::request(&target.endpoint, Method::GET, &target.path)
            .header(header::ACCEPT, "multipart/x-mixed-replace, */*;q=0.1")
            .body(Empty::<Bytes>::new())
            .map_err(|error| Error::BadUrl { url: url.clone(), reason: error.to_string() })?;
        let buffer_bytes = options.bytes_per_sec.map(|_| SLOW_BUFFER_BYTES);
        let mut http = connect::open(&target.endpoint, Purpose::Receive { buffer_bytes }).await?;
        let answer = http.ask(request, ANSWER_TIMEOUT).await.map_err(|error| Error::at(&url, error))?;
        if answer.status() != StatusCode::OK {
            return Err(connect::refusal(&url, answer).await);
        }
        let parser = parser_for(&answer).map_err(|reason| Error::BadReply { url: url.clone(), reason })?;
        let throttle = options.bytes_per_sec.map(|bytes_per_sec| Throttle {
            bytes_per_sec: f64::from(bytes_per_sec.max(1)),
            started: tokio::time::Instant::now(),
            bytes: 0,
        });
        let body = answer.into_body();
        Ok(Watcher { url, body, parser, pending: Bytes::new(), throttle, finished: false, _http: http })
    }

    /// The address, without its query.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next frame; `None` when the hub has ended the stream in order. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Received>, Error> {
        loop {
            if let Some(part) = self.parse()? {
                return Ok(Some(received(part)));
            }
            if self.finished {
                return Ok(None);
            }
            if let Some(throttle) = &self.throttle {
                throttle.wait().await;
            }
            match self.body.frame().await {
                Some(Ok(piece)) => {
                    let Ok(data) = piece.into_data() else { continue };
                    if let Some(throttle) = &mut self.throttle {
                        throttle.bytes += data.len() as u64;
                    }
                    self.pending = data;
                }
                Some(Err(error)) => return Err(Error::at(&self.url, net::Error::broken(&error))),
                None => {
                    self.finished = true;
                    self.parser.finish().map_err(|error| torn(&self.url, &error))?;
                }
            }
        }
    }

    /// Takes the next whole part out of what has been received.
    fn parse(&mut self) -> Result<Option<Part>, Error> {
        let mut rest: &[u8] = &self.pending;
        let event = self.parser.feed(&mut rest);
        let taken = self.pending.len() - rest.len();
        let _ = self.pending.split_to(taken);
        match event.map_err(|error| torn(&self.url, &error))? {
            Some(Event::Part(part)) => Ok(Some(part)),
            Some(Event::End) => {
                self.finished = true;
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

impl Throttle {
    async fn wait(&self) {
        let due = Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_sec);
        tokio::time::sleep_until(self.started + due).await;
    }
}

fn parser_for(answer: &http::Response<Incoming>) -> Result<Parser, String> {
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("(none)");
    let boundary = multipart::boundary(content_type)
        .map_err(|_| format!("its Content-Type is '{content_type}', not an MJPEG stream's"))?;
    let limits = Limits { max_part_bytes: LONGEST_FRAME_BYTES, max_header_bytes: LONGEST_HEADER_BYTES };
    Ok(Parser::new(boundary, limits))
}

fn received(part: Part) -> Received {
    fn number<T: std::str::FromStr>(part: &Part, name: &str) -> Option<T> {
        part.headers.get(name)?.trim().parse().ok()
    }
    Received {
        seq: number(&part, "X-Frame-Seq"),
        timestamp: number(&part, "X-Timestamp").filter(|secs: &f64| secs.is_finite()),
        payload: part.body,
        at: Instant::now(),
    }
}

/// A body that is no clean sequence of parts; one that merely stops inside a part was cut off on the way.
fn torn(url: &str, error: &multipart::Error) -> Error {
    match error {
        multipart::Error::EndsInsidePart { .. } => Error::Closed {
            url: url.to_owned(),
            close_code: None,
            reason: "it was cut off inside a frame".to_owned(),
        },
        other => Error::BadReply { url: url.to_owned(), reason: other.to_string() },
    }
}
