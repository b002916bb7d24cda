//! What can go wrong on the way to another machine. The texts name the address, which holds no secret.

use std::{io, time::Duration};

/// Why there is no connection, or no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot reach {address}: {reason}")]
    Connect { address: String, reason: io::Error },
    #[error("connecting to {address} took longer than {after:?}")]
    Timeout { address: String, after: Duration },
    #[error("no secure connection to {address}: {reason}")]
    Tls { address: String, reason: String },
    #[error(
        "no secure connections: this machine has no certificates of authorities it trusts; install ca-certificates, \
         or name a file of them in SSL_CERT_FILE"
    )]
    NoRoots,
    #[error("{what} took longer than {after:?}")]
    Slow { what: &'static str, after: Duration },
    #[error("the connection broke: {reason}")]
    Broken { reason: String },
    #[error("its body is longer than {limit} bytes")]
    BodyTooLarge { limit: usize },
}

impl Error {
    /// From an error that hides its cause behind a general word, as hyper's do: the reason names the whole chain.
    pub fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let reason = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self::Broken { reason }
    }
}
