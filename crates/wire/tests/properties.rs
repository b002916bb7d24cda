//! Properties: well-formed streams come back whatever the cuts, and arbitrary bytes break no invariant.
//!
//! The second kind calls the bodies of the fuzz targets, with bytes drawn from alphabets that reach deep.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use proptest::{collection::vec, prelude::*, sample::select};
use wire::{
    fuzz,
    jpeg::Splitter,
    multipart::{Event, Limits, Parser},
};

const LIMITS: Limits = Limits { max_part_bytes: 10_000, max_header_bytes: 1_000 };

#[derive(Debug, Clone)]
struct Sent {
    counted: bool,
    body: Vec<u8>,
}

/// Bytes that look like line ends and delimiters more often than chance would have it.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        &b"\r"[..],
        b"\n",
        b"-",
        b"x",
        b" ",
        b"\r\n--xx",
        b"\n--xx",
        b"\r\n--x",
        b"--xx",
        b"\xff",
    ]);
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Whether an open body of these bytes would end early: such a body needs a length.
fn has_delimiter(body: &[u8], line_end: &str) -> bool {
    let delimiter = format!("{line_end}--xx");
    let body = [line_end.as_bytes(), body, line_end.as_bytes()].concat();
    (0..body.len()).filter_map(|at| body[at..].strip_prefix(delimiter.as_bytes())).any(|tail| {
        let unpadded = &tail[tail.iter().take_while(|byte| **byte == b' ').count()..];
        tail.starts_with(b"--") || unpadded.starts_with(b"\r\n") || unpadded.starts_with(b"\n")
    })
}

fn body(parts: &[Sent], line_end: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let length = if part.counted {
            format!("Content-Length: {}{line_end}", part.body.len())
        } else {
            String::new()
        };
        body.extend_from_slice(format!("--xx{line_end}A: b{line_end}{length}{line_end}").as_bytes());
        body.extend_from_slice(&part.body);
        body.extend_from_slice(line_end.as_bytes());
    }
    body.extend_from_slice(b"--xx--");
    body
}

/// Cuts `bytes` into pieces of the given sizes, again and again.
fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*size).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

