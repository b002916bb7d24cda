//! Tests of `raw`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

/// BT.601, limited range, of pure red.
const RED: [u8; 3] = [81, 90, 240];

fn buffer(layout: Layout, width: usize, height: usize, stride: usize) -> Vec<u8> {
    let [y, u, v] = RED;
    let row = |pattern: &[u8], bytes: usize| {
        let mut row: Vec<u8> = pattern.iter().copied().cycle().take(bytes).collect();
        row.resize(stride, 7);
        row
    };
    match layout {
        Layout::Yuyv => row(&[y, u, y, v], width * 2).repeat(height),
        Layout::Uyvy => row(&[u, y, v, y], width * 2).repeat(height),
        Layout::Nv12 => {
            [row(&[y], width).repeat(height), row(&[u, v], width).repeat(height.div_ceil(2))].concat()
        }
        Layout::Rgb => row(&[255, 0, 0], width * 3).repeat(height),
        Layout::Bgr => row(&[0, 0, 255], width * 3).repeat(height),
        Layout::Grey => row(&[255], width).repeat(height),
    }
}

const ALL: [Layout; 6] = [Layout::Yuyv, Layout::Uyvy, Layout::Nv12, Layout::Rgb, Layout::Bgr, Layout::Grey];

#[test]
fn red_is_red_in_every_layout_with_and_without_gaps() {
    for layout in ALL {
        for (width, height, gap) in [(32, 16, 0), (46, 33, 0), (32, 17, 24)] {
            let tight = Raw { bytes: &[], layout, width, height, stride: 0 }.row_bytes();
            let stride = tight + gap;
            let bytes = buffer(layout, width, height, stride);
            let jpeg = Raw { bytes: &bytes, layout, width, height, stride }.to_jpeg(95).unwrap();
            let picture = crate::jpeg::decode(&jpeg, 1 << 20).unwrap();
            assert_eq!((picture.width as usize, picture.height as usize), (width, height));
            let expected = if layout == Layout::Grey { [255; 3] } else { [255, 0, 0] };
            for [r, g, b] in picture.rgb.as_chunks::<3>().0 {
                let off = r.abs_diff(expected[0]).max(g.abs_diff(expected[1])).max(b.abs_diff(expected[2]));
                assert!(off <= 6, "{layout:?}: {:?}", [r, g, b]);
            }
        }
    }
}

proptest! {
    /// What drivers claim may be wrong in any way.
    #[test]
    fn no_claim_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        layout in proptest::sample::select(ALL.to_vec()),
        width in 0..40usize, height in 0..20usize, stride in 0..80usize,
    ) {
        let _ = Raw { bytes: &bytes, layout, width, height, stride }.to_jpeg(80);
    }

    #[test]
    fn sizes_beyond_reason_are_refused(width in 20_000..=usize::MAX, stride in any::<usize>()) {
        let raw = Raw { bytes: &[0; 64], layout: Layout::Grey, width, height: 2, stride };
        prop_assert_eq!(raw.to_jpeg(80).unwrap_err().code(), "BAD_RAW");
    }
}
