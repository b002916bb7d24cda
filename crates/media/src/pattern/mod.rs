//! The test pattern: a picture that shows at a glance whether a stream is live,
//! smooth and in time.
//!
//! A hand sweeps a dial once in two seconds and a ball runs along a lane at
//! constant speed, so that a missing frame is a visible jump. The clock is text
//! given by the caller (nothing here reads the time), the frame number shows
//! skipped frames, the colour bars show wrong colours. What stands still is drawn
//! once; a frame costs only the places that move.

mod scenery;

use crate::canvas::{self, Rect, line, mix, ring, row};
use crate::text::{Face, LEGIBLE_PX, Pen};
use crate::{Colour, Picture};
use scenery::Layout;

/// The smallest and the largest side drawn, in pixels; 7680 is 8K UHD.
const SIDES: std::ops::RangeInclusive<u32> = 16..=7680;

/// One turn of the hand.
const TURN_MILLIS: u64 = 2000;

/// The ball's way there and back.
const LANE_MILLIS: u64 = 4000;

/// How far behind the hand its light fades out, in 65536ths of a turn.
const TRAIL: u16 = 24_000;

const TEXT: Colour = [241, 245, 249];
const ACCENT: Colour = [56, 189, 248];
const BALL: Colour = [251, 191, 36];
const LIVE: Colour = [239, 68, 68];

/// Draws the frames of a test stream, one after the other into one picture.
#[derive(Debug)]
pub struct TestPattern {
    layout: Layout,
    background: Picture,
    picture: Picture,
    /// What the last frame drew over the background.
    touched: Vec<Rect>,
    dial: Dial,
    caption: Pen,
    clock: Pen,
    counter: Pen,
    label: Pen,
}

impl TestPattern {
    /// Prepares a pattern of the given size; sides are moved into 16 to 7680
    /// pixels. Text that would be too small to read is left out.
    pub fn new(width: u32, height: u32) -> Self {
        let width = width.clamp(*SIDES.start(), *SIDES.end());
        let height = height.clamp(*SIDES.start(), *SIDES.end());
        let layout = Layout::of(width, height);
        let unit = layout.unit;
        let mut label = Pen::new(Face::Sans, 0.25 * unit);
        let background = scenery::background(width, height, &layout, &mut label);
        Self {
            layout,
            picture: background.clone(),
            dial: Dial::new(&background, &layout),
            background,
            touched: Vec::new(),
            caption: Pen::new(Face::Sans, 0.42 * unit),
            clock: Pen::new(Face::MonoBold, layout.clock_px),
            counter: Pen::new(Face::MonoBold, 0.36 * unit),
            label,
        }
    }

    pub fn width(&self) -> u32 {
        self.picture.width
    }

    pub fn height(&self) -> u32 {
        self.picture.height
    }

    /// Draws frame number `seq`. `clock` is shown large and, written as
    /// `12:34:56.789`, also sets the place of the hand and the ball; a text of
    /// another form moves them by a 30th of a second a frame. `caption` stands at
    /// the top, shortened where it does not fit.
    pub fn draw(&mut self, seq: u64, clock: &str, caption: &str) -> &Picture {
        for area in std::mem::take(&mut self.touched) {
            restore(&mut self.picture, &self.background, area);
        }
        let millis = millis_of_day(clock).unwrap_or_else(|| seq.wrapping_mul(100) / 3);
        self.draw_dial(millis);
        self.draw_ball(millis);
        self.draw_numbers(seq, clock);
        self.draw_head(millis, caption);
        &self.picture
    }

    fn draw_dial(&mut self, millis: u64) {
        let turn = (millis % TURN_MILLIS) as f32 / TURN_MILLIS as f32;
        self.dial.sweep(&mut self.picture, turn);
        self.touched.push(self.dial.area);

        let (centre, radius) = (self.layout.dial_centre, self.layout.dial_radius);
        let (sine, cosine) = (turn * std::f32::consts::TAU).sin_cos();
        let tip = (centre.0 + sine * radius * 0.9, centre.1 - cosine * radius * 0.9);
        let thickness = (radius * 0.035).max(1.0);
        line(&mut self.picture, centre, tip, thickness, TEXT, 1.0);
        ring(&mut self.picture, centre, 0.0, radius * 0.07, TEXT, 1.0);
    }

    fn draw_ball(&mut self, millis: u64) {
        let (from, to, y) = self.layout.lane;
        let phase = (millis % LANE_MILLIS) as f32 / LANE_MILLIS as f32;
        let along = 1.0 - (2.0 * phase - 1.0).abs();
        let centre = (from + (to - from) * along, y);
        let radius = (0.17 * self.layout.unit).max(1.0);
        ring(&mut self.picture, centre, 0.0, radius, BALL, 1.0);
        self.touched.push(canvas::around(centre, radius + 1.0));
    }

    fn draw_numbers(&mut self, seq: u64, clock: &str) {
        let layout = self.layout;
        if layout.clock_px < LEGIBLE_PX {
            return;
        }
        let (x, y) = layout.clock;
        let room = (self.picture.width as f32 - x).max(0.0) as u32;
        let clock = self.clock.fitted(clock, room).into_owned();
        self.touched.push(write(&mut self.picture, &mut self.clock, (x, y), TEXT, &clock));

        if self.counter.size_px() < LEGIBLE_PX {
            return;
        }
        let count = format!("frame {seq}");
        let below = y + 1.55 * layout.unit;
        let left = if layout.stacked {
            (self.picture.width as f32 - self.counter.width(&count) as f32) / 2.0
        } else {
            // The clock's digits start a little right of their advance.
            x + 0.06 * layout.clock_px
        };
        self.touched.push(write(&mut self.picture, &mut self.counter, (left, below), ACCENT, &count));
    }

