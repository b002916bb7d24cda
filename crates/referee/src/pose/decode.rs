//! From a model's output to persons: candidates that are sure enough, and of those that overlap the surest.
//!
//! As Ultralytics does it (`ultralytics/utils/nms.py`, `non_max_suppression`, with the predictor's defaults
//! `conf=0.25`, `iou=0.7`, `max_det=300`).

use super::letterbox::Letterbox;
use crate::tracks::{Bounds, KeyPoint, Person};

/// The most persons that are looked for in a picture (`max_det`).
pub const MAX_PERSONS: usize = 300;

/// Candidates compared with each other at most (`max_nms`).
const MAX_CANDIDATES: usize = 30_000;

/// What counts as a person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The least score, 0 to 1.
    pub score: f32,
    /// Of two boxes that share more of their common area than this, 0 to 1, the less sure one is left out.
    pub overlap: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { score: 0.25, overlap: 0.7 }
    }
}

/// The persons in an output of [`super::ROWS`] rows.
pub(super) fn persons(output: &[f32], thresholds: Thresholds, letterbox: &Letterbox) -> Vec<Person> {
    let count = output.len() / super::ROWS;
    let rows: Vec<&[f32]> = output.chunks_exact(count.max(1)).collect();
    let [xs, ys, widths, heights, scores, ..] = rows[..] else {
        return Vec::new();
    };
    let mut candidates: Vec<Candidate> = (0..count)
        .filter(|&at| scores[at] > thresholds.score)
        .map(|at| Candidate::new(at, scores[at], [xs[at], ys[at], widths[at], heights[at]]))
        .filter(|candidate| candidate.is_finite(&rows))
        .collect();
    // Equal scores keep their order.
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates.truncate(MAX_CANDIDATES);
    let chosen = surest(candidates, thresholds.overlap);
    chosen.into_iter().map(|candidate| candidate.person(&rows, letterbox)).collect()
}

/// A box with its score, in pixels of the input.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    at: usize,
    score: f32,
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Candidate {
    fn new(at: usize, score: f32, [x, y, width, height]: [f32; 4]) -> Self {
        let (half_width, half_height) = (width / 2.0, height / 2.0);
        Self {
            at,
            score,
            left: x - half_width,
            top: y - half_height,
            right: x + half_width,
            bottom: y + half_height,
        }
    }

    /// A model may compute nonsense; no number of it goes further.
    fn is_finite(&self, rows: &[&[f32]]) -> bool {
        rows.iter().all(|row| row[self.at].is_finite())
    }

    fn area(&self) -> f32 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// The share of their common area that two boxes have in common.
    fn overlap(&self, other: &Self) -> f32 {
        let width = (self.right.min(other.right) - self.left.max(other.left)).max(0.0);
        let height = (self.bottom.min(other.bottom) - self.top.max(other.top)).max(0.0);
        let shared = width * height;
        shared / (self.area() + other.area() - shared)
    }

    fn person(&self, rows: &[&[f32]], letterbox: &Letterbox) -> Person {
        let sure = |score: f32| f64::from(score.clamp(0.0, 1.0));
        let key_points = std::array::from_fn(|point| {
            let value = |part: usize| rows[5 + point * 3 + part][self.at];
            let (x, y) = letterbox.back(value(0), value(1));
            KeyPoint { x, y, score: sure(value(2)) }
        });
        let (left, top) = letterbox.back(self.left, self.top);
        let (right, bottom) = letterbox.back(self.right, self.bottom);
        Person { bounds: Bounds { left, top, right, bottom }, score: sure(self.score), key_points }
    }
}

/// Greedy non-maximum suppression, of candidates in the order of their scores.
fn surest(candidates: Vec<Candidate>, overlap: f32) -> Vec<Candidate> {
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if chosen.len() == MAX_PERSONS {
            break;
        }
        if chosen.iter().all(|other| candidate.overlap(other) <= overlap || candidate.overlap(other).is_nan())
        {
            chosen.push(candidate);
        }
    }
    chosen
}
