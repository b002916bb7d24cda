//! Multipart bodies as real peers send them, and as no peer should.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use wire::{
    mjpeg::{self, Framing},
    multipart::{self, Error, Event, Limits, Parser, Part},
};

const LIMITS: Limits = Limits { max_part_bytes: 1000, max_header_bytes: 300 };

/// All parts of a body fed in chunks of `chunk` bytes, and whether the end was reported.
fn feed(parser: &mut Parser, body: &[u8], chunk: usize) -> Result<(Vec<Part>, bool), Error> {
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

/// The bodies that a body gives at every chunk size, and whether it ended.
fn bodies(boundary: &str, body: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let at = |chunk| {
        let (parts, ended) = feed(&mut Parser::new(boundary, LIMITS), body, chunk).unwrap();
        (parts.iter().map(|part| part.body.to_vec()).collect::<Vec<_>>(), ended)
    };
    let whole = at(body.len());
    for chunk in 1..body.len() {
        assert_eq!(at(chunk), whole, "in chunks of {chunk}");
    }
    whole
}

/// The error that a body gives at every chunk size.
fn error(boundary: &str, body: &[u8]) -> Error {
    let at = |chunk| {
        let mut parser = Parser::new(boundary, LIMITS);
        let error = feed(&mut parser, body, chunk).err().or_else(|| parser.finish().err()).expect("an error");
        assert_eq!(parser.feed(&mut &b"--b\r\n\r\nx\r\n--b--"[..]), Err(error.clone()), "it stays in error");
        assert_eq!(parser.finish(), Err(error.clone()));
        assert!(!parser.in_part());
        error
    };
    let whole = at(body.len());
    for chunk in 1..body.len() {
        assert_eq!(at(chunk).code(), whole.code(), "in chunks of {chunk}");
    }
    whole
}

#[test]
fn a_stream_of_ffmpeg_gives_each_part_when_its_bytes_are_there() {
    let mut parser = Parser::new("ffmpeg", LIMITS);
    for _ in 0..3 {
        let mut input: &[u8] = b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 5\r\n\r\nabcde";
        let Some(Event::Part(part)) = parser.feed(&mut input).unwrap() else { panic!("no part") };
        assert_eq!((part.body.as_ref(), part.headers.content_type()), (&b"abcde"[..], Some("image/jpeg")));
        assert_eq!(parser.feed(&mut &b"\r\n"[..]), Ok(None));
        assert!(!parser.in_part());
    }
    assert_eq!(feed(&mut parser, b"--ffmpeg\r\n", 3).unwrap(), (vec![], false));
    assert_eq!(parser.finish(), Ok(()), "ffmpeg sends no closing delimiter");
}

#[test]
fn a_form_of_python_requests() {
    let body = b"--9d1\r\nContent-Disposition: form-data; name=\"frame\"; filename=\"frame.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--9d\r\n--9d1X\r\n--9d1 x\r\n\r\n--9d1--\r\n";
    for chunk in 1..=body.len() {
        let mut parser = Parser::new("9d1", LIMITS).with_total(Some(body.len() as u64)).close_required();
        let (parts, ended) = feed(&mut parser, body, chunk).unwrap();
        assert!(ended);
        assert_eq!(parser.finish(), Ok(()));
        let [part] = &parts[..] else { panic!("{} parts", parts.len()) };
        assert_eq!(part.body, &b"\xff\xd8\r\n--9d\r\n--9d1X\r\n--9d1 x\r\n"[..]);
        assert_eq!((part.headers.name(), part.headers.filename()), (Some("frame"), Some("frame.jpg")));
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
                // More bytes of heartbeats than a part's headers may have.
                (0..50).for_each(|n| body.extend_from_slice(&mjpeg::heartbeat_line(n)));
            }
        }
        let boundary = multipart::boundary(mjpeg::CONTENT_TYPE).unwrap();
        let mut parser = Parser::new(&boundary, LIMITS);
        assert_eq!(feed(&mut parser, &body, 1000).unwrap().0.len(), 3);
        assert!(!parser.in_part(), "what is sent ahead is no part yet");
        assert_eq!(parser.finish(), Ok(()));

        body.extend_from_slice(framing.closing());
        let (mut parts, ended) = bodies(&boundary, &body);
        assert!(ended);
        if framing == Framing::Ahead {
            assert_eq!(parts.pop().unwrap(), b"", "the part that was begun ahead");
        }
        assert_eq!(parts, [[0; 100], [1; 100], [2; 100]]);
    }
}

