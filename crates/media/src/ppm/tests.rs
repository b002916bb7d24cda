//! Tests of `ppm`.
#![allow(clippy::unwrap_used)]
use super::*;
use std::io::BufReader;

fn ppm(picture: &Picture) -> Vec<u8> {
    let head = format!("P6\n{} {}\n255\n", picture.width, picture.height);
    [head.as_bytes(), &picture.rgb].concat()
}

#[test]
fn pictures_of_any_size_follow_each_other_however_they_come() {
    // A sample that looks like a blank belongs to the picture.
    let pictures = [Picture::filled(3, 2, [10, 32, 0]), Picture::filled(1, 5, [255; 3])];
    let bytes: Vec<u8> = pictures.iter().flat_map(ppm).collect();
    for step in [1, 2, 7, 1000] {
        let mut input = BufReader::with_capacity(step, &bytes[..]);
        for picture in &pictures {
            assert_eq!(read(&mut input, 100).unwrap().as_ref(), Some(picture));
        }
        assert_eq!(read(&mut input, 100).unwrap(), None);
    }
}

#[test]
fn what_is_none_is_named() {
    for (bytes, word) in [
        (&b"P5\n1 1\n255\n\0"[..], "P6"),
        (b"P6\n1 x\n255\n", "\"x\""),
        (b"P6\n1 1\n65535\n", "65535"),
        (b"P6 1 1 255", "no end"),
        (b"P6 11111111111 1 255 ", "no end"),
        (b"P6 2 2 255 \0", "fill"),
        (b"P6 0 2 255 \0", "0x2"),
        (b"P6 4000000000 4000000000 255 ", "more than the 100"),
    ] {
        let error = read(&mut &bytes[..], 100).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, head in "(P6)?[ 0-9\n]{0,20}") {
        let input = [head.as_bytes(), &bytes].concat();
        let _ = read(&mut &input[..], 1000);
    }
}
