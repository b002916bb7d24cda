//! The gate between a connection's socket and its live body: the next part is asked for only when the socket has
//! taken the whole of the last one.
//!
//! hyper asks a body for more while there is room in its write buffer. A buffer small enough for fresh frames would
//! also bound its reads, and uploads would cost a system call for every 16 kB. With the gate, hyper's buffer may be
//! large: a live body rests until hyper has handed everything to the socket and flushes, so between the hub and the
//! network lies one part at most, and what the kernel holds unsent (`TCP_NOTSENT_LOWAT`).
//!
//! Over HTTP/2 many responses share a socket, which is never quite empty. There each has a gate of its own, which a
//! part opens when its last byte was taken: it lies in the response's own queue until then, so that a slow response
//! stops no other.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use net::Lock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    connections::Connection,
    holding::{self, Hold},
    socket::Socket,
    waits::{Side, Waiting},
};

/// A client that takes so much at a time is not waited for.
const PROGRESS_BYTES: usize = 64 * 1024;

/// Shared by a live body and the taker of its parts: a connection's socket, or the part itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<Lock<State>>);

#[derive(Debug, Default)]
struct State {
    /// A part was given, and has not been flushed yet.
    occupied: bool,
    /// Until then its client is waited for, where the socket does not tell.
    client: Option<(Waiting, Option<Hold>)>,
    waiting: Option<Waker>,
}

impl Gate {
    /// Ready when the socket has taken everything that was given.
    pub(super) fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if !state.occupied {
            return Poll::Ready(());
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Notes that a part was given.
    pub(super) fn occupy(&self) {
        self.0.lock().occupied = true;
    }

    /// The same, for a part whose client is waited for until it is taken.
    pub(super) fn occupy_for(&self, connection: &Connection, part: &[u8]) {
        let client = (connection.wait(Side::Taking), connection.hold(part, holding::OWN_BYTES_HTTP2));
        let mut state = self.0.lock();
        state.occupied = true;
        state.client = Some(client);
    }

    /// Lets the next part through.
    pub(super) fn open(&self) {
        let (_client, waiting) = {
            let mut state = self.0.lock();
            state.occupied = false;
            (state.client.take(), state.waiting.take())
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// A socket that opens its gate when it has taken everything (hyper flushes its transport exactly when its own buffer
/// is empty, and TLS is flushed only when its own is, too), and informs its connection of what its client sends and
/// takes.
#[derive(Debug)]
pub(super) struct GatedSocket {
    socket: Socket,
    gate: Gate,
    connection: Arc<Connection>,
    /// The client has not taken everything.
    waiting: Option<Waiting>,
    /// What it has taken since.
    taken: usize,
    /// The frame that it has to take.
    hold: Option<Hold>,
}

impl GatedSocket {
    pub(super) fn new(socket: Socket, gate: Gate, connection: Arc<Connection>) -> Self {
        Self { socket, gate, connection, waiting: None, taken: 0, hold: None }
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut Socket> {
        Pin::new(&mut self.get_mut().socket)
    }

    /// Notes how far a write came. `largest`: of the pieces to be written.
    fn wrote(&mut self, written: &Poll<io::Result<usize>>, largest: &[u8]) {
        match written {
            Poll::Pending => {
                if self.waiting.is_none() {
                    self.taken = 0;
                    self.waiting = Some(self.connection.wait(Side::Taking));
                }
                if !self.hold.as_ref().is_some_and(|hold| hold.is_of(largest)) {
                    self.hold = self.connection.hold(largest, holding::OWN_BYTES);
                }
            }
            Poll::Ready(Ok(count)) if self.waiting.is_some() => {
                self.taken += count;
                if self.taken >= PROGRESS_BYTES {
                    self.waiting = None;
                }
            }
            Poll::Ready(_) => {}
        }
    }
}

impl AsyncRead for GatedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.connection.poll_socket_room(cx));
        let before = buf.filled().len();
        let read = self.as_mut().socket().poll_read(cx, buf);
        match &read {
            Poll::Ready(_) => {
                self.connection.bytes_arrived();
                self.connection.socket_inlet().count(buf.filled().len() - before);
            }
            Poll::Pending => self.connection.socket_inlet().end_turn(),
        }
        read
    }
}

impl AsyncWrite for GatedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.as_mut().socket().poll_write(cx, buf);
        self.wrote(&written, buf);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.as_mut().socket().poll_write_vectored(cx, slices);
        self.wrote(&written, slices.iter().max_by_key(|slice| slice.len()).map_or(&[], |slice| slice));
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().socket().poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            (self.waiting, self.hold) = (None, None);
            self.gate.open();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(cx)
    }
}
