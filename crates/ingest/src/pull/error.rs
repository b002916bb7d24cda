//! Why an attempt at a source ended. All of these are tried again; the texts are shown in the stream's statistics,
//! so they name no secret.

use std::time::Duration;

/// The end of one attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream itself no longer takes frames from this source.
    #[error(transparent)]
    Stream(#[from] hub::PublishError),

    #[error(transparent)]
    Net(#[from] net::Error),

    #[error(transparent)]
    WebSocket(#[from] net::ws::Ended),

    #[error("it sent what is no message: {0}")]
    Message(#[from] wire::fragments::Error),

    #[error("no picture came for {0:?}")]
    Silent(Duration),

    #[error("the other side ended the stream")]
    Ended,

    #[error("it answered {status}{hint}")]
    Refused { status: u16, hint: &'static str },

    #[error("it asks for a password in a way not known here: {reason}")]
    Challenge { reason: String },

    #[error("it redirects more than {limit} times")]
    Redirects { limit: usize },

    #[error("it redirects to something that is no http address")]
    RedirectTarget,

    #[error(
        "it redirects further into this network or machine, or from https to http, which is not followed: if that is \
         right, make the address it redirects to the source's"
    )]
    RedirectInside,

    #[error("there is no WebSocket at this address")]
    NoWebSocket,

    #[error(
        "it answers with {content_type}; a source is an MJPEG stream (multipart/x-mixed-replace) or a picture (image/jpeg)"
    )]
    ContentType { content_type: String },

    #[error(
        "its answer is packed with {coding}, which was not asked for; turn that off in the camera or its proxy"
    )]
    Packed { coding: String },

    #[error("its MJPEG stream cannot be read: {0}")]
    Mjpeg(#[from] wire::multipart::Error),

    /// A picture whose bytes have not all been read.
    #[error(transparent)]
    Picture(#[from] wire::image::Refused),
}
