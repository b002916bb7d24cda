//! JPEG, or a picture that is drawn on, to H.264.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, ColorPrimaries, Complexity, EncoderConfig, FrameRate, FrameType, IntraFramePeriod,
    MatrixCoefficients, QpRange, RateControlMode, TransferCharacteristics, VuiConfig,
};

use super::planes::I420;
use crate::{Error, Picture, Result, jpeg};

/// `nal_unit_type` (H.264, table 7-1).
const SPS: u8 = 7;
const PPS: u8 = 8;

/// The codec takes no side shorter than a macroblock's.
const MIN_SIDE: u32 = 16;

/// Its longest picture is this wide and high, or this high and wide (level 5.2).
const MAX_SIDES: (u32, u32) = (3840, 2160);

/// What a recording may take: a tenth to a twentieth of JPEGs of quality 85.
const BITS_PER_PIXEL: f64 = 0.1;

/// What the rate control needs at least; it matters below 100 pixels a side.
const MIN_BITS_PER_SECOND: f64 = 64_000.0;

/// Quantisers used, of 0 to 51: a floor that spends nothing on detail hardly seen, and
/// a ceiling that keeps hard scenes legible at the cost of the rate.
const QP: (u8, u8) = (18, 38);

/// Frames a second that the rate is shared among.
const FPS: std::ops::RangeInclusive<f64> = 1.0..=60.0;

/// Turns the JPEG pictures of one size into H.264 (Constrained Baseline: no frame
/// waits for a later one).
///
/// The rate control is openh264's quality mode: it aims at 0.1 bits a pixel, moves
/// the quantiser within 18 to 38, and never leaves a frame out.
pub struct Encoder {
    codec: openh264::encoder::Encoder,
    width: u32,
    height: u32,
}

/// One picture as H.264.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// NAL units, each behind its length in four bytes, without parameter sets.
    pub avcc: Vec<u8>,
    /// Whether it decodes on its own.
    pub key: bool,
    /// Sequence and picture parameter set, with a key frame; the same throughout
    /// the life of an encoder.
    pub parameter_sets: Option<(Vec<u8>, Vec<u8>)>,
}

