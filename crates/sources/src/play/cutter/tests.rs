//! Tests of `cutter`.
#![allow(clippy::unwrap_used)]
use super::*;
use media::Picture;

fn jpegs() -> [Vec<u8>; 3] {
    [10, 20, 30].map(|grey| media::jpeg::encode(&Picture::filled(8, 8, [grey; 3]), 90).unwrap())
}

fn frames_of(input: &[u8], step: usize) -> Result<Vec<Bytes>, CutError> {
    let mut cutter = Cutter::default();
    let mut found = Vec::new();
    for piece in input.chunks(step) {
        let more = cutter.feed(piece, &mut |jpeg| {
            found.push(jpeg);
            true
        })?;
        if !more {
            break;
        }
    }
    Ok(found)
}

fn mpjpeg(line_end: &str) -> Vec<u8> {
    let mut text = Vec::new();
    for jpeg in jpegs() {
        let head = format!("--ffmpeg{line_end}Content-type: image/jpeg{line_end}");
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(format!("Content-length: {}{line_end}{line_end}", jpeg.len()).as_bytes());
        text.extend_from_slice(&jpeg);
        text.extend_from_slice(line_end.as_bytes());
    }
    text
}

#[test]
fn both_forms_give_the_same_frames_however_they_are_cut() {
    let expected = jpegs().map(Bytes::from).to_vec();
    for input in [jpegs().concat(), mpjpeg("\r\n"), [b"\r\n", &mpjpeg("\r\n")[..]].concat()] {
        for step in [1, 2, 3, 7, 100, input.len()] {
            assert_eq!(frames_of(&input, step).unwrap(), expected, "{step} bytes at a time");
        }
    }
}

#[test]
fn anything_else_is_refused_with_its_first_bytes() {
    for (input, step) in [(&b"RIFF....AVI "[..], 1), (b"\0\0\0\x18ftyp", 12), (b"\xFFxyz", 1)] {
        let error = frames_of(input, step).unwrap_err();
        assert!(matches!(error, CutError::NotFrames(_)), "{error}");
    }
    assert!(frames_of(b"RIFF", 4).unwrap_err().to_string().contains("\"RIFF\""));
}

#[test]
fn a_consumer_that_has_enough_stops_it() {
    let mut cutter = Cutter::default();
    let mut count = 0;
    let more = cutter.feed(&jpegs().concat(), &mut |_| {
        count += 1;
        count < 2
    });
    assert_eq!((more, count), (Ok(false), 2));
}
