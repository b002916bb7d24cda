//! Wants are compared by value.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use hub::{Codec, Want};

fn jpeg() -> Want {
    Want::in_codecs(&[Codec::Jpeg])
}

#[test]
fn the_same_want_is_equal_and_another_is_not() {
    assert_eq!(jpeg().scaled_to(640, None), jpeg().scaled_to(640, None));
    let others = [
        jpeg(),
        jpeg().scaled_to(None, 640),
        jpeg().at_quality(80),
        jpeg().at_most(5.0),
        jpeg().analysed_by(Arc::from("pose")),
        Want::in_codecs(&[Codec::Jpeg, Codec::H264]),
    ];
    for (index, one) in others.iter().enumerate() {
        assert!(others[..index].iter().all(|other| one != other), "{one:?}");
    }
}

#[test]
fn rates_can_be_compared_and_are_never_zero() {
    assert_eq!(jpeg().at_most(12.5), jpeg().at_most(12.5));
    assert_ne!(jpeg().at_most(12.5), jpeg().at_most(12.0));
    assert_eq!((jpeg().at_most(12.5).max_fps(), jpeg().max_fps()), (Some(12.5), None));
    for tiny in [1e-9, 0.0, f64::NAN] {
        assert!(jpeg().at_most(tiny).max_fps().unwrap() > 0.0);
    }
}

#[test]
fn a_rate_alone_is_no_rendition() {
    assert!(!jpeg().at_most(5.0).is_rendition());
    for rendition in [jpeg().scaled_to(64, None), jpeg().scaled_to(None, 64), jpeg().at_quality(1)] {
        assert!(rendition.is_rendition());
    }
}
