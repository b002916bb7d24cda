//! The certificate and its key: read from two PEM files, checked, and read again when they change on disk, so
//! that renewing them needs no restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use net::Lock;
use rustls::{
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// Where the certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the server's own certificate first, then those that lead to one that clients know.
    pub certificate: PathBuf,
    /// PEM, not encrypted: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// Why no connection could be encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error(
        "cannot read {path}, which {setting} names: {source}; the hub's own user must be able to read it"
    )]
    Unreadable { setting: &'static str, path: PathBuf, source: io::Error },
    #[error("{path}, which {setting} names, is broken PEM: {source}; copy it anew")]
    BadPem { setting: &'static str, path: PathBuf, source: pem::Error },
    #[error(
        "{path}, which server.tls_cert names, holds no certificate: it must have -----BEGIN CERTIFICATE-----, \
         the server's own first, as in certbot's fullchain.pem"
    )]
    NoCertificate { path: PathBuf },
    #[error(
        "{path}, which server.tls_key names, holds no private key: it must have -----BEGIN PRIVATE KEY-----, as in \
         certbot's privkey.pem"
    )]
    NoKey { path: PathBuf },
    #[error(
        "the private key in {path} is encrypted, and the hub cannot ask for its password: decrypt it with \
         `openssl pkey -in {path} -out key.pem`, and name that file in server.tls_key"
    )]
    EncryptedKey { path: PathBuf },
    #[error(
        "the private key in {key} does not belong to the certificate in {certificate}: they must be a pair"
    )]
    NotAPair { certificate: PathBuf, key: PathBuf },
    #[error("the certificate in {certificate} cannot be used with the key in {key}: {source}")]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// How often the files are checked. Certificates are renewed weeks before the old one ends.
const LOOK: Duration = Duration::from_secs(2);

/// What each handshake presents.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: Lock<Arc<CertifiedKey>>,
    /// The state of the files when they were last read.
    seen: Lock<Seen>,
}

/// When each file changed and how long it is; `None` while it cannot be read.
type Seen = [Option<(SystemTime, u64)>; 2];

impl Certificate {
    pub(super) fn load(files: TlsFiles, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let seen = look(&files);
        let current = Lock::new(Arc::new(read(&files, &provider)?));
        Ok(Self { files, provider, current, seen: Lock::new(seen) })
    }

    /// Presents new files within seconds, for as long as it is polled.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let this = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || this.renew()).await {
                tracing::error!(%error, "looking for a new certificate failed");
            }
        }
    }

    /// Reads the files if they have changed. Of a pair that does not fit (yet) nothing is taken.
    pub(super) fn renew(&self) {
        let now = look(&self.files);
        if std::mem::replace(&mut *self.seen.lock(), now) == now {
            return;
        }
        match read(&self.files, &self.provider) {
            Ok(new) => {
                *self.current.lock() = Arc::new(new);
                tracing::info!(certificate = %self.files.certificate.display(), "presenting the new certificate");
            }
            Err(error) => {
                tracing::warn!(%error, "the certificate's files have changed; still presenting the old")
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.lock()))
    }
}

fn look(files: &TlsFiles) -> Seen {
    [&files.certificate, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(&files.certificate)?;
    let key = read_key(&files.key)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|source| {
        let TlsFiles { certificate, key } = files.clone();
        match source {
            rustls::Error::InconsistentKeys(_) => TlsError::NotAPair { certificate, key },
            source => TlsError::Unusable { certificate, key, source },
        }
    })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let setting = "server.tls_cert";
    let text = read_file(setting, path)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|source| TlsError::BadPem { setting, path: path.to_owned(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let setting = "server.tls_key";
    let text = read_file(setting, path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|source| match source {
        pem::Error::NoItemsFound if is_encrypted(&text) => TlsError::EncryptedKey { path: path.to_owned() },
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.to_owned() },
        source => TlsError::BadPem { setting, path: path.to_owned(), source },
    })
}

fn is_encrypted(pem: &[u8]) -> bool {
    const MARK: &[u8] = b"BEGIN ENCRYPTED PRIVATE KEY";
    pem.windows(MARK.len()).any(|window| window == MARK)
}

fn read_file(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { setting, path: path.to_owned(), source })
}
