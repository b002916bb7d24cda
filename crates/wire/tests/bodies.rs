//! Bodies as cameras, simulators and hand-written publishers send them: every picture in them is found, wherever the
//! chunks of the body are cut.
#![allow(clippy::unwrap_used)]

mod common;

use common::{BASELINE, GREY, PNG, RESTARTS, THUMBNAIL};
use wire::{
    Mended,
    body::{Reader, Shape},
    multipart::{Event, Limits},
};

const LIMITS: Limits = Limits { max_part_bytes: 10_000, max_header_bytes: 1000 };
/// Announces a boundary as most do.
const MIXED: &str = "multipart/x-mixed-replace; boundary=frame";

/// What comes of a body.
#[derive(Debug, PartialEq)]
struct Outcome {
    pictures: Vec<Vec<u8>>,
    mended: Vec<Mended>,
    shape: Option<Shape>,
    dropped: u64,
    error: Option<&'static str>,
}

fn read(content_type: &str, length: Option<u64>, body: &[u8], chunk: usize) -> Outcome {
    let mut reader = Reader::new(content_type, length, LIMITS);
    let mut outcome = Outcome { pictures: vec![], mended: vec![], shape: None, dropped: 0, error: None };
    for mut input in body.chunks(chunk) {
        loop {
            match reader.feed(&mut input) {
                Ok(Some(Event::Part(part))) => outcome.pictures.push(part.body.to_vec()),
                Ok(Some(Event::End)) => continue,
                Ok(None) => break,
                Err(error) => return Outcome { error: Some(error.code()), ..outcome },
            }
        }
    }
    match reader.finish() {
        Ok(parts) => outcome.pictures.extend(parts.into_iter().map(|part| part.body.to_vec())),
        Err(error) => outcome.error = Some(error.code()),
    }
    outcome.dropped = reader.take_dropped();
    Outcome { mended: reader.take_mended(), shape: reader.shape(), ..outcome }
}

/// The outcome, which is the same wherever the chunks are cut.
fn whole(content_type: &str, length: Option<u64>, body: &[u8]) -> Outcome {
    let whole = read(content_type, length, body, body.len().max(1));
    for chunk in (1..40).chain([512, 513, 1460]) {
        assert_eq!(read(content_type, length, body, chunk), whole, "{content_type} in chunks of {chunk}");
    }
    whole
}

/// A part with the given header lines.
fn part(delimiter: &str, headers: &str, picture: &[u8]) -> Vec<u8> {
    [delimiter.as_bytes(), b"\r\n", headers.as_bytes(), b"\r\n", picture, b"\r\n"].concat()
}

/// Three parts whose headers are made from their pictures' lengths.
fn parts(delimiter: &str, headers: impl Fn(usize) -> String) -> Vec<u8> {
    let part = |picture: &[u8]| part(delimiter, &headers(picture.len()), picture);
    [part(BASELINE), part(GREY), part(RESTARTS), delimiter.as_bytes().to_vec(), b"\r\n".to_vec()].concat()
}

fn sized(length: usize) -> String {
    format!("Content-Type: image/jpeg\r\nContent-Length: {length}\r\n")
}

fn plain(_: usize) -> String {
    "Content-type: image/jpeg\r\n".to_owned()
}

