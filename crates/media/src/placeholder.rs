//! The picture shown while there is none: quiet, and plainly not a frame of the
//! stream.

use crate::canvas::{self, ring};
use crate::text::{Face, LEGIBLE_PX, Pen};
use crate::{Colour, Picture};

/// The smallest and the largest side drawn, in pixels; 7680 is 8K UHD.
const SIDES: std::ops::RangeInclusive<u32> = 16..=7680;

/// Lines shown at most: a heading and four lines of detail.
const MAX_LINES: usize = 5;

const TOP: Colour = [17, 22, 32];
const BOTTOM: Colour = [24, 31, 45];
const HEADING: Colour = [203, 213, 225];
const DETAIL: Colour = [120, 134, 158];
const DOTS: Colour = [125, 145, 178];

/// Draws a waiting picture with a message in its middle: the first line large,
/// further lines (after `\n`) small. Text shrinks to fit, then is shortened.
/// Sides are moved into 16 to 7680 pixels.
pub fn waiting(width: u32, height: u32, message: &str) -> Picture {
    let width = width.clamp(*SIDES.start(), *SIDES.end());
    let height = height.clamp(*SIDES.start(), *SIDES.end());
    let mut picture = canvas::backdrop(width, height, TOP, BOTTOM);
    let unit = (width as f32 / 16.0).min(height as f32 / 9.0);
    let room = (width as f32 * 0.88) as u32;

    let mut lines: Vec<Line> = Vec::new();
    for text in message.lines().take(MAX_LINES) {
        let (px, colour) = if lines.is_empty() { (0.64 * unit, HEADING) } else { (0.37 * unit, DETAIL) };
        lines.extend(Line::fitting(text, px, colour, room));
    }

    let radius = 0.75 * unit;
    let gap = 0.6 * unit;
    let text_height: f32 = lines.iter().map(Line::height).sum();
    let block = if lines.is_empty() { 2.0 * radius } else { 2.0 * radius + gap + text_height };
    let top = (height as f32 - block) / 2.0;
    draw_dots(&mut picture, (width as f32 / 2.0, top + radius), radius);

    let mut y = top + 2.0 * radius + gap;
    for line in &mut lines {
        let x = (width as f32 - line.pen.width(&line.text) as f32) / 2.0;
        line.pen.draw(&mut picture, x.round() as i32, y.round() as i32, line.colour, &line.text);
        y += line.height();
    }
    picture
}

struct Line {
    pen: Pen,
    text: String,
    colour: Colour,
}

impl Line {
    /// A line at the wanted size, smaller if it is too long for `room` pixels;
    /// nothing where it could not be read.
    fn fitting(text: &str, px: f32, colour: Colour, room: u32) -> Option<Self> {
        if px < LEGIBLE_PX {
            return None;
        }
        let wanted = Pen::new(Face::Sans, px).width(text).max(1);
        // Not below 60 %: then the end of the line goes instead.
        let shrink = (room as f32 / wanted as f32).clamp(0.6, 1.0);
        let pen = Pen::new(Face::Sans, (px * shrink).max(LEGIBLE_PX));
        let text = pen.fitted(text, room).into_owned();
        Some(Self { pen, text, colour })
    }

    fn height(&self) -> f32 {
        self.pen.size_px() * 1.45
    }
}

/// Twelve dots in a circle, each fainter than the one before: waiting, at rest.
fn draw_dots(picture: &mut Picture, centre: (f32, f32), radius: f32) {
    let dot = (radius * 0.13).max(0.7);
    for at in 0..12 {
        let (sine, cosine) = (at as f32 / 12.0 * std::f32::consts::TAU).sin_cos();
        let place = (centre.0 + sine * (radius - dot), centre.1 - cosine * (radius - dot));
        let opacity = 0.12 + 0.88 * ((at as f32 + 1.0) / 12.0).powf(1.6);
        ring(picture, place, 0.0, dot, DOTS, opacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_drawn_at_every_size_and_for_every_message() {
        let long = "Waiting for frames… ".repeat(40);
        let many = "line\n".repeat(40);
        for (width, height) in [(0, 0), (16, 16), (16, 900), (900, 16), (320, 240)] {
            for message in ["", "\n\n", "Waiting for frames…", &long, &many] {
                let picture = waiting(width, height, message);
                assert!(picture.check().is_ok());
            }
        }
    }

    #[test]
    fn the_message_is_seen() {
        let with = waiting(640, 360, "Waiting for frames…");
        assert_ne!(with, waiting(640, 360, ""));
        assert_ne!(with, waiting(640, 360, "Stream ended"));
        assert_eq!(with, waiting(640, 360, "Waiting for frames…"));
    }
}
