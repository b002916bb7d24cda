//! Opening a connection: a name and a port become a socket, with TLS where it is asked for, within a time limit.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::{Error, tls};

/// An open connection, plain or secure.
pub type Connection = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Connects to `host`, a name or an IP address (IPv6 without brackets), within `limit`, the handshake included.
///
/// # Errors
/// See [`Error`].
pub async fn connect(host: &str, port: u16, secure: bool, limit: Duration) -> Result<Connection, Error> {
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let connecting = async {
        let unreached = |reason| Error::Connect { address: address.clone(), reason };
        let socket = TcpStream::connect((host, port)).await.map_err(unreached)?;
        // Without it the connection works, only less well.
        let _ = socket.set_nodelay(true);
        if !secure {
            return Ok(Either::Left(socket));
        }
        Ok(Either::Right(Box::new(tls::handshake(socket, host, &address).await?)))
    };
    let connected = timeout(limit, connecting).await;
    connected.unwrap_or(Err(Error::Timeout { address, after: limit }))
}

/// The socket below a connection, for its options.
pub fn socket_of(connection: &Connection) -> &TcpStream {
    match connection {
        Either::Left(socket) => socket,
        Either::Right(stream) => stream.get_ref().0,
    }
}