#[test]
fn the_boundary_is_read_with_and_without_quotes() {
    for content_type in [
        "multipart/form-data; boundary=a'b(c)",
        "Multipart/X-Mixed-Replace;boundary=\"a'b(c)\"",
        "multipart/form-data; charset=utf-8; BOUNDARY = a'b(c) ; x=y",
    ] {
        assert_eq!(multipart::boundary(content_type).unwrap(), "a'b(c)");
    }
    assert_eq!(multipart::boundary("multipart/mixed; boundary=\"a; b=\\\"c\"").unwrap(), "a; b=\"c");
    let code = |content_type: &str| multipart::boundary(content_type).unwrap_err().code();
    assert_eq!(code("image/jpeg"), "NOT_MULTIPART");
    assert_eq!(code(""), "NOT_MULTIPART");
    assert_eq!(code("multipart/form-data"), "BAD_BOUNDARY");
    assert_eq!(code("multipart/form-data; boundary="), "BAD_BOUNDARY");
    assert_eq!(code("multipart/form-data; boundary=\"a\nb\""), "BAD_BOUNDARY");
    assert_eq!(code(&format!("multipart/form-data; boundary={}", "x".repeat(201))), "BAD_BOUNDARY");
}

#[test]
fn a_boundary_that_brings_its_dashes_is_taken_both_ways() {
    for line in ["--ffserver", "----ffserver"] {
        let body = format!("{line}\r\nContent-Length: 2\r\n\r\nab\r\n{line}\r\n\r\nc\n{line}\r\n{line}--");
        let (parts, ended) = bodies("--ffserver", body.as_bytes());
        assert!(ended);
        assert_eq!(parts, [b"ab".to_vec(), format!("c\n{line}").into_bytes()]);
    }
    let (parts, _) = bodies("----", b"------\r\n\r\nx\r\n--------");
    assert_eq!(parts, [b"x"], "a boundary of dashes alone is only taken by the letter");
}

#[test]
fn line_feeds_alone_end_lines_too() {
    let body = b"--b\nContent-Type: image/jpeg\n\nab\r\n--b \nContent-Length: 2\n\ncd\n--b\n\n\n--b--\n";
    assert_eq!(bodies("b", body), (vec![b"ab\r".to_vec(), b"cd".to_vec(), b"".to_vec()], true));
}

#[test]
fn preamble_padding_and_epilogue_are_not_parts() {
    let body = b"This is MIME.\r\n--bx\r\n --b\r\n--b \t\r\n\r\none\r\n--b\t\r\n\r\ntwo\r\n--b--x\r\n--b\r\n\r\nthree\r\n--b--";
    assert_eq!(bodies("b", body), (vec![b"one".to_vec(), b"two".to_vec()], true));
}

#[test]
fn what_only_looks_like_a_delimiter_is_body() {
    for alike in
        ["\r\n--b\r", "\r\n--bc", "\r\n--b-", "\r\n--b \t-", "\r\n-", "\r\n--b\r\r", "\n--b\n", "--b\r\n"]
    {
        for end in ["\r\n--b--", "\r\n--b\r\n"] {
            let body = format!("--b\r\n\r\nx{alike}{end}");
            assert_eq!(bodies("b", body.as_bytes()).0, [format!("x{alike}").into_bytes()], "{body:?}");
        }
    }
}

#[test]
fn parts_without_bytes() {
    let body = b"--b\r\nContent-Length: 0\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\nA: b\r\n\r\n--b--";
    assert_eq!(bodies("b", body), (vec![vec![]; 3], true));
    assert_eq!(bodies("b", b"--b--"), (vec![], true));
}

#[test]
fn a_part_that_is_begun_and_given_up_is_dropped() {
    let body =
        b"--b\r\nContent-Type: image/jpeg\r\n--b\r\nContent-Length: 1\r\n\r\nx\r\n--b\r\nA: b\r\n--b--\r\n";
    assert_eq!(bodies("b", body), (vec![b"x".to_vec()], true));
}

#[test]
fn many_tiny_parts() {
    let body = [&b"--b\r\n\r\nx\r\n".repeat(10_000)[..], b"--b--"].concat();
    let mut parser = Parser::new("b", LIMITS);
    let (parts, ended) = feed(&mut parser, &body, 777).unwrap();
    assert_eq!((parts.len(), ended), (10_000, true));
}

