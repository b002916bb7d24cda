"""The folder examples/: each is run against a real hub, with stand-ins for hardware and software that is not here."""

import os
import signal
import subprocess
import sys

import pytest
import requests

from support.hub import ROOT, clean_environment
from support.pictures import decode
from support.sockets import Wall
from support.waiting import eventually

EXAMPLES = ROOT / "examples"
STAND_INS = ROOT / "tests" / "python" / "stand_ins"


def run(example: str, *arguments: str, folder=None, **env: str) -> str:
    paths = os.pathsep.join([str(ROOT / "python"), str(STAND_INS)])
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        cwd=folder,
        env=clean_environment(PYTHONPATH=paths, **env),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


class Example:
    """One that runs until Ctrl-C, once it has said where to look."""

    def __init__(self, example: str, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / example), *arguments],
            env=clean_environment(PYTHONPATH=str(ROOT / "python")),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        self.address = self.process.stdout.readline()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.send_signal(signal.SIGINT)
        self.said, complaints = self.process.communicate(timeout=30)
        assert self.process.returncode == 0 and "Traceback" not in complaints, complaints


def is_red(jpeg: bytes) -> bool:
    red, green, blue = decode(jpeg)[20, 30].astype(int)
    return red > 150 and green < 60 and blue < 60


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> str:
    """A second of red."""
    folder = tmp_path_factory.mktemp("video")
    command = "ffmpeg -loglevel error -f lavfi -i color=red:size=64x48:rate=20 -t 1 -pix_fmt yuv420p video.mp4"
    subprocess.run(command.split(), cwd=folder, check=True, timeout=60)
    return str(folder / "video.mp4")


def test_webcam(hub, video):
    """The flags of the stream server's own webcam publisher; a file stands for the camera."""
    flags = ["--server", hub.url, "--stream", "my_camera", "--camera", video, "--quality", "85", "--fps", "30"]
    with Example("webcam_publisher.py", *flags) as example:
        eventually(lambda: requests.get(f"{hub.url}/stream/my_camera/snapshot.jpg", timeout=10).ok)
        eventually(lambda: hub.stats("my_camera")["total_frames"] > 25, "more than the file has: it begins again")
        assert is_red(hub.snapshot("my_camera"))
    assert f"{hub.url}/stream/my_camera" in example.address and "'failed_frames': 0" in example.said


def test_webcam_that_is_not_there():
    asked = [sys.executable, str(EXAMPLES / "webcam_publisher.py"), "--camera", "/dev/null/none"]
    done = subprocess.run(
        asked, env=clean_environment(PYTHONPATH=str(ROOT / "python")), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "--camera /dev/null/none" in done.stderr


def test_opencv(hub, video):
    with Example("opencv_detector.py", video, hub.url) as example:
        assert f"{hub.url}/stream/detector" in example.address
        eventually(lambda: "X-Frame-Metadata" in hub.get("/stream/detector/snapshot.jpg").headers)
        picture = hub.get("/stream/detector/snapshot.jpg")
        assert "moving" in picture.headers["X-Frame-Metadata"]


def test_picamera2(hub):
    with Wall(hub.ws) as wall:
        wall.watch("garden")
        run("picamera2_publisher.py", hub.url, "garden")
        wall.watch("garden")
        last = eventually(lambda: next(iter(wall.of("garden")), None))
        assert is_red(last.jpeg)
        assert last.header["metadata"] == {"exposure_us": 9000, "gain": 1.5}
        assert last.header["age_ms"] >= 0


def test_ros2(hub):
    said = run("ros2_publisher.py", ROS_SERVER=hub.url, ROS_STREAM="robot")
    assert "bayer_rggb8 is not shown" in said
    snapshot = hub.get("/stream/robot/snapshot.jpg")
    assert is_red(snapshot.content)
    assert float(snapshot.headers["X-Timestamp"]) == pytest.approx(1700000000.25)
    assert "camera_link" in snapshot.headers["X-Frame-Metadata"]


def test_isaac_lab(hub):
    run("isaac_lab.py", "--server", hub.url, "--num_envs", "4", "--headless")
    assert is_red(hub.snapshot("isaac-lab"))
    assert '"reward":0.5' in hub.get("/stream/isaac-lab/snapshot.jpg").headers["X-Frame-Metadata"]


def test_types():
    """The package, the single file and the examples, strictly."""
    files = ["python/framehub", "python/framehub_publisher.py", *sorted(map(str, EXAMPLES.glob("*.py")))]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir=target/mypy", "--strict", "--warn-unreachable", *files],
        cwd=ROOT,
        env=clean_environment(MYPYPATH=os.pathsep.join([str(ROOT / "python"), str(STAND_INS)])),
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
