"""The programs that people read MJPEG with: OpenCV and ffmpeg. Each notes what it was handed over, and when."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass

import cv2

from .pictures import number_of, read_number
from .waiting import PATIENCE, eventually


@dataclass
class Handed:
    number: int | None
    at: float
    jpeg: bytes = b""


class Reader:
    """Reads in a thread of its own."""

    def __init__(self) -> None:
        self.handed: list[Handed] = []
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self.read()
        finally:
            self.ended.set()

    def read(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    @property
    def numbers(self) -> list[int | None]:
        return [handed.number for handed in list(self.handed)]

    def wait_for(self, number: int, timeout: float = PATIENCE) -> Handed:
        return eventually(
            lambda: next((handed for handed in list(self.handed) if handed.number == number), None),
            f"{type(self).__name__} is handed frame {number} (so far {self.numbers})",
            timeout,
        )


class OpenCv(Reader):
    """`cv2.VideoCapture(url)`, as every tutorial has it."""

    def __init__(self, url: str):
        super().__init__()
        self.url = url
        self._stop = False

    def read(self) -> None:
        capture = cv2.VideoCapture(self.url, cv2.CAP_FFMPEG)
        while not self._stop:
            ok, frame = capture.read()
            if not ok:
                break
            self.handed.append(Handed(read_number(frame), time.monotonic()))
        capture.release()

    def close(self) -> None:
        # OpenCV cannot be interrupted: the thread ends with the next frame, or when the hub does.
        self._stop = True


class Ffmpeg(Reader):
    """`ffmpeg -i URL`, its packets passed on as they are, so that bytes can be compared too."""

    def __init__(self, url: str, *input_options: str):
        super().__init__()
        self.process = subprocess.Popen(
            [
                "ffmpeg",
                "-loglevel",
                "error",
                *input_options,
                "-i",
                url,
                "-c",
                "copy",
                "-f",
                "mjpeg",
                "-flush_packets",
                "1",
                "-",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def read(self) -> None:
        assert self.process.stdout
        pending = b""
        while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
            pending += chunk
            # Our pictures have no end marker inside (no thumbnails).
            while (end := pending.find(b"\xff\xd9")) >= 0:
                jpeg, pending = pending[: end + 2], pending[end + 2 :]
                self.handed.append(Handed(number_of(jpeg), time.monotonic(), jpeg))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._thread.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()
