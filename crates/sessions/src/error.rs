//! Why a connection to a simulator's WebSocket ended. All of these are tried again; the texts are shown to the clients.

use ingest::pull;
use wire::fragments;

use crate::close::Close;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Of the stream or the connection.
    #[error(transparent)]
    Pull(#[from] pull::Error),

    #[error("it closed the connection{0}")]
    Closed(Close),

    #[error("it sent what is no message: {0}")]
    Message(#[from] fragments::Error),
}
