//! The outside of JPEGs: real files, files without tables, torn files, and streams of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use common::{BASELINE, GREY, JPEGS, PNG, PROGRESSIVE, RESTARTS, THUMBNAIL};
use wire::{
    image::{self, Admitted, MAX_PIXELS, Refused},
    jpeg::{self, Error, Info, MAX_PADDING_BYTES, Splitter},
};

/// SOI, a frame header, a scan header, two bytes of data, EOI.
fn tiny(width: u16, height: u16) -> Vec<u8> {
    let ([w1, w0], [h1, h0]) = (width.to_be_bytes(), height.to_be_bytes());
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0];
    bytes.extend_from_slice(&[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34, 0xFF, 0xD9]);
    bytes
}

/// The position of the first marker with this code.
fn marker(bytes: &[u8], code: u8) -> usize {
    bytes.windows(2).position(|pair| pair == [0xFF, code]).unwrap()
}

/// The JPEG without its DHT segments, as a UVC camera sends it.
fn without_tables(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut rest, mut tables) = (bytes.to_vec(), Vec::new());
    while let Some(at) = rest.windows(2).position(|pair| pair == [0xFF, 0xC4]) {
        let length = usize::from(u16::from_be_bytes([rest[at + 2], rest[at + 3]]));
        let segment: Vec<u8> = rest.drain(at..at + 2 + length).collect();
        tables.extend_from_slice(&segment[4..]);
    }
    (rest, tables)
}

#[test]
fn headers_of_real_files() {
    let info = Info { width: 40, height: 24, components: 3, progressive: false, has_huffman_tables: true };
    assert_eq!(jpeg::probe(BASELINE), Ok(info));
    assert_eq!(jpeg::probe(RESTARTS), Ok(info));
    assert_eq!(jpeg::probe(THUMBNAIL), Ok(info));
    assert_eq!(jpeg::probe(GREY), Ok(Info { components: 1, ..info }));
    assert_eq!(jpeg::probe(PROGRESSIVE), Ok(Info { progressive: true, ..info }));
    assert_eq!(image::check(BASELINE), Ok(image::Kind::Jpeg(info)));
    assert_eq!(image::check(PNG), Ok(image::Kind::Png { width: 40, height: 24 }));
}

#[test]
fn every_cut_of_a_file_is_refused() {
    for jpeg in JPEGS {
        for end in 0..jpeg.len() {
            let error = jpeg::probe(&jpeg[..end]).unwrap_err();
            let expected = if end == 0 { "EMPTY_FRAME" } else { "TRUNCATED_JPEG" };
            let code = if end == 1 { "NOT_A_JPEG" } else { expected };
            assert_eq!(error.code(), code, "cut at {end}: {error}");
        }
    }
}

#[test]
fn the_largest_picture_is_a_header_like_any_other() {
    let info = jpeg::probe(&tiny(65500, 65500)).unwrap();
    assert_eq!((info.width, info.height, info.has_huffman_tables), (65500, 65500, false));
}

#[test]
fn a_picture_without_width_or_height_is_refused() {
    assert_eq!(jpeg::probe(&tiny(0, 5)), Err(Error::ZeroSize { width: 0, height: 5 }));
    assert_eq!(jpeg::probe(&tiny(5, 0)), Err(Error::ZeroSize { width: 5, height: 0 }));
}

#[test]
fn codings_that_no_viewer_shows_are_named() {
    for (code, name) in
        [(0xC3, "lossless"), (0xC9, "arithmetic"), (0xCC, "arithmetic"), (0xC5, "hierarchical")]
    {
        let mut bytes = tiny(8, 8);
        bytes[3] = code;
        let error = jpeg::probe(&bytes).unwrap_err();
        assert_eq!(error, Error::Unsupported { marker: code, position: 2 });
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut bytes = tiny(8, 8);
    bytes[6] = 12;
    assert_eq!(jpeg::probe(&bytes), Err(Error::UnsupportedPrecision { bits: 12 }));
}

#[test]
fn padding_after_the_end_is_tolerated_up_to_its_limit() {
    for byte in [0x00, 0xFF, b'\r', b'\n'] {
        let mut bytes = tiny(8, 8);
        bytes.extend(std::iter::repeat_n(byte, MAX_PADDING_BYTES));
        assert!(jpeg::probe(&bytes).is_ok());
        bytes.push(byte);
        assert_eq!(jpeg::probe(&bytes), Err(Error::NoEnd { length: bytes.len() }));
    }
    let mut bytes = tiny(8, 8);
    bytes.extend_from_slice(b"\r\n--frame");
    assert_eq!(jpeg::probe(&bytes), Err(Error::NoEnd { length: bytes.len() }));
}

#[test]
fn an_end_inside_the_headers_is_not_the_end() {
    // The scan header itself holds FF D9 and nothing follows it.
    let bytes = [&tiny(8, 8)[..15], &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0xFF, 0xD9]].concat();
    assert_eq!(jpeg::probe(&bytes).unwrap_err().code(), "TRUNCATED_JPEG");
}

