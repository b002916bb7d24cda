#![allow(clippy::unwrap_used)]
use std::fs;

use super::*;

fn spool(folder: &Path, share: u64, budget: &Arc<Budget>) -> Spool {
    let terms = Terms { room: Room::new(folder, 0), share };
    Spool::new(terms, Arc::clone(budget))
}

fn bytes(number: u64) -> Bytes {
    vec![number as u8; 1000 + number as usize % 7].into()
}

fn with(number: u64, bytes: Bytes) -> InputFrame {
    InputFrame {
        number,
        timestamp: Some(number as f64),
        picture: Picture::Jpeg { width: 1, height: 1 },
        bytes,
    }
}

fn frame(number: u64) -> InputFrame {
    with(number, bytes(number))
}

fn read(spool: &Spool, number: u64) -> Bytes {
    let frame = spool.read(number).unwrap();
    assert_eq!((frame.number, frame.timestamp), (number, Some(number as f64)));
    frame.bytes
}

#[tokio::test]
async fn what_is_beyond_the_share_lies_on_disk_and_all_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let budget = Arc::new(Budget::new(1 << 20));
    let spool = spool(folder.path(), 50_000, &budget);
    for number in 0..2000 {
        spool.keep(&frame(number)).await.unwrap();
        assert!(spool.bytes().0 <= 50_000);
    }
    let (memory, disk) = spool.bytes();
    assert!(disk > 1_900_000 && memory + disk == (0..2000).map(|n| bytes(n).len() as u64).sum::<u64>());
    for number in (0..2000).rev() {
        assert_eq!(read(&spool, number), bytes(number));
    }
    assert!(spool.read(2000).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    drop(spool);
    assert!(budget.reserve(1 << 20), "all memory is given back");
}

#[tokio::test]
async fn a_number_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), 1 << 20, &Arc::new(Budget::new(1 << 20)));
    spool.keep(&with(7, bytes(1))).await.unwrap();
    spool.keep(&with(7, bytes(2))).await.unwrap();
    assert_eq!((read(&spool, 7), spool.bytes().0), (bytes(1), bytes(1).len() as u64));
}

#[tokio::test]
async fn a_frame_larger_than_what_all_may_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path(), 10_000, &Arc::new(Budget::new(10_000)));
    let huge = Bytes::from(vec![0; 10_001]);
    assert!(matches!(spool.keep(&with(0, huge.clone())).await, Err(Full::Memory)));
    spool.keep(&frame(0)).await.unwrap();
    // With something to write out, it is only then that the memory is known not to do.
    assert!(matches!(spool.keep(&with(1, huge)).await, Err(Full::Memory)));
}

#[tokio::test]
async fn a_disk_that_refuses_is_an_error_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, b"no folder").unwrap();
    let spool = spool(&blocked.join("spool"), 10_000, &Arc::new(Budget::new(1 << 20)));
    let mut kept = 0;
    let error = loop {
        match spool.keep(&frame(kept)).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Full::Disk(_)), "{error:?}");
    assert!(kept >= 9 && (0..kept).all(|number| read(&spool, number) == bytes(number)));
    // Room is made, and the client sends it again.
    fs::remove_file(&blocked).unwrap();
    let mut tries = 0;
    while spool.keep(&frame(kept)).await.is_err() {
        tries += 1;
        assert!(tries < 3, "the writer tries again");
    }
    assert_eq!(read(&spool, kept), bytes(kept));
}

#[tokio::test]
async fn a_disk_keeps_its_reserve() {
    let folder = tempfile::tempdir().unwrap();
    let terms = Terms { room: Room::new(folder.path(), u64::MAX), share: 1000 };
    let spool = Spool::new(terms, Arc::new(Budget::new(1 << 20)));
    spool.keep(&frame(0)).await.unwrap();
    let Err(Full::Disk(error)) = spool.keep(&frame(1)).await else { panic!("taken") };
    assert!(error.to_string().contains("min_free_gb"), "{error}");
}
