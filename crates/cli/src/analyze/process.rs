//! ffmpeg as a child: its pictures come through a pipe, its complaints become our errors, and it does not outlive us.

use std::io::{ErrorKind, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context, bail};
use sources::play::ffmpeg;

/// The beginning of what ffmpeg had to say when it failed.
const LONGEST_COMPLAINT_BYTES: u64 = 1500;

/// A program that has been started; dropping it ends it.
pub(super) struct Running {
    child: Child,
    complaint: Option<thread::JoinHandle<anyhow::Result<String>>>,
}

impl Running {
    /// The program, and what it writes to stdout.
    ///
    /// # Errors
    /// Where there is no such program, how to get it.
    pub(super) fn start(mut command: Command) -> anyhow::Result<(Running, ChildStdout)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        {
            // Ctrl-C is ours to handle: ffmpeg is ended when the last frame has been sent.
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(ffmpeg::missing()),
            Err(error) => return Err(error).context(format!("cannot start {program}")),
        };
        let mut running = Running { child, complaint: None };
        let (Some(stdout), Some(stderr)) = (running.child.stdout.take(), running.child.stderr.take()) else {
            bail!("{program} was started without pipes");
        };
        running.complaint = Some(on_thread("complaint", move || read_complaint(stderr))?);
        Ok((running, stdout))
    }

    /// Waits for its end, to be called once the output has been read. What it said.
    ///
    /// # Errors
    /// It failed.
    pub(super) fn wait(&mut self) -> anyhow::Result<String> {
        let status = self.child.wait()?;
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok()?.ok());
        let said = complaint.filter(|said| !said.is_empty()).unwrap_or_else(|| "it said nothing".to_owned());
        if !status.success() {
            bail!("ffmpeg failed ({status}): {said}");
        }
        Ok(said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be killed; one that was killed ends at once, and must be waited for, or
        // its entry in the process table stays.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
