//! What a response's body is made of on the wire: an ordinary body, or a live one whose parts are written without
//! being joined.
//!
//! A part of a live stream is three pieces: its head, the picture, the delimiter. Joining them would copy every
//! picture; sending them as three chunks of the body would cost a write for the last, since the picture alone fills
//! hyper's buffer. So a live body's chunk is a [`Part`], a `Buf` of three slices that goes out in one `writev`.
//! axum's own body type carries `Bytes` only; a live body therefore travels in the response's extensions from its
//! handler to here, where it is put in place.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use access::Grant;
use axum::{body::Body, response::Response};
use bytes::{Buf, Bytes};
use http::header;
use http_body::{Body as _, Frame, SizeHint};
use net::Lock;

use super::{
    connections::Busy,
    gate::Gate,
    holding::{Hold, OWN_BYTES_HTTP2},
};

/// Three pieces in a row, any of them empty.
#[derive(Debug, Default)]
pub struct Part {
    pieces: [Bytes; 3],
    /// The first piece with bytes left.
    at: usize,
    /// Opened when the last byte is taken, or the part given up.
    gate: Option<Gate>,
}

impl Part {
    pub fn new(head: Bytes, payload: Bytes, trailer: Bytes) -> Self {
        let mut part = Self { pieces: [head, payload, trailer], at: 0, gate: None };
        part.pass_empty();
        part
    }

    fn pass_empty(&mut self) {
        while self.at < self.pieces.len() && self.pieces[self.at].is_empty() {
            self.at += 1;
        }
    }

    /// For HTTP/2, where the connection's socket cannot tell one response from another.
    fn opens(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn largest(&self) -> &[u8] {
        self.pieces.iter().max_by_key(|piece| piece.len()).map_or(&[], |piece| piece)
    }

    pub(crate) fn rest(&self) -> &[Bytes] {
        self.pieces.get(self.at..).unwrap_or_default()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.gate.take().inspect(Gate::open);
    }
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes, Bytes::new(), Bytes::new())
    }
}

impl Buf for Part {
    fn remaining(&self) -> usize {
        self.rest().iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.rest().first().map_or(&[], |piece| piece)
    }

    fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let Some(piece) = self.pieces.get_mut(self.at) else { return };
            let step = count.min(piece.len());
            piece.advance(step);
            count -= step;
            self.pass_empty();
        }
        if self.rest().is_empty() {
            self.gate.take().inspect(Gate::open);
        }
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = self.rest().iter().filter(|piece| !piece.is_empty()).zip(slices.iter_mut());
        filled.map(|(piece, slice)| *slice = IoSlice::new(piece)).count()
    }
}

/// Gives the parts of a live stream one after the other, as late as possible.
pub trait LiveBody: Send + 'static {
    /// The next part; `None` at the end of the stream.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>>;
}

pub type LiveBox = Box<dyn LiveBody>;

/// A live body on its way from its handler. Extensions have to be `Clone`; only one taker finds it.
#[derive(Clone)]
struct LiveSlot(Arc<Lock<Option<LiveBox>>>);

/// Sends `live` as the body of `response`.
pub fn live_response(mut response: Response, live: impl LiveBody) -> Response {
    response.extensions_mut().insert(LiveSlot(Arc::new(Lock::new(Some(Box::new(live))))));
    response
}

/// Ends the response's body when the grant does, in the middle if need be.
pub fn end_with(response: &mut Response, grant: Grant) {
    response.extensions_mut().insert(grant);
}

/// The end of the grant that a response was given with.
type End = Pin<Box<dyn Future<Output = access::Error> + Send>>;

fn take_end(response: &mut Response) -> Option<End> {
    let grant = response.extensions_mut().remove::<Grant>()?;
    Some(Box::pin(async move { grant.ended().await }))
}

/// A live body that ends with its grant.
struct Ending {
    live: LiveBox,
    end: End,
}

impl LiveBody for Ending {
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part>> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(_over) => Poll::Ready(None),
            Poll::Pending => self.live.poll_part(cx),
        }
    }
}

/// The live body of a response, which ends with its grant.
pub fn take_live(response: &mut Response) -> Option<LiveBox> {
    let slot = response.extensions_mut().remove::<LiveSlot>()?;
    let live = slot.0.lock().take()?;
    match take_end(response) {
        Some(end) => Some(Box::new(Ending { live, end })),
        None => Some(live),
    }
}

/// The body as hyper writes it.
pub(super) struct WireBody {
    kind: Kind,
    /// The request counts as being answered until its response is written.
    busy: Arc<Busy>,
    /// On a body that waits beside others on its connection.
    _hold: Option<Hold>,
}

enum Kind {
    /// With the end of its grant: a body that was promised whole breaks off. Over HTTP/2, next to a gate that tells whether
    /// its client takes it.
    Plain(Body, Option<End>, Option<Gate>),
    /// Next to a gate that the socket opens.
    Live(LiveBox, Gate),
    /// Next to a gate that each part opens.
    Multiplexed(LiveBox, Gate),
}

