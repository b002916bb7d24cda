"""Runs the README's commands and code as they stand; only the port and the camera are the test's."""

import re
import subprocess
import sys

import pytest

from support.browser import wait_until_painted
from support.hub import BINARY, ROOT, clean_environment
from support.mjpeg import MjpegReader
from support.pictures import jpeg, number_of
from support.waiting import eventually

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.M | re.S)


def blocks(kind: str, containing: str) -> list[str]:
    return [text for block_kind, text in BLOCKS if block_kind == kind and containing in text]


def test_the_two_commands():
    assert BLOCKS[0][1].splitlines()[0] == "cargo run --release"
    assert any("make test" in text.splitlines() for _, text in BLOCKS)


@pytest.fixture
def desk(start_hub, tmp_path):
    """A hub, and a folder with what the commands speak of: a picture, a video."""
    (tmp_path / "picture.jpg").write_bytes(jpeg(7))
    command = "ffmpeg -loglevel error -f lavfi -i testsrc2=size=320x240:rate=10 -t 2 -pix_fmt yuv420p video.mp4"
    subprocess.run(command.split(), cwd=tmp_path, check=True, timeout=60)
    return start_hub(), tmp_path


def test_publish_commands(desk):
    hub, folder = desk
    (text,) = blocks("sh", "/publish/")
    commands = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [c.split()[0] for c in commands] == ["curl", "cargo", "ffmpeg"]
    for command in commands:
        command = command.replace("http://127.0.0.1:5000", hub.url).replace("cargo run --release --", str(BINARY))
        if "framehub" in command:
            command += " --no-loop"
        done = subprocess.run(
            command.split(),
            cwd=folder,
            env=clean_environment(),
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr.decode()
    assert number_of(hub.snapshot("camera1")) == 7
    assert hub.stats("video")["total_frames"] > 20, "from framehub and from ffmpeg"


def test_publish_from_python(desk):
    hub, folder = desk
    (code,) = blocks("python", "session.post")
    code = code.replace("http://127.0.0.1:5000", hub.url).replace("VideoCapture(0)", "VideoCapture('video.mp4')")
    # A camera never ends; a file does, and `imencode` of nothing ends the example.
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert "error" in done.stderr.lower()
    assert hub.stats("camera1")["total_frames"] == 20


def test_watch_from_python_and_html(desk, page):
    hub, folder = desk
    hub.put_frame("camera1", 5)
    (code,) = blocks("python", 'VideoCapture("http')
    names = {}
    exec("import cv2\n" + code.replace("http://127.0.0.1:5000", hub.url), names)
    ok, picture = names["capture"].read()
    assert ok and picture.shape == (240, 320, 3)
    names["capture"].release()
    (html,) = blocks("html", "<img")
    page.set_content(html.replace("http://127.0.0.1:5000", hub.url), wait_until="commit")
    wait_until_painted(page.locator("img"), 5)


def test_watch_command(desk):
    hub, folder = desk
    hub.put_frame("camera1", 5)
    (text,) = blocks("sh", "-- watch")
    command = (
        text.split("#")[0].replace("http://127.0.0.1:5000", hub.url).replace("cargo run --release --", str(BINARY))
    )
    done = subprocess.run(
        [*command.split(), "--duration", "1"], cwd=folder, env=clean_environment(), capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()


def test_every_route_of_the_table(desk):
    hub, _ = desk
    hub.put_frame("name", 1)
    routes = re.findall(r"^\| (.*?) \|", README, re.M)
    paths = {path.replace("{name}", "name") for route in routes for path in re.findall(r"`(/[^`?]*)`", route)}
    assert len(paths) >= 9, paths
    for path in sorted(paths):
        if path in ("/stream/name", "/stream"):
            with MjpegReader(hub.url + path) as reader:
                eventually(lambda r=reader: r.parts)
        elif path.startswith("/api/robot/"):
            assert hub.get(path).status_code == 401, "without a key of one's own"
        else:
            assert hub.get(path).status_code == 200, path
