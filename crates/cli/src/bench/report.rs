//! What a measurement found, as one JSON object and as an aligned table. Figures are made here once, so that
//! both say the same.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::histogram::Histogram;
use super::hub::{Hub, Usage};
use super::publishers::Published;
use super::run::Plan;
use super::viewers::{PIECES, Viewed};
use crate::terminal;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) hub: HubReport,
    pub(super) setup: Plan,
    pub(super) publish: PublishReport,
    /// Those who read as fast as they can; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) viewers: Option<ViewerReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slow_viewers: Option<ViewerReport>,
    /// CPU of this command, which sends and receives everything: near the number of cores it is the limit.
    pub(super) client_cpu_cores: f64,
    /// What did not go as it should; empty is good.
    pub(super) problems: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct HubReport {
    pub(super) url: String,
    pub(super) started_here: bool,
    /// Cores in use, the mean of the window; `null` where the hub does not show it.
    pub(super) cpu_cores: Option<f64>,
    /// CPU seconds for a gigabyte delivered.
    pub(super) cpu_secs_per_gb: Option<f64>,
    pub(super) memory_mb: Option<f64>,
    /// It answered before the measured time, and no longer after it.
    pub(super) lost: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct PublishReport {
    frames: u64,
    /// Frames a second over all streams.
    fps: f64,
    /// Beats that passed while the frame before was still on its way.
    lost_beats: u64,
    /// From the sending to the hub's answer.
    answer_ms: Spread,
    errors: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct ViewerReport {
    viewers: usize,
    pub(super) fps_min: f64,
    fps_median: f64,
    frames: u64,
    megabytes_per_sec: f64,
    /// Frames published but not shown to a viewer, over all of them.
    skipped: u64,
    /// From the start of a frame's sending to its last byte at the viewer.
    age_ms: Spread,
    /// The 95th percentile of the age in each fifth of the window.
    age_p95_ms_by_fifth: Vec<Option<f64>>,
    longest_gap_ms: f64,
    errors: BTreeMap<String, u64>,
}

/// Percentiles in milliseconds; `null` where nothing was measured.
#[derive(Debug, Default, Serialize)]
pub(super) struct Spread {
    p50: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

impl HubReport {
    /// What `hub` used between two looks at it, `apart` from each other.
    pub(super) fn of(hub: &Hub, looks: [Option<Usage>; 2], apart: Duration, delivered: u64) -> HubReport {
        let [before, after] = looks;
        let cpu_secs = before.zip(after).map(|(before, after)| after.cpu_secs - before.cpu_secs);
        let per_gb = |secs: f64| round(secs / (delivered as f64 / 1e9), 3);
        HubReport {
            url: hub.endpoint.url("/"),
            started_here: hub.is_ours(),
            cpu_cores: cpu_secs.map(|secs| round(secs / apart.as_secs_f64(), 3)),
            cpu_secs_per_gb: cpu_secs.filter(|_| delivered > 0).map(per_gb),
            memory_mb: before.and(after).map(|after| round(after.memory_bytes / 1e6, 1)),
            lost: before.is_some() && after.is_none(),
        }
    }
}

impl PublishReport {
    pub(super) fn of(published: &[Published], duration: Duration) -> PublishReport {
        let frames = published.iter().map(|one| one.frames).sum();
        PublishReport {
            frames,
            fps: round(frames as f64 / duration.as_secs_f64(), 2),
            lost_beats: published.iter().map(|one| one.lost_beats).sum(),
            answer_ms: Spread::of(&total(published.iter().map(|one| &one.answer))),
            errors: sum(published.iter().map(|one| &one.errors)),
        }
    }
}

impl ViewerReport {
    /// `None` without viewers.
    pub(super) fn of<'a>(
        viewed: impl Iterator<Item = &'a Viewed>,
        duration: Duration,
    ) -> Option<ViewerReport> {
        let viewed: Vec<&Viewed> = viewed.collect();
        let mut frames: Vec<u64> = viewed.iter().map(|one| one.frames).collect();
        frames.sort_unstable();
        let rate = |frames: u64| round(frames as f64 / duration.as_secs_f64(), 2);
        let (least, middle) = (*frames.first()?, frames[frames.len() / 2]);
        let piece = |piece: usize| total(viewed.iter().map(|one| &one.age_by_piece[piece]));
        let p95 = |ages: Histogram| ages.quantile_millis(0.95).map(|millis| round(millis, 2));
        let bytes: u64 = viewed.iter().map(|one| one.bytes).sum();
        let longest_gap = viewed.iter().map(|one| one.longest_gap).max().unwrap_or_default();
        Some(ViewerReport {
            viewers: viewed.len(),
            fps_min: rate(least),
            fps_median: rate(middle),
            frames: frames.iter().sum(),
            megabytes_per_sec: round(bytes as f64 / 1e6 / duration.as_secs_f64(), 2),
            skipped: viewed.iter().map(|one| one.skipped).sum(),
            age_ms: Spread::of(&total(viewed.iter().map(|one| &one.age))),
            age_p95_ms_by_fifth: (0..PIECES).map(piece).map(p95).collect(),
            longest_gap_ms: round(longest_gap.as_secs_f64() * 1e3, 1),
            errors: sum(viewed.iter().map(|one| &one.errors)),
        })
    }
}

impl Spread {
    fn of(histogram: &Histogram) -> Spread {
        let quantile = |share| histogram.quantile_millis(share).map(|millis| round(millis, 2));
        let max = histogram.max_millis().map(|millis| round(millis, 2));
        Spread { p50: quantile(0.5), p99: quantile(0.99), max }
    }

    fn cells(&self) -> [String; 3] {
        [self.p50, self.p99, self.max].map(|value| value.map_or("–".to_owned(), millis))
    }
}

fn total<'a>(all: impl Iterator<Item = &'a Histogram>) -> Histogram {
    all.fold(Histogram::default(), |mut total, one| {
        total.add(one);
        total
    })
}

fn sum<'a>(all: impl Iterator<Item = &'a BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut sum = BTreeMap::new();
    for (error, count) in all.flatten() {
        *sum.entry(error.clone()).or_default() += count;
    }
    sum
}

