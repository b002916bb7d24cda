//! The list of sources: where it may stand, what it refuses, and what it keeps to itself.

use super::*;

fn names(loaded: &Loaded) -> Vec<String> {
    loaded.config.sources().unwrap().iter().map(|spec| spec.name.to_string()).collect()
}

fn with_sources(case: Case, lines: &[&str]) -> Case {
    let sources = lines.iter().map(|line| (*line).to_owned()).collect();
    Case { sources: Inputs { sources, ..case.sources }, ..case }
}

#[test]
fn the_file_and_the_arguments_add_up() {
    let file = case().file("sources:\n  - a=testsrc:\n  - b=exec: cat clip.mjpeg\n");
    assert_eq!(names(&with_sources(file, &["c=v4l2:0"]).good()), ["a", "b", "c"]);
    assert_eq!(names(&case().file("sources: a=v4l2:1\n").good()), ["a"], "one alone needs no dash");
    assert_eq!(names(&case().file("sources:\n").good()), [""; 0]);
}

#[test]
fn the_documents_camera_is_a_source() {
    let loaded =
        case().env(&[("CAMERA_INDEX", "1"), ("CAMERA_WIDTH", "480"), ("CAMERA_HEIGHT", "360")]).good();
    assert_eq!(names(&loaded), ["camera"]);
    let spec = &loaded.config.sources().unwrap()[0];
    assert_eq!((spec.to_string().as_str(), spec.on_demand), ("camera=v4l2:/dev/video1", false));
}

#[test]
fn a_source_keeps_the_demo_away() {
    assert_eq!(names(&case().good()), ["demo"]);
    assert_eq!(names(&with_sources(case(), &["demo=testsrc:"]).good()), ["demo"]);
}

#[test]
fn mistakes_name_their_line_and_no_secret() {
    let case = case().file(
        "camera:\n  index: 0\nsources:\n  - door=http://u:hunter2@h/#width=3\n  - a=testsrc:\n  - a=v4l2:1\n  - camera=testsrc:\n  - [a, b]\n",
    );
    let report = with_sources(case, &["x=exec:rm -rf hunter2", "nonsense"]).report();
    insta::assert_snapshot!(report, @"
    the configuration has 6 problems:

      config.yaml:4: sources: 'http:' has no option 'width'

      config.yaml:6: sources: the stream a has a source already (config.yaml:5)
          allowed: a name of its own for each, written in front: NAME=URL

      config.yaml:7: sources: the stream camera has a source already (camera.index)
          allowed: a name of its own for each, written in front: NAME=URL

      config.yaml:8: sources: something other than a source stands here
          allowed: a list of texts, such as `  - door=http://10.0.0.7/video.mjpg`

      argument --source: 'exec:' runs a command and is taken from the configuration file only

      argument --source: a source is NAME=URL, such as door=http://10.0.0.7/video.mjpg; the URL begins with one of v4l2:, file:, http://, https://, ws://, wss://, rtsp://, testsrc:, exec:

    `framehub config reference` explains every key.
    ");
    assert!(!report.contains("hunter2"));
}

#[test]
fn what_is_shown_has_no_secret() {
    let loaded = case().file("sources:\n  - door=rtsp://u:hunter2@h/1?key=hunter2\n").good();
    let shown = reference::show(&loaded);
    assert!(shown.contains("# door=rtsp://…@h/1?…"), "{shown}");
    assert!(!shown.contains("hunter2") && !format!("{loaded:?}").contains("hunter2"));
}
