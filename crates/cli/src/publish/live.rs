//! Sources that come by themselves, through a pipe: stdin, or ffmpeg reading whatever it can read. A thread
//! of its own reads, so that a pipe is emptied however busy the rest is.

use std::io::{ErrorKind, Read};
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use anyhow::bail;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use sources::play::{CutError, Cutter};

use crate::process::{Process, Running, on_thread};

/// Read from the pipe at once; Linux gives pipes 64 kB.
const PIECE_BYTES: usize = 64 * 1024;

/// A frame as it came.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// From 0, without holes.
    pub(super) number: u64,
    pub(super) jpeg: Bytes,
    pub(super) taken: SystemTime,
}

/// What is kept of frames that come faster than they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The newest only: for what happens now and will not wait.
    Newest,
    /// All; the writer of the pipe waits.
    Every,
}

#[derive(Debug)]
pub(super) struct Live {
    arrivals: Arrivals,
    reader: Option<thread::JoinHandle<anyhow::Result<()>>>,
    process: Option<Process>,
}

#[derive(Debug)]
enum Arrivals {
    Newest(watch::Receiver<Option<Arrival>>),
    Every(mpsc::Receiver<Arrival>),
}

enum Giver {
    Newest(watch::Sender<Option<Arrival>>),
    Every(mpsc::Sender<Arrival>),
}

impl Giver {
    /// `false` once nobody takes any more.
    fn give(&self, arrival: Arrival) -> bool {
        match self {
            Giver::Newest(slot) => slot.send(Some(arrival)).is_ok(),
            Giver::Every(queue) => queue.blocking_send(arrival).is_ok(),
        }
    }
}

fn slot(keep: Keep) -> (Giver, Arrivals) {
    match keep {
        Keep::Newest => {
            let (giver, taker) = watch::channel(None);
            (Giver::Newest(giver), Arrivals::Newest(taker))
        }
        Keep::Every => {
            let (giver, taker) = mpsc::channel(1);
            (Giver::Every(giver), Arrivals::Every(taker))
        }
    }
}

impl Live {
    /// Frames out of any byte stream.
    pub(super) fn reading(input: impl Read + Send + 'static, keep: Keep) -> anyhow::Result<Live> {
        let (giver, arrivals) = slot(keep);
        let reader = on_thread("source", move || Ok(read(input, &giver)?))?;
        Ok(Live { arrivals, reader: Some(reader), process: None })
    }

    /// Frames that `ffmpeg` writes to its stdout; see [`sources::play::ffmpeg`] for the command.
    pub(super) fn running(command: Command) -> anyhow::Result<Live> {
        let Running { mut process, stdout, end } = Running::start(command)?;
        let (giver, arrivals) = slot(Keep::Newest);
        let reader = on_thread("source", move || {
            let read = read(stdout, &giver);
            // What ffmpeg says is closer to the cause than what is missing in its output.
            let said = end.wait()?;
            match read {
                Err(CutError::Empty) => bail!("ffmpeg found no video frame: {said}"),
                read => Ok(read?),
            }
        });
        let reader = match reader {
            Ok(reader) => reader,
            Err(error) => {
                process.stop();
                return Err(error);
            }
        };
        Ok(Live { arrivals, reader: Some(reader), process: Some(process) })
    }

    /// The next frame, as [`Keep`] says; `None` at the end. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        match &mut self.arrivals {
            Arrivals::Every(queue) => queue.recv().await,
            // The last frame is still handed out after the sender has gone.
            Arrivals::Newest(slot) => match slot.changed().await {
                Ok(()) => slot.borrow_and_update().clone(),
                Err(_) => None,
            },
        }
    }

    /// After the end: whether it was a good one.
    pub(super) async fn outcome(&mut self) -> anyhow::Result<()> {
        let Some(reader) = self.reader.take() else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || reader.join()).await?;
        joined.unwrap_or_else(|_| bail!("the thread that reads the source panicked"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop();
        }
    }
}

fn read(mut input: impl Read, giver: &Giver) -> Result<(), CutError> {
    let mut cutter = Cutter::default();
    let mut piece = vec![0; PIECE_BYTES];
    let mut number = 0;
    loop {
        let bytes = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A pipe that breaks has ended.
            Err(_) => break,
        };
        let more = cutter.feed(&piece[..bytes], &mut |jpeg| {
            let arrival = Arrival { number, jpeg, taken: SystemTime::now() };
            number += 1;
            giver.give(arrival)
        })?;
        if !more {
            return Ok(());
        }
    }
    if number == 0 { Err(CutError::Empty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use media::Picture;

    fn jpeg(grey: u8) -> Vec<u8> {
        media::jpeg::encode(&Picture::filled(8, 8, [grey; 3]), 90).unwrap()
    }

    #[tokio::test]
    async fn every_frame_of_a_pipe_arrives_in_order_if_wanted() {
        let input: Vec<u8> = (0..20).flat_map(jpeg).collect();
        let mut live = Live::reading(std::io::Cursor::new(input), Keep::Every).unwrap();
        for number in 0..20 {
            let arrival = live.next().await.unwrap();
            assert_eq!((arrival.number, arrival.jpeg), (number, jpeg(number as u8).into()));
        }
        assert!(live.next().await.is_none());
        live.outcome().await.unwrap();
    }

    #[tokio::test]
    async fn who_takes_the_newest_always_gets_the_last() {
        let input: Vec<u8> = (0..20).flat_map(jpeg).collect();
        let mut live = Live::reading(std::io::Cursor::new(input), Keep::Newest).unwrap();
        let mut last = None;
        while let Some(arrival) = live.next().await {
            assert!(last < Some(arrival.number), "numbers only rise");
            last = Some(arrival.number);
        }
        assert_eq!(last, Some(19));
        live.outcome().await.unwrap();
    }

    #[tokio::test]
    async fn an_input_without_frames_is_an_error() {
        let mut empty = Live::reading(std::io::empty(), Keep::Newest).unwrap();
        assert!(empty.next().await.is_none());
        assert!(empty.outcome().await.unwrap_err().to_string().contains("without a frame"));
        let mut text = Live::reading(&b"hello"[..], Keep::Newest).unwrap();
        assert!(text.next().await.is_none());
        assert!(text.outcome().await.unwrap_err().to_string().contains("\"hello\""));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_fails_is_quoted_and_one_that_is_missing_named() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'no such codec' >&2; exit 3"]);
        let mut live = Live::running(command).unwrap();
        assert!(live.next().await.is_none());
        let error = live.outcome().await.unwrap_err().to_string();
        assert!(error.contains("no such codec") && error.contains('3'), "{error}");

        let error = Live::running(Command::new("no-such-ffmpeg-here")).unwrap_err().to_string();
        assert!(error.contains("no-such-ffmpeg-here") && error.contains("install"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn dropping_a_source_ends_its_program() {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do echo; done"]);
        let mut live = Live::running(command).unwrap();
        let reader = live.reader.take().unwrap();
        drop(live);
        tokio::task::spawn_blocking(move || reader.join()).await.unwrap().unwrap().unwrap_err();
    }
}
