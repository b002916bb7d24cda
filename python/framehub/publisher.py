"""Publishing to a hub that runs elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from . import _arguments, _native
from ._ending import stop_at_exit


class StreamPublisher:
    """Publishes frames to one stream of a hub, for next to nothing.

    A call of :meth:`publish_frame` copies the frame and returns: it never waits, and never raises because of the
    network. A thread outside Python encodes the newest frame as JPEG and sends it over one WebSocket, which it opens
    again when it breaks. While the hub is away frames are dropped: a live picture that waited is not live any more.

    May be used from several threads, and after a fork: a child has a connection of its own from its first call on.

    Args:
        server_url: Where the hub is: ``http://host:port``, or ``https://``.
        stream_name: 1 to 64 letters, digits, ``_`` or ``-``.
        quality: JPEG quality, 1 (small) to 100 (fine).
        max_fps: Frames a second that are taken; what comes sooner is skipped, which costs nothing. None or 0: no limit.
        retry_delay: The longest wait between two attempts to reach the hub, in seconds.
        adaptive: Whether quality is lowered, as far as 40, while the link is slower than the frames.
        max_queue_size: Taken and not used: nothing waits but the newest frame.
        api_key: For a hub that has keys: one that may publish.
        bgr: Whether frames of three channels are blue, green, red, as OpenCV's are. Can be said for each frame, too.

    Raises:
        ValueError: For a URL, a name or a number that is none.
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
        bgr: bool = False,
    ) -> None:
        _arguments.whole_number("max_queue_size", max_queue_size, 1, 1_000_000)
        self._bgr = bool(bgr)
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
        """Opens the connection, without waiting for it. The first frame does it, too; this is sooner. After
        :meth:`stop` it opens it anew.

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
            frame: uint8 of height×width×3 or height×width, or float32 or float64 of these shapes from 0 to 1.
            captured: When it was taken, in Unix seconds or as a datetime. None: now.
            metadata: Travels with the frame to viewers and recordings, as a JSON object of at most 4096 bytes;
                numpy's numbers and arrays are taken as Python's, what is not finite becomes null. ``timestamp`` and
                ``seq`` in it are taken as the frame's time and number.
            bgr: The order of the channels of this frame. None: as the publisher was told.

        Returns:
            Whether the frame was taken. False: it comes sooner than ``max_fps`` allows. A frame that was taken is
            sent unless a newer one comes before its turn, or the hub is away.

        Raises:
            ValueError: The array is no frame, says what is wanted; the metadata is too large; the publisher is closed.
            TypeError: Not an array, or one in a GPU's memory, with how to convert it.
        """
        if self._started is None:
            self.start()
        when = None if captured is None else _arguments.captured(captured)
        about = None if metadata is None else _arguments.metadata(metadata)
        return self._native.publish(frame, self._bgr if bgr is None else bool(bgr), when, about)

    publish = publish_frame

    def wanted(self) -> bool:
        """Whether a frame published now would be seen: render only if it is.

        True while the hub is there, somebody watches the stream or records it, and a frame is due by ``max_fps``.
        Beside that, the first frame of a connection is always wanted (before it there is no stream that anybody could
        watch), and one a minute, so that the stream stays listed and its picture is not too old. False while the hub
        is away, since nobody can be watching, and once the publisher is closed.
        """
        if self._started is None:
            self.start()
        return self._native.wanted()

    def get_stats(self) -> dict[str, Any]:
        """What became of the frames, and how the connection is. Of a child after a fork: its own.

        Frames that were published are in one of these: ``total_frames`` were sent, ``skipped_frames`` came sooner
        than `max_fps` allows, ``dropped_frames`` gave way to a newer one before their turn or while the hub was away,
        ``failed_frames`` were lost with their connection or refused by the hub, ``queue_size`` (0 or 1) wait.

        Beside them: ``stream_name``, ``server_url``, ``is_running``, ``connected``, ``uptime_seconds``,
        ``bytes_sent``, ``queue_max``, ``queue_utilization_pct``, ``avg_send_time_ms`` (of the last ten),
        ``current_fps`` (sent, over the last two seconds), ``base_quality``, ``current_quality``, ``reconnects``,
        ``viewers`` and ``services`` (recorders and the like that read the stream; None while that is not known),
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
        """Sends the last frame, if that is quickly done, and closes. Returns within two seconds, whatever the hub
        does. Called again, and by itself when the interpreter exits, it does no harm."""
        self._native.stop()

    def __enter__(self) -> StreamPublisher:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"StreamPublisher({self._native.url!r}, {self._stream_name!r})"
