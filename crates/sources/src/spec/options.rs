//! The options behind `#`, each asked for once by who understands it; what nobody asked for is a mistake.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use percent_encoding::percent_decode_str;

use super::{SpecError, Transport};

#[derive(Debug)]
pub(crate) struct Options(BTreeMap<String, String>);

impl Options {
    pub(crate) fn parse(fragment: &str) -> Result<Self, SpecError> {
        let mut options = BTreeMap::new();
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            // A flag may stand alone: `#on_demand`.
            let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let decode = |text| percent_decode_str(text).decode_utf8_lossy().trim().to_owned();
            let key = decode(key);
            if options.insert(key.clone(), decode(value)).is_some() {
                return Err(SpecError::Twice { key });
            }
        }
        Ok(Self(options))
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, SpecError> {
        self.read(key, "true or false", |text| match text {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        })
    }

    pub(crate) fn whole(&mut self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, SpecError> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, &allowed, |text| text.parse().ok().filter(|it| range.contains(it)))
    }

    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, SpecError> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        self.read(key, &allowed, |text| text.parse().ok().filter(|it| range.contains(it)))
    }

    pub(super) fn seconds(
        &mut self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<Duration>, SpecError> {
        Ok(self.number(key, range)?.map(Duration::from_secs_f64))
    }

    /// Of a URL, its query included.
    pub(crate) fn path(&mut self, key: &str) -> Result<Option<String>, SpecError> {
        let allowed = "a path that begins with /, of visible ASCII characters";
        let good = |text: &str| text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
        self.read(key, allowed, |text| good(text).then(|| text.to_owned()))
    }

    pub(super) fn transport(&mut self) -> Result<Option<Transport>, SpecError> {
        self.read("transport", "tcp or udp", |text| match text {
            "tcp" => Some(Transport::Tcp),
            "udp" => Some(Transport::Udp),
            _ => None,
        })
    }

    fn read<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SpecError> {
        let Some(text) = self.0.remove(key) else { return Ok(None) };
        match parse(&text) {
            Some(value) => Ok(Some(value)),
            None => {
                let found = text.chars().take(40).collect();
                Err(SpecError::Option { key: key.to_owned(), found, allowed: allowed.to_owned() })
            }
        }
    }

    /// What is left was meant for somebody else.
    pub(crate) fn finish(self, kind: &'static str) -> Result<(), SpecError> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(key) => Err(SpecError::NoSuchOption { kind, key: key.chars().take(40).collect() }),
        }
    }
}
