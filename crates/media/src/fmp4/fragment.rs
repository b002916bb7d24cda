//! The head of a fragment: when it was taken (`prft`), what its samples are
//! (`moof`), and the header of its media (`mdat`).

use std::time::{SystemTime, UNIX_EPOCH};

use super::extra;
use super::recording::{MAX_HEAD_BYTES, Sample, TRACK};
use crate::mp4::put::{put, put_full, put_u32, put_u64};
use crate::source::MAX_FRAME_BYTES;
use crate::{Error, Result};

/// Size of the `prft` that a fragment begins with: its `moof` lies so far behind its begin.
pub const PRFT_BYTES: u64 = 32;

/// `trun`: a data offset, and for each sample a duration, a size and flags.
pub(super) const TRUN_FLAGS: u32 = 0x1 | 0x100 | 0x200 | 0x400;

/// Sample flags (14496-12, 8.8.3): depends on no other sample.
const KEY: u32 = 0x0200_0000;
/// Sample flags: depends on others, is no sync sample.
const NOT_KEY: u32 = 0x0100_0000 | IS_NOT_SYNC;
/// The flag by which they differ when they are read.
pub(super) const IS_NOT_SYNC: u32 = 0x0001_0000;

/// From NTP's epoch (1900) to Unix's (1970), in seconds (RFC 5905, figure 4).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Everything of a fragment before its samples' bytes, which follow in order.
///
/// `number` counts the fragments of a file from 1. `wall` is the time at which
/// the first sample was taken; it is kept to the nanosecond, from 1968 to 2104.
///
/// # Errors
/// [`Error::BadFragment`] when there is no sample, a sample is empty or larger
/// than is ever read again, times do not rise, or the head grows beyond
/// [`MAX_HEAD_BYTES`].
pub fn fragment_head(number: u32, wall: SystemTime, samples: &[Sample]) -> Result<Vec<u8>> {
    let first = samples.first().ok_or(Error::BadFragment("it has no sample"))?;
    let durations = durations(samples)?;
    let extra_bytes = extra::size(samples);
    if extra_bytes + 12 * samples.len() as u64 + 200 > MAX_HEAD_BYTES {
        return Err(Error::BadFragment("its head grows too large; end it after fewer samples"));
    }
    let media: u64 = samples.iter().map(|sample| u64::from(sample.bytes)).sum();

    let mut out = Vec::with_capacity(extra_bytes as usize + 12 * samples.len() + 200);
    producer_time(&mut out, wall, first.time);
    let mut data_offset_at = 0;
    put(&mut out, b"moof", |out| {
        put_full(out, b"mfhd", 0, 0, |out| put_u32(out, number));
        put(out, b"traf", |out| {
            // Offsets count from the moof.
            put_full(out, b"tfhd", 0, 0x2_0000, |out| put_u32(out, TRACK));
            put_full(out, b"tfdt", 1, 0, |out| put_u64(out, first.time));
            data_offset_at = out.len() + 16;
            run(out, samples, &durations);
            extra::write(out, samples);
        });
    });
    let moof_bytes = out.len() as u64 - PRFT_BYTES;
    let header = media_header(media);
    let data_offset = (moof_bytes + header.len() as u64) as u32;
    out[data_offset_at..data_offset_at + 4].copy_from_slice(&data_offset.to_be_bytes());
    out.extend(header);
    Ok(out)
}

/// How long each sample lasts, once all of them are found fit.
fn durations(samples: &[Sample]) -> Result<Vec<u32>> {
    let mut durations = Vec::with_capacity(samples.len());
    for (at, sample) in samples.iter().enumerate() {
        if sample.bytes == 0 {
            return Err(Error::BadFragment("one of its samples is empty"));
        }
        if u64::from(sample.bytes) > MAX_FRAME_BYTES {
            return Err(Error::BadFragment("one of its samples is larger than 64 MiB"));
        }
        let Some(next) = samples.get(at + 1) else {
            durations.push(sample.duration);
            break;
        };
        match next.time.checked_sub(sample.time).map(u32::try_from) {
            Some(Ok(ticks)) if ticks > 0 => durations.push(ticks),
            _ => return Err(Error::BadFragment("its samples' times do not rise, or rise by half a day")),
        }
    }
    Ok(durations)
}

/// `prft` (14496-12, 8.16.5), version 1.
fn producer_time(out: &mut Vec<u8>, wall: SystemTime, time: u64) {
    put_full(out, b"prft", 1, 0, |out| {
        put_u32(out, TRACK);
        put_u64(out, to_ntp(wall));
        put_u64(out, time);
    });
}

fn run(out: &mut Vec<u8>, samples: &[Sample], durations: &[u32]) {
    put_full(out, b"trun", 0, TRUN_FLAGS, |out| {
        put_u32(out, samples.len() as u32);
        // The data offset, which is known once the moof's size is.
        put_u32(out, 0);
        for (sample, &duration) in samples.iter().zip(durations) {
            put_u32(out, duration);
            put_u32(out, sample.bytes);
            put_u32(out, if sample.key { KEY } else { NOT_KEY });
        }
    });
}

/// The header of a box that players pass over, over a stretch of so many bytes.
pub fn free(bytes: u64) -> Vec<u8> {
    match u32::try_from(bytes) {
        Ok(size) => [&size.to_be_bytes()[..], b"free"].concat(),
        Err(_) => [&1_u32.to_be_bytes()[..], b"free", &bytes.to_be_bytes()].concat(),
    }
}

/// The header of an `mdat` with so many bytes of media, 64 bits wide where needed.
fn media_header(media: u64) -> Vec<u8> {
    match u32::try_from(media + 8) {
        Ok(size) => [&size.to_be_bytes()[..], b"mdat"].concat(),
        Err(_) => [&1_u32.to_be_bytes()[..], b"mdat", &(media + 16).to_be_bytes()].concat(),
    }
}

/// Seconds since 1900 in the upper half, their fraction in the lower; the seconds
/// wrap in 2036.
fn to_ntp(wall: SystemTime) -> u64 {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Rounded up, so that rounding down on the way back gives the same nanosecond.
    let fraction = (u64::from(since.subsec_nanos()) << 32).div_ceil(1_000_000_000);
    since.as_secs().wrapping_add(NTP_TO_UNIX) << 32 | fraction
}

/// The time that [`to_ntp`] wrote. Seconds in the lower half of their range are of
/// the era that begins in 2036 (RFC 4330, 3).
pub(super) fn from_ntp(ntp: u64) -> Option<SystemTime> {
    let era = if ntp >> 63 == 0 { 1 << 32 } else { 0 };
    let seconds = ((ntp >> 32) + era).checked_sub(NTP_TO_UNIX)?;
    let nanos = ((ntp & 0xFFFF_FFFF) * 1_000_000_000) >> 32;
    UNIX_EPOCH.checked_add(std::time::Duration::new(seconds, nanos as u32))
}
