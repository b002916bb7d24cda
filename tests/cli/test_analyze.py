"""`framehub analyze` with real files, against an upload server that loses connections on purpose."""

import json
import subprocess

import cv2
import numpy as np
import pytest

from support.pictures import jpeg, number_of, png, read_number
from support.program import Running, framehub
from support.upload_server import RESULT, UploadServer
from support.waiting import always, eventually

FRAMES = 20


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Numbered pictures as a video with JPEG inside and one without, and a signal log."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(FRAMES):
        (folder / f"{number:04}.jpg").write_bytes(jpeg(number))
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.jpg").write_bytes(jpeg(1))
    (folder / "pictures" / "b.png").write_bytes(png(2))

    def make(name: str, *options: str) -> None:
        command = ["ffmpeg", "-loglevel", "error", "-y", "-framerate", "20", "-i", str(folder / "%04d.jpg"), *options]
        subprocess.run([*command, str(folder / name)], check=True, timeout=60)

    make("phrase.avi", "-c", "copy")
    make("phrase.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "10")
    (folder / "long.mjpeg").write_bytes(b"".join(jpeg(number) for number in range(100)))
    (folder / "phrase.txt").write_text(" 0.000s | Phrase recording started\n")
    return folder


@pytest.fixture
def analyze(films):
    def run(server, *options, video="phrase.avi", **kwargs):
        arguments = ["--video", video, "--signal", "phrase.txt", *options]
        return framehub("analyze", getattr(server, "url", server), *arguments, folder=films, **kwargs)

    return run


def test_every_frame_goes_as_it_is_and_stdout_is_the_result_alone(analyze, films, tmp_path):
    with UploadServer() as server:
        saved = tmp_path / "result.json"
        done = analyze(server, "--output", str(saved), "--api-key", "k1", "--include-keypoints", "--save-overlay=false")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == RESULT == json.loads(saved.read_text())
    session = server.session
    assert f"/analyses/{session.start['session_id']}" in done.stderr, "where the result can be looked at"
    assert [session.frames[number] for number in range(FRAMES)] == [jpeg(number) for number in range(FRAMES)]
    start = session.start
    assert start["session_id"].startswith("phrase_") and "resume" not in start
    assert (start["fps"], start["width"], start["height"], start["expected_frames"]) == (20, 320, 240, FRAMES)
    assert (start["include_keypoints"], start["save_overlay"]) == (True, False)
    times = [head["timestamp"] for head in session.heads]
    assert np.allclose(np.diff(times), 0.05, atol=1e-3), "they lie apart as in the video"
    assert session.ended["total_frames"] == FRAMES
    assert (session.signal_name, session.signal) == ("phrase.txt", (films / "phrase.txt").read_bytes())
    assert server.keys == ["k1"]
    for words in (f"sent {FRAMES} frames", "video_reconstruction", "overlay 100 %: overlay done"):
        assert words in done.stderr


def test_other_video_is_decoded_by_ffmpeg_and_encoded_as_asked(analyze):
    with UploadServer() as server:
        for encoding in ("jpeg", "png", "raw"):
            options = ("--encoding", encoding, "--session-id", encoding)
            done = analyze(server, *options, video="phrase.mp4")
            assert done.returncode == 0, done.stderr
    for encoding, session in server.sessions.items():
        assert (session.start["fps"], session.start["expected_frames"]) == (20, FRAMES)
        assert list(session.frames) == list(range(FRAMES))
        assert {head["encoding"] for head in session.heads} == {encoding}
    assert [number_of(server.sessions["jpeg"].frames[n]) for n in range(FRAMES)] == list(range(FRAMES))
    assert number_of(server.sessions["png"].frames[7]) == 7
    raw = server.sessions["raw"].frames[7]
    assert np.frombuffer(raw[:12], "<u4").tolist() == [240, 320, 3]
    bgr = np.frombuffer(raw[12:], np.uint8).reshape(240, 320, 3)
    assert read_number(bgr) == 7
    png_picture = cv2.imdecode(np.frombuffer(server.sessions["png"].frames[7], np.uint8), cv2.IMREAD_COLOR)
    assert (bgr == png_picture).all(), "both are without loss"


def test_a_quality_encodes_anew_and_a_rate_thins_out(analyze):
    with UploadServer() as server:
        done = analyze(server, "--jpeg-quality", "20", "--fps", "10", "--duration", "0.5", "--pipeline", "pose")
    assert done.returncode == 0, done.stderr
    session = server.session
    assert [number_of(session.frames[number]) for number in range(5)] == [0, 2, 4, 6, 8]
    assert len(session.frames) == 5 and len(session.frames[0]) < len(jpeg(0))
    assert session.start["pipeline"] == "pose" and session.heads[0]["quality"] == 20
    assert session.start["fps"] == 10


def test_a_folder_of_pictures(analyze):
    with UploadServer() as server:
        done = analyze(server, "--fps", "5", video="pictures")
    assert done.returncode == 0, done.stderr
    assert [number_of(frame) for frame in server.session.frames.values()] == [1, 2]


@pytest.mark.parametrize("cuts", [[1], [7, 8, 15], ["session_end"], ["signal"], [FRAMES, "session_end", "signal"]])
def test_a_lost_connection_costs_nothing(analyze, cuts):
    """Also twice in a row, and wherever the conversation stands."""
    with UploadServer(cuts=cuts) as server:
        done = analyze(server)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == RESULT
    assert server.cuts == [], "it was cut as planned"
    assert [server.session.frames[number] for number in range(FRAMES)] == [jpeg(number) for number in range(FRAMES)]
    assert "connected again" in done.stderr


def test_frames_under_way_are_bounded(films):
    with UploadServer(acks=False) as server:
        arguments = ("analyze", server.url, "--video", "long.mjpeg", "--signal", "phrase.txt")
        with Running(*arguments, folder=films) as running:
            eventually(lambda: server.sessions and len(server.session.frames) == 64)
            always(lambda: len(server.session.frames) == 64, 0.3)
            assert running.interrupt()[0] == 1
        eventually(lambda: server.session.aborted, "and the hub learns when it is given up")


def test_a_hub_that_forgot_the_session_is_told_of(analyze):
    with UploadServer(cuts=[7]) as server:
        server.forgets = True
        done = analyze(server)
    assert done.returncode == 1 and done.stdout == ""
    assert "has lost the session" in done.stderr and "upload it again" in done.stderr


def test_a_frame_that_is_refused_is_told_and_the_others_go_on(analyze):
    with UploadServer(bad=(3,)) as server:
        done = analyze(server)
    assert done.returncode == 0, done.stderr
    assert "Failed to decode frame 3" in done.stderr and "1 frames are missing" in done.stderr
    assert len(server.session.frames) == FRAMES - 1


def test_ctrl_c_makes_the_hub_forget_the_session(films):
    with UploadServer(hold=True) as server:
        arguments = ("analyze", server.url, "--video", "phrase.avi", "--signal", "phrase.txt", "--verbose")
        with Running(*arguments, folder=films) as running:
            eventually(lambda: server.sessions and server.session.signal is not None)
            code, stderr = running.interrupt()
        assert code == 1 and "stopped" in stderr and "Acknowledged { number: 0 }" in stderr
        eventually(lambda: server.session.aborted, "the hub was notified")


def test_what_cannot_be_done_is_said_before_anything_is_sent(analyze, films, tmp_path):
    (films / "text.mp4").write_text("this is no video")
    (films / "empty.txt").write_text("")
    with UploadServer() as server:
        for code, words, options in [
            (1, "nowhere.txt", ["--signal", "nowhere.txt"]),
            (1, "empty.txt is empty", ["--signal", "empty.txt"]),
            (1, "nowhere.avi", ["--video", "nowhere.avi"]),
            (1, "text.mp4", ["--video", "text.mp4"]),
            (1, "no folder", ["--output", str(tmp_path / "none" / "result.json")]),
            (2, "--session-id", ["--session-id", "a b"]),
            (2, "jpeg, png and raw", ["--encoding", "gif"]),
            (2, "1..=100", ["--jpeg-quality", "101"]),
        ]:
            given = {"--video": "phrase.avi", "--signal": "phrase.txt"} | {options[0]: options[1]}
            arguments = [word for pair in given.items() for word in pair]
            done = framehub("analyze", server.url, *arguments, folder=films)
            assert done.returncode == code, (options, done.stderr)
            assert words in done.stderr and done.stdout == "" and "panicked" not in done.stderr
        for words, arguments in [
            ("--signal", ["--video", "phrase.avi"]),
            ("--signal", ["--video", "phrase.avi", "--pipeline", "referee"]),
            ("--video", ["--signal", "phrase.txt"]),
            ("--camera", ["--signal", "phrase.txt", "--video", "phrase.avi", "--camera", "0"]),
        ]:
            done = framehub("analyze", server.url, *arguments, folder=films)
            assert done.returncode == 2 and words in done.stderr, done.stderr
        assert not server.keys, "no server was asked"


def test_a_camera_that_is_not_there(films):
    done = framehub("analyze", "http://127.0.0.1:1", "--camera", "250", "--signal", "phrase.txt", folder=films)
    assert done.returncode == 1 and "/dev/video250" in done.stderr, done.stderr


def test_without_ffmpeg_it_is_said_how_to_get_it(analyze, films, tmp_path):
    with UploadServer() as server:
        done = analyze(server, video="phrase.mp4", env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and "apt install ffmpeg" in done.stderr.replace("\n", " ")


def test_servers_that_do_not_want_it(analyze, hub):
    with UploadServer(refuse="SESSION_START_FAILED") as server:
        done = analyze(server)
    assert done.returncode == 1 and "Maximum concurrent sessions reached" in done.stderr
    done = analyze("http://127.0.0.1:1")
    assert done.returncode == 1 and "is the hub running?" in done.stderr
    done = analyze(f"{hub.url}/nothing/here")
    assert done.returncode == 1 and "takes no frame uploads" in done.stderr
