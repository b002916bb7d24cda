"""`framehub analyze` against a real hub with a pose model: from a video file to the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import pose_model
from support.hub import Hub
from support.pictures import encode_jpeg
from support.pose_model import BLUE, RED
from support.program import framehub
from support.proxy import Habits, Proxy

FRAMES = 40
SIZE = (320, 180)
LOG = """ 0.000s | Phrase recording started
 2.100s | HIT: Left scores on Right!
 2.180s | HIT: Simultaneous valid hits!
 2.600s | Phrase recording ended
Scores -> Fencer 1: HIT, Fencer 2: HIT
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A phrase in which the left fencer attacks and the right one stands, and its log."""
    folder = tmp_path_factory.mktemp("phrase")
    people = [[(RED, 70 + 2.6 * n, 150, 36, 90), (BLUE, 250, 151, 36, 88)] for n in range(FRAMES)]
    jpegs = [encode_jpeg(pose_model.scene(*SIZE, both), 92) for both in people]
    (folder / "phrase.mjpeg").write_bytes(b"".join(jpegs))
    (folder / "phrase.txt").write_text(LOG)
    return folder


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    at = tmp_path_factory.mktemp("judging")
    model = pose_model.rectangles(at / "people.onnx")
    with Hub(at, f"referee.yolo_model={model}", "referee.threads=1") as hub:
        yield hub


def analyze(url: str, folder: Path, *options: str):
    return framehub("analyze", url, "--video", "phrase.mjpeg", "--fps", "15", *options, folder=folder)


def test_a_phrase_is_judged(judging, folder):
    done = analyze(judging.url, folder, "--signal", "phrase.txt", "--include-keypoints", "--session-id", "phrase1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["decision"]["winner"] == "left", result["decision"]
    assert result["streaming_stats"]["frames_received"] == FRAMES and result["keypoints"]
    for words in (f"sent {FRAMES} frames", "video_reconstruction 100 %", "yolo 100 %", "overlay 100 %"):
        assert words in done.stderr


def test_a_connection_that_breaks_again_and_again_changes_nothing(judging, folder):
    """Each carries a few thousand bytes of the hub's answers: the last ones break within the result, too."""
    with Proxy(judging.port, Habits(upgraded_bytes=2000)) as proxy:
        done = analyze(proxy.url, folder, "--signal", "phrase.txt", "--save-overlay=false")
        assert done.returncode == 0, done.stderr
        assert len(proxy.of("/stream")) >= 2 and "connected again" in done.stderr
    result = json.loads(done.stdout)
    assert result["decision"]["winner"] == "left"
    assert result["streaming_stats"]["frames_received"] == FRAMES


def test_another_analysis_needs_no_log(judging, folder):
    done = analyze(judging.url, folder, "--pipeline", "pose", "--encoding", "raw")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["frames_analyzed"] == FRAMES and result["persons"] == 2 * FRAMES


def test_what_the_hub_does_not_do_is_said_in_its_words(judging, folder):
    done = analyze(judging.url, folder, "--pipeline", "dance")
    assert done.returncode == 1 and "referee" in done.stderr and "pose" in done.stderr and done.stdout == ""
    (folder / "notes.txt").write_text("Dear diary\n")
    done = analyze(judging.url, folder, "--signal", "notes.txt")
    assert done.returncode == 1 and done.stdout == ""
    assert "PROCESSING_FAILED" in done.stderr and "line" in done.stderr, done.stderr
