//! What is shown of the publishing: a line that moves while it runs, a summary at the end.

use std::time::{Duration, Instant};

use super::link::Verdict;
use super::totals::{Position, Totals};
use crate::terminal::{Progress, clock, counted, rate};

/// What is shown while it runs.
pub(super) struct Display {
    pub(super) progress: Progress,
    length: Option<Duration>,
    whole: Option<Duration>,
    started: Instant,
    last: Instant,
    last_totals: Totals,
    /// Frames and bytes a second, lately.
    fps: f64,
    bytes_per_sec: f64,
}

impl Display {
    pub(super) fn new(length: Option<Duration>, whole: Option<Duration>) -> Display {
        let now = Instant::now();
        let progress = Progress::new(whole.or(length));
        let last_totals = Totals::default();
        Display {
            progress,
            length,
            whole,
            started: now,
            last: now,
            last_totals,
            fps: 0.0,
            bytes_per_sec: 0.0,
        }
    }

    pub(super) fn show(&mut self, totals: &Totals, elapsed: Duration) {
        let passed = self.last.elapsed().as_secs_f64();
        if passed >= 1.0 {
            self.fps = (totals.sent - self.last_totals.sent) as f64 / passed;
            self.bytes_per_sec = (totals.bytes - self.last_totals.bytes) as f64 / passed;
            self.last = Instant::now();
            self.last_totals = totals.clone();
        }
        let position = Position::after(elapsed, self.length);
        let bar = if self.whole.is_some() { self.started.elapsed() } else { position.at };
        self.progress.show(bar, || line(totals, &position, self.length, self.fps, self.bytes_per_sec));
    }

    pub(super) fn end(self, text: &str) {
        self.progress.end();
        eprintln!("{text}");
    }
}

fn line(
    totals: &Totals,
    position: &Position,
    length: Option<Duration>,
    fps: f64,
    bytes_per_sec: f64,
) -> String {
    let mut line = clock(position.at);
    if let Some(length) = length {
        line.push_str(&format!(" of {}", clock(length)));
    }
    if position.round > 1 {
        line.push_str(&format!(" (round {})", position.round));
    }
    line.push_str(&format!("  {fps:.1} fps  {}  skipped {}", rate(bytes_per_sec), totals.skipped));
    if totals.away > 0 {
        line.push_str(&format!("  dropped while away {}", totals.away));
    }
    line
}

pub(super) fn summary(totals: &Totals, passed: Duration, verdict: &Verdict) -> String {
    let mut text = format!("sent {} in {}", counted(totals.sent, "frame"), clock(passed));
    let secs = passed.as_secs_f64();
    // Over less than a second a rate says nothing.
    if secs >= 1.0 {
        let (fps, bytes_per_sec) = (totals.sent as f64 / secs, totals.bytes as f64 / secs);
        text.push_str(&format!(" ({fps:.1} fps, {})", rate(bytes_per_sec)));
    }
    text.push_str(&format!(", skipped {}", totals.skipped));
    for (count, what) in
        [(totals.away, "dropped while the hub was away"), (verdict.refused, "refused by the hub")]
    {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if verdict.reconnects > 0 {
        text.push_str(&format!(", {}", counted(verdict.reconnects, "reconnect")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_well() {
        let totals = Totals { sent: 300, bytes: 30_000_000, skipped: 2, away: 0 };
        let at = Position { at: Duration::from_secs(12), round: 2 };
        let line = line(&totals, &at, Some(Duration::from_secs(60)), 30.0, 3.1e6);
        assert_eq!(line, "0:12 of 1:00 (round 2)  30.0 fps  3.1 MB/s  skipped 2");
        let verdict = Verdict { refused: 1, reconnects: 2, ..Verdict::default() };
        let text = summary(&totals, Duration::from_secs(10), &verdict);
        assert_eq!(
            text,
            "sent 300 frames in 0:10 (30.0 fps, 3.0 MB/s), skipped 2, 1 refused by the hub, 2 reconnects"
        );
    }
}
