//! Lines as people write them, and as they should not.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Spec {
    Spec::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn code(text: &str) -> &'static str {
    Spec::parse(text).unwrap_err().code()
}

#[test]
fn every_kind_with_and_without_a_name() {
    for (text, name, word) in [
        ("v4l2:0", "video0", "v4l2"),
        ("desk=v4l2:/dev/video2", "desk", "v4l2"),
        ("file:/a/clip.mp4", "clip", "file"),
        ("file:///a/clip.mp4", "clip", "file"),
        ("loop = file:pictures", "loop", "file"),
        ("http://10.0.0.7/video.mjpg?id=1&x=a=b", "10-0-0-7", "http"),
        ("door=https://user:pw@cam.example:8443/v", "door", "http"),
        ("ws://sim.local:8211/streaming/webrtc", "sim-local", "ws"),
        ("wss://[::1]/x", "1", "ws"),
        ("rtsp://u:p@cam/stream1#transport=udp", "cam", "rtsp"),
        ("testsrc:", "test", "testsrc"),
        ("exec:/usr/bin/ffmpeg -i a#b=c -f mjpeg -", "ffmpeg", "exec"),
        ("x=exec:a=b cat", "x", "exec"),
    ] {
        let spec = parse(text);
        assert_eq!((spec.name.as_str(), spec.kind.word()), (name, word), "{text}");
    }
}

#[test]
fn options_are_read_and_have_defaults() {
    let spec = parse("a=testsrc:#width=640&height=480&fps=12.5&quality=70&on_demand=no&timeout=3");
    assert_eq!(spec.kind, Kind::Test { width: 640, height: 480 });
    assert_eq!((spec.fps, spec.quality, spec.on_demand), (Some(12.5), Some(70), false));
    assert_eq!(spec.timeout, Duration::from_secs(3));
    let spec = parse("http://h/p.jpg#interval=0.5");
    assert!(matches!(spec.kind, Kind::Http { interval, .. } if interval == Duration::from_millis(500)));
    assert!(spec.on_demand && spec.fps.is_none());
    assert!(!parse("v4l2:0").on_demand, "a camera runs");
    assert!(parse("v4l2:0#on_demand").on_demand, "a word alone is a yes");
    assert!(matches!(parse("rtsp://h/").kind, Kind::Rtsp { transport: Transport::Tcp, .. }));
    assert_eq!(parse("exec:cat a#b").kind, Kind::Command("cat a#b".to_owned()));
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("", "NO_SCHEME"),
        ("camera1", "NO_SCHEME"),
        ("a=b", "NO_SCHEME"),
        ("gopher://h/", "UNKNOWN_SCHEME"),
        ("file:", "BAD_ADDRESS"),
        ("v4l2:", "BAD_ADDRESS"),
        ("v4l2:256", "BAD_ADDRESS"),
        ("v4l2:video0", "BAD_ADDRESS"),
        ("exec: ", "BAD_ADDRESS"),
        ("testsrc:640x480", "BAD_ADDRESS"),
        ("http://", "BAD_ADDRESS"),
        ("rtsp:///path", "BAD_ADDRESS"),
        ("http://u:1234#5@cam/", "BAD_ADDRESS"),
        ("rtsp://u:1/2@cam/1", "BAD_ADDRESS"),
        ("u:p@cam/1", "NO_SCHEME"),
        ("a b=http://h/", "INVALID_STREAM_NAME"),
        ("=http://h/", "INVALID_STREAM_NAME"),
        ("http://h/#fps=0", "BAD_OPTION"),
        ("http://h/#fps=NaN", "BAD_OPTION"),
        ("http://h/#fps=1&fps=2", "BAD_OPTION"),
        ("http://h/#width=640", "NO_SUCH_OPTION"),
        ("http://h/#transport=tcp", "NO_SUCH_OPTION"),
        ("rtsp://h/#transport=sctp", "BAD_OPTION"),
    ] {
        assert_eq!(code(text), expected, "{text}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let spec = parse("door=http://user:hunter2@h/v?key=hunter2");
    assert_eq!(spec.to_string(), "door=http://…@h/v?…");
    for text in ["a=http://u:hunter2@:x/", "a=http://u:hun/ter2@h:99999/?k=hunter2", "rtsp://u:hunter2@"] {
        let error = Spec::parse(text).unwrap_err().to_string();
        assert!(!error.contains("ter2"), "{error}");
    }
    let command = parse("exec:curl -u user:hunter2 http://h/");
    assert!(!format!("{command} {command:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = Spec::parse(&text);
    }

    #[test]
    fn nothing_near_a_source_makes_it_panic(
        name in "([a-z]{0,3}=)?",
        scheme in "(v4l2|file|https?|wss?|rtsp|testsrc|exec):(//)?",
        rest in "\\PC{0,30}",
        options in "(#[a-z_]{0,10}(=[0-9.a-z%]{0,6})?){0,3}",
    ) {
        let _ = Spec::parse(&format!("{name}{scheme}{rest}{options}"));
    }

    /// Whether the line is taken or refused, and wherever the password's odd characters are cut.
    #[test]
    fn a_password_never_comes_back(
        scheme in "((a=)?(http|https|ws|wss|rtsp)://)?",
        pieces in prop::collection::vec("[A-Z]{4}", 1..4),
        between in "[#?@/:&%=\\\\ ]",
        path in "[a-z/]{0,10}",
        options in "(#fps=[0-9])?",
    ) {
        let password = pieces.join(&between);
        let line = format!("{scheme}user:{password}@host/{path}?key={password}{options}");
        let shown = match Spec::parse(&line) {
            Ok(spec) => format!("{spec} {spec:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(pieces.iter().all(|piece| !shown.contains(piece.as_str())), "{}: {}", line, shown);
    }

    #[test]
    fn good_names_and_sizes_come_through(name in "[A-Za-z0-9_-]{1,64}", width in 16u32..=7680, fps in 0.01f64..=1000.0) {
        let spec = parse(&format!("{name}=testsrc:#width={width}&fps={fps}"));
        prop_assert_eq!(spec.name.as_str(), name);
        prop_assert_eq!(spec.kind, Kind::Test { width, height: DEFAULT_SIZE.1 });
        prop_assert_eq!(spec.fps, Some(fps));
    }
}
