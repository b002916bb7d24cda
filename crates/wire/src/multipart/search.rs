//! The search for the delimiter in a body of unknown length.
//!
//! A delimiter may be cut by chunks anywhere. The bytes at a chunk's end that may be its beginning are held back as a
//! count, since they equal the delimiter's own; so no byte is copied to the body and taken away again.
//! A line end stands at the delimiter's start and nowhere else in it, so a match that fails begins afresh at the byte
//! that failed it.

use memchr::memmem::Finder;

use crate::buffer::{Buffer, Full};

/// Where the search in one body stands.
#[derive(Debug)]
pub(super) struct Search {
    /// Line end and delimiter.
    finder: Finder<'static>,
    /// How many of its bytes the body so far ends with.
    matched: usize,
    /// How many of those belong to the blank line after the headers: a part of no bytes may have its delimiter right
    /// there. They are never body.
    lent: usize,
}

impl Search {
    /// `needle` is a line end and a delimiter.
    pub(super) fn new(needle: &[u8]) -> Self {
        Self { finder: Finder::new(needle).into_owned(), matched: 0, lent: 0 }
    }

    /// Begins a body; `lent` bytes of the needle came just before it.
    pub(super) fn begin(&mut self, lent: usize) {
        self.matched = lent;
        self.lent = lent;
    }

    /// Bytes of the needle.
    pub(super) fn needle_len(&self) -> usize {
        self.finder.needle().len()
    }

    /// Whether bytes are held back that may be body.
    pub(super) fn holds_back(&self) -> bool {
        self.matched > self.lent
    }

    /// Moves bytes from the input to the body up to the needle, and takes the needle off; true when it was there.
    pub(super) fn advance(&mut self, input: &mut &[u8], body: &mut Buffer) -> Result<bool, Full> {
        if self.matched > 0 && !self.continue_match(input, body)? {
            return Ok(self.matched == self.needle_len());
        }
        if let Some(at) = self.finder.find(input) {
            body.append(&input[..at])?;
            *input = &input[at + self.needle_len()..];
            self.matched = self.needle_len();
            return Ok(true);
        }
        let held = begun_at_end(input, self.finder.needle());
        body.append(&input[..input.len() - held])?;
        *input = &[];
        self.matched = held;
        Ok(false)
    }

    /// Goes on with a match that an earlier chunk began; true when it failed and the search begins afresh.
    fn continue_match(&mut self, input: &mut &[u8], body: &mut Buffer) -> Result<bool, Full> {
        let missing = &self.finder.needle()[self.matched..];
        let more = missing.iter().zip(input.iter()).take_while(|(wanted, found)| wanted == found).count();
        self.matched += more;
        let is_whole = more == missing.len();
        *input = &input[more..];
        if is_whole || input.is_empty() {
            return Ok(false);
        }
        self.give_back(b"", body)?;
        Ok(true)
    }

    /// What is matched was body after all, and so is the `tail` that came after it.
    pub(super) fn give_back(&mut self, tail: &[u8], body: &mut Buffer) -> Result<(), Full> {
        body.append(&self.finder.needle()[self.lent..self.matched])?;
        let held = begun_at_end(tail, self.finder.needle());
        body.append(&tail[..tail.len() - held])?;
        self.begin(0);
        self.matched = held;
        Ok(())
    }
}

/// How many bytes at the end of `input` may begin `needle`, whose first byte occurs in it only once.
fn begun_at_end(input: &[u8], needle: &[u8]) -> usize {
    let window = &input[input.len() - input.len().min(needle.len() - 1)..];
    match memchr::memrchr(needle[0], window) {
        Some(at) if needle.starts_with(&window[at..]) => window.len() - at,
        _ => 0,
    }
}
