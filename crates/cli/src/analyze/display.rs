//! What a person sees of an analysis, all on stderr: on a terminal a bar for the sending and one for each stage,
//! elsewhere lines now and then.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use client::upload::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::terminal::{Progress, clock, counted};

/// A bar moves in so many steps.
const STEPS: u64 = 1000;
/// Refused frames that are shown one by one.
const MOST_COMPLAINTS: u64 = 5;

pub(super) struct Display {
    bars: Option<MultiProgress>,
    sending: Bar,
    stages: BTreeMap<String, Bar>,
    /// Every event is shown.
    verbose: bool,
    started: Instant,
    /// Frames that will come, if that is known.
    frames: Option<u64>,
    acknowledged: u64,
    refused: u64,
}

/// One thing that goes on.
struct Bar {
    progress: Progress,
    is_done: bool,
}

impl Display {
    pub(super) fn new(frames: Option<u64>, verbose: bool) -> Display {
        let bars = stderr().is_terminal().then(|| {
            let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
            bars.set_move_cursor(true);
            bars
        });
        let sending = Bar::new(bars.as_ref(), frames, "sending");
        Display {
            bars,
            sending,
            stages: BTreeMap::new(),
            verbose,
            started: Instant::now(),
            frames,
            acknowledged: 0,
            refused: 0,
        }
    }

    pub(super) fn take(&mut self, event: &Event) {
        if self.verbose {
            self.say(&format!("{:9.3} s  {event:?}", self.started.elapsed().as_secs_f64()));
        }
        match event {
            Event::Acknowledged { .. } => self.acknowledged += 1,
            Event::Refused { message, .. } => self.refuse(message),
            Event::Lost { error, retry_in } => {
                self.say(&format!("{error}; next try in {:.1} s", retry_in.as_secs_f64()));
            }
            Event::Resumed { next_frame } => {
                self.acknowledged = self.acknowledged.max(*next_frame);
                self.say(&format!("connected again; the hub has the frames before {next_frame}"));
            }
            Event::Progress { stage, progress, message } => self.stage(stage, *progress, message),
        }
        if matches!(event, Event::Acknowledged { .. } | Event::Resumed { .. }) {
            let text = || sent(self.acknowledged, self.frames, self.started.elapsed());
            self.sending.show(self.acknowledged, text);
        }
    }

    fn refuse(&mut self, message: &str) {
        self.refused += 1;
        match self.refused {
            1..MOST_COMPLAINTS => self.say(&format!("the hub did not take a frame: {message}")),
            MOST_COMPLAINTS => self.say(&format!("{message}; further ones are only counted")),
            _ => {}
        }
    }

    fn stage(&mut self, stage: &str, progress: f64, message: &str) {
        let bars = self.bars.as_ref();
        let bar = self.stages.entry(stage.to_owned()).or_insert_with(|| Bar::new(bars, Some(STEPS), stage));
        let text = || {
            let percent = progress.clamp(0.0, 1.0) * 100.0;
            if bars.is_some() { message.to_owned() } else { format!("{stage} {percent:.0} %: {message}") }
        };
        if progress >= 1.0 {
            bar.end(text);
        } else {
            bar.show((progress.max(0.0) * STEPS as f64) as u64, text);
        }
    }

    /// All frames are there.
    pub(super) fn all_sent(&mut self) {
        let mut text = sent(self.acknowledged, None, self.started.elapsed());
        if self.refused > 0 {
            text.push_str(&format!(", {} refused by the hub", self.refused));
        }
        self.sending.end(|| text);
    }

    /// Says something that stays on the screen, above the bars.
    pub(super) fn say(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    /// Leaves what is on the screen, so that a result or an error can follow.
    pub(super) fn end(&self) {
        for bar in self.stages.values().chain([&self.sending]) {
            if let Some(bar) = bar.progress.bar.as_ref().filter(|_| !bar.is_done) {
                bar.abandon();
            }
        }
    }
}

impl Bar {
    fn new(bars: Option<&MultiProgress>, length: Option<u64>, name: &str) -> Bar {
        let bar = bars.map(|bars| {
            let bar = bars.add(length.map_or_else(ProgressBar::no_length, ProgressBar::new));
            bar.with_prefix(name.to_owned())
        });
        Bar { progress: Progress::on(bar, "{prefix:>20} "), is_done: false }
    }

    /// `text` is only made if it will be seen.
    fn show(&mut self, position: u64, text: impl FnOnce() -> String) {
        self.is_done = false;
        self.progress.show_at(position, text);
    }

    /// The last word, once.
    fn end(&mut self, text: impl FnOnce() -> String) {
        if std::mem::replace(&mut self.is_done, true) {
            return;
        }
        match &self.progress.bar {
            Some(bar) => {
                if let Some(length) = bar.length() {
                    bar.set_position(length);
                }
                bar.finish_with_message(text());
            }
            None => eprintln!("{}", text()),
        }
    }
}

/// `sent 120 of 300 frames in 0:04 (30.0 a second)`
fn sent(frames: u64, of: Option<u64>, passed: Duration) -> String {
    let frames_of = match of {
        Some(of) => format!("{frames} of {}", counted(of, "frame")),
        None => counted(frames, "frame"),
    };
    let mut text = format!("sent {frames_of} in {}", clock(passed));
    // Over less than a second a rate says nothing.
    if passed >= Duration::from_secs(1) {
        text.push_str(&format!(" ({:.1} a second)", frames as f64 / passed.as_secs_f64()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_reads_well() {
        assert_eq!(
            sent(120, Some(300), Duration::from_secs(4)),
            "sent 120 of 300 frames in 0:04 (30.0 a second)"
        );
        assert_eq!(sent(1, None, Duration::ZERO), "sent 1 frame in 0:00");
    }

    #[test]
    fn what_the_hub_has_counts_once() {
        let mut display = Display::new(Some(10), false);
        display.take(&Event::Acknowledged { number: 0 });
        display.take(&Event::Resumed { next_frame: 3 });
        display.take(&Event::Refused { number: 3, message: "no JPEG".to_owned() });
        assert_eq!((display.acknowledged, display.refused), (3, 1));
    }
}
