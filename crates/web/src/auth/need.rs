//! The right that a route needs.

use access::Scope;

/// What a request has to be allowed before its handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: probes, and the login itself. What a probe counts is what the request may see.
    Nothing,
    /// Any right: pages, the files that they load, the description of the routes. They hold neither pictures nor names.
    Any,
    /// The scope on the stream that the path's first parameter names.
    On(Scope),
    /// The scope on some stream: the handler checks the request's grant for each stream that it touches or shows.
    Somewhere(Scope),
    /// The same, and always with a key, whatever is open to everyone (the robot's stream).
    Keyed(Scope),
    /// `Live` on some stream to watch, `Publish` on some stream to upload over a WebSocket: the handler checks which.
    LiveOrUpload,
}
