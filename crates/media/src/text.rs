//! Text on pictures, in two embedded faces: DejaVu Sans for words and DejaVu
//! Sans Mono Bold for clocks and counters, whose digits keep their places.
//!
//! The faces hold printable ASCII and "…", "·", "×", "–", "°"; every other
//! character is drawn as "?". One line at a time; layout is the caller's.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, Glyph, GlyphId, PxScale, point};

use crate::canvas::{Rect, parts, row};
use crate::{Colour, Picture, canvas};

/// Below this size letters are specks.
pub const LEGIBLE_PX: f32 = 7.0;

/// The largest size drawn; a glyph's mask has about this squared bytes.
const MAX_PX: f32 = 2048.0;

/// One of the embedded typefaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// DejaVu Sans, for words.
    Sans,
    /// DejaVu Sans Mono Bold, for numbers that change in place.
    MonoBold,
}

impl Face {
    fn font(self) -> &'static FontRef<'static> {
        static SANS: OnceLock<FontRef<'static>> = OnceLock::new();
        static MONO: OnceLock<FontRef<'static>> = OnceLock::new();
        let (cell, bytes): (_, &'static [u8]) = match self {
            Self::Sans => (&SANS, include_bytes!("../assets/DejaVuSans-subset.ttf")),
            Self::MonoBold => (&MONO, include_bytes!("../assets/DejaVuSansMono-Bold-subset.ttf")),
        };
        #[expect(clippy::expect_used, reason = "compiled in, and read by every test here")]
        cell.get_or_init(|| FontRef::try_from_slice(bytes).expect("the embedded font is sound"))
    }
}

/// A face at a size. It keeps the masks of the glyphs it has drawn, so that a
/// clock drawn sixty times a second costs a blend and no rasterising.
#[derive(Debug)]
pub struct Pen {
    face: Face,
    size_px: f32,
    scale: PxScale,
    masks: HashMap<GlyphId, Mask>,
}

/// A glyph's coverage, placed relative to the origin of its line.
#[derive(Debug)]
struct Mask {
    left: i32,
    top: i32,
    width: usize,
    coverage: Vec<u8>,
}

impl Pen {
    /// A pen of the given size (moved to 1 to 2048 pixels).
    pub fn new(face: Face, size_px: f32) -> Self {
        let size_px = if size_px.is_nan() { 1.0 } else { size_px.clamp(1.0, MAX_PX) };
        let font = face.font();
        // ab_glyph's scale is the height from ascent to descent, not the em.
        let per_em = font.height_unscaled() / font.units_per_em().unwrap_or(2048.0);
        Self { face, size_px, scale: PxScale::from(size_px * per_em), masks: HashMap::new() }
    }

    /// The size of the em in pixels; capitals are about 0.73 of it high.
    pub fn size_px(&self) -> f32 {
        self.size_px
    }

    /// The height of a line in pixels, from the top of the tallest letters to
    /// the bottom of the lowest.
    pub fn line_height(&self) -> u32 {
        self.scale.y.ceil() as u32
    }

    /// The width of a line in pixels.
    pub fn width(&self, text: &str) -> u32 {
        let mut right = 0.0;
        self.place(text, |_, x, advance| right = x + advance);
        right.ceil() as u32
    }

    /// Draws a line with its left top corner at `x`, `y`, as far as it lies in the picture;
    /// says which rectangle it may have touched.
    pub fn draw(&mut self, picture: &mut Picture, x: i32, y: i32, colour: Colour, text: &str) -> Rect {
        let mut glyphs = Vec::new();
        let mut right = 0.0;
        self.place(text, |id, at, advance| {
            glyphs.push((id, at.round() as i32));
            right = at + advance;
        });
        for (id, at) in glyphs {
            self.mask(id).stamp(picture, x.saturating_add(at), y, colour);
        }
        // Slanted strokes reach a little over their advance.
        let margin = (self.size_px * 0.15).ceil() as i32 + 1;
        Rect {
            x: x.saturating_sub(margin),
            y: y.saturating_sub(margin),
            width: right.ceil() as i32 + 2 * margin,
            height: self.line_height() as i32 + 2 * margin,
        }
    }

    /// The text, or as much of its beginning as fits into `room` pixels with an
    /// ellipsis after it.
    pub fn fitted<'a>(&self, text: &'a str, room: u32) -> Cow<'a, str> {
        if self.width(text) <= room {
            return Cow::Borrowed(text);
        }
        let mut kept = String::new();
        for character in text.chars() {
            kept.push(character);
            // Quadratic, but ends where the room ends.
            if self.width(&kept) + self.width("…") > room {
                kept.pop();
                break;
            }
        }
        let kept = kept.trim_end();
        if kept.is_empty() {
            return Cow::Borrowed("");
        }
        Cow::Owned(format!("{kept}…"))
    }

    /// Calls back with each glyph, its left edge and its advance, in pixels.
    fn place(&self, text: &str, mut each: impl FnMut(GlyphId, f32, f32)) {
        let font = self.face.font();
        let factor = self.scale.y / font.height_unscaled();
        let mut x = 0.0;
        let mut previous = None;
        for character in text.chars() {
            let mut id = font.glyph_id(character);
            if id.0 == 0 {
                id = font.glyph_id('?');
            }
            if let Some(previous) = previous {
                x += font.kern_unscaled(previous, id) * factor;
            }
            let advance = font.h_advance_unscaled(id) * factor;
            each(id, x, advance);
            x += advance;
            previous = Some(id);
        }
    }

    fn mask(&mut self, id: GlyphId) -> &Mask {
        let (face, scale) = (self.face, self.scale);
        // At most as many masks as the face has glyphs.
        self.masks.entry(id).or_insert_with(|| Mask::of(face.font(), id, scale))
    }
}

impl Mask {
    fn of(font: &FontRef<'_>, id: GlyphId, scale: PxScale) -> Self {
        let baseline = font.ascent_unscaled() * scale.y / font.height_unscaled();
        let glyph = Glyph { id, scale, position: point(0.0, baseline.round()) };
        let Some(outlined) = font.outline_glyph(glyph) else {
            return Self { left: 0, top: 0, width: 0, coverage: Vec::new() };
        };
        let bounds = outlined.px_bounds();
        let width = bounds.width().ceil() as usize;
        let height = bounds.height().ceil() as usize;
        let mut coverage = vec![0; width * height];
        outlined.draw(|x, y, share| {
            if let Some(cell) = coverage.get_mut(y as usize * width + x as usize) {
                *cell = (share * 255.0 + 0.5) as u8;
            }
        });
        Self { left: bounds.min.x as i32, top: bounds.min.y as i32, width, coverage }
    }

    fn stamp(&self, picture: &mut Picture, x: i32, y: i32, colour: Colour) {
        if self.width == 0 {
            return;
        }
        let (left, top) = (x.saturating_add(self.left), y.saturating_add(self.top));
        let area = Rect {
            x: left,
            y: top,
            width: self.width as i32,
            height: (self.coverage.len() / self.width) as i32,
        };
        let (columns, rows) = area.clipped(picture);
        for y in rows {
            let line = (y as i32 - top) as usize * self.width;
            let skip = (columns.start as i32).saturating_sub(left).max(0) as usize;
            let Some(coverage) = self.coverage.get(line + skip..line + self.width) else {
                return;
            };
            let Some(pixels) = row(picture, y).get_mut(columns.clone()) else {
                return;
            };
            for (pixel, &share) in pixels.iter_mut().zip(coverage) {
                if share > 0 {
                    *pixel = canvas::mix(*pixel, colour, parts(f32::from(share) / 255.0));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
