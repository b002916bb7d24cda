//! The frames of a measurement: valid JPEGs of a wanted size that carry a stamp, so that the receiver of
//! one knows which run and stream it belongs to, its number, and how old it is.
//!
//! ```text
//! FF D8 | FF FE len "FHBENCH1" run:u64 stream:u32 seq:u64 sent_nanos:u64 | FF FE filler … | the picture
//! ```
//! All numbers are big-endian. The stamp stands right after SOI at a fixed place; a hub that hands bytes
//! through keeps it. The first 38 bytes differ from frame to frame, the rest is shared memory.

use anyhow::Context;
use bytes::Bytes;
use media::pattern::TestPattern;

const MAGIC: &[u8; 8] = b"FHBENCH1";
const SOI: [u8; 2] = [0xFF, 0xD8];
const COM: [u8; 2] = [0xFF, 0xFE];

/// What follows the marker in the stamp's segment, the length itself included (ITU-T T.81, B.2.4.5).
const STAMP_SEGMENT_BYTES: u16 = 2 + 8 + 8 + 4 + 8 + 8;

/// SOI, the marker and the stamp's segment.
pub(super) const HEAD_BYTES: usize = 4 + STAMP_SEGMENT_BYTES as usize;

/// A segment's length counts itself and has 16 bits.
const LONGEST_SEGMENT_BYTES: usize = 65_535;

/// Pictures in rotation, so that no cache makes it too easy.
const PICTURES: u64 = 4;

/// What a frame says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Distinguishes this measurement from others at the same hub.
    pub(super) run: u64,
    pub(super) stream: u32,
    pub(super) seq: u64,
    /// When the sending began, in nanoseconds since the run's own zero.
    pub(super) sent_nanos: u64,
}

impl Stamp {
    /// The first bytes of a stamped frame.
    pub(super) fn head(&self) -> Bytes {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(&SOI);
        head.extend_from_slice(&COM);
        head.extend_from_slice(&STAMP_SEGMENT_BYTES.to_be_bytes());
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&self.run.to_be_bytes());
        head.extend_from_slice(&self.stream.to_be_bytes());
        head.extend_from_slice(&self.seq.to_be_bytes());
        head.extend_from_slice(&self.sent_nanos.to_be_bytes());
        head.into()
    }

    /// Reads the stamp of a received frame, if it has one.
    pub(super) fn read(jpeg: &[u8]) -> Option<Stamp> {
        let rest = jpeg.strip_prefix(&SOI)?.strip_prefix(&COM)?;
        let rest = rest.strip_prefix(&STAMP_SEGMENT_BYTES.to_be_bytes())?.strip_prefix(MAGIC)?;
        let (run, rest) = rest.split_first_chunk()?;
        let (stream, rest) = rest.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (sent_nanos, _) = rest.split_first_chunk()?;
        Some(Stamp {
            run: u64::from_be_bytes(*run),
            stream: u32::from_be_bytes(*stream),
            seq: u64::from_be_bytes(*seq),
            sent_nanos: u64::from_be_bytes(*sent_nanos),
        })
    }
}

/// The parts of the frames that do not change: with a stamp's head in front, each is a JPEG of the wanted
/// size.
#[derive(Debug)]
pub(super) struct Frames {
    tails: Vec<Bytes>,
}

impl Frames {
    /// Prepares frames of exactly `bytes` bytes.
    ///
    /// # Errors
    /// `bytes` is less than the smallest picture takes; the text names the least.
    pub(super) fn of_size(bytes: usize) -> anyhow::Result<Frames> {
        let tails = (0..PICTURES).map(|seed| tail(bytes, seed)).collect::<anyhow::Result<_>>()?;
        Ok(Frames { tails })
    }

    /// A frame in two pieces, head and rest.
    pub(super) fn frame(&self, stamp: &Stamp) -> [Bytes; 2] {
        let picture = (stamp.seq as usize).wrapping_add(stamp.stream as usize) % self.tails.len();
        [stamp.head(), self.tails[picture].clone()]
    }
}

fn tail(bytes: usize, seed: u64) -> anyhow::Result<Bytes> {
    let wanted = bytes.saturating_sub(HEAD_BYTES);
    // The largest picture that leaves the rest to filler; decoding is not what is measured.
    let mut least = usize::MAX;
    for (width, height, quality) in [(640, 360, 80), (320, 180, 75), (64, 48, 50), (16, 16, 30)] {
        let picture =
            media::jpeg::encode(TestPattern::new(width, height).draw(seed, "", "framehub bench"), quality)
                .context("cannot encode the bench's picture")?;
        let picture = picture.strip_prefix(&SOI).context("the encoder's picture does not start with SOI")?;
        // Filler is a segment, and the smallest takes four bytes.
        if picture.len() == wanted || picture.len() + 4 <= wanted {
            let mut tail = Vec::with_capacity(wanted);
            fill(&mut tail, wanted - picture.len(), seed);
            tail.extend_from_slice(picture);
            return Ok(tail.into());
        }
        least = least.min(picture.len() + 4 + HEAD_BYTES);
    }
    anyhow::bail!(
        "a frame of {bytes} bytes is too small for a picture; use --size {:.1} or more",
        least as f64 / 1e3
    );
}

/// Comment segments that take up exactly `bytes` bytes (none, or at least four).
fn fill(tail: &mut Vec<u8>, mut bytes: usize, seed: u64) {
    let mut random = seed | 1;
    while bytes > 0 {
        let mut segment = bytes.min(2 + LONGEST_SEGMENT_BYTES);
        let rest = bytes - segment;
        if rest > 0 && rest < 4 {
            // What is left over must be a segment, too.
            segment -= 4;
        }
        tail.extend_from_slice(&COM);
        tail.extend_from_slice(&((segment - 2) as u16).to_be_bytes());
        for _ in 4..segment {
            // A linear congruential step (Knuth, MMIX): noise that no proxy compresses away. 0xFF is left
            // out for readers that look for markers where none can be.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            tail.push(((random >> 40) % 255) as u8);
        }
        bytes -= segment;
    }
}

#[cfg(test)]
mod tests;