#[test]
fn every_picture_of_an_odd_stream_is_found() {
    let framed = |delimiter: &str| parts(delimiter, sized);
    let head_first = |body: Vec<u8>| body["--frame\r\n".len()..].to_vec();
    let cases: Vec<(&str, &str, Vec<u8>, &[Mended])> = vec![
        ("as it should be", MIXED, framed("--frame"), &[]),
        ("no content type", "", parts("--frame", plain), &[]),
        ("no boundary", "multipart/x-mixed-replace", framed("--frame"), &[]),
        ("an empty boundary", "multipart/x-mixed-replace; boundary=", framed("--frame"), &[]),
        ("empty quotes", "multipart/x-mixed-replace; boundary=\"\"", framed("--frame"), &[]),
        (
            "in quotes with blanks",
            "multipart/x-mixed-replace ; boundary = \"a frame\"",
            framed("--a frame"),
            &[],
        ),
        (
            "another boundary",
            "multipart/x-mixed-replace; boundary=other",
            framed("--frame"),
            &[Mended::Boundary],
        ),
        (
            "another, with dashes",
            "multipart/x-mixed-replace; boundary=--other",
            framed("--frame"),
            &[Mended::Boundary],
        ),
        ("announced with its dashes", "multipart/x-mixed-replace;boundary=--frame", framed("--frame"), &[]),
        (
            "announced with more dashes",
            "multipart/x-mixed-replace;boundary=--frame",
            framed("----frame"),
            &[],
        ),
        (
            "every delimiter looks like the last",
            "multipart/x-mixed-replace;boundary=frame",
            framed("--frame--"),
            &[Mended::Boundary],
        ),
        ("called a picture", "image/jpeg", framed("--frame"), &[]),
        ("called bytes", "application/octet-stream", framed("--frame"), &[]),
        ("called text", "text/plain", framed("--frame"), &[]),
        ("called a film", "video/x-motion-jpeg", framed("--frame"), &[]),
        ("blank lines before", MIXED, [b"\r\n\r\n", &framed("--frame")[..]].concat(), &[]),
        ("zeros before", "", [b"\0\0", &framed("--frame")[..]].concat(), &[]),
        ("words before", MIXED, [b"This is MIME.\r\n", &framed("--frame")[..]].concat(), &[]),
        ("the delimiter twice", MIXED, [b"--frame\r\n", &framed("--frame")[..]].concat(), &[]),
        ("the first delimiter is missing", MIXED, head_first(framed("--frame")), &[Mended::Framing]),
        (
            "the first delimiter and head are missing",
            MIXED,
            framed("--frame")["--frame\r\n".len() + sized(BASELINE.len()).len() + 2..].to_vec(),
            &[],
        ),
        ("lines end with LF", MIXED, parts("--frame", |length| sized(length).replace('\r', "")), &[]),
        ("no lengths", MIXED, parts("--frame", plain), &[]),
        ("a length of 0", MIXED, parts("--frame", |_| sized(0)), &[Mended::Framing]),
        (
            "a negative length",
            MIXED,
            parts("--frame", |_| "Content-Length: -1\r\n".to_owned()),
            &[Mended::Framing],
        ),
        (
            "an unsigned -1",
            MIXED,
            parts("--frame", |_| "Content-Length: 4294967295\r\n".to_owned()),
            &[Mended::Framing],
        ),
        (
            "a length in words",
            MIXED,
            parts("--frame", |length| format!("Content-Length: {length} bytes\r\n")),
            &[Mended::Framing],
        ),
        ("a length two too long", MIXED, parts("--frame", |length| sized(length + 2)), &[]),
        ("a length ten too long", MIXED, parts("--frame", |length| sized(length + 10)), &[Mended::Framing]),
        ("a length two too short", MIXED, parts("--frame", |length| sized(length - 2)), &[Mended::Framing]),
        (
            "a length forty too short",
            MIXED,
            parts("--frame", |length| sized(length - 40)),
            &[Mended::Framing],
        ),
        (
            "a status line in each part",
            MIXED,
            parts("--frame", |length| format!("HTTP/1.1 200 OK\r\n{}", sized(length))),
            &[Mended::Framing],
        ),
        (
            "a line that is no header",
            MIXED,
            parts("--frame", |length| format!("{}Tue, 12 Jun 2012\r\n", sized(length))),
            &[Mended::Framing],
        ),
        (
            "a name with a blank",
            MIXED,
            parts("--frame", |length| format!("Frame Number: 7\r\n{}", sized(length))),
            &[Mended::Framing],
        ),
        (
            "many unknown headers",
            MIXED,
            parts("--frame", |length| format!("X-Status: 0\r\nX-Tags:\r\nX-Flags: 0\r\n{}", sized(length))),
            &[],
        ),
        (
            "the header in the delimiter's line",
            MIXED,
            [
                b"--frameContent-Type: image/jpeg\r\n\r\n",
                BASELINE,
                b"\r\n--frameContent-Type: image/jpeg\r\n\r\n",
                GREY,
                b"\r\n--frameContent-Type: image/jpeg\r\n\r\n",
                RESTARTS,
            ]
            .concat(),
            &[],
        ),
        ("one after the other", "", [BASELINE, GREY, RESTARTS].concat(), &[]),
        ("one after the other, as a picture", "image/jpeg", [BASELINE, GREY, RESTARTS].concat(), &[]),
        ("one after the other, as a film", "video/x-motion-jpeg", [BASELINE, GREY, RESTARTS].concat(), &[]),
        ("one after the other, as parts", MIXED, [BASELINE, GREY, RESTARTS].concat(), &[]),
        ("with line ends between", "", [BASELINE, b"\r\n", GREY, b"\n\0\0", RESTARTS, b"\r\n"].concat(), &[]),
    ];
    assert!(cases.len() > 30);
    for (what, content_type, body, mended) in cases {
        let outcome = whole(content_type, None, &body);
        assert_eq!(outcome.error, None, "{what}");
        // A part whose length is wrong has cost its own picture, or what was counted to it.
        let found = |picture: &[u8]| {
            outcome.pictures.iter().any(|found| found.starts_with(&picture[..picture.len() - 40]))
        };
        let first_is_lost = what.starts_with("a length of 0");
        assert!(first_is_lost || found(BASELINE), "{what}: the first is missing");
        assert!(
            found(GREY) && outcome.pictures.iter().any(|found| found.starts_with(RESTARTS)),
            "{what}: {}",
            outcome.pictures.len()
        );
        assert_eq!(outcome.mended, mended, "{what}");
        assert_eq!(outcome.dropped, 0, "{what}");
    }
}

