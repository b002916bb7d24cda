//! A recording while it is written: its header, then whole fragments, and in the end the index and the duration.

use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::time::SystemTime;

use super::fragment::{PRFT_BYTES, fragment_head};
use super::index::index;
use super::init::{duration_patch, init};
use super::recording::{FragmentEntry, Sample, Track};
use crate::Error;

/// What the kernel takes in one call (`IOV_MAX` on Linux).
const MAX_SLICES: usize = 1024;

/// Why a fragment, or the end of a recording, is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It could not be read again. Trying once more changes nothing.
    #[error(transparent)]
    Unfit(#[from] Error),
    /// The file does not take it, now.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes one recording into `W`, which is empty at first.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    init: Vec<u8>,
    fragments: Vec<FragmentEntry>,
    bytes: u64,
    end_time: u64,
}

impl<W: Write> Writer<W> {
    /// Writes what stands before the first fragment.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, track: &Track) -> io::Result<Self> {
        let init = init(track);
        out.write_all(&init)?;
        Ok(Self { out, bytes: init.len() as u64, init, fragments: Vec::new(), end_time: 0 })
    }

    /// What it writes into.
    pub fn out(&self) -> &W {
        &self.out
    }

    /// Where the last whole fragment ends, or the index once it is finished.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the last sample's time ends, in ticks.
    pub fn end_time(&self) -> u64 {
        self.end_time
    }

    /// Whether there is no fragment yet.
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// Writes a fragment: `samples`, the first of which was taken at `wall`, and their bytes in order. It can be tried
    /// again after an error, once `out` is cut to [`Writer::bytes`].
    ///
    /// # Errors
    /// [`WriteError::Unfit`] as [`fragment_head`], or [`WriteError::Io`].
    pub fn append(
        &mut self,
        wall: SystemTime,
        samples: &[Sample],
        payloads: &[impl AsRef<[u8]>],
    ) -> Result<(), WriteError> {
        let number = u32::try_from(self.fragments.len() + 1).unwrap_or(u32::MAX);
        let head = fragment_head(number, wall, samples)?;
        let media: u64 = payloads.iter().map(|payload| payload.as_ref().len() as u64).sum();
        let mut slices = Vec::with_capacity(1 + payloads.len());
        slices.push(IoSlice::new(&head));
        slices.extend(payloads.iter().map(|payload| IoSlice::new(payload.as_ref())));
        write_all(&mut self.out, &mut slices)?;
        let time = samples.first().map_or(0, |sample| sample.time);
        self.fragments.push(FragmentEntry { time, offset: self.bytes + PRFT_BYTES });
        self.bytes += head.len() as u64 + media;
        self.end_time = samples.last().map_or(0, |sample| sample.time + u64::from(sample.duration));
        Ok(())
    }
}

impl<W: Write + Seek> Writer<W> {
    /// Completes the recording: its index and its duration. Without them it plays as well.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn finish(&mut self) -> Result<(), WriteError> {
        let index = index(&self.fragments);
        self.out.write_all(&index)?;
        let (at, patch) = duration_patch(&self.init, self.end_time)?;
        self.out.seek(SeekFrom::Start(at))?;
        self.out.write_all(&patch)?;
        self.bytes += index.len() as u64;
        Ok(())
    }
}

/// `Write::write_all` for several pieces.
fn write_all(out: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        let now = slices.len().min(MAX_SLICES);
        match out.write_vectored(&slices[..now]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
