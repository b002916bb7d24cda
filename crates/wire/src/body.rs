//! The one reader of bodies in which pictures come, for publishers and for cameras alike: a picture, pictures one after
//! the other, or the parts of a multipart body.
//!
//! Which of them it is, the body's first bytes say. The Content-Type is a hint: cameras announce a picture and send a
//! stream, announce another boundary than they use, or announce nothing. A multipart body whose parts do not fit
//! their headers is read on as pictures one after the other, which have a beginning and an end of their own.

mod sniff;

use bytes::Bytes;

use crate::{
    buffer::{Buffer, Length},
    image::begins_as_one,
    jpeg::{self, Splitter},
    mended::Mended,
    multipart::{Error, Event, Headers, Limits, Parser, Part},
};
use sniff::{Announced, Found};

/// How a body carries its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It is one picture.
    Picture,
    /// JPEGs, one after the other.
    Pictures,
    /// Multipart.
    Parts,
}

/// Cuts a body into pictures; see the head of this file.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    announced: Announced,
    state: State,
    /// What came before it was clear what it is, and how much of that has been read.
    begun: Vec<u8>,
    read: usize,
    found_pictures: bool,
    mended: Vec<Mended>,
}

#[derive(Debug)]
enum State {
    Begun,
    Picture(Buffer),
    Pictures {
        splitter: Box<Splitter>,
        /// Why it is not read as the multipart body that it seemed to be.
        instead_of: Option<Error>,
        /// Of those that the splitter dropped, how many have been told.
        told: u64,
    },
    Parts(Box<Parser>),
}

impl Reader {
    /// `length` is the body's Content-Length, if it has one.
    pub fn new(content_type: &str, length: Option<u64>, limits: Limits) -> Self {
        Self {
            limits,
            announced: Announced::new(content_type, length),
            state: State::Begun,
            begun: Vec::new(),
            read: 0,
            found_pictures: false,
            mended: Vec::new(),
        }
    }

    /// Refuses a picture that is announced as larger than allowed before its bytes come.
    ///
    /// # Errors
    /// [`Error::PartTooLarge`].
    pub fn check_announced(&self) -> Result<(), Error> {
        let limit = self.limits.max_part_bytes;
        let is_too_large =
            self.announced.is_image && self.announced.length.is_some_and(|length| length > limit as u64);
        if is_too_large { Err(Error::PartTooLarge { limit, position: 0 }) } else { Ok(()) }
    }

    /// What the body is, once that is clear.
    pub fn shape(&self) -> Option<Shape> {
        match &self.state {
            State::Begun => None,
            State::Picture(_) => Some(Shape::Picture),
            State::Pictures { .. } => Some(Shape::Pictures),
            State::Parts(_) => Some(Shape::Parts),
        }
    }

    /// Whether a picture has begun and is not whole.
    pub fn in_picture(&self) -> bool {
        match &self.state {
            State::Begun => !self.begun.is_empty() && !self.announced.are_parts(),
            State::Picture(_) => true,
            State::Pictures { splitter, .. } => splitter.in_picture(),
            State::Parts(parser) => parser.in_part(),
        }
    }

    /// What has been mended since the last call.
    pub fn take_mended(&mut self) -> Vec<Mended> {
        std::mem::take(&mut self.mended)
    }

    /// Pictures that broke off or were too large since the last call, and were passed over.
    pub fn take_dropped(&mut self) -> u64 {
        let State::Pictures { splitter, told, .. } = &mut self.state else { return 0 };
        let dropped = splitter.torn() + splitter.oversized();
        dropped - std::mem::replace(told, dropped)
    }

