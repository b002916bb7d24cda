//! Every way to watch a stream, through the routes: what comes, in which order, and what is refused.

mod codecs;
mod mjpeg;
mod snapshot;
mod wall;
mod websocket;