#[test]
fn nonsense_between_segments_is_placed() {
    let mut bytes = tiny(8, 8);
    bytes[15] = 0x41;
    assert!(matches!(jpeg::probe(&bytes), Err(Error::Malformed { position: 15, .. })));
    let no_frame = [&[0xFF, 0xD8][..], &tiny(8, 8)[15..]].concat();
    assert!(matches!(jpeg::probe(&no_frame), Err(Error::Malformed { position: 2, .. })));
    assert!(matches!(jpeg::probe(&[0xFF, 0xD8, 0xFF, 0xD9]), Err(Error::Malformed { position: 2, .. })));
    let short_length = [0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 0xFF, 0xD9];
    assert!(matches!(jpeg::probe(&short_length), Err(Error::Malformed { position: 2, .. })));
    let many_segments = [&[0xFF, 0xD8][..], &[0xFF, 0xE0, 0, 2].repeat(2000)].concat();
    assert!(matches!(jpeg::probe(&many_segments), Err(Error::Malformed { .. })));
}

#[test]
fn other_files_are_named_with_what_is_taken() {
    for (bytes, hint) in [
        (&b"GIF89a....."[..], "a GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP"),
        (b"/9j/4AAQSkZJRg", "base64"),
        (b"--frame\r\nContent-Type: image/jpeg", "multipart"),
        (b"hello", "FF D8"),
    ] {
        let error = image::check(bytes).unwrap_err();
        assert_eq!(error.code(), "NOT_AN_IMAGE");
        let message = error.to_string();
        assert!(message.contains(hint) && message.contains("JPEG") && message.contains("PNG"), "{message}");
    }
    assert_eq!(image::check(b""), Err(Refused::Empty));
    assert_eq!(image::check(&PNG[..20]).unwrap_err().code(), "BAD_PNG");
    let mut flat = PNG.to_vec();
    flat[20..24].fill(0);
    assert_eq!(image::check(&flat).unwrap_err().code(), "BAD_PNG");
}

const LIMITS: image::Limits = image::Limits { max_bytes: 100_000, setting: "server.max_frame_size_mb" };

fn admit(bytes: &[u8]) -> Result<Admitted, Refused> {
    image::admit(Bytes::copy_from_slice(bytes), &LIMITS)
}

#[test]
fn pictures_pass_as_they_are() {
    for jpeg in JPEGS {
        let payload = Bytes::from_static(jpeg);
        assert_eq!(admit(jpeg), Ok(Admitted::Jpeg { payload, size: (40, 24) }));
    }
    assert_eq!(admit(PNG), Ok(Admitted::Png { file: Bytes::from_static(PNG), size: (40, 24) }));
}

#[test]
fn missing_tables_are_put_in() {
    let (bare, _) = without_tables(BASELINE);
    let payload = jpeg::with_standard_tables(&bare).into();
    assert_eq!(admit(&bare), Ok(Admitted::Jpeg { payload, size: (40, 24) }));
}

#[test]
fn a_file_beyond_the_limit_is_refused_whatever_it_is() {
    let refused = admit(&vec![b'x'; LIMITS.max_bytes + 1]).unwrap_err();
    assert_eq!(refused.code(), "FRAME_TOO_LARGE");
    assert_eq!(
        refused.to_string(),
        "the frame is larger than 100000 bytes: send a smaller one, or raise server.max_frame_size_mb"
    );
}

#[test]
fn claims_of_too_many_pixels_are_refused_by_the_headers() {
    assert!(admit(&tiny(10_000, 10_000)).is_ok());
    assert_eq!(
        admit(&tiny(10_000, 10_001)),
        Err(Refused::TooManyPixels { width: 10_000, height: 10_001, limit: MAX_PIXELS })
    );
    let png = |width: u32, height: u32| {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [&PNG[..16], &size, &PNG[24..]].concat()
    };
    assert!(admit(&png(7680, 4320)).is_ok());
    assert_eq!(admit(&png(7680, 4321)).unwrap_err().code(), "PICTURE_TOO_LARGE");
    assert_eq!(admit(&png(i32::MAX as u32, i32::MAX as u32)).unwrap_err().code(), "PICTURE_TOO_LARGE");
}