    /// Takes bytes off the front of `input` until there is an event or the input is used up. Call it until it gives
    /// `None`.
    ///
    /// # Errors
    /// A picture is larger than allowed, or it is something else by its Content-Type and by its first bytes; after that
    /// the body cannot be read on.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        while matches!(self.state, State::Begun) {
            if input.is_empty() {
                return Ok(None);
            }
            let (here, rest) = input.split_at(input.len().min(sniff::MOST_BYTES - self.begun.len()));
            self.begun.extend_from_slice(here);
            *input = rest;
            self.sniff(false)?;
        }
        match self.feed_begun()? {
            None => self.advance(input),
            event => Ok(event),
        }
    }

    /// Tells that the body has ended, and gives what it ended with.
    ///
    /// # Errors
    /// It ended inside a part, had none, or is something else.
    pub fn finish(&mut self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        if matches!(self.state, State::Begun) {
            self.sniff(true)?;
        }
        while let Some(event) = self.feed_begun()? {
            if let Event::Part(part) = event {
                parts.push(part);
            }
        }
        let last = match &mut self.state {
            State::Begun => Vec::new(),
            State::Parts(parser) => parser.finish().map(|()| Vec::new())?,
            State::Picture(picture) => self.announced.pictures_in(picture.take(), self.limits.max_part_bytes),
            State::Pictures { splitter, instead_of, .. } => {
                let last = splitter.finish();
                if let (Some(error), None, false) = (instead_of, &last, self.found_pictures) {
                    return Err(error.clone());
                }
                last.into_iter().collect()
            }
        };
        parts.extend(last.into_iter().map(lone));
        Ok(parts)
    }

    /// Decides what the body is, if its first bytes say so; `is_all`: there are no more.
    fn sniff(&mut self, is_all: bool) -> Result<(), Error> {
        let Some(found) = self.announced.sniff(&self.begun, is_all) else { return Ok(()) };
        let max = self.limits.max_part_bytes;
        self.state = match found {
            Found::Picture(length) => {
                if let Some(content_type) = &self.announced.other
                    && !begins_as_one(sniff::without_blanks(&self.begun))
                {
                    return Err(Error::NotPictures { content_type: content_type.clone() });
                }
                if length.is_some_and(|length| length > max as u64) {
                    return Err(Error::PartTooLarge { limit: max, position: 0 });
                }
                let length = length.and_then(|length| usize::try_from(length).ok());
                let mut buffer = Buffer::new(max);
                buffer.begin(length.map_or(Length::Unknown, Length::Exactly));
                State::Picture(buffer)
            }
            Found::Pictures => self.pictures(None),
            Found::Parts { boundary, is_another, lacks_first } => {
                if is_another {
                    self.mended.push(Mended::Boundary);
                }
                self.read = self.begun.len() - sniff::without_blanks(&self.begun).len();
                let mut parser = Parser::new(&boundary, self.limits);
                if lacks_first {
                    self.mended.push(Mended::Framing);
                    let _no_part_yet = parser.feed(&mut format!("--{boundary}\r\n").as_bytes());
                }
                State::Parts(Box::new(parser))
            }
        };
        Ok(())
    }

    fn pictures(&self, instead_of: Option<Error>) -> State {
        let splitter = Box::new(Splitter::new(self.limits.max_part_bytes));
        State::Pictures { splitter, instead_of, told: 0 }
    }

    /// Reads on in what came before it was clear what the body is.
    fn feed_begun(&mut self) -> Result<Option<Event>, Error> {
        if self.begun.is_empty() || matches!(self.state, State::Begun) {
            return Ok(None);
        }
        let begun = std::mem::take(&mut self.begun);
        let mut rest = &begun[self.read..];
        let event = self.advance(&mut rest)?;
        self.read = begun.len() - rest.len();
        if event.is_some() {
            self.begun = begun;
        }
        Ok(event)
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Error> {
        match &mut self.state {
            State::Begun => Ok(None),
            State::Picture(buffer) => {
                let limit = self.limits.max_part_bytes;
                buffer.append(input).map_err(|_| Error::PartTooLarge { limit, position: 0 })?;
                *input = &[];
                Ok(None)
            }
            State::Pictures { splitter, .. } => {
                let picture = splitter.feed(input);
                self.found_pictures |= picture.is_some();
                Ok(picture.map(|picture| Event::Part(lone(picture))))
            }
            State::Parts(parser) => match parser.feed(input) {
                Err(error) if !matches!(error, Error::PartTooLarge { .. }) => {
                    self.mended.push(Mended::Framing);
                    self.state = self.pictures(Some(error));
                    self.advance(input)
                }
                read => {
                    self.found_pictures |= matches!(read, Ok(Some(Event::Part(_))));
                    read
                }
            },
        }
    }
}

/// A picture that came without headers.
fn lone(body: Bytes) -> Part {
    Part { headers: Headers::default(), body }
}

impl Announced {
    /// The pictures in a body that seemed to be one. A file of JPEGs one after the other that nobody called a picture is
    /// many, if all are as large; a phone's file with a smaller one behind the picture is not.
    fn pictures_in(&self, body: Bytes, max_bytes: usize) -> Vec<Bytes> {
        let has_more =
            body.get(2..).is_some_and(|rest| memchr::memmem::find(rest, &[0xFF, 0xD8, 0xFF]).is_some());
        if self.is_image || !has_more {
            return vec![body];
        }
        let (mut splitter, mut rest) = (Splitter::new(max_bytes), &body[..]);
        let pictures: Vec<Bytes> = std::iter::from_fn(|| splitter.feed(&mut rest)).collect();
        let size = |picture: &Bytes| jpeg::probe(picture).ok().map(|info| (info.width, info.height));
        let is_stream =
            pictures.len() > 1 && pictures.iter().all(|picture| size(picture) == size(&pictures[0]));
        if is_stream { pictures } else { vec![body] }
    }
}
