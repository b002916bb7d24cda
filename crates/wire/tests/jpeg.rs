//! The outside of JPEGs: real files, files without tables, torn files, and streams of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use common::{BASELINE, GREY, JPEGS, PNG, PROGRESSIVE, RESTARTS, THUMBNAIL};
use wire::{
    Mended,
    image::{self, Admitted, Coding, MAX_DECODED_PIXELS, MAX_PIXELS, Refused, Undecoded},
    jpeg::{self, Error, Info, Splitter},
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
    let info = Info {
        width: 40,
        height: 24,
        components: 3,
        progressive: false,
        has_huffman_tables: true,
        orientation: 1,
    };
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
fn an_end_inside_the_headers_is_not_the_end() {
    // The scan header itself holds FF D9 and nothing follows it.
    let bytes = [&tiny(8, 8)[..15], &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0xFF, 0xD9]].concat();
    assert_eq!(jpeg::probe(&bytes).unwrap_err().code(), "TRUNCATED_JPEG");
}

#[test]
fn nonsense_between_segments_is_placed() {
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
        (b"BM\x36\0\0\0", "a BMP"),
        (b"II*\0\x08\0\0\0", "a TIFF"),
        (b"MM\0*\0\0\0\x08", "a TIFF"),
        (b"P6\n40 24\n255\n", "a PPM"),
        (b"\0\0\0\x1cftypavif\0\0", "an AVIF"),
        (b"\0\0\0\x18ftypheic\0\0", "a HEIC"),
        (b"\0\0\0\x18ftypmp42\0\0", "an MP4"),
        (b"\xFF\x0A\x01\x02", "a JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n", "a JPEG 2000"),
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

/// A JPEG that can be shown, and what was mended.
fn shown(bytes: &[u8]) -> (Bytes, Vec<Mended>) {
    match admit(bytes) {
        Ok(Admitted::Jpeg { payload, mended, .. }) => (payload, mended),
        other => panic!("{other:?}"),
    }
}

fn undecoded(bytes: &[u8]) -> Undecoded {
    match admit(bytes) {
        Ok(Admitted::Undecoded(undecoded)) => undecoded,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clean_pictures_pass_as_they_are() {
    for jpeg in JPEGS {
        let bytes = Bytes::from_static(jpeg);
        let admitted = image::admit(bytes.clone(), &LIMITS);
        let Ok(Admitted::Jpeg { payload, size, mended }) = admitted else { panic!("{admitted:?}") };
        assert_eq!((&payload, size, mended), (&bytes, (40, 24), vec![]));
        assert_eq!(payload.as_ptr(), bytes.as_ptr(), "without a copy");
    }
    let png = undecoded(PNG);
    assert_eq!((&png.file[..], png.size, png.coding, png.orientation), (PNG, (40, 24), Coding::Png, 1));
}

#[test]
fn what_follows_the_end_is_dropped() {
    let other = [GREY, &[0x12]].concat();
    let film = [b"\0\0\0\x18ftypmp42".as_slice(), &[7; 5000]].concat();
    for jpeg in JPEGS {
        for byte in [0x00, 0xFF, b'\r', b'\n'] {
            for count in [1, 2, 4096, 20_000] {
                let bytes = [jpeg, &vec![byte; count]].concat();
                assert_eq!(
                    shown(&bytes),
                    (Bytes::from_static(jpeg), vec![]),
                    "{count} times {byte}: padding"
                );
            }
        }
        for tail in [&b"\x11"[..], b"\r\n--frame", &[0x55; 513], &film, &other] {
            let bytes = [jpeg, tail].concat();
            assert!(jpeg::probe(&bytes).is_ok());
            assert_eq!(shown(&bytes), (Bytes::from_static(jpeg), vec![Mended::Tail]));
        }
    }
}

#[test]
fn further_pictures_of_a_phone_are_dropped() {
    // A segment MPF (CIPA DC-007) or XMP announces them; the file then ends like a JPEG all the same.
    for segment in [&b"\xFF\xE2\0\x08MPF\0MM"[..], b"\xFF\xE1\0\x08http:/"] {
        let first = [&BASELINE[..2], segment, &BASELINE[2..]].concat();
        let (payload, mended) = shown(&[&first, GREY].concat());
        assert_eq!((&payload[..], mended), (&first[..], vec![Mended::Tail]));
    }
}

#[test]
fn what_comes_before_is_dropped() {
    for lead in [&b"\r\n"[..], b"\n", b"\0\0\0\0", b" \r\n\r\n"] {
        assert_eq!(shown(&[lead, GREY].concat()), (Bytes::from_static(GREY), vec![Mended::Lead]));
        assert_eq!(undecoded(&[lead, PNG].concat()).mended, [Mended::Lead]);
    }
    assert_eq!(admit(&[&[0; 4097], GREY].concat()).unwrap_err().code(), "NOT_AN_IMAGE");
    assert_eq!(admit(&[b"x", GREY].concat()).unwrap_err().code(), "NOT_AN_IMAGE");
}

#[test]
fn bytes_between_segments_are_dropped() {
    for code in [0xDB, 0xC0, 0xC4, 0xDA] {
        let at = marker(BASELINE, code);
        let bytes = [&BASELINE[..at], b"\0\x12junk", &BASELINE[at..]].concat();
        assert_eq!(shown(&bytes), (Bytes::from_static(BASELINE), vec![Mended::Junk]));
    }
    // A fill byte (T.81 B.1.1.2) is none.
    let filled = [&BASELINE[..2], &[0xFF; 9], &BASELINE[2..]].concat();
    assert_eq!(shown(&filled), (Bytes::from(filled), vec![]));
}

#[test]
fn a_missing_end_is_put_there_and_the_picture_left_to_a_decoder() {
    for jpeg in [BASELINE, GREY, PROGRESSIVE, RESTARTS] {
        let end = jpeg.len() - 2;
        let cut = undecoded(&jpeg[..end]);
        assert_eq!((&cut.file[..], cut.coding), (jpeg, Coding::CutJpeg));
        let half = undecoded(&jpeg[..=end]);
        assert_eq!(&half.file[..], [&jpeg[..=end], &[0xFF, 0xD9]].concat());
    }
    let headers = marker(GREY, 0xDA) + 10;
    assert_eq!(admit(&GREY[..headers]).unwrap_err().code(), "TRUNCATED_JPEG");
}

/// An APP1 segment that says how the camera was held.
fn held(orientation: u8) -> Vec<u8> {
    let exif =
        [b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0][..]].concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&[0xFF, 0xE1], &length[..], &exif].concat()
}

#[test]
fn a_picture_on_its_side_is_left_to_a_decoder() {
    let with = |orientation, rest: &[u8]| [&rest[..2], &held(orientation), &rest[2..]].concat();
    for orientation in 2..=8 {
        let sideways = with(orientation, BASELINE);
        let undecoded = undecoded(&sideways);
        assert_eq!((undecoded.coding, undecoded.orientation), (Coding::Jpeg, orientation));
    }
    for orientation in [0, 1, 9] {
        let upright = with(orientation, BASELINE);
        assert_eq!(shown(&upright), (Bytes::from(upright), vec![]));
    }
    assert_eq!(
        admit(&with(6, &tiny(7680, 4321))),
        Err(Refused::TooManyPixels { width: 7680, height: 4321, limit: MAX_DECODED_PIXELS })
    );
    let exif = [&b"\0\0\0\x16eXIf"[..], &held(6)[10..], &[0; 4]].concat();
    assert_eq!(undecoded(&[&PNG[..33], &exif, &PNG[33..]].concat()).orientation, 6);
}

#[test]
fn missing_tables_are_put_in() {
    let (bare, _) = without_tables(BASELINE);
    let (payload, mended) = shown(&bare);
    assert_eq!(mended, [], "UVC cameras send no others");
    assert!(payload.len() > bare.len() && jpeg::probe(&payload).unwrap().has_huffman_tables);
    assert_eq!(shown(&[&bare, &b"tail"[..]].concat()), (payload, vec![Mended::Tail]));
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
    let (complete, _) = shown(&bare);
    let at = marker(&complete, 0xC4);
    assert_eq!(at, marker(&bare, 0xDA), "right before the scan");
    assert_eq!(complete[at + 2..at + 4], 418u16.to_be_bytes());
    assert_eq!(complete[at + 4..at + 420], tables);
    assert_eq!((&complete[..at], &complete[at + 420..]), bare.split_at(at));
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
