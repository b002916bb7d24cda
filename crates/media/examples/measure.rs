//! Times the hot functions and, given a folder, writes the drawn pictures there
//! as PNG for the eye: `cargo run --release --example measure -- /tmp`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use media::{
    Picture, jpeg,
    pattern::TestPattern,
    placeholder,
    raw::{Layout, Raw},
    scale::Scaler,
};

fn main() {
    if let Some(folder) = std::env::args().nth(1) {
        draw_all(Path::new(&folder));
    }
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080)] {
        let mut pattern = TestPattern::new(width, height);
        let mut at = 0;
        let draw = median(|| {
            at += 1;
            let clock = format!("12:34:{:02}.{:03}", at / 30 % 60, at * 33 % 1000);
            pattern.draw(at, &clock, "demo");
        });
        let picture = pattern.draw(1, "12:34:56.789", "demo");
        let encoded = jpeg::encode(picture, 85).unwrap();
        let encode = median(|| drop(jpeg::encode(picture, 85)));
        let decode = median(|| drop(jpeg::decode(&encoded, u64::MAX)));
        let yuyv = vec_yuyv(picture);
        let (columns, rows) = (width as usize, height as usize);
        let raw =
            Raw { bytes: &yuyv, layout: Layout::Yuyv, width: columns, height: rows, stride: columns * 2 };
        let from_yuyv = median(|| drop(raw.to_jpeg(85)));
        println!(
            "{width}x{height}: draw {draw:.3} ms, encode q85 {encode:.3} ms ({} kB), decode {decode:.3} ms, YUYV to JPEG {from_yuyv:.3} ms",
            encoded.len() / 1000
        );
        for divisor in [1.0, 1.28, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0] {
            let side = |full: u32| (f64::from(full) / divisor) as u32;
            let target = (side(width), side(height));
            let mut scaler = Scaler::new();
            let scale = median(|| drop(scaler.rescale(&encoded, target, 85, u64::MAX)));
            println!("  to {}x{}: {scale:.3} ms", target.0, target.1);
        }
    }
}

/// The picture as a camera would send it; chroma is that of a grey one, luma its green.
fn vec_yuyv(picture: &Picture) -> Vec<u8> {
    picture.rgb.as_chunks::<3>().0.iter().flat_map(|[_, green, _]| [*green, 128]).collect()
}

/// The median wall time of 60 calls in milliseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..60)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn draw_all(folder: &Path) {
    for (width, height) in
        [(1280, 720), (640, 480), (480, 854), (320, 180), (160, 90), (64, 48), (16, 16), (2560, 720)]
    {
        let mut pattern = TestPattern::new(width, height);
        let picture = pattern.draw(48_213, "12:34:56.789", "demo");
        save(picture, &folder.join(format!("pattern-{width}x{height}.png")));
        let picture = placeholder::waiting(width, height, "Waiting for frames…\nPublish to /publish/demo");
        save(&picture, &folder.join(format!("waiting-{width}x{height}.png")));
    }
}

fn save(picture: &Picture, path: &Path) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&picture.rgb).unwrap();
}
