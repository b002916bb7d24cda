//! Tests of `http`.
#![allow(clippy::unwrap_used)]
use http_body_util::Empty;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// A server that gives one answer and closes; its URL.
async fn answering(answer: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = socket.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /a?b=c HTTP/1.1\r\nhost: 127.0.0.1:"));
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    url.parse().unwrap()
}

async fn body(answer: &'static str, limit: usize) -> Result<Bytes, Error> {
    let url = answering(answer).await;
    let mut http = Http::open(&url, LIMIT).await?;
    let answer = http.ask(get(&url).body(Empty::<Bytes>::new()).unwrap(), LIMIT).await?;
    read_body(answer.into_body(), limit).await
}

#[tokio::test]
async fn a_body_is_read_whole_or_refused() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(body(ANSWER, 5).await.unwrap(), "hello");
    assert!(matches!(body(ANSWER, 4).await, Err(Error::BodyTooLarge { limit: 4 })));
}

#[tokio::test]
async fn a_broken_answer_is_explained_with_its_cause() {
    let cut = body("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", 100).await.unwrap_err();
    assert!(matches!(&cut, Error::Broken { reason } if reason.contains(": ")), "{cut}");
    assert!(matches!(body("SSH-2.0-OpenSSH\r\n", 100).await, Err(Error::Broken { .. })));
}

#[test]
fn a_port_is_named_only_where_it_is_not_the_usual() {
    let of = |url: &str| authority(&url.parse().unwrap());
    assert_eq!(of("http://cam:80/x"), "cam");
    assert_eq!(of("ws://[::1]:8080/"), "[::1]:8080");
    assert_eq!(target(&"http://cam".parse().unwrap()), "/");
}

/// An address of this machine, that of its network if it has one.
fn own_address() -> IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let routed = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    routed.map_or(Ipv4Addr::LOCALHOST.into(), |own| own.ip())
}

#[tokio::test]
async fn this_machine_is_loopback_by_whichever_address() {
    let listener = TcpListener::bind((own_address(), 0)).await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let http = Http::<Empty<Bytes>>::open(&url, LIMIT).await.unwrap();
    assert_eq!(http.peer, Some(Ipv4Addr::LOCALHOST.into()));
}
