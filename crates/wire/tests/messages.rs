//! The bytes and texts that go out, against docs/ref/api.md, and what comes in on the WebSockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::borrow::Cow;

use serde_json::{Value, json};
use wire::{
    mjpeg::{self, Framing},
    publish::{self, Demand, Metadata, Reply},
    view::{self, Incoming},
    wall::{self, ClientMessage, FrameHeader, ServerMessage, StreamRequest},
};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_part_of_the_mjpeg_view_is_as_documented() {
    let framing = Framing::Length;
    let head = framing.head(3, 1_700_000_000.123_456_7, 42);
    let body =
        [framing.opening(), &head, b"abc", framing.trailer(), &mjpeg::heartbeat_line(7), framing.closing()];
    let expected = "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 3\r\nX-Timestamp: 1700000000.123457\r\n\
        X-Frame-Seq: 42\r\n\r\nabc\r\n--frame\r\nX-Heartbeat: 7\r\n--frame--\r\n";
    assert_eq!(String::from_utf8(body.concat()).unwrap(), expected);
}

#[test]
fn browsers_get_the_next_header_with_the_frame() {
    let framing = Framing::Ahead;
    assert!(framing.head(3, 1.0, 42).is_empty());
    let body = [framing.opening(), b"abc", framing.trailer(), framing.closing()].concat();
    let expected = "--frame\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n\r\n--frame--\r\n";
    assert_eq!(String::from_utf8(body).unwrap(), expected);
}

#[test]
fn a_time_that_is_no_time_is_written_as_one() {
    for (time, written) in [(f64::NAN, "0.000000"), (-1.0, "0.000000"), (f64::MAX, "253402300799.000000")] {
        let head = Framing::Length.head(1, time, 1);
        let line = format!("X-Timestamp: {written}\r\n");
        assert!(std::str::from_utf8(&head).unwrap().contains(&line));
    }
}

