//! Tests of `ring`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
use wire::fragments::{Assembler, Part};

use super::*;

fn signal(bytes: &[u8]) -> Signal {
    let message = Assembler::new(usize::MAX).push(Part::Binary, true, bytes).unwrap().unwrap();
    Signal::Message(Arc::new(message))
}

fn hear(ring: &mut Ring, client: u64) -> Option<Vec<u8>> {
    match ring.take(client).unwrap()? {
        Signal::Message(message) => Some(message.fragments().concat()),
        Signal::Close(_) => None,
    }
}

#[test]
fn nothing_is_kept_without_clients() {
    let mut ring = Ring::default();
    ring.push(signal(b"there is no client"));
    assert_eq!((ring.kept.len(), ring.bytes), (0, 0));
    let client = ring.enter();
    assert!(hear(&mut ring, client).is_none());
    ring.push(signal(b"a"));
    ring.leave(client);
    assert_eq!((ring.kept.len(), ring.bytes), (0, 0));
}

#[test]
fn a_client_that_lags_gets_an_error_and_holds_no_other_back() {
    let mut ring = Ring::default();
    let (slow, quick) = (ring.enter(), ring.enter());
    for n in 0..100_u8 {
        ring.push(signal(&vec![n; 100_000]));
        assert_eq!(hear(&mut ring, quick).unwrap()[0], n);
        assert!(ring.bytes <= MAX_BYTES);
    }
    assert_eq!(ring.take(slow).unwrap_err(), Lagged);
    ring.leave(slow);
    assert_eq!((ring.kept.len(), ring.bytes), (0, 0));
}

#[test]
fn a_single_message_may_be_larger() {
    let mut ring = Ring::default();
    let client = ring.enter();
    ring.push(signal(&vec![7; 3 * MAX_BYTES]));
    assert_eq!(hear(&mut ring, client).unwrap().len(), 3 * MAX_BYTES);
}

proptest! {
    #[test]
    fn every_client_hears_everything_in_order(steps in prop::collection::vec((0..4_usize, any::<u8>()), 0..200)) {
        let mut ring = Ring::default();
        let clients: Vec<u64> = (0..3).map(|_| ring.enter()).collect();
        let mut sent = Vec::new();
        let mut heard = vec![Vec::new(); 3];
        for (who, byte) in steps {
            match clients.get(who) {
                None => { ring.push(signal(&[byte])); sent.push(vec![byte]); }
                Some(client) => heard[who].extend(hear(&mut ring, *client)),
            }
            let behind = heard.iter().map(Vec::len).min().unwrap();
            prop_assert_eq!(ring.kept.len(), sent.len() - behind, "what all have heard is gone");
        }
        for (client, heard) in clients.iter().zip(&mut heard) {
            while let Some(message) = hear(&mut ring, *client) {
                heard.push(message);
            }
            prop_assert_eq!(&*heard, &sent);
        }
    }
}
