//! Tests of `limits`.
#![allow(clippy::unwrap_used)]
use std::net::Ipv4Addr;

use super::*;

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_empties_and_fills_at_its_rate() {
    let buckets = Buckets::new(2.0, 3);
    for _ in 0..3 {
        buckets.take(address(1)).unwrap();
    }
    assert_eq!(buckets.take(address(1)), Err(Duration::from_millis(500)));
    assert_eq!(buckets.check(address(1)), Err(Duration::from_millis(500)));
    buckets.take(address(2)).unwrap();
    tokio::time::advance(Duration::from_millis(500)).await;
    buckets.check(address(1)).unwrap();
    buckets.take(address(1)).unwrap();
    assert!(buckets.take(address(1)).is_err());
    tokio::time::advance(Duration::from_secs(3600)).await;
    for _ in 0..3 {
        buckets.take(address(1)).unwrap();
    }
    assert!(buckets.take(address(1)).is_err(), "a bucket holds no more than it is deep");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded() {
    let buckets = Buckets::new(1.0, 1);
    for number in 0..MOST as u32 + 100 {
        buckets.take(address(number)).unwrap();
    }
    assert_eq!(buckets.full_at.lock().len(), MOST);
    tokio::time::advance(Duration::from_secs(2)).await;
    buckets.take(address(1)).unwrap();
    assert_eq!(buckets.full_at.lock().len(), 1, "full buckets are forgotten");
}
