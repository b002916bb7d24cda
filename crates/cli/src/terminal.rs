//! What the commands share: how they wait, show progress, print and end. Nothing here knows what a frame is.

use std::io::{self, ErrorKind, IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where stderr is no terminal, a line is printed this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Arguments that do not fit, which shows only when several of them are checked together.
#[derive(Debug, thiserror::Error)]
#[error("{message}\n\nFor more information, try 'framehub {command} --help'.")]
pub(super) struct WrongUsage {
    command: &'static str,
    message: String,
}

pub(super) fn usage(command: &'static str, message: impl std::fmt::Display) -> anyhow::Error {
    WrongUsage { command, message: message.to_string() }.into()
}

/// The exit code of a command that failed: 2 for wrong usage, else 1.
pub(super) fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<WrongUsage>() {
        return 2;
    }
    error.downcast_ref::<server::config::Error>().map_or(1, server::config::Error::exit_code)
}

/// Writes a command's result to stdout. A reader that has seen enough (`| head`) is no failure: `false`.
pub(super) fn print(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Runs a command's future on a runtime of its own.
pub(super) fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads that the command runs on")?;
    let result = runtime.block_on(work);
    // A thread that still waits for its input must not keep the command alive.
    runtime.shutdown_background();
    result
}

/// Waits for Ctrl-C, or for the request to end that a supervisor sends.
pub(super) async fn stop_requested() {
    match Signals::listen() {
        Ok(mut signals) => signals.next().await,
        // Without a handler the signal ends the process by itself.
        Err(_) => std::future::pending().await,
    }
}

/// SIGINT and SIGTERM; elsewhere Ctrl-C.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for an instant; for ever where there is none.
pub(super) async fn reached(end: Option<tokio::time::Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Reads a number within limits, for clap.
pub(super) fn number(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(format!("use a number from {least} to {most}")),
    }
}

/// Reads a duration in seconds, at least a tenth of one, for clap.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    // A year: longer is a slip of the keyboard.
    number(text, 0.1, 31_536_000.0).map(Duration::from_secs_f64)
}

/// Shows that something goes on: a bar or a spinner on a terminal, a line now and then elsewhere. Both go
/// to stderr: stdout is for results.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// `length`: how long the work takes, if that is known.
    pub(super) fn new(length: Option<Duration>) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let millis = length.map(|length| length.as_millis() as u64);
            ProgressBar::with_draw_target(millis, ProgressDrawTarget::stderr_with_hz(8))
        });
        Progress::on(bar, "")
    }

    /// On a bar that is there already, if there is one; the template `front` stands before it.
    pub(super) fn on(bar: Option<ProgressBar>, front: &str) -> Progress {
        if let Some(bar) = &bar {
            let moving = if bar.length().is_some() { "{bar:24.cyan/dim}" } else { "{spinner:.cyan}" };
            // Only a template with a mistake in it fails, and then the default one is good enough.
            let style = ProgressStyle::with_template(&format!("{front}{moving} {{msg}}"));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸━"));
        }
        Progress { bar, last_line: Instant::now() }
    }

    /// Shows how far the work is. `text` is only made if it is shown.
    pub(super) fn show(&mut self, position: Duration, text: impl FnOnce() -> String) {
        self.show_at(position.as_millis() as u64, text);
    }

    /// [`Progress::show`] for work that is not counted in time.
    pub(super) fn show_at(&mut self, position: u64, text: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(position);
                bar.set_message(text());
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}", text());
            }
            None => {}
        }
    }

    /// A way to say something while the bar is on the screen.
    pub(super) fn notes(&self) -> Notes {
        Notes(self.bar.clone())
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Says things that stay on the screen, above the bar if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Option<ProgressBar>);

impl Notes {
    pub(super) fn say(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

/// `850 kB/s`, `12.3 MB/s`: decimal units, as the network's are.
pub(super) fn rate(bytes_per_sec: f64) -> String {
    format!("{}/s", size(bytes_per_sec))
}

/// `850 kB`, `12.3 MB`, `2.50 GB`.
pub(super) fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 999_500.0 => format!("{:.0} kB", bytes / 1e3),
        bytes if bytes < 999.95e6 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.2} GB", bytes / 1e9),
    }
}

/// Gigabytes as the settings count them: `1 GB`, `0.5 GB`.
pub(super) fn gigabytes(bytes: u64) -> String {
    let amount = bytes as f64 / f64::from(1 << 30);
    format!("{} GB", (amount * 10.0).round() / 10.0)
}

/// `1 frame`, `2 frames`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `0:07`, `12:34`, `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let secs = time.as_secs_f64().round() as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    match hours {
        0 => format!("{minutes}:{secs:02}"),
        _ => format!("{hours}:{minutes:02}:{secs:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_read_well() {
        let rates = [0.0, 999_000.0, 999_600.0, 12_345_678.0, 2.5e9].map(rate);
        assert_eq!(rates, ["0 kB/s", "999 kB/s", "1.0 MB/s", "12.3 MB/s", "2.50 GB/s"]);
        let times = [7, 754, 3723].map(|secs| clock(Duration::from_secs(secs)));
        assert_eq!(times, ["0:07", "12:34", "1:02:03"]);
        assert_eq!([0, 1, 2].map(|n| counted(n, "frame")), ["0 frames", "1 frame", "2 frames"]);
        assert_eq!([1 << 30, 1 << 29].map(gigabytes), ["1 GB", "0.5 GB"]);
    }

    #[test]
    fn numbers_outside_their_limits_are_refused() {
        assert_eq!(number("2.5", 1.0, 3.0), Ok(2.5));
        for text in ["0.5", "4", "NaN", "x", ""] {
            assert_eq!(number(text, 1.0, 3.0), Err("use a number from 1 to 3".to_owned()), "{text}");
        }
    }

    #[test]
    fn wrong_usage_has_an_exit_code_of_its_own() {
        let error = usage("watch", "no such thing");
        assert!(error.to_string().contains("framehub watch --help"));
        assert_eq!(exit_code(&error), 2);
    }
}
