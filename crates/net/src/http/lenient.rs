//! A connection whose answers' heads are [mended](super::head) as they come. Everything else passes as it is.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::{self, Mended, Search};

/// A longer head is left to the HTTP parser, which has a limit of its own.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// What is read at once while the head is not whole.
const CHUNK_BYTES: usize = 2048;
/// Written before the body of a device that answers without a head.
const NO_HEAD: &[u8] = b"HTTP/1.1 200 -\r\n\r\n";

pub(super) struct Lenient<C> {
    connection: C,
    state: State,
    was_odd: Arc<AtomicBool>,
}

enum State {
    /// A head has to come; this is what has come of it.
    Head(Vec<u8>, Search),
    /// These bytes are to be handed on, the first ones already have been; then comes another head, or the body.
    Handing {
        bytes: Vec<u8>,
        handed: usize,
        next: Option<Vec<u8>>,
    },
    Body,
}

impl<C> Lenient<C> {
    /// `was_odd` is set when there was something to mend.
    pub(super) fn new(connection: C, was_odd: Arc<AtomicBool>) -> Self {
        Self { connection, state: State::Head(Vec::new(), Search::default()), was_odd }
    }

    /// What to do with the bytes that have come; `None`: more have to come.
    fn settle(&self, begun: &mut Vec<u8>, search: &mut Search, is_all: bool) -> Option<State> {
        let pass = |bytes| Some(State::Handing { bytes, handed: 0, next: None });
        if !head::may_begin(begun) {
            self.was_odd.store(true, Ordering::Relaxed);
            return pass([NO_HEAD, begun].concat());
        }
        let Some(end) = search.end(begun) else {
            return if is_all || begun.len() >= MAX_HEAD_BYTES { pass(std::mem::take(begun)) } else { None };
        };
        let Some(Mended { head, was_odd, is_interim }) = head::mend(&begun[..end]) else {
            return pass(std::mem::take(begun));
        };
        self.was_odd.fetch_or(was_odd, Ordering::Relaxed);
        let rest = begun.split_off(end);
        if is_interim {
            return Some(State::Handing { bytes: head, handed: 0, next: Some(rest) });
        }
        pass([head, rest].concat())
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Lenient<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Body => return Pin::new(&mut this.connection).poll_read(cx, buffer),
                State::Handing { bytes, handed, next } => {
                    let count = buffer.remaining().min(bytes.len() - *handed);
                    buffer.put_slice(&bytes[*handed..*handed + count]);
                    *handed += count;
                    if *handed == bytes.len() {
                        this.state =
                            next.take().map_or(State::Body, |rest| State::Head(rest, Search::default()));
                    }
                    return Poll::Ready(Ok(()));
                }
                State::Head(begun, search) => {
                    let (mut begun, mut search) = (std::mem::take(begun), std::mem::take(search));
                    let settled = this.settle(&mut begun, &mut search, false);
                    if let Some(state) = settled {
                        this.state = state;
                        continue;
                    }
                    let mut chunk = [0; CHUNK_BYTES];
                    let mut chunk = ReadBuf::new(&mut chunk);
                    let read = Pin::new(&mut this.connection).poll_read(cx, &mut chunk);
                    begun.extend_from_slice(chunk.filled());
                    let is_end = matches!(read, Poll::Ready(Ok(()))) && chunk.filled().is_empty();
                    let at_end = if is_end { this.settle(&mut begun, &mut search, true) } else { None };
                    this.state = at_end.unwrap_or(State::Head(begun, search));
                    ready!(read)?;
                }
            }
        }
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Lenient<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What comes through if the answer arrives in such pieces, and whether it was odd.
    async fn through(answer: &[u8], piece: usize) -> (Vec<u8>, bool) {
        let (mut camera, hub) = duplex(piece);
        let was_odd = Arc::new(AtomicBool::new(false));
        let mut lenient = Lenient::new(hub, Arc::clone(&was_odd));
        let mut came = Vec::new();
        let sending = async {
            camera.write_all(answer).await.unwrap();
            drop(camera);
        };
        let (_, read) = tokio::join!(sending, lenient.read_to_end(&mut came));
        read.unwrap();
        (came, was_odd.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn an_answer_comes_out_the_same_wherever_it_is_cut() {
        let long = [b"HTTP/1.1 200 OK\r\nA: ", &vec![b'x'; MAX_HEAD_BYTES][..]].concat();
        let cases: [(&[u8], &[u8], bool); 8] = [
            (
                b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\n",
                b"HTTP/1.1 200 -\r\nA: b\r\n\r\nbody\r\n\r\n",
                false,
            ),
            (b"ICY 200 OK\nA : b\n\n\nbody", b"HTTP/1.1 200 -\r\nA: b\r\n\r\n\nbody", true),
            (
                b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.0 200 OK\r\n\r\nx",
                b"HTTP/1.1 100 -\r\n\r\nHTTP/1.1 200 -\r\n\r\nx",
                false,
            ),
            (b"\xFF\xD8\xFFdata", b"HTTP/1.1 200 -\r\n\r\n\xFF\xD8\xFFdata", true),
            (b"--frame\r\nA: b\r\n\r\n", b"HTTP/1.1 200 -\r\n\r\n--frame\r\nA: b\r\n\r\n", true),
            (b"SSH-2.0-OpenSSH\r\n", b"SSH-2.0-OpenSSH\r\n", false),
            (b"", b"", false),
            (&long, &long, false),
        ];
        for (answer, expected, was_odd) in cases {
            for piece in (1..30).filter(|piece| answer.len() < 100 || *piece == 29).chain([4096, 1 << 20]) {
                let came = through(answer, piece).await;
                assert_eq!(
                    came,
                    (expected.to_vec(), was_odd),
                    "{} in pieces of {piece}",
                    answer.escape_ascii()
                );
            }
        }
    }
}
