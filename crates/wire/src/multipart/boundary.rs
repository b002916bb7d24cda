//! The boundary, from the Content-Type header to the lines that it makes in the body.

use super::{Error, headers, line::without_end};

/// RFC 2046 allows 70; some cameras announce more.
const MAX_BOUNDARY_BYTES: usize = 200;

/// The boundary that a Content-Type header announces, with or without quotes. Any `multipart/*` is taken.
///
/// # Errors
/// [`Error::NotMultipart`], [`Error::NoBoundary`], [`Error::BadBoundary`].
pub fn boundary(content_type: &str) -> Result<String, Error> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_multipart =
        kind.trim().get(.."multipart/".len()).is_some_and(|it| it.eq_ignore_ascii_case("multipart/"));
    if !is_multipart {
        return Err(Error::NotMultipart { content_type: crate::preview(content_type.as_bytes()) });
    }
    let value = headers::parameter(parameters, "boundary").ok_or(Error::NoBoundary)?;
    check(&value)?;
    Ok(value)
}

/// Whether a whole line, without its end, is the delimiter of that boundary.
pub(crate) fn delimits(boundary: &str, line: &[u8]) -> bool {
    Delimiter::new(boundary).classify(line) == Kind::Delimiter
}

/// Whether a line closes a body of that boundary.
pub(crate) fn closes(boundary: &str, line: &[u8]) -> bool {
    Delimiter::new(boundary).is_closing(line)
}

/// The boundary that a body uses whose first line this is, if it can be one.
pub(crate) fn boundary_of_line(line: &[u8]) -> Option<&str> {
    let boundary = std::str::from_utf8(line.strip_prefix(b"--")?).ok()?.trim_end();
    // A header may follow in the same line: then the delimiter is not known.
    (check(boundary).is_ok() && !boundary.contains(": ")).then_some(boundary)
}

fn check(boundary: &str) -> Result<(), Error> {
    let bad = |reason| Err(Error::BadBoundary { boundary: crate::preview(boundary.as_bytes()), reason });
    if boundary.is_empty() {
        return bad("is empty");
    }
    if boundary.len() > MAX_BOUNDARY_BYTES {
        return bad("is longer than 200 bytes");
    }
    if !boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return bad("has bytes that are no printable ASCII");
    }
    if boundary.ends_with(' ') {
        return bad("ends with a space");
    }
    Ok(())
}

/// How lines end. The peer's delimiter line decides, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// As RFC 2046 wants it.
    Crlf,
    /// A named tolerance: hand-written publishers (shell scripts, microcontrollers) end lines with LF alone.
    Lf,
}

impl LineEnd {
    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Crlf => b"\r\n",
            Self::Lf => b"\n",
        }
    }

    /// How a whole line ends.
    pub(super) fn of(line: &[u8]) -> Self {
        if line.ends_with(b"\r\n") { Self::Crlf } else { Self::Lf }
    }
}

/// What a line is with respect to the boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Delimiter,
    Closing,
    Other,
}

/// The delimiter lines of a body.
///
/// A named tolerance: peers whose announced boundary contains the dashes already (`boundary=--ffserver`, as many
/// cameras and old ffservers do) put no further ones before it. Whether a peer is one of them shows at the first
/// delimiter.
#[derive(Debug)]
pub(super) struct Delimiter {
    /// `--boundary`.
    dashed: Vec<u8>,
    /// The boundary as announced, if it may be the whole delimiter.
    as_announced: Option<Vec<u8>>,
}

impl Delimiter {
    pub(super) fn new(boundary: &str) -> Self {
        let has_dashes = boundary.starts_with("--") && !boundary.trim_matches('-').is_empty();
        Self {
            dashed: [b"--", boundary.as_bytes()].concat(),
            as_announced: has_dashes.then(|| boundary.as_bytes().to_vec()),
        }
    }

    /// The delimiter that the body is held to.
    pub(super) fn expected(&self) -> &[u8] {
        &self.dashed
    }

    /// What a whole line (without its end) is. Spaces and tabs after the delimiter are transport padding.
    pub(super) fn classify(&self, line: &[u8]) -> Kind {
        if self.is_closing(line) {
            return Kind::Closing;
        }
        let padded =
            |delimiter: &[u8]| line.strip_prefix(delimiter).is_some_and(|rest| rest.trim_ascii().is_empty());
        if padded(&self.dashed) || self.as_announced.as_deref().is_some_and(padded) {
            return Kind::Delimiter;
        }
        Kind::Other
    }

    /// Whether a line, whole or not, closes the body. Nothing that follows matters, so nothing is waited for: the
    /// last bytes of a body often are the closing delimiter without a line end.
    pub(super) fn is_closing(&self, line: &[u8]) -> bool {
        let closes =
            |delimiter: &[u8]| line.strip_prefix(delimiter).is_some_and(|rest| rest.starts_with(b"--"));
        closes(&self.dashed) || self.as_announced.as_deref().is_some_and(closes)
    }

    /// Whether a line that broke off may have become a delimiter line.
    pub(super) fn may_be(&self, line: &[u8]) -> bool {
        self.dashed.starts_with(line) || self.classify(without_end(line)) != Kind::Other
    }

    /// Fixes the peer's way at its first delimiter line, so that the rest of the body is held to it; true when that
    /// changes the delimiter.
    pub(super) fn settle(&mut self, line: &[u8]) -> bool {
        let Some(announced) = self.as_announced.take() else {
            return false;
        };
        let changes = !line.starts_with(&self.dashed);
        if changes {
            self.dashed = announced;
        }
        changes
    }

    /// What ends a body of unknown length: a line end and the delimiter.
    pub(super) fn needle(&self, line_end: LineEnd) -> Vec<u8> {
        [line_end.bytes(), &self.dashed].concat()
    }
}
