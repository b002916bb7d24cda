//! Tests of `protocol`.
#![allow(clippy::unwrap_used)]
use super::*;

const FRAME: &str = r#"{"type":"frame","frame_number":3}"#;

fn codes(requests: &[Request]) -> Vec<ErrorCode> {
    let code = |request: &Request| match request {
        Request::Wrong { code, .. } => Some(*code),
        _ => None,
    };
    requests.iter().filter_map(code).collect()
}

#[test]
fn a_text_and_its_bytes_are_one_request() {
    let mut talk = ProtocolState::default();
    assert!(talk.text(FRAME).is_empty());
    assert_eq!(talk.text(r#"{"type":"ping"}"#), [Request::Ping]);
    let Some(Request::Frame(head, bytes)) = talk.payload(Bytes::from_static(b"x")) else { panic!() };
    assert_eq!((head.frame_number, &bytes[..]), (3, &b"x"[..]));
}

#[test]
fn bytes_out_of_place_are_named() {
    let mut talk = ProtocolState::default();
    let Some(wrong) = talk.payload(Bytes::new()) else { panic!() };
    assert_eq!(codes(&[wrong]), [ErrorCode::ProtocolError]);
    talk.text(FRAME);
    assert_eq!(codes(&talk.text(FRAME)), [ErrorCode::ProtocolError]);
    assert!(matches!(talk.payload(Bytes::new()), Some(Request::Frame(..))), "the second still counts");
    talk.text(FRAME);
    assert_eq!(talk.text(r#"{"type":"session_end"}"#).len(), 2);
}

#[test]
fn a_refused_text_takes_its_bytes_with_it() {
    let mut talk = ProtocolState::default();
    for (text, code) in [
        ("{", ErrorCode::InvalidMessage),
        (r#"{"type":"frame"}"#, ErrorCode::ProtocolError),
        (r#"{"type":"dance"}"#, ErrorCode::UnknownMessageType),
    ] {
        assert_eq!(codes(&talk.text(text)), [code]);
        assert_eq!(talk.payload(Bytes::new()), None);
    }
}
