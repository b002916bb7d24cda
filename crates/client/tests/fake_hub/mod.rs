//! A hub of a hundred lines for the client's tests: real sockets, real HTTP, and answers that depend on
//! the stream's name. What it was sent comes out of a channel, so that tests wait for events and never
//! for time.

use bytes::Bytes;
use client::Endpoint;
use fastwebsockets::{FragmentCollector, Frame as WsFrame, OpCode, upgrade};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// What the hub saw.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// A WebSocket or POST request: path with query, and the key it carried.
    Request(String, Option<String>),
    Text(String),
    Frame(Bytes),
    /// A POST's Content-Type and body.
    Post(String, Bytes),
    Closed(Option<u16>),
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

pub(crate) struct FakeHub {
    pub(crate) endpoint: Endpoint,
    pub(crate) seen: mpsc::Receiver<Seen>,
    /// What `GET /stream/...` sends; closing it ends the stream.
    pub(crate) mjpeg: mpsc::Sender<Bytes>,
    /// Connections accepted so far.
    pub(crate) connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Shared {
    seen: mpsc::Sender<Seen>,
    mjpeg: Mutex<Option<mpsc::Receiver<Bytes>>>,
}

impl FakeHub {
    pub(crate) async fn start() -> FakeHub {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (seen_by, seen) = mpsc::channel(64);
        let (mjpeg, feed) = mpsc::channel(64);
        let shared = Arc::new(Shared { seen: seen_by, mjpeg: Mutex::new(Some(feed)) });
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let accepting = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                let shared = shared.clone();
                let service = service_fn(move |request| {
                    let shared = shared.clone();
                    async move { Ok::<_, Infallible>(answer(request, shared).await) }
                });
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(socket), service).with_upgrades().await;
                });
            }
        });
        FakeHub { endpoint, seen, mjpeg, connections, accepting }
    }

    pub(crate) async fn saw(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }
}

fn json(status: u16, text: &str) -> Answer {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes())).boxed();
    let answer = Response::builder().status(StatusCode::from_u16(status).unwrap());
    answer.header("Content-Type", "application/json").body(body).unwrap()
}

async fn answer(mut request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    let path = request.uri().path_and_query().unwrap().to_string();
    let key = request.headers().get("X-API-Key").map(|key| key.to_str().unwrap().to_owned());
    shared.seen.send(Seen::Request(path.clone(), key)).await.unwrap();
    match path.as_str() {
        "/api/streams" => return json(200, r#"{"count":0,"streams":[]}"#),
        "/api/streams/gone" => return json(404, r#"{"error":"no stream 'gone'","code":"STREAM_NOT_FOUND"}"#),
        "/plain" => return json(200, "not json"),
        "/bare" => return json(503, ""),
        "/stream/cam" => return mjpeg(&shared).await,
        _ => {}
    }
    if path.starts_with("/publish/taken") {
        return json(409, r#"{"error":"'taken' has a publisher; send ?takeover=1","code":"STREAM_TAKEN"}"#);
    }
    if path.starts_with("/publish/forbidden") {
        return json(403, r#"{"error":"this key may not publish","code":"FORBIDDEN"}"#);
    }
    if upgrade::is_upgrade_request(&request) {
        let (answer, socket) = upgrade::upgrade(&mut request).unwrap();
        tokio::spawn(async move { serve_socket(socket, &path, &shared.seen).await });
        return answer.map(|empty| empty.map_err(|never| match never {}).boxed());
    }
    let content_type = request.headers()["content-type"].to_str().unwrap().to_owned();
    let declared = request.body().size_hint().exact();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(declared, Some(body.len() as u64), "a frame's length is known before it is sent");
    shared.seen.send(Seen::Post(content_type, body)).await.unwrap();
    match path.starts_with("/publish/picky") {
        true => json(415, r#"{"error":"not a JPEG","code":"NOT_AN_IMAGE"}"#),
        false => json(200, r#"{"status":"success"}"#),
    }
}

async fn serve_socket(socket: upgrade::UpgradeFut, path: &str, seen: &mpsc::Sender<Seen>) {
    let mut socket = FragmentCollector::new(socket.await.unwrap());
    if path.ends_with("demand=1") {
        let viewers = u64::from(path.starts_with("/publish/watched"));
        let demand = wire::publish::Demand { viewers, services: 0 }.to_json().into_bytes();
        socket.write_frame(WsFrame::text(demand.into())).await.unwrap();
    }
    loop {
        let Ok(frame) = socket.read_frame().await else {
            let _ = seen.send(Seen::Closed(None)).await;
            return;
        };
        let payload = Bytes::copy_from_slice(&frame.payload);
        match frame.opcode {
            OpCode::Text => {
                seen.send(Seen::Text(String::from_utf8(payload.to_vec()).unwrap())).await.unwrap();
            }
            OpCode::Binary => {
                seen.send(Seen::Frame(payload)).await.unwrap();
                if path.ends_with("ack=1") {
                    let ack = wire::publish::ack("cam", 7, frame.payload.len()).into_bytes();
                    socket.write_frame(WsFrame::text(ack.into())).await.unwrap();
                }
                if path.starts_with("/publish/strict") {
                    socket.write_frame(WsFrame::close(1009, b"frame over 1 MB")).await.unwrap();
                }
                if path.starts_with("/publish/contested?takeover=1") {
                    socket.write_frame(WsFrame::close(1008, b"another publisher took over")).await.unwrap();
                }
                if path.starts_with("/publish/fragile") {
                    return;
                }
            }
            OpCode::Close => {
                let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                let _ = seen.send(Seen::Closed(code)).await;
                return;
            }
            _ => {}
        }
    }
}

/// The body that the test feeds through [`FakeHub::mjpeg`].
struct Feed(mpsc::Receiver<Bytes>);

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

async fn mjpeg(shared: &Shared) -> Answer {
    let feed = shared.mjpeg.lock().await.take().expect("one viewer a test");
    let body = BodyExt::boxed(Feed(feed));
    Response::builder().header("Content-Type", wire::mjpeg::CONTENT_TYPE).body(body).unwrap()
}
