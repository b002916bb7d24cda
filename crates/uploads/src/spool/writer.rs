//! The thread that takes a spool's frames to its file.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;

use super::{Place, Shared, State, Terms};

/// Written before room is reported, so that a client that waits for room goes on soon.
const BATCH_BYTES: u64 = 4 << 20;

pub(super) fn start(spool: Arc<Shared>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("upload-spool".into());
    thread.spawn(move || run(&spool)).map(drop)
}

fn run(spool: &Shared) {
    // A client that sends its frames again and again meets the same disk each time.
    let mut has_warned = false;
    while let Some(batch) = next_batch(spool) {
        match write(&batch, spool) {
            Ok((file, end)) => {
                has_warned = false;
                note_written(spool, &batch, file, end);
            }
            Err(error) => {
                if !std::mem::replace(&mut has_warned, true) {
                    let folder = spool.terms.room.folder().display();
                    tracing::warn!(%folder, %error, "frames cannot be spooled");
                }
                let mut state = spool.state.lock();
                state.failed = Some(error);
                drop(state);
                spool.room.notify_one();
            }
        }
    }
}

/// The oldest frames in memory, and where the file ends.
struct Batch {
    frames: Vec<(u64, Bytes)>,
    file: Option<Arc<File>>,
    end: u64,
}

/// Waits for work; `None`: the spool is closed.
fn next_batch(spool: &Shared) -> Option<Batch> {
    let mut state = spool.state.lock();
    loop {
        if state.is_closed {
            let file = state.file.take();
            drop(state);
            drop(file);
            return None;
        }
        if state.failed.is_none() && spool.is_due(&state) {
            return Some(batch(&state));
        }
        state = spool.work.wait(state);
    }
}

fn batch(state: &State) -> Batch {
    let mut frames = Vec::new();
    let mut bytes = 0;
    for number in &state.in_memory {
        let Some(Place::Memory(frame)) = state.index.get(number).map(|entry| &entry.place) else { continue };
        frames.push((*number, frame.clone()));
        bytes += frame.len() as u64;
        if bytes >= BATCH_BYTES {
            break;
        }
    }
    Batch { frames, file: state.file.clone(), end: state.disk_bytes }
}

fn write(batch: &Batch, spool: &Shared) -> io::Result<(Arc<File>, u64)> {
    let bytes = batch.frames.iter().map(|(_, frame)| frame.len() as u64).sum();
    let Terms { room, .. } = &spool.terms;
    room.check_new(bytes)?;
    let file = match &batch.file {
        Some(file) => Arc::clone(file),
        None => {
            fs::create_dir_all(room.folder())?;
            Arc::new(tempfile::tempfile_in(room.folder())?)
        }
    };
    let mut at = batch.end;
    for (_, frame) in &batch.frames {
        file.write_all_at(frame, at)?;
        at += frame.len() as u64;
    }
    Ok((file, at))
}

fn note_written(spool: &Shared, batch: &Batch, file: Arc<File>, end: u64) {
    let mut state = spool.state.lock();
    if state.is_closed {
        return;
    }
    state.file = Some(file);
    let mut offset = state.disk_bytes;
    let mut bytes = 0;
    for (number, frame) in &batch.frames {
        let len = frame.len();
        if let Some(entry) = state.index.get_mut(number) {
            entry.place = Place::Disk { offset, len };
        }
        offset += len as u64;
        bytes += len as u64;
    }
    state.in_memory.drain(..batch.frames.len());
    state.memory_bytes -= bytes;
    state.disk_bytes = end;
    state.is_awaited = false;
    drop(state);
    spool.budget.release(bytes);
    spool.room.notify_one();
}
