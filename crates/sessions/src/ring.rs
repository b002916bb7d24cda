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
mod tests;
