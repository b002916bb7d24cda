//! Publishing over a WebSocket, with a client on a real socket.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hub::{CaptureTime, Class, Rule, Start};
use net::{
    http::Http,
    ws::{self, Answer, Close, Ended, close},
};
use serde_json::{Value, json};

use super::{
    publish::jpeg,
    support::{House, house},
};

const LIMIT: Duration = Duration::from_secs(20);

/// A publisher's connection.
#[derive(Debug)]
struct Client {
    inbox: ws::Inbox,
    outbox: ws::Outbox,
}

impl Client {
    /// The connection, or the status and code of the refusal.
    async fn open(port: u16, query: &str) -> Result<Self, (StatusCode, String)> {
        let socket = net::connect("127.0.0.1", port, false, LIMIT).await.unwrap();
        let mut http = Http::over(socket, None).await.unwrap();
        let request = Request::get(format!("/publish/s{query}")).header("Host", "x");
        match ws::open(&mut http, request, LIMIT).await.unwrap() {
            Answer::Open(socket) => {
                let (inbox, outbox) = ws::split(socket, ws::Peer::Server, 1 << 20);
                Ok(Self { inbox, outbox })
            }
            Answer::Refused(answer) => {
                let status = answer.status();
                let body: Value =
                    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
                Err((status, body["code"].as_str().unwrap().to_owned()))
            }
        }
    }

    async fn frame(&mut self, bytes: &[u8]) {
        self.outbox.binary(bytes).await.unwrap();
    }

    /// The next message of the hub, or its close frame.
    async fn next(&mut self) -> Result<Value, Close> {
        let message = self.inbox.next(|piece| Ok::<_, Ended>(Some(piece.payload.to_vec())));
        match tokio::time::timeout(LIMIT, message).await.expect("the hub says something") {
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap()),
            Err(Ended::Closed(close)) => Err(close),
            Err(other) => panic!("{other}"),
        }
    }

    async fn closed_with(&mut self, code: u16) -> String {
        let close = self.next().await.unwrap_err();
        assert_eq!(close.code, Some(code), "{close:?}");
        close.reason
    }
}

async fn connected(query: &str) -> (House, u16, Client) {
    let house = house();
    let port = house.listen().await;
    let client = Client::open(port, query).await.unwrap();
    (house, port, client)
}

fn ack(seq: u64, frame: &[u8]) -> Value {
    json!({ "type": "ack", "stream": "s", "seq": seq, "frame_size": frame.len() })
}