impl Encoder {
    /// An encoder for pictures of this size, which come about `fps_hint` times a
    /// second. An odd side is made even by repeating its last column or row.
    ///
    /// # Errors
    /// [`Error::UnfitForH264`], or [`Error::BadH264`] when there is no memory for it.
    pub fn new(width: u32, height: u32, fps_hint: f64) -> Result<Self> {
        let (longer, shorter) = (width.max(height), width.min(height));
        if shorter < MIN_SIDE || longer > MAX_SIDES.0 || shorter > MAX_SIDES.1 {
            return Err(Error::UnfitForH264 { width, height });
        }
        let config = config(width, height, fps_hint);
        let mut codec = openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)?;
        silence(&mut codec);
        Ok(Self { codec, width, height })
    }

    /// Encodes one picture. The first one and those with `key` are key frames; no
    /// others are.
    ///
    /// # Errors
    /// [`Error::SizeChanged`], [`Error::TooManyPixels`] or [`Error::BadJpeg`], after
    /// which the encoder is as it was; [`Error::BadH264`], after which it is to be
    /// dropped.
    pub fn encode(&mut self, jpeg: &[u8], key: bool) -> Result<Encoded> {
        let planes = jpeg::decode_planes(jpeg, u64::from(MAX_SIDES.0) * u64::from(MAX_SIDES.1))?;
        self.check(planes.width as u32, planes.height as u32)?;
        self.encode_planes(&I420::new(planes)?, key)
    }

    /// As [`Encoder::encode`], for a picture whose colours are sRGB.
    ///
    /// # Errors
    /// [`Error::BadPicture`] or [`Error::SizeChanged`], after which the encoder is as it was; [`Error::BadH264`], after
    /// which it is to be dropped.
    pub fn encode_picture(&mut self, picture: &Picture, key: bool) -> Result<Encoded> {
        picture.check()?;
        self.check(picture.width, picture.height)?;
        self.encode_planes(&I420::of_colours(picture), key)
    }

    fn check(&self, width: u32, height: u32) -> Result<()> {
        if (width, height) != (self.width, self.height) {
            let (expected_width, expected_height) = (self.width, self.height);
            return Err(Error::SizeChanged { width, height, expected_width, expected_height });
        }
        Ok(())
    }

    fn encode_planes(&mut self, picture: &I420, key: bool) -> Result<Encoded> {
        if !picture.is_whole() {
            return Err(Error::BadJpeg("its planes do not cover it".into()));
        }
        if key {
            self.codec.force_intra_frame();
        }
        let stream = self.codec.encode(picture)?;
        let encoded = collect(&stream);
        if encoded.avcc.is_empty() {
            return Err(Error::BadH264("the encoder gave no frame".into()));
        }
        Ok(encoded)
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

/// Keeps the codec from writing to the error output: it warns of each encoder that
/// leaves no frame out. The crate does this too late, after the warning.
fn silence(codec: &mut openh264::encoder::Encoder) {
    /// `ENCODER_OPTION_TRACE_LEVEL` and `WELS_LOG_QUIET` (codec_app_def.h).
    const TRACE_LEVEL: i32 = 25;
    const QUIET: i32 = 0;

    let mut level = QUIET;
    // SAFETY: the codec takes this option at any time; it reads one int32_t from
    // the pointer, which is valid for the call, and does not keep it.
    unsafe { codec.raw_api().set_option(TRACE_LEVEL, (&raw mut level).cast()) };
}

fn config(width: u32, height: u32, fps_hint: f64) -> EncoderConfig {
    // NaN, too, becomes a rate.
    let fps = if fps_hint >= *FPS.start() { fps_hint.min(*FPS.end()) } else { *FPS.start() };
    let bits_per_second = f64::from(width) * f64::from(height) * fps * BITS_PER_PIXEL;
    let colours = VuiConfig::new()
        .color_primaries(ColorPrimaries::Bt709)
        .transfer_characteristics(TransferCharacteristics::Srgb)
        .matrix_coefficients(MatrixCoefficients::Smpte170M)
        .full_range(true);
    EncoderConfig::new()
        .rate_control_mode(RateControlMode::Quality)
        .bitrate(BitRate::from_bps(bits_per_second.max(MIN_BITS_PER_SECOND) as u32))
        .max_frame_rate(FrameRate::from_hz(fps as f32))
        .qp(QpRange::new(QP.0, QP.1))
        .complexity(Complexity::Low)
        .intra_frame_period(IntraFramePeriod::auto())
        // It would set key frames of its own.
        .scene_change_detect(false)
        .skip_frames(false)
        // One stream a thread: the recorder has many.
        .num_threads(1)
        .vui(colours)
}

/// Sorts the NAL units of a frame.
fn collect(stream: &openh264::encoder::EncodedBitStream<'_>) -> Encoded {
    let (mut avcc, mut sps, mut pps) = (Vec::new(), None, None);
    for layer in (0..stream.num_layers()).filter_map(|at| stream.layer(at)) {
        for unit in (0..layer.nal_count()).filter_map(|at| layer.nal_unit(at)) {
            let unit = without_start_code(unit);
            match unit.first().map(|header| header & 0x1F) {
                None => {}
                Some(SPS) => sps = Some(unit.to_vec()),
                Some(PPS) => pps = Some(unit.to_vec()),
                Some(_) => {
                    avcc.extend((unit.len() as u32).to_be_bytes());
                    avcc.extend(unit);
                }
            }
        }
    }
    Encoded { avcc, key: stream.frame_type() == FrameType::IDR, parameter_sets: sps.zip(pps) }
}

fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|byte| **byte == 0).count();
    unit.get(zeros + 1..).unwrap_or_default()
}
