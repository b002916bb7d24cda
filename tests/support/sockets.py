"""WebSocket clients of the hub: the plain view, and the wall with its credit."""

from __future__ import annotations

import json
import struct
import threading
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .pictures import number_of
from .waiting import PATIENCE, eventually


def open_socket(url: str, **kwargs: object) -> ClientConnection:
    """To be closed by the caller."""
    options = {"max_size": None, "compression": None, "open_timeout": PATIENCE, "close_timeout": 5} | kwargs
    return connect(url, **options).__enter__()


class SocketReader:
    """Collects messages in a thread of its own: text parsed as JSON, and binary."""

    def __init__(self, url: str, **kwargs: object):
        self.socket = open_socket(url, **kwargs)
        self.texts: list[dict] = []
        self.binaries: list[bytes] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()
        self._thread.join(10)

    def _read(self) -> None:
        try:
            for message in self.socket:
                if isinstance(message, str):
                    self.texts.append(json.loads(message))
                else:
                    self.took(message)
        except ConnectionClosed:
            pass
        self.ended.set()

    def took(self, message: bytes) -> None:
        self.binaries.append(message)

    def say(self, message: object) -> None:
        self.socket.send(json.dumps(message))

    def of_type(self, kind: str) -> list[dict]:
        return [message for message in list(self.texts) if message["type"] == kind]

    def wait_for_text(self, kind: str, count: int = 1) -> dict:
        eventually(lambda: len(self.of_type(kind)) >= count, f"{count} messages of type {kind}")
        return self.of_type(kind)[count - 1]

    def wait_for_end(self) -> tuple[int | None, str | None]:
        assert self.ended.wait(PATIENCE), "the hub did not close the WebSocket"
        return self.socket.close_code, self.socket.close_reason


@dataclass
class WallFrame:
    header: dict
    jpeg: bytes

    @property
    def number(self) -> int | None:
        return number_of(self.jpeg)


class Wall(SocketReader):
    """`/api/wall`: `acknowledge=False` is a browser that paints nothing."""

    def __init__(self, hub_ws: str, acknowledge: bool = True, **kwargs: object):
        self.frames: list[WallFrame] = []
        self.acknowledge = acknowledge
        super().__init__(hub_ws + "/api/wall", **kwargs)

    def took(self, message: bytes) -> None:
        (length,) = struct.unpack(">H", message[:2])
        frame = WallFrame(json.loads(message[2 : 2 + length]), message[2 + length :])
        self.frames.append(frame)
        if self.acknowledge:
            self.shown(frame)

    def watch(self, *names: str, **wishes: dict) -> None:
        self.say({"type": "watch", "streams": {name: {} for name in names} | wishes})

    def shown(self, frame: WallFrame) -> None:
        self.say({"type": "shown", "stream": frame.header["stream"], "seq": frame.header["seq"]})

    def of(self, stream: str) -> list[WallFrame]:
        return [frame for frame in list(self.frames) if frame.header["stream"] == stream]

    def wait_for_number(self, stream: str, number: int) -> WallFrame:
        return eventually(
            lambda: next((frame for frame in self.of(stream) if frame.number == number), None),
            f"frame {number} of {stream} on the wall",
        )
