//! The one error type of this crate. Each message says what was wrong, where,
//! and what to do; [`Error::code`] is the stable name a client sees.

use std::path::PathBuf;

/// What can go wrong with pictures and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The header promises more pixels than the caller allows.
    #[error(
        "the picture has {width}x{height} pixels, more than the {max} allowed; scale it down before sending"
    )]
    TooManyPixels { width: u64, height: u64, max: u64 },
    /// The bytes are not a JPEG that can be read.
    #[error("not a readable JPEG: {0}")]
    BadJpeg(String),
    /// The bytes are not a PNG that can be read.
    #[error("not a readable PNG: {0}")]
    BadPng(String),
    /// The bytes are not a PPM as it is read here.
    #[error("not a readable PPM: {0}")]
    BadPpm(String),
    /// A raw picture whose buffer does not fit what is said of it.
    #[error("the camera's buffer does not hold its picture: {0}")]
    BadRaw(String),
    /// A [`crate::Picture`] whose buffer does not fit its size.
    #[error("a {width}x{height} picture needs width * height * 3 bytes of RGB, not {bytes}")]
    BadPicture { width: u32, height: u32, bytes: usize },
    /// A [`crate::Picture`] that the JPEG format cannot hold.
    #[error("a JPEG is at most 65500 pixels wide and high, not {width}x{height}")]
    TooLargeForJpeg { width: u32, height: u32 },
    /// A size that the H.264 encoder does not take.
    #[error(
        "H.264 is 16x16 to 3840x2160 (or 2160x3840) pixels here, not {width}x{height}; record it as JPEG (codec mp4v)"
    )]
    UnfitForH264 { width: u32, height: u32 },
    /// A picture for an encoder that was made for another size.
    #[error(
        "the picture has {width}x{height} pixels, but the encoder is for {expected_width}x{expected_height}; make a new one"
    )]
    SizeChanged { width: u32, height: u32, expected_width: u32, expected_height: u32 },
    /// A lens whose bend cannot be undone.
    #[error("the lens cannot be straightened: {0}; correct its strength (k1), k2 to k4 or its balance")]
    UnfitLens(&'static str),
    /// H.264 that cannot be decoded, or a picture that its encoder refused.
    #[error("H.264 failed: {0}")]
    BadH264(String),
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// The file starts like none of the formats read here.
    #[error("{} is neither JPEG, MJPEG, AVI, MP4 nor QuickTime", path.display())]
    UnknownContainer { path: PathBuf },
    /// The file is sound, but its video is not made of JPEG pictures; another
    /// reader (ffmpeg) may take it.
    #[error(
        "the {container} file's video is '{codec}', not JPEG; convert it, for example with ffmpeg -i in -c:v mjpeg -q:v 3 out.avi"
    )]
    NotJpegInside {
        container: &'static str,
        /// The four characters of the codec, or a word where there are none.
        codec: String,
    },
    /// The file's structure contradicts itself or its own length.
    #[error("the {container} file is broken at byte {offset}: {reason}")]
    BrokenContainer { container: &'static str, offset: u64, reason: &'static str },
    /// One frame is larger than this crate reads into memory.
    #[error("frame {index} is {bytes} bytes, more than the {max} allowed")]
    FrameTooLarge { index: usize, bytes: u64, max: u64 },
    /// A fragment that is not written, because it could not be read again.
    #[error("the fragment cannot be written: {0}")]
    BadFragment(&'static str),
    /// The file may be sound, but it is not a recording as this crate writes it.
    #[error("{} is not a recording: {reason}", path.display())]
    NotARecording { path: PathBuf, reason: &'static str },
    /// A fragment number past the end.
    #[error("there is no fragment {index}: the recording has {fragments}, counted from 0")]
    NoSuchFragment { index: usize, fragments: usize },
    /// A frame number past the end.
    #[error("there is no frame {index}: the file has {frames}, counted from 0")]
    NoSuchFrame { index: usize, frames: usize },
}

impl Error {
    /// A stable name of the kind of error, for clients and tables.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooManyPixels { .. } => "TOO_MANY_PIXELS",
            Self::BadJpeg(_) => "BAD_JPEG",
            Self::BadPng(_) => "BAD_PNG",
            Self::BadPpm(_) => "BAD_PPM",
            Self::BadRaw(_) => "BAD_RAW",
            Self::BadPicture { .. } => "BAD_PICTURE",
            Self::TooLargeForJpeg { .. } => "TOO_LARGE_FOR_JPEG",
            Self::UnfitForH264 { .. } => "UNFIT_FOR_H264",
            Self::SizeChanged { .. } => "SIZE_CHANGED",
            Self::UnfitLens(_) => "UNFIT_LENS",
            Self::BadH264(_) => "BAD_H264",
            Self::Io { .. } => "FILE_UNREADABLE",
            Self::UnknownContainer { .. } => "UNKNOWN_CONTAINER",
            Self::NotJpegInside { .. } => "NOT_JPEG_INSIDE",
            Self::BrokenContainer { .. } => "BROKEN_CONTAINER",
            Self::FrameTooLarge { .. } => "FRAME_TOO_LARGE",
            Self::BadFragment(_) => "BAD_FRAGMENT",
            Self::NotARecording { .. } => "NOT_A_RECORDING",
            Self::NoSuchFragment { .. } => "NO_SUCH_FRAGMENT",
            Self::NoSuchFrame { .. } => "NO_SUCH_FRAME",
        }
    }
}
