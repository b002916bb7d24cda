//! Pictures out of a stream of bytes: a program's stdout, or this process's stdin.

use std::{convert::Infallible, io::Read, thread};

use bytes::{Bytes, BytesMut};
use ingest::pull::{Intake, captured_now};
use tokio::{
    io::AsyncReadExt,
    process::ChildStdout,
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};

use crate::{
    Error, Spec,
    play::{CutError, Cutter, DEFAULT_FPS},
};

/// Read from a pipe at once; Linux gives pipes 64 kB.
const PIECE_BYTES: usize = 64 * 1024;

/// The reading end of a pipe.
pub(super) enum Pipe {
    /// Of a program.
    Stdout { stdout: ChildStdout, buffer: BytesMut },
    /// Read on a thread of its own.
    Thread(mpsc::Receiver<Bytes>),
}

impl Pipe {
    /// The next bytes; `None` at the end. A pipe that breaks has ended.
    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Thread(pieces) => pieces.recv().await,
            Self::Stdout { stdout, buffer } => {
                buffer.reserve(PIECE_BYTES);
                let bytes = stdout.read_buf(buffer).await.unwrap_or(0);
                (bytes > 0).then(|| buffer.split().freeze())
            }
        }
    }
}

/// Cuts what comes out of a pipe into pictures and hands them over, at most `fps` a second. A pipe that is paced is
/// read more slowly, so its writer waits and no picture is lost. Returns how many pictures there were.
pub(super) async fn pictures(
    mut pipe: Pipe,
    fps: Option<f64>,
    intake: &mut Intake<'_>,
) -> Result<u64, Error> {
    let gap = fps.map(|fps| Duration::from_secs_f64(1.0 / fps));
    let mut due = Instant::now();
    let mut cutter = Cutter::default();
    let mut cut = Vec::new();
    let mut count = 0;
    loop {
        let Some(piece) = pipe.next().await else { return Ok(count) };
        let captured = captured_now();
        let goes_on = cutter.feed(&piece, &mut |jpeg| {
            cut.push(jpeg);
            true
        })?;
        for jpeg in cut.drain(..) {
            if let Some(gap) = gap {
                sleep_until(due).await;
                // Lost time is not made up for: that would be a burst.
                due = (due + gap).max(Instant::now());
            }
            count += 1;
            intake.picture(jpeg, captured).await?;
        }
        if !goes_on {
            return Ok(count);
        }
    }
}

/// Stdin, at its writer's pace unless the source has a rate. A file behind `<` has no pace of its own.
pub(super) async fn stdin(spec: &Spec, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let fps = spec.fps.or_else(|| stdin_is_file().then_some(DEFAULT_FPS));
    match pictures(read_on_thread(std::io::stdin())?, fps, intake).await? {
        0 => Err(CutError::Empty.into()),
        _ => Err(Error::ended()),
    }
}

/// A thread of its own, because a read from a terminal or a pipe cannot be cancelled, and the runtime would wait for
/// it at its end.
fn read_on_thread(mut input: impl Read + Send + 'static) -> Result<Pipe, Error> {
    let (give, pieces) = mpsc::channel(1);
    let read = move || {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            match input.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
                Ok(bytes) => {
                    if give.blocking_send(Bytes::copy_from_slice(&buffer[..bytes])).is_err() {
                        return;
                    }
                }
            }
        }
    };
    thread::Builder::new().name("stdin source".to_owned()).spawn(read).map_err(Error::no_thread)?;
    Ok(Pipe::Thread(pieces))
}

fn stdin_is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let stdin = std::io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
        stdin.and_then(|stdin| stdin.metadata()).is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use hub::{Claim, Class, Hub, Limits, RingLimits, Rule, Start};

    use super::*;
    use ingest::{Admission, now, pull::Status};
    use wire::image::Limits as PictureLimits;

    fn jpeg(grey: u8) -> Vec<u8> {
        media::jpeg::encode(&media::Picture::filled(8, 8, [grey; 3]), 90).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn every_picture_of_a_pipe_passes_in_order_at_its_rate() {
        let ring =
            RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 9, backlog_bytes: 1 << 20 };
        let hub = Hub::new(Limits { streams: 1, viewers_per_stream: 1, ring });
        let publisher = hub.publisher(&"pipe".parse().unwrap(), Claim::SteadySource, now()).unwrap();
        let mut reader = publisher.stream().subscribe(Rule::InOrder, Class::Service, Start::Oldest).unwrap();
        let status = Status::new("stdin");
        let admission = Admission::new(PictureLimits { max_bytes: 1 << 20, setting: "" }, 80);
        let mut intake = Intake::new(&publisher, &status, admission).unpaced();

        let input: Vec<u8> = (0..4).flat_map(jpeg).collect();
        let pipe = read_on_thread(Cursor::new(input)).unwrap();
        let start = Instant::now();
        let count = pictures(pipe, Some(5.0), &mut intake).await.unwrap();
        assert_eq!((count, start.elapsed().as_millis()), (4, 600));
        for grey in 0..4 {
            assert_eq!(reader.recv().await.unwrap().frame.payload, jpeg(grey));
        }
    }
}