#[test]
fn messages_of_the_websocket_view() {
    assert_eq!(view::status("✅ \"on\""), r#"{"type":"status","message":"✅ \"on\""}"#);
    assert_eq!(view::error("off"), r#"{"type":"error","message":"off"}"#);
    for jpeg in [&b""[..], b"a", b"ab", b"abc", b"abcd"] {
        let text = view::frame(jpeg);
        assert_eq!(parsed(&text)["type"], "frame");
        assert_eq!(text.len(), text.capacity(), "one allocation that fits");
        assert_eq!(view::parse(&text, 4), Ok(Incoming::Frame(jpeg.to_vec().into())));
    }
}

#[test]
fn frames_of_a_simulator_in_the_spellings_of_the_field() {
    for text in [
        r#"{"type":"frame","data":"/9j/4A=="}"#,
        r#"{ "data" : "/9j/4A" , "extra": {"a": [1]}, "type" : "frame" }"#,
        r#"{"type":"frame","data":"\/9j\/4A=="}"#,
        r#"{"type":"frame","data":"data:image/jpeg;base64,/9j/4A=="}"#,
        r#"{"type":"frame","data":"/9j/\n4A=="}"#,
        "{\"\\u0074ype\":\"frame\",\"data\":\"/9j/4A==\"}",
    ] {
        assert_eq!(view::parse(text, 4), Ok(Incoming::Frame(b"\xff\xd8\xff\xe0"[..].into())), "{text}");
    }
    let code = |text: &str| view::parse(text, 4).unwrap_err().code();
    assert_eq!(code(r#"{"type":"frame"}"#), "NO_FRAME_DATA");
    assert_eq!(code(r#"{"type":"frame","data":7}"#), "NO_FRAME_DATA");
    assert_eq!(code(r#"{"type":"frame","data":"/9j/4AA="}"#), "FRAME_TOO_LARGE");
    assert_eq!(code(r#"{"type":"frame","data":"!!"}"#), "BAD_BASE64");
}

#[test]
fn everything_else_is_relayed() {
    for text in
        ["", "hello", "[]", "7", r#"{"type":"offer","sdp":"v=0"}"#, r#"{"type":7}"#, r#"{"data":"x"}"#, "{"]
    {
        assert_eq!(view::parse(text, 4), Ok(Incoming::Other), "{text}");
    }
}

#[test]
fn metadata_keeps_what_it_does_not_know_as_it_came() {
    let text = r#" { "timestamp": 1700000000.5, "frame_number": 7, "note": "a \" b\\", "deep": { "x" : [ 1 , 2.50 ] },
        "big": 123456789012345678901234567890, "a": null } "#;
    let metadata = Metadata::parse(text).unwrap();
    assert_eq!((metadata.captured, metadata.seq), (Some(1_700_000_000.5), Some(7)));
    let rest = r#"{"note":"a \" b\\","deep":{"x":[1,2.50]},"big":123456789012345678901234567890,"a":null}"#;
    assert_eq!(metadata.rest.as_deref(), Some(rest));
    assert_eq!(Metadata::parse(&metadata.to_json()), Ok(metadata));
}

#[test]
fn metadata_that_says_little() {
    assert_eq!(Metadata::parse("{}"), Ok(Metadata::default()));
    assert_eq!(Metadata::default().to_json(), "{}");
    assert_eq!(Metadata::parse(r#"{"timestamp":null,"seq":null}"#), Ok(Metadata::default()));
    let both = Metadata::parse(r#"{"frame_number":1,"seq":2}"#).unwrap();
    assert_eq!((both.seq, both.rest), (Some(2), None));
    let seq = Metadata { seq: Some(3), ..Metadata::default() };
    assert_eq!(seq.to_json(), r#"{"seq":3}"#);
}

#[test]
fn metadata_that_is_refused_says_why() {
    let code = |text: &str| Metadata::parse(text).unwrap_err().code();
    assert_eq!(code("hello"), "BAD_METADATA");
    assert_eq!(code("[1]"), "BAD_METADATA");
    assert_eq!(code("{} {}"), "BAD_METADATA");
    let sized = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    assert!(Metadata::parse(&sized(4096)).is_ok());
    assert_eq!(code(&sized(4097)), "METADATA_TOO_LARGE");
    assert_eq!(code(&sized(17_000)), "METADATA_TOO_LARGE");
    assert_eq!(code(&format!(r#"{{"a":{}{}}}"#, "[".repeat(32), "]".repeat(32))), "METADATA_TOO_DEEP");
    assert!(Metadata::parse(&format!(r#"{{"a":{}{}}}"#, "[".repeat(31), "]".repeat(31))).is_ok());
}

#[test]
fn metadata_that_is_odd_is_mended() {
    let rest = |text: &str| Metadata::parse(text).unwrap().rest.unwrap().to_string();
    for bad in [r#""2026-01-21""#, "-1", "1e999", "true", "NaN", "[1]"] {
        let text = format!(r#"{{"timestamp":{bad},"seq":{bad},"frame_number":1.5,"a":1}}"#);
        assert_eq!(
            Metadata::parse(&text).map(|it| (it.captured, it.seq, it.rest.is_some())),
            Ok((None, None, true)),
            "{bad}"
        );
    }
    assert_eq!(
        rest(r#"{"loss": NaN, "grad": [Infinity, -Infinity], "n": 1e999}"#),
        r#"{"loss":null,"grad":[null,null],"n":null}"#
    );
    assert_eq!(rest(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    assert_eq!(rest("\u{feff}{\"a\":\"\\ud83d\"}"), r#"{"a":"\ufffd"}"#);
    serde_json::from_str::<Value>(&rest(r#"{"a\udc00":"x\ud800"}"#)).unwrap();
}

#[test]
fn answers_to_a_publisher() {
    let ack = publish::ack("cam1", 5, 45678);
    assert_eq!(ack, r#"{"type":"ack","stream":"cam1","seq":5,"frame_size":45678}"#);
    assert_eq!(Reply::parse(&ack), Some(Reply::Ack { stream: "cam1".into(), seq: 5, frame_size: 45678 }));
    let error = publish::error("too \"large\"", "FRAME_TOO_LARGE");
    assert_eq!(error, r#"{"type":"error","error":"too \"large\"","code":"FRAME_TOO_LARGE"}"#);
    assert!(matches!(Reply::parse(&error), Some(Reply::Error { code, .. }) if code == "FRAME_TOO_LARGE"));
    assert_eq!(Reply::parse("{}"), None);

    let demand = Demand { viewers: 2, services: 1 };
    assert_eq!(demand.to_json(), r#"{"type":"demand","viewers":2,"services":1}"#);
    assert_eq!(Demand::parse(&demand.to_json()), Some(demand));
    assert!(demand.is_wanted() && !Demand::default().is_wanted());
    assert_eq!(Reply::parse(&demand.to_json()), None, "which is no answer to a frame");
    for other in [&*ack, "{}", "[]", "", r#"{"type":"demand","viewers":-1,"services":0}"#] {
        assert_eq!(Demand::parse(other), None, "{other}");
    }
}

#[test]
fn a_wall_client_says_what_it_watches_and_what_it_has_shown() {
    let text = r#"{"type":"watch","streams":{"cam1":{"fps":10},"cam2":{},"cam3":{"fps":0}}}"#;
    let ClientMessage::Watch { streams } = ClientMessage::parse(text).unwrap() else { panic!("not watch") };
    let rates: Vec<_> = streams.iter().map(|(name, request)| (name.as_str(), request.max_fps())).collect();
    assert_eq!(rates, [("cam1", Some(10.0)), ("cam2", None), ("cam3", None)]);
    let shown = ClientMessage::Shown { stream: "cam1".into(), seq: 123 };
    assert_eq!(shown.to_json(), r#"{"type":"shown","stream":"cam1","seq":123}"#);
    assert_eq!(ClientMessage::parse(&shown.to_json()), Ok(shown));
    let watch = ClientMessage::Watch { streams: [("a".into(), StreamRequest::default())].into() };
    assert_eq!(watch.to_json(), r#"{"type":"watch","streams":{"a":{}}}"#);
}

#[test]
fn a_wall_client_is_bounded() {
    let code = |text: &str| ClientMessage::parse(text).unwrap_err().code();
    for bad in ["", "[]", "{}", r#"{"type":"dance"}"#, r#"{"type":"shown","stream":"a","seq":-1}"#] {
        assert_eq!(code(bad), "BAD_MESSAGE");
    }
    for fps in ["-1", "1000.5"] {
        assert_eq!(code(&format!(r#"{{"type":"watch","streams":{{"a":{{"fps":{fps}}}}}}}"#)), "BAD_FPS");
    }
    assert_eq!(code(r#"{"type":"watch","streams":{"a":{"fps":1e999}}}"#), "BAD_MESSAGE");
    let watch = |count: usize| {
        let streams = (0..count).map(|n| (format!("s{n}"), StreamRequest::default())).collect();
        ClientMessage::Watch { streams }.to_json()
    };
    assert!(ClientMessage::parse(&watch(wall::MAX_STREAMS)).is_ok());
    assert_eq!(code(&watch(wall::MAX_STREAMS + 1)), "TOO_MANY_STREAMS");
    assert_eq!(code(&" ".repeat(wall::MAX_MESSAGE_BYTES + 1)), "MESSAGE_TOO_LARGE");
}

#[test]
fn texts_of_the_wall() {
    let text = wall::streams(None, &[json!({"name": "cam1"})]).unwrap();
    assert_eq!(text, r#"{"type":"streams","default":null,"streams":[{"name":"cam1"}]}"#);
    let streams = vec![json!({"name": "cam1"})];
    assert_eq!(ServerMessage::parse(&text), Ok(ServerMessage::Streams { default: None, streams }));
    assert_eq!(wall::gone("cam1", "idle"), r#"{"type":"gone","stream":"cam1","message":"idle"}"#);
    assert_eq!(wall::error("no"), r#"{"type":"error","message":"no"}"#);
}

fn header() -> FrameHeader<'static> {
    FrameHeader {
        stream: Cow::Borrowed("cam1"),
        seq: 12,
        width: 640,
        height: 480,
        timestamp: 1_700_000_000.123,
        age_ms: 4.2,
        skipped: 0,
        metadata: None,
    }
}

#[test]
fn a_frame_of_the_wall_comes_back() {
    for metadata in [None, Some(Cow::Borrowed(r#"{"lap":3,"x":"é"}"#))] {
        let header = FrameHeader { metadata, ..header() };
        let message = [&header.encode().unwrap()[..], b"\xff\xd8jpeg"].concat();
        assert_eq!(FrameHeader::decode(&message), Ok((header.clone(), &b"\xff\xd8jpeg"[..])));
        let length = usize::from(u16::from_be_bytes([message[0], message[1]]));
        let json = parsed(std::str::from_utf8(&message[2..2 + length]).unwrap());
        assert_eq!(
            (&json["stream"], &json["seq"], &json["age_ms"]),
            (&json!("cam1"), &json!(12), &json!(4.2))
        );
        assert_eq!(json.get("metadata").is_some(), header.metadata.is_some());
    }
}

#[test]
fn a_frame_of_the_wall_that_cannot_be() {
    let message = header().encode().unwrap();
    for end in 0..message.len() {
        assert_eq!(FrameHeader::decode(&message[..end]).unwrap_err().code(), "TRUNCATED_MESSAGE");
    }
    assert_eq!(FrameHeader::decode(b"\0\x02[]jpeg").unwrap_err().code(), "BAD_MESSAGE");
    let huge = FrameHeader { metadata: Some("x".repeat(70_000).into()), ..header() };
    assert_eq!(huge.encode().unwrap_err().code(), "HEADER_TOO_LARGE");
    let odd = FrameHeader { timestamp: f64::NAN, age_ms: f64::INFINITY, ..header() };
    let encoded = odd.encode().unwrap();
    let (back, _) = FrameHeader::decode(&encoded).unwrap();
    assert_eq!((back.timestamp, back.age_ms), (0.0, 0.0));
}
