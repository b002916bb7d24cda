//! Bytes in, a JPEG that can be published out.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use hub::Format;
use tokio::sync::Semaphore;
use wire::image::{self, Admitted, Limits, MAX_DECODED_PIXELS};

use crate::Error;

/// PNGs that are transcoded at once: more would only take the processors away from the streams.
const TRANSCODERS: usize = 2;

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
}

impl Jpeg {
    pub fn new(payload: Bytes, (width, height): (u32, u32)) -> Self {
        Self { payload, format: Format::jpeg(width, height) }
    }
}

impl Admission {
    /// `quality` (1 to 100) is that of a JPEG made of a PNG.
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

    /// Admits a picture; a PNG is made into a JPEG on a thread of its own, a few at a time.
    ///
    /// # Errors
    /// What is wrong with the picture.
    pub async fn admit(&self, bytes: Bytes) -> Result<Jpeg, Error> {
        match image::admit(bytes, &self.limits)? {
            Admitted::Jpeg { payload, size } => Ok(Jpeg::new(payload, size)),
            Admitted::Png { file, size } => self.transcode(file, size).await,
        }
    }

    async fn transcode(&self, file: Bytes, size: (u32, u32)) -> Result<Jpeg, Error> {
        let quality = self.quality;
        let place = Arc::clone(&self.transcoders).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work itself, which goes on even if its client leaves.
            let _place = place;
            decode(&file, size, quality)
        });
        work.await.map_err(|_panicked| Error::DecoderPanicked)?
    }
}

/// [`Admission::admit`] on this very thread, which a PNG keeps busy for a while: not for an async one.
///
/// # Errors
/// What is wrong with the picture.
pub fn to_jpeg(bytes: Bytes, limits: &Limits, quality: u8) -> Result<Jpeg, Error> {
    match image::admit(bytes, limits)? {
        Admitted::Jpeg { payload, size } => Ok(Jpeg::new(payload, size)),
        Admitted::Png { file, size } => decode(&file, size, quality),
    }
}

fn decode(file: &[u8], size: (u32, u32), quality: u8) -> Result<Jpeg, Error> {
    let payload = media::png_to_jpeg(file, MAX_DECODED_PIXELS, quality)?.into();
    Ok(Jpeg::new(payload, size))
}
