//! ffmpeg as a child: its pictures come through a pipe, its complaints become our errors, and it does not outlive us.

use std::io::{ErrorKind, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, bail};
use net::Lock;
use sources::play::ffmpeg;

/// The beginning of what ffmpeg had to say when it failed.
const LONGEST_COMPLAINT_BYTES: u64 = 1500;

/// A program that has been started.
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) stdout: ChildStdout,
    pub(super) end: End,
}

/// To be waited for once the output has been read, or closed.
pub(super) struct End {
    process: Process,
    complaint: thread::JoinHandle<anyhow::Result<String>>,
}

impl Running {
    /// # Errors
    /// Where there is no such program, how to get it.
    pub(super) fn start(command: Command) -> anyhow::Result<Running> {
        let (mut process, stdout, stderr) = Process::start(command)?;
        match on_thread("complaint", move || read_complaint(stderr)) {
            Ok(complaint) => {
                let end = End { process: process.clone(), complaint };
                Ok(Running { process, stdout, end })
            }
            Err(error) => {
                process.stop();
                Err(error)
            }
        }
    }
}

impl End {
    /// What it said.
    ///
    /// # Errors
    /// It failed, other than by [`Process::stop`].
    pub(super) fn wait(self) -> anyhow::Result<String> {
        // It ends by itself once its output is read or closed.
        let status = self.process.wait()?;
        let complaint = self.complaint.join().ok().and_then(Result::ok).filter(|said| !said.is_empty());
        let said = complaint.unwrap_or_else(|| "it said nothing".to_owned());
        if !status.success() && !self.process.was_stopped() {
            bail!("ffmpeg failed ({status}): {said}");
        }
        Ok(said)
    }
}

/// ffmpeg at level "error" says little; what is more than the limit is not worth memory.
fn read_complaint(mut stderr: ChildStderr) -> anyhow::Result<String> {
    let mut text = Vec::new();
    stderr.by_ref().take(LONGEST_COMPLAINT_BYTES).read_to_end(&mut text)?;
    std::io::copy(&mut stderr, &mut std::io::sink())?;
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// A thread with a name, for work that waits.
pub(super) fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<thread::JoinHandle<anyhow::Result<T>>> {
    thread::Builder::new().name(name.to_owned()).spawn(work).context("cannot start a thread")
}

/// A child process that two threads look after: one waits for its end, the other may end it.
#[derive(Clone, Debug)]
pub(super) struct Process(Arc<Lock<Held>>);

/// Both threads hold the lock for a moment only.
#[derive(Debug)]
struct Held {
    child: Child,
    stopped: bool,
}

type Pipes = (Process, ChildStdout, ChildStderr);

impl Process {
    fn start(mut command: Command) -> anyhow::Result<Pipes> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            // Ctrl-C is ours to handle: ffmpeg is ended when the last frame has been sent.
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(ffmpeg::missing(&program)),
            Err(error) => return Err(error).context(format!("cannot start {program}")),
        };
        match (child.stdout.take(), child.stderr.take()) {
            (Some(stdout), Some(stderr)) => {
                Ok((Process(Arc::new(Lock::new(Held { child, stopped: false }))), stdout, stderr))
            }
            _ => bail!("{program} was started without pipes"),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Held) -> T) -> T {
        act(&mut self.0.lock())
    }

    /// Its output has ended, so it is about to end.
    fn wait(&self) -> anyhow::Result<std::process::ExitStatus> {
        loop {
            if let Some(status) = self.with(|held| held.child.try_wait())? {
                return Ok(status);
            }
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn was_stopped(&self) -> bool {
        self.with(|held| held.stopped)
    }

    pub(super) fn stop(&mut self) {
        self.with(|held| {
            held.stopped = true;
            // One that has ended already cannot be killed; one that was killed ends at once, and must be
            // waited for, or its entry in the process table stays.
            let _ = held.child.kill();
            let _ = held.child.wait();
        });
    }
}
