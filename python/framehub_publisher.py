"""Publish frames to a Framehub from any Python, from CPython 3.8 on: one file, nothing to compile.

Copy it beside your script if the package `framehub` cannot be installed (Isaac Gym is tied to CPython 3.8). It needs
numpy, and OpenCV or Pillow to encode JPEGs. The class is the same as the package's::

    from framehub_publisher import StreamPublisher

    with StreamPublisher("http://localhost:5000", "training") as publisher:
        while training:
            step()
            if publisher.wanted():
                publisher.publish_frame(render(), metadata={"reward": reward})

A thread encodes the newest frame and posts it over one persistent connection. `publish_frame` copies the frame
and returns; it never waits for the network, and network problems never make it raise.
"""

from __future__ import annotations

import atexit
import functools
import http.client
import io
import json
import logging
import os
import random
import re
import socket
import ssl
import sys
import threading
import time
import weakref
from collections import deque
from typing import Any, Callable, Mapping, NamedTuple
from urllib.parse import urlsplit

import numpy as np

__all__ = ["OpenCVPublisher", "StreamPublisher"]

logger = logging.getLogger("framehub")

#: A valid name of a stream.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Bytes of a frame's metadata as JSON; the hub refuses more.
_MOST_METADATA_BYTES = 4096
#: Timeout of the hub's answer to a frame. A slow link needs seconds for a large one; longer silence means a dead peer.
_ANSWER_TIMEOUT = 10.0
#: The pause before the second attempt to reach a hub; doubled each time.
_FIRST_RETRY = 0.25
#: How old an answer of `wanted()` may be while the program keeps calling it.
_DEMAND_EVERY = 0.5
#: After this time without a call of `wanted()`, the hub is not asked any more.
_DEMAND_FORGOTTEN = 10.0
#: Frames between two adjustments of the quality; the time of sending is averaged over as many.
_ADAPT_EVERY = 10
#: Below this, JPEG shows blocks and saves little.
_LOWEST_QUALITY = 30
_QUALITY_STEP = 5
#: The same problem is logged once in this time.
_QUIET_SECONDS = 10.0
#: How long `stop` waits for the last frame before it breaks the connection.
_FAREWELL = 2.0
#: Separates the picture from the rest of the form; too long to occur in a JPEG by chance.
_BOUNDARY = "framehub-7d1f3a5c9b42e806"


_COUNTERS = ("total_frames", "skipped_frames", "dropped_frames", "failed_frames", "bytes_sent", "reconnects")
#: A stream without frames is removed after a while, and an old picture is useless.
_PICTURE_EVERY = 60.0


class _Frame(NamedTuple):
    picture: np.ndarray
    #: Whether the channels are blue, green, red.
    bgr: bool
    #: Header lines of the frame's part.
    headers: tuple[str, ...]


