//! The bodies of the fuzz targets: each takes any bytes and panics when an invariant of the crate is broken.
//!
//! They are compiled with the crate and called from ordinary property tests, so they cannot rot; `fuzz/` at the
//! repository's root has one line for each. The first bytes choose how the rest is cut and what is announced.

use bytes::Bytes;

use crate::{fragments, image, jpeg, multipart, publish, upload, view, wall};

/// Limits so small that a fuzzer reaches them.
const LIMITS: multipart::Limits = multipart::Limits { max_part_bytes: 96, max_header_bytes: 64 };

/// A multipart body gives the same parts, end and error however it is cut (W4), within its limits (W2, W3).
pub fn multipart(data: &[u8]) {
    let [size, kind, body @ ..] = data else { return };
    let boundary = ["b", "--b", "b b", "bb-"][usize::from(kind % 4)];
    let total = (kind & 4 != 0).then_some(body.len() as u64);
    let make = || multipart::Parser::new(boundary, LIMITS).with_total(total);
    let whole = parse(make(), body, body.len().max(1));
    let cut = parse(make(), body, usize::from(size % 16) + 1);
    assert_eq!(whole, cut, "the cut changes the outcome");
    if whole.error.is_none() {
        let cut = usize::from(size % 16) + 1;
        assert_eq!(
            drained(make(), body, cut),
            whole.parts.iter().map(|part| &part.body[..]).collect::<Vec<_>>()
        );
    }
    let bytes: usize = whole.parts.iter().map(|part| part.body.len()).sum();
    assert!(bytes <= body.len(), "more came out than went in");
}

/// What came of a body. Errors are compared by code: how much was seen when one was noticed may differ.
#[derive(Debug, PartialEq)]
struct Outcome {
    parts: Vec<multipart::Part>,
    ended: bool,
    error: Option<&'static str>,
}

fn parse(mut parser: multipart::Parser, body: &[u8], chunk: usize) -> Outcome {
    let mut outcome = Outcome { parts: Vec::new(), ended: false, error: None };
    for mut input in body.chunks(chunk) {
        loop {
            match parser.feed(&mut input) {
                Ok(Some(multipart::Event::Part(part))) => {
                    assert!(part.body.len() <= LIMITS.max_part_bytes, "a part passes the limit");
                    let body = check_memory(part.body);
                    outcome.parts.push(multipart::Part { body, ..part });
                }
                Ok(Some(multipart::Event::End)) => outcome.ended = true,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(parser.feed(&mut input), Err(error), "an error does not last");
                    outcome.error = parser.finish().err().map(|error| error.code());
                    return outcome;
                }
            }
        }
        assert!(input.is_empty(), "input is left without an event");
    }
    outcome.error = parser.finish().err().map(|error| error.code());
    outcome
}

/// The bodies of the parts, each collected piece by piece.
fn drained(mut parser: multipart::Parser, body: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let (mut bodies, mut begun) = (Vec::new(), Vec::new());
    for mut input in body.chunks(chunk) {
        while let Ok(Some(event)) = parser.feed(&mut input) {
            if let multipart::Event::Part(part) = event {
                begun.extend_from_slice(&part.body);
                bodies.push(std::mem::take(&mut begun));
            }
        }
        if let Some((_, piece)) = parser.drain() {
            begun.extend_from_slice(&piece);
        }
    }
    bodies
}

/// At most an eighth of a frame's memory is unused (W3).
fn check_memory(frame: Bytes) -> Bytes {
    match frame.try_into_mut() {
        Ok(owned) => {
            assert!(owned.capacity() - owned.len() <= owned.len() / 8, "a frame pins memory");
            owned.freeze()
        }
        Err(empty) => {
            assert!(empty.is_empty(), "a frame shares its memory");
            empty
        }
    }
}

/// A stream of JPEGs gives the same frames and counts however it is cut, each within the limit.
pub fn splitter(data: &[u8]) {
    const LIMIT: usize = 96;
    let [size, stream @ ..] = data else { return };
    let whole = split(stream, stream.len().max(1), LIMIT);
    let cut = split(stream, usize::from(size % 16) + 1, LIMIT);
    assert_eq!(whole, cut, "the cut changes the outcome");
    for frame in &whole.0 {
        assert!(frame.len() <= LIMIT, "a frame passes the limit");
        assert!(
            frame.starts_with(&[0xFF, 0xD8]) && frame.ends_with(&[0xFF, 0xD9]),
            "not framed by SOI and EOI"
        );
    }
}

