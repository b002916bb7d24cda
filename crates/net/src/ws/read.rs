//! Reads frames (RFC 6455 section 5.2). A payload is read into memory of its own, which grows as the bytes come and goes
//! with the frame: between two messages a connection holds a few kilobytes, however large the last one was.

use bytes::{Buf, BytesMut};
use fastwebsockets::{CloseCode, OpCode, unmask};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{Ended, Peer};

/// Read at once while the next head is not whole.
const AHEAD: usize = 8 * 1024;
/// Memory for a payload before its bytes have come: a usual frame needs no more.
const FIRST: usize = 256 * 1024;
/// Of a control frame (section 5.5).
const MAX_CONTROL: usize = 125;

/// One frame, unmasked.
pub(super) struct Frame {
    pub(super) is_last: bool,
    pub(super) opcode: OpCode,
    pub(super) payload: Vec<u8>,
}

struct Head {
    is_last: bool,
    opcode: OpCode,
    length: usize,
    mask: Option<[u8; 4]>,
}

pub(super) struct Reader<R> {
    io: R,
    peer: Peer,
    ahead: BytesMut,
    /// Bytes of one frame.
    max: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(io: R, peer: Peer, max: usize) -> Self {
        Self { io, peer, ahead: BytesMut::new(), max }
    }

    /// Not cancel-safe.
    pub(super) async fn frame(&mut self) -> Result<Frame, Ended> {
        let Head { is_last, opcode, length, mask } = self.head().await?;
        let mut payload = self.payload(length).await?;
        if let Some(mask) = mask {
            unmask(&mut payload, mask);
        }
        match opcode {
            OpCode::Close => check_close(&payload)?,
            OpCode::Text if is_last && str::from_utf8(&payload).is_err() => {
                return Err(wrong("a text is not UTF-8"));
            }
            _ => {}
        }
        Ok(Frame { is_last, opcode, payload })
    }

    async fn head(&mut self) -> Result<Head, Ended> {
        self.fill(2).await?;
        let (first, second) = (self.ahead.get_u8(), self.ahead.get_u8());
        if first & 0b0111_0000 != 0 {
            return Err(wrong("reserved bits are not zero"));
        }
        let is_last = first & 0x80 != 0;
        let opcode = OpCode::try_from(first & 0x0f).map_err(|_| wrong("an opcode is unknown"))?;
        let (is_masked, short) = (second & 0x80 != 0, second & 0x7f);
        // A proxy may take bytes that a web page chooses for a request of its own, unless they are masked.
        match (self.peer, is_masked) {
            (Peer::Client, false) => return Err(wrong("a client's frame is not masked")),
            (Peer::Server, true) => return Err(wrong("a server's frame is masked")),
            _ => {}
        }
        let further = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        self.fill(further + if is_masked { 4 } else { 0 }).await?;
        let length = match further {
            0 => u64::from(short),
            2 => u64::from(self.ahead.get_u16()),
            _ => self.ahead.get_u64(),
        };
        let mask = is_masked.then(|| self.ahead.get_u32().to_be_bytes());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if matches!(opcode, OpCode::Close | OpCode::Ping | OpCode::Pong) {
            if !is_last {
                return Err(wrong("a control frame is in fragments"));
            }
            if length > MAX_CONTROL {
                return Err(wrong("a control frame has more than 125 bytes"));
            }
        }
        if length > self.max {
            return Err(Ended::TooLarge { limit: self.max });
        }
        Ok(Head { is_last, opcode, length, mask })
    }

    /// Reads ahead until there are so many bytes.
    async fn fill(&mut self, count: usize) -> Result<(), Ended> {
        while self.ahead.len() < count {
            self.ahead.reserve(AHEAD);
            some(self.io.read_buf(&mut self.ahead).await)?;
        }
        Ok(())
    }

    async fn payload(&mut self, length: usize) -> Result<Vec<u8>, Ended> {
        let mut payload = Vec::new();
        payload.reserve_exact(length.min(FIRST));
        let begun = self.ahead.split_to(length.min(self.ahead.len()));
        payload.extend_from_slice(&begun);
        while payload.len() < length {
            let missing = length - payload.len();
            if payload.len() == payload.capacity() {
                payload.reserve_exact(missing.min(payload.len()));
            }
            some((&mut self.io).take(missing as u64).read_buf(&mut payload).await)?;
        }
        Ok(payload)
    }