class _Refused(Exception):
    """The hub refused what it was sent."""

    def __init__(self, status: int, message: str, retry_after: float | None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.retry_after = retry_after

    def is_about_this_frame(self) -> bool:
        """Whether the next frame may be accepted."""
        return self.status in (413, 415)


class StreamPublisher:
    """Publishes frames into one stream of a hub.

    Args:
        server_url: The hub, such as ``http://localhost:5000``; ``https`` and a base path work, too.
        stream_name: 1 to 64 letters, digits, ``_`` or ``-``. The first frame creates the stream.
        quality: JPEG quality, 1 (small) to 100 (best).
        max_fps: Frames a second at most; frames that come sooner are skipped. None or 0: no limit.
        retry_delay: The longest pause between two attempts to reach the hub, in seconds.
        adaptive: Whether to lower the quality, to 30 at least, while the link is too slow for the frames.
        max_queue_size: Accepted for compatibility and not used: only the newest frame waits.
        api_key: A key that may publish, if the hub has keys.
        bgr: Whether frames have OpenCV's order: blue, green, red. Can also be set for each frame. None: they are red,
            green, blue, and a process that uses OpenCV is warned once.

    Raises:
        ValueError: For an invalid URL, name or number.
    """

    def __init__(
        self,
        server_url: str,
        stream_name: str,
        quality: int = 85,
        max_fps: float | None = 30,
        retry_delay: float = 5,
        adaptive: bool = True,
        max_queue_size: int = 1,
        *,
        api_key: str | None = None,
        bgr: bool | None = None,
    ) -> None:
        if not isinstance(stream_name, str) or not _NAME.fullmatch(stream_name):
            raise ValueError(f"stream_name is {stream_name!r}: use 1 to 64 letters, digits, '_' or '-'")
        if not 1 <= quality <= 100:
            raise ValueError(f"quality is {quality!r}: use 1 to 100")
        if max_fps is not None and not 0 <= max_fps <= 1000:
            raise ValueError(f"max_fps is {max_fps!r}: use frames a second, up to 1000, or None for no limit")
        if not 0 <= retry_delay < float("inf"):
            raise ValueError(f"retry_delay is {retry_delay!r}: use seconds, 0 or more")
        if max_queue_size < 1:
            raise ValueError(f"max_queue_size is {max_queue_size!r}: use 1 or more")
        self.server_url = server_url
        self.stream_name = stream_name
        self.retry_delay = retry_delay
        self.quality = int(quality)
        self.adaptive = adaptive
        self.bgr = bgr
        self._hub = _Hub(server_url, stream_name, api_key)
        self._interval = 1 / max_fps if max_fps else 0.0
        self._encode: Callable[[np.ndarray, bool, int], bytes] | None = None
        self._started_at: float | None = None
        self._running = False
        self._closed = False
        self._stand_up()
        _publishers.add(self)

    def _stand_up(self) -> None:
        """The state that belongs to one process: the lock, the thread, the waiting frame."""
        self._changed = threading.Condition()
        self._totals = dict.fromkeys(_COUNTERS, 0)
        self._last_error: str | None = None
        self._thread: threading.Thread | None = None
        self._waiting: _Frame | None = None
        self._next_due = 0.0
        self._current_quality = self.quality
        self._send_times: deque[float] = deque(maxlen=_ADAPT_EVERY)
        self._since_adapted = 0
        #: When the hub accepted each of the last frames.
        self._sent_at: deque[float] = deque(maxlen=1000)
        self._wanted = False
        self._readers: tuple[int, int] | None = None
        self._asked_at = float("-inf")
        self._demand_known_at = float("-inf")
        self._retry_at = float("-inf")
        self._attempts = 0
        self._told: dict[str, float] = {}

    # ---- what a script calls ----

    def start(self) -> StreamPublisher:
        """Starts the thread that encodes and sends. Optional: the first frame does it, too. After `stop` it starts
        again. If the hub cannot be reached yet, this is not an error: the thread keeps trying.

        Returns:
            The publisher itself.

        Raises:
            ImportError: Neither OpenCV nor Pillow is installed.
        """
        if self._encode is None:
            self._encode = _encoder()
        with self._changed:
            self._running, self._closed = True, False
            if self._started_at is None:
                self._started_at = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="framehub-" + self.stream_name, daemon=True)
                self._thread.start()
        return self

    def publish_frame(
        self,
        frame: np.ndarray | None,
        *,
        captured: float | None = None,
        metadata: Mapping[str, Any] | None = None,
        bgr: bool | None = None,
    ) -> bool:
        """Hands a frame over, replacing one that still waits. The frame is copied: the array may be reused at once.

        Args:
            frame: height×width×3 or ×4 (RGB, or blue first with `bgr`; a fourth channel is left out) or height×width (grey);
                uint8, or floats from 0 to 1.
            captured: The time at which it was taken, in Unix seconds.
            metadata: Sent with the frame to viewers and recordings; the page shows it. At most 4 kB as JSON. It may
                contain numpy numbers; NaN and infinity become null.
            bgr: The order of this frame's channels. None: as set for the publisher.

        Returns:
            Whether the frame was accepted. False: it comes sooner than `max_fps` allows, or it is None. An accepted frame is sent
            unless a newer one replaces it first, or the hub cannot be reached.

        Raises:
            TypeError, ValueError: The array is not such a frame (the message says what is accepted), JSON cannot
                represent the metadata, or the publisher is closed.
        """
        if frame is None:
            _warn_once(f"stream '{self.stream_name}': the frame is None; frames that are missing are passed over")
            return False
        headers = _headers(captured, metadata)
        _check(frame)
        bgr = _order(self.bgr if bgr is None else bgr)
        if self._closed:
            raise ValueError("the publisher is closed: call start() before publishing again")
        if self._thread is None:
            # The first frame, or the first after a fork: the parent's thread stayed with the parent.
            self.start()
        with self._changed:
            if not self._is_due():
                self._totals["skipped_frames"] += 1
                return False
            now = time.monotonic()
            self._next_due = max(self._next_due, now - self._interval / 4) + self._interval
        picture = _copy(frame)
        with self._changed:
            if self._waiting is not None:
                self._totals["dropped_frames"] += 1
            self._waiting = _Frame(picture, bgr, headers)
            self._changed.notify()
        return True

    publish = publish_frame

    def wanted(self) -> bool:
        """Whether a frame published now would be seen: render only if it is.

        True while the hub is connected, someone watches or records the stream, and `max_fps` allows a frame. The first
        frame is always wanted, because without it there is no stream to watch, and one frame a minute, so that the
        stream stays listed and its picture is not too old. False while the hub cannot be reached, and after `stop`.
        With a key that may publish but not view, every frame is wanted.

        It returns at once, with an answer that is at most half a second old: the thread asks the hub in the background.
        """
        if self._closed:
            return False
        if self._thread is None:
            self.start()
        with self._changed:
            now = time.monotonic()
            begins = now - self._asked_at > _DEMAND_EVERY
            self._asked_at = now
            if begins:
                self._changed.notify()
            return self._demand_known_at > float("-inf") and (self._wanted or self._is_old()) and self._is_due()

    def get_stats(self) -> dict[str, Any]:
        """Counters of frames, and the state of the connection. After a fork the child has its own.

        Each published frame is counted in one of these: ``total_frames`` were sent, ``skipped_frames`` came sooner
        than `max_fps` allows, ``dropped_frames`` were replaced by a newer one or came while the hub could not be reached,
        ``failed_frames`` were lost with their connection or refused by the hub, ``queue_size`` (0 or 1) are waiting.

        Also: ``stream_name``, ``server_url``, ``is_running``, ``connected``, ``uptime_seconds``,
        ``bytes_sent``, ``queue_max``, ``queue_utilization_pct``, ``avg_send_time_ms`` (of the last ten),
        ``current_fps`` (sent, over the last two seconds), ``base_quality``, ``current_quality``, ``reconnects``,
        ``viewers`` and ``services`` (recorders and analyses that read the stream; None while unknown),
        ``last_error`` (a sentence, or None).
        """
        with self._changed:
            now = time.monotonic()
            times = list(self._send_times)
            queued = int(self._waiting is not None)
            viewers, services = self._readers or (None, None)
            return {
                "stream_name": self.stream_name,
                "server_url": self.server_url,
                "is_running": self._running,
                "connected": self._hub.is_connected(),
                "uptime_seconds": 0.0 if self._started_at is None else now - self._started_at,
                **self._totals,
                "queue_size": queued,
                "queue_max": 1,
                "queue_utilization_pct": 100.0 * queued,
                "avg_send_time_ms": 1000 * sum(times) / len(times) if times else 0.0,
                "current_fps": sum(at > now - 2 for at in self._sent_at) / 2,
                "base_quality": self.quality,
                "current_quality": self._current_quality,
                "viewers": viewers,
                "services": services,
                "last_error": self._last_error,
            }

    def stop(self) -> None:
        """Sends the last frame, if that is quick, and closes. Takes a few seconds at most, whatever the hub does. Also
        called when the interpreter exits; calling it again has no effect."""
        with self._changed:
            self._running = False
            self._closed = True
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is None or thread is threading.current_thread():
            return
        thread.join(_FAREWELL)
        if thread.is_alive():
            # A send that hangs.
            self._hub.break_off()
            thread.join(_FAREWELL)

    def __enter__(self) -> StreamPublisher:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    # ---- pace ----

    def _is_due(self) -> bool:
        # Up to a quarter of an interval early is accepted: a loop at exactly this rate would otherwise lose frames.
        return time.monotonic() >= self._next_due - self._interval / 4

    def _is_old(self) -> bool:
        """Whether the last frame was sent long ago, or never."""
        return not self._sent_at or time.monotonic() - self._sent_at[-1] > _PICTURE_EVERY

    # ---- the thread ----

    def _run(self) -> None:
        thread = threading.current_thread()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._has_work(thread), self._until_next())
                    ended = self._thread is not thread
                    frame = self._take()
                    asked = self._demand_is_due()
                if frame is not None:
                    self._attempt(functools.partial(self._send, frame))
                elif asked and not ended:
                    self._attempt(self._ask)
                if ended:
                    return
        finally:
            self._hub.close()

    def _has_work(self, thread: threading.Thread) -> bool:
        if self._thread is not thread:
            return True
        return time.monotonic() >= self._retry_at and (self._waiting is not None or self._demand_is_due())

    def _until_next(self) -> float | None:
        """Seconds until there may be work without a call; None: never."""
        now = time.monotonic()
        asked = now - self._asked_at < _DEMAND_FORGOTTEN
        if now < self._retry_at:
            return self._retry_at - now
        return max(0.0, self._demand_known_at + _DEMAND_EVERY - now) if asked else None

    def _demand_is_due(self) -> bool:
        now = time.monotonic()
        return now - self._asked_at < _DEMAND_FORGOTTEN and now >= self._demand_known_at + _DEMAND_EVERY

    def _take(self) -> _Frame | None:
        if time.monotonic() < self._retry_at:
            return None
        frame, self._waiting = self._waiting, None
        return frame

    def _attempt(self, work: Callable[[], None]) -> None:
        """Does something with the hub; if that fails, pauses before the next attempt."""
        try:
            work()
        except _Refused as refused:
            self._failed(refused, refused.retry_after, wait=not refused.is_about_this_frame())
        except (OSError, http.client.HTTPException) as error:
            self._hub.close()
            self._failed(error, None, wait=True)
        except Exception as error:  # noqa: BLE001  # no error here may end the training
            self._failed(error, None, wait=True)
        else:
            with self._changed:
                self._attempts = 0

    def _failed(self, error: Exception, retry_after: float | None, wait: bool) -> None:
        with self._changed:
            self._last_error = f"{self._hub.url}: {str(error) or type(error).__name__}"
            if wait:
                delay = max(_FIRST_RETRY * 2 ** min(self._attempts, 16), retry_after or 0.0)
                self._attempts += 1
                # Random, so that many publishers do not return to a restarted hub at the same moment.
                self._retry_at = time.monotonic() + min(delay, self.retry_delay) * random.uniform(0.75, 1.0)
                self._wanted = False
                self._readers = None
                self._demand_known_at = float("-inf")
            last_error = self._last_error
            quiet = time.monotonic() - self._told.get(type(error).__name__, float("-inf")) < _QUIET_SECONDS
            if not quiet:
                self._told[type(error).__name__] = time.monotonic()
        if not quiet:
            logger.warning("%s", last_error)

    def _send(self, frame: _Frame) -> None:
        with self._changed:
            quality = self._current_quality
        assert self._encode is not None
        try:
            jpeg = self._encode(frame.picture, frame.bgr, quality)
            begun = time.monotonic()
            self._hub.post(jpeg, frame.headers)
        except BaseException:
            with self._changed:
                self._totals["failed_frames"] += 1
            raise
        with self._changed:
            now = time.monotonic()
            self._totals["total_frames"] += 1
            self._totals["bytes_sent"] += len(jpeg)
            self._totals["reconnects"] = max(0, self._hub.opened - 1)
            self._sent_at.append(now)
            self._send_times.append(now - begun)
            self._adapt()

    def _adapt(self) -> None:
        """Lowers the quality while sending a frame takes longer than the interval between frames, and raises it again."""
        if not self.adaptive or not self._interval:
            return
        self._since_adapted += 1
        if self._since_adapted < _ADAPT_EVERY:
            return
        self._since_adapted = 0
        average = sum(self._send_times) / len(self._send_times)
        if average > self._interval:
            lowest = min(_LOWEST_QUALITY, self.quality)
            # Far too slow: single steps would leave viewers with old pictures for too long.
            steps = 2 if average > 2 * self._interval else 1
            self._current_quality = max(lowest, self._current_quality - steps * _QUALITY_STEP)
        elif average < self._interval / 2:
            self._current_quality = min(self.quality, self._current_quality + _QUALITY_STEP)

    def _ask(self) -> None:
        self._readers = self._hub.readers()
        with self._changed:
            self._wanted = self._readers is None or sum(self._readers) > 0
            self._demand_known_at = time.monotonic()


