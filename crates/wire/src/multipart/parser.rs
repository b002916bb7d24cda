//! The state machine that cuts a body into parts.
//!
//! Two decisions, and the roads not taken:
//!
//! A part with a `Content-Length` is handed out when those bytes are there. Waiting for the delimiter that
//! proves it right would show each frame of a camera one interval late.
//!
//! A part without it ends at the next delimiter line. Bytes that look like a delimiter and go on (`--frameX` where
//! `--frame` is announced) belong to the body, which RFC 2046 would call the peer's fault and a JPEG cannot promise.

use bytes::Bytes;

use super::{
    Error, Headers,
    boundary::{Delimiter, Kind, LineEnd},
    line::{Line, without_end},
    search::Search,
};
use crate::{
    buffer::{Buffer, Length},
    mjpeg,
};

/// How much of a body without a delimiter an error message may show.
const PREAMBLE_SHOWN_BYTES: usize = 48;

/// A part that claims more says nothing about its body: a -1 in the wrong type, say.
const MAX_BELIEVED_BYTES: u64 = i32::MAX as u64;

/// What a peer may make us hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one part's body.
    pub max_part_bytes: usize,
    /// Bytes of one part's header lines; also the bytes before the first delimiter.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    /// 10 MiB, as 001's `server.max_frame_size_mb`, and 16 KiB of headers.
    fn default() -> Self {
        Self { max_part_bytes: 10 << 20, max_header_bytes: 16 << 10 }
    }
}

/// What [`Parser::feed`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole part.
    Part(Part),
    /// The closing delimiter; whatever follows is ignored.
    End,
}

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub headers: Headers,
    /// Its own memory, at most an eighth of it unused.
    pub body: Bytes,
}

#[derive(Debug)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// After a delimiter line.
    Headers,
    /// In a body of known length.
    Counted {
        remaining: usize,
    },
    /// In a body that ends at a delimiter.
    Open,
    /// After the bytes of a delimiter in an open body, in the rest of its line.
    Tail,
    /// After a body of known length, before its delimiter.
    Gap,
    /// The closing delimiter is seen, the last part handed out, the end not yet reported.
    Closed,
    /// After the closing delimiter.
    Epilogue,
    Failed(Error),
}

/// Cuts one multipart body into parts; see the head of this file and of the [module](super).
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    /// Bytes of the whole body, if known.
    total: Option<u64>,
    close_required: bool,
    state: State,
    /// Bytes taken so far.
    position: u64,
    delimiter: Delimiter,
    /// How the last delimiter line ended.
    line_end: LineEnd,
    search: Search,
    /// The delimiter line at hand, outside of headers.
    line: Line,
    /// The header lines at hand; in the preamble, its first bytes, for an error message.
    block: Vec<u8>,
    /// Where the last line of `block` begins.
    line_start: usize,
    /// Where the part at hand begins in the body.
    part_position: u64,
    headers: Headers,
    body: Buffer,
}

impl Parser {
    /// A parser for a body with the given boundary, as [`boundary`](super::boundary()) reads it.
    pub fn new(boundary: impl AsRef<str>, limits: Limits) -> Self {
        let delimiter = Delimiter::new(boundary.as_ref());
        Self {
            limits,
            total: None,
            close_required: false,
            state: State::Preamble,
            position: 0,
            line_end: LineEnd::Crlf,
            search: Search::new(&delimiter.needle(LineEnd::Crlf)),
            line: Line::new(delimiter.expected().len()),
            delimiter,
            block: Vec::new(),
            line_start: 0,
            part_position: 0,
            headers: Headers::default(),
            body: Buffer::new(limits.max_part_bytes),
        }
    }

    /// Tells the length of the whole body (the request's Content-Length), so that a lone part without one of its own
    /// gets a buffer that fits.
    #[must_use]
    pub fn with_total(mut self, content_length: Option<u64>) -> Self {
        self.total = content_length;
        self
    }

