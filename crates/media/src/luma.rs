//! What black and white are in the samples of a picture, and making a JPEG's of a television's.

use std::sync::LazyLock;

/// What black and white are in a stream's luma (H.264, E.2.1, `video_full_range_flag`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Range {
    /// 0 and 255, as in a JPEG.
    #[default]
    Full,
    /// 16 and 235, as in television; what most cameras send.
    Limited,
}

/// Chroma of a grey picture.
pub(crate) const NEUTRAL: u8 = 128;

pub(crate) type Table = [u8; 256];

/// What each sample of a limited range is in the full one: luma and chroma.
pub(crate) fn spread_tables() -> &'static (Table, Table) {
    static TABLES: LazyLock<(Table, Table)> =
        LazyLock::new(|| (table(16.0, 0.0, 219.0), table(128.0, 128.0, 224.0)));
    &TABLES
}

/// `from` becomes `to`, and `span` becomes 255.
fn table(from: f32, to: f32, span: f32) -> Table {
    // A float is cut to the range of a byte.
    std::array::from_fn(|sample| ((sample as f32 - from) * 255.0 / span + to).round() as u8)
}
