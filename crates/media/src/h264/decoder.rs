//! H.264 to JPEG, to show a recording to viewers of JPEG.

use openh264::decoder::DecodedYUV;
use openh264::formats::YUVSource;

use crate::luma::{Range, Table, spread_tables};
use crate::source::MAX_FRAME_BYTES;
use crate::{Error, Result, jpeg};

/// What stands before a NAL unit in a stream of bytes (H.264, annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Decodes what `Encoder` made, from a key frame on.
///
/// The codec is written in C++: it is for recordings of our own, which are read
/// with their structure checked, not for streams of strangers.
pub struct Decoder {
    codec: openh264::decoder::Decoder,
    /// The frame as the codec takes it; kept for its memory.
    buffer: Vec<u8>,
    /// The part that is shown, where the coded picture is larger.
    shown: Option<(u32, u32)>,
    range: Range,
}

/// A picture, until the next one is decoded.
#[derive(Debug)]
pub struct Decoded<'a> {
    picture: DecodedYUV<'a>,
    shown: Option<(u32, u32)>,
    range: Range,
}

impl Decoder {
    /// A decoder for a track with these parameter sets (NAL units without start
    /// code).
    ///
    /// # Errors
    /// [`Error::BadH264`] when they are not sound.
    pub fn new(sps: &[u8], pps: &[u8]) -> Result<Self> {
        let mut codec = openh264::decoder::Decoder::new()?;
        codec.decode(&[&START_CODE, sps, &START_CODE, pps].concat())?;
        Ok(Self { codec, buffer: Vec::new(), shown: None, range: Range::Full })
    }

    /// Shows the upper left part of this size only: the track's, whose odd sides
    /// are coded even.
    #[must_use]
    pub fn cropped(mut self, width: u32, height: u32) -> Self {
        self.shown = Some((width, height));
        self
    }

    /// Takes the stream's luma and chroma to be of this range.
    #[must_use]
    pub fn of_range(mut self, range: Range) -> Self {
        self.range = range;
        self
    }

    /// Decodes one sample (NAL units behind lengths of four bytes). `None` where it
    /// holds no picture. After an error, go on with the next key frame.
    ///
    /// # Errors
    /// [`Error::BadH264`].
    pub fn decode(&mut self, avcc: &[u8]) -> Result<Option<Decoded<'_>>> {
        self.with_start_codes(avcc)?;
        let picture = self.codec.decode(&self.buffer)?;
        Ok(picture.map(|picture| Decoded { picture, shown: self.shown, range: self.range }))
    }

    fn with_start_codes(&mut self, avcc: &[u8]) -> Result<()> {
        let broken = || Error::BadH264("a frame's parts do not fill it".into());
        if avcc.len() as u64 > MAX_FRAME_BYTES {
            return Err(Error::BadH264("a frame is larger than 64 MiB".into()));
        }
        self.buffer.clear();
        let mut rest = avcc;
        while let Some((length, behind)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes(*length) as usize;
            let (unit, behind) = behind.split_at_checked(length).ok_or_else(broken)?;
            self.buffer.extend(START_CODE);
            self.buffer.extend(unit);
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(broken()) }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Decoded<'_> {
    /// Columns and rows that are shown.
    pub fn size(&self) -> (usize, usize) {
        let (width, height) = self.picture.dimensions();
        match self.shown {
            Some((shown_width, shown_height)) => {
                (width.min(shown_width as usize), height.min(shown_height as usize))
            }
            None => (width, height),
        }
    }

    /// Encodes the picture as JPEG with 4:2:0 chroma; `quality` as in
    /// [`jpeg::encode`].
    ///
    /// # Errors
    /// [`Error::BadJpeg`] when the encoder refuses it.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let (y_stride, u_stride, v_stride) = self.picture.strides();
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let mut y = cut_out(self.picture.y(), y_stride, width, height);
        let mut u = cut_out(self.picture.u(), u_stride, half_width, half_height);
        let mut v = cut_out(self.picture.v(), v_stride, half_width, half_height);
        if self.range == Range::Limited {
            let (luma, chroma) = spread_tables();
            spread(&mut y, luma);
            spread(&mut u, chroma);
            spread(&mut v, chroma);
        }
        jpeg::encode_planes([&y, &u, &v], width, height, quality)
    }
}

fn spread(samples: &mut [u8], table: &Table) {
    for sample in samples {
        *sample = table[usize::from(*sample)];
    }
}

/// The upper left part of a plane, without gaps between its rows.
fn cut_out(plane: &[u8], stride: usize, width: usize, height: usize) -> Vec<u8> {
    let mut cut = Vec::with_capacity(width * height);
    for row in plane.chunks(stride.max(1)).take(height) {
        cut.extend(&row[..width.min(row.len())]);
    }
    cut
}
