"""docs/guide/python.md: its code is run as it stands; only the ports and the camera are the test's."""

import re
import subprocess
import sys

import pytest
import yaml

from support.hub import ROOT, clean_environment
from support.pictures import decode, jpeg

GUIDE = (ROOT / "docs" / "guide" / "python.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.M | re.S)


def block(kind: str, containing: str) -> str:
    (text,) = [text for block_kind, text in BLOCKS if block_kind == kind and containing in text]
    return text


@pytest.fixture
def run(hub, tmp_path):
    """Runs a program against the hub, in a folder of its own."""

    def run(code: str) -> str:
        code = code.replace("http://localhost:5000", hub.url).replace("port=8080", "port=0")
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=str(ROOT / "python"), MUJOCO_GL="egl"),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_publish(hub, run):
    run(block("python", "def render()"))
    assert hub.stats("training")["total_frames"] > 0
    assert '"step"' in hub.get("/stream/training/snapshot.jpg").headers["X-Frame-Metadata"]


def test_statistics(run):
    assert "0 sent, 0 came too soon, 0 gave way, None" in run(block("python", "get_stats()"))


def test_opencv(hub, run, tmp_path):
    (tmp_path / "picture.jpg").write_bytes(jpeg(7))
    run(block("python", "framehub.opencv").replace("VideoCapture(0)", "VideoCapture('picture.jpg')"))
    blue = decode(jpeg(7))[200, 300].astype(int) - decode(hub.snapshot("webcam"))[200, 300]
    assert abs(blue).max() < 12, "the colours are the camera's"


def test_server(run):
    said = run(block("python", "import Server"))
    assert "open http://127.0.0.1:" in said and "'frames_received'" in said


def test_configuration(run, tmp_path):
    text = block("yaml", "videoStream:")
    assert yaml.safe_load(text)["env"]["videoStreamPort"] == 8080
    (tmp_path / "training.yaml").write_text(text.replace("8080", "0"))
    assert run(block("python", "VideoStream")).startswith("HTTP video streamer started: http://127.0.0.1:")


@pytest.mark.parametrize("stream, width", [("humanoid", 320), ("humanoids", 320)])
def test_gymnasium(hub, run, stream, width):
    run(block("python", f'stream="{stream}"'))
    picture = hub.get(f"/stream/{stream}/snapshot.jpg")
    assert decode(picture.content).shape == (240, width, 3)
    assert '"return":' in picture.headers["X-Frame-Metadata"]


def test_one_file(hub, run):
    run(block("python", "framehub_publisher"))
    assert decode(hub.snapshot("isaac-gym")).shape == (240, 320, 3)