class OpenCVPublisher(StreamPublisher):
    """The same for frames in OpenCV's order (blue, green, red): those of `cv2.VideoCapture`, as they are."""

    def __init__(self, server_url: str, stream_name: str, *args: Any, bgr: bool | None = True, **options: Any) -> None:
        super().__init__(server_url, stream_name, *args, bgr=bgr, **options)


class _Hub:
    """One persistent connection to the hub; used by one thread."""

    def __init__(self, server_url: str, stream_name: str, api_key: str | None) -> None:
        # What stands around an @, behind a ? or in the place of a port may be a password.
        is_secret = isinstance(server_url, str) and any(mark in server_url for mark in "@?#")
        shown = "no hub's address" if is_secret else repr(server_url)
        hint = f"server_url is {shown}: use something like http://localhost:5000"
        try:
            parts = urlsplit(server_url)
            port = parts.port
        except ValueError:
            raise ValueError("server_url has no number as its port: use something like http://localhost:5000") from None
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{hint} ({error})") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(hint)
        if parts.username is not None:
            raise ValueError("server_url holds a user name: give the key as api_key")
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("api_key holds characters that no header can carry")
        self.url = f"{parts.scheme}://{parts.netloc}"
        base = parts.path.rstrip("/")
        self._publish_path = f"{base}/publish/{stream_name}"
        self._stats_path = f"{base}/api/streams/{stream_name}/stats"
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._host, self._port = parts.hostname, port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._connection: http.client.HTTPConnection | None = None
        #: Connections so far.
        self.opened = 0

    def post(self, jpeg: bytes, headers: tuple[str, ...]) -> None:
        """Sends a frame as a form, which every server with such a route accepts."""
        lines = ("--" + _BOUNDARY, 'Content-Disposition: form-data; name="frame"; filename="frame.jpg"')
        head = "\r\n".join(lines + ("Content-Type: image/jpeg",) + headers + ("", "")).encode("ascii")
        body = b"".join((head, jpeg, (f"\r\n--{_BOUNDARY}--\r\n").encode("ascii")))
        content_type = "multipart/form-data; boundary=" + _BOUNDARY
        status, answer, retry_after = self._request("POST", self._publish_path, body, content_type)
        if status != 200:
            raise _Refused(status, _words(answer), retry_after)

    def readers(self) -> tuple[int, int] | None:
        """The numbers of viewers and of services such as recorders; None if the hub does not say."""
        status, answer, retry_after = self._request("GET", self._stats_path, None, None)
        if status == 200:
            stats = json.loads(answer.decode("utf-8"))
            # Other servers count only viewers.
            return int(stats["viewer_count"]), int(stats.get("service_count", 0))
        if status in (401, 403, 404):
            # No right to view: then every frame is wanted. No stream: its first frame creates it.
            return None
        raise _Refused(status, _words(answer), retry_after)

    def _request(
        self, method: str, path: str, body: bytes | None, content_type: str | None
    ) -> tuple[int, bytes, float | None]:
        headers = dict(self._headers)
        if content_type:
            headers["Content-Type"] = content_type
        reused = self._connection is not None
        try:
            return self._exchange(method, path, body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if not reused:
                raise
            # The hub may just have closed an idle connection: not an error yet.
            return self._exchange(method, path, body, headers)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, float | None]:
        connection = self._connection or self._open()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read(1 << 20)
        if response.will_close or not response.isclosed():
            self.close()
        retry_after = response.getheader("Retry-After", "")
        return response.status, answer, float(retry_after) if retry_after.isdigit() else None

    def _open(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection
        if self._tls is not None:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=_ANSWER_TIMEOUT, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_ANSWER_TIMEOUT)
        self._connection = connection
        self.opened += 1
        return connection

    def is_connected(self) -> bool:
        connection = self._connection
        return connection is not None and connection.sock is not None

    def break_off(self) -> None:
        """For another thread: makes everything that waits for the socket fail at once."""
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # gone already

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _words(answer: bytes) -> str:
    """The hub's error message."""
    text = answer.decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text[:200] or "without a word"