#[test]
fn a_length_that_counts_its_line_end_in_is_tolerated() {
    let body = b"--b\r\nContent-Length: 4\r\n\r\nab\r\n--b\r\nContent-Length: 2\r\n\r\ncd\r\n\r\n\r\n--b--";
    assert_eq!(bodies("b", body), (vec![b"ab\r\n".to_vec(), b"cd".to_vec()], true));
}

#[test]
fn a_lying_length_is_an_error() {
    let short = error("b", b"--b\r\nContent-Length: 2\r\n\r\nabcd\r\n--b--");
    assert!(matches!(&short, Error::LengthMismatch { found, .. } if found == "cd\\r\\n"), "{short}");
    let no_line = [&b"--b\r\nContent-Length: 2\r\n\r\n"[..], &[b'x'; 200]].concat();
    let early = feed(&mut Parser::new("b", LIMITS), &no_line, 10).unwrap_err();
    assert_eq!(early.code(), "PART_LENGTH_MISMATCH", "not only when the body ends");
    assert_eq!(error("b", b"--b\r\nContent-Length: 2\r\n\r\nabcd").code(), "PART_LENGTH_MISMATCH");
    let long = error("b", b"--b\r\nContent-Length: 12\r\n\r\nabcd\r\n--b--");
    assert!(matches!(long, Error::EndsInsidePart { .. }), "{long}");
    for nonsense in ["-1", "5x", "", "99999999999999999999999", "1, 1"] {
        let body = format!("--b\r\nContent-Length: {nonsense}\r\n\r\nabcd\r\n--b--");
        assert_eq!(error("b", body.as_bytes()).code(), "BAD_PART_HEADER", "{nonsense}");
    }
}

#[test]
fn a_part_over_the_limit_is_refused_as_soon_as_it_is_known() {
    let limit = LIMITS.max_part_bytes;
    let claimed = error("b", b"--b\r\nContent-Length: 1001\r\n\r\n");
    assert_eq!(claimed, Error::PartTooLarge { limit, position: 5 });
    let open = [b"--b\r\n\r\n", &[b'x'; 1001][..]].concat();
    assert_eq!(error("b", &open), Error::PartTooLarge { limit, position: 5 });
    let full = [b"--b\r\n\r\n", &[b'x'; 1000][..], b"\r\n--b--"].concat();
    assert_eq!(feed(&mut Parser::new("b", LIMITS), &full, 64).unwrap().0[0].body.len(), limit);
}

#[test]
fn a_body_that_is_cut_off_is_an_error() {
    for body in [
        &b"--b\r\nA: b"[..],
        b"--b\r\nA: b\r\n\r\nx",
        b"--b\r\n\r\nx\r\n--b",
        b"--b\r\nContent-Length: 3\r\n\r\n",
    ] {
        assert_eq!(error("b", body).code(), "BODY_CUT_OFF", "{}", body.escape_ascii());
    }
    let mut form = Parser::new("b", LIMITS).close_required();
    assert_eq!(feed(&mut form, b"--b\r\n\r\nx\r\n--b\r\n", 4).unwrap().0.len(), 1);
    let error = form.finish().unwrap_err();
    assert_eq!(error, Error::NotClosed { expected: "--b--".into(), position: 15 });
}

