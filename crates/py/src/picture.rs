//! A picture on its way from an array to a JPEG: a copy of its bytes and how they lie.

use media::raw::{Layout, Raw};

#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// Rows without gaps.
    pub(crate) pixels: Vec<u8>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) order: Order,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Rgb,
    Bgr,
    Grey,
}

impl Picture {
    pub(crate) fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, String> {
        let (layout, channels) = match self.order {
            Order::Rgb => (Layout::Rgb, 3),
            Order::Bgr => (Layout::Bgr, 3),
            Order::Grey => (Layout::Grey, 1),
        };
        let (width, height) = (self.width, self.height);
        let raw = Raw { bytes: &self.pixels, layout, width, height, stride: width * channels };
        raw.to_jpeg(quality).map_err(|error| error.to_string())
    }
}