# ---- frames ----


def _check(frame: Any) -> None:
    if not isinstance(frame, np.ndarray):
        kind = type(frame).__module__ + "." + type(frame).__name__
        if hasattr(frame, "detach"):
            raise TypeError(f"the frame is a {kind}: give frame.detach().cpu().numpy()")
        raise TypeError(f"the frame is a {kind}: give a numpy array of height×width×3 or height×width")
    given = f"the frame has shape {frame.shape} and dtype {frame.dtype}"
    if frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] not in (1, 3, 4)):
        if frame.ndim == 3 and frame.shape[0] in (1, 3):
            raise ValueError(given + ": give frame.transpose(1, 2, 0), for channels come last")
        raise ValueError(given + ": expected height×width×3, height×width×4 or height×width")
    if 0 in frame.shape:
        raise ValueError(given + ": it has no pixels")
    if max(frame.shape[:2]) > 65500:
        raise ValueError(given + ": JPEG ends at 65500 pixels a side")
    if frame.dtype == np.uint8:
        return
    if frame.dtype.kind != "f":
        raise ValueError(given + ": expected uint8 (0 to 255) or float (0 to 1)")
    low, high = float(frame.min()), float(frame.max())
    # Also false for NaN.
    if not (low >= 0.0 and high <= 1.0):
        raise ValueError(f"{given} and values from {low:g} to {high:g}: floats are to be from 0 to 1")