#[test]
fn a_body_of_a_known_length_is_one_picture() {
    for (content_type, picture) in [
        ("", BASELINE),
        ("image/jpeg", GREY),
        ("image/jpg", RESTARTS),
        ("image/pjpeg", THUMBNAIL),
        ("text/plain", PNG),
    ] {
        let outcome = whole(content_type, Some(picture.len() as u64), picture);
        assert_eq!((outcome.shape, &outcome.pictures[..]), (Some(Shape::Picture), &[picture.to_vec()][..]));
    }
    assert_eq!(whole("", None, PNG).pictures, [PNG], "also without one, if it is no JPEG");
    let appended = [BASELINE, &[0x55; 500], GREY].concat();
    let outcome = whole("image/jpeg", Some(appended.len() as u64), &appended);
    assert_eq!(outcome.pictures, [appended], "what is behind it is the admission's business");
}

#[test]
fn a_file_of_pictures_that_are_all_as_large_is_many() {
    let film = [BASELINE, GREY, RESTARTS].concat();
    for content_type in ["", "application/octet-stream", "video/x-mjpeg"] {
        let outcome = whole(content_type, Some(film.len() as u64), &film);
        assert_eq!(outcome.pictures, [BASELINE, GREY, RESTARTS], "{content_type}");
    }
    let mut small = GREY.to_vec();
    let size = small.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap() + 5;
    small[size..size + 4].copy_from_slice(&[0, 12, 0, 20]);
    let phone = [BASELINE, &small].concat();
    assert_eq!(whole("", Some(phone.len() as u64), &phone).pictures, [phone], "a preview behind it is none");
}

#[test]
fn a_picture_is_there_with_its_last_byte() {
    for body in [[BASELINE, GREY].concat(), [&part("--frame", &sized(BASELINE.len()), BASELINE)[..]].concat()]
    {
        let end = body.windows(2).position(|pair| pair == [0xFF, 0xD9]).unwrap() + 2;
        let mut reader = Reader::new("", None, LIMITS);
        assert_eq!(reader.feed(&mut &body[..end - 1]), Ok(None));
        assert!(reader.in_picture());
        let event = reader.feed(&mut &body[end - 1..end]);
        assert!(matches!(event, Ok(Some(Event::Part(part))) if part.body == BASELINE));
        assert!(!reader.in_picture());
    }
}

#[test]
fn what_breaks_off_is_given_or_told() {
    let cut = &GREY[..GREY.len() - 2];
    let outcome = whole("", None, &[BASELINE, cut].concat());
    assert_eq!(outcome.pictures, [BASELINE, cut], "only its end may be missing");
    let torn = whole("", None, &[&BASELINE[..BASELINE.len() - 20], GREY].concat());
    assert_eq!((torn.pictures, torn.dropped), (vec![GREY.to_vec()], 1));
    let body = parts("--frame", sized);
    assert_eq!(whole(MIXED, None, &body[..body.len() / 2]).error, Some("BODY_CUT_OFF"));
}

#[test]
fn what_is_too_large_is_refused() {
    let large = vec![b'x'; LIMITS.max_part_bytes + 1];
    assert_eq!(whole("", None, &large).error, Some("PART_TOO_LARGE"));
    assert_eq!(
        whole("image/jpeg", Some(99_999_999), GREY).error,
        Some("PART_TOO_LARGE"),
        "before its bytes have come"
    );
    let claimed = part("--frame", &sized(LIMITS.max_part_bytes + 1), b"");
    assert_eq!(whole(MIXED, None, &claimed).error, Some("PART_TOO_LARGE"));
    let open = part("--frame", &plain(0), &large);
    assert_eq!(whole(MIXED, None, &open).error, Some("PART_TOO_LARGE"));
}

#[test]
fn a_body_without_a_picture_says_what_is_wrong_with_it() {
    assert_eq!(whole("", None, b"").pictures, [b""], "which the admission calls empty");
    for html in [&b"<html>\r\n</html>"[..], b"<p>", b"<html>and so on, without the end of a line"] {
        assert_eq!(whole("text/html", None, html).error, Some("UNSUPPORTED_CONTENT_TYPE"));
    }
    assert_eq!(whole(MIXED, None, b"").error, Some("NO_DELIMITER"));
    let nonsense = parts("--frame", |_| "Content-Length: none\r\n".to_owned()).replace(BASELINE);
    assert_eq!(whole(MIXED, None, &nonsense).error, Some("BAD_PART_HEADER"));
    assert_eq!(whole(MIXED, None, b"--frame--\r\n").pictures, Vec::<Vec<u8>>::new());
}

trait Replace {
    fn replace(&self, picture: &[u8]) -> Vec<u8>;
}

impl Replace for Vec<u8> {
    /// Only up to the picture, which is left out.
    fn replace(&self, picture: &[u8]) -> Vec<u8> {
        let at = self.windows(picture.len()).position(|bytes| bytes == picture).unwrap();
        [&self[..at], b"no picture"].concat()
    }
}