    /// Makes [`finish`](Self::finish) insist on the closing delimiter, as a form has one. Streams of frames often
    /// end between two parts.
    #[must_use]
    pub fn close_required(mut self) -> Self {
        self.close_required = true;
        self
    }

    /// Takes bytes off the front of `input` until there is an event or the input is used up.
    ///
    /// Call it until it gives `None`, also when nothing of the input is left: the end follows the last part.
    ///
    /// # Errors
    /// See [`Error`]; after one the parser gives the same again and takes no more bytes.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        loop {
            match &self.state {
                State::Failed(error) => return Err(error.clone()),
                State::Closed => {
                    self.state = State::Epilogue;
                    return Ok(Some(Event::End));
                }
                State::Epilogue => {
                    self.take(input, input.len());
                    return Ok(None);
                }
                _ if input.is_empty() => return Ok(None),
                _ => {}
            }
            match self.advance(input) {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    /// Tells that the body has ended.
    ///
    /// # Errors
    /// [`Error::EndsInsidePart`], [`Error::NoDelimiter`] if there was no part at all, or [`Error::NotClosed`] if that
    /// is [required](Self::close_required).
    pub fn finish(&mut self) -> Result<(), Error> {
        let position = self.position;
        let error = match &self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Closed | State::Epilogue => return Ok(()),
            State::Preamble => self.no_delimiter(),
            State::Gap if !self.delimiter.may_be(self.line.raw()) => self.length_mismatch(),
            _ if self.in_part() => Error::EndsInsidePart { position },
            _ if self.close_required => {
                let expected = format!("{}--", crate::preview(self.delimiter.expected()));
                Error::NotClosed { expected, position }
            }
            _ => return Ok(()),
        };
        Err(self.fail(error))
    }

    /// What has come of the part at hand, for a part that is larger than what should be held: the part itself has only
    /// what comes after. `None`: nothing has.
    ///
    /// [`Limits::max_part_bytes`] then bounds what comes between two calls, and a `Content-Length` of the part.
    pub fn drain(&mut self) -> Option<(&Headers, Bytes)> {
        if !matches!(self.state, State::Open | State::Counted { .. }) || self.body.len() == 0 {
            return None;
        }
        let bytes = self.body.take();
        self.body.begin(Length::Unknown);
        Some((&self.headers, bytes))
    }

    /// Whether a part has begun and is not whole.
    ///
    /// Headers alone that ended do not count when the part has no `Content-Length`: senders that want to be shown by
    /// browsers send them one frame ahead.
    pub fn in_part(&self) -> bool {
        match &self.state {
            State::Headers => !self.block.is_empty(),
            State::Open => self.body.len() > 0 || self.search.holds_back(),
            State::Counted { .. } | State::Tail => true,
            State::Preamble | State::Gap | State::Closed | State::Epilogue | State::Failed(_) => false,
        }
    }

    /// One step; takes at least one byte or changes the state.
    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        match self.state {
            State::Preamble => self.preamble(input),
            State::Headers => self.header_line(input),
            State::Counted { remaining } => self.counted(input, remaining),
            State::Open => self.open(input),
            State::Tail => self.tail(input),
            State::Gap => self.gap(input),
            State::Closed | State::Epilogue | State::Failed(_) => Ok(None),
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.body.clear();
        self.block = Vec::new();
        self.state = State::Failed(error.clone());
        error
    }