def _copy(frame: np.ndarray) -> np.ndarray:
    """A contiguous copy: uint8, height×width×3 or height×width."""
    if frame.ndim == 3 and frame.shape[2] == 1:
        frame = frame[:, :, 0]
    elif frame.ndim == 3:
        # JPEG has no transparency.
        frame = frame[:, :, :3]
    if frame.dtype == np.uint8:
        return np.array(frame, order="C")
    return np.ascontiguousarray(np.rint(frame * 255.0).astype(np.uint8))


def _headers(captured: float | None, metadata: Mapping[str, Any] | None) -> tuple[str, ...]:
    lines = []
    if captured is not None:
        if not 0 <= captured < float("inf"):
            raise ValueError(f"captured is {captured!r}: use Unix seconds, as time.time() gives them")
        lines.append(f"X-Timestamp: {captured:.6f}")
    if metadata is not None:
        if not isinstance(metadata, Mapping):
            raise TypeError(f"metadata is a {type(metadata).__name__}: give a mapping such as a dict")
        text = json.dumps(_plain(metadata), separators=(",", ":"), allow_nan=False)
        if len(text) > _MOST_METADATA_BYTES:
            raise ValueError(f"metadata has {len(text)} bytes as JSON: at most {_MOST_METADATA_BYTES}")
        lines.append("X-Frame-Metadata: " + text)
    return tuple(lines)


