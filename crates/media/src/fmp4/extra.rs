//! What MP4 has no place for: each frame's number, time of capture and metadata,
//! in a `uuid` box inside `traf` that other readers pass over.

use super::recording::{Placed, Sample};
use crate::mp4::boxes::Fields;
use crate::mp4::put::{put, put_u32, put_u64};

/// The box's own type (14496-12, 4.2), chosen at random.
const TYPE: [u8; 16] = *b"\x8f\x1d\x3a\x6e\x42\xc7\x4b\x09\xa5\x5e\x9d\x70\x1b\xe2\xf4\x36";

/// Version and flags.
const VERSION: u32 = 0;

/// The length that stands for "no metadata".
const NONE: u32 = u32::MAX;

/// A sample's number, time of capture and length of metadata.
const FIXED_BYTES: u64 = 20;

/// How large the box will be.
pub(super) fn size(samples: &[Sample]) -> u64 {
    let metadata = |sample: &Sample| sample.metadata.as_ref().map_or(0, |text| text.len() as u64);
    32 + samples.iter().map(|sample| FIXED_BYTES + metadata(sample)).sum::<u64>()
}

pub(super) fn write(out: &mut Vec<u8>, samples: &[Sample]) {
    put(out, b"uuid", |out| {
        out.extend(TYPE);
        put_u32(out, VERSION);
        put_u32(out, samples.len() as u32);
        for sample in samples {
            put_u64(out, sample.seq);
            put_u64(out, sample.captured.unwrap_or(f64::NAN).to_bits());
            let metadata = sample.metadata.as_deref();
            put_u32(out, metadata.map_or(NONE, |text| text.len() as u32));
            out.extend(metadata.unwrap_or_default().as_bytes());
        }
    });
}

/// Gives the samples what a `uuid` box's content says of them. A box of another
/// kind, or a damaged one, leaves them as they are: the pictures are worth more.
pub(super) fn read(content: &[u8], samples: &mut [Placed]) {
    let Some(content) = content.strip_prefix(&TYPE) else {
        return;
    };
    let mut fields = Fields::new(content);
    if fields.u32() != Some(VERSION) || fields.u32() != Some(samples.len() as u32) {
        return;
    }
    for placed in samples {
        if read_one(&mut fields, &mut placed.sample).is_none() {
            return;
        }
    }
}

fn read_one(fields: &mut Fields<'_>, sample: &mut Sample) -> Option<()> {
    let seq = fields.u64()?;
    let captured = f64::from_bits(fields.u64()?);
    let metadata = match fields.u32()? {
        NONE => None,
        length => Some(std::str::from_utf8(fields.bytes(length as usize)?).ok()?),
    };
    sample.seq = seq;
    sample.captured = captured.is_finite().then_some(captured);
    sample.metadata = metadata.map(Into::into);
    Some(())
}