    /// Takes `count` bytes off the input.
    fn take<'a>(&mut self, input: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (here, rest) = input.split_at(count);
        *input = rest;
        self.position += count as u64;
        here
    }

    /// Takes a line or a piece of one off the input; true when it is whole.
    fn take_line(&mut self, input: &mut &[u8]) -> bool {
        let before = input.len();
        let whole = self.line.take(input);
        self.position += (before - input.len()) as u64;
        whole
    }

    fn preamble(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let before = *input;
        let whole = self.take_line(input);
        let taken = &before[..before.len() - input.len()];
        let unseen = PREAMBLE_SHOWN_BYTES.saturating_sub(self.block.len());
        self.block.extend_from_slice(&taken[..taken.len().min(unseen)]);
        if let Some(event) = self.delimiter_line(whole) {
            return Ok(event);
        }
        // Only a line that is no delimiter counts: a delimiter may stand across the limit, wherever chunks are cut.
        let is_other = whole || self.line.is_full();
        if is_other && self.position > self.limits.max_header_bytes as u64 {
            return Err(self.no_delimiter());
        }
        if whole {
            self.line.clear();
        }
        Ok(None)
    }

    fn no_delimiter(&self) -> Error {
        Error::NoDelimiter {
            expected: crate::preview(self.delimiter.expected()),
            found: crate::preview(&self.block),
            position: self.position,
        }
    }

    /// Acts on `line` if it is a delimiter; `None` if it is not, or not yet.
    fn delimiter_line(&mut self, whole: bool) -> Option<Option<Event>> {
        if self.delimiter.is_closing(self.line.raw()) {
            self.state = State::Epilogue;
            return Some(Some(Event::End));
        }
        if !whole || self.line.is_full() {
            return None;
        }
        let text = without_end(self.line.raw());
        if self.delimiter.classify(text) != Kind::Delimiter {
            return None;
        }
        let line_end = LineEnd::of(self.line.raw());
        if self.delimiter.settle(text) {
            self.search = Search::new(&self.delimiter.needle(line_end));
        }
        self.begin_part(line_end);
        Some(None)
    }

    fn begin_part(&mut self, line_end: LineEnd) {
        if line_end != self.line_end {
            self.line_end = line_end;
            self.search = Search::new(&self.delimiter.needle(line_end));
        }
        self.block.clear();
        self.line_start = 0;
        self.part_position = self.position;
        self.state = State::Headers;
    }

    fn header_line(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let found = memchr::memchr(b'\n', input);
        let here = self.take(input, found.map_or(input.len(), |at| at + 1));
        let limit = self.limits.max_header_bytes;
        let fitting = here.len().min(limit.saturating_sub(self.block.len()));
        self.block.extend_from_slice(&here[..fitting]);
        let raw = &self.block[self.line_start..];
        let text = without_end(raw);
        if self.delimiter.is_closing(text) {
            // The part was begun and given up: our own streams end so, since their delimiter goes with the frame.
            self.state = State::Epilogue;
            return Ok(Some(Event::End));
        }
        if fitting < here.len() {
            return Err(Error::HeadersTooLarge { limit, position: self.position });
        }
        if found.is_none() {
            return Ok(None);
        }
        if text.is_empty() {
            return self.begin_body();
        }
        if self.delimiter.classify(text) == Kind::Delimiter {
            let line_end = LineEnd::of(raw);
            self.begin_part(line_end);
        } else if is_heartbeat(text) {
            // A stream that idles for hours sends these by the thousand.
            self.block.truncate(self.line_start);
        } else {
            self.line_start = self.block.len();
        }
        Ok(None)
    }

    /// Reads the headers and makes ready for the body.
    fn begin_body(&mut self) -> Result<Option<Event>, Error> {
        let (lines, blank) = self.block.split_at(self.line_start);
        let line_end = self.line_end.bytes();
        let lent = if blank.ends_with(line_end) { line_end.len() } else { 0 };
        self.headers = Headers::parse(lines, self.part_position)?;
        self.block.clear();
        let Some(length) = self.headers.get("Content-Length") else {
            self.search.begin(lent);
            self.body.begin(self.expected_length());
            self.state = State::Open;
            return Ok(None);
        };
        let Ok(length) = length.parse::<u64>() else {
            return Err(Error::MalformedHeader {
                line: crate::preview(format!("Content-Length: {length}").as_bytes()),
                reason: "its value is no count of bytes",
                position: self.part_position,
            });
        };
        let remaining = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_BELIEVED_BYTES {
            return Err(Error::MalformedHeader {
                line: crate::preview(format!("Content-Length: {length}").as_bytes()),
                reason: "no picture has so many bytes",
                position: self.part_position,
            });
        }
        if remaining > self.limits.max_part_bytes {
            return Err(self.part_too_large());
        }
        self.body.begin(Length::Exactly(remaining));
        if remaining == 0 {
            return Ok(Some(self.end_counted()));
        }
        self.state = State::Counted { remaining };
        Ok(None)
    }

    /// How long an open body can be, if the whole is known: what is left without the closing delimiter.
    fn expected_length(&self) -> Length {
        let closing = (self.search.needle_len() + "--".len()) as u64;
        let left = self.total.and_then(|total| total.checked_sub(self.position + closing));
        left.map_or(Length::Unknown, |left| Length::AtMost(usize::try_from(left).unwrap_or(usize::MAX)))
    }

    fn part_too_large(&self) -> Error {
        Error::PartTooLarge { limit: self.limits.max_part_bytes, position: self.part_position }
    }

    fn counted(&mut self, input: &mut &[u8], remaining: usize) -> Result<Option<Event>, Error> {
        let here = self.take(input, remaining.min(input.len()));
        self.body.append(here).map_err(|_| self.part_too_large())?;
        let remaining = remaining - here.len();
        if remaining == 0 {
            return Ok(Some(self.end_counted()));
        }
        self.state = State::Counted { remaining };
        Ok(None)
    }

    fn end_counted(&mut self) -> Event {
        self.line.clear();
        self.state = State::Gap;
        self.part()
    }

    fn part(&mut self) -> Event {
        Event::Part(Part { headers: std::mem::take(&mut self.headers), body: self.body.take() })
    }

    fn open(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let before = input.len();
        let found = self.search.advance(input, &mut self.body).map_err(|_| self.part_too_large())?;
        self.position += (before - input.len()) as u64;
        if found {
            self.line.clear();
            self.state = State::Tail;
        }
        Ok(None)
    }

    /// The rest of a line that begins like a delimiter: its end, or `--`, or it was body.
    fn tail(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        let byte = input[0];
        match (self.line.raw(), byte) {
            ([b'-'], b'-') => {
                self.take(input, 1);
                self.state = State::Closed;
                return Ok(Some(self.part()));
            }
            ([.., b'\r'], b'\n') => return Ok(Some(self.end_open(input, LineEnd::Crlf))),
            ([] | [.., b' ' | b'\t'], b'\n') => return Ok(Some(self.end_open(input, LineEnd::Lf))),
            ([] | [.., b' ' | b'\t'], b' ' | b'\t' | b'\r') | ([], b'-') if !self.line.is_full() => {
                self.line.push(byte);
                self.take(input, 1);
                return Ok(None);
            }
            _ => {}
        }
        self.search.give_back(self.line.raw(), &mut self.body).map_err(|_| self.part_too_large())?;
        self.state = State::Open;
        Ok(None)
    }

    fn end_open(&mut self, input: &mut &[u8], line_end: LineEnd) -> Event {
        self.take(input, 1);
        self.begin_part(line_end);
        self.part()
    }

    /// After a body of known length: line ends (or none, where the length counts them in), then a delimiter.
    fn gap(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        if self.line.raw().is_empty() {
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.take(input, blank);
            if input.is_empty() {
                return Ok(None);
            }
        }
        let whole = self.take_line(input);
        if let Some(event) = self.delimiter_line(whole) {
            return Ok(event);
        }
        if whole || self.line.is_full() {
            return Err(self.length_mismatch());
        }
        Ok(None)
    }

    fn length_mismatch(&self) -> Error {
        Error::LengthMismatch {
            expected: crate::preview(self.delimiter.expected()),
            found: crate::preview(self.line.raw()),
            position: self.position,
        }
    }
}

/// Whether a header line is the heartbeat of another hub.
fn is_heartbeat(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.eq_ignore_ascii_case(mjpeg::HEARTBEAT_HEADER.as_bytes())
}
