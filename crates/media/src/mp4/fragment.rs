//! The tables of a movie fragment (14496-12, 8.8): whose samples they are, when they begin, and each one's size.

use super::boxes::Fields;

/// Flags of `trun` that put a field into each sample's entry.
pub(crate) const PER_SAMPLE: u32 = 0xF00;

/// `tfhd`: the track, and what holds for samples that do not say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// The version (the upper byte) as well.
    pub(crate) flags: u32,
    pub(crate) track: u32,
    /// Where offsets count from, if the box names a place.
    pub(crate) base: Option<u64>,
    pub(crate) duration: Option<u32>,
    pub(crate) size: Option<u32>,
}

impl Header {
    /// Set where offsets count from the `moof`.
    pub(crate) const BASE_IS_MOOF: u32 = 0x2_0000;

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let flags = fields.u32()?;
        let track = fields.u32()?;
        let base = if flags & 0x1 != 0 { Some(fields.u64()?) } else { None };
        fields.u32_if(flags & 0x2 != 0)?;
        let duration = fields.u32_if(flags & 0x8 != 0)?;
        let size = fields.u32_if(flags & 0x10 != 0)?;
        Some(Self { flags, track, base, duration, size })
    }
}

/// `tfdt`: the time of the fragment's first sample.
pub(crate) fn decode_time(bytes: &[u8]) -> Option<u64> {
    let mut fields = Fields::new(bytes);
    match fields.u32()? >> 24 {
        1 => fields.u64(),
        _ => fields.u32().map(u64::from),
    }
}

/// `trun`: samples that lie one behind the other.
#[derive(Clone, Debug)]
pub(crate) struct Run<'a> {
    /// The version (the upper byte) as well.
    pub(crate) flags: u32,
    /// How many samples it claims to have.
    pub(crate) count: u32,
    /// Where the first one lies, from the header's base on.
    pub(crate) data_offset: Option<i32>,
    entries: Fields<'a>,
}

/// What a run says of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) duration: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) flags: Option<u32>,
}

impl<'a> Run<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut entries = Fields::new(bytes);
        let (flags, count) = (entries.u32()?, entries.u32()?);
        let data_offset = entries.u32_if(flags & 0x1 != 0)?.map(u32::cast_signed);
        // The first sample's flags, where they differ.
        entries.u32_if(flags & 0x4 != 0)?;
        Some(Self { flags, count, data_offset, entries })
    }

    /// The next sample; `None` where the table is shorter than its count.
    pub(crate) fn next(&mut self) -> Option<Entry> {
        let duration = self.entries.u32_if(self.flags & 0x100 != 0)?;
        let size = self.entries.u32_if(self.flags & 0x200 != 0)?;
        let flags = self.entries.u32_if(self.flags & 0x400 != 0)?;
        // When it is composed.
        self.entries.u32_if(self.flags & 0x800 != 0)?;
        Some(Entry { duration, size, flags })
    }
}