    /// Reads some bytes, whatever they are, and forgets them; none at the end.
    pub(super) async fn discard(&mut self) -> std::io::Result<usize> {
        self.ahead.clear();
        self.ahead.reserve(AHEAD);
        self.io.read_buf(&mut self.ahead).await
    }
}

fn wrong(what: &str) -> Ended {
    Ended::Protocol(what.to_owned())
}

/// What was read, unless the peer is gone.
fn some(read: std::io::Result<usize>) -> Result<(), Ended> {
    match read {
        Ok(0) => Err(Ended::Gone),
        Ok(_) => Ok(()),
        Err(error) => Err(Ended::Protocol(error.to_string())),
    }
}

/// Section 5.5.1: nothing, or a code that may be sent and UTF-8.
fn check_close(payload: &[u8]) -> Result<(), Ended> {
    match payload {
        [] => Ok(()),
        [_] => Err(wrong("half a close code")),
        [_, _, reason @ ..] if str::from_utf8(reason).is_err() => Err(wrong("a close reason is not UTF-8")),
        &[high, low, ..] => {
            let is_allowed = CloseCode::from(u16::from_be_bytes([high, low])).is_allowed();
            is_allowed.then_some(()).ok_or_else(|| wrong("a close code that may not be sent"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn read(bytes: &[u8]) -> Vec<String> {
        let mut reader = Reader::new(bytes, Peer::Server, 70_000);
        let mut seen = Vec::new();
        loop {
            match reader.frame().await {
                Ok(Frame { is_last, opcode, payload }) => {
                    seen.push(format!("{opcode:?} {is_last} {}", payload.len()))
                }
                Err(Ended::Gone) => return seen,
                Err(error) => {
                    seen.push(error.to_string());
                    return seen;
                }
            }
        }
    }

    fn long(length: u64) -> Vec<u8> {
        [&[0x82, 127][..], &length.to_be_bytes(), &vec![7; usize::try_from(length).unwrap()]].concat()
    }

    #[tokio::test]
    async fn frames_of_all_lengths_are_read_one_after_the_other() {
        let text = [0x81, 3, b'a', b'b', b'c'];
        let short = [&[0x02, 126, 1, 0][..], &[0; 256], &[0x80, 0]].concat();
        let bytes = [&text[..], &short, &long(70_000), &[0x89, 1, 5]].concat();
        let frames =
            ["Text true 3", "Binary false 256", "Continuation true 0", "Binary true 70000", "Ping true 1"];
        assert_eq!(read(&bytes).await, frames);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).await.len() < frames.len());
        }
    }

    #[tokio::test]
    async fn what_the_protocol_forbids_is_refused() {
        let cases: [(&[u8], &str); 9] = [
            (&[0xc2, 0], "WebSocket protocol: reserved bits are not zero"),
            (&[0x83, 0], "WebSocket protocol: an opcode is unknown"),
            (&[0x09, 0], "WebSocket protocol: a control frame is in fragments"),
            (&[0x89, 126, 0, 126], "WebSocket protocol: a control frame has more than 125 bytes"),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x71], "message larger than 70000 bytes"),
            (&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255], "message larger than 70000 bytes"),
            (&[0x81, 1, 0xff], "WebSocket protocol: a text is not UTF-8"),
            (&[0x88, 1, 3], "WebSocket protocol: half a close code"),
            (&[0x88, 2, 3, 0xed], "WebSocket protocol: a close code that may not be sent"),
        ];
        for (bytes, refused) in cases {
            assert_eq!(read(bytes).await, [refused]);
        }
    }

    #[tokio::test]
    async fn memory_is_for_what_has_come_and_is_gone_with_the_frame() {
        let (mut sender, receiver) = tokio::io::duplex(64);
        let mut reader = Reader::new(receiver, Peer::Server, usize::MAX);
        let large = long(3 << 20);
        let sending = async { tokio::io::AsyncWriteExt::write_all(&mut sender, &large).await.unwrap() };
        let (frame, ()) = tokio::join!(reader.frame(), sending);
        let payload = frame.unwrap().payload;
        assert_eq!((payload.len(), payload.capacity()), (3 << 20, 3 << 20));
        assert!(reader.ahead.capacity() <= 2 * AHEAD);
    }
}
