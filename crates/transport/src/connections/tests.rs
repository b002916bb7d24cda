//! Tests of `connections`.
#![allow(clippy::expect_used)]
use super::*;
use crate::{PerAddress, testing::limits};

fn connections(max: usize) -> Arc<Connections> {
    Connections::new(ConnectionLimits { max, ..limits() })
}

fn begin(connection: &Arc<Connection>) -> Arc<Busy> {
    connection.begin_request(OWN_BYTES)
}

fn counted() -> Counted {
    PerAddress::new(None, Vec::new()).count([127, 0, 0, 1].into()).expect("no limit")
}

fn admit(all: &Arc<Connections>) -> Arc<Connection> {
    Arc::new(all.admit(counted()).expect("a place"))
}

#[test]
fn the_longest_resting_connection_makes_room() {
    let all = connections(2);
    let first = admit(&all);
    let second = admit(&all);
    let busy = begin(&first);
    let third = admit(&all);
    assert!(!first.shed.is_cancelled(), "it is answering a request");
    assert!(second.shed.is_cancelled());
    assert!(!third.shed.is_cancelled());
    drop((second, busy));
    assert_eq!(all.open(), 2);
}

#[test]
fn a_request_counts_for_a_while() {
    let all = connections(2);
    let publisher = admit(&all);
    drop(begin(&publisher));
    let mut silent = admit(&all);
    for _ in 0..10 {
        let newcomer = admit(&all);
        assert!(silent.shed.is_cancelled());
        silent = newcomer;
    }
    assert!(!publisher.shed.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_client_at_work_is_not_shed_between_two_of_its_requests() {
    let all = connections(1);
    let publisher = admit(&all);
    drop(begin(&publisher));
    assert!(all.admit(counted()).is_none(), "it may be about to send the next");
    tokio::time::advance(BREATH).await;
    admit(&all);
    assert!(publisher.shed.is_cancelled(), "it was not");
}

#[tokio::test(start_paused = true)]
async fn where_none_rests_a_client_that_is_long_waited_for_makes_room() {
    for side in [Side::Sending, Side::Taking] {
        let all = connections(2);
        let (watching, slow) = (admit(&all), admit(&all));
        let _at_work = (begin(&watching), begin(&slow));
        let waiting = slow.wait(side);
        tokio::time::advance(PATIENCE / 2).await;
        assert!(all.admit(counted()).is_none());
        drop(waiting);
        let _waiting = slow.wait(side);
        tokio::time::advance(PATIENCE / 2).await;
        assert!(all.admit(counted()).is_none(), "something moved since");
        tokio::time::advance(PATIENCE / 2).await;
        assert!(all.admit(counted()).is_some());
        assert!(slow.shed.is_cancelled() && !watching.shed.is_cancelled());
        assert!(all.admit(counted()).is_none(), "it makes room once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up() {
    let slow = admit(&connections(1));
    let _request = begin(&slow);
    let _waiting = slow.wait(Side::Taking);
    let start = Instant::now();
    slow.given_up().await;
    assert_eq!(start.elapsed(), limits().stall_timeout);
}

#[tokio::test]
async fn requests_that_were_read_together_begin_one_a_turn() {
    let connection = admit(&connections(1));
    let mut turns = 0;
    let others = async {
        loop {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    let requests = async {
        for _ in 0..5 {
            connection.turn().await;
        }
    };
    tokio::select! { biased; () = others => {}, () = requests => {} }
    assert_eq!(turns, 5, "the first begins at once");
}

#[tokio::test(start_paused = true)]
async fn a_connection_rests_when_its_last_request_is_answered() {
    let all = connections(1);
    let several = admit(&all);
    let (first, second) = (begin(&several), begin(&several));
    drop(first);
    assert!(all.admit(counted()).is_none());
    drop(second);
    tokio::time::advance(BREATH).await;
    admit(&all);
    assert!(several.shed.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn with_all_at_work_the_newcomer_is_turned_away() {
    let all = connections(1);
    let first = admit(&all);
    let busy = begin(&first);
    assert!(all.admit(counted()).is_none());
    assert!(!first.shed.is_cancelled());
    drop(busy);
    tokio::time::advance(BREATH).await;
    let again = admit(&all);
    assert!(!again.shed.is_cancelled());
    assert!(first.shed.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_head_each_have_their_time() {
    let start = Instant::now();
    let silent = admit(&connections(1));
    silent.given_up().await;
    assert_eq!(start.elapsed().as_secs(), 60);

    let start = Instant::now();
    let trickling = admit(&connections(1));
    trickling.bytes_arrived();
    trickling.given_up().await;
    assert_eq!(start.elapsed().as_secs(), 10);

    let busy = admit(&connections(1));
    let request = begin(&busy);
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, busy.given_up()).await.is_err());
    drop(request);
    let start = Instant::now();
    busy.given_up().await;
    assert_eq!(start.elapsed().as_secs(), 60);
}
