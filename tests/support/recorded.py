"""Finished recordings of moving streams, for tests that look at them in a browser."""

from __future__ import annotations

from .feeder import Feeder
from .hub import Hub
from .recordings import command, wait_for_frames
from .waiting import eventually


def recordings(hub: Hub, stream: str = "") -> list[dict]:
    """All recordings, or one stream's, oldest first."""
    response = hub.get("/api/recordings", params={"stream": stream, "order": "oldest", "limit": 1000})
    assert response.status_code == 200, response.text
    return response.json()["recordings"]


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
