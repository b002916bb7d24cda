//! Tests of `ws`.
#![allow(clippy::unwrap_used)]
use http_body_util::BodyExt;
use hyper::{Request, server, service::service_fn};
use tokio::net::TcpListener;

use super::*;
use crate::http::get;

const LIMIT: Duration = Duration::from_secs(10);

/// Both ends of a WebSocket: ours as a client, and the server's.
async fn pair(max_message: usize) -> ((Inbox, Outbox), (Inbox, Outbox)) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (accepted, theirs) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let (upgraded, upgrade) = tokio::sync::oneshot::channel();
        let upgraded = std::sync::Mutex::new(Some(upgraded));
        let service = service_fn(|mut request: Request<Incoming>| {
            let (answer, upgrade) = fastwebsockets::upgrade::upgrade(&mut request).unwrap();
            let _ = upgraded.lock().unwrap().take().unwrap().send(upgrade);
            std::future::ready(Ok::<_, std::convert::Infallible>(answer))
        });
        let connection = server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        connection.with_upgrades().await.unwrap();
        let socket = upgrade.await.unwrap().await.unwrap();
        let _ = accepted.send(split(socket, Peer::Client, max_message));
    });
    let mut http = Http::open(&url, LIMIT).await.unwrap();
    let Answer::Open(socket) = open(&mut http, get(&url), LIMIT).await.unwrap() else { panic!("refused") };
    (split(socket, Peer::Server, max_message), theirs.await.unwrap())
}

async fn next(inbox: &mut Inbox) -> Result<(Kind, bool, Vec<u8>), Ended> {
    inbox.next(|piece| Ok(Some((piece.kind, piece.is_last, piece.payload.to_vec())))).await
}

#[tokio::test]
async fn messages_go_both_ways_whole_and_in_pieces() {
    let ((mut our_inbox, mut ours), (mut their_inbox, mut theirs)) = pair(100).await;
    ours.binary_owned(Bytes::from_static(b"picture")).await.unwrap();
    assert_eq!(next(&mut their_inbox).await.unwrap(), (Kind::Binary, true, b"picture".to_vec()));
    theirs.pieces(true, &["gr", "", "ey"]).await.unwrap();
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(next(&mut our_inbox).await.unwrap());
    }
    let texts = [(Kind::Text, "gr"), (Kind::Continuation, ""), (Kind::Continuation, "ey")];
    let expected =
        texts.iter().enumerate().map(|(at, (kind, text))| (*kind, at == 2, text.as_bytes().to_vec()));
    assert_eq!(got, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_ping_is_a_sign_of_life_and_obliges_to_a_pong() {
    let ((mut our_inbox, mut ours), (mut their_inbox, mut theirs)) = pair(100).await;
    let (heard, mut signs) = mpsc::unbounded_channel();
    let also_heard = heard.clone();
    their_inbox.note_each(move || heard.send("ping").unwrap_or_default());
    our_inbox.note_each(move || also_heard.send("pong").unwrap_or_default());
    ours.ping().await.unwrap();
    let conversation = async {
        let pong = theirs.obligation().await.unwrap();
        theirs.fulfil(pong).await.unwrap();
        assert_eq!([signs.recv().await, signs.recv().await], [Some("ping"), Some("pong")]);
    };
    tokio::select! {
        () = conversation => {}
        _ = next(&mut our_inbox) => panic!("a pong is no message"),
        _ = next(&mut their_inbox) => panic!("a ping is no message"),
    }
    assert!(theirs.take_obligations().0.try_recv().is_err() && theirs.obligation().await.is_none());
}

#[tokio::test]
async fn a_close_says_why_in_at_most_123_bytes() {
    let ((_our_inbox, mut ours), (mut their_inbox, mut theirs)) = pair(200).await;
    ours.close(4001, &"ä".repeat(100)).await.unwrap();
    let Err(ended) = next(&mut their_inbox).await else { panic!("not closed") };
    let Ended::Closed(close) = &ended else { panic!("{ended}") };
    assert_eq!((close.code, close.reason.len()), (Some(4001), 122));
    theirs.farewell(&ended).await.unwrap();
}

#[tokio::test]
async fn what_is_too_large_and_what_is_gone_is_said() {
    let ((_our_inbox, mut ours), (mut their_inbox, _theirs)) = pair(5).await;
    ours.binary(b"12345").await.unwrap();
    assert!(next(&mut their_inbox).await.is_ok());
    ours.binary(b"123456").await.unwrap();
    assert!(matches!(next(&mut their_inbox).await, Err(Ended::TooLarge { limit: 5 })));
    let ((our_inbox, ours), (mut their_inbox, _theirs)) = pair(5).await;
    drop((our_inbox, ours));
    assert!(matches!(next(&mut their_inbox).await, Err(Ended::Gone)));
}

/// A web page chooses its bytes, and a proxy on the way must not take them for a request.
#[tokio::test]
async fn a_client_must_mask_and_a_server_must_not() {
    let wrong = |ended| matches!(ended, Err(Ended::Protocol(why)) if why.contains("mask"));
    for is_ping in [false, true] {
        let ((_our_inbox, mut ours), (mut their_inbox, _theirs)) = pair(100).await;
        ours.write.set_auto_apply_mask(false);
        if is_ping {
            ours.ping().await.unwrap()
        } else {
            ours.binary(b"picture").await.unwrap()
        }
        assert!(wrong(next(&mut their_inbox).await), "ping: {is_ping}");
    }
    let ((mut our_inbox, _ours), (_their_inbox, mut theirs)) = pair(100).await;
    let masked = Frame::new(true, OpCode::Binary, Some([1; 4]), Payload::Borrowed(b"picture"));
    theirs.send(masked).await.unwrap();
    assert!(wrong(next(&mut our_inbox).await));
}

#[tokio::test]
async fn a_control_frame_has_125_bytes_at_most() {
    for (length, is_good) in [(125, true), (126, false)] {
        let ((_our_inbox, mut ours), (mut their_inbox, _theirs)) = pair(500).await;
        let pong = vec![0; length];
        ours.send(Frame::pong(Payload::Borrowed(&pong))).await.unwrap();
        ours.binary(b"after").await.unwrap();
        assert_eq!(next(&mut their_inbox).await.is_ok(), is_good, "{length}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = service_fn(|_: Request<Incoming>| {
            std::future::ready(Response::builder().status(403).body("no key".to_owned()))
        });
        server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await
    });
    let mut http = Http::open(&url, LIMIT).await.unwrap();
    let answer = open(&mut http, get(&url), LIMIT).await.unwrap();
    let Answer::Refused(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "no key");
}

#[test]
fn a_close_is_read_and_named() {
    let named = |payload: &[u8]| Close::read(payload).to_string();
    assert_eq!([named(b""), named(b"\x03"), named(b"\x03\xE8")], ["", "", " (1000)"]);
    assert_eq!(named(b"\x0F\xA1robot is busy"), " (4001 \"robot is busy\")");
}
