//! Profiles: settings for four kinds of network, laid between the defaults and whatever is written. Part of what existing
//! clients rely on (docs/ref/compatibility.md).

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
}