fn split(stream: &[u8], chunk: usize, limit: usize) -> (Vec<Bytes>, [u64; 3]) {
    let mut splitter = jpeg::Splitter::new(limit);
    let mut frames = Vec::new();
    for mut input in stream.chunks(chunk) {
        while let Some(frame) = splitter.feed(&mut input) {
            frames.push(check_memory(frame));
        }
    }
    let bytes: usize = frames.iter().map(Bytes::len).sum();
    assert!(bytes as u64 + splitter.skipped_bytes() <= stream.len() as u64, "more came out than went in");
    (frames, [splitter.torn(), splitter.oversized(), splitter.skipped_bytes()])
}

/// What is admitted is whole, within the limits, and admitted again as it came out.
pub fn picture(data: &[u8]) {
    const LIMITS: image::Limits = image::Limits { max_bytes: 2048, setting: "max" };
    match image::admit(Bytes::copy_from_slice(data), &LIMITS) {
        Ok(image::Admitted::Jpeg { payload, size, .. }) => {
            assert!(data.len() <= LIMITS.max_bytes && pixels(size) <= image::MAX_PIXELS);
            assert!(payload.ends_with(&[0xFF, 0xD9]), "something follows the picture");
            assert!(jpeg::probe(&payload).is_ok_and(|info| info.has_huffman_tables));
            let again = image::admit(payload.clone(), &image::Limits { max_bytes: 4096, ..LIMITS });
            assert_eq!(again, Ok(image::Admitted::Jpeg { payload, size, mended: Vec::new() }));
        }
        Ok(image::Admitted::Undecoded(undecoded)) => {
            assert!(data.len() <= LIMITS.max_bytes && pixels(undecoded.size) <= image::MAX_DECODED_PIXELS);
            assert!(image::check(&undecoded.file).is_ok());
        }
        Err(image::Refused::TooLarge { .. }) => assert!(data.len() > LIMITS.max_bytes),
        // A picture that is to be turned may have fewer pixels.
        Err(image::Refused::TooManyPixels { .. }) => {}
        Err(_) => assert!(image::check(data).is_err(), "a good picture is refused"),
    }
}

