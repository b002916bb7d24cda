//! Tests of `ffmpeg`.
#![allow(clippy::unwrap_used)]

use super::*;

const OPTIONS: PlayOptions = PlayOptions { fps: None, quality: 85, looping: true, size: (0, 0) };

fn words(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// The command line without the lists of what it may open, which stand in [`may_open`].
fn way(command: &Command) -> String {
    let words = words(command);
    let (before, lists) = words.split_once(" -protocol_whitelist ").unwrap();
    let (_, after) = lists.split_once(" -i ").unwrap();
    format!("{before} -i {after}")
}

fn may_open(command: &Command, option: &str) -> Vec<String> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let input = words.iter().position(|word| word == "-i").unwrap();
    let at = words[..input].iter().position(|word| word == option).unwrap();
    words[at + 1].split(',').map(str::to_owned).collect()
}

#[test]
fn a_file_is_paced_and_looped_a_url_is_not() {
    let file = playing(Input::File(Path::new("-a:b.mp4")), &OPTIONS);
    assert_eq!(
        way(&file),
        "-hide_banner -loglevel error -nostdin -re -stream_loop -1 -i file:-a:b.mp4 -map 0:v:0 -f mpjpeg -q:v 6 -"
    );
    let options = PlayOptions { fps: Some(10.0), looping: false, ..OPTIONS };
    let url = playing(Input::Url("rtsp://camera/1"), &options);
    assert_eq!(
        way(&url),
        r"-hide_banner -loglevel error -nostdin -i rtsp://camera/1 -map 0:v:0 -vf fps=min(source_fps\,10) -f mpjpeg -q:v 6 -"
    );
}

#[test]
fn every_picture_comes_once() {
    let command = pictures(Path::new("-a.mp4"), Some(10.0));
    assert_eq!(
        way(&command),
        r"-hide_banner -loglevel error -nostdin -i file:-a.mp4 -map 0:v:0 -vf fps=min(source_fps\,10) -fps_mode passthrough -f image2pipe -c:v ppm -pix_fmt rgb24 -"
    );
}

#[test]
fn a_file_reaches_no_network_and_an_address_no_file() {
    let path = Path::new("a");
    for command in
        [playing(Input::File(path), &OPTIONS), pictures(path, None), decoding(path, 97), probing(path)]
    {
        assert_eq!(may_open(&command, "-protocol_whitelist"), ["file"]);
        let formats = may_open(&command, "-format_whitelist");
        for naming in ["hls", "dash", "concat", "sdp", "imf", "image2", "vobsub", "applehttp", "rtsp"] {
            assert!(!formats.iter().any(|it| it == naming), "{naming} names other files");
        }
    }
    let protocols = may_open(&playing(Input::Url("http://h/a.m3u8"), &OPTIONS), "-protocol_whitelist");
    for local in ["file", "pipe", "fd", "unix", "concat", "concatf", "subfile", "cache", "async", "bluray"] {
        assert!(!protocols.iter().any(|it| it == local), "{local} reads this machine's files");
    }
}

fn probing(path: &Path) -> Command {
    let mut command = Command::new(PROBE);
    Input::Upload(path).open(&mut command);
    command
}

/// What a client sends decides neither what is read nor from where. Asks ffmpeg itself, where it is installed.
#[test]
fn an_upload_that_names_other_files_shows_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    let made = Command::new(PROGRAM)
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48:rate=20:duration=0.5",
            "-c:v",
            "mjpeg",
        ])
        .arg(&film)
        .status();
    if !matches!(made, Ok(status) if status.success()) {
        return;
    }
    let shown = |name: &str| {
        let output = decoding(&folder.path().join(name), 97).output().unwrap();
        (output.status.success(), output.stdout.len())
    };
    assert!(shown("film.mkv").1 > 1000, "a film is shown");
    let film = film.display();
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n");
    let manifest = format!(
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet \
         mimeType=\"video/x-matroska\"><Representation id=\"0\" bandwidth=\"1\"><BaseURL>{film}</BaseURL>\
         </Representation></AdaptationSet></Period></MPD>"
    );
    for (name, text) in [
        ("video", playlist.clone()),
        ("v.mp4", playlist.clone()),
        ("v.m3u8", playlist.clone()),
        ("v.mkv", format!("ffconcat version 1.0\nfile film.mkv\nfile '{film}'\n")),
        ("v.avi", manifest),
        (
            "v.txt",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 26\na={film}\n"
            ),
        ),
        ("v%d.mp4", playlist.replace(&film.to_string(), "film.mkv")),
    ] {
        std::fs::write(folder.path().join(name), &text).unwrap();
        assert_eq!(shown(name), (false, 0), "{name}: {text}");
        assert_eq!(about(Input::Upload(&folder.path().join(name))), About::default(), "{name}: {text}");
    }
}

/// Programs are started in these files only; that of ffmpeg is this module's.
#[test]
fn nothing_else_starts_programs() {
    const STARTING: [&str; 5] = [
        "sources/src/play/ffmpeg.rs",
        "sources/src/kinds/command.rs",
        "cli/src/bench/hub.rs",
        // Asks which version there is, and the name of the commit.
        "cli/src/doctor/machine.rs",
        "cli/build.rs",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("crates"), root.join("python/framehub")];
    let mut seen = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["tests", "target", "benches"].contains(&name.as_str()) {
                folders.push(path);
            } else if name != "tests.rs" && (name.ends_with(".rs") || name.ends_with(".py")) {
                let text = std::fs::read_to_string(&path).unwrap();
                let starts = ["Command::new(", "subprocess", "Popen", "os.system("];
                if starts.iter().any(|start| text.contains(start)) {
                    seen.push(path.strip_prefix(root.join("crates")).unwrap_or(&path).to_owned());
                }
            }
        }
    }
    seen.retain(|path| !STARTING.iter().any(|known| path == Path::new(known)));
    assert!(
        seen.is_empty(),
        "these start programs: {seen:?}; what a client sends must not choose what they read"
    );
}

#[test]
fn what_ffprobe_says_is_believed_within_reason() {
    let film = About { fps: Some(25.0), frames: Some(20) };
    assert_eq!(parse_probe("avg_frame_rate=25/1\nnb_frames=20\n"), film);
    for text in ["", "avg_frame_rate=0/0\nnb_frames=N/A\n", "avg_frame_rate=90000/1\nnb_frames=0"] {
        assert_eq!(parse_probe(text), About::default(), "{text}");
    }
}

#[test]
fn quality_spans_ffmpegs_scale() {
    assert_eq!([100, 85, 50, 1].map(scale), [2, 6, 17, 31]);
}