    fn draw_head(&mut self, millis: u64, caption: &str) {
        let layout = self.layout;
        let (unit, margin) = (layout.unit, layout.margin);
        let right = self.picture.width as f32 - margin;
        let tag = self.label.width("LIVE") as f32;
        // The dot glows at each full second and fades until the next.
        let glow = 1.0 - 0.65 * (millis % 1000) as f32 / 1000.0;
        let dot = (right - tag - 0.28 * unit, 0.75 * unit);
        if self.label.size_px() >= LEGIBLE_PX {
            let top = dot.1 - self.label.line_height() as f32 / 2.0;
            self.touched.push(write(&mut self.picture, &mut self.label, (right - tag, top), TEXT, "LIVE"));
            let radius = 0.11 * unit;
            ring(&mut self.picture, dot, 0.0, radius, LIVE, glow);
            self.touched.push(canvas::around(dot, radius + 1.0));
        }
        if self.caption.size_px() >= LEGIBLE_PX {
            let top = dot.1 - self.caption.line_height() as f32 / 2.0;
            let room = (dot.0 - 0.5 * unit - margin).max(0.0) as u32;
            let caption = self.caption.fitted(caption, room).into_owned();
            self.touched.push(write(&mut self.picture, &mut self.caption, (margin, top), TEXT, &caption));
        }
    }
}

/// Writes a text, and gives the place that it takes.
fn write(picture: &mut Picture, pen: &mut Pen, (x, y): (f32, f32), colour: Colour, text: &str) -> Rect {
    pen.draw(picture, x.round() as i32, y.round() as i32, colour, text)
}

/// The dial's light, prepared: for each of its pixels the angle it lies at.
#[derive(Debug)]
struct Dial {
    area: Rect,
    /// Row by row over `area` clipped to the picture.
    pixels: Vec<DialPixel>,
    /// Strength of the light by the distance behind the hand, in 64ths of [`TRAIL`].
    fade: [u8; 64],
}

#[derive(Clone, Copy, Debug)]
struct DialPixel {
    /// Clockwise from the top, in 65536ths of a turn.
    angle: u16,
    /// How much of the light reaches this pixel, 0 to 255.
    reach: u8,
}

impl Dial {
    fn new(picture: &Picture, layout: &Layout) -> Self {
        let (centre, radius) = (layout.dial_centre, layout.dial_radius);
        let area = canvas::around(centre, radius + 1.0);
        let (columns, rows) = area.clipped(picture);
        let mut pixels = Vec::with_capacity(columns.len() * rows.len());
        for y in rows {
            for x in columns.clone() {
                let dx = x as f32 + 0.5 - centre.0;
                let dy = y as f32 + 0.5 - centre.1;
                let distance = (dx * dx + dy * dy).sqrt();
                let turn = dx.atan2(-dy) / std::f32::consts::TAU;
                // Stronger towards the rim, as a beam looks.
                let rim = (distance / radius).min(1.0);
                let reach = canvas::ring_coverage(distance, 0.0, radius * 0.9) * (0.25 + 0.75 * rim);
                pixels.push(DialPixel {
                    angle: (turn.rem_euclid(1.0) * 65_536.0) as u32 as u16,
                    reach: (reach * 255.0) as u8,
                });
            }
        }
        let fade = std::array::from_fn(|step| {
            let left = 1.0 - step as f32 / 64.0;
            (left * left * 200.0) as u8
        });
        Self { area, pixels, fade }
    }

    /// Lights the dial behind a hand at `turn` (0 to 1, clockwise from the top).
    fn sweep(&self, picture: &mut Picture, turn: f32) {
        let hand = (turn * 65_536.0) as u32 as u16;
        let (columns, rows) = self.area.clipped(picture);
        let mut lines = self.pixels.chunks(columns.len().max(1));
        for y in rows {
            let (Some(dial), Some(pixels)) = (lines.next(), row(picture, y).get_mut(columns.clone())) else {
                return;
            };
            for (pixel, dial) in pixels.iter_mut().zip(dial) {
                let behind = hand.wrapping_sub(dial.angle);
                if behind >= TRAIL || dial.reach == 0 {
                    continue;
                }
                let step = usize::from(behind) * 64 / usize::from(TRAIL);
                let light = u32::from(self.fade[step]) * u32::from(dial.reach) / 255;
                *pixel = mix(*pixel, ACCENT, light);
            }
        }
    }
}

fn restore(picture: &mut Picture, background: &Picture, area: Rect) {
    let (columns, rows) = area.clipped(picture);
    let width = picture.width as usize;
    for y in rows {
        let bytes = (y * width + columns.start) * 3..(y * width + columns.end) * 3;
        let (Some(to), Some(from)) = (picture.rgb.get_mut(bytes.clone()), background.rgb.get(bytes)) else {
            return;
        };
        to.copy_from_slice(from);
    }
}

/// Milliseconds since midnight of `12:34:56.789`; the fraction may have one to
/// nine digits or be left out.
fn millis_of_day(clock: &str) -> Option<u64> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut fields = whole.split(':');
    let (hours, minutes, seconds) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let field = |text: &str, limit: u64| text.parse().ok().filter(|&value: &u64| value <= limit);
    let whole = (field(hours, 24)? * 60 + field(minutes, 59)?) * 60 + field(seconds, 60)?;
    let digits = fraction.get(..fraction.len().min(3))?;
    let scale = [100, 100, 10, 1][digits.len()];
    Some(whole * 1000 + digits.parse::<u64>().ok()? * scale)
}

#[cfg(test)]
mod tests;
