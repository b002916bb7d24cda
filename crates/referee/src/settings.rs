//! The section `referee` of the configuration, as far as it is about judging and the pose model.

use settings::{Table, store};

use crate::pipeline::Lens;
use crate::pose::Source;

type Row = settings::Row<Settings>;

/// How pictures are analysed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// None: no model is loaded.
    pub model: Option<Source>,
    /// Pixels; of models with free sides. None: the model's own default.
    pub input_size: Option<u32>,
    /// For the model; 0: one a core.
    pub threads: usize,
    /// Whether pictures are straightened.
    pub fisheye: bool,
    pub lens: Lens,
}

pub static REFEREE: Table<Settings> = Table {
    section: "referee",
    doc: "",
    rows: &[
        Row::text("yolo_model", "builtin, none, or a path", |s, v| store(&mut s.model, pose_model(v)))
            .default("builtin")
            .env(&["REFEREE_YOLO_MODEL"])
            .doc(
                "The pose model: `builtin`, a small one in the program itself that was trained on drawn \
                 fencers seen from the side (models/README.md), loaded when it is first needed; or the \
                 path of what Ultralytics exports of a `-pose` model with `format=onnx`, say \
                 `yolov8m-pose.onnx`, loaded and tried at the start: where that fails, the log says why \
                 and `/health` that none is loaded. With `none`, only phrases with a single light are \
                 judged.",
            ),
        Row::text("input_size", "auto, or a whole number of pixels from 32 to 4096", |s, v| {
            store(&mut s.input_size, input_size(v.trim()))
        })
        .default("auto")
        .doc(
            "The longer side of what a model with free sides (`dynamic=True`) is given, such as the \
                 built-in one; other models know their own. `auto` is 576 for the built-in one, 640 for \
                 others. Lowering it is faster and misses people far away.",
        ),
        Row::int("threads", 0, 256, |s, v| s.threads = v as usize).default("0").doc(
            "Threads that run the pose model, for all analyses together; 0 for one a core. They give \
                 way to those that serve viewers.",
        ),
        Row::flag("fisheye", |s, v| s.fisheye = v).default("true").env(&["REFEREE_FISHEYE"]).doc(
            "Whether lens distortion is corrected before the analysis. Turn it off for lenses without \
                 distortion.",
        ),
        Row::number("fisheye_strength", -0.4, 1.0, |s, v| s.lens.bend[0] = v)
            .default("-0.18")
            .env(&["REFEREE_FISHEYE_STRENGTH"])
            .doc(
                "The lens distortion: k1 of OpenCV's fisheye model, for a camera that looks through \
                 the middle of the picture and whose focal length is the picture's longer side.",
            ),
        Row::number("fisheye_k2", -1.0, 1.0, |s, v| s.lens.bend[1] = v)
            .default("0")
            .env(&["REFEREE_FISHEYE_K2"])
            .doc("OpenCV's k2."),
        Row::number("fisheye_k3", -1.0, 1.0, |s, v| s.lens.bend[2] = v)
            .default("0")
            .env(&["REFEREE_FISHEYE_K3"])
            .doc("OpenCV's k3."),
        Row::number("fisheye_k4", -1.0, 1.0, |s, v| s.lens.bend[3] = v)
            .default("0")
            .env(&["REFEREE_FISHEYE_K4"])
            .doc("OpenCV's k4."),
        Row::number("fisheye_balance", 0.0, 1.0, |s, v| s.lens.balance = v)
            .default("0")
            .env(&["REFEREE_FISHEYE_BALANCE"])
            .doc(
                "How much of the lens's view is kept, as OpenCV's `balance`: 0 zooms in, 1 out. Areas \
                 without picture are cut off.",
            ),
    ],
};

/// `Some(None)` is no model.
fn pose_model(text: &str) -> Option<Option<Source>> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Some(None);
    }
    (!text.contains('\0')).then(|| Some(Source::named(text)))
}

/// `Some(None)` is the model's own.
fn input_size(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("auto") {
        return Some(None);
    }
    let size: u32 = text.parse().ok()?;
    (32..=4096).contains(&size).then_some(Some(size))
}
