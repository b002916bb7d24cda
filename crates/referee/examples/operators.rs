//! Times each operator on pictures of one size, by the processor's time where the system knows it (a busy machine then
//! counts little), the model by the clock on the wall: `cargo run --release --example operators -- 1280 720 [MODEL]`; MODEL is a path,
//! or `builtin`.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use media::fisheye::{Camera, Map};
use media::pattern::TestPattern;
use media::{Picture, jpeg};
use referee::film::Moment;
use referee::overlay::Overlay;
use referee::pipeline::{Beginning, Encoding, Frame, Lens, Referee};
use referee::pose::{Model, Settings, Source};
use referee::tracking::Tracker;
use referee::tracks::{Bounds, KeyPoint, Pair, Person};

const ROUNDS: u64 = 60;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, model @ ..] = &arguments[..] else { panic!("operators WIDTH HEIGHT [MODEL]") };
    let (width, height): (u32, u32) = (width.parse().unwrap(), height.parse().unwrap());
    let mut pattern = TestPattern::new(width, height);
    let pictures: Vec<Picture> =
        (0..ROUNDS).map(|at| pattern.draw(at, "12:34:56.789", "measure").clone()).collect();
    let jpegs: Vec<Vec<u8>> = pictures.iter().map(|picture| jpeg::encode(picture, 85).unwrap()).collect();
    println!("{width}x{height}, JPEG of {} kB", jpegs[0].len() / 1000);

    let camera = Camera::assumed(width, height, Lens::default().bend);
    let start = Instant::now();
    let map = Map::new(&camera, width, height, 0.0).unwrap();
    println!("fisheye map, once     {:8.2} ms", start.elapsed().as_secs_f64() * 1e3);
    time("decode JPEG", |at| drop(jpeg::decode(&jpegs[at], u64::MAX).unwrap()));
    time("fisheye", |at| drop(map.apply(&pictures[at]).unwrap()));
    time("encode JPEG q90", |at| drop(jpeg::encode(&pictures[at], 90).unwrap()));
    let people: Vec<Person> = (0..6).map(|at| a_person(f64::from(width), f64::from(height), at)).collect();
    let mut tracker = Tracker::new(30.0, height);
    time("tracking, 6 people", |at| _ = tracker.push(at as f64 / 30.0, &people));
    let folder = tempfile::tempdir().unwrap();
    let mut overlay = Overlay::create(&folder.path().join("part"), width, height, 30.0).unwrap();
    let pair = Pair { time_secs: 1.0, left: Some(people[0]), right: Some(people[1]) };
    time("overlay", |at| {
        let moment = Moment { ticks: at as u64 * 3000, duration: 3000, number: at as u64, captured: None };
        overlay.push(&pictures[at], &pair, moment, at.is_multiple_of(30)).unwrap();
    });
    let model = model.first().map(|path| Model::load(&Source::named(path), &Settings::default()).unwrap());
    if let Some(model) = &model {
        let clock = Instant::now();
        for picture in &pictures {
            model.run(picture).unwrap();
        }
        let each = clock.elapsed().as_secs_f64() / ROUNDS as f64;
        println!("yolo                  {:8.2} ms  {:8.1} frames/s", each * 1e3, 1.0 / each);
    }
    whole_run(&jpegs, (width, height), folder.path());
}

/// All operators but the model, on frames as they come.
fn whole_run(jpegs: &[Vec<u8>], (width, height): (u32, u32), folder: &Path) {
    let referee = Referee { lens: Some(Lens::default()), model: None };
    let beginning = Beginning { fps: 30.0, width, height, folder, overlay: true, key_points: false };
    let mut run = referee.begin(&beginning).unwrap();
    time("all without a model", |at| {
        let frame = Frame { number: at as u64, captured: None, encoding: Encoding::Jpeg, bytes: &jpegs[at] };
        run.push_frame(&frame).unwrap();
    });
    let signal = b" 0.5s | HIT: Left scores on Right!\nScores -> Fencer 1: MISS, Fencer 2: HIT\n";
    let start = Instant::now();
    run.finish(Some(signal), &mut |_| (), &|| false).unwrap();
    println!("finishing, {ROUNDS} frames {:8.2} ms", start.elapsed().as_secs_f64() * 1e3);
}

/// The mean of all rounds: the system counts a thread's time in steps of some milliseconds.
fn time(name: &str, mut work: impl FnMut(usize)) {
    let (start, clock) = (on_processor(), Instant::now());
    for at in 0..ROUNDS as usize {
        work(at);
    }
    let all = on_processor().zip(start).map_or_else(|| clock.elapsed(), |(end, start)| end - start);
    let each = all.as_secs_f64() / ROUNDS as f64;
    println!("{name:<22}{:8.2} ms  {:8.1} frames/s", each * 1e3, 1.0 / each);
}

/// How long this thread has run (proc(5), `schedstat`).
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn a_person(width: f64, height: f64, at: u32) -> Person {
    let (x, feet, tall) = (width * (0.2 + 0.12 * f64::from(at)), height * 0.8, height * 0.4);
    let bounds = Bounds { left: x - tall / 4.0, top: feet - tall, right: x + tall / 4.0, bottom: feet };
    let key_points = std::array::from_fn(|point| KeyPoint {
        x: x + tall * 0.2 * (point as f64).sin(),
        y: feet - tall * point as f64 / 17.0,
        score: 0.9,
    });
    Person { bounds, score: 0.9, key_points }
}
