//! Tests of `fragments`.
#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn a_message_keeps_its_cuts() {
    let mut assembler = Assembler::new(100);
    assert_eq!(assembler.push(Part::Text, false, b"gr\xC3"), Ok(None));
    assert_eq!(assembler.push(Part::Continuation, false, b""), Ok(None));
    let message = assembler.push(Part::Continuation, true, b"\xBC\xC3\x9Fe").unwrap().unwrap();
    assert!(message.is_text());
    assert_eq!(message.fragments(), [&b"gr\xC3"[..], b"", b"\xBC\xC3\x9Fe"]);
    assert_eq!(message.into_bytes(), "grüße");
    let next = assembler.push(Part::Binary, true, b"\xFF").unwrap().unwrap();
    assert_eq!((next.is_text(), next.bytes()), (false, 1));
}

#[test]
fn what_is_no_message_is_named() {
    let push = |frames: &[(Part, bool, &[u8])]| {
        let mut assembler = Assembler::new(4);
        let results = frames.iter().map(|(part, last, bytes)| assembler.push(*part, *last, bytes));
        results.last().unwrap().unwrap_err().code()
    };
    assert_eq!(push(&[(Part::Continuation, true, b"x")]), "NOTHING_TO_CONTINUE");
    assert_eq!(push(&[(Part::Text, false, b"x"), (Part::Binary, true, b"x")]), "INTERLEAVED");
    assert_eq!(push(&[(Part::Binary, true, b"12345")]), "MESSAGE_TOO_LARGE");
    assert_eq!(
        push(&[(Part::Binary, false, b"123"), (Part::Continuation, true, b"45")]),
        "MESSAGE_TOO_LARGE"
    );
    assert_eq!(push(&[(Part::Text, true, b"\xFF")]), "NOT_UTF8");
    assert_eq!(push(&[(Part::Text, false, b"\xC3"), (Part::Continuation, true, b"x")]), "NOT_UTF8");
}

#[test]
fn a_message_may_come_out_in_one_piece() {
    let mut assembler = Assembler::joining(4);
    assembler.push(Part::Binary, false, b"").unwrap();
    for _ in 0..2 * MAX_FRAGMENTS {
        assembler.push(Part::Continuation, false, b"").unwrap();
    }
    assembler.push(Part::Continuation, false, b"ab").unwrap();
    let message = assembler.push(Part::Continuation, true, b"cd").unwrap().unwrap();
    assert_eq!(message.fragments(), [&b"abcd"[..]]);
    assembler.push(Part::Binary, false, b"abc").unwrap();
    assert_eq!(assembler.push(Part::Continuation, true, b"de"), Err(Error::TooLarge { limit: 4 }));
}

#[test]
fn empty_pieces_are_counted_too() {
    let mut assembler = Assembler::new(4);
    assembler.push(Part::Binary, false, b"").unwrap();
    for _ in 1..MAX_FRAGMENTS {
        assembler.push(Part::Continuation, false, b"").unwrap();
    }
    assert_eq!(assembler.push(Part::Continuation, true, b""), Err(Error::TooManyFragments));
}
