//! Tests of `buffer`.
#![allow(clippy::unwrap_used)]

use super::*;

const LIMIT: usize = 10 << 20;

/// A frame of `size` bytes, fed as a socket would, and the capacities that its buffer had on the way.
fn collect(buffer: &mut Buffer, length: Length, size: usize) -> (Bytes, Vec<usize>) {
    buffer.begin(length);
    let mut capacities = vec![buffer.bytes.capacity()];
    for piece in vec![7; size].chunks(16 << 10) {
        buffer.append(piece).unwrap();
        if capacities.last() != Some(&buffer.bytes.capacity()) {
            capacities.push(buffer.bytes.capacity());
        }
    }
    (buffer.take(), capacities)
}

#[test]
fn a_promise_alone_buys_little() {
    let mut buffer = Buffer::new(LIMIT);
    for length in [Length::Exactly(LIMIT), Length::Exactly(usize::MAX), Length::AtMost(usize::MAX)] {
        buffer.begin(length);
        assert_eq!(buffer.bytes.capacity(), FIRST_RESERVE_BYTES);
    }
    buffer.begin(Length::Unknown);
    assert_eq!(buffer.bytes.capacity(), 0);
    let mut small = Buffer::new(100);
    small.begin(Length::Exactly(1000));
    assert_eq!(small.bytes.capacity(), 100);
}

#[test]
fn a_promise_that_is_kept_is_allocated_once_and_exactly() {
    let mut buffer = Buffer::new(LIMIT);
    assert_eq!(collect(&mut buffer, Length::Exactly(100_000), 100_000).1, [100_000]);
    assert_eq!(collect(&mut buffer, Length::AtMost(100_002), 100_000).1.last(), Some(&100_002));
    let (_, first) = collect(&mut buffer, Length::Exactly(600_000), 600_000);
    assert_eq!(first, [256 << 10, 512 << 10, 600_000], "it has to be proven");
    assert_eq!(collect(&mut buffer, Length::Exactly(600_000), 600_000).1, [600_000], "then it is believed");
}

#[test]
fn a_frame_like_the_last_needs_no_move() {
    let mut buffer = Buffer::new(LIMIT);
    collect(&mut buffer, Length::Unknown, 100_000);
    assert_eq!(collect(&mut buffer, Length::Unknown, 105_000).1, [106_250]);
}

#[test]
fn nothing_passes_the_limit() {
    let mut buffer = Buffer::new(100);
    buffer.begin(Length::Unknown);
    assert_eq!(buffer.append(&[1; 60]), Ok(()));
    assert_eq!(buffer.append(&[1; 41]), Err(Full));
    assert_eq!(buffer.append(&[1; 40]), Ok(()));
    assert_eq!(buffer.bytes.capacity(), 100);
    assert_eq!(buffer.take().len(), 100);
}
