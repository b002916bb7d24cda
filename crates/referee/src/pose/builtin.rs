//! The pose model that every hub carries: `models/fencer-pose.onnx`, inside of the program. `models/README.md` is its card.

/// Its name for people and clients.
pub(super) const NAME: &str = "builtin:fencer-pose";

/// The longer side of its input, in pixels, unless another is asked for. 640, as it was trained at, takes a fifth more
/// to compute and finds hardly more (`models/README.md`).
pub(super) const INPUT_SIZE: u32 = 576;

/// The file. Its pages are read from the program's own file when the model is loaded, and not before.
pub(super) static FILE: &[u8] = include_bytes!("../../../../models/fencer-pose.onnx");