def _plain(value: Any) -> Any:
    """Converts to JSON types: numpy numbers and arrays to Python's, NaN and infinity to null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if float("-inf") < value < float("inf") else None
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"metadata holds a {type(value).__name__}: JSON has no such thing")


_told: set[str] = set()


def _warn_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        logger.warning("%s", message)


#: Whether it was this file that imported OpenCV, to encode.
_opencv_is_ours = False


def _order(bgr: bool | None) -> bool:
    """Whether the channels are blue, green, red; not where the caller does not say, which OpenCV's users forget."""
    if bgr is None and "cv2" in sys.modules and not _opencv_is_ours:
        _warn_once(
            "frames are taken for RGB, but this process uses OpenCV, whose frames are BGR: red and blue may be swapped. "
            "Use OpenCVPublisher, or pass bgr=True; bgr=False says that they are RGB"
        )
    return bool(bgr)


def _encoder() -> Callable[[np.ndarray, bool, int], bytes]:
    """`encode(picture, bgr, quality)`, with OpenCV or else Pillow."""
    global _opencv_is_ours
    was_there = "cv2" in sys.modules
    try:
        import cv2
    except ImportError:
        pass
    else:
        _opencv_is_ours = _opencv_is_ours or not was_there

        def with_opencv(picture: np.ndarray, bgr: bool, quality: int) -> bytes:
            if picture.ndim == 3 and not bgr:
                picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            done, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if not done:
                raise ValueError(f"OpenCV could not encode a picture of shape {picture.shape}")
            return jpeg.tobytes()

        return with_opencv
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("frames become JPEGs by OpenCV or Pillow: pip install opencv-python (or pillow)") from None

    def with_pillow(picture: np.ndarray, bgr: bool, quality: int) -> bytes:
        if picture.ndim == 3 and bgr:
            picture = np.ascontiguousarray(picture[:, :, ::-1])
        jpeg = io.BytesIO()
        Image.fromarray(picture).save(jpeg, "JPEG", quality=quality)
        return jpeg.getvalue()

    return with_pillow


# ---- fork and exit ----

_publishers: weakref.WeakSet[StreamPublisher] = weakref.WeakSet()


def _in_the_child() -> None:
    """Threads that do not exist in the child may hold the locks, and two processes cannot share a connection."""
    for publisher in list(_publishers):
        publisher._hub.close()
        publisher._stand_up()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_the_child)


@atexit.register
def _at_exit() -> None:
    """Sends the last frame even if the program does not call `stop`."""
    for publisher in list(_publishers):
        publisher.stop()
