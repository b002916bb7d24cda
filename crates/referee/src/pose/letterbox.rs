//! A picture laid into a model's input: scaled to fit, in the middle, grey around it.
//!
//! As Ultralytics does it (`ultralytics/data/augment.py`, `LetterBox`; `ultralytics/utils/ops.py`, `scale_coords`), with
//! OpenCV's linear interpolation, whose pixels have their centres at halves.

use media::Picture;

/// Around the picture.
const GREY: f32 = 114.0 / 255.0;

/// How a picture lies in a model's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Of the input, in pixels.
    pub width: u32,
    pub height: u32,
    /// Input pixels a picture's pixel takes.
    pub gain: f64,
    /// Where the picture begins.
    pub left: u32,
    pub top: u32,
    /// Its size there.
    pub inner_width: u32,
    pub inner_height: u32,
    /// Its own size.
    pub picture_width: u32,
    pub picture_height: u32,
}

impl Letterbox {
    /// For an input of this size.
    pub(super) fn into(width: u32, height: u32, picture: &Picture) -> Self {
        let (columns, rows) = (f64::from(picture.width.max(1)), f64::from(picture.height.max(1)));
        let gain = (f64::from(width) / columns).min(f64::from(height) / rows);
        let inner = |side: f64, most: u32| ((side * gain).round_ties_even() as u32).clamp(1, most);
        let (inner_width, inner_height) = (inner(columns, width), inner(rows, height));
        Self {
            width,
            height,
            gain,
            left: margin(width - inner_width),
            top: margin(height - inner_height),
            inner_width,
            inner_height,
            picture_width: picture.width,
            picture_height: picture.height,
        }
    }

    /// For the smallest input around the picture whose longer side is at most `longer` and whose sides `stride` divides.
    pub(super) fn around(longer: u32, stride: u32, picture: &Picture) -> Self {
        let square = Self::into(longer, longer, picture);
        let side = |inner: u32| inner.next_multiple_of(stride).min(longer);
        Self::into(side(square.inner_width), side(square.inner_height), picture)
    }

    /// The input: planes of red, green and blue, 0 to 1.
    ///
    /// First across, a row of the picture at a time and each once, then down, where the numbers of a row lie next to each
    /// other and several are computed at once.
    pub(super) fn planes(&self, picture: &Picture) -> Vec<f32> {
        let (width, plane) = (self.width as usize, self.width as usize * self.height as usize);
        let inner = self.inner_width as usize;
        let mut planes = vec![GREY; plane * 3];
        let mut rows = Rows::new(picture, taps(self.inner_width, picture.width));
        let down = taps(self.inner_height, picture.height);
        for (tap, y) in down.iter().zip(self.top as usize..) {
            let Some((upper, lower)) = rows.pair(tap) else { return planes };
            let begin = y * width + self.left as usize;
            let narrowed = upper.chunks_exact(inner).zip(lower.chunks_exact(inner));
            for (plane, (upper, lower)) in planes.chunks_exact_mut(plane).zip(narrowed) {
                let out = &mut plane[begin..begin + inner];
                for ((out, above), below) in out.iter_mut().zip(upper).zip(lower) {
                    *out = whole(above + (below - above) * tap.share) * (1.0 / 255.0);
                }
            }
        }
        planes
    }

    /// From a place in the input to the picture, moved inside of it.
    pub(super) fn back(&self, x: f32, y: f32) -> (f64, f64) {
        let inside = |place: f32, begin: u32, side: u32| {
            ((f64::from(place) - f64::from(begin)) / self.gain).clamp(0.0, f64::from(side))
        };
        (inside(x, self.left, self.picture_width), inside(y, self.top, self.picture_height))
    }
}

/// Half of what is left, rounded as Ultralytics does.
fn margin(left: u32) -> u32 {
    (f64::from(left) / 2.0 - 0.1).round().max(0.0) as u32
}

/// Two neighbours and how far it is from the one to the other.
struct Tap {
    near: usize,
    far: usize,
    share: f32,
}

impl Tap {
    #[inline]
    fn mean(&self, near: u8, far: u8) -> f32 {
        let near = f32::from(near);
        near + (f32::from(far) - near) * self.share
    }
}

/// For each of `count` pixels the two out of `source` that it lies between.
fn taps(count: u32, source: u32) -> Vec<Tap> {
    let step = f64::from(source) / f64::from(count);
    let last = source.saturating_sub(1);
    (0..count)
        .map(|at| {
            let place = ((f64::from(at) + 0.5) * step - 0.5).clamp(0.0, f64::from(last));
            let near = place as u32;
            Tap {
                near: near as usize,
                far: (near + 1).min(last) as usize,
                share: (place - f64::from(near)) as f32,
            }
        })
        .collect()
}

/// To a whole number, as pictures have them. What is not negative needs no more than this, and `f32::round` is a call.
#[inline]
fn whole(value: f32) -> f32 {
    (value + 0.5) as i32 as f32
}

/// Rows of the picture that are scaled across already: those that the next row of the input may need as well.
struct Rows<'a> {
    picture: &'a Picture,
    across: Vec<Tap>,
    /// The number of a row, and its red, green and blue, one after the other.
    upper: (Option<usize>, Vec<f32>),
    lower: (Option<usize>, Vec<f32>),
}

impl<'a> Rows<'a> {
    fn new(picture: &'a Picture, across: Vec<Tap>) -> Self {
        let row = || (None, vec![0.0; across.len() * 3]);
        Self { picture, upper: row(), lower: row(), across }
    }

    /// The two rows of a tap; `None` where the picture has fewer.
    fn pair(&mut self, tap: &Tap) -> Option<(&[f32], &[f32])> {
        if self.upper.0 != Some(tap.near) {
            // Going down, what was below is above next.
            std::mem::swap(&mut self.upper, &mut self.lower);
        }
        if self.upper.0 != Some(tap.near) {
            across(self.picture, tap.near, &self.across, &mut self.upper.1)?;
            self.upper.0 = Some(tap.near);
        }
        if self.lower.0 != Some(tap.far) {
            across(self.picture, tap.far, &self.across, &mut self.lower.1)?;
            self.lower.0 = Some(tap.far);
        }
        Some((&self.upper.1, &self.lower.1))
    }
}

/// Scales a row of the picture across, into three parts of equal length.
fn across(picture: &Picture, y: usize, taps: &[Tap], out: &mut [f32]) -> Option<()> {
    let stride = picture.width as usize * 3;
    let (pixels, _) = picture.rgb.get(y * stride..(y + 1) * stride)?.as_chunks::<3>();
    let (red, rest) = out.split_at_mut(taps.len());
    let (green, blue) = rest.split_at_mut(taps.len());
    for (((tap, red), green), blue) in taps.iter().zip(red).zip(green).zip(blue) {
        let (near, far) = (pixels.get(tap.near)?, pixels.get(tap.far)?);
        *red = tap.mean(near[0], far[0]);
        *green = tap.mean(near[1], far[1]);
        *blue = tap.mean(near[2], far[2]);
    }
    Some(())
}
