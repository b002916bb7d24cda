//! TLS by rustls, with the roots of this machine, read once.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::Error;

pub(crate) async fn handshake(
    socket: TcpStream,
    host: &str,
    address: &str,
) -> Result<TlsStream<TcpStream>, Error> {
    let failed = |reason: String| Error::Tls { address: address.to_owned(), reason };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
    let connector = TlsConnector::from(config()?);
    connector.connect(name, socket).await.map_err(|error| failed(reason(&error)))
}

/// Of what people meet with certificates of their own, what to do about it.
fn reason(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(fault)) = cause else { return error.to_string() };
    match fault {
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is one of an authority (CA:TRUE), which a server cannot use itself; make it with \
             basicConstraints=critical,CA:FALSE, as docs/guide/https.md does"
                .to_owned()
        }
        // Where a trusted authority has the same name by chance, its key does not fit.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed by nobody whom this machine trusts; if it is your own, name its file: \
             SSL_CERT_FILE=cert.pem"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// The same for every connection; reading a hundred certificates takes some milliseconds.
fn config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    CONFIG.get_or_init(read_config).clone().ok_or(Error::NoRoots)
}

fn read_config() -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    // Single certificates that make no sense are left out: machines have some.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return None;
    }
    // Named, because other crates may bring a second provider.
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
