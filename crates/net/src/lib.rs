//! Sockets to the outside: a name and a port become a connection, with TLS where it is asked for.
//!
//! What belongs here: resolving, connecting, the TLS handshake, and a time limit over all of them. What does not:
//! any protocol inside the connection. The client and the sources speak those, and share this.
//!
//! The small things that every crate needs to run live here too: [`Lock`] and [`Condition`], [`AbortOnDrop`], [`Backoff`],
//! [`LatestSlot`], [`lower_priority`].
//!
//! TLS trusts the authorities that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others, as for OpenSSL.

mod backoff;
mod latest_slot;
mod lock;
mod priority;
mod task;
mod tls;

pub use backoff::Backoff;
pub use latest_slot::LatestSlot;
pub use lock::{Condition, Lock, LockGuard};
pub use priority::lower_priority;
pub use task::AbortOnDrop;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

/// Why no connection came about. Each names the address, which holds no secret.
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
}

/// An open connection.
#[derive(Debug)]
pub enum Connection {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

/// Connects to `host`, a name or an IP address (IPv6 without brackets), within `limit`, the handshake included.
///
/// # Errors
/// See [`Error`].
pub async fn connect(host: &str, port: u16, secure: bool, limit: Duration) -> Result<Connection, Error> {
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    match timeout(limit, connect_without_limit(host, port, secure, &address)).await {
        Ok(connected) => connected,
        Err(_) => Err(Error::Timeout { address, after: limit }),
    }
}

async fn connect_without_limit(
    host: &str,
    port: u16,
    secure: bool,
    address: &str,
) -> Result<Connection, Error> {
    let socket = TcpStream::connect((host, port))
        .await
        .map_err(|reason| Error::Connect { address: address.to_owned(), reason })?;
    // Without it the connection works, only less well.
    let _ = socket.set_nodelay(true);
    if !secure {
        return Ok(Connection::Plain(socket));
    }
    Ok(Connection::Secure(Box::new(tls::handshake(socket, host, address).await?)))
}

impl Connection {
    /// The socket below, for its options.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Secure(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, pieces),
            Self::Secure(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
