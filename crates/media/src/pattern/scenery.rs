//! What stands still in the test pattern: where everything has its place, and
//! the picture that the moving things are drawn over.

use crate::canvas::{self, Rect, fill, line, ring};
use crate::text::{LEGIBLE_PX, Pen};
use crate::{Colour, Picture};

const TOP: Colour = [13, 20, 34];
const BOTTOM: Colour = [26, 39, 62];
const QUIET: Colour = [139, 154, 178];
const FAINT: Colour = [58, 75, 105];

/// 75 % colour bars, left to right (SMPTE EG 1, the upper field).
const BARS: [Colour; 7] =
    [[191, 191, 191], [191, 191, 0], [0, 191, 191], [0, 191, 0], [191, 0, 191], [191, 0, 0], [0, 0, 191]];

/// Steps of grey from black to white under the bars.
const GREYS: u32 = 11;

/// Where things stand, in pixels. All lengths come from one unit, so that the
/// picture looks the same at every size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) unit: f32,
    pub(super) margin: f32,
    pub(super) dial_centre: (f32, f32),
    pub(super) dial_radius: f32,
    /// Left and top of the clock's line; the counter is below.
    pub(super) clock: (f32, f32),
    pub(super) clock_px: f32,
    /// Below the dial rather than beside it: lines are centred on it.
    pub(super) stacked: bool,
    /// From, to, and the height of the ball's lane.
    pub(super) lane: (f32, f32, f32),
    pub(super) bars_top: u32,
    pub(super) greys_top: u32,
}

/// Characters of "12:34:56.789".
const CLOCK_CHARACTERS: f32 = 12.0;

/// Advance of DejaVu Sans Mono over its em (1233 / 2048).
const MONO_ADVANCE: f32 = 0.602;

impl Layout {
    pub(super) fn of(width: u32, height: u32) -> Self {
        let (w, h) = (width as f32, height as f32);
        let stacked = w < h * 1.1;
        let unit = if stacked { (w / 9.0).min(h / 12.0) } else { (w / 16.0).min(h / 9.0) };
        let bars_top = h - 1.55 * unit;
        let lane_y = bars_top - 0.6 * unit;
        let margin = 0.6 * unit;
        let radius = 1.9 * unit;
        let clock_px = if stacked { 1.05 * unit } else { 1.2 * unit };
        let clock_width = CLOCK_CHARACTERS * MONO_ADVANCE * clock_px;
        // The dial and the clock stand between the caption and the lane.
        let middle = (1.3 * unit + lane_y - 0.2 * unit) / 2.0;
        let (dial_centre, clock) = if clock_px < LEGIBLE_PX {
            ((w / 2.0, lane_y / 2.0), (0.0, 0.0))
        } else if stacked {
            let top = middle - (2.0 * radius + 2.4 * unit) / 2.0;
            let below = top + 2.0 * radius + 0.4 * unit;
            ((w / 2.0, top + radius), ((w - clock_width) / 2.0, below))
        } else {
            let gap = 0.9 * unit;
            let left = (w - 2.0 * radius - gap - clock_width) / 2.0;
            let beside = left + 2.0 * radius + gap;
            ((left + radius, middle), (beside, middle - 1.3 * unit))
        };
        Self {
            unit,
            margin,
            dial_centre,
            dial_radius: radius,
            clock,
            clock_px,
            stacked,
            lane: (margin, w - margin, lane_y),
            bars_top: bars_top as u32,
            greys_top: (h - 0.4 * unit) as u32,
        }
    }
}

/// All that never moves.
pub(super) fn background(width: u32, height: u32, layout: &Layout, label: &mut Pen) -> Picture {
    let mut picture = canvas::backdrop(width, height, TOP, BOTTOM);
    draw_grid(&mut picture, layout);
    draw_dial_face(&mut picture, layout);
    draw_lane(&mut picture, layout);
    draw_bars(&mut picture, layout);
    draw_size(&mut picture, layout, label);
    picture
}

