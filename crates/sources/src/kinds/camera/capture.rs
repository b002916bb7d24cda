//! One picture of a camera, and its form.

use hub::CaptureTime;
use media::raw::Layout;

/// The pixel format of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    Jpeg,
    Raw(Layout),
}

/// The mode that the driver has set, which need not be the requested one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mode {
    pub(super) pixels: Pixels,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes from one row to the next; meaningless for JPEG.
    pub(super) stride: u32,
}

/// One capture, copied out of the driver's buffer.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) mode: Mode,
    pub(super) bytes: Vec<u8>,
    pub(super) captured: Option<CaptureTime>,
    /// The driver says that the data is damaged.
    pub(super) damaged: bool,
}
