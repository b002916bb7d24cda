//! Tests of `connections`.
#![allow(clippy::expect_used)]
use super::*;
use crate::transport::PerAddress;

fn counted() -> Counted {
    PerAddress::new(None, Vec::new()).count([127, 0, 0, 1].into()).expect("no limit")
}

fn admit(all: &Arc<Connections>) -> Arc<Connection> {
    Arc::new(all.admit(counted()).expect("a place"))
}

#[test]
fn the_longest_resting_connection_makes_room() {
    let all = Connections::new(2);
    let first = admit(&all);
    let second = admit(&all);
    let busy = first.begin_request();
    let third = admit(&all);
    assert!(!first.shed.is_cancelled(), "it is answering a request");
    assert!(second.shed.is_cancelled());
    assert!(!third.shed.is_cancelled());
    drop((second, busy));
    assert_eq!(all.open(), 2);
}

#[test]
fn a_request_counts_for_a_while() {
    let all = Connections::new(2);
    let publisher = admit(&all);
    drop(publisher.begin_request());
    let mut silent = admit(&all);
    for _ in 0..10 {
        let newcomer = admit(&all);
        assert!(silent.shed.is_cancelled());
        silent = newcomer;
    }
    assert!(!publisher.shed.is_cancelled());
}

#[test]
fn a_connection_rests_when_its_last_request_is_answered() {
    let all = Connections::new(1);
    let several = admit(&all);
    let (first, second) = (several.begin_request(), several.begin_request());
    drop(first);
    assert!(all.admit(counted()).is_none());
    drop(second);
    admit(&all);
    assert!(several.shed.is_cancelled());
}

#[test]
fn with_all_at_work_the_newcomer_is_turned_away() {
    let all = Connections::new(1);
    let first = admit(&all);
    let busy = first.begin_request();
    assert!(all.admit(counted()).is_none());
    assert!(!first.shed.is_cancelled());
    drop(busy);
    let again = admit(&all);
    assert!(!again.shed.is_cancelled());
    assert!(first.shed.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_head_each_have_their_time() {
    let (idle, head) = (Duration::from_secs(60), Duration::from_secs(10));
    let start = Instant::now();
    let silent = admit(&Connections::new(1));
    silent.outstayed(idle, head).await;
    assert_eq!(start.elapsed().as_secs(), 60);

    let start = Instant::now();
    let trickling = admit(&Connections::new(1));
    trickling.bytes_arrived();
    trickling.outstayed(idle, head).await;
    assert_eq!(start.elapsed().as_secs(), 10);

    let busy = admit(&Connections::new(1));
    let request = busy.begin_request();
    let hour = Duration::from_secs(3600);
    assert!(tokio::time::timeout(hour, busy.outstayed(idle, head)).await.is_err());
    drop(request);
    let start = Instant::now();
    busy.outstayed(idle, head).await;
    assert_eq!(start.elapsed().as_secs(), 60);
}
