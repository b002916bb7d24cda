//! Tests of `clip`.
#![allow(clippy::unwrap_used)]
use super::*;
use media::Picture;
use std::time::Duration;

const OPTIONS: PlayOptions = PlayOptions { fps: None, quality: 80, looping: false, size: (64, 48) };

fn jpeg(grey: u8) -> Vec<u8> {
    media::jpeg::encode(&Picture::filled(16, 16, [grey; 3]), 90).unwrap()
}

#[test]
fn concatenated_jpegs_are_paced_by_the_options() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mjpeg");
    std::fs::write(&path, [jpeg(10), jpeg(20), jpeg(30)].concat()).unwrap();
    let clip = Clip::file(JpegFile::open(&path).unwrap(), &PlayOptions { fps: Some(4.0), ..OPTIONS });
    assert_eq!(clip.schedule, Schedule::even(4.0, Some(3), false));
    for (number, grey) in [(0, 10), (1, 20), (2, 30)] {
        assert_eq!(clip.jpeg(number).unwrap(), jpeg(grey));
    }
    assert!(clip.jpeg(3).is_err());
}

#[test]
fn a_folder_is_sorted_and_its_pngs_become_jpegs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.JPG"), jpeg(20)).unwrap();
    std::fs::write(folder.path().join("a.jpeg"), jpeg(10)).unwrap();
    std::fs::write(folder.path().join("notes.txt"), b"no picture").unwrap();
    std::fs::write(folder.path().join("c.png"), PNG_1X1).unwrap();
    let clip = Clip::folder(folder.path(), &OPTIONS).unwrap();
    assert_eq!(clip.schedule.round(), Some(Duration::from_millis(100)));
    assert_eq!(clip.jpeg(0).unwrap(), jpeg(10));
    assert_eq!(clip.jpeg(1).unwrap(), jpeg(20));
    let png = wire::jpeg::probe(&clip.jpeg(2).unwrap()).unwrap();
    assert_eq!((png.width, png.height), (1, 1));
}

#[test]
fn a_file_that_is_no_picture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Clip::folder(folder.path(), &OPTIONS).unwrap_err().to_string().contains("holds no .jpg"));
    std::fs::write(folder.path().join("a.jpg"), b"plain text").unwrap();
    let error = Clip::folder(folder.path(), &OPTIONS).unwrap().jpeg(0).unwrap_err();
    assert!(error.to_string().contains("a.jpg"), "{error}");
}

#[test]
fn the_pattern_never_ends_and_has_the_wanted_size() {
    let clip = Clip::pattern("test", &OPTIONS);
    assert_eq!((clip.schedule.frames(), clip.schedule.due(60)), (None, Duration::from_secs(2)));
    let info = wire::jpeg::probe(&clip.jpeg(5).unwrap()).unwrap();
    assert_eq!((info.width, info.height), (64, 48));
}

/// One white pixel, grey with 8 bits.
const PNG_1X1: &[u8] =
    b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\
        \x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\x54\x78\xda\x63\xf8\x0f\x00\x01\
        \x01\x01\x00\x1c\xb0\x8c\x99\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";
