//! The rows of the camera that document 004 configures. Further ones stand in the list of sources.

use super::super::key::{Key, Kind};
use super::serving::ROW;
use super::set_parsed;

const CAMERA: Key = Key { section: "camera", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "index",
        kind: Kind::Text {
            allowed: "none, or a device number from 0 to 255",
            set: |p, v| set_parsed(&mut p.camera.index, camera_index(v.trim())),
        },
        default: "none",
        env: &["CAMERA_INDEX"],
        doc: "The camera to open: 0 is the first. `none` opens none.",
        ..CAMERA
    },
    Key {
        name: "width",
        kind: Kind::Int { least: 16, most: 15_360, set: |p, v| p.camera.width = v as u32 },
        default: "640",
        unit: "pixels",
        env: &["CAMERA_WIDTH"],
        doc: "The picture width to ask the camera for. Lower needs less bandwidth.",
        ..CAMERA
    },
    Key {
        name: "height",
        kind: Kind::Int { least: 16, most: 8640, set: |p, v| p.camera.height = v as u32 },
        default: "480",
        unit: "pixels",
        env: &["CAMERA_HEIGHT"],
        doc: "The picture height to ask the camera for.",
        ..CAMERA
    },
    Key {
        name: "fps",
        kind: Kind::Number { least: 0.1, most: 1000.0, set: |p, v| p.camera.fps = v },
        default: "30",
        unit: "frames a second",
        env: &["CAMERA_FPS"],
        doc: "The rate to ask the camera for; `viewers.stream_fps` caps what viewers get of it.",
        ..CAMERA
    },
    Key {
        name: "jpeg_quality",
        kind: Kind::Int { least: 1, most: 100, set: |p, v| p.camera.jpeg_quality = v as u8 },
        default: "85",
        env: &["JPEG_QUALITY"],
        doc: "JPEG quality of pictures that the hub itself encodes. 60 to 80 saves bandwidth, above 90 \
            files grow quickly.",
        ..CAMERA
    },
    Key {
        name: "frame_cache",
        kind: Kind::Flag(|p, v| p.camera.frame_cache = v),
        default: "true",
        env: &["ENABLE_FRAME_CACHE"],
        doc: "Whether all viewers share one capture. The hub always does; false is accepted and \
            changes nothing but the statistics.",
        ..CAMERA
    },
];

fn camera_index(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let index: u8 = text.parse().ok()?;
    Some(Some(u32::from(index)))
}
