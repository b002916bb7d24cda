"""A publisher in the background: numbered frames at a steady rate, for tests of what watches them."""

from __future__ import annotations

import threading
import time

import requests

from .pictures import jpeg


class Feeder:
    """Posts to each of the streams in turn, `fps` times a second, until it is stopped.

    Frames cycle through `cycle` numbers. Refusals and broken connections are counted, not raised: a hub under test may
    be restarted meanwhile.
    """

    def __init__(self, url: str, *streams: str, fps: float = 10, cycle: int = 64, size: tuple[int, int] = (320, 240)):
        self.url = url
        self.streams = streams
        self.interval = 1 / fps
        self.frames = [jpeg(number, *size) for number in range(1, cycle + 1)]
        self.sent = 0
        self.failed = 0
        self.slowest = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        session = requests.Session()
        due = time.monotonic()
        round_number = 0
        while not self._stop.is_set():
            data = self.frames[round_number % len(self.frames)]
            for stream in self.streams:
                self._post(session, stream, data)
            round_number += 1
            due = max(due + self.interval, time.monotonic())
            self._stop.wait(max(0.0, due - time.monotonic()))

    def _post(self, session: requests.Session, stream: str, data: bytes) -> None:
        begun = time.monotonic()
        try:
            response = session.post(
                f"{self.url}/publish/{stream}", data=data, headers={"Content-Type": "image/jpeg"}, timeout=10
            )
            ok = response.status_code == 200
        except requests.RequestException:
            ok = False
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if ok:
            self.sent += 1
        else:
            self.failed += 1
