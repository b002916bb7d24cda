//! The ingest: what a picture must be to become a frame. JPEG passes byte for byte once its markers have been walked;
//! PNG is transcoded here, once, whatever the number of viewers. Whatever is refused leaves the stream as it was.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use hub::{CaptureTime, Claim, Format, Frame, NewFrame, Publisher, StreamName};
use wire::image::{self, Kind};

use crate::{App, clock, error::ApiError};

/// A picture of more pixels would take a viewer's browser down (and a header may claim 65500×65500 for nothing):
/// above this no sensor in the field delivers at video rate.
const MAX_PIXELS: u64 = 100_000_000;
/// A PNG is decoded here, at three bytes a pixel: 8K UHD is the largest that is taken.
const MAX_PNG_PIXELS: u64 = 7680 * 4320;

/// A picture with what its sender said of it.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    pub(crate) bytes: Bytes,
    pub(crate) captured: Option<CaptureTime>,
    pub(crate) source_seq: Option<u64>,
    pub(crate) metadata: Option<Arc<str>>,
}

/// One publisher's way into one stream. The stream is made by the first good frame.
pub(crate) struct Ingest {
    app: Arc<App>,
    name: StreamName,
    claim: Claim,
    publisher: Option<Arc<Publisher>>,
}

impl Ingest {
    /// Fails at once if the first frame would be refused whatever it is.
    pub(crate) fn open(app: Arc<App>, name: StreamName, claim: Claim) -> Result<Self, ApiError> {
        app.hub().check_claim(&name, claim, clock::now())?;
        Ok(Self { app, name, claim, publisher: None })
    }

    pub(crate) fn name(&self) -> &StreamName {
        &self.name
    }

    /// The claim on the stream, once the first good frame has made it.
    pub(crate) fn publisher(&self) -> Option<Arc<Publisher>> {
        self.publisher.clone()
    }

    /// Takes a picture into the stream.
    pub(crate) async fn admit(&mut self, arrival: Arrival) -> Result<Arc<Frame>, Refusal> {
        match self.check(arrival).await {
            Ok(frame) => self.publish(frame).map_err(Refusal::Stream),
            Err(error) => {
                self.count_rejected();
                Err(Refusal::Picture(error))
            }
        }
    }

    /// Counts a picture that was refused before it came to [`admit`](Self::admit).
    pub(crate) fn count_rejected(&self) {
        self.app.metrics().count_rejected();
        if let Some(stream) = self.app.hub().stream(&self.name) {
            stream.count_rejected();
        }
    }

    fn publish(&mut self, frame: NewFrame) -> Result<Arc<Frame>, ApiError> {
        let now = clock::now();
        let publisher = match &mut self.publisher {
            Some(publisher) => publisher,
            none => none.insert(Arc::new(self.app.hub().publisher(&self.name, self.claim, now)?)),
        };
        Ok(publisher.publish(frame, now)?)
    }

    async fn check(&self, arrival: Arrival) -> Result<NewFrame, ApiError> {
        let Arrival { bytes, captured, source_seq, metadata } = arrival;
        if bytes.is_empty() {
            let message = "the frame is empty: send a JPEG or PNG image";
            return Err(ApiError::bad_request("EMPTY_FRAME", message));
        }
        let max = self.app.settings().max_frame_bytes;
        if bytes.len() > max {
            return Err(too_large(max));
        }
        let kind = image::sniff(&bytes).map_err(|error| not_an_image(&error))?;
        let max_pixels = if matches!(kind, Kind::Png { .. }) { MAX_PNG_PIXELS } else { MAX_PIXELS };
        check_pixels(kind.width(), kind.height(), max_pixels)?;
        let (payload, format) = match kind {
            Kind::Jpeg(info) => {
                let payload = if info.has_huffman_tables {
                    bytes
                } else {
                    wire::jpeg::with_standard_tables(&bytes).into()
                };
                (payload, Format::jpeg(info.width.into(), info.height.into()))
            }
            Kind::Png { width, height } => (self.transcode(bytes).await?, Format::jpeg(width, height)),
        };
        Ok(NewFrame { payload, format, captured, source_seq, metadata })
    }

    /// PNG to JPEG on a thread that may be busy for a while, a few at a time.
    async fn transcode(&self, png: Bytes) -> Result<Bytes, ApiError> {
        let quality = self.app.settings().jpeg_quality;
        let place = Arc::clone(self.app.transcoders()).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work itself, which goes on even if its client leaves.
            let _place = place;
            let picture = media::png::decode(&png, MAX_PNG_PIXELS)?;
            media::jpeg::encode(&picture, quality)
        });
        let failed =
            |reason: String| ApiError::bad_request("BAD_PNG", format!("the PNG cannot be decoded: {reason}"));
        match work.await {
            Ok(Ok(jpeg)) => Ok(jpeg.into()),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_panicked) => Err(failed("the decoder gave up".to_owned())),
        }
    }
}

/// Why a picture did not become a frame.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This picture is at fault; the next one may be good.
    Picture(ApiError),
    /// The stream no longer takes frames from this publisher.
    Stream(ApiError),
}

impl Refusal {
    pub(crate) fn into_error(self) -> ApiError {
        match self {
            Self::Picture(error) | Self::Stream(error) => error,
        }
    }
}

pub(crate) fn too_large(max: usize) -> ApiError {
    let message = format!(
        "the frame is larger than {max} bytes: send a smaller one, or raise server.max_frame_size_mb"
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "FRAME_TOO_LARGE", message)
}

/// 415 for what we do not take however whole it is, 400 for a picture of ours that is damaged.
fn not_an_image(error: &image::Error) -> ApiError {
    let status = match error.code() {
        "NOT_AN_IMAGE" | "UNSUPPORTED_JPEG" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => StatusCode::BAD_REQUEST,
    };
    ApiError::new(status, error.code(), error.to_string())
}

fn check_pixels(width: u32, height: u32, max: u64) -> Result<(), ApiError> {
    if u64::from(width) * u64::from(height) <= max {
        return Ok(());
    }
    let message = format!("the picture claims {width}×{height} pixels: at most {max} are taken");
    Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "PICTURE_TOO_LARGE", message))
}
