"""A phrase from its first frame to its verdict: uploaded, analysed with a pose model, judged, and shown."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from support import pose_model
from support.hub import Hub
from support.pose_model import BLUE, GREEN, RED
from support.program import framehub
from support.uploads import Upload
from support.waiting import eventually

FPS = 15.0
FRAMES = 40
SIZE = (320, 180)

ONE_LIGHT = b""" 0.000s | Phrase recording started
 0.800s | Off-Target: Blade-to-blade contact.
 1.900s | HIT: Right scores on Left!
 2.600s | Phrase recording ended
Scores -> Fencer 1: HIT, Fencer 2: MISS
"""
TWO_LIGHTS = b""" 0.000s | Phrase recording started
 2.100s | HIT: Left scores on Right!
 2.180s | HIT: Simultaneous valid hits!
 2.600s | Phrase recording ended
Scores -> Fencer 1: HIT, Fencer 2: HIT
"""


def scene(number: int) -> np.ndarray:
    """The left fencer attacks; the right one stands until the middle, then retreats; a referee stands behind them."""
    left = 70 + 2.6 * number
    right = 235 + max(0, number - 15) * 1.0
    people = [(GREEN, 160, 118, 22, 62), (RED, left, 150, 36, 90), (BLUE, right, 151, 36, 88)]
    return pose_model.scene(*SIZE, people)


def encoded(number: int, suffix: str = ".jpg") -> bytes:
    return cv2.imencode(suffix, scene(number)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def analysed(
    hub: Hub, name: str, signal: bytes, frames: int = FRAMES, encoding: str = "jpeg", **options: object
) -> dict:
    with Upload(hub) as upload:
        upload.start(name, fps=FPS, width=SIZE[0], height=SIZE[1], **options)
        for number in range(frames):
            payload = encoded(number, ".png" if encoding == "png" else ".jpg")
            if encoding == "raw":
                payload = np.array([SIZE[1], SIZE[0], 3], "<u4").tobytes() + scene(number)[:, :, ::-1].tobytes()
            assert upload.frame(number, payload, encoding=encoding)["status"] == "received"
        upload.end(frames)
        assert upload.signal(signal)["status"] == "received"
        return upload.outcome()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pose_model.rectangles(tmp_path_factory.mktemp("model") / "people.onnx")


@pytest.fixture(scope="module")
def judging(model: Path, tmp_path_factory: pytest.TempPathFactory):
    with Hub(tmp_path_factory.mktemp("judging"), f"referee.yolo_model={model}", "referee.threads=1") as hub:
        yield hub


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory):
    """A hub without a model."""
    with Hub(tmp_path_factory.mktemp("blind"), "referee.yolo_model=none") as hub:
        yield hub


@pytest.fixture(scope="module")
def attack(judging: Hub) -> dict:
    return analysed(judging, "attack", TWO_LIGHTS, include_keypoints=True)


def folder(result: dict) -> Path:
    return Path(result["artifact_dir"])


def test_the_fencer_who_attacks_gets_the_hit(attack):
    assert attack["type"] == "process_complete", attack
    decision = attack["result"]["decision"]
    assert decision["winner"] == "left", decision
    assert decision["reason"] and 0.5 <= decision["confidence"] <= 1


def test_key_points_follow_the_fencers_and_not_the_referee(attack):
    result = attack["result"]
    tracks = json.loads((folder(result) / "keypoints.json").read_text())
    assert tracks == result["keypoints"]
    assert tracks["unit"] == "pixels" and len(tracks["left"]) == len(tracks["right"]) == FRAMES
    hips = {side: [np.mean([p[11][0], p[12][0]]) for p in tracks[side]] for side in ("left", "right")}
    assert hips["left"][-1] - hips["left"][0] > 70
    assert abs(hips["right"][14] - hips["right"][0]) < 4 < hips["right"][-1] - hips["right"][14]


def test_the_artifacts_lead_to_the_same_decision_again(attack, tmp_path):
    kept = folder(attack["result"])
    arguments = ["--signal", str(kept / "signal.txt"), "--keypoints", str(kept / "keypoints.json")]
    done = framehub("referee", "decide", *arguments, folder=tmp_path)
    assert json.loads(done.stdout) == attack["result"]["decision"], done.stderr


def probed(path: Path) -> dict:
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)["streams"][0]


def test_the_video_as_received_is_the_frames_as_received(attack):
    path = folder(attack["result"]) / "received.mp4"
    stream = probed(path)
    assert (stream["codec_name"], int(stream["nb_read_frames"])) == ("mjpeg", FRAMES)
    assert (stream["width"], stream["height"]) == SIZE
    content = path.read_bytes()
    assert all(encoded(number) in content for number in range(FRAMES))


def test_the_corrected_video_is_the_received_one_straightened_as_opencv_does_it(attack):
    capture = cv2.VideoCapture(str(folder(attack["result"]) / "corrected.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 20)
    ours = capture.read()[1]
    width, height = SIZE
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], float)
    bend = np.array([-0.18, 0, 0, 0])
    fitted = cv2.fisheye.estimateNewCameraMatrixForUndistortRectify(camera, bend, SIZE, np.eye(3), balance=0.0)
    received = cv2.imdecode(np.frombuffer(encoded(20), np.uint8), cv2.IMREAD_COLOR)
    whole = cv2.fisheye.undistortImage(received, camera, bend, Knew=fitted)
    rows, columns = ours.shape[:2]
    theirs = whole[(height - rows) // 2 :, (width - columns) // 2 :][:rows, :columns]
    # It has gone through JPEG once more.
    assert np.abs(ours.astype(int) - theirs).mean() < 3


def test_the_overlay_shows_fencers_lamps_and_verdict(attack, output):
    path = folder(attack["result"]) / "overlay.mp4"
    stream = probed(path)
    assert (stream["codec_name"], int(stream["nb_read_frames"])) == ("h264", FRAMES + 5)
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    cv2.imwrite(str(output / "overlay-hit.png"), frames[33])
    cv2.imwrite(str(output / "overlay-verdict.png"), frames[-1])

    def lamps(frame: np.ndarray) -> tuple[bool, bool]:
        """Whether a row at the top is red on the left, and green on the right."""
        top = frame[: frame.shape[0] // 7].astype(int)
        half = top.shape[1] // 2
        red = (top[:, :half, 2] - top[:, :half, 1]).mean(axis=1).max() > 80
        green = (top[:, half:, 1] - top[:, half:, 2]).mean(axis=1).max() > 80
        return red, green

    assert [lamps(frames[number]) for number in (5, 25, 33, FRAMES - 1)] == [(False, False)] * 2 + [(True, True)] * 2
    boxed = frames[10][:, :, 2].astype(int) - frames[10][:, :, 1]
    assert boxed.max() > 120
    assert frames[-1].mean() < frames[30].mean() * 0.7, "the card is dark"


def test_a_browser_plays_the_overlay(attack, page, tmp_path):
    path = folder(attack["result"]) / "overlay.mp4"
    (tmp_path / "overlay.mp4").write_bytes(path.read_bytes())
    (tmp_path / "page.html").write_text('<video id="v" src="overlay.mp4" muted></video>')
    page.goto((tmp_path / "page.html").as_uri())
    length = page.evaluate(
        """async () => {
            const video = document.getElementById("v");
            video.playbackRate = 8;
            const end = new Promise((done, failed) => { video.onended = done; video.onerror = () => failed(video.error.message); });
            await video.play();
            await end;
            return [video.duration, video.videoWidth];
        }"""
    )
    assert length[0] == pytest.approx(FRAMES / FPS + 2.5, abs=0.1)
    assert length[1] > 200


@pytest.mark.parametrize("encoding", ["png", "raw"])
def test_other_encodings_lead_to_the_same_verdict(judging, encoding):
    outcome = analysed(judging, f"attack_{encoding}", TWO_LIGHTS, encoding=encoding, save_overlay=False)
    assert outcome["result"]["decision"]["winner"] == "left"
    assert not (folder(outcome["result"]) / "overlay.mp4").exists()
    assert "keypoints" not in outcome["result"]
    assert int(probed(folder(outcome["result"]) / "received.mp4")["nb_read_frames"]) == FRAMES


def test_each_stage_reports_until_one(judging):
    with Upload(judging) as upload:
        upload.start("stages", fps=FPS, width=SIZE[0], height=SIZE[1])
        for number in range(20):
            upload.frame(number, encoded(number))
        upload.end(20)
        upload.signal(ONE_LIGHT)
        messages = []
        while not messages or messages[-1]["type"] != "process_complete":
            messages.append(upload.hear())
    done = [message["stage"] for message in messages if message.get("progress") == 1.0]
    assert done == ["video_reconstruction", "fisheye", "yolo", "decision", "overlay"]
    assert messages[-1]["result"]["decision"]["winner"] == "right"


def test_health_names_the_model(judging, model, blind):
    health = judging.get("/health").json()
    assert (health["model_loaded"], health["model_path"]) == (True, str(model))
    health = blind.get("/health").json()
    assert (health["model_loaded"], health["model_path"]) == (False, None)


def test_a_model_that_cannot_be_loaded_is_told_and_the_hub_runs(start_hub, tmp_path):
    torn = tmp_path / "torn.onnx"
    torn.write_bytes(b"no model at all")
    hub = start_hub(f"referee.yolo_model={torn}")
    health = hub.get("/health").json()
    assert (health["status"], health["model_loaded"], health["model_path"]) == ("healthy", False, str(torn))
    eventually(lambda: "torn.onnx is not a model that can be loaded" in hub.stderr())


def test_without_a_model_one_light_is_judged_and_two_are_not(blind):
    outcome = analysed(blind, "one_light", ONE_LIGHT, frames=20)
    assert outcome["result"]["decision"]["winner"] == "right"
    assert int(probed(folder(outcome["result"]) / "overlay.mp4")["nb_read_frames"]) == 25
    outcome = analysed(blind, "two_lights", TWO_LIGHTS, frames=3)
    assert (outcome["type"], outcome["error_code"]) == ("error", "PROCESSING_FAILED")
    assert "REFEREE_YOLO_MODEL" in outcome["error_message"]


def test_frames_that_cannot_be_decoded_are_passed_over(judging):
    with Upload(judging) as upload:
        upload.start("damaged", fps=FPS, width=SIZE[0], height=SIZE[1])
        for number in range(12):
            whole = encoded(number)
            middle = len(whole) // 2
            damaged = whole[:middle] + b"\xff\xd9" if number % 4 == 3 else whole
            upload.frame(number, damaged)
        upload.end(12)
        upload.signal(ONE_LIGHT)
        result = upload.outcome()["result"]
    assert (result["frames_analyzed"], result["frames_unreadable"]) == (9, 3)


def test_the_other_pipeline_gives_key_points_a_line_a_frame(judging):
    outcome = analysed(judging, "poses", ONE_LIGHT, frames=5, pipeline="pose")
    result = outcome["result"]
    lines = [json.loads(line) for line in (folder(result) / "poses.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(5))
    assert all(len(person["key_points"]) == 17 for line in lines for person in line["persons"])
    assert result["persons"] == sum(len(line["persons"]) for line in lines) >= 10