pub(super) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

fn millis(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2} ms"),
        value if value < 1000.0 => format!("{value:.0} ms"),
        value => format!("{:.2} s", value / 1e3),
    }
}

/// Prints what was found, as one JSON object or as a table.
pub(super) fn print<R: Serialize>(report: &R, json: bool, table: fn(&R) -> String) -> std::io::Result<bool> {
    // Numbers, texts and lists of them: nothing in it can fail to become JSON.
    let json = json.then(|| serde_json::to_string(report).unwrap_or_default() + "\n");
    terminal::print(&json.unwrap_or_else(|| table(report)))
}

impl Report {
    /// What went wrong with whom, a line for each kind.
    pub(super) fn errors(&self) -> Vec<String> {
        let fast = self.viewers.iter().map(|report| ("viewers", &report.errors));
        let slow = self.slow_viewers.iter().map(|report| ("slow viewers", &report.errors));
        let groups = std::iter::once(("publishers", &self.publish.errors)).chain(fast).chain(slow);
        groups
            .flat_map(|(who, errors)| {
                errors.iter().map(move |(error, count)| format!("{who}, {count} times: {error}"))
            })
            .collect()
    }

    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let setup = &self.setup;
        let origin = if self.hub.started_here { "started for this" } else { "running" };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "hub       {} ({origin})", self.hub.url);
        let _ = write!(
            text,
            "offered   {} × {} fps × {} kB by {}, for {} s",
            plural(setup.streams.into(), "stream"),
            setup.fps,
            setup.frame_bytes as f64 / 1e3,
            format!("{:?}", setup.mode).to_lowercase(),
            setup.duration.as_secs_f64()
        );
        if setup.slow > 0 {
            let _ = write!(text, "; slow viewers read {} kB/s", setup.slow_kbps);
        }
        text.push_str("\n\n");
        text.push_str(&self.viewer_rows());
        let [p50, p99, max] = self.publish.answer_ms.cells();
        let _ = writeln!(
            text,
            "publish   {} frames ({} fps), {} lost; answered in p50 {p50}, p99 {p99}, max {max}",
            self.publish.frames,
            self.publish.fps,
            plural(self.publish.lost_beats, "beat")
        );
        let or_unknown =
            |value: Option<f64>, unit: &str| value.map_or("unknown".to_owned(), |it| format!("{it}{unit}"));
        let memory = or_unknown(self.hub.memory_mb, " MB");
        let _ = write!(text, "hub used  {}, memory {memory}", or_unknown(self.hub.cpu_cores, " cores"));
        if let Some(secs) = self.hub.cpu_secs_per_gb {
            let _ = write!(text, ", {secs} CPU s for each GB delivered");
        }
        text.push('\n');
        let _ = writeln!(text, "this used {} cores", self.client_cpu_cores);
        for problem in &self.problems {
            let _ = writeln!(text, "problem   {problem}");
        }
        text
    }

    fn viewer_rows(&self) -> String {
        let head =
            ["viewers", "fps min", "median", "age p50", "p99", "max", "skipped", "longest gap", "received"];
        let mut rows = vec![head.map(str::to_owned)];
        for (name, report) in [("as fast", &self.viewers), ("slow", &self.slow_viewers)] {
            let Some(report) = report else { continue };
            let [p50, p99, max] = report.age_ms.cells();
            rows.push([
                format!("{} {name}", report.viewers),
                format!("{:.1}", report.fps_min),
                format!("{:.1}", report.fps_median),
                p50,
                p99,
                max,
                report.skipped.to_string(),
                millis(report.longest_gap_ms),
                terminal::rate(report.megabytes_per_sec * 1e6),
            ]);
        }
        if rows.len() == 1 {
            return String::new();
        }
        let mut text = aligned(&rows);
        if let Some(slow) = &self.slow_viewers {
            let fifths: Vec<String> =
                slow.age_p95_ms_by_fifth.iter().map(|age| age.map_or("–".to_owned(), millis)).collect();
            let _ = writeln!(text, "slow viewers' age p95 in each fifth of the time: {}", fifths.join(", "));
        }
        text.push('\n');
        text
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Columns as wide as their widest cell, the first to the left, the others to the right.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for column in 1..COLUMNS {
            let _ = write!(text, "  {:>1$}", row[column], widths[column]);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb", "1"], ["ccc", "d", "22"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a    bb   1\nccc   d  22\n");
    }

    #[test]
    fn no_viewers_make_no_row() {
        assert!(ViewerReport::of([].iter(), Duration::from_secs(1)).is_none());
    }

    #[test]
    fn errors_of_all_are_summed() {
        let one = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        let two = BTreeMap::from([("a".to_owned(), 3)]);
        assert_eq!(sum([one, two].iter()), BTreeMap::from([("a".to_owned(), 4), ("b".to_owned(), 2)]));
    }
}
