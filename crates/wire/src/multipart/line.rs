//! One line that arrives in pieces, where only a delimiter line is of interest.

/// Spaces and tabs that may follow a delimiter (RFC 2046 calls them transport padding).
const MAX_PADDING_BYTES: usize = 64;

/// A line being collected, up to a bound past which it cannot be a delimiter line.
#[derive(Debug)]
pub(super) struct Line {
    bytes: Vec<u8>,
    limit: usize,
}

impl Line {
    /// `delimiter` is the length in bytes of the longest delimiter.
    pub(super) fn new(delimiter: usize) -> Self {
        Self { bytes: Vec::new(), limit: delimiter + MAX_PADDING_BYTES }
    }

    /// Takes bytes up to and including the next LF; true when the line is whole.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> bool {
        let whole = memchr::memchr(b'\n', input);
        let (here, rest) = input.split_at(whole.map_or(input.len(), |at| at + 1));
        let room = self.limit - self.bytes.len();
        self.bytes.extend_from_slice(&here[..here.len().min(room)]);
        *input = rest;
        whole.is_some()
    }

    /// Adds one byte to a line that is not full.
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// The line as far as it came and fits, its end included.
    pub(super) fn raw(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is too long for a delimiter line.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= self.limit
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// A line without its end, be that CRLF or LF or not there yet.
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_no_more_than_a_delimiter_can_have() {
        let mut line = Line::new(10);
        for _ in 0..100 {
            assert!(!line.take(&mut &[b'x'; 1000][..]));
        }
        assert!(line.take(&mut &b"end\nnext"[..]));
        assert!(line.is_full());
        assert_eq!(line.raw().len(), 10 + MAX_PADDING_BYTES);
    }
}
