//! Straightens a picture of raw RGB from the standard input to the standard output, for comparison with OpenCV:
//! `straighten WIDTH HEIGHT BALANCE K1 K2 K3 K4 [FX FY CX CY]`. The error output names the part that is shown.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::io::{Read, Write};

use media::Picture;
use media::fisheye::{Camera, Map};

fn main() {
    let numbers: Vec<f64> = std::env::args().skip(1).map(|argument| argument.parse().unwrap()).collect();
    let (&[width, height, balance, k1, k2, k3, k4], measured) = numbers.split_first_chunk::<7>().unwrap();
    let (width, height) = (width as u32, height as u32);
    let mut camera = Camera::assumed(width, height, [k1, k2, k3, k4]);
    if let &[fx, fy, cx, cy] = measured {
        camera = Camera { focal: (fx, fy), centre: (cx, cy), ..camera };
    }
    let mut rgb = Vec::new();
    std::io::stdin().read_to_end(&mut rgb).unwrap();
    let map = Map::new(&camera, width, height, balance).unwrap();
    let straight = map.apply(&Picture { width, height, rgb }).unwrap();
    let crop = map.crop();
    eprintln!("{} {} {} {}", crop.x, crop.y, crop.width, crop.height);
    std::io::stdout().write_all(&straight.rgb).unwrap();
}
