//! The scoring apparatus's text log of one phrase: what happened when, and whose light is on.
//!
//! A timed line is `20.448s | HIT: Left scores on Right!`; the closing line is
//! `Scores -> Fencer 1: HIT, Fencer 2: HIT`. Fencer 1 stands right, fencer 2 left. All other lines (dates, audio cues,
//! uploads, comments) are skipped. What the lights mean for the hit is decided elsewhere.

mod text;

use serde::Serialize;

/// The largest log that is read. Those of real phrases take 1 kB.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The latest time in a log: a day.
pub const MAX_SECS: f64 = 86_400.0;

/// The side of the piste as the camera sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Left,
    Right,
}

impl Side {
    /// As it begins a sentence.
    pub fn name(self) -> &'static str {
        self.of("Left", "Right")
    }

    /// The opponent's side.
    pub fn other(self) -> Self {
        self.of(Self::Right, Self::Left)
    }

    /// This side's of two.
    pub(crate) fn of<T>(self, left: T, right: T) -> T {
        match self {
            Self::Left => left,
            Self::Right => right,
        }
    }
}

/// What a timed line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The recording began; its clock shows 0.
    Started,
    /// The recording ended.
    Ended,
    /// A valid hit by the fencer of this side.
    Hit(Side),
    /// Both have hit by now.
    HitsOfBoth,
    /// The blades met.
    BladeContact,
    /// A hit off the target.
    OffTarget,
    /// The apparatus begins to wait for the other's hit.
    Lockout,
}

/// One timed line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Seconds since the recording started.
    pub time_secs: f64,
    pub kind: Kind,
}

/// Who has hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hits {
    pub left: bool,
    pub right: bool,
}

/// Which lights of the apparatus are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lights {
    None,
    Left,
    Right,
    Both,
    /// The `HIT` lines and the `Scores` line say different things.
    Contradictory,
}

/// A log as read.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalLog {
    /// In the order of their times.
    pub events: Vec<Event>,
    /// Who has hit by the `HIT` lines, if there is one.
    pub hits: Option<Hits>,
    /// Who has hit by the `Scores` line, if there is one.
    pub scores: Option<Hits>,
}

/// Why a log cannot be read. Each says in which line, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the signal log takes {bytes} bytes, {MAX_BYTES} are allowed: send the log of one phrase")]
    TooLarge { bytes: usize },
    #[error("the signal log is no text: send the apparatus's .txt file, as UTF-8, UTF-16 or Latin-1")]
    NotText,
    #[error(
        "signal log, line {line}: `{text}` has no time: write it as `20.448s | …`, from 0 to {MAX_SECS} s"
    )]
    Time { line: usize, text: String },
    #[error(
        "signal log, line {line}: `{text}` is no known hit: write `HIT: Left scores on Right!`, \
             `HIT: Right scores on Left!` or `HIT: Simultaneous valid hits!`"
    )]
    Hit { line: usize, text: String },
    #[error(
        "signal log, line {line}: `{text}` does not say what both fencers have: write \
             `Scores -> Fencer 1: HIT, Fencer 2: HIT` (fencer 1 stands right)"
    )]
    Scores { line: usize, text: String },
    #[error(
        "signal log, line {line}: a second `Scores ->` line has another result: send the log of one phrase"
    )]
    TwoScores { line: usize },
    #[error(
        "the signal log ends at line {line} without `Scores -> …` and without `… | Phrase recording ended`: it is \
             cut off, send all of it"
    )]
    CutOff { line: usize },
    #[error(
        "the signal log says that both fencers hit, but has no `… | HIT: …` line that says when: send all of it"
    )]
    NoHitLine,
}

impl Error {
    /// Stable, for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "SIGNAL_TOO_LARGE",
            _ => "BAD_SIGNAL",
        }
    }
}

