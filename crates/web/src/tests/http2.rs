//! Many responses on one connection of HTTP/2: each fresh, and none in another's way.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use transport::testing::{Folder, connector, localhost};

use super::support::{House, house_with, settings};

/// The smallest that the protocol starts with; a picture of these tests does not fit.
const WINDOW: u32 = 65_535;

/// A picture that says its number, and is larger than a window.
fn picture(number: u64) -> Vec<u8> {
    let mut bytes = super::support::picture(number);
    let end = bytes.len() - 2;
    bytes.splice(end..end, vec![0; 3 * WINDOW as usize]);
    bytes
}

/// A hub on a port of its own, and a connection to it.
async fn connected() -> (House, http2::SendRequest<Empty<Bytes>>) {
    let folder = Folder::new();
    let tls = Some(folder.load().unwrap());
    let house = house_with(crate::Settings { tls, ..settings() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(crate::serve(listener, house.app.clone()));
    let socket = TcpStream::connect(address).await.unwrap();
    let connector = connector(&folder.text("cert.pem"), &["h2", "http/1.1"]);
    let socket = connector.connect(localhost(), socket).await.unwrap();
    assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (requests, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(16 * WINDOW)
        .handshake(TokioIo::new(socket))
        .await
        .unwrap();
    tokio::spawn(connection);
    (house, requests)
}

/// What has come of a live body.
struct View {
    body: Incoming,
    seen: Vec<u8>,
}

impl View {
    async fn open(requests: &mut http2::SendRequest<Empty<Bytes>>, stream: &str) -> Self {
        let uri = format!("https://localhost/stream/{stream}/mjpeg");
        let request = http::Request::get(uri).body(Empty::new()).unwrap();
        let response = requests.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), seen: Vec::new() }
    }

    fn has(&self, number: u64) -> bool {
        let wanted = format!("<picture at {number}>");
        self.seen.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    }

    async fn read_until(&mut self, number: u64) {
        while !self.has(number) {
            let frame = self.body.frame().await.expect("the stream goes on").unwrap();
            self.seen.extend_from_slice(frame.data_ref().unwrap());
        }
    }
}

#[tokio::test]
async fn a_response_that_nobody_reads_stays_fresh_and_stops_no_other() {
    let (house, mut requests) = connected().await;
    house.publish("read", &picture(1));
    house.publish("unread", &picture(1));
    let mut unread = View::open(&mut requests, "unread").await;
    let mut read = View::open(&mut requests, "read").await;
    read.read_until(1).await;
    for number in 2..=20 {
        house.publish("unread", &picture(number));
        house.publish("read", &picture(number));
        read.read_until(number).await;
    }
    unread.read_until(20).await;
    let seen: Vec<u64> = (1..=20).filter(|number| unread.has(*number)).collect();
    assert_eq!(seen, [1, 20], "after the picture under way comes the newest");
    house.shutdown.cancel();
}

#[tokio::test]
async fn a_response_that_is_given_up_leaves_its_stream() {
    let (house, mut requests) = connected().await;
    house.publish("cam", &picture(1));
    let mut kept = View::open(&mut requests, "cam").await;
    let given_up = View::open(&mut requests, "cam").await;
    let viewers = || {
        house
            .app
            .live()
            .hub
            .stream(&"cam".parse().unwrap())
            .unwrap()
            .stats(crate::clock::now())
            .demand
            .viewers
    };
    assert_eq!(viewers(), 2);
    drop(given_up);
    for number in 2.. {
        house.publish("cam", &picture(number));
        kept.read_until(number).await;
        if viewers() == 1 {
            break;
        }
    }
    house.shutdown.cancel();
}
