//! Profiles: document 004's settings for four kinds of network ('Configuration Guide'), laid between the defaults and
//! whatever is written.

use super::key::{Key, Raw};
use super::layer::{Layer, Written};
use super::problem::Origin;
use super::table;
use super::typed::Config;

/// A kind of network.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Profile {
    #[default]
    None,
    Cloudflare,
    Lan,
    LowLatency,
    Mobile,
}

/// The key that chooses one.
const KEY: (&str, &str) = ("viewers", "profile");

type Values = &'static [(&'static str, &'static str)];

impl Profile {
    pub const ALL: [Profile; 4] = [Profile::Cloudflare, Profile::Lan, Profile::LowLatency, Profile::Mobile];

    pub fn name(self) -> &'static str {
        match self {
            Profile::None => "none",
            Profile::Cloudflare => "cloudflare",
            Profile::Lan => "lan",
            Profile::LowLatency => "low_latency",
            Profile::Mobile => "mobile",
        }
    }

    /// What it sets: `section.key` and the value.
    pub fn values(self) -> Values {
        match self {
            Profile::None => &[],
            Profile::Cloudflare => &[
                ("viewers.stream_fps", "15"),
                ("streams.max_buffer_frames", "2"),
                ("streams.timeout_seconds", "30"),
                ("camera.frame_cache", "true"),
                ("viewers.heartbeat_interval", "5.0"),
                ("camera.fps", "30"),
                ("camera.jpeg_quality", "70"),
                ("camera.width", "640"),
                ("camera.height", "480"),
            ],
            Profile::Lan => &[
                ("viewers.stream_fps", "30"),
                ("camera.frame_cache", "true"),
                ("viewers.heartbeat_interval", "10.0"),
                ("camera.jpeg_quality", "85"),
            ],
            Profile::LowLatency => &[
                ("viewers.stream_fps", "20"),
                ("camera.jpeg_quality", "90"),
                ("camera.width", "1280"),
                ("camera.height", "720"),
            ],
            Profile::Mobile => &[
                ("viewers.stream_fps", "10"),
                ("camera.jpeg_quality", "60"),
                ("camera.width", "480"),
                ("camera.height", "360"),
            ],
        }
    }

    /// The one that the layers choose, the last of them that says so.
    fn chosen(layers: &[Layer]) -> Profile {
        let written = layers.iter().flat_map(|layer| &layer.written);
        let mut scratch = Config::blank();
        for choice in written.filter(|written| (written.key.section, written.key.name) == KEY) {
            // A word that is refused here is reported when the layers are folded.
            let _reported_later = choice.key.apply(&choice.raw, &mut scratch);
        }
        scratch.viewers.profile
    }
}

/// The layer of the profile that the others choose.
pub(super) fn layer(others: &[Layer]) -> Layer {
    let profile = Profile::chosen(others);
    let written = profile.values().iter().filter_map(|(path, value)| {
        let raw = Raw::Text((*value).to_owned());
        Some(Written { key: find(path)?, raw, origin: Origin::Profile { name: profile.name() } })
    });
    Layer { written: written.collect(), ..Layer::default() }
}

fn find(path: &str) -> Option<&'static Key> {
    let (section, name) = path.split_once('.')?;
    table::find(section, name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_value_of_every_profile_is_an_allowed_value_of_a_key() {
        for (path, value) in Profile::ALL.iter().flat_map(|profile| profile.values()) {
            let applied = find(path).unwrap().apply(&Raw::Text((*value).to_owned()), &mut Config::blank());
            assert!(applied.is_ok(), "{path} = {value}: {applied:?}");
        }
    }
}
