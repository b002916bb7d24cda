//! Tests of `file`.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Seek, SeekFrom};

use super::*;

fn write_lines(log: &mut LogFile, lines: &[&str]) {
    for line in lines {
        log.write_all(line.as_bytes()).unwrap();
    }
    log.flush().unwrap();
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| error.kind().to_string())
}

#[test]
fn the_folder_is_made_and_lines_are_appended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/server.log");
    write_lines(&mut LogFile::open(&path, 100, 2).unwrap(), &["one\n"]);
    write_lines(&mut LogFile::open(&path, 100, 2).unwrap(), &["two\n"]);
    assert_eq!(text(&path), "one\ntwo\n");
}

#[test]
fn a_full_file_moves_down_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 8, 2).unwrap();
    write_lines(&mut log, &["aaa\n", "bbb\n", "ccc\n", "ddd\n", "eee\n", "fff\n", "ggg\n"]);
    assert_eq!(text(&path), "ggg\n");
    assert_eq!(text(&log.older(1)), "eee\nfff\n");
    assert_eq!(text(&log.older(2)), "ccc\nddd\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}

#[test]
fn one_who_follows_the_open_file_reads_on_after_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 8, 1).unwrap();
    write_lines(&mut log, &["aaaa\n"]);
    let mut tail = File::open(&path).unwrap();
    write_lines(&mut log, &["bbbb\n"]);
    tail.seek(SeekFrom::Start(0)).unwrap();
    let mut seen = String::new();
    tail.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "bbbb\n");
}

#[test]
fn a_line_longer_than_the_limit_is_kept_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 4, 1).unwrap();
    write_lines(&mut log, &["a long line\n", "another\n"]);
    assert_eq!((text(&path).as_str(), text(&log.older(1)).as_str()), ("another\n", "a long line\n"));
}

#[test]
fn keeping_none_empties_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 4, 0).unwrap();
    write_lines(&mut log, &["aaa\n", "bbb\n"]);
    assert_eq!(text(&path), "bbb\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn fewer_files_to_keep_removes_the_surplus() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    for number in 1..=4 {
        fs::write(dir.path().join(format!("server.log.{number}")), "old").unwrap();
    }
    LogFile::open(&path, 4, 2).unwrap();
    let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["server.log", "server.log.1", "server.log.2"]);
}

#[test]
fn a_removed_file_comes_back_under_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 100, 1).unwrap();
    write_lines(&mut log, &["lost\n"]);
    fs::remove_file(&path).unwrap();
    write_lines(&mut log, &["last of the old\n"]);
    write_lines(&mut log, &["first of the new\n"]);
    assert_eq!(text(&path), "first of the new\n");
}

#[test]
fn a_rotation_that_fails_keeps_lines_and_stays_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.log");
    let mut log = LogFile::open(&path, 8, 1).unwrap();
    // A folder stands where the copy should go.
    fs::create_dir(log.beside("copy")).unwrap();
    write_lines(&mut log, &["aaa\n", "bbb\n", "ccc\n"]);
    assert_eq!(text(&path), "aaa\nbbb\nccc\n");
    for _ in 0..100 {
        write_lines(&mut log, &["ddd\n"]);
        assert!(fs::metadata(&path).unwrap().len() <= 3 * 8);
    }
}
