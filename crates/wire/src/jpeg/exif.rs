//! How a camera was held: the orientation in a picture's EXIF data, and nothing else of it.
//!
//! Browsers turn such a picture in an `<img>` and nowhere else, OpenCV turns it, a decoder does not; so it is turned
//! once, on its way in.

/// TIFF 6.0: tag 274, `Orientation`.
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
/// A directory of more entries is damaged; cameras write a dozen.
const MAX_ENTRIES: usize = 512;

/// The orientation (2 to 8) that an APP1 segment's content asks for; 1 for none, or one that makes no sense.
pub(crate) fn of_segment(body: &[u8]) -> u8 {
    body.strip_prefix(b"Exif\0\0").map_or(1, of_tiff)
}

/// The same of the TIFF file that EXIF data are, as a PNG has them.
pub(crate) fn of_tiff(tiff: &[u8]) -> u8 {
    orientation(tiff).filter(|value| (1..=8).contains(value)).map_or(1, |value| value as u8)
}

fn orientation(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let read16 = |bytes| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let read32 = |bytes| if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let offset = usize::try_from(read32(*tiff.get(4..)?.first_chunk()?)).ok()?;
    let (count, entries) = tiff.get(offset..)?.split_first_chunk()?;
    let entries = entries.as_chunks::<12>().0.iter().take(usize::from(read16(*count)).min(MAX_ENTRIES));
    entries
        .map(|&[t0, t1, k0, k1, _, _, _, _, v0, v1, ..]| [[t0, t1], [k0, k1], [v0, v1]].map(read16))
        .find_map(|[tag, kind, value]| (tag == ORIENTATION && kind == SHORT).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read() {
        let little = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let big = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0";
        assert_eq!((of_segment(little), of_segment(big)), (6, 8));
    }

    #[test]
    fn what_makes_no_sense_is_upright() {
        let whole = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        for end in 0..whole.len() {
            assert_eq!(of_segment(&whole[..end]), 1, "cut at {end}");
        }
        for (at, byte) in [(6, b'X'), (10, 0xFF), (16, 0x13), (18, 4), (24, 9), (24, 0)] {
            let mut odd = whole.to_vec();
            odd[at] = byte;
            assert_eq!(of_segment(&odd), 1, "{byte} at {at}");
        }
    }
}
