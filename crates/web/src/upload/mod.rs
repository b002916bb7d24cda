//! Frame upload (document 003) as the network sees it: the conversation over a WebSocket, and the form of earlier
//! clients. What a session is and when it is analysed is `uploads`' business.

pub(crate) mod form;
mod play;
mod video;
pub(crate) mod websocket;

pub(crate) use play::analyse;
