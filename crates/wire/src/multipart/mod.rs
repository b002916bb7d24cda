//! Multipart bodies that come in: `multipart/form-data` and `multipart/x-mixed-replace` alike.
//!
//! Here belongs cutting a body into parts (RFC 2046 section 5.1) and reading their headers. What a part means is the
//! caller's business.
//!
//! The parser is our own because a general library hands a part out as a series of chunks, slices of the buffer that
//! the socket was read into. A frame must be one piece of memory, so those chunks would be copied a second time; and
//! kept as slices they would pin the read buffer. Ours copies each byte once, from the socket's chunk into the
//! frame's own buffer, and hands a frame out the moment its last byte is there.

mod boundary;
mod headers;
mod line;
mod parser;
mod search;

pub use boundary::boundary;
pub(crate) use boundary::{boundary_of_line, closes, delimits};
pub use headers::Headers;
pub use parser::{Event, Limits, Parser, Part};

/// Why a body is no multipart body for us. Positions count bytes from the start of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "the Content-Type is `{content_type}`, not multipart; send multipart/form-data or the image itself"
    )]
    NotMultipart { content_type: String },
    #[error(
        "a body of type '{content_type}' that is no picture is not taken: send a JPEG or PNG, multipart/form-data with a field 'frame', JPEGs one after the other, or multipart/x-mixed-replace"
    )]
    NotPictures { content_type: String },
    #[error("the multipart Content-Type has no boundary parameter; let your HTTP library set the header")]
    NoBoundary,
    #[error("the boundary `{boundary}` {reason}")]
    BadBoundary { boundary: String, reason: &'static str },
    #[error(
        "no line `{expected}` in the first {position} bytes of the body, which starts with `{found}`; does the boundary parameter of the Content-Type fit the body?"
    )]
    NoDelimiter { expected: String, found: String, position: u64 },
    #[error(
        "the headers of a part pass {limit} bytes at byte {position}; is the blank line after them missing?"
    )]
    HeadersTooLarge { limit: usize, position: u64 },
    #[error("bad header line `{line}` at byte {position}: {reason}")]
    MalformedHeader { line: String, reason: &'static str, position: u64 },
    #[error("the part that begins at byte {position} is larger than {limit} bytes")]
    PartTooLarge { limit: usize, position: u64 },
    #[error(
        "`{found}` at byte {position} where the line `{expected}` belongs: the part's Content-Length does not fit its body"
    )]
    LengthMismatch { expected: String, found: String, position: u64 },
    #[error("the body ends at byte {position}, inside a part; it was cut off")]
    EndsInsidePart { position: u64 },
    #[error("the body ends at byte {position} without the closing line `{expected}`; it was cut off")]
    NotClosed { expected: String, position: u64 },
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotMultipart { .. } => "NOT_MULTIPART",
            Self::NotPictures { .. } => "UNSUPPORTED_CONTENT_TYPE",
            Self::NoBoundary | Self::BadBoundary { .. } => "BAD_BOUNDARY",
            Self::NoDelimiter { .. } => "NO_DELIMITER",
            Self::HeadersTooLarge { .. } => "PART_HEADERS_TOO_LARGE",
            Self::MalformedHeader { .. } => "BAD_PART_HEADER",
            Self::PartTooLarge { .. } => "PART_TOO_LARGE",
            Self::LengthMismatch { .. } => "PART_LENGTH_MISMATCH",
            Self::EndsInsidePart { .. } | Self::NotClosed { .. } => "BODY_CUT_OFF",
        }
    }
}