#[test]
fn a_body_without_the_announced_boundary_is_shown() {
    let error = error("frame", &[&b"--other\r\n\r\n"[..], &[b'x'; 400]].concat());
    let Error::NoDelimiter { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!(expected, "--frame");
    assert!(found.starts_with("--other\\r\\n"), "{found}");
    assert_eq!(Parser::new("frame", LIMITS).finish().unwrap_err().code(), "NO_DELIMITER");
}

#[test]
fn headers_are_bounded() {
    let long = error("b", &[&b"--b\r\nA: "[..], &[b'x'; 300]].concat());
    assert_eq!(long.code(), "PART_HEADERS_TOO_LARGE");
    let endless = error("b", &[&b"--b\r\n"[..], &b"A: b\r\n".repeat(60)].concat());
    assert_eq!(endless.code(), "PART_HEADERS_TOO_LARGE");
    let many = error("b", &[&b"--b\r\n"[..], &b"A:\n".repeat(65), b"\r\n"].concat());
    assert_eq!(many.code(), "BAD_PART_HEADER");
}

#[test]
fn limits_are_the_same_wherever_chunks_are_cut() {
    let across = [&[b'x'; 295][..], b"\r\n--b\r\n\r\nx\r\n--b--"].concat();
    assert_eq!(
        bodies("b", &across),
        (vec![b"x".to_vec()], true),
        "a delimiter across the limit of the preamble"
    );
    let epilogue = [&b"--b\r\nA: b\r\n--b--"[..], &[b'x'; 400]].concat();
    assert_eq!(bodies("b", &epilogue), (vec![], true), "an epilogue is no header");
}

#[test]
fn malformed_header_lines_are_shown() {
    for line in ["no colon", ": no name", "a b: c", "a: \u{1}", " continues nothing"] {
        let body = format!("--b\r\nA: b\r\n{line}\r\n\r\nx\r\n--b--");
        let body = if line.starts_with(' ') { body.replace("A: b\r\n", "") } else { body };
        let error = error("b", body.as_bytes());
        let Error::MalformedHeader { line: shown, position, .. } = &error else { panic!("{error}") };
        assert_eq!(
            shown.trim_end_matches("\\r"),
            line.escape_default().to_string().replace("\\u{1}", "\\x01")
        );
        assert_eq!(*position, if line.starts_with(' ') { 5 } else { 11 });
    }
}

/// The headers of a body's only part.
fn headers(lines: &[u8]) -> multipart::Headers {
    let body = [b"--b\r\n", lines, b"\r\n\r\n--b--"].concat();
    let (mut parts, _) = feed(&mut Parser::new("b", LIMITS), &body, 1000).unwrap();
    parts.remove(0).headers
}

#[test]
fn headers_keep_their_order_and_have_no_case() {
    let headers = headers(b"X-Timestamp:  1.5 \r\nx-empty:\r\nX-TIMESTAMP: 2\r\nFolded: a\r\n\t b");
    assert_eq!(headers.get("x-timestamp"), Some("1.5"));
    assert_eq!(headers.get("X-Empty"), Some(""));
    assert_eq!(headers.get("absent"), None);
    let folded = headers.get("folded").unwrap();
    assert_eq!(folded.split_whitespace().collect::<Vec<_>>(), ["a", "b"]);
    let names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["X-Timestamp", "x-empty", "X-TIMESTAMP", "Folded"]);
}

#[test]
fn names_of_forms_as_clients_write_them() {
    let names = |value: &str| {
        let headers = headers(format!("Content-Disposition: {value}").as_bytes());
        (headers.name().map(str::to_owned), headers.filename().map(str::to_owned))
    };
    let both = |name: &str, file: &str| (Some(name.to_owned()), Some(file.to_owned()));
    assert_eq!(
        names("form-data; name=\"frame\"; filename=\"a \\\"b\\\" \\\\ c;.jpg\""),
        both("frame", "a \"b\" \\ c;.jpg")
    );
    assert_eq!(names("form-data; name=frame; filename=f.jpg"), both("frame", "f.jpg"));
    assert_eq!(names("form-data;NAME=frame;filename=\"C:\\dir\\f.jpg\""), both("frame", "C:\\dir\\f.jpg"));
    assert_eq!(
        names("form-data; filename=\"x\"; filename*=UTF-8''%e2%82%ac.jpg; name=\"frame\""),
        both("frame", "€.jpg")
    );
    assert_eq!(names("form-data; name=\"größe\"; filename=\"\""), both("größe", ""));
    assert_eq!(names("form-data; name=\"open"), (Some("open".to_owned()), None));
    assert_eq!(names("form-data"), (None, None));
    let latin = headers(b"Content-Disposition: form-data; name=\"gr\xf6\xdfe\"");
    assert_eq!(latin.name(), Some("gr\u{fffd}\u{fffd}e"));
}

#[test]
fn a_kept_frame_pins_no_memory() {
    let limits = Limits { max_part_bytes: 10 << 20, ..LIMITS };
    let sizes = [10, 100_000, 104_000, 70_000, 500_000, 3_000_000, 12, 40_000];
    for (counted, total) in [(true, None), (false, None), (false, Some(u64::MAX)), (false, Some(1 << 20))] {
        let mut parser = Parser::new("b", limits).with_total(total);
        for size in sizes {
            let length = if counted { format!("Content-Length: {size}\r\n") } else { String::new() };
            let body = [format!("--b\r\n{length}\r\n").as_bytes(), &vec![7; size], b"\r\n--b\r\n"].concat();
            let (mut parts, _) = feed(&mut parser, &body, 16 << 10).unwrap();
            let frame = parts.pop().unwrap().body.try_into_mut().expect("its only owner");
            assert_eq!(frame.len(), size);
            assert!(frame.capacity() - size <= size / 8, "{size} bytes in {}", frame.capacity());
        }
    }
}
