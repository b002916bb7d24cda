//! Multipart bodies as real peers send them, and as no peer should.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use framehub_wire::{
    mjpeg::{self, Framing},
    multipart::{self, Error, Event, Limits, Parser, Part},
};

const LIMITS: Limits = Limits { max_part_bytes: 1000, max_header_bytes: 300 };

/// All parts of a body fed in chunks of `chunk` bytes, and whether the end was told.
fn parse_chunked(parser: &mut Parser, body: &[u8], chunk: usize) -> Result<(Vec<Part>, bool), Error> {
    let (mut parts, mut ended) = (Vec::new(), false);
    for mut input in body.chunks(chunk) {
        while let Some(event) = parser.feed(&mut input)? {
            match event {
                Event::Part(part) => parts.push(part),
                Event::End => ended = true,
            }
        }
        assert!(input.is_empty());
    }
    Ok((parts, ended))
}

fn bodies(parts: &[Part]) -> Vec<&[u8]> {
    parts.iter().map(|part| part.body.as_ref()).collect()
}

#[test]
fn ffmpegs_stream_gives_each_part_when_its_bytes_are_there() {
    let mut parser = Parser::new("ffmpeg", LIMITS);
    let mut input: &[u8] = b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 5\r\n\r\nabcde";
    let Some(Event::Part(part)) = parser.feed(&mut input).unwrap() else { panic!("no part") };
    assert_eq!((part.body.as_ref(), part.headers.content_type()), (&b"abcde"[..], Some("image/jpeg")));
    let mut input: &[u8] = b"\r\n--ffmpeg\r\n";
    assert_eq!(parser.feed(&mut input), Ok(None));
    assert_eq!(parser.finish(), Ok(()));
}

#[test]
fn a_form_of_python_requests() {
    let body = b"--9d1\r\nContent-Disposition: form-data; name=\"frame\"; filename=\"frame.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--9d\r\n--9d1X\r\n--9d1--x\r\n--9d1--\r\n";
    for chunk in 1..=body.len() {
        let mut parser = Parser::new("9d1", LIMITS).with_total(Some(body.len() as u64)).close_required();
        let (parts, ended) = parse_chunked(&mut parser, body, chunk).unwrap();
        assert!(ended);
        assert_eq!(parser.finish(), Ok(()));
        assert_eq!(bodies(&parts), [b"\xff\xd8\r\n--9d\r\n--9d1X"]);
        assert_eq!(parts[0].headers.name(), Some("frame"));
        assert_eq!(parts[0].headers.filename(), Some("frame.jpg"));
    }
}

#[test]
fn our_own_streams_come_back() {
    for framing in [Framing::Length, Framing::Ahead] {
        let mut body = framing.opening().to_vec();
        for seq in 0..3u64 {
            let jpeg = vec![seq as u8; 100];
            body.extend_from_slice(&framing.head(jpeg.len(), 1.5, seq));
            body.extend_from_slice(&jpeg);
            body.extend_from_slice(framing.trailer());
            if framing == Framing::Length {
                (0..50).for_each(|n| body.extend_from_slice(&mjpeg::heartbeat_line(n)));
            }
        }
        body.extend_from_slice(framing.closing());
        let boundary = multipart::boundary(mjpeg::CONTENT_TYPE).unwrap();
        for chunk in 1..=body.len() {
            let mut parser = Parser::new(&boundary, LIMITS);
            let (parts, ended) = parse_chunked(&mut parser, &body, chunk).unwrap();
            assert!(ended);
            assert_eq!(parts.len(), if framing == Framing::Length { 3 } else { 4 });
            assert!(parts.iter().take(3).enumerate().all(|(seq, part)| part.body == vec![seq as u8; 100]));
        }
    }
}
