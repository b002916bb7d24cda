//! What stands before the first fragment: the file's type and a movie header
//! without samples (14496-12, 4.3 and 8.2 to 8.8).

use super::recording::{Codec, TIMESCALE, TRACK, Track};
use crate::mp4::put::{put, put_full, put_u16, put_u32, put_u64, put_zeros};
use crate::{Error, Result};

/// `mvex` is the last box of `moov` and has this size: a `mehd` (or the room for
/// one) and a `trex`.
const MVEX_BYTES: usize = 8 + MEHD_BYTES + 32;
const MEHD_BYTES: usize = 20;

/// The identity, as 16.16 and 2.30 fixed point numbers (14496-12, 8.2.2).
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// 72 dots an inch as 16.16, which every file says.
const RESOLUTION: u32 = 72 << 16;

/// `ftyp` and `moov` of a recording with this track, whose duration is not known.
pub fn init(track: &Track) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    put(&mut out, b"ftyp", |out| {
        // iso6 is the oldest brand that has all of tfdt, prft and offsets from moof.
        out.extend(b"iso6");
        put_u32(out, 0);
        out.extend(b"iso6mp41");
        if matches!(track.codec, Codec::H264 { .. }) {
            out.extend(b"avc1");
        }
    });
    put(&mut out, b"moov", |out| {
        movie_header(out);
        put(out, b"trak", |out| trak(out, track));
        put(out, b"mvex", mvex);
    });
    out
}

/// What to write in place, and where in the file, once the recording's duration
/// is known. `init` is the file's beginning as [`init`] made it, or as an earlier
/// patch left it.
///
/// # Errors
/// [`Error::BrokenContainer`] when `init` is something else.
pub fn duration_patch(init: &[u8], ticks: u64) -> Result<(u64, Vec<u8>)> {
    let offset = init.len().saturating_sub(MVEX_BYTES);
    let broken = Error::BrokenContainer {
        container: "MP4",
        offset: offset as u64,
        reason: "its header does not end with the room for a duration",
    };
    let ours = init.get(offset + 8..offset + 8 + MEHD_BYTES).is_some_and(|mehd| {
        &init[offset + 4..offset + 8] == b"mvex"
            && mehd[..4] == (MEHD_BYTES as u32).to_be_bytes()
            && matches!(&mehd[4..8], b"free" | b"mehd")
    });
    if !ours {
        return Err(broken);
    }
    let mut patch = Vec::with_capacity(MEHD_BYTES);
    put_full(&mut patch, b"mehd", 1, 0, |out| put_u64(out, ticks));
    Ok((offset as u64 + 8, patch))
}

fn mvex(out: &mut Vec<u8>) {
    // The duration is left out while it is not known (14496-12, 8.8.2).
    put(out, b"free", |out| put_zeros(out, MEHD_BYTES - 8));
    put_full(out, b"trex", 0, 0, |out| {
        put_u32(out, TRACK);
        // The first sample description; no defaults.
        put_u32(out, 1);
        put_zeros(out, 12);
    });
}

/// `mvhd`. Times of creation are 0: when frames were taken stands in `prft`.
fn movie_header(out: &mut Vec<u8>) {
    put_full(out, b"mvhd", 0, 0, |out| {
        put_zeros(out, 8);
        put_u32(out, TIMESCALE);
        put_u32(out, 0);
        // Rate 1, volume 1.
        put_u32(out, 0x1_0000);
        put_u16(out, 0x100);
        put_zeros(out, 10);
        matrix(out);
        put_zeros(out, 24);
        put_u32(out, TRACK + 1);
    });
}

fn trak(out: &mut Vec<u8>, track: &Track) {
    // Enabled, in the movie, in its preview.
    put_full(out, b"tkhd", 0, 7, |out| {
        put_zeros(out, 8);
        put_u32(out, TRACK);
        put_zeros(out, 24);
        matrix(out);
        put_u32(out, u32::from(side(track.width)) << 16);
        put_u32(out, u32::from(side(track.height)) << 16);
    });
    put(out, b"mdia", |out| {
        put_full(out, b"mdhd", 0, 0, |out| {
            put_zeros(out, 8);
            put_u32(out, TIMESCALE);
            put_u32(out, 0);
            // "und": no language (ISO 639-2), 5 bits a letter.
            put_u16(out, 0x55C4);
            put_u16(out, 0);
        });
        put_full(out, b"hdlr", 0, 0, |out| {
            put_u32(out, 0);
            out.extend(b"vide");
            put_zeros(out, 12);
            out.extend(b"VideoHandler\0");
        });
        put(out, b"minf", |out| {
            put_full(out, b"vmhd", 0, 1, |out| put_zeros(out, 8));
            put(out, b"dinf", |out| {
                put_full(out, b"dref", 0, 0, |out| {
                    put_u32(out, 1);
                    // The media is in this file.
                    put_full(out, b"url ", 0, 1, |_| ());
                });
            });
            put(out, b"stbl", |out| sample_tables(out, track));
        });
    });
}

