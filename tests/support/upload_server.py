"""A server for frame uploads that analyses nothing: it keeps what it receives, and can cut the connection after a number
of frames."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

RESULT = {"decision": {"winner": "left", "reason": "Right fencer retreated at 0.00s"}, "artifact_dir": "/tmp/x"}


@dataclass
class Session:
    start: dict
    frames: dict[int, bytes] = field(default_factory=dict)
    heads: list[dict] = field(default_factory=list)
    signal: bytes | None = None
    signal_name: str = ""
    ended: dict | None = None
    aborted: bool = False
    connections: int = 1

    @property
    def next_frame(self) -> int:
        return next(number for number in range(len(self.frames) + 1) if number not in self.frames)

    @property
    def state(self) -> str:
        if self.signal is not None:
            return "processing"
        return "receiving_frames" if self.ended is None else "frames_complete"


class UploadServer:
    """`with UploadServer(cuts=[5]) as server:` loses the connection once the fifth frame came, unacknowledged.

    `cuts` may also hold `session_end` and `signal`: the connection is lost when that message came. With `hold` there
    never is a result, without `acks` no frame is acknowledged. `refuse` is the code of an error that answers session_start, `bad` are frames that are refused.
    """

    def __init__(
        self,
        cuts: list[int | str] = (),
        refuse: str = "",
        bad: tuple[int, ...] = (),
        hold: bool = False,
        acks: bool = True,
    ):
        self.cuts = list(cuts)
        self.refuse = refuse
        self.bad = bad
        self.sessions: dict[str, Session] = {}
        self.forgets = False
        self.keys: list[str | None] = []
        self.hold = hold
        self.acks = acks
        self._server: Server = serve(self._talk, "127.0.0.1", 0, max_size=None, compression=None)
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> UploadServer:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join(10)

    @property
    def session(self) -> Session:
        (session,) = self.sessions.values()
        return session

    def _talk(self, socket: ServerConnection) -> None:
        self.keys.append(socket.request.headers.get("X-API-Key"))
        try:
            Talk(self, socket).run()
        except ConnectionClosed:
            pass


class Talk:
    def __init__(self, server: UploadServer, socket: ServerConnection):
        self.server = server
        self.socket = socket
        self.session: Session | None = None

    def say(self, kind: str, **members: object) -> None:
        message = {"type": kind, "session_id": self.session and self.session.start["session_id"]} | members
        self.socket.send(json.dumps(message))

    def run(self) -> None:
        for text in self.socket:
            message = json.loads(text)
            if not getattr(self, message["type"])(message):
                # No farewell: the cable is out.
                self.socket.socket.close()
                return

    def is_cut(self, at: int | str) -> bool:
        if self.server.cuts and self.server.cuts[0] == at:
            self.server.cuts.pop(0)
            if self.server.forgets:
                self.server.sessions.clear()
            return True
        return False

    def session_start(self, message: dict) -> bool:
        if self.server.refuse:
            self.error(self.server.refuse, "Maximum concurrent sessions reached")
            return True
        known = self.server.sessions.get(message["session_id"])
        if message.get("resume") and known:
            known.connections += 1
            self.session = known
            self.say("session_started", resumed=True, next_frame=known.next_frame, state=known.state)
            if known.state == "processing":
                self.process()
            return True
        self.session = self.server.sessions[message["session_id"]] = Session(message)
        self.say("session_started", **({"resumed": False} if message.get("resume") else {}))
        return True

    def error(self, code: str, words: str, recoverable: bool = False) -> None:
        self.say("error", error_code=code, error_message=words, recoverable=recoverable)

    def frame(self, message: dict) -> bool:
        payload = self.socket.recv()
        number = message["frame_number"]
        assert self.session and message["size"] == len(payload)
        self.session.heads.append(message)
        if number in self.server.bad:
            self.error("FRAME_PROCESSING_FAILED", f"Failed to decode frame {number}", recoverable=True)
            self.say("frame_ack", frame_number=number, status="error")
            return True
        status = "duplicate" if number in self.session.frames else "received"
        self.session.frames[number] = payload
        if self.is_cut(len(self.session.frames)):
            return False
        if self.server.acks:
            self.say("frame_ack", frame_number=number, status=status)
        return True

    def session_end(self, message: dict) -> bool:
        self.session.ended = message
        if self.is_cut("session_end"):
            return False
        missing = message["total_frames"] - len(self.session.frames)
        issues = [f"{missing} frames are missing"] if missing else []
        self.say("session_ended", validation=validation(len(self.session.frames), issues, missing))
        return True

    def signal(self, message: dict) -> bool:
        self.session.signal = self.socket.recv()
        self.session.signal_name = message["filename"]
        if self.is_cut("signal"):
            return False
        self.say("signal_ack", status="received")
        self.process()
        return True

    def process(self) -> None:
        self.say("process_start")
        for stage in ("video_reconstruction", "fisheye", "yolo", "decision", "overlay"):
            self.say("process_progress", stage=stage, progress=0.5, message=f"{stage} under way")
            self.say("process_progress", stage=stage, progress=1.0, message=f"{stage} done")
        if not self.server.hold:
            self.say("process_complete", result=RESULT)

    def session_abort(self, _message: dict) -> bool:
        self.session.aborted = True
        return True

    def ping(self, _message: dict) -> bool:
        self.say("pong")
        return True


def validation(frames: int, issues: list[str], missing: int) -> dict:
    return {
        "valid": not issues,
        "issues": issues,
        "frame_count": frames,
        "missing_frames": missing,
        "duplicate_frames": 0,
        "out_of_order_frames": 0,
        "has_signal": False,
    }
