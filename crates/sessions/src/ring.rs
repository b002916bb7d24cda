//! The messages of a simulator, kept until every client has received them: in order, without gaps, within a bound.
//!
//! A client that falls so far behind that a message it has not received must be dropped gets an error and nothing more:
//! signalling with a gap in it is worth less than none.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use net::ws::Close;
use wire::fragments::Message;

/// Bytes that wait for the slowest client, unless a single message has more. Signalling is some kilobytes.
const MAX_BYTES: usize = 1 << 20;
/// What a message costs beside its bytes.
const MESSAGE_BYTES: usize = 256;

/// What a simulator sends to every client.
#[derive(Debug, Clone)]
pub(crate) enum Signal {
    Message(Arc<Message>),
    /// The simulator closed its WebSocket.
    Close(Close),
}

impl Signal {
    fn bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.bytes() + message.fragments().len() * 32 + MESSAGE_BYTES,
            Self::Close(_) => MESSAGE_BYTES,
        }
    }
}

/// A message that the client has not received is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lagged;

#[derive(Debug, Default)]
pub(crate) struct Ring {
    kept: VecDeque<Signal>,
    bytes: usize,
    /// The number of the oldest that is kept.
    first: u64,
    /// The number that each client receives next.
    cursors: BTreeMap<u64, u64>,
    last_client: u64,
}

impl Ring {
    /// A client, which receives what is signal from now on.
    pub(crate) fn enter(&mut self) -> u64 {
        self.last_client += 1;
        self.cursors.insert(self.last_client, self.end());
        self.last_client
    }

    pub(crate) fn leave(&mut self, client: u64) {
        self.cursors.remove(&client);
        self.forget();
    }

    /// Keeps it for the clients that are here.
    pub(crate) fn push(&mut self, signal: Signal) {
        self.bytes += signal.bytes();
        self.kept.push_back(signal);
        while self.bytes > MAX_BYTES && self.kept.len() > 1 {
            self.drop_first();
        }
        self.forget();
    }

    /// What the client receives next; `None`: nothing yet.
    pub(crate) fn take(&mut self, client: u64) -> Result<Option<Signal>, Lagged> {
        let Some(cursor) = self.cursors.get_mut(&client) else { return Ok(None) };
        let Some(at) = cursor.checked_sub(self.first) else { return Err(Lagged) };
        let Some(signal) = usize::try_from(at).ok().and_then(|at| self.kept.get(at)).cloned() else {
            return Ok(None);
        };
        *cursor += 1;
        self.forget();
        Ok(Some(signal))
    }

    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Drops what every client has received.
    fn forget(&mut self) {
        let next = self.cursors.values().min().copied().unwrap_or_else(|| self.end());
        while self.first < next && !self.kept.is_empty() {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(signal) = self.kept.pop_front() {
            self.bytes -= signal.bytes();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
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
}
