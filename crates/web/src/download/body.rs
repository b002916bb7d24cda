//! A part of a file as a response's body: read in chunks, one at a time, each when the connection has taken the last.

use std::{
    fs::File,
    future::Future,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::disk::Disk;

/// Large enough that a read costs little beside the copying, small enough that a thousand downloads fit in memory.
const CHUNK: u64 = 256 * 1024;

type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

/// A file that turns out shorter than it was ends the connection: a length once promised cannot be taken back.
pub(super) struct FileBody {
    disk: Disk,
    file: Arc<File>,
    rest: Range<u64>,
    reading: Option<Reading>,
}

impl FileBody {
    pub(super) fn new(disk: Disk, file: File, part: Range<u64>) -> Self {
        Self { disk, file: Arc::new(file), rest: part, reading: None }
    }

    fn read_next(&self) -> Reading {
        let (disk, file) = (self.disk.clone(), Arc::clone(&self.file));
        let from = self.rest.start;
        let chunk = CHUNK.min(self.rest.end - from);
        Box::pin(async move {
            let read = disk.read_on(move || read(&file, from, chunk)).await;
            read.unwrap_or_else(|error| Err(io::Error::other(error.message)))
        })
    }
}

fn read(file: &File, from: u64, bytes: u64) -> io::Result<Bytes> {
    let mut chunk = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut chunk, from)?;
    Ok(chunk.into())
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read_next());
        match reading.as_mut().poll(cx) {
            Poll::Pending => {
                self.reading = Some(reading);
                Poll::Pending
            }
            Poll::Ready(Ok(chunk)) => {
                self.rest.start += chunk.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Poll::Ready(Err(error)) => {
                tracing::warn!(%error, "a download ended early");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.end - self.rest.start)
    }
}