fn pixels((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Written in ASCII, JSON still means the same.
fn in_a_header(json: &str) {
    let ascii = publish::in_ascii(json);
    assert!(ascii.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{ascii} is no header");
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    assert_eq!(value(&ascii), value(json));
}

/// Every JSON message: what is taken comes out again as the same.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(view::Incoming::Frame(frame)) = view::parse(text, 64) {
        assert!(frame.len() <= 64, "a frame passes the limit");
        assert_eq!(view::parse(&view::frame(&frame), 64), Ok(view::Incoming::Frame(frame)));
    }
    if let Ok(metadata) = publish::Metadata::parse(text) {
        let again = publish::Metadata::parse(&metadata.to_json());
        assert!(again.as_ref().is_ok_and(|again| again.seq == metadata.seq && again.rest == metadata.rest));
        in_a_header(metadata.rest.as_deref().unwrap_or("{}"));
    }
    if let Ok(message) = wall::ClientMessage::parse(text) {
        assert!(wall::ClientMessage::parse(&message.to_json()).is_ok());
    }
    if let Ok(message) = upload::ClientMessage::parse(text) {
        assert_eq!(upload::ClientMessage::parse(&message.to_json()), Ok(message));
    }
    if let Ok(message) = upload::ServerMessage::parse(text) {
        assert_eq!(upload::ServerMessage::parse(&message.to_json()), Ok(message));
    }
    let _ = publish::Reply::parse(text);
    let _ = publish::Demand::parse(text);
    let _ = wall::ServerMessage::parse(text);
    if let Ok(boundary) = multipart::boundary(text) {
        let _ = multipart::Parser::new(boundary, LIMITS).feed(&mut &data[..]);
    }
}

/// A wall's binary message: what is taken comes out again as the same.
pub fn wall_frame(data: &[u8]) {
    let Ok((header, picture)) = wall::FrameHeader::decode(data) else { return };
    assert!(data.ends_with(picture));
    let Ok(prefix) = header.encode() else { return };
    let again = wall::FrameHeader::decode(&prefix).map(|(header, _)| header);
    let same = again.is_ok_and(|again| {
        again.stream == header.stream && again.seq == header.seq && again.metadata == header.metadata
    });
    assert!(same, "a header does not come back");
}

/// A raw picture never holds more than was sent, and what is taken comes out again as the same. The first bytes are the
/// size that the session announced.
pub fn raw_picture(data: &[u8]) {
    let [width, height, bytes @ ..] = data else { return };
    let announced = Some((u32::from(*width), u32::from(*height)));
    let Ok(raw) = upload::Raw::parse(bytes, announced) else { return };
    let claimed = u64::from(raw.width) * u64::from(raw.height) * u64::from(raw.channels);
    assert_eq!(claimed, raw.pixels.len() as u64);
    assert!(bytes.ends_with(raw.pixels));
    assert_eq!(upload::Raw::parse(&raw.to_bytes(), None), Ok(raw));
}

/// Data frames of a WebSocket: every message that comes out has the bytes and the cuts that went in. Each frame is a
/// byte that says its kind, one that says its length, and the payload.
pub fn fragments(mut data: &[u8]) {
    const LIMIT: usize = 96;
    let mut assembler = fragments::Assembler::new(LIMIT);
    let mut joining = fragments::Assembler::joining(LIMIT);
    let mut sent: Vec<&[u8]> = Vec::new();
    while let [kind, length, rest @ ..] = data {
        let (payload, after) = rest.split_at(usize::from(length % 32).min(rest.len()));
        data = after;
        let part = [fragments::Part::Text, fragments::Part::Binary, fragments::Part::Continuation]
            [usize::from(kind % 3)];
        if part != fragments::Part::Continuation {
            sent.clear();
        }
        sent.push(payload);
        let joined =
            joining.push(part, kind & 4 != 0, payload).map(|it| it.map(fragments::Message::into_bytes));
        let cut = assembler.push(part, kind & 4 != 0, payload);
        let whole = cut.clone().map(|it| it.map(fragments::Message::into_bytes));
        assert_eq!(joined, whole, "the cuts change the outcome");
        drop((joined, whole));
        match cut {
            Ok(None) => {}
            Ok(Some(message)) => {
                assert_eq!(message.fragments(), sent, "the cuts have moved");
                assert!(message.bytes() <= LIMIT, "a message passes the limit");
                let is_text = message.is_text();
                let bytes = message.into_bytes();
                assert!(bytes == sent.concat() && (!is_text || std::str::from_utf8(&bytes).is_ok()));
                check_memory(bytes);
            }
            Err(_) => return,
        }
    }
}

/// A body gives the same pictures and the same end however it is cut, and never more than came. The first bytes say how
/// it is cut and what is announced.
pub fn body(data: &[u8]) {
    let [size, kind, body @ ..] = data else { return };
    let content_type =
        ["", "image/jpeg", "multipart/x-mixed-replace;boundary=b", "video/x"][usize::from(kind % 4)];
    let length = (kind & 4 != 0).then_some(body.len() as u64);
    let whole = pictures(content_type, length, body, body.len().max(1));
    assert_eq!(
        pictures(content_type, length, body, usize::from(size % 16) + 1),
        whole,
        "the cut changes the outcome"
    );
    assert!(whole.0.iter().map(Vec::len).sum::<usize>() <= body.len(), "more came out than went in");
}

/// The pictures of a body, whether it was read to its end, and whether anything was mended.
fn pictures(
    content_type: &str,
    length: Option<u64>,
    body: &[u8],
    chunk: usize,
) -> (Vec<Vec<u8>>, Result<(), &'static str>, Vec<crate::Mended>) {
    let mut reader = crate::body::Reader::new(content_type, length, LIMITS);
    let mut pictures = Vec::new();
    let mut take = |part: multipart::Part| {
        assert!(part.body.len() <= LIMITS.max_part_bytes, "a picture passes the limit");
        pictures.push(part.body.to_vec());
    };
    let mut result = Ok(());
    'body: for mut input in body.chunks(chunk) {
        loop {
            match reader.feed(&mut input) {
                Ok(Some(multipart::Event::Part(part))) => take(part),
                Ok(Some(multipart::Event::End)) => {}
                Ok(None) => break,
                Err(error) => {
                    result = Err(error.code());
                    break 'body;
                }
            }
        }
    }
    if result.is_ok() {
        result = reader.finish().map(|parts| parts.into_iter().for_each(take)).map_err(|error| error.code());
    }
    (pictures, result, reader.take_mended())
}