proptest! {
    #![proptest_config(common::config())]

    #[test]
    fn parts_come_back(
        mut parts in vec((any::<bool>(), tricky()).prop_map(|(counted, body)| Sent { counted, body }), 0..5),
        line_end in select(vec!["\r\n", "\n"]),
        sizes in vec(1usize..40, 1..8),
        tells_total in any::<bool>(),
    ) {
        for part in &mut parts {
            part.counted |= has_delimiter(&part.body, line_end);
        }
        let body = body(&parts, line_end);
        let total = tells_total.then_some(body.len() as u64);
        let mut parser = Parser::new("xx", LIMITS).with_total(total).close_required();
        let (mut received, mut ended) = (Vec::new(), false);
        for mut input in cut(&body, &sizes) {
            while let Some(event) = parser.feed(&mut input).unwrap() {
                match event {
                    Event::Part(part) => received.push(part.body.to_vec()),
                    Event::End => ended = true,
                }
            }
        }
        let sent: Vec<_> = parts.into_iter().map(|part| part.body).collect();
        prop_assert_eq!(received, sent);
        prop_assert!(ended);
        prop_assert_eq!(parser.finish(), Ok(()));
    }

    #[test]
    fn jpegs_come_back(
        order in vec(0usize..5, 1..6),
        padding in vec(select(vec![0x00u8, 0xFF, b'\r', b'\n']), 0..6),
        sizes in vec(1usize..400, 1..8),
    ) {
        let sent: Vec<&[u8]> = order.iter().map(|which| common::JPEGS[*which]).collect();
        let stream = sent.join(&padding[..]);
        let mut splitter = Splitter::new(10_000);
        let mut received = Vec::new();
        for mut input in cut(&stream, &sizes) {
            while let Some(frame) = splitter.feed(&mut input) {
                received.push(frame.to_vec());
            }
        }
        prop_assert_eq!(received, sent);
        prop_assert_eq!(splitter.skipped_bytes(), 0);
    }

    #[test]
    fn any_multipart_bytes(
        head in any::<[u8; 2]>(),
        pieces in vec(prop_oneof![
            select(vec![
                "--b\r\n", "--b\n", "--b--", "----b\r\n", "--b b\r\n", "--bb-\r\n", "\r\n", "\n", "\r", "-", " ", "b",
                "Content-Length: 3\r\n", "Content-Length: 300\r\n", "Content-Length: x\r\n", "X-Heartbeat: 1\r\n",
                "A: b\r\n", " fold\r\n", "A", ": ", "Content-Disposition: form-data; name=\"a\r\n",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            vec(any::<u8>(), 0..8),
            Just(vec![b'x'; 70]),
        ], 0..24),
    ) {
        let bytes = [&head[..], &pieces.concat()].concat();
        fuzz::multipart(&bytes);
        fuzz::body(&bytes);
    }

    #[test]
    fn any_stream_bytes(
        head in any::<u8>(),
        pieces in vec(prop_oneof![
            select(vec![
                &b"\xff"[..], b"\xff\xd8", b"\xff\xd9", b"\xff\x00", b"\xff\xd0", b"\xff\xda\0\x02", b"\xff\xda\0\x04ab",
                b"\xff\xe1\0\x03", b"\xff\xc4\0\x02", b"\xff\xe0\0\x01", b"\xff\xe0\xff\xff", b"\xff\x01", b"data",
            ]).prop_map(<[u8]>::to_vec),
            vec(any::<u8>(), 0..8),
            Just(vec![b'x'; 70]),
        ], 0..24),
    ) {
        fuzz::splitter(&[&[head][..], &pieces.concat()].concat());
        fuzz::body(&[&[head, head >> 4][..], &pieces.concat()].concat());
    }

    #[test]
    fn any_change_of_a_picture(which in 0usize..6, at in any::<prop::sample::Index>(), with in vec(any::<u8>(), 0..6)) {
        let files = [common::BASELINE, common::GREY, common::PROGRESSIVE, common::RESTARTS, common::THUMBNAIL, common::PNG];
        let mut bytes = files[which].to_vec();
        let at = at.index(bytes.len());
        for (place, byte) in bytes[at..].iter_mut().zip(&with) {
            *place = *byte;
        }
        fuzz::picture(&bytes);
        fuzz::picture(&bytes[..at]);
        fuzz::splitter(&bytes);
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        fuzz::picture(&bytes);
        fuzz::multipart(&bytes);
        fuzz::body(&bytes);
        fuzz::splitter(&bytes);
        fuzz::text(&bytes);
        fuzz::wall_frame(&bytes);
        fuzz::raw_picture(&bytes);
        fuzz::fragments(&bytes);
    }

    #[test]
    fn any_data_frames(frames in vec((any::<u8>(), vec(select(vec![b'a', 0xC3, 0xBC, 0xFF]), 0..12)), 0..24)) {
        let frame = |(kind, bytes): &(u8, Vec<u8>)| [&[*kind, bytes.len() as u8][..], bytes].concat();
        fuzz::fragments(&frames.iter().flat_map(frame).collect::<Vec<u8>>());
    }

    #[test]
    fn any_text(pieces in vec(select(vec![
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\"type\":", "\"frame\"", "\"data\":", "\"watch\"", "\"streams\":{",
        "\"shown\"", "\"stream\":", "\"seq\":", "\"timestamp\":", "\"frame_number\":", "\"fps\":", "\"a\":", "\"b\"", "1",
        "-1", "1.5e3", "null", "true", "\"\\u00e9\"", "/9j/4A==", "\"", " ", "é", "multipart/x;boundary=", "\"data:;base64,",
    ]), 0..20)) {
        fuzz::text(pieces.concat().as_bytes());
    }

    #[test]
    fn any_metadata(
        members in vec((
            select(vec!["timestamp", "seq", "frame_number", "a", "b \\\" c"]),
            select(vec!["1", "2.5", "null", "\"x\"", "{ \"y\" : [ 1 , \" \" ] }", "-3", "[]"]),
        ), 0..6),
    ) {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\" : {value}")).collect();
        fuzz::text(format!("{{{}}}", members.join(" , ")).as_bytes());
    }

    #[test]
    fn any_wall_header(json in "\\{\"stream\":\"[a-z\\\\\"]{0,4}\",\"seq\":[0-9]{1,3},\"width\":1,\"height\":2,\"timestamp\":1.5,\"age_ms\":[0-9.e]{1,5}(,\"metadata\":(\\{\"a\": ?1\\}|null|7))?\\}", tail in vec(any::<u8>(), 0..4)) {
        let length = (json.len() as u16).to_be_bytes();
        fuzz::wall_frame(&[&length[..], json.as_bytes(), &tail].concat());
    }

    #[test]
    fn any_upload_message(
        kind in select(vec!["session_start", "frame", "session_end", "signal", "session_abort", "ping", "error",
            "session_started", "frame_ack", "session_ended", "process_progress", "process_complete", "pong"]),
        members in vec((
            select(vec!["session_id", "fps", "width", "height", "expected_frames", "frame_number", "timestamp", "encoding",
                "size", "total_frames", "resume", "pipeline", "status", "validation", "progress", "stage", "message",
                "result", "error_code", "error_message", "recoverable"]),
            select(vec!["1", "1e9", "30.0", "0.5", "-1", "null", "\"x\"", "true", "{}", "1e300", "18446744073709551615",
                "\"received\"", "\"PROTOCOL_ERROR\""]),
        ), 0..8),
    ) {
        let members: String = members.iter().map(|(key, value)| format!(",\"{key}\":{value}")).collect();
        fuzz::text(format!("{{\"type\":\"{kind}\"{members}}}").as_bytes());
    }

    #[test]
    fn any_raw_header(height in 0u32..9, width in 0u32..9, channels in 0u32..5, huge in any::<bool>(), extra in 0usize..3) {
        let bytes = vec![7; (height * width * channels) as usize + extra];
        let height = if huge { u32::MAX } else { height };
        let header = [height, width, channels].map(u32::to_le_bytes).concat();
        fuzz::raw_picture(&[&[width as u8, height as u8][..], &header, &bytes].concat());
        fuzz::raw_picture(&[&[width as u8, height as u8][..], &bytes].concat());
    }
}
