//! What is not written, and files beyond 4 GiB.

use super::super::{FragmentEntry, MAX_HEAD_BYTES, Sample, fragment_head, index, init, scan};
use super::*;

fn sample(time: u64, bytes: u32) -> Sample {
    Sample { time, duration: 3000, bytes, key: true, seq: 0, captured: None, metadata: None }
}

fn refused(samples: &[Sample]) {
    let error = fragment_head(1, UNIX_EPOCH, samples).unwrap_err();
    assert_eq!(error.code(), "BAD_FRAGMENT", "{error}");
}

#[test]
fn what_could_not_be_read_is_not_written() {
    refused(&[]);
    refused(&[sample(0, 0)]);
    refused(&[sample(0, (64 << 20) + 1)]);
    refused(&[sample(5, 9), sample(5, 9)]);
    refused(&[sample(6, 9), sample(5, 9)]);
    refused(&[sample(0, 9), sample(1 << 32, 9)]);
    let metadata: std::sync::Arc<str> = "x".repeat(1 << 20).into();
    let large = |at| Sample { metadata: Some(metadata.clone()), ..sample(at, 9) };
    let head = fragment_head(1, UNIX_EPOCH, &(0..7).map(large).collect::<Vec<_>>()).unwrap();
    assert!((head.len() as u64) < MAX_HEAD_BYTES);
    refused(&(0..8).map(large).collect::<Vec<_>>());
}

/// A sample lasts until the next one begins, whatever its own duration says.
#[test]
fn durations_follow_the_times() {
    let samples = [sample(0, 9), sample(100, 9), sample(5000, 9)];
    let media = vec![vec![7; 9]; 3];
    let mut expected = samples.to_vec();
    expected[0].duration = 100;
    expected[1].duration = 4900;
    let part = Part { wall: UNIX_EPOCH, samples: samples.to_vec(), media: media.clone() };
    let mut written = Written::new(&track(), &[part]);
    written.parts[0].samples = expected;
    written.check_fragment(&open(&saved(&written.bytes)).unwrap(), 0);
}

/// Sparse: 4.4 GB of media in the first fragment, whose `mdat` has a 64-bit length,
/// and another fragment behind it.
#[test]
fn offsets_beyond_four_gibibytes() {
    let file = tempfile::tempfile().unwrap();
    let init = init(&track());
    let huge: Vec<Sample> = (0..70).map(|at| sample(at * 3000, 64 << 20)).collect();
    let media = 70 << 26;
    let first = fragment_head(1, UNIX_EPOCH, &huge).unwrap();
    let second = fragment_head(2, UNIX_EPOCH, &[sample(210_000, 12)]).unwrap();
    let second_at = (init.len() + first.len()) as u64 + media;
    let entries = [(0, init.len() as u64 + 32), (210_000, second_at + 32)];
    let entries = entries.map(|(time, offset)| FragmentEntry { time, offset });
    overwrite(&file, 0, &[init.clone(), first.clone()].concat());
    overwrite(&file, second_at, &[second.clone(), picture(12)].concat());

    for finished in [false, true] {
        let end = second_at + second.len() as u64 + 12;
        if finished {
            overwrite(&file, end, &index(&entries));
        }
        let reader = open(&file).unwrap();
        assert_eq!((reader.finished(), reader.whole_bytes()), (finished, end));
        let placed = reader.samples(0).unwrap();
        assert_eq!(placed.len(), 70);
        assert_eq!(placed[69].offset, second_at - (64 << 20));
        let placed = reader.samples(1).unwrap();
        assert_eq!(reader.read(&placed[0]).unwrap(), picture(12));
        // The first fragment's samples are zeros: the second alone is sound.
        let scan = scan(&file, path()).unwrap();
        assert_eq!((scan.whole_bytes, scan.frames, scan.has_index), (end, 1, false));
        assert_eq!(scan.damaged, vec![init.len() as u64..second_at]);
        assert_eq!(
            super::super::free(second_at - init.len() as u64).len(),
            16,
            "its size does not fit into 32 bits"
        );
    }

    file.set_len(second_at - 1).unwrap();
    assert_eq!(open(&file).unwrap().fragments().len(), 0, "a byte of the media is missing");
}
