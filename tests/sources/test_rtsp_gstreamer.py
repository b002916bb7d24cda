"""RTSP from GStreamer's server, which many cameras are built on: over TCP and UDP, gone, and back with another size."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support import gstreamer
from support.mjpeg import MjpegReader
from support.ports import fixed_port
from support.waiting import eventually

PYTHON = "/usr/bin/python3"
NEEDED = """
import gi
gi.require_version('GstRtspServer', '1.0')
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert Gst.ElementFactory.find('x264enc') and Gst.ElementFactory.find('rtph264pay')
"""


@pytest.fixture(scope="module", autouse=True)
def gstreamers_server() -> None:
    done = subprocess.run([PYTHON, "-c", NEEDED], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"install GStreamer's RTSP server (tests/tools/packages.sh): {done.stderr}"


@contextmanager
def camera(port: int, size: str = "320x240") -> Iterator[None]:
    command = [PYTHON, gstreamer.__file__, str(port), size, "20"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.kill()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_camera_is_seen(start_hub, transport):
    port = fixed_port()
    with camera(port):
        hub = start_hub("--source", f"door=rtsp://127.0.0.1:{port}/camera#transport={transport}")
        with MjpegReader(f"{hub.url}/stream/door") as reader:
            eventually(lambda: len(reader.parts) >= 30, "a second and a half of pictures")
        stats = hub.stats("door")
        assert (stats["width"], stats["height"]) == (320, 240)
        assert stats["source"]["frame_errors"] == 0


def test_it_comes_back_with_another_size_and_viewers_stay(start_hub):
    port = fixed_port()
    hub = start_hub("--source", f"door=rtsp://127.0.0.1:{port}/camera")
    with MjpegReader(f"{hub.url}/stream/door") as reader:
        with camera(port):
            eventually(lambda: len(reader.parts) >= 10, "pictures")
        eventually(lambda: hub.stats("door")["source"]["state"] == "failed", "the loss is reported")
        seen = len(reader.parts)
        with camera(port, "640x360"):
            eventually(lambda: hub.stats("door")["width"] == 640, "the other size", timeout=60)
            eventually(lambda: len(reader.parts) >= seen + 10, "pictures for the viewer who was there before")
