//! Uncompressed pictures one after the other, as `ffmpeg -f image2pipe -c:v ppm` writes them to a pipe: each says its
//! own size, so that nothing has to be known before (PPM, <https://netpbm.sourceforge.net/doc/ppm.html>, "raw").

use std::io::{BufRead, Read};

use crate::{Error, Picture, Result, check_pixels};

/// Digits of a side.
const MOST_DIGITS: u64 = 10;

/// Reads the next picture; `None` where the input ends before one. Only 8 bits a sample, and no comments: what ffmpeg
/// writes.
///
/// # Errors
/// [`Error::BadPpm`]; [`Error::TooManyPixels`] before anything of that size is allocated.
pub fn read(input: &mut impl BufRead, max_pixels: u64) -> Result<Option<Picture>> {
    if input.fill_buf().map_err(broken)?.is_empty() {
        return Ok(None);
    }
    let magic = word(input)?;
    if magic != "P6" {
        return Err(Error::BadPpm(format!("it starts with {magic:?}, not with P6")));
    }
    let [width, height] = [number(input)?, number(input)?];
    let most = number(input)?;
    if most != 255 {
        return Err(Error::BadPpm(format!("its samples go to {most}, not to 255")));
    }
    check_pixels(u64::from(width), u64::from(height), max_pixels)?;
    let mut rgb = vec![0; width as usize * height as usize * 3];
    input.read_exact(&mut rgb).map_err(broken)?;
    let picture = Picture { width, height, rgb };
    picture.check()?;
    Ok(Some(picture))
}

/// The bytes up to the one blank that follows them.
fn word(input: &mut impl BufRead) -> Result<String> {
    let mut word = Vec::new();
    for byte in input.by_ref().take(MOST_DIGITS + 1).bytes() {
        let byte = byte.map_err(broken)?;
        if byte.is_ascii_whitespace() {
            return Ok(word.escape_ascii().to_string());
        }
        word.push(byte);
    }
    Err(Error::BadPpm(format!("its header has no end: \"{}\"", word.escape_ascii())))
}

fn number(input: &mut impl BufRead) -> Result<u32> {
    let word = word(input)?;
    word.parse().map_err(|_| Error::BadPpm(format!("{word:?} is no number")))
}

fn broken(error: std::io::Error) -> Error {
    Error::BadPpm(error.to_string())
}

#[cfg(test)]
mod tests {
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
}
