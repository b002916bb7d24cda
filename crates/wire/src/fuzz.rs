//! The bodies of the fuzz targets: each takes any bytes and panics when an invariant of the crate is broken.
//!
//! They are compiled with the crate and called from ordinary property tests, so they cannot rot; `fuzz/` at the
//! repository's root has one line for each.

use crate::{image, jpeg};

/// `jpeg::probe` and `image::sniff` agree.
pub fn picture(data: &[u8]) {
    let probed = jpeg::probe(data);
    if let (Ok(info), Ok(kind)) = (probed, image::sniff(data)) {
        assert_eq!(kind, image::Kind::Jpeg(info));
    }
}
