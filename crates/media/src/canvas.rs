//! The few strokes that pictures are drawn with: rectangles, lines,
//! discs, a gradient, each clipped to the picture. Text has its own module;
//! anything more belongs to a drawing library, not here.

use crate::{Colour, Picture};

/// A rectangle in pixels; it may lie partly or wholly outside a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Of its left column.
    pub x: i32,
    /// Of its upper row.
    pub y: i32,
    /// Columns; none where it is not positive.
    pub width: i32,
    /// Rows; none where it is not positive.
    pub height: i32,
}

impl Rect {
    /// The columns and rows of this rectangle that lie inside the picture.
    pub(crate) fn clipped(self, picture: &Picture) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let columns = clip(self.x, self.width, picture.width);
        let rows = clip(self.y, self.height, picture.height);
        (columns, rows)
    }
}

fn clip(start: i32, length: i32, limit: u32) -> std::ops::Range<usize> {
    let limit = i64::from(limit);
    let from = i64::from(start).clamp(0, limit);
    let to = (i64::from(start) + i64::from(length)).clamp(from, limit);
    from as usize..to as usize
}

/// The colour `parts` 256ths of the way from `from` to `to`.
pub(crate) fn mix(from: Colour, to: Colour, parts: u32) -> Colour {
    let parts = parts.min(256);
    let one = |a: u8, b: u8| ((u32::from(a) * (256 - parts) + u32::from(b) * parts + 128) >> 8) as u8;
    [one(from[0], to[0]), one(from[1], to[1]), one(from[2], to[2])]
}

/// One row of a picture.
pub(crate) fn row(picture: &mut Picture, y: usize) -> &mut [[u8; 3]] {
    let width = picture.width as usize;
    let pixels = picture.rgb.as_chunks_mut::<3>().0;
    pixels.get_mut(y * width..(y + 1) * width).unwrap_or_default()
}

/// Lays `colour` over one pixel with the given coverage in 256ths.
pub(crate) fn blend(picture: &mut Picture, x: i32, y: i32, colour: Colour, coverage: u32) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
        return;
    };
    if let Some(pixel) = row(picture, y).get_mut(x) {
        *pixel = mix(*pixel, colour, coverage);
    }
}

/// Fills a rectangle.
pub fn fill(picture: &mut Picture, area: Rect, colour: Colour) {
    shade(picture, area, colour, 256);
}

/// Lays a colour over a rectangle with the given coverage in 256ths.
pub fn shade(picture: &mut Picture, area: Rect, colour: Colour, coverage: u32) {
    let (columns, rows) = area.clipped(picture);
    for y in rows {
        let Some(pixels) = row(picture, y).get_mut(columns.clone()) else {
            return;
        };
        if coverage >= 256 {
            pixels.fill(colour);
            continue;
        }
        for pixel in pixels {
            *pixel = mix(*pixel, colour, coverage);
        }
    }
}

/// Draws a ring with smooth edges, or a disc where `inner` is 0. The centre and
/// the radii are in pixels; pixel centres lie at halves.
pub fn ring(picture: &mut Picture, centre: (f32, f32), inner: f32, outer: f32, colour: Colour, opacity: f32) {
    let area = around(centre, outer + 1.0);
    let (columns, rows) = area.clipped(picture);
    for y in rows {
        for x in columns.clone() {
            let dx = x as f32 + 0.5 - centre.0;
            let dy = y as f32 + 0.5 - centre.1;
            let distance = (dx * dx + dy * dy).sqrt();
            let coverage = ring_coverage(distance, inner, outer) * opacity;
            if coverage > 0.0 {
                blend(picture, x as i32, y as i32, colour, parts(coverage));
            }
        }
    }
}

/// How much of a pixel at `distance` from the centre a ring covers, 0 to 1.
pub(crate) fn ring_coverage(distance: f32, inner: f32, outer: f32) -> f32 {
    let outside = (outer - distance + 0.5).clamp(0.0, 1.0);
    if inner <= 0.0 {
        return outside;
    }
    outside * (distance - inner + 0.5).clamp(0.0, 1.0)
}

