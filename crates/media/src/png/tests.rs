//! Tests of `png`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

const PLENTY: u64 = 1 << 20;

fn encode(
    (width, height): (u32, u32),
    colour: ColorType,
    depth: BitDepth,
    samples: &[u8],
    palette: Option<(&[u8], &[u8])>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if let Some((colours, alphas)) = palette {
        encoder.set_palette(colours);
        encoder.set_trns(alphas);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

fn rgb(bytes: &[u8]) -> Vec<u8> {
    decode(bytes, PLENTY).unwrap().rgb
}

#[test]
fn what_is_encoded_comes_back_as_it_was() {
    let rgb = (0..7 * 5 * 3).map(|it| (it * 37) as u8).collect();
    let picture = Picture { width: 7, height: 5, rgb };
    assert_eq!(decode(&super::encode(&picture).unwrap(), PLENTY).unwrap(), picture);
    assert!(super::encode(&Picture { width: 2, height: 2, rgb: vec![0; 3] }).is_err());
}

#[test]
fn every_colour_type_becomes_rgb() {
    use BitDepth::{Eight, One, Sixteen};
    let bytes = encode((2, 1), ColorType::Rgb, Eight, &[1, 2, 3, 4, 5, 6], None);
    assert_eq!(rgb(&bytes), [1, 2, 3, 4, 5, 6]);

    let samples = [200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0];
    let bytes = encode((3, 1), ColorType::Rgba, Eight, &samples, None);
    assert_eq!(rgb(&bytes), [200, 100, 50, 100, 50, 25, 0, 0, 0]);

    let bytes = encode((2, 1), ColorType::Grayscale, Eight, &[7, 9], None);
    assert_eq!(rgb(&bytes), [7, 7, 7, 9, 9, 9]);

    let bytes = encode((2, 2), ColorType::Grayscale, One, &[0x40, 0x80], None);
    assert_eq!(rgb(&bytes), [0, 0, 0, 255, 255, 255, 255, 255, 255, 0, 0, 0]);

    let bytes = encode((1, 1), ColorType::GrayscaleAlpha, Eight, &[100, 51], None);
    assert_eq!(rgb(&bytes), [20, 20, 20]);

    let bytes = encode((1, 1), ColorType::Rgb, Sixteen, &[9, 255, 8, 0, 7, 1], None);
    assert_eq!(rgb(&bytes), [9, 8, 7]);

    let palette = Some((&[10, 20, 30, 40, 50, 60][..], &[255, 0][..]));
    let bytes = encode((3, 1), ColorType::Indexed, Eight, &[0, 1, 0], palette);
    assert_eq!(rgb(&bytes), [10, 20, 30, 0, 0, 0, 10, 20, 30]);
}

/// Written by hand, because the encoder at hand does not interlace: an 8x8
/// grey picture in Adam7 order, each pixel's value its place in the file.
#[test]
fn interlaced_pictures_are_put_in_order() {
    let passes: [(usize, usize, usize, usize); 7] =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let (mut raw, mut wanted, mut value) = (Vec::new(), vec![0; 64], 0);
    for (x0, y0, dx, dy) in passes {
        for y in (y0..8).step_by(dy) {
            raw.push(0);
            for x in (x0..8).step_by(dx) {
                raw.push(value);
                wanted[y * 8 + x] = value;
                value += 1;
            }
        }
    }
    let bytes = by_hand((8, 8), 8, 0, 1, &[(b"IDAT", &stored(&raw))]);
    let wanted: Vec<u8> = wanted.into_iter().flat_map(|value| [value; 3]).collect();
    assert_eq!(rgb(&bytes), wanted);
}

#[test]
fn a_claim_of_many_pixels_is_refused_by_the_header_alone() {
    let bytes = by_hand((20_000, 20_000), 8, 6, 0, &[]);
    match decode(&bytes, 50_000_000).unwrap_err() {
        Error::TooManyPixels { width, height, .. } => {
            assert_eq!((width, height), (20_000, 20_000));
        }
        other => panic!("{other}"),
    }
    let bytes = encode((4, 4), ColorType::Grayscale, BitDepth::Eight, &[0; 16], None);
    assert!(decode(&bytes, 16).is_ok());
    assert_eq!(decode(&bytes, 15).unwrap_err().code(), "TOO_MANY_PIXELS");
}

/// Compressed text and profiles are where small files grow large: they are
/// never unpacked.
#[test]
fn a_bomb_in_a_text_chunk_is_passed_over() {
    let mut text = b"Comment\0\0".to_vec();
    text.extend(stored(&vec![b'x'; 60_000]));
    let picture = stored(&[0, 42]);
    let bytes = by_hand((1, 1), 8, 0, 0, &[(b"zTXt", &text), (b"iCCP", &text), (b"IDAT", &picture)]);
    assert_eq!(rgb(&bytes), [42; 3]);
}

#[test]
fn a_torn_picture_is_an_error() {
    let bytes = encode((8, 8), ColorType::Rgb, BitDepth::Eight, &[9; 192], None);
    // The end chunk has 12 bytes, the checksum before it 4: not needed.
    for cut in 0..bytes.len() - 16 {
        assert_eq!(decode(&bytes[..cut], PLENTY).unwrap_err().code(), "BAD_PNG", "cut at {cut}");
    }
}

/// A zlib stream of one uncompressed block.
fn stored(raw: &[u8]) -> Vec<u8> {
    let length = raw.len() as u16;
    let mut bytes = vec![0x78, 1, 1];
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(raw);
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in raw {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    bytes.extend(((b << 16) | a).to_be_bytes());
    bytes
}

/// A PNG of the given header and chunks.
fn by_hand(
    (width, height): (u32, u32),
    depth: u8,
    colour: u8,
    interlace: u8,
    chunks: &[(&[u8; 4], &[u8])],
) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, colour, 0, 0, interlace]);
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let end: &[(&[u8; 4], &[u8])] = &[(b"IEND", &[])];
    for (name, content) in [&[(b"IHDR", &header[..])], chunks, end].concat() {
        bytes.extend((content.len() as u32).to_be_bytes());
        bytes.extend(name);
        bytes.extend(content);
        bytes.extend(crc(&[name, content].concat()).to_be_bytes());
    }
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

proptest! {
    #[test]
    fn pictures_survive_the_way_through_png(
        (width, height, samples) in (1..20u32, 1..20u32).prop_flat_map(|(width, height)| {
            let size = (width * height * 3) as usize;
            (Just(width), Just(height), proptest::collection::vec(any::<u8>(), size))
        })
    ) {
        let bytes = encode((width, height), ColorType::Rgb, BitDepth::Eight, &samples, None);
        let picture = decode(&bytes, PLENTY).unwrap();
        prop_assert_eq!((picture.width, picture.height), (width, height));
        prop_assert_eq!(picture.rgb, samples);
    }

    #[test]
    fn any_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..1000)) {
        prop_assert!(decode(&bytes, PLENTY).is_err());
        let _ = decode(&[b"\x89PNG\r\n\x1A\n", &bytes[..]].concat(), PLENTY);
    }

    /// Checksums are made right again, so that the damage is read.
    #[test]
    fn any_chunks_are_survived(
        header in proptest::collection::vec(any::<u8>(), 13),
        small in (0..40u32, 0..40u32, prop_oneof![Just(1u8), Just(2), Just(4), Just(8), Just(16)], 0..7u8, 0..2u8),
        names in proptest::collection::vec(0..6usize, 0..5),
        content in proptest::collection::vec(any::<u8>(), 0..300),
        damaged_header: bool,
    ) {
        let all: [&[u8; 4]; 6] = [b"IDAT", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"gAMA"];
        let data = stored(&content);
        let chunks: Vec<(&[u8; 4], &[u8])> = names.iter().map(|&name| {
            (all[name], if name == 0 { &data[..] } else { &content[..content.len() / 3 * 3] })
        }).collect();
        let (width, height, depth, colour, interlace) = small;
        let mut bytes = by_hand((width, height), depth, colour, interlace, &chunks);
        if damaged_header {
            bytes[16..29].copy_from_slice(&header);
            let sum = crc(&bytes[12..29]).to_be_bytes();
            bytes[29..33].copy_from_slice(&sum);
        }
        if let Ok(picture) = decode(&bytes, PLENTY) {
            prop_assert!(picture.check().is_ok());
        }
    }
}
