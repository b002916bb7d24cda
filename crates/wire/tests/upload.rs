//! The upload messages of existing clients (docs/ref/compatibility.md), and variations of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use wire::upload::{
    AckStatus, ClientMessage, Encoding, Error, ErrorCode, FrameHead, Raw, RawError, ServerMessage,
    SessionEnd, SessionStart, SignalHead, Validation,
};

fn id() -> String {
    "phrase_20251106_123045".into()
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn messages_of_existing_clients_are_read() {
    let start = json!({
        "type": "session_start", "session_id": id(), "fps": 30.0, "width": 1920, "height": 1080,
        "expected_frames": 1800, "video_format": "bgr24",
    });
    let expected = SessionStart {
        session_id: id(),
        fps: Some(30.0),
        width: Some(1920),
        height: Some(1080),
        expected_frames: Some(1800),
        video_format: Some("bgr24".into()),
        ..SessionStart::default()
    };
    assert_eq!(ClientMessage::parse(&start.to_string()), Ok(ClientMessage::SessionStart(expected)));

    let frame = json!({
        "type": "frame", "session_id": id(), "frame_number": 0, "timestamp": 1_699_276_800.123,
        "encoding": "jpeg", "quality": 85, "size": 65432,
    });
    let expected = FrameHead {
        session_id: Some(id()),
        frame_number: 0,
        timestamp: Some(1_699_276_800.123),
        encoding: Some("jpeg".into()),
        quality: Some(85),
        size: Some(65432),
    };
    assert_eq!(ClientMessage::parse(&frame.to_string()), Ok(ClientMessage::Frame(expected)));

    let end = json!({"type": "session_end", "session_id": id(), "total_frames": 1800});
    let expected = SessionEnd { session_id: Some(id()), total_frames: Some(1800) };
    assert_eq!(ClientMessage::parse(&end.to_string()), Ok(ClientMessage::SessionEnd(expected)));

    let signal = json!({"type": "signal", "session_id": id(), "filename": "phrase.txt", "size": 1234});
    let expected =
        SignalHead { session_id: Some(id()), filename: Some("phrase.txt".into()), size: Some(1234) };
    assert_eq!(ClientMessage::parse(&signal.to_string()), Ok(ClientMessage::Signal(expected)));
    assert_eq!(ClientMessage::parse(r#"{"type": "ping"}"#), Ok(ClientMessage::Ping));
}

#[test]
fn answers_are_those_that_existing_clients_expect() {
    let started =
        ServerMessage::SessionStarted { session_id: id(), resumed: None, next_frame: None, state: None };
    assert_eq!(value(&started.to_json()), json!({"type": "session_started", "session_id": id()}));
    let ack = ServerMessage::FrameAck { session_id: id(), frame_number: 0, status: AckStatus::Received };
    let expected = json!({"type": "frame_ack", "session_id": id(), "frame_number": 0, "status": "received"});
    assert_eq!(value(&ack.to_json()), expected);
    let validation = Validation { valid: true, frame_count: 1800, ..Validation::default() };
    let ended = ServerMessage::SessionEnded { session_id: id(), validation };
    let expected = json!({
        "type": "session_ended", "session_id": id(),
        "validation": {
            "valid": true, "issues": [], "frame_count": 1800, "missing_frames": 0, "duplicate_frames": 0,
            "out_of_order_frames": 0, "has_signal": false,
        }
    });
    assert_eq!(value(&ended.to_json()), expected);
    let error = ServerMessage::Error {
        session_id: Some(id()),
        error_code: ErrorCode::FrameProcessingFailed,
        error_message: "Failed to decode frame 123".into(),
        recoverable: true,
    };
    let expected = json!({
        "type": "error", "session_id": id(), "error_code": "FRAME_PROCESSING_FAILED",
        "error_message": "Failed to decode frame 123", "recoverable": true,
    });
    assert_eq!(value(&error.to_json()), expected);
    assert_eq!(ServerMessage::Pong.to_json(), r#"{"type":"pong"}"#);
}

#[test]
fn every_code_is_written_by_its_name() {
    use ErrorCode::*;
    for code in [
        ProtocolError,
        InvalidMessage,
        SessionStartFailed,
        NoActiveSession,
        FrameProcessingFailed,
        SessionEndFailed,
        ProcessingFailed,
        InternalError,
        UnknownMessageType,
        StreamingDisabled,
    ] {
        assert_eq!(serde_json::to_value(code).unwrap(), json!(code.as_str()));
    }
}

#[test]
fn numbers_come_as_opencv_has_them() {
    let start = json!({"type": "session_start", "session_id": "a", "fps": 0.0, "width": 1920.0, "height": 0});
    let ClientMessage::SessionStart(start) = ClientMessage::parse(&start.to_string()).unwrap() else {
        panic!("no session_start")
    };
    assert_eq!((start.fps, start.width, start.height), (Some(0.0), Some(1920), Some(0)));
    let ClientMessage::Frame(frame) = ClientMessage::parse(r#"{"type":"frame","frame_number":1e9}"#).unwrap()
    else {
        panic!("no frame")
    };
    assert_eq!((frame.frame_number, frame.session_id, frame.encoding), (1_000_000_000, None, None));
}

#[test]
fn what_is_no_message_says_why() {
    let code = |text: &str| ClientMessage::parse(text).unwrap_err().code();
    for text in ["", "{", "hello", "{\"type\":\"frame\",}", "nil"] {
        assert_eq!(code(text), ErrorCode::InvalidMessage, "{text}");
    }
    for text in [
        "[]",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"frame"}"#,
        r#"{"type":"frame","frame_number":-1}"#,
        r#"{"type":"frame","frame_number":0.5}"#,
        r#"{"type":"frame","frame_number":1e300}"#,
        r#"{"type":"frame","frame_number":null}"#,
        r#"{"type":"session_start"}"#,
        r#"{"type":"session_start","session_id":7}"#,
        r#"{"type":"session_start","session_id":"a","width":5000000000}"#,
    ] {
        assert_eq!(code(text), ErrorCode::ProtocolError, "{text}");
    }
    assert_eq!(code(r#"{"type":"dance"}"#), ErrorCode::UnknownMessageType);
    assert_eq!(code(&" ".repeat(16 * 1024 + 1)), ErrorCode::ProtocolError);
    let Error::BadField { reason, .. } = ClientMessage::parse(r#"{"type":"frame"}"#).unwrap_err() else {
        panic!("another error")
    };
    assert!(reason.contains("frame_number"), "{reason}");
}

#[test]
fn encodings_have_their_names() {
    for (text, encoding) in
        [("jpeg", Encoding::Jpeg), ("jpg", Encoding::Jpeg), ("PNG", Encoding::Png), ("raw", Encoding::Raw)]
    {
        assert_eq!(text.parse(), Ok(encoding));
    }
    assert!("bmp".parse::<Encoding>().unwrap_err().to_string().contains("`bmp`"));
}

fn raw(height: u32, width: u32, channels: u32, pixels: usize) -> Vec<u8> {
    let mut bytes = [height, width, channels].map(u32::to_le_bytes).concat();
    bytes.resize(12 + pixels, 9);
    bytes
}

#[test]
fn raw_pictures_with_and_without_a_header() {
    let bytes = raw(2, 3, 3, 18);
    let picture = Raw::parse(&bytes, None).unwrap();
    assert_eq!((picture.width, picture.height, picture.channels, picture.pixels.len()), (3, 2, 3, 18));
    assert_eq!(Raw::parse(&raw(2, 3, 1, 6), None).unwrap().channels, 1);
    let bare = Raw::parse(&[1; 18], Some((3, 2))).unwrap();
    assert_eq!((bare.width, bare.height, bare.pixels.len()), (3, 2, 18));
}

#[test]
fn raw_headers_that_lie() {
    let error = |bytes: &[u8], announced| Raw::parse(bytes, announced).unwrap_err();
    assert_eq!(error(b"short", None), RawError::TooShort { bytes: 5 });
    for bytes in [
        raw(2, 3, 3, 17),
        raw(2, 3, 3, 19),
        raw(u32::MAX, u32::MAX, u32::MAX, 18),
        raw(1 << 16, 1 << 16, 3, 0),
    ] {
        assert!(matches!(error(&bytes, Some((3, 2))), RawError::WrongLength { .. }));
    }
    assert!(matches!(error(&raw(0, 3, 3, 0), None), RawError::Empty { .. }));
    assert!(matches!(error(&raw(1, 1, 4, 4), None), RawError::Channels { channels: 4 }));
    assert!(matches!(error(&[], Some((0, 0))), RawError::TooShort { .. }));
}