impl SignalLog {
    /// Reads a log as the apparatus wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLarge { bytes: bytes.len() });
        }
        let text = text::decode(bytes).ok_or(Error::NotText)?;
        let mut log = Self { events: Vec::new(), hits: None, scores: None };
        let mut last = 0;
        for (index, line) in text::lines(&text) {
            last = index;
            log.take(index, line)?;
        }
        log.events.sort_by(|a, b| a.time_secs.total_cmp(&b.time_secs));
        log.check(last)?;
        Ok(log)
    }

    /// Which lights are on; where the lines contradict each other, that is said.
    pub fn lights(&self) -> Lights {
        let hits = match (self.hits, self.scores) {
            (Some(hits), Some(scores)) if hits != scores => return Lights::Contradictory,
            (hits, scores) => hits.or(scores).unwrap_or_default(),
        };
        match (hits.left, hits.right) {
            (false, false) => Lights::None,
            (true, false) => Lights::Left,
            (false, true) => Lights::Right,
            (true, true) => Lights::Both,
        }
    }

    /// When the first hit arrived, and whose it was; `None` where the log has both at once.
    pub fn first_hit(&self) -> Option<(f64, Option<Side>)> {
        let hits = || self.events.iter().filter(|event| event.side_of_hit().is_some());
        let first = hits().next()?;
        let sides =
            hits().take_while(|event| event.time_secs == first.time_secs).filter_map(Event::side_of_hit);
        let alone = sides.reduce(|a, b| if a == b { a } else { None }).flatten();
        Some((first.time_secs, alone))
    }

    /// When the recording ended.
    pub fn ended_secs(&self) -> Option<f64> {
        self.times(Kind::Ended).next()
    }

    /// When the blades met.
    pub fn contacts(&self) -> impl Iterator<Item = f64> + '_ {
        self.times(Kind::BladeContact)
    }

    fn times(&self, kind: Kind) -> impl Iterator<Item = f64> + '_ {
        self.events.iter().filter(move |event| event.kind == kind).map(|event| event.time_secs)
    }

    /// Takes in one line.
    fn take(&mut self, index: usize, line: &str) -> Result<(), Error> {
        if let Some((time, text)) = text::timed(line) {
            let time = seconds(time).ok_or_else(|| Error::Time { line: index, text: text::shown(line) })?;
            return self.take_event(index, time, text);
        }
        if let Some(scores) = text::after(line, "scores ->") {
            let scores =
                fencers(scores).ok_or_else(|| Error::Scores { line: index, text: text::shown(line) })?;
            if self.scores.is_some_and(|before| before != scores) {
                return Err(Error::TwoScores { line: index });
            }
            self.scores = Some(scores);
        }
        Ok(())
    }

    fn take_event(&mut self, index: usize, time_secs: f64, text: &str) -> Result<(), Error> {
        let Some(kind) = kind(text).ok_or_else(|| Error::Hit { line: index, text: text::shown(text) })?
        else {
            return Ok(());
        };
        if let Some(side) = (Event { time_secs, kind }).side_of_hit() {
            let hits = self.hits.get_or_insert_default();
            hits.left |= side != Some(Side::Right);
            hits.right |= side != Some(Side::Left);
        }
        self.events.push(Event { time_secs, kind });
        Ok(())
    }

    /// Whether everything that the lights follow from is there.
    fn check(&self, last: usize) -> Result<(), Error> {
        if self.scores.is_none() && self.ended_secs().is_none() {
            return Err(Error::CutOff { line: last });
        }
        if self.hits.is_none() && self.lights() == Lights::Both {
            return Err(Error::NoHitLine);
        }
        Ok(())
    }
}

impl Event {
    /// Whose hit this is, if it is one: `Some(None)` where it is both fencers'.
    fn side_of_hit(&self) -> Option<Option<Side>> {
        match self.kind {
            Kind::Hit(side) => Some(Some(side)),
            Kind::HitsOfBoth => Some(None),
            _ => None,
        }
    }
}

/// `20.448s` as a number.
fn seconds(time: &str) -> Option<f64> {
    let digits = time.strip_suffix(['s', 'S'])?;
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.parse().ok().filter(|secs| plain && (0.0..=MAX_SECS).contains(secs))
}

/// What a timed line says: `Some(None)` where it does not matter here, `None` where it is a hit of an unknown kind.
fn kind(text: &str) -> Option<Option<Kind>> {
    if let Some(hit) = text::after(text, "hit:") {
        let kinds = [
            ("left scores", Kind::Hit(Side::Left)),
            ("right scores", Kind::Hit(Side::Right)),
            ("simultaneous", Kind::HitsOfBoth),
        ];
        return starting(hit, &kinds).map(Some);
    }
    let kinds = [
        ("off-target: blade", Kind::BladeContact),
        ("off-target", Kind::OffTarget),
        ("lockout", Kind::Lockout),
        ("phrase recording started", Kind::Started),
        ("phrase recording ended", Kind::Ended),
    ];
    Some(starting(text, &kinds))
}

/// The kind whose word a text starts with.
fn starting(text: &str, kinds: &[(&str, Kind)]) -> Option<Kind> {
    kinds.iter().find(|(word, _)| text::after(text, word).is_some()).map(|(_, kind)| *kind)
}

/// `Fencer 1: HIT, Fencer 2: MISS`. Whatever is not `HIT` is no light.
fn fencers(scores: &str) -> Option<Hits> {
    let mut seen = [None; 2];
    for part in scores.split(',') {
        let (fencer, result) = text::after(part, "fencer")?.split_once(':')?;
        let place = fencer.trim().parse::<usize>().ok()?.checked_sub(1)?;
        let seen = seen.get_mut(place)?;
        if seen.replace(result.trim().eq_ignore_ascii_case("hit")).is_some() {
            return None;
        }
    }
    Some(Hits { right: seen[0]?, left: seen[1]? })
}

#[cfg(test)]
mod tests;