#[tokio::test]
async fn a_text_is_the_metadata_of_the_next_frame_alone() {
    let (house, _, mut client) = connected("?ack=1").await;
    client.outbox.text(r#"{"timestamp":1600000012.5,"seq":7,"robot":1}"#).await.unwrap();
    client.frame(&jpeg(1)).await;
    assert_eq!(client.next().await.unwrap(), ack(1, &jpeg(1)));
    let frame = house.newest("s").unwrap();
    assert_eq!((frame.captured, frame.source_seq), (CaptureTime::from_unix_secs(1_600_000_012.5), Some(7)));
    assert_eq!(frame.metadata.as_deref(), Some(r#"{"robot":1}"#));
    client.frame(&jpeg(2)).await;
    assert_eq!(client.next().await.unwrap(), ack(2, &jpeg(2)));
    let frame = house.newest("s").unwrap();
    assert_eq!((frame.captured, frame.source_seq, frame.metadata.as_deref()), (None, None, None));
}

#[tokio::test]
async fn garbage_is_answered_and_the_connection_goes_on() {
    let (house, _, mut client) = connected("?ack=1").await;
    client.frame(&jpeg(1)).await;
    client.next().await.unwrap();
    for (data, code) in
        [(&b""[..], "EMPTY_FRAME"), (b"hello", "NOT_AN_IMAGE"), (&jpeg(2)[..300], "TRUNCATED_JPEG")]
    {
        client.frame(data).await;
        let answer = client.next().await.unwrap();
        assert_eq!((answer["type"].as_str(), answer["code"].as_str()), (Some("error"), Some(code)));
    }
    client.outbox.text("no JSON").await.unwrap();
    assert_eq!(client.next().await.unwrap()["code"], "BAD_METADATA");
    assert_eq!((house.rejected("s"), &house.newest("s").unwrap().payload[..]), (3, &jpeg(1)[..]));
    client.frame(&jpeg(2)).await;
    assert_eq!(client.next().await.unwrap(), ack(2, &jpeg(2)));
}

#[tokio::test]
async fn a_client_that_did_not_ask_for_answers_gets_none() {
    let (house, _, mut client) = connected("").await;
    client.frame(&jpeg(1)).await;
    client.frame(b"hello").await;
    client.outbox.close(close::NORMAL, "bye").await.unwrap();
    client.closed_with(close::NORMAL).await;
    assert_eq!((house.newest("s").unwrap().seq, house.rejected("s")), (1, 1));
}

#[tokio::test]
async fn demand_is_sent_at_once_and_whenever_it_changes() {
    let (house, _, mut client) = connected("?demand=1").await;
    let demand =
        |viewers: u64, services: u64| json!({ "type": "demand", "viewers": viewers, "services": services });
    assert_eq!(client.next().await.unwrap(), demand(0, 0));
    client.frame(b"hello").await;
    assert_eq!(client.next().await.unwrap()["code"], "NOT_AN_IMAGE", "refusals are sent, too");
    client.frame(&jpeg(1)).await;
    while house.newest("s").is_none() {
        tokio::task::yield_now().await;
    }
    let stream = house.app.live().hub.stream(&"s".parse().unwrap()).unwrap();
    let viewer = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    assert_eq!(client.next().await.unwrap(), demand(1, 0));
    drop(viewer);
    assert_eq!(client.next().await.unwrap(), demand(0, 0));
    house.app.live().hub.remove(stream.name());
    let reason = client.closed_with(close::POLICY).await;
    assert!(reason.contains("deleted"), "{reason}");
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_with_1009() {
    let (house, port, mut client) = connected("?ack=1").await;
    client.frame(&jpeg(1)).await;
    client.next().await.unwrap();
    // One byte too many is still read, so that the answer can say what is wrong.
    client.frame(&vec![0xFF; (1 << 20) + 1]).await;
    assert_eq!(client.next().await.unwrap()["code"], "FRAME_TOO_LARGE");
    let huge = vec![0xFF; (1 << 20) + 3];
    // The hub may hang up before it has all of it.
    let _sent = client.outbox.binary(&huge).await;
    client.closed_with(close::TOO_LARGE).await;
    assert_eq!((house.rejected("s"), &house.newest("s").unwrap().payload[..]), (2, &jpeg(1)[..]));
    Client::open(port, "").await.unwrap();
}

#[tokio::test]
async fn a_connection_holds_its_stream_until_it_is_taken_over() {
    let (house, port, mut first) = connected("?ack=1").await;
    first.frame(&jpeg(1)).await;
    first.next().await.unwrap();
    let refused = Client::open(port, "").await.unwrap_err();
    assert_eq!(refused, (StatusCode::CONFLICT, "STREAM_CLAIMED".into()));

    let mut second = Client::open(port, "?takeover=1&ack=1").await.unwrap();
    second.frame(&jpeg(2)).await;
    assert_eq!(second.next().await.unwrap(), ack(2, &jpeg(2)));
    first.frame(&jpeg(3)).await;
    assert_eq!(first.next().await.unwrap()["code"], "TAKEN_OVER");
    let reason = first.closed_with(close::POLICY).await;
    assert!(reason.contains("took over"), "{reason}");
    assert_eq!(house.newest("s").unwrap().payload, jpeg(2));
}

#[tokio::test]
async fn a_close_gives_the_stream_back_and_leaves_it() {
    let (house, port, mut client) = connected("?ack=1").await;
    client.frame(&jpeg(1)).await;
    client.next().await.unwrap();
    client.outbox.close(close::NORMAL, "").await.unwrap();
    client.closed_with(close::NORMAL).await;
    assert_eq!(house.newest("s").unwrap().payload, jpeg(1), "viewers keep it");
    let mut next = Client::open(port, "?ack=1").await.unwrap();
    next.frame(&jpeg(2)).await;
    assert_eq!(next.next().await.unwrap(), ack(2, &jpeg(2)));
}

#[tokio::test]
async fn a_shutdown_is_said() {
    let (house, _, mut client) = connected("").await;
    house.shutdown.cancel();
    let reason = client.closed_with(close::GOING_AWAY).await;
    assert!(reason.contains("shutting down"), "{reason}");
}

#[tokio::test]
async fn without_a_handshake_the_route_is_refused() {
    let answer = house().get("/publish/s").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED".into()));
}
