//! The bytes of an MJPEG response: `multipart/x-mixed-replace`, one part a frame.
//!
//! Here belongs what stands around a frame's payload. When to send what is the sender's business.
//!
//! A response is `opening`, then for each frame `head`, the JPEG, `trailer`, and in the end `closing`.
//! There are two framings, since no single one serves all readers (measured with Chromium 156, ffmpeg and OpenCV):
//! a browser paints a frame when it sees the *next* part's header end, and a `Content-Length` cannot be sent before
//! its frame is known; ffmpeg and OpenCV want `Content-Length`, and a body that begins with the delimiter.

use bytes::Bytes;

/// The response's Content-Type. The boundary has no dashes of its own: ffmpeg trips over those.
pub const CONTENT_TYPE: &str = "multipart/x-mixed-replace; boundary=frame";

/// The largest time in `X-Timestamp`: the end of the year 9999.
const MAX_TIMESTAMP_SECS: f64 = 253_402_300_799.0;

/// What stands around a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// For ffmpeg, OpenCV, VLC and our own clients: every part has its headers, `Content-Length` among them, and the
    /// next part's delimiter is sent with it.
    Length,
    /// For browsers: the next part's whole header is sent ahead, so that a frame is painted when it arrives and not
    /// when its successor does. It cannot say how long that successor will be, nor when it was taken.
    Ahead,
}

impl Framing {
    /// The first bytes of the body.
    pub fn opening(self) -> &'static [u8] {
        match self {
            Self::Length => b"--frame\r\n",
            Self::Ahead => b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
        }
    }

    /// What comes before a frame's JPEG of `len` bytes; empty for [`Framing::Ahead`].
    ///
    /// `timestamp_secs` is Unix time, the capture time if known; it is written with microseconds.
    pub fn head(self, len: usize, timestamp_secs: f64, seq: u64) -> Bytes {
        if self == Self::Ahead {
            return Bytes::new();
        }
        let timestamp =
            if timestamp_secs.is_finite() { timestamp_secs.clamp(0.0, MAX_TIMESTAMP_SECS) } else { 0.0 };
        let head = format!(
            "Content-Type: image/jpeg\r\nContent-Length: {len}\r\nX-Timestamp: {timestamp:.6}\r\nX-Frame-Seq: {seq}\r\n\r\n"
        );
        Bytes::from(head)
    }

    /// What comes after a frame's JPEG, sent together with it.
    pub fn trailer(self) -> &'static [u8] {
        match self {
            Self::Length => b"\r\n--frame\r\n",
            Self::Ahead => b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n",
        }
    }

    /// The last bytes of the body, after `opening`, a `trailer` or a heartbeat.
    ///
    /// A part has always been begun by then, and no bytes can take that back; these do least harm (ffmpeg 5.1 decodes
    /// each frame once and exits with 0, Chromium 156 keeps the last picture).
    /// `Length` is inside that part's headers: `--frame--` on a line of its own is no header, so readers meet the end
    /// there and drop the part. Ending the headers first would make it a frame of no bytes, which ffmpeg calls a
    /// corrupt packet and hands on.
    /// `Ahead` is inside that part's body, so a delimiter ends it empty.
    pub fn closing(self) -> &'static [u8] {
        match self {
            Self::Length => b"--frame--\r\n",
            Self::Ahead => b"\r\n--frame--\r\n",
        }
    }
}

/// The name of the header line that keeps an idle connection awake.
pub(crate) const HEARTBEAT_HEADER: &str = "X-Heartbeat";

/// One more header line of the coming part, for proxies that cut idle connections; readers ignore it.
///
/// Legal only between frames in [`Framing::Length`]. In [`Framing::Ahead`] the newest frame is repeated instead.
pub fn heartbeat_line(n: u64) -> Bytes {
    Bytes::from(format!("{HEARTBEAT_HEADER}: {n}\r\n"))
}
