//! The generated secret with which links and logins are signed: a file that only its owner may read.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::SigningSecret;

/// In a folder that the hub may write to and that outlives a start.
const SECRET_FILE: &str = ".framehub-secret";

/// A generated secret's length in bytes: that of the hash it goes into.
const SECRET_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
#[error(
    "the secret that signs links and logins cannot be kept in {path}: {source}; set auth.secret, or make that folder writable"
)]
pub struct SecretError {
    path: PathBuf,
    source: io::Error,
}

/// The secret in the file of `folder`, which is made the first time.
pub(crate) fn kept_in(folder: &Path) -> Result<SigningSecret, SecretError> {
    let path = folder.join(SECRET_FILE);
    kept(&path).map(SigningSecret::new).map_err(|source| SecretError { path, source })
}

fn kept(path: &Path) -> io::Result<Vec<u8>> {
    match File::open(path) {
        Ok(file) => read(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error),
    }
}

fn read(mut file: File) -> io::Result<Vec<u8>> {
    let others = file.metadata()?.mode() & 0o077;
    if others != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others may read it (chmod 600, or delete it)",
        ));
    }
    let mut secret = Vec::new();
    file.read_to_end(&mut secret)?;
    if secret.len() < SECRET_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is cut short (delete it)"));
    }
    Ok(secret)
}

/// Written to a temporary file, then hard-linked: nobody reads half of it, and the first writer wins.
fn make(path: &Path) -> io::Result<Vec<u8>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    let written = random().and_then(|secret| {
        file.write_all(&secret)?;
        file.sync_all()
    });
    let linked = written.and_then(|()| std::fs::hard_link(&temporary, path));
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read(File::open(path)?),
    }
}

pub(crate) fn random() -> io::Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::from)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recordings").join(SECRET_FILE);
        let first = kept(&path).unwrap();
        assert_eq!(first.len(), SECRET_BYTES);
        assert_eq!(kept(&path).unwrap(), first);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SECRET_FILE);
        kept(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(kept(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_secret_that_was_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SECRET_FILE);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        assert!(kept(&path).unwrap_err().to_string().contains("cut short"));
    }
}
