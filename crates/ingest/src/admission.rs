//! Bytes in, a JPEG that can be published out.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use hub::Format;
use tokio::sync::Semaphore;
use wire::{
    Mended,
    image::{self, Admitted, Coding, Limits, MAX_DECODED_PIXELS, Refused, Undecoded},
};

use crate::Error;

/// Pictures that are transcoded at once: more would only take the processors away from the streams.
const TRANSCODERS: usize = 2;

/// What decoding a PNG takes: four bytes a pixel and three of what is made of them, and the reader's own.
const PNG_BYTES_A_PIXEL: u64 = 7;
const PNG_BYTES: u64 = 8 << 20;
/// What turning a picture takes.
const TURNED_BYTES_A_PIXEL: u64 = 3;

/// What holds for all pictures that come in by one way. Clones share the transcoders and the count.
#[derive(Debug, Clone)]
pub struct Admission {
    limits: Limits,
    quality: u8,
    transcoders: Arc<Semaphore>,
    rejected: Arc<AtomicU64>,
}

/// A picture that can be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jpeg {
    pub payload: Bytes,
    pub format: Format,
    /// What was odd about it as it came.
    pub mended: Vec<Mended>,
    /// It was encoded here.
    pub is_encoded: bool,
}

impl Jpeg {
    /// One that was encoded here.
    pub fn encoded(payload: Bytes, (width, height): (u32, u32)) -> Self {
        Self { payload, format: Format::jpeg(width, height), mended: Vec::new(), is_encoded: true }
    }

    /// One that is as it came, but for what was mended.
    fn as_it_came(payload: Bytes, (width, height): (u32, u32), mended: Vec<Mended>) -> Self {
        Self { payload, format: Format::jpeg(width, height), mended, is_encoded: false }
    }
}

impl Admission {
    /// `quality` (1 to 100) is that of a JPEG made of a PNG, or of one that lay on its side.
    pub fn new(limits: Limits, quality: u8) -> Self {
        let transcoders = Arc::new(Semaphore::new(TRANSCODERS));
        Self { limits, quality, transcoders, rejected: Arc::default() }
    }

    /// The same with another quality.
    pub fn with_quality(self, quality: u8) -> Self {
        Self { quality, ..self }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn quality(&self) -> u8 {
        self.quality
    }

    /// Pictures that were refused.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Admits a picture; what has to be decoded becomes a JPEG on a thread of its own, a few at a time.
    ///
    /// # Errors
    /// What is wrong with the picture.
    pub async fn admit(&self, bytes: Bytes) -> Result<Jpeg, Error> {
        match image::admit(bytes, &self.limits)? {
            Admitted::Jpeg { payload, size, mended } => Ok(Jpeg::as_it_came(payload, size, mended)),
            Admitted::Undecoded(undecoded) => self.transcode(undecoded).await,
        }
    }

    async fn transcode(&self, undecoded: Undecoded) -> Result<Jpeg, Error> {
        let quality = self.quality;
        let place = Arc::clone(&self.transcoders).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work itself, which goes on even if its client leaves.
            let _place = place;
            decode(undecoded, quality)
        });
        work.await.map_err(|_panicked| Error::DecoderPanicked)?
    }
}

/// [`Admission::admit`] on this very thread, which a picture that has to be decoded keeps busy for a while: not for an
/// async one.
///
/// # Errors
/// What is wrong with the picture.
pub fn to_jpeg(bytes: Bytes, limits: &Limits, quality: u8) -> Result<Jpeg, Error> {
    match image::admit(bytes, limits)? {
        Admitted::Jpeg { payload, size, mended } => Ok(Jpeg::as_it_came(payload, size, mended)),
        Admitted::Undecoded(undecoded) => decode(undecoded, quality),
    }
}

fn decode(undecoded: Undecoded, quality: u8) -> Result<Jpeg, Error> {
    let Undecoded { file, size, coding, orientation, mut mended } = undecoded;
    let pixels = u64::from(size.0) * u64::from(size.1);
    let decoding = match coding {
        Coding::Png => pixels * PNG_BYTES_A_PIXEL + PNG_BYTES,
        Coding::Jpeg | Coding::CutJpeg => media::jpeg::decoding_bytes(&file, MAX_DECODED_PIXELS),
    };
    let _turn = net::DECODERS.take(decoding + pixels * TURNED_BYTES_A_PIXEL);
    let picture = match coding {
        Coding::Png => media::png::decode(&file, MAX_DECODED_PIXELS)?,
        Coding::Jpeg => media::jpeg::decode(&file, MAX_DECODED_PIXELS)?,
        Coding::CutJpeg => media::jpeg::decode(&file, MAX_DECODED_PIXELS)
            .map_err(|_| Refused::Jpeg(wire::jpeg::Error::NoEnd { length: file.len() - 2 }))?,
    };
    if coding == Coding::CutJpeg {
        mended.push(Mended::End);
    }
    if orientation == 1 && coding != Coding::Png {
        return Ok(Jpeg::as_it_came(file, size, mended));
    }
    if orientation != 1 {
        mended.push(Mended::Turned);
    }
    let picture = picture.upright(orientation);
    let size = (picture.width, picture.height);
    let payload = media::jpeg::encode(&picture, quality)?.into();
    Ok(Jpeg { mended, ..Jpeg::encoded(payload, size) })
}
