//! Fixtures and one rule for all tests of this crate.
//!
//! The pictures in `data/` are 40 x 24 pixels and were written by Pillow 13: libjpeg's baseline with its standard
//! tables, progressive, grey, with restart markers, with an EXIF thumbnail (a JPEG inside an APP1 segment); and a PNG.
#![allow(dead_code)]

use proptest::test_runner::{Config, RngSeed};

pub(crate) const BASELINE: &[u8] = include_bytes!("../data/baseline.jpg");
pub(crate) const GREY: &[u8] = include_bytes!("../data/grey.jpg");
pub(crate) const PROGRESSIVE: &[u8] = include_bytes!("../data/progressive.jpg");
pub(crate) const RESTARTS: &[u8] = include_bytes!("../data/restarts.jpg");
pub(crate) const THUMBNAIL: &[u8] = include_bytes!("../data/thumbnail.jpg");
pub(crate) const PNG: &[u8] = include_bytes!("../data/picture.png");
pub(crate) const JPEGS: [&[u8]; 5] = [BASELINE, GREY, PROGRESSIVE, RESTARTS, THUMBNAIL];

/// Property tests draw the same cases in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(20_260_121);
    }
    config.failure_persistence = None;
    config
}
