//! Recordings as other programs see them: ffprobe and ffmpeg, which have to be installed (`make tools`), and our own
//! reader of JPEG files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use media::container::{Format, JpegFile};
use media::fmp4::{self, Codec, Sample, TIMESCALE, Track};
use media::{Picture, h264, jpeg};

/// Frame times in ticks: an uneven rate, and 2.5 s without a frame. A group is a
/// fragment; each sample lasts until the next, but not over the hole.
const TIMES: [&[u64]; 4] = [
    &[0, 3000, 6000, 15_000],
    &[18_000, 18_900, 27_000],
    // 2.5 seconds after the end of the one before.
    &[255_000, 258_000],
    &[261_000, 270_000, 271_000, 300_000],
];
const ENDS: [u64; 4] = [18_000, 30_000, 261_000, 303_000];

fn picture(number: u64, width: u32, height: u32) -> Vec<u8> {
    let shade = |x: u32, y: u32| [(x * 3) as u8, (y * 5) as u8, (number * 20) as u8];
    let mut picture = Picture::filled(width, height, [0; 3]);
    for (at, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        let at = at as u32;
        pixel.copy_from_slice(&shade(at % width, at / width));
    }
    jpeg::encode(&picture, 80).unwrap()
}

/// A recording in memory, and where its fragments end.
struct Recording {
    writer: fmp4::Writer<Cursor<Vec<u8>>>,
    ends: Vec<usize>,
}

impl Recording {
    /// Writes `frames` at [`TIMES`].
    fn new(track: &Track, frames: &[(Vec<u8>, bool)]) -> Self {
        let writer = fmp4::Writer::new(Cursor::default(), track).unwrap();
        let mut recording = Self { writer, ends: Vec::new() };
        let mut frames = frames.iter();
        for (times, end) in TIMES.iter().zip(ENDS) {
            let group: Vec<_> = frames.by_ref().take(times.len()).collect();
            recording.fragment(times, end, &group);
        }
        recording
    }

    fn bytes(&self) -> &[u8] {
        self.writer.out().get_ref()
    }

    fn fragment(&mut self, times: &[u64], end: u64, frames: &[&(Vec<u8>, bool)]) {
        let mut samples = Vec::new();
        for (at, (bytes, key)) in frames.iter().enumerate() {
            let next = times.get(at + 1).copied().unwrap_or(end);
            samples.push(Sample {
                time: times[at],
                duration: (next - times[at]) as u32,
                bytes: bytes.len() as u32,
                key: *key,
                seq: times[at],
                captured: Some(1.7e9),
                metadata: Some("{\"note\":\"x\"}".into()),
            });
        }
        let wall = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + times[0] / u64::from(TIMESCALE));
        let payloads: Vec<&[u8]> = frames.iter().map(|(bytes, _)| &bytes[..]).collect();
        self.writer.append(wall, &samples, &payloads).unwrap();
        self.ends.push(self.bytes().len());
        assert_eq!((self.writer.bytes(), self.writer.end_time()), (self.bytes().len() as u64, end));
    }
}

fn saved(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// What a program prints. Anything on its error output fails the test.
fn ask(program: &str, arguments: &[&str], path: &Path) -> String {
    let mut command = Command::new(program);
    for argument in arguments {
        command.arg(if *argument == "FILE" { path.as_os_str() } else { argument.as_ref() });
    }
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("cannot run {program}: {error}; install ffmpeg, which brings ffprobe along: make tools")
    });
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program}: {complaints}");
    String::from_utf8(output.stdout).unwrap()
}

/// Codec, size and number of frames that decode, and the times of all of them in ticks.
fn probe(path: &Path, level: &str) -> (String, Vec<u64>) {
    let entries = "stream=codec_name,width,height,nb_read_frames";
    let stream = ["-v", level, "-count_frames", "-show_entries", entries, "-of", "csv=p=0", "FILE"];
    let stream = ask("ffprobe", &stream, path);
    let packets = ["-v", level, "-show_entries", "packet=pts", "-of", "csv=p=0", "FILE"];
    let packets = ask("ffprobe", &packets, path);
    let number = |line: &str| line.split(',').next().unwrap().parse().unwrap();
    (stream.trim().to_owned(), packets.lines().filter(|line| !line.is_empty()).map(number).collect())
}

