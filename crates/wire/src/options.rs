//! The options that people write behind an address, as in a query: `http://10.0.0.7/video#fps=10&on_demand=no`.
//!
//! Each option is read once by the code that understands it; one that is left over is a mistake.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use percent_encoding::percent_decode_str;

/// What is wrong with the options. Each message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the option '{key}' is '{found}'; allowed is {allowed}")]
    Bad { key: String, found: String, allowed: String },
    #[error("the option '{key}' stands there twice")]
    Twice { key: String },
    #[error("'{kind}:' has no option '{key}'")]
    Unknown { kind: &'static str, key: String },
}

impl Error {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bad { .. } | Self::Twice { .. } => "BAD_OPTION",
            Self::Unknown { .. } => "NO_SUCH_OPTION",
        }
    }
}

/// The options that have not been read yet.
#[derive(Debug)]
pub struct Options(BTreeMap<String, String>);

impl Options {
    pub fn parse(fragment: &str) -> Result<Self, Error> {
        let mut options = BTreeMap::new();
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            // A flag may stand alone: `#on_demand`.
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let decode = |text| percent_decode_str(text).decode_utf8_lossy().trim().to_owned();
            let key = decode(key);
            if options.insert(key.clone(), decode(value)).is_some() {
                return Err(Error::Twice { key });
            }
        }
        Ok(Self(options))
    }

    pub fn flag(&mut self, key: &str) -> Result<Option<bool>, Error> {
        self.read(key, "true or false", |text| match text {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        })
    }

    pub fn whole(&mut self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Error> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &allowed, |text| text.parse().ok().filter(|it| range.contains(it)))
    }

    pub fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Error> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        self.read(key, &allowed, |text| text.parse().ok().filter(|it| range.contains(it)))
    }

    pub fn seconds(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<Option<Duration>, Error> {
        Ok(self.number(key, range)?.map(Duration::from_secs_f64))
    }

    /// Of a URL, its query included.
    pub fn path(&mut self, key: &str) -> Result<Option<String>, Error> {
        let allowed = "a path that begins with /, of visible ASCII characters";
        let good = |text: &str| text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
        self.read(key, allowed, |text| good(text).then(|| text.to_owned()))
    }

    /// An option of any other form; `allowed` says for the error what `parse` takes.
    pub fn read<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some(text) = self.0.remove(key) else { return Ok(None) };
        match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => {
                let found = text.chars().take(40).collect();
                Err(Error::Bad { key: key.to_owned(), found, allowed: allowed.to_owned() })
            }
        }
    }

    /// An option that nothing has read is refused; `kind` is the address it was written behind.
    pub fn finish(self, kind: &'static str) -> Result<(), Error> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(key) => Err(Error::Unknown { kind, key: key.chars().take(40).collect() }),
        }
    }
}
