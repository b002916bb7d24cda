//! Which model is meant: the one that every hub carries, or a file.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::{Error, builtin};

/// The largest model file read; the largest pose models of today take 280 MB.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The longer side of what a file's model is given, in pixels: what Ultralytics trains at.
const INPUT_SIZE: u32 = 640;

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The one inside of the program.
    Builtin,
    /// An ONNX file.
    File(PathBuf),
}

impl Source {
    /// As people write it: `builtin`, or nothing, or else a path. `./builtin` is a file of that name.
    pub fn named(text: &str) -> Self {
        match text.trim() {
            "" => Self::Builtin,
            word if word.eq_ignore_ascii_case("builtin") => Self::Builtin,
            _ => Self::File(PathBuf::from(text)),
        }
    }

    /// The longer side of what it is given if its sides are free and no other is asked for, in pixels.
    pub fn input_size(&self) -> u32 {
        match self {
            Self::Builtin => builtin::INPUT_SIZE,
            Self::File(_) => INPUT_SIZE,
        }
    }

    /// The bytes of its file.
    pub(super) fn read(&self) -> Result<Cow<'static, [u8]>, Error> {
        let Self::File(path) = self else { return Ok(Cow::Borrowed(builtin::FILE)) };
        let unreadable = |source| Error::Unreadable { path: path.clone(), source };
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > MAX_FILE_BYTES {
            let reason = format!("it has {length} bytes; up to 1 GiB is read");
            return Err(Error::NotAModel { model: self.clone(), reason });
        }
        std::fs::read(path).map(Cow::Owned).map_err(unreadable)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str(builtin::NAME),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
