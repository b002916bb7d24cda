//! What bounds connections.

use std::time::Duration;

/// What bounds a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    pub max: usize,
    /// Of one address, proxies that are trusted excepted; `None`: as many as there are.
    pub max_per_address: Option<usize>,
    /// A request's head must be complete this long after its first byte.
    pub header_timeout: Duration,
    /// A request's body must have come this long after its head; a publishing one that never ends, each of its frames.
    pub body_timeout: Duration,
    /// Bytes of bodies and messages that may be received at once, those excepted that are small.
    pub receive_bytes: usize,
    /// Bytes of frames that slow clients may still have to take, each frame counted once.
    pub send_bytes: usize,
    /// The largest body that is collected.
    pub max_body: usize,
    /// How long a connection may rest between requests.
    pub idle_timeout: Duration,
    /// A client that takes none or next to none of its waiting bytes for this long is gone.
    pub stall_timeout: Duration,
    /// Bytes that the kernel may hold unsent.
    pub send_buffer: usize,
    /// Connections get this long to end by themselves at shutdown.
    pub shutdown: Duration,
}
