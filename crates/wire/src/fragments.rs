//! Messages of a WebSocket with the cuts between their fragments kept (RFC 6455, section 5.4), so that a relay can hand
//! them on as they came.
//!
//! What a message means is not asked here, nor which frames are control frames: those never get here.

use std::str;

use bytes::Bytes;

/// More pieces than this are no message but an attack on memory: each costs some dozens of bytes, however short it is.
const MAX_FRAGMENTS: usize = 16_384;

/// A whole message, in the pieces in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    is_text: bool,
    bytes: usize,
    fragments: Vec<Bytes>,
}

impl Message {
    /// Text, which is UTF-8 as a whole, or else binary.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// At least one; each owns exactly its bytes, and may be empty.
    pub fn fragments(&self) -> &[Bytes] {
        &self.fragments
    }

    /// Bytes of all pieces.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// In one piece, copied only if there are several.
    pub fn into_bytes(mut self) -> Bytes {
        match self.fragments.len() {
            1 => self.fragments.swap_remove(0),
            _ => self.fragments.concat().into_boxed_slice().into(),
        }
    }
}

/// What a data frame begins or goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Text,
    Binary,
    Continuation,
}

/// Why data frames make no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("a continuation came without a message to continue")]
    NothingToContinue,
    #[error(
        "a message began inside another one: the fragments of one message come without another's in between"
    )]
    Interleaved,
    #[error("message larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("message in more than {MAX_FRAGMENTS} fragments")]
    TooManyFragments,
    #[error("a text message is not UTF-8")]
    NotUtf8,
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingToContinue => "NOTHING_TO_CONTINUE",
            Self::Interleaved => "INTERLEAVED",
            Self::TooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::TooManyFragments => "TOO_MANY_FRAGMENTS",
            Self::NotUtf8 => "NOT_UTF8",
        }
    }
}

/// Puts data frames together. After an error it is of no further use: the connection cannot be understood any more.
#[derive(Debug)]
pub struct Assembler {
    max_bytes: usize,
    keeps_cuts: bool,
    partial: Option<Partial>,
}

/// What has come of a message.
#[derive(Debug)]
struct Partial {
    is_text: bool,
    bytes: usize,
    pieces: Pieces,
}

#[derive(Debug)]
enum Pieces {
    Cut(Vec<Bytes>),
    Joined(Vec<u8>),
}

impl Assembler {
    /// For messages of at most `max_bytes` that keep their cuts.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, keeps_cuts: true, partial: None }
    }

    /// For messages that come out in one piece, in however many they came.
    pub fn joining(max_bytes: usize) -> Self {
        Self { keeps_cuts: false, ..Self::new(max_bytes) }
    }

    /// Takes one data frame, copied out of the read buffer; gives the message that it completes.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn push(&mut self, part: Part, is_last: bool, payload: &[u8]) -> Result<Option<Message>, Error> {
        let mut partial = match (part, self.partial.take()) {
            (Part::Continuation, None) => return Err(Error::NothingToContinue),
            (Part::Continuation, Some(partial)) => partial,
            (_, Some(_)) => return Err(Error::Interleaved),
            (begins, None) => Partial::new(begins == Part::Text, self.keeps_cuts || is_last),
        };
        partial.bytes += payload.len();
        if partial.bytes > self.max_bytes {
            return Err(Error::TooLarge { limit: self.max_bytes });
        }
        partial.pieces.push(payload)?;
        if is_last {
            return partial.finish().map(Some);
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

impl Partial {
    fn new(is_text: bool, keeps_cuts: bool) -> Self {
        let pieces = if keeps_cuts { Pieces::Cut(Vec::with_capacity(1)) } else { Pieces::Joined(Vec::new()) };
        Self { is_text, bytes: 0, pieces }
    }

    fn finish(self) -> Result<Message, Error> {
        let fragments = match self.pieces {
            Pieces::Cut(pieces) => pieces,
            Pieces::Joined(bytes) => vec![bytes.into_boxed_slice().into()],
        };
        if self.is_text && !is_utf8(&fragments) {
            return Err(Error::NotUtf8);
        }
        Ok(Message { is_text: self.is_text, bytes: self.bytes, fragments })
    }
}

impl Pieces {
    fn push(&mut self, payload: &[u8]) -> Result<(), Error> {
        match self {
            Self::Cut(pieces) if pieces.len() == MAX_FRAGMENTS => return Err(Error::TooManyFragments),
            Self::Cut(pieces) => pieces.push(Bytes::copy_from_slice(payload)),
            Self::Joined(bytes) => bytes.extend_from_slice(payload),
        }
        Ok(())
    }
}

/// A character may be cut by the end of a fragment.
fn is_utf8(fragments: &[Bytes]) -> bool {
    match fragments {
        [whole] => str::from_utf8(whole).is_ok(),
        pieces => str::from_utf8(&pieces.concat()).is_ok(),
    }
}

#[cfg(test)]
mod tests;
