//! Tests of `address`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn place() -> Place {
    let ws_path = "/streaming/webrtc".to_owned();
    Place { host: "127.0.0.1".to_owned(), port: 8211, ws_port: 8211, stream_port: 8765, ws_path }
}

fn read(text: &str) -> [String; 3] {
    let Simulator { socket, stream, ping } = place().parse(text).unwrap().simulator().unwrap();
    [socket, stream, ping].map(String::from)
}

#[test]
fn missing_values_are_the_usual() {
    let usual = ["ws://lab:8211/streaming/webrtc", "http://lab:8765/stream", "http://lab:8211/ping"];
    assert_eq!(read("lab"), usual);
    assert_eq!(read(" lab:9000 ")[..2], ["ws://lab:9000/streaming/webrtc", "http://lab:8765/stream"]);
    assert_eq!(read("lab:80")[2], "http://lab/ping");
    let all = read("10.0.0.7#port=1&ws_port=2&stream_port=3&ws_path=/live?x=1");
    assert_eq!(all, ["ws://10.0.0.7:2/live?x=1", "http://10.0.0.7:3/stream", "http://10.0.0.7:1/ping"]);
    assert_eq!(read("[::1]:9000")[0], "ws://[::1]:9000/streaming/webrtc");
}

#[test]
fn what_is_shown_can_be_read_back() {
    for text in ["lab", "[::1]:80#ws_path=/a%26b", "10.0.0.7:9#stream_port=3&ws_port=4"] {
        let read = place().parse(text).unwrap();
        assert_eq!(place().parse(&read.to_string()).unwrap(), read, "{text}");
    }
}

#[test]
fn mistakes_are_named() {
    let wrong = |text| place().parse(text).unwrap_err().to_string();
    for text in ["", "lab/x", "http://lab", "user@lab", "lab:99999", "a b"] {
        assert!(wrong(text).contains("is no host"), "{text}");
    }
    assert!(wrong("lab#prot=1").contains("prot"));
    assert!(wrong("lab#port=0").contains("1 to 65535"));
    assert!(wrong("lab#ws_path=live").contains("begins with /"));
}

proptest! {
    #[test]
    fn any_text_is_survived(text in ".{0,40}", options in "[#&=/a-z0-9_%]{0,40}") {
        let _either = place().parse(&text).and_then(|place| place.simulator());
        let _either = place().parse(&format!("lab{options}")).and_then(|place| place.simulator());
    }

    #[test]
    fn a_password_is_not_repeated(
        scheme in "((http|ws)://)?",
        pieces in prop::collection::vec("[A-Z]{4}", 1..4),
        between in "[#?@/:&%=\\\\ ]",
    ) {
        let address = format!("{scheme}user:{}@lab:1", pieces.join(&between));
        if let Err(error) = place().parse(&address) {
            let shown = format!("{error} {error:?}");
            prop_assert!(pieces.iter().all(|piece| !shown.contains(piece.as_str())), "{}", shown);
        }
    }
}