#[test]
fn a_png_without_its_end_is_cut_off() {
    for end in 8..PNG.len() {
        assert_eq!(admit(&PNG[..end]).unwrap_err().code(), "BAD_PNG", "cut at {end}");
    }
    assert!(admit(&[PNG, b"\r\n"].concat()).is_ok(), "what comes after the end is padding");
    let mut huge_chunk = PNG.to_vec();
    huge_chunk[33..37].fill(0xFF);
    assert_eq!(admit(&huge_chunk).unwrap_err().code(), "BAD_PNG");
}

#[test]
fn the_standard_tables_are_libjpegs() {
    let (bare, tables) = without_tables(BASELINE);
    assert!(!jpeg::probe(&bare).unwrap().has_huffman_tables);
    let complete = jpeg::with_standard_tables(&bare);
    let at = marker(&complete, 0xC4);
    assert_eq!(at, marker(&bare, 0xDA), "right before the scan");
    assert_eq!(complete[at + 2..at + 4], 418u16.to_be_bytes());
    assert_eq!(complete[at + 4..at + 420], tables);
    assert_eq!((&complete[..at], &complete[at + 420..]), bare.split_at(at));
    assert!(jpeg::probe(&complete).unwrap().has_huffman_tables);
}

#[test]
fn tables_of_its_own_are_left_alone() {
    for jpeg in JPEGS {
        assert_eq!(jpeg::with_standard_tables(jpeg), jpeg);
    }
    assert_eq!(jpeg::with_standard_tables(b"no picture"), b"no picture");
}

/// All frames of a stream fed in chunks of `chunk` bytes.
fn split(splitter: &mut Splitter, stream: &[u8], chunk: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for mut input in stream.chunks(chunk) {
        while let Some(frame) = splitter.feed(&mut input) {
            frames.push(frame.to_vec());
        }
    }
    frames
}

#[test]
fn a_stream_is_cut_into_its_files_at_every_chunk_size() {
    let stream = JPEGS.concat();
    for chunk in (1..60).chain([1000, stream.len()]) {
        let mut splitter = Splitter::new(10_000);
        assert_eq!(split(&mut splitter, &stream, chunk), JPEGS);
        assert_eq!((splitter.torn(), splitter.oversized(), splitter.skipped_bytes()), (0, 0, 0));
    }
}

#[test]
fn padding_and_garbage_between_files_are_told_apart() {
    let stream = [b"\0\0\xFF\r\n", GREY, b"\0\0\0\0", BASELINE, b"junk\xFFmore", GREY].concat();
    for chunk in 1..40 {
        let mut splitter = Splitter::new(10_000);
        assert_eq!(split(&mut splitter, &stream, chunk), [GREY, BASELINE, GREY]);
        assert_eq!((splitter.torn(), splitter.skipped_bytes()), (0, 8));
    }
}

#[test]
fn a_torn_file_is_dropped_and_its_successor_kept() {
    // Cut in the entropy-coded data: the next SOI shows it.
    let stream = [&BASELINE[..BASELINE.len() - 20], GREY, RESTARTS].concat();
    let mut splitter = Splitter::new(10_000);
    assert_eq!(split(&mut splitter, &stream, 7), [GREY, RESTARTS]);
    assert_eq!((splitter.torn(), splitter.skipped_bytes()), (1, BASELINE.len() as u64 - 20));
    // Cut in a header segment: its length reaches into the next file, which is lost with it.
    let stream = [&BASELINE[..100], GREY, RESTARTS, GREY].concat();
    let mut splitter = Splitter::new(10_000);
    let frames = split(&mut splitter, &stream, 7);
    assert!(frames.ends_with(&[GREY.to_vec()]), "{} frames", frames.len());
    assert!(splitter.torn() > 0);
}

#[test]
fn a_file_over_the_limit_is_dropped_and_counted() {
    let stream = [GREY, THUMBNAIL, GREY].concat();
    for chunk in [1, 13, 4000] {
        let mut splitter = Splitter::new(GREY.len());
        assert_eq!(split(&mut splitter, &stream, chunk), [GREY, GREY], "its thumbnail is no frame");
        assert_eq!((splitter.torn(), splitter.oversized()), (0, 1));
        assert_eq!(splitter.skipped_bytes(), THUMBNAIL.len() as u64);
    }
}

#[test]
fn a_stream_that_stops_inside_a_file_says_so() {
    let mut splitter = Splitter::new(10_000);
    assert!(split(&mut splitter, &GREY[..100], 9).is_empty());
}
