//! Preconditions of a download: RFC 9110, section 13, in the order of section 13.2.2.

use http::{HeaderMap, HeaderName, header};
use jiff::{Timestamp, fmt::rfc2822};

/// What identifies the bytes that a file has now.
#[derive(Debug, Clone)]
pub(crate) struct Validators {
    /// Strong, in quotes.
    pub(crate) etag: String,
    /// To the second, as the header has it.
    pub(crate) modified: Timestamp,
    /// The file only grows, and keeps its ETag meanwhile: a client that has a part can fetch the rest, but none has all.
    pub(crate) growing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Send,
    NotModified,
    PreconditionFailed,
}

impl Validators {
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Verdict {
        let holds = match text(headers, header::IF_MATCH) {
            Some(tags) => names(tags, &self.etag, Comparison::Strong),
            None => date(headers, header::IF_UNMODIFIED_SINCE).is_none_or(|since| self.modified <= since),
        };
        if !holds {
            return Verdict::PreconditionFailed;
        }
        if self.growing {
            return Verdict::Send;
        }
        let known = match text(headers, header::IF_NONE_MATCH) {
            Some(tags) => names(tags, &self.etag, Comparison::Weak),
            None => date(headers, header::IF_MODIFIED_SINCE).is_some_and(|since| self.modified <= since),
        };
        if known { Verdict::NotModified } else { Verdict::Send }
    }

    /// Whether a range may be sent: `If-Range` is absent, or names exactly these bytes (section 13.1.5).
    pub(crate) fn allow_range(&self, headers: &HeaderMap) -> bool {
        let Some(condition) = text(headers, header::IF_RANGE) else { return true };
        if condition.contains('"') {
            return names(condition, &self.etag, Comparison::Strong);
        }
        // The time of a file that is being written says too little of its bytes.
        !self.growing && date(headers, header::IF_RANGE) == Some(self.modified)
    }

    pub(crate) fn last_modified(&self) -> Option<String> {
        rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.modified).ok()
    }
}

/// Whether the client has what this ETag names: `If-None-Match` (section 13.1.2).
pub(crate) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    text(headers, header::IF_NONE_MATCH).is_some_and(|tags| names(tags, etag, Comparison::Weak))
}

#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Strong,
    Weak,
}

/// Section 8.8.3.2. `*` names whatever there is.
fn names(tags: &str, etag: &str, comparison: Comparison) -> bool {
    let is_named = |tag: &str| {
        let opaque = match comparison {
            Comparison::Strong => tag,
            Comparison::Weak => tag.trim_start_matches("W/"),
        };
        tag == "*" || opaque == etag
    };
    // No ETag of ours holds a comma.
    tags.split(',').any(|tag| is_named(tag.trim()))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// A date that cannot be read is as good as none.
fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text(headers, name)?).ok()
}

#[cfg(test)]
mod tests;
