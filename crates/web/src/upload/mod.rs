//! Frame upload over the network: the messages on a WebSocket, and the form of earlier clients. What a session is and
//! when it is analysed is the business of `uploads`.

pub(crate) mod form;
mod play;
mod video;
pub(crate) mod websocket;

pub(crate) use play::analyse;
