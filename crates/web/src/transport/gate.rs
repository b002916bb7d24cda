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
    task::{Context, Poll, Waker},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use net::Lock;

use super::{connections::Connection, socket::Socket};

/// Shared by a live body and the taker of its parts: a connection's socket, or the part itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<Lock<State>>);

#[derive(Debug, Default)]
struct State {
    /// A part was given, and has not been flushed yet.
    occupied: bool,
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

    /// Lets the next part through.
    pub(super) fn open(&self) {
        let waiting = {
            let mut state = self.0.lock();
            state.occupied = false;
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

/// A socket that opens its gate when it has taken everything (hyper flushes its transport exactly when its own buffer
/// is empty, and TLS is flushed only when its own is, too), and informs its connection when bytes have arrived.
#[derive(Debug)]
pub(super) struct GatedSocket {
    socket: TokioIo<Socket>,
    gate: Gate,
    connection: Arc<Connection>,
}

impl GatedSocket {
    pub(super) fn new(socket: Socket, gate: Gate, connection: Arc<Connection>) -> Self {
        Self { socket: TokioIo::new(socket), gate, connection }
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut TokioIo<Socket>> {
        Pin::new(&mut self.get_mut().socket)
    }
}

impl Read for GatedSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.as_mut().socket().poll_read(cx, buf);
        if read.is_ready() {
            self.connection.bytes_arrived();
        }
        read
    }
}

impl Write for GatedSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().socket().poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.gate.open();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(cx)
    }
}
