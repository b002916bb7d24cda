//! Tests of `window`.
use super::*;
use bytes::Bytes;

fn frame(number: u64, bytes: usize) -> Frame {
    Frame {
        number,
        timestamp: 0.0,
        encoding: wire::upload::Encoding::Jpeg,
        quality: None,
        bytes: Bytes::from(vec![0; bytes]),
    }
}

#[test]
fn number_and_bytes_are_bounded() {
    let mut window = Window::default();
    for number in 0..MOST_FRAMES as u64 {
        assert!(window.has_room_for(1));
        window.push(frame(number, 1));
    }
    assert!(!window.has_room_for(1));
    assert!(window.acknowledge(0) && window.has_room_for(1));
    assert!(!window.has_room_for(MOST_BYTES));
}

#[test]
fn a_frame_that_is_too_large_goes_alone() {
    let mut window = Window::default();
    assert!(window.has_room_for(MOST_BYTES + 1));
    window.push(frame(0, MOST_BYTES + 1));
    assert!(!window.has_room_for(1));
    assert!(window.acknowledge(0) && window.is_empty() && window.has_room_for(MOST_BYTES));
}

#[test]
fn what_the_hub_has_is_not_sent_again() {
    let mut window = Window::default();
    (3..8).for_each(|number| window.push(frame(number, 10)));
    assert_eq!(window.acknowledge_before(6), 3);
    assert_eq!(window.frames().map(|frame| frame.number).collect::<Vec<_>>(), [6, 7]);
    assert!(!window.acknowledge(3), "acknowledged twice");
    assert_eq!(window.bytes, 20);
}
