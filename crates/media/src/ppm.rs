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
mod tests;
