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
#[derive(Debug)]
pub(crate) struct Encoder {
    /// What the file's header says of its frames.
    pub(crate) track: Track,
    /// `None`: the published bytes are the sample.
    h264: Option<Box<h264::Encoder>>,
}

impl Encoder {
    /// Codes `frame` with the encoder in `slot`; where there is none, puts a new one there, for frames like this one.
    /// `key`: decoding has to be able to start here.
    pub(crate) fn code(
        slot: &mut Option<Self>,
        frame: &Frame,
        key: bool,
        codec: Codec,
        fps: f64,
    ) -> Result<Coded, Error> {
        if let Some(encoder) = slot {
            return encoder.encode(frame, key);
        }
        let (encoder, first) = Self::new(codec, frame, fps)?;
        *slot = Some(encoder);
        Ok(first)
    }

    /// Whether a frame is of the size that this encoder is for.
    pub(crate) fn takes(&self, frame: &Frame) -> bool {
        (self.track.width, self.track.height) == (frame.format.width, frame.format.height)
    }

    fn new(codec: Codec, frame: &Frame, fps: f64) -> Result<(Self, Coded), Error> {
        let (width, height) = (frame.format.width, frame.format.height);
        let copying = |codec| (Self { track: Track { codec, width, height }, h264: None }, copied(frame));
        match codec {
            Codec::Mp4v => Ok(copying(Entry::Mp4v)),
            Codec::Mjpeg => Ok(copying(Entry::Mjpeg)),
            Codec::H264 => {
                let mut encoder = h264::Encoder::new(width, height, fps)?;
                let first = encoder.encode(&frame.payload, true)?;
                let none = || media::Error::BadH264("the first frame has no parameter sets".to_owned());
                let (sps, pps) = first.parameter_sets.ok_or_else(none)?;
                let track = Track { codec: Entry::H264 { sps, pps }, width, height };
                let coded = Coded { payload: first.avcc.into(), key: first.key };
                Ok((Self { track, h264: Some(Box::new(encoder)) }, coded))
            }
        }
    }

    fn encode(&mut self, frame: &Frame, key: bool) -> Result<Coded, Error> {
        let Some(encoder) = &mut self.h264 else { return Ok(copied(frame)) };
        let coded = encoder.encode(&frame.payload, key)?;
        Ok(Coded { payload: coded.avcc.into(), key: coded.key })
    }
}

fn copied(frame: &Frame) -> Coded {
    Coded { payload: frame.payload.clone(), key: true }
}

/// Whether the frame is one that recordings can hold.
pub(crate) fn is_recordable(frame: &Frame) -> bool {
    frame.format.codec == Published::Jpeg
}