/// The description of the samples, and the tables that fragments leave empty.
fn sample_tables(out: &mut Vec<u8>, track: &Track) {
    put_full(out, b"stsd", 0, 0, |out| {
        put_u32(out, 1);
        let name = match track.codec {
            Codec::Mp4v => b"mp4v",
            Codec::Mjpeg => b"jpeg",
            Codec::H264 { .. } => b"avc1",
        };
        put(out, name, |out| sample_entry(out, track));
    });
    put_full(out, b"stts", 0, 0, |out| put_u32(out, 0));
    put_full(out, b"stsc", 0, 0, |out| put_u32(out, 0));
    put_full(out, b"stsz", 0, 0, |out| put_zeros(out, 8));
    put_full(out, b"stco", 0, 0, |out| put_u32(out, 0));
}

/// A visual sample entry (14496-12, 12.1.3) and the codec's box.
fn sample_entry(out: &mut Vec<u8>, track: &Track) {
    let (width, height) = coded_size(track);
    put_zeros(out, 6);
    // The data reference.
    put_u16(out, 1);
    put_zeros(out, 16);
    put_u16(out, width);
    put_u16(out, height);
    put_u32(out, RESOLUTION);
    put_u32(out, RESOLUTION);
    put_u32(out, 0);
    // One frame a sample, no compressor's name, 24 bits deep.
    put_u16(out, 1);
    put_zeros(out, 32);
    put_u16(out, 24);
    put_u16(out, u16::MAX);
    match &track.codec {
        Codec::Mp4v => put_full(out, b"esds", 0, 0, elementary_stream),
        Codec::Mjpeg => {}
        Codec::H264 { sps, pps } => {
            put(out, b"avcC", |out| avc_configuration(out, sps, pps));
            if (width, height) != (side(track.width), side(track.height)) {
                clean_aperture(out, track);
            }
        }
    }
}

/// `ES_Descriptor` of JPEG (14496-1, 7.2.6).
fn elementary_stream(out: &mut Vec<u8>) {
    // ES_Descriptor of 21 bytes: number, no optional fields.
    out.extend([3, 21, 0, TRACK as u8, 0]);
    // DecoderConfigDescriptor of 13 bytes: JPEG, a visual stream, no bounds.
    out.extend([4, 13, 0x6C, 0x11]);
    put_zeros(out, 11);
    // SLConfigDescriptor: as MP4 has it.
    out.extend([6, 1, 2]);
}

/// `AVCDecoderConfigurationRecord` (14496-15, 5.3.3), with lengths of four bytes.
fn avc_configuration(out: &mut Vec<u8>, sps: &[u8], pps: &[u8]) {
    let byte = |at: usize| sps.get(at).copied().unwrap_or(0);
    let profile = byte(1);
    out.extend([1, profile, byte(2), byte(3), 0xFC | 3, 0xE0 | 1]);
    put_u16(out, sps.len() as u16);
    out.extend(sps);
    out.push(1);
    put_u16(out, pps.len() as u16);
    out.extend(pps);
    if matches!(profile, 100 | 110 | 122 | 144) {
        // 4:2:0, 8 bits of luma and chroma, no extensions.
        out.extend([0xFC | 1, 0xF8, 0xF8, 0]);
    }
}

/// `clap`: of the coded picture, its upper left part of the track's size is shown.
fn clean_aperture(out: &mut Vec<u8>, track: &Track) {
    let (coded_width, coded_height) = coded_size(track);
    let (width, height) = (side(track.width), side(track.height));
    // Fractions: the size shown, and how far its centre lies from the whole's.
    put(out, b"clap", |out| {
        for (pixels, of) in [
            (i32::from(width), 1),
            (i32::from(height), 1),
            (i32::from(width) - i32::from(coded_width), 2),
            (i32::from(height) - i32::from(coded_height), 2),
        ] {
            put_u32(out, pixels.cast_unsigned());
            put_u32(out, of);
        }
    });
}

/// The size of the pictures in the samples: H.264 with 4:2:0 chroma has even sides.
fn coded_size(track: &Track) -> (u16, u16) {
    let (width, height) = (side(track.width), side(track.height));
    match track.codec {
        Codec::H264 { .. } => (width.saturating_add(width & 1), height.saturating_add(height & 1)),
        Codec::Mp4v | Codec::Mjpeg => (width, height),
    }
}

/// MP4 has 16 bits for a side, and so has JPEG.
fn side(pixels: u32) -> u16 {
    pixels.min(u32::from(u16::MAX)) as u16
}

fn matrix(out: &mut Vec<u8>) {
    for number in MATRIX {
        put_u32(out, number);
    }
}