/// Draws a line with round ends and smooth edges.
pub fn line(
    picture: &mut Picture,
    from: (f32, f32),
    to: (f32, f32),
    thickness: f32,
    colour: Colour,
    opacity: f32,
) {
    let half = thickness / 2.0;
    let left = from.0.min(to.0) - half - 1.0;
    let top = from.1.min(to.1) - half - 1.0;
    let area = Rect {
        x: left.floor() as i32,
        y: top.floor() as i32,
        width: ((from.0 - to.0).abs() + thickness + 3.0).ceil() as i32,
        height: ((from.1 - to.1).abs() + thickness + 3.0).ceil() as i32,
    };
    let (run, rise) = (to.0 - from.0, to.1 - from.1);
    let length_squared = (run * run + rise * rise).max(f32::EPSILON);
    let (columns, rows) = area.clipped(picture);
    for y in rows {
        for x in columns.clone() {
            let dx = x as f32 + 0.5 - from.0;
            let dy = y as f32 + 0.5 - from.1;
            let along = ((dx * run + dy * rise) / length_squared).clamp(0.0, 1.0);
            let (ex, ey) = (dx - along * run, dy - along * rise);
            let coverage = (half - (ex * ex + ey * ey).sqrt() + 0.5).clamp(0.0, 1.0) * opacity;
            if coverage > 0.0 {
                blend(picture, x as i32, y as i32, colour, parts(coverage));
            }
        }
    }
}

/// The square that holds a circle.
pub(crate) fn around(centre: (f32, f32), radius: f32) -> Rect {
    let x = (centre.0 - radius).floor() as i32;
    let y = (centre.1 - radius).floor() as i32;
    let side = (radius * 2.0).ceil() as i32 + 1;
    Rect { x, y, width: side, height: side }
}

/// Bayer's 4x4 order. A dark gradient has few steps, and each channel takes its
/// step at another place: rounded alike they show as coloured bands.
const DITHER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// A picture that goes from `top` to `bottom`, a little darker to the sides, so
/// that it does not look like a flat error screen.
pub(crate) fn backdrop(width: u32, height: u32, top: Colour, bottom: Colour) -> Picture {
    let mut picture = Picture::filled(width, height, top);
    let columns = width.max(2) as f32 - 1.0;
    let rows = height.max(2) as f32 - 1.0;
    for y in 0..height as usize {
        let down = y as f32 / rows;
        for (x, pixel) in row(&mut picture, y).iter_mut().enumerate() {
            let aside = (x as f32 / columns - 0.5) * 2.0;
            let light = 1.0 - 0.28 * aside * aside;
            let threshold = (f32::from(DITHER[y % 4][x % 4]) + 0.5) / 16.0;
            for ((channel, &a), &b) in pixel.iter_mut().zip(&top).zip(&bottom) {
                let value = f32::from(a) + (f32::from(b) - f32::from(a)) * down;
                *channel = (value * light + threshold) as u8;
            }
        }
    }
    picture
}

/// 0.0 to 1.0 as 256ths.
pub(crate) fn parts(share: f32) -> u32 {
    (share * 256.0 + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_are_clipped_wherever_they_lie() {
        let far = [i32::MIN, -5, 0, 3, 7, i32::MAX];
        for x in far {
            for width in far {
                let mut picture = Picture::filled(8, 8, [0; 3]);
                let area = Rect { x, y: x, width, height: width };
                fill(&mut picture, area, [255; 3]);
                shade(&mut picture, area, [255; 3], 100);
                blend(&mut picture, x, width, [255; 3], 256);
            }
        }
        let mut picture = Picture::filled(8, 8, [0; 3]);
        ring(&mut picture, (-1e9, 4.0), 0.0, 1e9, [255; 3], 1.0);
        line(&mut picture, (-50.0, -50.0), (90.0, 90.0), 3.0, [255; 3], 1.0);
        assert_eq!(picture.pixel(4, 4), Some([255; 3]));
    }

    #[test]
    fn mixing_reaches_both_ends() {
        assert_eq!(mix([1, 2, 3], [250, 251, 252], 0), [1, 2, 3]);
        assert_eq!(mix([1, 2, 3], [250, 251, 252], 256), [250, 251, 252]);
        assert_eq!(mix([0; 3], [255; 3], 9999), [255; 3]);
    }
}