fn duration(path: &Path) -> f64 {
    let arguments = ["-v", "warning", "-show_entries", "format=duration", "-of", "csv=p=0", "FILE"];
    ask("ffprobe", &arguments, path).trim().parse().unwrap()
}

/// Decodes everything at the file's own times; a warning fails.
fn play(path: &Path) {
    let arguments = ["-v", "warning", "-i", "FILE", "-enc_time_base", "-1", "-f", "null", "-"];
    ask("ffmpeg", &arguments, path);
}

/// What every recording has to hold, finished, growing and torn.
fn check(track: &Track, frames: &[(Vec<u8>, bool)], seen: &str) {
    let mut recording = Recording::new(track, frames);
    let all: Vec<u64> = TIMES.concat();

    let growing = saved(recording.bytes());
    assert_eq!(probe(growing.path(), "warning"), (format!("{seen},{}", all.len()), all.clone()));
    play(growing.path());

    // Inside the media of the third fragment: two are whole.
    let torn = saved(&recording.bytes()[..recording.ends[2] - 300]);
    // As it is, a player says that the last packet is not whole, and plays on.
    assert_eq!(probe(torn.path(), "quiet").1[..7], all[..7]);
    let whole = recording.ends[1] as u64;
    let reader = fmp4::Reader::open(torn.reopen().unwrap(), torn.path()).unwrap();
    assert_eq!(reader.whole_bytes(), whole);
    let recovered = saved(&recording.bytes()[..whole as usize]);
    assert_eq!(probe(recovered.path(), "warning").1, all[..7]);
    play(recovered.path());

    recording.writer.finish().unwrap();
    let finished = saved(recording.bytes());
    assert_eq!(probe(finished.path(), "warning"), (format!("{seen},{}", all.len()), all));
    let seconds = duration(finished.path());
    assert!((seconds - ENDS[3] as f64 / f64::from(TIMESCALE)).abs() < 0.001, "{seconds}");
    play(finished.path());
}

fn jpegs(width: u32, height: u32) -> Vec<(Vec<u8>, bool)> {
    (0..13).map(|number| (picture(number, width, height), true)).collect()
}

#[test]
fn players_see_jpeg_in_an_mp4v_entry() {
    let track = Track { codec: Codec::Mp4v, width: 160, height: 120 };
    check(&track, &jpegs(160, 120), "mjpeg,160,120");
}

#[test]
fn players_see_jpeg_in_a_jpeg_entry() {
    let track = Track { codec: Codec::Mjpeg, width: 161, height: 121 };
    check(&track, &jpegs(161, 121), "mjpeg,161,121");
}

/// As the recorder does: each fragment begins with a key frame.
#[test]
fn players_see_h264_also_of_odd_sizes() {
    for (width, height, seen) in [(160, 120, "h264,160,120"), (161, 121, "h264,162,122")] {
        let mut encoder = h264::Encoder::new(width, height, 10.0).unwrap();
        let begins: Vec<u64> = TIMES.iter().map(|times| times[0]).collect();
        let mut parameter_sets = None;
        let mut frames = Vec::new();
        for (at, time) in TIMES.concat().into_iter().enumerate() {
            let key = begins.contains(&time);
            let encoded = encoder.encode(&picture(at as u64, width, height), key).unwrap();
            assert_eq!(encoded.key, key);
            parameter_sets = parameter_sets.or(encoded.parameter_sets);
            frames.push((encoded.avcc, encoded.key));
        }
        let (sps, pps) = parameter_sets.unwrap();
        check(&Track { codec: Codec::H264 { sps, pps }, width, height }, &frames, seen);
    }
}

#[test]
fn the_reader_of_jpeg_files_takes_recordings() {
    for codec in [Codec::Mp4v, Codec::Mjpeg] {
        let frames = jpegs(64, 48);
        let track = Track { codec, width: 64, height: 48 };
        let mut recording = Recording::new(&track, &frames);
        recording.writer.finish().unwrap();
        let file = saved(recording.bytes());
        let file = JpegFile::open(file.path()).unwrap();
        assert_eq!((file.format(), file.len(), file.torn()), (Format::Mp4, 13, 0));
        for (at, time) in TIMES.concat().into_iter().enumerate() {
            let seconds = time as f64 / f64::from(TIMESCALE);
            assert_eq!(file.frame(at).unwrap(), (frames[at].0.clone(), seconds));
        }
    }
}
