"""A reader of MJPEG over HTTP that keeps everything: response headers, raw bytes, and the parts with their times."""

from __future__ import annotations

import functools
import http.client
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from .pictures import number_of
from .waiting import PATIENCE, eventually

DELIMITER = b"--frame"


@dataclass
class Part:
    headers: dict[str, str]
    jpeg: bytes
    at: float

    @functools.cached_property
    def number(self) -> int | None:
        return number_of(self.jpeg)

    @property
    def seq(self) -> int:
        return int(self.headers["x-frame-seq"])


def rate(parts: list[Part]) -> float:
    """Frames a second, by when they arrived. On a busy machine the first may come late, so a cap seems half as high again."""
    return (len(parts) - 1) / (parts[-1].at - parts[0].at)


class MjpegReader:
    """Reads in a thread of its own until closed, or until the hub ends the body."""

    def __init__(self, url: str, headers: dict[str, str] | None = None):
        target = urlsplit(url)
        self.connection = http.client.HTTPConnection(target.hostname, target.port, timeout=PATIENCE)
        path = target.path + (f"?{target.query}" if target.query else "")
        self.connection.request("GET", path, headers=headers or {})
        # The socket leaves the connection when the body has no known end, so it is kept here for closing.
        self.socket = self.connection.sock
        self.response = self.connection.getresponse()
        self.status = self.response.status
        assert self.status == 200, f"{url}: {self.status} {self.response.read(500)!r}"
        self.raw = bytearray()
        self.parts: list[Part] = []
        self.ended = threading.Event()
        self.clean_end = False
        self._at = 0
        self._closing = False
        self.socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> MjpegReader:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing = True
        try:
            self.socket.shutdown(2)
        except OSError:
            pass
        self._thread.join(5)
        self.response.close()
        self.connection.close()

    def _read(self) -> None:
        try:
            while chunk := self.response.read1(1 << 16):
                self.raw += chunk
                self._parse(time.monotonic())
            self.clean_end = True
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            self.clean_end = False
        self.ended.set()

    def _parse(self, now: float) -> None:
        while True:
            begin = self.raw.find(DELIMITER + b"\r\n", self._at)
            if begin < 0:
                return
            head_end = self.raw.find(b"\r\n\r\n", begin)
            if head_end < 0:
                return
            lines = self.raw[begin:head_end].decode("latin-1").split("\r\n")[1:]
            headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
            body = head_end + 4
            if "content-length" in headers:
                end = body + int(headers["content-length"])
                if len(self.raw) < end:
                    return
            else:
                end = self.raw.find(b"\r\n" + DELIMITER, body)
                if end < 0:
                    return
            self._at = end
            self.parts.append(Part(headers, bytes(self.raw[body:end]), now))

    # ---- asking ----

    @property
    def numbers(self) -> list[int | None]:
        return [part.number for part in list(self.parts)]

    def wait_for_number(self, number: int, timeout: float = PATIENCE) -> Part:
        return eventually(
            lambda: next((part for part in list(self.parts) if part.number == number), None),
            f"frame {number} over MJPEG (so far {self.numbers})",
            timeout,
        )

    def wait_for_parts(self, count: int, timeout: float = PATIENCE) -> list[Part]:
        eventually(lambda: len(self.parts) >= count, f"{count} parts over MJPEG", timeout)
        return self.parts[:count]

    def wait_for_end(self, timeout: float = PATIENCE) -> None:
        assert self.ended.wait(timeout), "the hub did not end the stream"
