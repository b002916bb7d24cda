//! Frames as HTTP requests, `POST /publish/NAME`, one request a frame over a connection that stays open: what cameras'
//! scripts and Python's `requests` do. A frame may be given in several pieces, which are written without being joined.

use crate::connect::{self, ANSWER_TIMEOUT, Purpose};
use crate::{Endpoint, Error};
use bytes::Bytes;
use http::{Method, header};
use http_body::{Frame, SizeHint};
use net::http::{Http, read_body};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer is a line of JSON.
const LONGEST_ANSWER_BYTES: usize = 64 * 1024;

/// Long enough that no picture contains it by chance.
const BOUNDARY: &str = "framehub-4f1d9a7c3b5e80626f72";

/// How the frame is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// `multipart/form-data` with the field `frame`.
    Form,
    /// The picture is the body, `image/jpeg`.
    Raw,
}

/// A connection that posts frames to one stream. One that the hub closed while it was idle is opened again; all other
/// failures are returned.
pub struct Poster {
    endpoint: Endpoint,
    path: String,
    url: String,
    wrap: Wrap,
    connection: Option<Http<Pieces>>,
}

impl std::fmt::Debug for Poster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poster").field("url", &self.url).field("wrap", &self.wrap).finish_non_exhaustive()
    }
}

impl Poster {
    /// Nothing is opened before the first frame.
    pub fn new(endpoint: &Endpoint, stream: &str, wrap: Wrap) -> Poster {
        let path = format!("/publish/{stream}");
        let url = endpoint.url(&path);
        Poster { endpoint: endpoint.clone(), path, url, wrap, connection: None }
    }

    /// Posts one frame, given in pieces, and waits until the hub accepts it.
    ///
    /// # Errors
    /// [`Error::Refused`] leaves the connection open; all others have closed it.
    pub async fn post(&mut self, pieces: &[Bytes]) -> Result<(), Error> {
        let mut http = match self.connection.take() {
            // A connection that the hub has closed while it was idle is known as such before anything is sent.
            Some(http) if !http.is_closed() => http,
            _ => connect::open(&self.endpoint, Purpose::Send).await?,
        };
        let failed = |error| Error::at(&self.url, error);
        let answer = http.ask(self.request(pieces)?, ANSWER_TIMEOUT).await.map_err(failed)?;
        let accepted = if answer.status().is_success() {
            read_body(answer.into_body(), LONGEST_ANSWER_BYTES).await.map_err(failed)?;
            Ok(())
        } else {
            Err(connect::refusal(&self.url, answer).await)
        };
        self.connection = Some(http);
        accepted
    }

    fn request(&self, pieces: &[Bytes]) -> Result<http::Request<Pieces>, Error> {
        let (content_type, pieces) = match self.wrap {
            Wrap::Raw => ("image/jpeg".to_owned(), pieces.iter().cloned().collect()),
            Wrap::Form => (format!("multipart/form-data; boundary={BOUNDARY}"), in_form(pieces)),
        };
        let body = Pieces(pieces);
        connect::request(&self.endpoint, Method::POST, &self.path)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, body.remaining())
            .body(body)
            .map_err(|error| Error::BadUrl { url: self.url.clone(), reason: error.to_string() })
    }
}

fn in_form(pieces: &[Bytes]) -> VecDeque<Bytes> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"frame\"; filename=\"frame.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let mut all = VecDeque::with_capacity(pieces.len() + 2);
    all.push_back(Bytes::from(head));
    all.extend(pieces.iter().cloned());
    all.push_back(Bytes::from(tail));
    all
}

/// A body of known length that hands its pieces to the socket one by one.
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    fn remaining(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