fn draw_grid(picture: &mut Picture, layout: &Layout) {
    let (width, height) = (picture.width as i32, layout.bars_top as i32);
    let stroke = (layout.unit / 80.0).round().max(1.0) as i32;
    let mut steps = 1.0;
    // From the middle outwards, so that the pattern is symmetrical.
    let (middle_x, middle_y) = (width as f32 / 2.0, height as f32 / 2.0);
    while steps * layout.unit < middle_x.max(middle_y) + layout.unit {
        for side in [-1.0, 1.0] {
            let offset = side * (steps - 0.5) * layout.unit;
            let x = (middle_x + offset) as i32;
            let y = (middle_y + offset) as i32;
            let upright = Rect { x, y: 0, width: stroke, height };
            canvas::shade(picture, upright, FAINT, 44);
            if y < height {
                let level = Rect { x: 0, y, width, height: stroke };
                canvas::shade(picture, level, FAINT, 44);
            }
        }
        steps += 1.0;
    }
}

fn draw_dial_face(picture: &mut Picture, layout: &Layout) {
    let (centre, radius) = (layout.dial_centre, layout.dial_radius);
    ring(picture, centre, 0.0, radius, TOP, 0.6);
    let stroke = (radius * 0.018).max(0.8);
    ring(picture, centre, radius - stroke, radius, QUIET, 0.9);
    if radius < 20.0 {
        return;
    }
    for tick in 0..60 {
        let (sine, cosine) = (tick as f32 / 60.0 * std::f32::consts::TAU).sin_cos();
        let at = |share: f32| (centre.0 + sine * radius * share, centre.1 - cosine * radius * share);
        let (from, thickness, opacity) = if tick % 15 == 0 {
            (0.80, 0.024, 1.0)
        } else if tick % 5 == 0 {
            (0.85, 0.016, 0.8)
        } else {
            (0.90, 0.010, 0.4)
        };
        let thickness = (radius * thickness).max(1.0);
        line(picture, at(from), at(0.94), thickness, QUIET, opacity);
    }
}

fn draw_lane(picture: &mut Picture, layout: &Layout) {
    let (from, to, y) = layout.lane;
    let thickness = (0.03 * layout.unit).max(1.0);
    line(picture, (from, y), (to, y), thickness, FAINT, 1.0);
    // The ball needs a fifth of a second from mark to mark.
    for mark in 0..=10 {
        let x = from + (to - from) * mark as f32 / 10.0;
        let half = if mark % 5 == 0 { 0.14 } else { 0.08 } * layout.unit;
        line(picture, (x, y - half), (x, y + half), thickness, FAINT, 1.0);
    }
}

fn draw_bars(picture: &mut Picture, layout: &Layout) {
    let (width, height) = (picture.width, picture.height);
    let count = BARS.len() as u32;
    for (at, colour) in (0..).zip(BARS) {
        let area = Rect {
            x: (width * at / count) as i32,
            y: layout.bars_top as i32,
            width: (width * (at + 1) / count - width * at / count) as i32,
            height: (layout.greys_top.saturating_sub(layout.bars_top)) as i32,
        };
        fill(picture, area, colour);
    }
    for at in 0..GREYS {
        let area = Rect {
            x: (width * at / GREYS) as i32,
            y: layout.greys_top as i32,
            width: (width * (at + 1) / GREYS - width * at / GREYS) as i32,
            height: height.saturating_sub(layout.greys_top) as i32,
        };
        fill(picture, area, [(at * 255 / (GREYS - 1)) as u8; 3]);
    }
}

fn draw_size(picture: &mut Picture, layout: &Layout, label: &mut Pen) {
    let counter_legible = 0.36 * layout.unit >= LEGIBLE_PX;
    if label.size_px() < LEGIBLE_PX || layout.clock_px < LEGIBLE_PX || !counter_legible {
        return;
    }
    let text = format!("{}×{} · test pattern", picture.width, picture.height);
    let y = layout.clock.1 + 2.15 * layout.unit;
    let x = if layout.stacked {
        (picture.width as f32 - label.width(&text) as f32) / 2.0
    } else {
        layout.clock.0 + 0.06 * layout.clock_px
    };
    label.draw(picture, x.round() as i32, y.round() as i32, QUIET, &text);
}
