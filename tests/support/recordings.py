"""Recordings to test with, made as people make them: by publishing, and ending the recording."""

from __future__ import annotations

import requests

from .feeder import Feeder
from .hub import Hub
from .waiting import eventually


def recorder(hub: Hub, stream: str) -> dict:
    """What the hub says about a stream's recorder."""
    response = hub.get(f"/api/streams/{stream}/recording")
    assert response.status_code == 200, response.text
    return response.json()


def command(hub: Hub, stream: str, action: str) -> dict:
    """Starts or stops a stream's recording."""
    response = requests.post(f"{hub.url}/api/streams/{stream}/recording", json={"action": action}, timeout=30)
    assert response.status_code == 200, response.text
    return response.json()


def recordings(hub: Hub, stream: str = "") -> list[dict]:
    """All recordings, or one stream's, oldest first."""
    response = hub.get("/api/recordings", params={"stream": stream, "order": "oldest", "limit": 1000})
    assert response.status_code == 200, response.text
    return response.json()["recordings"]


def wait_for_frames(hub: Hub, stream: str, frames: int) -> None:
    eventually(lambda: recorder(hub, stream).get("total_frames", 0) >= frames, f"{frames} frames recorded of {stream}")


def record(hub: Hub, *streams: str, frames: int = 20, fps: float = 10) -> list[dict]:
    """Publishes to the streams until so many frames of each are recorded; gives the finished recordings.

    The frames are numbered from 1.
    """
    with Feeder(hub.url, *streams, fps=fps):
        for stream in streams:
            wait_for_frames(hub, stream, frames)
        for stream in streams:
            command(hub, stream, "stop")
    for stream in streams:
        eventually(
            lambda: all(one["status"] != "recording" for one in recordings(hub, stream)), f"an end of {stream}'s file"
        )
    return [recordings(hub, stream)[-1] for stream in streams]
