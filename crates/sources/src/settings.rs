//! The sections `camera` and `demo` of the configuration: the two sources that have keys of their own. Further ones stand
//! in the list of sources.

use hub::StreamName;
use settings::{Row, Table, store};

/// A camera of this machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Camera {
    /// None: no camera.
    pub index: Option<u32>,
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    /// Of all pictures that the hub itself encodes, 1 to 100.
    pub jpeg_quality: u8,
    /// Shown in the statistics; the hub always shares one capture.
    pub frame_cache: bool,
}

/// A moving test picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demo {
    pub enabled: Switch,
    /// Set by its default.
    pub stream: Option<StreamName>,
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
}

/// A switch that may also decide for itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Switch {
    #[default]
    Auto,
    On,
    Off,
}

pub static CAMERA: Table<Camera> = Table {
    section: "camera",
    doc: "A camera on this machine, in the stream `camera`. `sources` takes more of them.",
    rows: &[
        Row::<Camera>::text("index", "none, or a device number from 0 to 255", |s, v| {
            store(&mut s.index, camera_index(v.trim()))
        })
        .default("none")
        .env(&["CAMERA_INDEX"])
        .doc("The camera to open: 0 is the first. `none` opens none."),
        Row::<Camera>::int("width", 16, 15_360, |s, v| s.width = v as u32)
            .default("640")
            .unit("pixels")
            .env(&["CAMERA_WIDTH"])
            .doc("The picture width to ask the camera for. Lower needs less bandwidth."),
        Row::<Camera>::int("height", 16, 8640, |s, v| s.height = v as u32)
            .default("480")
            .unit("pixels")
            .env(&["CAMERA_HEIGHT"])
            .doc("The picture height to ask the camera for."),
        Row::<Camera>::number("fps", 0.1, 1000.0, |s, v| s.fps = v)
            .default("30")
            .unit("frames a second")
            .env(&["CAMERA_FPS"])
            .doc("The rate to ask the camera for; `viewers.stream_fps` caps what viewers get of it."),
        Row::<Camera>::int("jpeg_quality", 1, 100, |s, v| s.jpeg_quality = v as u8)
            .default("85")
            .env(&["JPEG_QUALITY"])
            .doc(
                "JPEG quality of pictures that the hub itself encodes. 60 to 80 saves bandwidth, above 90 \
                 files grow quickly.",
            ),
        Row::<Camera>::flag("frame_cache", |s, v| s.frame_cache = v)
            .default("true")
            .env(&["ENABLE_FRAME_CACHE"])
            .doc(
                "Whether all viewers share one capture. The hub always does; false is accepted and \
                 changes nothing but the statistics.",
            ),
    ],
};

pub static DEMO: Table<Demo> = Table {
    section: "demo",
    doc: "A moving test picture, so that a fresh start shows something.",
    rows: &[
        Row::<Demo>::choice(
            "enabled",
            &[
                ("auto", |s| s.enabled = Switch::Auto),
                ("true", |s| s.enabled = Switch::On),
                ("false", |s| s.enabled = Switch::Off),
            ],
        )
        .default("auto")
        .doc(
            "Whether a test picture is published. `auto`: only when there is no configuration file, \
                 no source and no `camera.index`.",
        ),
        Row::<Demo>::text("stream", "1 to 64 letters, digits, '_' or '-'", |s, v| {
            store(&mut s.stream, v.trim().parse().ok().map(Some))
        })
        .default("demo")
        .doc("The test picture's stream."),
        Row::<Demo>::int("width", 16, 7680, |s, v| s.width = v as u32).default("1280").unit("pixels").doc(
            "The test picture's width. Drawing and encoding take time in proportion to width times \
                 height.",
        ),
        Row::<Demo>::int("height", 16, 4320, |s, v| s.height = v as u32)
            .default("720")
            .unit("pixels")
            .doc("The test picture's height."),
        Row::<Demo>::number("fps", 0.1, 120.0, |s, v| s.fps = v)
            .default("30")
            .unit("frames a second")
            .doc("The test picture's rate. Lower it on a small machine."),
        Row::<Demo>::int("quality", 1, 100, |s, v| s.quality = v as u8)
            .default("80")
            .doc("The test picture's JPEG quality. Higher is sharper and larger."),
    ],
};

fn camera_index(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    text.parse::<u8>().ok().map(|index| Some(index.into()))
}
