//! A program that writes pictures to its stdout: JPEGs one after the other, or MJPEG parts as ffmpeg writes them.
//!
//! It runs in a process group of its own, which is ended as a whole when the source closes: a shell's pipeline must
//! not outlive it.

use std::{convert::Infallible, process::Stdio};

use tokio::{
    io::{AsyncReadExt, BufReader},
    process::{Child, ChildStderr},
    task::JoinHandle,
};

use crate::{
    Error,
    ingest::{Ingest, taken},
    play::{Cutter, ffmpeg},
};

/// Read from the pipe at once; Linux gives pipes 64 kB.
const PIECE_BYTES: usize = 64 * 1024;
/// The beginning of what a program had to say is kept for the error.
const LONGEST_COMPLAINT_BYTES: u64 = 1000;

/// `exec:`
pub(super) async fn shell(command: &str, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]);
    frames(shell, ingest).await
}

pub(super) async fn frames(
    command: std::process::Command,
    ingest: &mut Ingest<'_>,
) -> Result<Infallible, Error> {
    let mut process = Process::start(command)?;
    let stdout = process.child.stdout.take();
    let mut stdout = BufReader::with_capacity(PIECE_BYTES, stdout.ok_or(Error::Ended)?);
    let mut cutter = Cutter::default();
    let mut piece = vec![0; PIECE_BYTES];
    let mut frames = Vec::new();
    loop {
        let bytes = stdout.read(&mut piece).await.unwrap_or(0);
        if bytes == 0 {
            return Err(process.end().await);
        }
        let more = cutter.feed(&piece[..bytes], &mut |jpeg| {
            frames.push(jpeg);
            true
        });
        let captured = taken(std::time::SystemTime::now());
        for jpeg in frames.drain(..) {
            ingest.picture(jpeg, captured).await?;
        }
        match more {
            Ok(true) => {}
            Ok(false) => return Err(process.end().await),
            Err(error) => return Err(Error::Unusable(error.to_string())),
        }
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
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut command = tokio::process::Command::from(command);
        let mut child = command.kill_on_drop(true).spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound if program == ffmpeg::PROGRAM => {
                Error::Unusable(ffmpeg::missing(&program))
            }
            _ => Error::Start { program, source },
        })?;
        let complaint = tokio::spawn(complaint(child.stderr.take()));
        Ok(Self { child, complaint })
    }

    /// After the end of its output: what became of it.
    async fn end(mut self) -> Error {
        // Without a reader for its output, whatever still runs has no purpose.
        self.kill_group();
        let status =
            self.child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = (&mut self.complaint).await.unwrap_or_default();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        Error::Exited { status, said }
    }

    /// The child has not been waited for, so its number is still its own.
    fn kill_group(&self) {
        #[cfg(unix)]
        if let Some(group) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            // One that has ended already cannot be killed.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Reads all, keeps the beginning.
async fn complaint(stderr: Option<ChildStderr>) -> String {
    let Some(mut stderr) = stderr else { return String::new() };
    let mut text = Vec::new();
    if (&mut stderr).take(LONGEST_COMPLAINT_BYTES).read_to_end(&mut text).await.is_ok() {
        // What cannot be read has ended.
        let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}
