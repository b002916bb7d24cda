//! Boxes and the numbers in them, each length checked against what holds it.

use crate::Result;
use crate::source::Source;

/// A stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// A box: its name, its content, and where the next one begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) name: [u8; 4],
    /// Where its header begins; fragments count from there.
    pub(crate) begin: u64,
    pub(crate) content: Area,
    pub(crate) next: u64,
}

/// The box at `at`, or `None` where `end` leaves no room for one.
///
/// A box that claims to reach beyond `end` ends the walk like the end itself:
/// a recording that was cut off plays to the cut. Only `mdat` may be longer,
/// since its content is looked up by checked offsets.
pub(crate) fn next_box(source: &mut Source<'_>, at: u64, end: u64) -> Result<Option<Found>> {
    let end = end.min(source.len());
    let room = end.saturating_sub(at);
    if room < 8 {
        return Ok(None);
    }
    source.count_part(at)?;
    let header: [u8; 8] = source.array(at)?;
    let [a, b, c, d, name @ ..] = header;
    let (size, head) = match u32::from_be_bytes([a, b, c, d]) {
        // To the end of what holds it (14496-12, 4.2).
        0 => (room, 8),
        1 if room >= 16 => (u64::from_be_bytes(source.array(at + 8)?), 16),
        size => (u64::from(size), 8),
    };
    if size < head {
        return Ok(None);
    }
    if size > room && &name != b"mdat" {
        return Ok(None);
    }
    let stop = at + size.min(room);
    Ok(Some(Found { name, begin: at, content: Area { start: at + head, end: stop }, next: stop }))
}

/// The content of the first box of that name inside `parent`.
pub(crate) fn child(source: &mut Source<'_>, parent: Area, name: &[u8; 4]) -> Result<Option<Area>> {
    let mut at = parent.start;
    while let Some(found) = next_box(source, at, parent.end)? {
        if &found.name == name {
            return Ok(Some(found.content));
        }
        at = found.next;
    }
    Ok(None)
}

/// Hands over each box of that name inside `parent`, in order.
pub(crate) fn each<'f>(
    source: &mut Source<'f>,
    parent: Area,
    name: &[u8; 4],
    mut take: impl FnMut(&mut Source<'f>, Found) -> Result<()>,
) -> Result<()> {
    let mut at = parent.start;
    while let Some(found) = next_box(source, at, parent.end)? {
        if &found.name == name {
            take(source, found)?;
        }
        at = found.next;
    }
    Ok(())
}

/// Big-endian numbers one after the other; `None` once they run out.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*head)
    }

    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.bytes(count).map(|_| ())
    }

    /// The next `count` bytes as they are.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// The next number if `present`, else nothing and no byte is taken.
    pub(crate) fn u32_if(&mut self, present: bool) -> Option<Option<u32>> {
        if !present {
            return Some(None);
        }
        self.u32().map(Some)
    }
}
