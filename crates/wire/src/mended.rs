//! What is put right about what cameras and old clients send, so that it can be said once.

/// Something that was odd and was mended. Our own output never carries it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mended {
    /// Bytes before the beginning of a picture.
    Lead,
    /// Bytes after its end.
    Tail,
    /// Bytes between its segments.
    Junk,
    /// Its end marker was missing; all of its pixels are there.
    End,
    /// It lay on its side, or was mirrored.
    Turned,
    /// The body's own boundary is another than the announced one.
    Boundary,
    /// The pictures were found without the parts' headers and lengths.
    Framing,
    /// The head of an answer over HTTP.
    Head,
}

impl Mended {
    /// What was done, for logs and statistics.
    pub fn text(self) -> &'static str {
        match self {
            Self::Lead => "bytes before the beginning of the picture were dropped",
            Self::Tail => "bytes after the end of the picture were dropped",
            Self::Junk => "bytes between the segments of the picture were dropped",
            Self::End => "the picture's missing end marker was added",
            Self::Turned => "the picture was turned upright, as its EXIF orientation asks for",
            Self::Boundary => {
                "the body's own first line was taken for its boundary, for another was announced"
            }
            Self::Framing => {
                "its parts do not fit their headers: pictures are found by their own beginning and end"
            }
            Self::Head => {
                "the head of its HTTP answer was not as the standard wants it, and was read as it was meant"
            }
        }
    }
}
