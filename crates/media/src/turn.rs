//! Turning and mirroring pictures, as EXIF numbers the eight ways in which a camera can be held.

use crate::Picture;

impl Picture {
    /// The picture as it is meant to be seen, if it was taken with this EXIF orientation (1 to 8; any other changes
    /// nothing).
    #[must_use]
    pub fn upright(self, orientation: u8) -> Self {
        let Self { width, height, ref rgb } = self;
        // Where the pixel of the upright picture's column x and row y is found: the corner to begin at, and the steps to
        // the right and down.
        let (row, last_column, last_row) = (width as isize, width as isize - 1, height as isize - 1);
        let (corner, right, down) = match orientation {
            2 => (last_column, -1, row),
            3 => (last_row * row + last_column, -1, -row),
            4 => (last_row * row, 1, -row),
            5 => (0, row, 1),
            6 => (last_row * row, -row, 1),
            7 => (last_row * row + last_column, -row, -1),
            8 => (last_column, row, -1),
            _ => return self,
        };
        let (width, height) = if orientation >= 5 { (height, width) } else { (width, height) };
        let pixels = rgb.as_chunks::<3>().0;
        let line = |y: isize| (0..width as isize).map(move |x| corner + x * right + y * down);
        let places = (0..height as isize).flat_map(line);
        let rgb = places.filter_map(|at| pixels.get(at as usize)).flatten().copied().collect();
        Self { width, height, rgb }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    /// 1 2 3
    /// 4 5 6
    /// ```
    fn stored() -> Picture {
        Picture { width: 3, height: 2, rgb: (1..=6).flat_map(|value| [value; 3]).collect() }
    }

    #[test]
    fn every_orientation_ends_upright() {
        let cases: [(u8, u32, [u8; 6]); 10] = [
            (0, 3, [1, 2, 3, 4, 5, 6]),
            (1, 3, [1, 2, 3, 4, 5, 6]),
            (2, 3, [3, 2, 1, 6, 5, 4]),
            (3, 3, [6, 5, 4, 3, 2, 1]),
            (4, 3, [4, 5, 6, 1, 2, 3]),
            (5, 2, [1, 4, 2, 5, 3, 6]),
            (6, 2, [4, 1, 5, 2, 6, 3]),
            (7, 2, [6, 3, 5, 2, 4, 1]),
            (8, 2, [3, 6, 2, 5, 1, 4]),
            (9, 3, [1, 2, 3, 4, 5, 6]),
        ];
        for (orientation, width, values) in cases {
            let upright = stored().upright(orientation);
            assert_eq!((upright.width, upright.height), (width, 6 / width), "{orientation}");
            let seen: Vec<u8> = upright.rgb.as_chunks::<3>().0.iter().map(|pixel| pixel[0]).collect();
            assert_eq!(seen, values, "{orientation}");
        }
    }
}
