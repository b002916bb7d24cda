"""Recordings as people meet them: over HTTP, in the folder, and through ffprobe, ffmpeg and OpenCV."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import requests

from .hub import Hub
from .pictures import jpeg
from .publishers import SocketPublisher
from .waiting import eventually

#: Small, yet with a readable number.
SIZE = (160, 120)

#: The stream server's own example of the metadata beside a recording.
METADATA = json.loads("""
{
  "stream_name": "camera1",
  "start_time": "2026-01-21T10:30:00Z",
  "end_time": "2026-01-21T10:45:23Z",
  "duration_seconds": 923,
  "total_frames": 27690,
  "average_fps": 30.0,
  "target_fps": 30,
  "codec": "mp4v",
  "recording_path": "recordings/camera1/camera1_20260121_103000.mp4"
}
""")


def pictures(count: int, first: int = 1, size: tuple[int, int] = SIZE) -> list[bytes]:
    return [jpeg(number, *size) for number in range(first, first + count)]


# ---- the hub's side ----


def folder(hub: Hub) -> Path:
    return hub.folder / "recordings"


def recorder(hub: Hub, stream: str) -> dict:
    response = hub.get(f"/api/streams/{stream}/recording")
    assert response.status_code == 200, response.text
    return response.json()


def command(hub: Hub, stream: str, action: str) -> dict:
    response = requests.post(f"{hub.url}/api/streams/{stream}/recording", json={"action": action}, timeout=30)
    assert response.status_code == 200, response.text
    return response.json()


def listed(hub: Hub, **query: object) -> list[dict]:
    response = hub.get("/api/recordings", params=query)
    assert response.status_code == 200, response.text
    return response.json()["recordings"]


def only(hub: Hub, stream: str) -> dict:
    """The one recording that a stream has."""
    found = listed(hub, stream=stream)
    assert len(found) == 1, found
    return found[0]


def on_disk(hub: Hub, recording: dict) -> Path:
    return hub.folder / recording["recording_path"]


def metadata(hub: Hub, recording: dict) -> dict:
    """What the file beside the recording says."""
    return json.loads(on_disk(hub, recording).with_suffix(".json").read_text())


def wait_for_frames(hub: Hub, stream: str, count: int) -> dict:
    """Until so many are in the file."""

    def look() -> dict | None:
        now = recorder(hub, stream)
        assert now["total_frames"] >= count, now
        return now

    return eventually(look, f"{count} frames of {stream} are written")


def wait_for_status(hub: Hub, stream: str, status: str) -> dict:
    def look() -> dict:
        found = only(hub, stream)
        assert found["status"] == status, found
        return found

    return eventually(look, f"the recording of {stream} is {status}")


class Camera(SocketPublisher):
    """Publishes over a WebSocket; every frame is acknowledged before the next.

    Frames may be sent at once, with capture times as if they had been taken one after the other: the hub believes these
    up to a second away from the time of arrival.
    """

    def __init__(self, hub: Hub, stream: str, fps: float = 25):
        super().__init__(hub.ws, stream)
        self.hub = hub
        self.stream = stream
        self.interval = 1 / fps
        self.sent = 0
        self.captured = 0.0

    def shoot(self, frames: Iterable[bytes], captured: Iterable[float] | None = None) -> None:
        """`captured`: Unix seconds, one a frame; else they follow each other at the camera's rate."""
        times = iter(captured) if captured is not None else None
        for frame in frames:
            self.captured = next(times) if times else max(self.captured + self.interval, time.time())
            answer = self.send(frame, {"timestamp": self.captured})
            assert answer and answer["type"] == "ack", answer
            self.sent += 1
            if self.sent == 1:
                # What is published before the recorder looks is kept only as far as the buffer reaches back.
                eventually(lambda: recorder(self.hub, self.stream)["state"] != "off", "the recorder is there")

    def film(self, frames: Iterable[bytes]) -> None:
        """At the pace of its rate."""
        for frame in frames:
            time.sleep(max(0.0, self.captured + self.interval - time.time()))
            self.shoot([frame])


def record(hub: Hub, stream: str, frames: list[bytes], span: float = 0.9) -> dict:
    """A finished recording of the frames, captured evenly over `span` seconds and sent at once."""
    with Camera(hub, stream, len(frames) / span) as camera:
        now = time.time()
        camera.shoot(frames, (now + camera.interval * index for index in range(len(frames))))
    ended = command(hub, stream, "stop")
    assert ended["total_frames"] == len(frames), ended
    return only(hub, stream)


# ---- programs ----


def probe(path: Path) -> dict:
    """`{"streams": […], "format": {…}, "packets": […]}` as ffprobe sees it."""
    asked = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-show_packets", "-of", "json", str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"ffprobe {path}: {done.stderr}"
    return json.loads(done.stdout)


def times(path: Path) -> list[float]:
    """When each frame is shown, in seconds."""
    return [float(packet["pts_time"]) for packet in probe(path)["packets"]]


def assert_plays(path: Path) -> None:
    """ffmpeg decodes every frame and has nothing to remark."""
    played = ["ffmpeg", "-nostdin", "-v", "warning", "-i", str(path), "-fps_mode", "vfr", "-f", "null", "-"]
    done = subprocess.run(played, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"ffmpeg {path}: {done.stderr}"


def stored(path: Path) -> list[bytes]:
    """The samples as they are in the file, taken out by ffmpeg."""
    with tempfile.TemporaryDirectory() as where:
        copied = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-c", "copy", "-f", "image2", f"{where}/%06d"]
        done = subprocess.run(copied, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, f"ffmpeg {path}: {done.stderr}"
        return [file.read_bytes() for file in sorted(Path(where).iterdir())]


def opencv(path: Path) -> list[np.ndarray]:
    """Every frame as RGB, by `cv2.VideoCapture`."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            break
        frames.append(np.ascontiguousarray(frame[:, :, ::-1]))
    capture.release()
    return frames
