//! From a published picture to a recording's sample: JPEG as it is, or H.264.

use bytes::Bytes;
use hub::{Codec as Published, Frame};
use media::{
    fmp4::{Codec as Entry, Track},
    h264,
};

use crate::{Codec, Error};

/// A picture as it goes into the file.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) payload: Bytes,
    pub(crate) key: bool,
}

/// Codes the frames of one file: all of one size.
pub(crate) enum Encoder {
    /// The published bytes are the sample.
    Copy,
    H264(Box<h264::Encoder>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Copy => "Copy",
            Self::H264(_) => "H264",
        })
    }
}

impl Encoder {
    /// An encoder for frames like `frame`, its first one coded, and the track that they make.
    pub(crate) fn new(codec: Codec, frame: &Frame, fps: f64) -> Result<(Self, Track, Coded), Error> {
        let (width, height) = (frame.format.width, frame.format.height);
        let copied = || Coded { payload: frame.payload.clone(), key: true };
        let track = |codec| Track { codec, width, height };
        match codec {
            Codec::Mp4v => Ok((Self::Copy, track(Entry::Mp4v), copied())),
            Codec::Mjpeg => Ok((Self::Copy, track(Entry::Mjpeg), copied())),
            Codec::H264 => {
                let mut encoder = h264::Encoder::new(width, height, fps)?;
                let first = encoder.encode(&frame.payload, true)?;
                let (sps, pps) = first.parameter_sets.ok_or_else(no_parameter_sets)?;
                let coded = Coded { payload: first.avcc.into(), key: first.key };
                Ok((Self::H264(Box::new(encoder)), track(Entry::H264 { sps, pps }), coded))
            }
        }
    }

    /// `key`: decoding has to be able to start here.
    pub(crate) fn encode(&mut self, frame: &Frame, key: bool) -> Result<Coded, Error> {
        match self {
            Self::Copy => Ok(Coded { payload: frame.payload.clone(), key: true }),
            Self::H264(encoder) => {
                let coded = encoder.encode(&frame.payload, key)?;
                Ok(Coded { payload: coded.avcc.into(), key: coded.key })
            }
        }
    }
}

fn no_parameter_sets() -> media::Error {
    media::Error::BadH264("the first frame has no parameter sets".to_owned())
}

/// Whether the frame is one that recordings can hold.
pub(crate) fn is_recordable(frame: &Frame) -> bool {
    frame.format.codec == Published::Jpeg
}
