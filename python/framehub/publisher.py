"""Publishing to a hub that runs elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from . import _arguments, _native
from ._ending import stop_at_exit
from ._once import Once, is_missing, order


class StreamPublisher:
    """Publishes frames to one stream of a hub, at almost no cost for the caller.

    :meth:`publish_frame` copies the frame and returns: it never waits, and network problems never make it raise. A
    thread outside Python encodes the newest frame as JPEG and sends it over one WebSocket, which it reopens when it
    breaks. While the hub cannot be reached, frames are dropped: a live picture that waited is no longer live.

    May be used from several threads, and after a fork: a child opens its own connection with its first call.

    Args:
        server_url: Where the hub is: ``http://host:port``, or ``https://``.
        stream_name: 1 to 64 letters, digits, ``_`` or ``-``.
        quality: JPEG quality, 1 (small) to 100 (best).
        max_fps: Frames a second at most; frames that come sooner are skipped, which costs nothing. None or 0: no limit.
        retry_delay: The longest pause between two attempts to reach the hub, in seconds.
        adaptive: Whether to lower the quality, to 40 at least, while the link is too slow for the frames.
        max_queue_size: Accepted for compatibility and not used: only the newest frame waits.
        api_key: A key that may publish, if the hub has keys.
        bgr: Whether frames have OpenCV's order: blue, green, red. Can also be set for each frame. None: they are red,
            green, blue, and a process that uses OpenCV is warned once.

    Raises:
        ValueError: For an invalid URL, name or number.
        TypeError: For an argument of another type.
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
        _arguments.whole_number("max_queue_size", max_queue_size, 1, 1_000_000)
        #: The order of its frames' channels; None: not said.
        self.bgr = bgr
        self._warn_of_missing = Once()
        self._quality = _arguments.quality(quality)
        self._stream_name = _arguments.text("stream_name", stream_name)
        self._native = _native.Publisher(
            _arguments.text("server_url", server_url),
            self._stream_name,
            self._quality,
            _arguments.rate("max_fps", max_fps),
            _arguments.seconds("retry_delay", retry_delay),
            bool(adaptive),
            None if api_key is None else _arguments.text("api_key", api_key),
        )
        self._started: float | None = None

    def start(self) -> StreamPublisher:
        """Begins to connect, without waiting. Optional: the first frame does it, too. After :meth:`stop` it connects
        again.

        Returns:
            The publisher itself.
        """
        self._native.start()
        if self._started is None:
            self._started = time.monotonic()
        stop_at_exit(self)
        return self

    def publish_frame(
        self,
        frame: Any,
        *,
        captured: float | datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        bgr: bool | None = None,
    ) -> bool:
        """Hands a frame over and returns at once; the frame may be changed right after.

        Args:
            frame: uint8 of height×width×3 or height×width, or float32 or float64 of these shapes from 0 to 1. A fourth
                channel (RGBA, or BGRA with ``bgr``) is left out.
            captured: The time at which it was taken, in Unix seconds or as a datetime. None: now.
            metadata: A mapping that viewers and recordings get with the frame, at most 4096 bytes as JSON. It may
                contain numpy numbers and arrays; NaN and infinity become null. ``timestamp`` and ``seq`` in it set the
                frame's time and number.
            bgr: The order of this frame's channels. None: as set for the publisher.

        Returns:
            Whether the frame was accepted. False: it comes sooner than ``max_fps`` allows, or it is None. An accepted frame is
            sent unless a newer one replaces it first, or the hub cannot be reached.

        Raises:
            ValueError: The array is not a frame, the metadata is too large, or the publisher is closed. The message
                says what is accepted.
            TypeError: Not an array, or one in a GPU's memory. The message says how to convert it.
        """
        if is_missing(frame, self._stream_name, self._warn_of_missing):
            return False
        if self._started is None:
            self.start()
        when = None if captured is None else _arguments.captured(captured)
        about = None if metadata is None else _arguments.metadata(metadata)
        return self._native.publish(frame, order(self.bgr if bgr is None else bgr), when, about)

    publish = publish_frame

    def wanted(self) -> bool:
        """Whether a frame published now would be seen: render only if it is.

        True while the hub is connected, someone watches or records the stream, and ``max_fps`` allows a frame. The
        first frame of a connection is always wanted, because without it there is no stream to watch, and one frame a
        minute, so that the stream stays listed and its picture is not too old. False while the hub cannot be reached,
        because then no one can be watching, and after :meth:`stop`.
        """
        if self._started is None:
            self.start()
        return self._native.wanted()

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
        stats: dict[str, Any] = {
            "stream_name": self._stream_name,
            "server_url": self._native.url,
            "is_running": self._native.is_running,
            "uptime_seconds": 0.0 if self._started is None else time.monotonic() - self._started,
            "base_quality": self._quality,
            "queue_max": 1,
        }
        stats.update(self._native.stats())
        stats["queue_utilization_pct"] = 100.0 * stats["queue_size"]
        return stats

    def stop(self) -> None:
        """Sends the last frame, if that is quick, and closes. Returns within two seconds, whatever the hub does. Also
        called when the interpreter exits; calling it again has no effect."""
        self._native.stop()

    def __enter__(self) -> StreamPublisher:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"StreamPublisher({self._native.url!r}, {self._stream_name!r})"
