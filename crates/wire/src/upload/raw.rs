//! A picture without compression: `u32 height, u32 width, u32 channels`, little-endian, then as many bytes, BGR where
//! there are three channels, one grey one else. Clients that announce width and height may leave the header out.

const RAW_HEADER_BYTES: usize = 12;

/// A raw picture, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    pub width: u32,
    pub height: u32,
    /// 3: blue, green, red. 1: grey.
    pub channels: u32,
    /// `height * width * channels` bytes, rows from top to bottom.
    pub pixels: &'a [u8],
}

/// Why bytes are no raw picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    #[error(
        "the raw frame has {bytes} bytes: send u32 height, width and channels, little-endian, then the pixels"
    )]
    TooShort { bytes: usize },
    #[error(
        "the raw frame's header says {height} × {width} × {channels}, which its {bytes} bytes of pixels do not fill"
    )]
    WrongLength { height: u32, width: u32, channels: u32, bytes: usize },
    #[error("the raw frame has {channels} channels: 3 (BGR) and 1 (grey) are taken")]
    Channels { channels: u32 },
    #[error("the raw frame's header says {height} × {width}: a picture has pixels")]
    Empty { height: u32, width: u32 },
}

impl<'a> Raw<'a> {
    /// Reads a payload. `announced` is the session's width and height, with which `height * width * 3` bytes are a
    /// picture without a header.
    ///
    /// # Errors
    /// See [`RawError`].
    pub fn parse(bytes: &'a [u8], announced: Option<(u32, u32)>) -> Result<Self, RawError> {
        match Self::with_header(bytes) {
            Ok(raw) => Ok(raw),
            Err(error) => announced.and_then(|size| Self::bare(bytes, size)).ok_or(error),
        }
    }

    fn with_header(bytes: &'a [u8]) -> Result<Self, RawError> {
        let Some((header, pixels)) = bytes.split_first_chunk::<RAW_HEADER_BYTES>() else {
            return Err(RawError::TooShort { bytes: bytes.len() });
        };
        let [height, width, channels] = [0, 4, 8]
            .map(|at| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
        if width == 0 || height == 0 {
            return Err(RawError::Empty { height, width });
        }
        if length(width, height, channels) != Some(pixels.len() as u64) {
            return Err(RawError::WrongLength { height, width, channels, bytes: pixels.len() });
        }
        if channels != 3 && channels != 1 {
            return Err(RawError::Channels { channels });
        }
        Ok(Self { width, height, channels, pixels })
    }

    fn bare(pixels: &'a [u8], (width, height): (u32, u32)) -> Option<Self> {
        let fits = !pixels.is_empty() && length(width, height, 3) == Some(pixels.len() as u64);
        fits.then_some(Self { width, height, channels: 3, pixels })
    }

    /// The payload with its header.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(RAW_HEADER_BYTES + self.pixels.len());
        for number in [self.height, self.width, self.channels] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(self.pixels);
        bytes
    }
}

fn length(width: u32, height: u32, channels: u32) -> Option<u64> {
    u64::from(width).checked_mul(u64::from(height))?.checked_mul(u64::from(channels))
}
