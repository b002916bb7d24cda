//! Tests of `ffmpeg`.
use super::*;

const OPTIONS: PlayOptions = PlayOptions { fps: None, quality: 85, looping: true, size: (0, 0) };

fn words(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[test]
fn a_file_is_paced_and_looped_a_url_is_not() {
    let file = command(PROGRAM, Input::File(Path::new("-a:b.mp4")), &OPTIONS);
    assert_eq!(
        words(&file),
        "-hide_banner -loglevel error -nostdin -re -stream_loop -1 -i file:-a:b.mp4 -map 0:v:0 -f mpjpeg -q:v 6 -"
    );
    let options = PlayOptions { fps: Some(10.0), looping: false, ..OPTIONS };
    let url = command(PROGRAM, Input::Url("rtsp://camera/1"), &options);
    assert_eq!(
        words(&url),
        r"-hide_banner -loglevel error -nostdin -i rtsp://camera/1 -map 0:v:0 -vf fps=min(source_fps\,10) -f mpjpeg -q:v 6 -"
    );
}

#[test]
fn every_picture_comes_once() {
    let command = pictures(PROGRAM, Path::new("-a.mp4"), Some(10.0));
    assert_eq!(
        words(&command),
        r"-hide_banner -loglevel error -nostdin -i file:-a.mp4 -map 0:v:0 -vf fps=min(source_fps\,10) -fps_mode passthrough -f image2pipe -c:v ppm -pix_fmt rgb24 -"
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
