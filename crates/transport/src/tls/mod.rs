//! TLS in front of a connection: the handshake, and an answer to clients that speak plain HTTP to an encrypted port.

mod certificate;

use std::{io, sync::Arc};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

pub use certificate::{TlsError, TlsFiles};

use super::socket::Socket;
use certificate::Certificate;

/// Bytes that a session of HTTP/2 holds while the kernel takes none: two frames. More would only grow older there; over
/// HTTP/1.1 the gate waits until it holds none.
const HELD: usize = 32 * 1024;

/// Encrypts connections, with a certificate that follows its files.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads and checks the files. The cryptography is named here rather than installed for the whole process: a
    /// process in which the hub is only a guest may have installed another.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = Arc::new(Certificate::load(files, Arc::clone(&provider))?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into(), certificate })
    }

    /// Presents renewed certificates, for as long as it is polled.
    pub(super) async fn follow_files(self) {
        self.certificate.follow().await;
    }

    /// The handshake. `None`: the client spoke plain HTTP, and was answered.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<Option<Socket>> {
        if speaks_plainly(&socket).await? {
            refuse_plain(socket).await?;
            return Ok(None);
        }
        let mut stream = self.acceptor.accept(socket).await?;
        let session = stream.get_mut().1;
        if session.alpn_protocol() == Some(b"h2") {
            session.set_buffer_limit(Some(HELD));
        }
        Ok(Some(Socket::Tls(Box::new(stream))))
    }
}

/// A request line begins with a letter, a TLS record does not (RFC 8446 section 5.1: 22 in a handshake).
async fn speaks_plainly(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let length = socket.peek(&mut first).await?;
    Ok(length == 1 && first[0].is_ascii_alphabetic())
}

const PLAIN_REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\
    Content-Length: 124\r\n\r\n\
    {\"error\":\"this port speaks HTTPS only: write https:// in place of http://, wss:// in place of ws://\",\
    \"code\":\"TLS_REQUIRED\"}\n";

/// What is still on its way from the client is read to its end, since closing a socket with unread bytes would take
/// the answer back.
async fn refuse_plain(mut socket: TcpStream) -> io::Result<()> {
    const UNREAD: u64 = 1 << 20;
    socket.write_all(PLAIN_REFUSED.as_bytes()).await?;
    socket.shutdown().await?;
    tokio::io::copy(&mut (&mut socket).take(UNREAD), &mut tokio::io::sink()).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
