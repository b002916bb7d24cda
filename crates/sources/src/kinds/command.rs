//! A program that writes pictures to its stdout: JPEGs one after the other, or MJPEG parts as ffmpeg writes them.
//!
//! It runs in a process group of its own, which is killed as a whole when the source closes: no part of a shell's
//! pipeline outlives it.

use std::{convert::Infallible, process::Stdio, time::Duration};

use bytes::BytesMut;
use ingest::pull::Intake;
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr},
    task::JoinHandle,
    time::timeout,
};

use wire::address::{redacted, redacted_within};

use super::pipe::{Pipe, pictures};
use crate::{Error, play::ffmpeg};

/// So much of a program's stderr is kept for the error.
const LONGEST_COMPLAINT_BYTES: u64 = 1000;
/// A program that has closed its stdout may take so long to end.
const ENDING: Duration = Duration::from_secs(1);

/// `exec:`
pub(super) async fn shell(command: &str, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]);
    let (_, exit) = frames(shell, intake).await?;
    Err(exit.error())
}

/// What ffmpeg makes of its input, which may come to its end.
pub(super) async fn ffmpeg(
    command: std::process::Command,
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    match frames(command, intake).await? {
        (_, exit) if !exit.is_success => Err(exit.error()),
        (0, exit) => Err(Error::NoFrame { said: exit.said }),
        _ => Err(Error::ended()),
    }
}

/// Runs a program to its end, with the number of pictures that it wrote.
async fn frames(command: std::process::Command, intake: &mut Intake<'_>) -> Result<(u64, Exit), Error> {
    let mut process = Process::start(command)?;
    let stdout = process.child.stdout.take().ok_or_else(Error::ended)?;
    let count = pictures(Pipe::Stdout { stdout, buffer: BytesMut::new() }, None, intake).await?;
    Ok((count, process.end().await))
}

/// How a program ended.
struct Exit {
    is_success: bool,
    status: String,
    /// What it wrote to its stderr.
    said: String,
}

impl Exit {
    fn error(self) -> Error {
        let said = if self.said.is_empty() { self.said } else { format!(": {}", self.said) };
        Error::Exited { status: self.status, said }
    }
}

/// A running program; dropping it ends it and all that it started.
struct Process {
    child: Child,
    complaint: JoinHandle<String>,
}

impl Process {
    fn start(mut command: std::process::Command) -> Result<Self, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let addresses = command.get_args().filter_map(|word| word.to_str()).filter(|it| it.contains("://"));
        let addresses = addresses.map(str::to_owned).collect();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound if program == ffmpeg::PROGRAM => Error::NoFfmpeg,
            _ => Error::Start { program, error: source },
        })?;
        let complaint = tokio::spawn(complaint(child.stderr.take(), addresses));
        Ok(Self { child, complaint })
    }

    /// After the end of its output.
    async fn end(mut self) -> Exit {
        // Its stderr is closed when all that it started has ended.
        let said = timeout(ENDING, &mut self.complaint).await;
        // Without a reader for its output, a program that still runs has no purpose.
        self.kill_group();
        let status = self.child.wait().await;
        let said = match said {
            Ok(said) => said,
            Err(_late) => (&mut self.complaint).await,
        };
        Exit {
            is_success: status.as_ref().is_ok_and(|status| status.success()),
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            said: said.unwrap_or_default(),
        }
    }

    /// The child has not been waited for, so its number is still its own.
    fn kill_group(&self) {
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // It may have ended already.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Reads all of a program's stderr, keeps the beginning, without the secrets of the `addresses` that it was given and of
/// others that it names.
async fn complaint(stderr: Option<ChildStderr>, addresses: Vec<String>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut text = Vec::new();
    if (&mut stderr).take(LONGEST_COMPLAINT_BYTES).read_to_end(&mut text).await.is_ok() {
        // An error is an end, too.
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
    let said = String::from_utf8_lossy(&text).trim().to_owned();
    let said = addresses.iter().fold(said, |said, address| said.replace(address, &redacted(address)));
    redacted_within(&said)
}
