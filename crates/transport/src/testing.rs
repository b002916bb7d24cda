//! For tests, here and in the room above: limits, and certificates as files and as what a client trusts.
#![allow(
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::new_without_default
)]

use std::{
    fs,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::response::Response;
use bytes::Bytes;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use crate::{ConnectionLimits, Tls, TlsError, TlsFiles, take_live};

/// A folder with a certificate for `localhost` and its key.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.renew();
        folder
    }

    /// Writes a new pair, and gives the certificate.
    pub fn renew(&self) -> String {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.write("cert.pem", &cert.pem());
        self.write("key.pem", &signing_key.serialize_pem());
        cert.pem()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    pub fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.0.path().join("cert.pem"), key: self.0.path().join("key.pem") }
    }

    pub fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(self.files())
    }

    pub fn complaint(&self) -> String {
        self.load().expect_err("a complaint").to_string()
    }
}

pub fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// A client that trusts this certificate alone, and offers these protocols.
pub fn connector(certificate: &str, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config).into()
}

/// Small ones.
pub fn limits() -> ConnectionLimits {
    ConnectionLimits {
        max: 10,
        max_per_address: None,
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(10),
        receive_bytes: 4 << 20,
        send_bytes: 64 << 20,
        max_body: (1 << 20) + (64 << 10),
        idle_timeout: Duration::from_secs(60),
        stall_timeout: Duration::from_secs(30),
        send_buffer: 16 * 1024,
        shutdown: Duration::from_secs(1),
    }
}

/// A body that gives the same bytes again and again.
pub fn every(pause: Duration, bytes: Bytes) -> Repeating {
    Repeating { bytes, next: Box::pin(tokio::time::sleep(pause)), pause }
}

pub struct Repeating {
    bytes: Bytes,
    next: Pin<Box<tokio::time::Sleep>>,
    pause: Duration,
}

impl http_body::Body for Repeating {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::ready!(self.next.as_mut().poll(cx));
        let due = tokio::time::Instant::now() + self.pause;
        self.next.as_mut().reset(due);
        Poll::Ready(Some(Ok(http_body::Frame::data(self.bytes.clone()))))
    }
}

/// What a live body gives at once, beside the response without it.
pub fn begin_live(mut response: Response) -> (Response, Vec<u8>) {
    const MOST: usize = 8;
    let mut seen = Vec::new();
    if let Some(mut live) = take_live(&mut response) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        for _ in 0..MOST {
            let Poll::Ready(Some(part)) = live.poll_part(&mut cx) else { break };
            seen.extend(part.rest().concat());
        }
    }
    (response, seen)
}
