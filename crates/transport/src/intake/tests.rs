//! Tests of `intake`.
use std::task::Waker;

use super::*;

const LARGE: usize = 1024 * 1024;

fn poll(inlet: &Inlet, reception: &Reception) -> Poll<()> {
    inlet.poll_room(reception, &mut Context::from_waker(Waker::noop()))
}

/// One that has received `bytes` of a message of a megabyte.
fn receiving(bytes: usize) -> Inlet {
    let inlet = Inlet::default();
    inlet.expect(1000, LARGE);
    inlet.count(bytes);
    inlet
}

#[tokio::test]
async fn a_large_message_has_room_for_all_of_it_and_the_others_wait() {
    let reception = Reception::new(2 * LARGE + LARGE / 2);
    let (first, second, third) = (receiving(1000), receiving(1000), receiving(1000));
    assert!(poll(&first, &reception).is_ready() && poll(&second, &reception).is_ready());
    assert!(poll(&third, &reception).is_pending() && third.awaits_room());
    let small = receiving(999);
    assert!(poll(&small, &reception).is_ready(), "a small one waits for nobody");
    first.reset();
    assert!(poll(&third, &reception).is_ready() && !third.awaits_room());
    drop((second, third));
    assert_eq!(reception.room.available_permits(), reception.units);
}

#[tokio::test]
async fn a_message_larger_than_all_room_has_it_for_itself() {
    let reception = Reception::new(LARGE / 2);
    let (first, second) = (receiving(2000), receiving(2000));
    assert!(poll(&first, &reception).is_ready());
    assert!(poll(&second, &reception).is_pending());
    drop(first);
    assert!(poll(&second, &reception).is_ready());
}

#[tokio::test]
async fn frames_of_a_socket_count_until_their_message_is_whole() {
    let reception = Reception::new(LARGE);
    let inlet = receiving(600);
    inlet.frame_ended();
    inlet.keep(600);
    inlet.count(100);
    inlet.frame_ended();
    assert_eq!(inlet.0.lock().held, 600, "a ping is not kept");
    inlet.count(600);
    inlet.frame_ended();
    inlet.keep(600);
    assert!(poll(&inlet, &reception).is_ready() && inlet.large_since().is_some());
    inlet.reset();
    assert!(inlet.large_since().is_none());
    assert_eq!(inlet.0.lock().held, 0);
}

#[tokio::test]
async fn after_so_many_bytes_all_others_have_their_turn() {
    let reception = Reception::new(LARGE);
    let inlet = receiving(0);
    let read = async {
        for _ in 0..4 {
            std::future::poll_fn(|cx| inlet.poll_room(&reception, cx)).await;
            inlet.count(TURN / 2);
        }
    };
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { biased; () = others => {}, () = read => {} }
    assert_eq!(turns, 2);
}