/// `socket`: the gate of the connection, if this response has all of it for itself (HTTP/1.1).
pub(super) fn for_wire(
    mut response: Response,
    busy: Arc<Busy>,
    socket: Option<Gate>,
) -> http::Response<WireBody> {
    let live = take_live(&mut response);
    if live.is_some() {
        // The length of the empty body that stood in its place.
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let end = take_end(&mut response);
    response.map(|body| {
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let waits_beside = live.is_none() && socket.is_none();
        let hold = waits_beside.then(|| busy.connection().hold_of(&busy, length, OWN_BYTES_HTTP2)).flatten();
        let kind = match (live, socket) {
            (None, Some(_)) => Kind::Plain(body, end, None),
            (None, None) => Kind::Plain(body, end, Some(Gate::default())),
            (Some(live), Some(gate)) => Kind::Live(live, gate),
            (Some(live), None) => Kind::Multiplexed(live, Gate::default()),
        };
        WireBody { kind, busy, _hold: hold }
    })
}

impl http_body::Body for WireBody {
    type Data = Part;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Part>, axum::Error>>> {
        let WireBody { kind, busy, .. } = &mut *self;
        match kind {
            Kind::Plain(body, end, gate) => {
                if let Some(Poll::Ready(over)) = end.as_mut().map(|end| end.as_mut().poll(cx)) {
                    return Poll::Ready(Some(Err(axum::Error::new(over))));
                }
                let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
                let part = |data: Bytes| match gate {
                    None => Part::from(data),
                    Some(gate) => {
                        gate.occupy_for(busy.connection(), &data);
                        Part::from(data).opens(gate)
                    }
                };
                Poll::Ready(frame.map(|result| result.map(|frame| frame.map_data(part))))
            }
            Kind::Live(live, gate) => {
                std::task::ready!(gate.poll_open(cx));
                let part = std::task::ready!(live.poll_part(cx));
                gate.occupy();
                Poll::Ready(part.map(|part| Ok(Frame::data(part))))
            }
            Kind::Multiplexed(live, gate) => {
                std::task::ready!(gate.poll_open(cx));
                let part = std::task::ready!(live.poll_part(cx));
                let part = part.inspect(|part| gate.occupy_for(busy.connection(), part.largest()));
                Poll::Ready(part.map(|part| Ok(Frame::data(part.opens(gate)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Plain(body, ..) => body.is_end_stream(),
            Kind::Live(..) | Kind::Multiplexed(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Plain(body, ..) => body.size_hint(),
            Kind::Live(..) | Kind::Multiplexed(..) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::{Duration, SystemTime};

    use http_body_util::BodyExt;

    use super::*;
    use crate::{Connections, PerAddress, testing};

    #[test]
    fn a_part_reads_as_its_pieces_in_a_row_however_it_is_taken() {
        let pieces = ["head", "", "a picture", "tail"];
        for step in 1..20 {
            let mut part = Part::new(pieces[0].into(), pieces[2].into(), pieces[3].into());
            let mut read = Vec::new();
            while part.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 4];
                let count = part.chunks_vectored(&mut slices);
                let joined: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
                assert_eq!(joined.len(), part.remaining());
                let take = step.min(joined.len());
                read.extend_from_slice(&joined[..take]);
                part.advance(take);
            }
            assert_eq!(read, pieces.concat().into_bytes());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_promised_whole_breaks_off_with_its_grant() {
        let minute = Duration::from_secs(60);
        let grant = grant_for(minute);
        let place = Connections::new(testing::limits())
            .admit(PerAddress::new(None, Vec::new()).count([127, 0, 0, 1].into()).unwrap());
        let busy = Arc::new(place.unwrap()).begin_request(OWN_BYTES_HTTP2);
        let download = testing::every(Duration::from_secs(1), Bytes::from_static(b"a chunk"));
        let mut response = Response::new(Body::new(download));
        end_with(&mut response, grant);
        let mut body = for_wire(response, busy, None).into_body();
        let start = tokio::time::Instant::now();
        let over = loop {
            match body.frame().await.unwrap() {
                Ok(_chunk) => assert!(start.elapsed() < minute),
                Err(over) => break over,
            }
        };
        assert!(over.to_string().contains("expired"), "{over}");
    }

    /// Of a key that expires then.
    fn grant_for(time: Duration) -> Grant {
        let now = SystemTime::now();
        let key = access::Key {
            name: "brief".into(),
            digest: access::Key::digest_of("a brief key"),
            scopes: access::Scopes::from_iter([access::Scope::View]),
            streams: vec![access::StreamPattern::every()],
            expires: Some(now + time),
        };
        let guard = access::Guard::new(&access::Settings {
            keys: vec![key],
            public: access::Scopes::default(),
            secret: access::SigningSecret::new(*b"secret"),
            failed_keys_per_minute: None,
        });
        guard.grant(&access::Credential::Key("a brief key".into()), None, now).unwrap()
    }

    #[test]
    fn an_empty_part_is_empty() {
        let part = Part::from(Bytes::new());
        assert!(!part.has_remaining());
        assert!(part.chunk().is_empty());
    }
}
