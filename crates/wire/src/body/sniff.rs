//! What a body is, by its first bytes and what was announced.

use crate::{image, multipart};

/// So much of a body is looked at. A boundary has 200 bytes at most.
pub(super) const MOST_BYTES: usize = 512;

/// What the head before a body says of it.
#[derive(Debug)]
pub(super) struct Announced {
    /// `multipart/…`, with the boundary if that was any good.
    parts: Option<Option<String>>,
    /// `image/…`: it is one picture, if it has a length as well.
    pub(super) is_image: bool,
    /// `video/…`: many, also with a length.
    is_video: bool,
    /// Neither of these, and not nothing: without its parameters.
    pub(super) other: Option<String>,
    pub(super) length: Option<u64>,
}

/// What a body turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// Of that length, if it is known.
    Picture(Option<u64>),
    Pictures,
    Parts {
        boundary: String,
        /// Another one was announced.
        is_another: bool,
        /// The first part begins without a delimiter.
        lacks_first: bool,
    },
}

impl Announced {
    pub(super) fn new(content_type: &str, length: Option<u64>) -> Self {
        let is = |kind: &str| {
            content_type
                .trim_start()
                .get(..kind.len())
                .is_some_and(|begins| begins.eq_ignore_ascii_case(kind))
        };
        let parts = is("multipart/").then(|| multipart::boundary(content_type).ok());
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let is_known =
            parts.is_some() || is("image/") || is("application/octet-stream") || essence.is_empty();
        let other = (!is_known).then(|| essence.to_ascii_lowercase());
        Self { parts, is_image: is("image/"), is_video: is("video/"), other, length }
    }

    /// `None`: more bytes are needed. `is_all`: there are no more.
    pub(super) fn sniff(&self, bytes: &[u8], is_all: bool) -> Option<Found> {
        let is_all = is_all || bytes.len() >= MOST_BYTES;
        let begins = without_blanks(bytes);
        if begins.starts_with(&[0xFF, 0xD8]) {
            return Some(if self.is_one_picture() { Found::Picture(self.length) } else { Found::Pictures });
        }
        let may_become_picture = begins.len() < image::MAGIC_BYTES;
        let line_end = memchr::memchr(b'\n', begins);
        if !is_all && (may_become_picture || (line_end.is_none() && is_text(begins))) {
            return None;
        }
        let (line, after) = begins.split_at(line_end.unwrap_or(begins.len()));
        let after = after.trim_ascii_start();
        if line.starts_with(b"--") && line_end.is_some() && after.is_empty() && !is_all {
            return None; // whether this line ends the body shows when something follows
        }
        Some(self.parts(line.trim_ascii_end(), !after.is_empty()).unwrap_or(Found::Picture(self.length)))
    }

    pub(super) fn are_parts(&self) -> bool {
        self.parts.is_some()
    }

    /// Without a length it may as well be the first of many.
    fn is_one_picture(&self) -> bool {
        self.length.is_some() && self.parts.is_none() && !self.is_video
    }

    /// A multipart body, if its first line says so or it was announced as one.
    fn parts(&self, line: &[u8], goes_on: bool) -> Option<Found> {
        let announced = self.parts.as_ref().and_then(Option::as_ref);
        let with = |boundary: &str, is_another, lacks_first| {
            Some(Found::Parts { boundary: boundary.to_owned(), is_another, lacks_first })
        };
        if let Some(boundary) = announced {
            let closes = multipart::closes(boundary, line);
            if multipart::delimits(boundary, line) || (closes && !goes_on) {
                return with(boundary, false, false);
            }
        }
        if let Some(own) = multipart::boundary_of_line(line) {
            return with(own, announced.is_some(), false);
        }
        let lacks_first = line.get(..8).is_some_and(|begins| begins.eq_ignore_ascii_case(b"content-"));
        match announced {
            Some(boundary) if !line.starts_with(b"--") => with(boundary, false, lacks_first),
            // The delimiter is not to be made out.
            _ => self.parts.is_some().then_some(Found::Pictures),
        }
    }
}

/// Whether the bytes may be the beginning of a line that says something about a body.
fn is_text(bytes: &[u8]) -> bool {
    !image::begins_as_one(bytes) && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r'))
}

/// Without the line ends and zeros before the first picture or delimiter.
pub(super) fn without_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes.iter().take_while(|byte| matches!(byte, 0 | b'\r' | b'\n' | b' ')).count();
    &bytes[blanks..]
}
