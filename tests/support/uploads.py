"""A client of the frame upload, message by message, so that tests can leave out or spoil any of them."""

from __future__ import annotations

import json
from contextlib import suppress

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from .hub import Hub
from .pictures import jpeg
from .sockets import open_socket
from .waiting import PATIENCE


class Upload:
    """`with Upload(hub) as upload: upload.start("phrase1"); upload.frame(0); …`"""

    def __init__(self, hub: Hub, **kwargs: object):
        self.socket: ClientConnection = open_socket(hub.ws + "/stream", **kwargs)
        self.id = ""

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_exception: object) -> None:
        """Leaves no session behind, unless the connection is gone already."""
        with suppress(ConnectionClosed):
            self.say("session_abort")
        self.socket.close()

    def say(self, kind: str, payload: bytes | None = None, **members: object) -> None:
        if self.id and kind != "ping":
            members = {"session_id": self.id} | members
        self.socket.send(json.dumps({"type": kind} | members))
        if payload is not None:
            self.socket.send(payload)

    def hear(self) -> dict:
        return json.loads(self.socket.recv(timeout=PATIENCE))

    def start(self, session_id: str, **members: object) -> dict:
        self.say("session_start", session_id=session_id, **({"fps": 30.0, "width": 64, "height": 48} | members))
        answer = self.hear()
        if answer["type"] == "session_started":
            self.id = session_id
        return answer

    def send_frame(self, number: int, payload: bytes | None = None, **members: object) -> None:
        payload = jpeg(number) if payload is None else payload
        head = {"frame_number": number, "timestamp": 1_700_000_000.5 + number, "encoding": "jpeg", "size": len(payload)}
        self.say("frame", payload, **(head | members))

    def frame(self, number: int, payload: bytes | None = None, **members: object) -> dict:
        self.send_frame(number, payload, **members)
        return self.hear()

    def frames(self, numbers: range) -> None:
        for number in numbers:
            assert self.frame(number)["status"] == "received"

    def end(self, total: int | None = None) -> dict:
        self.say("session_end", total_frames=total)
        return self.hear()

    def signal(self, log: bytes, filename: str = "phrase.txt") -> dict:
        self.say("signal", log, filename=filename, size=len(log))
        return self.hear()

    def outcome(self) -> dict:
        """The last message of the processing; what comes before is its start and its progress."""
        assert self.hear()["type"] == "process_start"
        while (message := self.hear())["type"] == "process_progress":
            assert 0 <= message["progress"] <= 1 and message["stage"] and isinstance(message["message"], str)
        return message


def sessions(hub: Hub) -> dict:
    return hub.get("/streaming/stats").json()["sessions"]
