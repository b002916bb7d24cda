//! PNG to RGB, for publishers that send PNG, and back, for clients that want pictures without loss.
//!
//! Reading, every colour type becomes 8-bit RGB: alpha is laid over black, 16-bit
//! samples keep their upper half, of an animation the first picture is taken.

use std::io::Cursor;

use ::png::{
    BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, EncodingError, Limits, Transformations,
};

use crate::{Error, Picture, Result, check_pixels};

/// Memory the PNG reader may take besides the picture itself (row buffers,
/// palette): two rows of the widest 16-bit RGBA picture of 65,535 columns fit
/// many times. Text and colour profiles, the usual bombs, are skipped unread.
const WORKING_BYTES: usize = 8 << 20;

/// Decodes a PNG to RGB.
///
/// The header is read first: a picture of more than `max_pixels` is refused
/// before a byte is allocated for it. At most 4 bytes a pixel and
/// 8 MiB of working memory are taken, whatever the file claims.
///
/// # Errors
/// [`Error::TooManyPixels`] or [`Error::BadPng`].
pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Picture> {
    let limits = Limits { bytes: WORKING_BYTES };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);

    let header = decoder.read_header_info().map_err(bad)?;
    let (width, height) = header.size();
    check_pixels(u64::from(width), u64::from(height), max_pixels)?;

    let mut reader = decoder.read_info().map_err(bad)?;
    let (colour, _) = reader.output_color_type();
    let size =
        reader.output_buffer_size().ok_or_else(|| Error::BadPng("too large for this machine".into()))?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(bad)?;
    if (frame.width, frame.height) != (width, height) {
        return Err(Error::BadPng("the first picture does not fill the frame".into()));
    }
    let rgb = to_rgb(samples, colour)?;
    let picture = Picture { width, height, rgb };
    picture.check()?;
    Ok(picture)
}

/// Encodes a picture without loss, fast rather than small.
///
/// # Errors
/// [`Error::BadPicture`] when the buffer does not fit the size.
pub fn encode(picture: &Picture) -> Result<Vec<u8>> {
    picture.check()?;
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let bad = |error: EncodingError| Error::BadPng(error.to_string());
    let mut writer = encoder.write_header().map_err(bad)?;
    writer.write_image_data(&picture.rgb).map_err(bad)?;
    writer.finish().map_err(bad)?;
    Ok(bytes)
}

/// Takes 8-bit samples of any layout to three bytes a pixel.
fn to_rgb(samples: Vec<u8>, colour: ColorType) -> Result<Vec<u8>> {
    let rgb = match colour {
        ColorType::Rgb => samples,
        ColorType::Rgba => samples
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|&[r, g, b, a]| [over_black(r, a), over_black(g, a), over_black(b, a)])
            .collect(),
        ColorType::Grayscale => samples.iter().flat_map(|&v| [v, v, v]).collect(),
        ColorType::GrayscaleAlpha => {
            samples.as_chunks::<2>().0.iter().flat_map(|&[v, a]| [over_black(v, a); 3]).collect()
        }
        // EXPAND turns palettes into RGB or RGBA before they come here.
        ColorType::Indexed => return Err(Error::BadPng("an unexpanded palette".into())),
    };
    Ok(rgb)
}

/// `value * alpha / 255`, rounded.
fn over_black(value: u8, alpha: u8) -> u8 {
    ((u16::from(value) * u16::from(alpha) + 127) / 255) as u8
}

fn bad(error: DecodingError) -> Error {
    Error::BadPng(error.to_string())
}

#[cfg(test)]
mod tests;
