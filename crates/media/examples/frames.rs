//! Says what [`media::container`] finds in files, and decodes every
//! frame: `cargo run --release --example frames -- a.avi b.mp4`.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use media::{Error, container::JpegFile, jpeg};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        match describe(&path) {
            Ok(text) => println!("{path}: {text}"),
            Err(error) => {
                println!("{path}: {}: {error}", error.code());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn describe(path: &str) -> Result<String, Error> {
    let start = std::time::Instant::now();
    let file = JpegFile::open(path)?;
    let opened = start.elapsed();
    let mut size = (0, 0);
    let mut last = 0.0;
    let mut undecodable = 0;
    for index in 0..file.len() {
        let (bytes, time_secs) = file.frame(index)?;
        match jpeg::decode(&bytes, 100_000_000) {
            Ok(picture) => size = (picture.width, picture.height),
            Err(_) => undecodable += 1,
        }
        last = time_secs;
    }
    Ok(format!(
        "{:?}, {} frames of {}x{}, {:.3} fps, {:.3} s, last frame at {last:.3} s, {} torn, {undecodable} undecodable, opened in {opened:?}",
        file.format(),
        file.len(),
        size.0,
        size.1,
        file.fps(),
        file.duration_secs(),
        file.torn(),
    ))
}
