//! What can go wrong when speaking to a hub, with the URL it happened at. The texts are complete sentences that a
//! command may print as they are; [`Error::code`] is the stable name for programs.

use std::time::Duration;

/// An error of this crate. Each names the URL concerned, never a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("'{url}' cannot be used: {reason}")]
    BadUrl { url: String, reason: String },

    #[error("no secure connection to {url}: {reason}")]
    Tls { url: String, reason: String },

    #[error("the API key holds characters that no HTTP header can carry")]
    BadKey,

    #[error("cannot reach {url}: {reason}")]
    Connect { url: String, reason: std::io::Error },

    #[error("{url}: {what} took longer than {after:?}")]
    Timeout { url: String, what: &'static str, after: Duration },

    /// The hub answered, and said no. `message` is its own `error` text where it sent one, `hub_code` its
    /// `code`.
    #[error("{url} answered {status}: {message}")]
    Refused { url: String, status: u16, hub_code: Option<String>, message: String },

    /// The hub ended an upload, or did not begin it. `hub_code` is the message's `error_code`.
    #[error("{url}, session '{session_id}': {message} ({hub_code})")]
    Session { url: String, session_id: String, hub_code: &'static str, message: String },

    /// The hub answered something this client cannot make use of.
    #[error("{url} gave an unexpected answer: {reason}")]
    BadReply { url: String, reason: String },

    /// The other side ended the connection, or the network did.
    #[error("the connection to {url} ended: {reason}")]
    Closed { url: String, close_code: Option<u16>, reason: String },
}

impl Error {
    /// What went wrong below, at the URL it happened at.
    pub(crate) fn at(url: &str, error: net::Error) -> Error {
        let url = url.to_owned();
        match error {
            net::Error::Connect { reason, .. } => Error::Connect { url, reason },
            net::Error::Timeout { after, .. } => Error::Timeout { url, what: "connecting", after },
            net::Error::Slow { what, after } => Error::Timeout { url, what, after },
            net::Error::Broken { reason } => Error::Closed { url, close_code: None, reason },
            net::Error::Tls { reason, .. } => Error::Tls { url, reason },
            error @ net::Error::BodyTooLarge { .. } => Error::BadReply { url, reason: error.to_string() },
            error => Error::Tls { url, reason: error.to_string() },
        }
    }

    /// A stable name of the kind of error; the hub's own code where it refused.
    pub fn code(&self) -> &str {
        match self {
            Error::BadUrl { .. } => "BAD_URL",
            Error::Tls { .. } => "TLS_FAILED",
            Error::BadKey => "BAD_KEY",
            Error::Connect { .. } => "CONNECT_FAILED",
            Error::Timeout { .. } => "TIMEOUT",
            Error::Refused { hub_code, .. } => hub_code.as_deref().unwrap_or("REFUSED"),
            Error::Session { hub_code, .. } => hub_code,
            Error::BadReply { .. } => "BAD_REPLY",
            Error::Closed { .. } => "CLOSED",
        }
    }

    /// Whether the same request may succeed later: after a failure of the network, a restart, a limit that was reached,
    /// or while another publisher still holds the stream.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Connect { .. } | Error::Timeout { .. } | Error::Closed { .. } => true,
            Error::Refused { status, .. } => matches!(status, 408 | 409 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}
