//! The tables of all rooms, joined: sections and keys, and how they are found.

use std::sync::LazyLock;

use super::typed::{self, Config};

/// A key of the configuration.
pub type Key = settings::Key<Config>;

/// A section of the configuration.
pub type Section = settings::Section<Config>;

/// Tables that share a section are put together.
static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
    let mut sections: Vec<Section> = Vec::new();
    for table in typed::tables() {
        match sections.iter_mut().find(|section| section.name == table.name) {
            Some(section) => section.keys.extend(table.keys),
            None => sections.push(table),
        }
    }
    sections
});

/// The sections, in the order of the reference page.
pub fn sections() -> &'static [Section] {
    &SECTIONS
}

/// Every key, in the order of the reference page.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    sections().iter().flat_map(|section| &section.keys)
}

/// The key `section.name`.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    keys().find(|key| key.section == section && key.name == name)
}

/// The known key nearest to `section.name`, if one is near enough to be meant.
pub(super) fn nearest_key(section: &str, name: &str) -> Option<&'static Key> {
    /// Below this the pair has little more than letters in common.
    const NEAR: f64 = 0.75;
    let score = |key: &Key| {
        let alike = strsim::jaro_winkler(name, key.name);
        if section == key.section {
            return alike;
        }
        let slip = strsim::damerau_levenshtein(section, key.section) <= 2;
        // A key that fits in another section was put under the wrong heading.
        if slip {
            alike * 0.95
        } else if alike > 0.9 {
            alike * 0.8
        } else {
            0.0
        }
    };
    let near = keys().map(|key| (score(key), key)).filter(|(score, _)| *score > NEAR);
    // Of equals the first: the sections that matter most come first.
    near.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, key)| key)
}

impl Default for Config {
    /// The built-in defaults, from the tables.
    fn default() -> Config {
        let mut config = Config::blank();
        for key in keys() {
            // A test holds that each default is one of the allowed values.
            let applied = key.apply_default(&mut config);
            debug_assert!(applied.is_ok(), "the default of {} is not allowed: {applied:?}", key.path());
        }
        config.settle();
        config
    }
}

#[cfg(test)]
mod tests;
