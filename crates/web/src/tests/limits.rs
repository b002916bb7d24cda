//! Clients that take all they can, over real sockets: each phase of a request ends in its time, and whoever keeps the
//! hub waiting stands in nobody's way.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::support::{House, eventually, house_with, jpeg, settings};
use crate::ConnectionLimits;

const SHORT: Duration = Duration::from_millis(200);
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn hub(change: impl FnOnce(&mut ConnectionLimits)) -> House {
    let mut settings = settings();
    let short = ConnectionLimits {
        body_timeout: SHORT,
        header_timeout: SHORT,
        idle_timeout: SHORT,
        ..settings.connections
    };
    settings.connections = short;
    change(&mut settings.connections);
    house_with(settings)
}

/// A client that has sent this.
async fn sent(port: u16, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    socket
}

/// What comes until the hub closes the connection.
async fn rest(mut socket: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end, too.
    let _reset = timeout(PATIENCE, socket.read_to_end(&mut bytes)).await.expect("the hub closes it");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_whatever_the_route() {
    let house = hub(|_| {});
    house.publish("cam", &jpeg(64, 48));
    let port = house.listen().await;
    for path in
        ["/api/login", "/session/create", "/api/streams/cam/analysis", "/api/streams/cam/share", "/publish/a"]
    {
        let answer = rest(sent(port, post(path, 10).as_bytes()).await).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("BODY_TIMEOUT"), "{path}: {answer}");
    }
    let form = "POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
        Content-Length: 1000\r\n\r\n--b\r\n";
    let answer = rest(sent(port, form.as_bytes()).await).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("BODY_TOO_SLOW"), "{answer}");
}

#[tokio::test]
async fn bytes_that_drip_are_no_progress() {
    let house = hub(|_| {});
    let port = house.listen().await;
    let form = "POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
        Content-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"video\"\r\n\r\n";
    for head in [form.to_owned(), post("/api/login", 60_000), "GET /health HTTP/1.1\r\n".to_owned()] {
        let (mut reading, mut writing) = sent(port, head.as_bytes()).await.into_split();
        let drip = async {
            while writing.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 10).await;
            }
        };
        let mut answer = Vec::new();
        let read = reading.read_to_end(&mut answer);
        tokio::select! {
            () = drip => {}
            ended = timeout(PATIENCE, read) => { ended.expect("the hub closes it").unwrap_or_default(); }
        }
    }
}

#[tokio::test]
async fn a_command_is_small() {
    let house = hub(|_| {});
    let answer = house.post("/session/create", &" ".repeat(100_000)).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (413, "BODY_TOO_LARGE".to_owned()));
}

#[tokio::test]
async fn what_is_being_received_waits_for_room_but_for_what_is_small() {
    const LARGE: usize = 1_000_000;
    let house = hub(|limits| limits.receive_bytes = LARGE + LARGE / 2);
    let port = house.listen().await;
    let part = |length| [post("/publish/a", length).into_bytes(), vec![0xff; 400_000]].concat();
    let first = sent(port, &part(LARGE)).await;
    let second = sent(port, &part(LARGE)).await;
    let small = picture_of(1000);
    let mut third = sent(port, &[post("/publish/b", small.len()).into_bytes(), small].concat()).await;
    let mut begun = [0; 12];
    third.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200", "a small frame waits for nobody");
    let (first, second) = tokio::join!(rest(first), rest(second));
    assert!(first.contains("BODY_TIMEOUT"), "{first}");
    // The room of the first is its own for a moment. A client that still sends may see the end before the answer.
    assert!(
        ["BODY_TIMEOUT", "RECEIVE_LIMIT"].iter().any(|code| second.contains(code)) || second.is_empty(),
        "{second}"
    );
    // All room is given back.
    let whole = picture_of(LARGE);
    let mut again = sent(port, &[post("/publish/a", whole.len()).into_bytes(), whole].concat()).await;
    again.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
}

/// A JPEG of about so many bytes.
fn picture_of(bytes: usize) -> Vec<u8> {
    let small = jpeg(16, 16);
    let mut picture = small[..2].to_vec();
    while picture.len() + 65_537 < bytes {
        picture.extend([0xff, 0xfe, 0xff, 0xff]);
        picture.extend([0; 65_533]);
    }
    picture.extend(&small[2..]);
    picture
}

#[tokio::test]
async fn a_large_message_of_a_websocket_that_stops_coming_ends_it() {
    let house = hub(|_| {});
    let port = house.listen().await;
    let handshake = "GET /publish/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let mut socket = sent(port, handshake.as_bytes()).await;
    let mut begun = [0; 12];
    socket.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 101");
    // A binary message of a million bytes, most of which do not come.
    let mut message = vec![0x82, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0];
    message.extend(vec![0; 400_000]);
    socket.write_all(&message).await.unwrap();
    rest(socket).await;
}

#[tokio::test]
async fn with_all_places_taken_a_client_that_publishes_keeps_its_own() {
    let house = hub(|limits| {
        limits.max = 2;
        limits.idle_timeout = PATIENCE;
    });
    house.publish("cam", &jpeg(64, 48));
    let port = house.listen().await;
    let picture = jpeg(64, 48);
    let request = [post("/publish/cam", picture.len()).into_bytes(), picture].concat();
    let mut publisher = sent(port, &request).await;
    let mut answer = [0; 4096];
    assert!(publisher.read(&mut answer).await.unwrap() > 0);
    let mut viewer = sent(port, b"GET /stream/cam HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(viewer.read(&mut answer).await.unwrap() > 0);
    let newcomer = rest(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await;
    assert!(newcomer.starts_with("HTTP/1.1 503 "), "{newcomer}");
    publisher.write_all(&request).await.unwrap();
    assert!(publisher.read(&mut answer).await.unwrap() > 0, "the publisher was cut off");
}

#[tokio::test]
async fn a_viewer_that_takes_nothing_is_closed() {
    let house = hub(|limits| limits.stall_timeout = SHORT);
    let port = house.listen().await;
    house.publish("cam", &jpeg(64, 48));
    let viewer = sent(port, b"GET /stream/cam HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let viewers = || house.app.live().hub.stream(&"cam".parse().unwrap()).unwrap().demand().viewers;
    eventually("it watches", || viewers() == 1).await;
    let large = picture_of(1_000_000);
    let publish = async {
        loop {
            house.publish("cam", &large);
            tokio::time::sleep(SHORT / 20).await;
        }
    };
    tokio::select! {
        () = publish => {}
        () = eventually("it is gone", || viewers() == 0) => {}
    }
    drop(viewer);
}
