"""A hub inside the program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from . import _arguments, _native
from ._ending import stop_at_exit
from ._once import Once, is_missing

#: The stream that is used if none is named.
DEFAULT_STREAM = "default"


class Server:
    """The whole hub on a thread of this process: its page at ``/``, its streams, statistics and recordings.

    It reads no configuration file and no environment variable, only these arguments. A published frame is copied
    once, encoded on its stream's own thread, and goes to the viewers without another socket in between.

    After a fork the hub stays in the parent; the child can publish with a :class:`framehub.StreamPublisher`.

    Args:
        host: The address to listen on. ``0.0.0.0`` lets other machines connect; they may then watch, publish and
            delete unless ``api_keys`` are set.
        port: The TCP port. If it is in use, the next ones are tried, ten in all, with a warning in the log. 0: any.
        quality: JPEG quality, 1 (small) to 100 (best).
        buffer_size: Frames to keep of each stream. Viewers always get the newest, so it adds no delay.
        max_fps: Frames a second of a stream at most; None: all.
        bgr: Whether frames have OpenCV's order: blue, green, red. Can also be set for each frame.
        record: Whether streams are recorded, in ``record_directory``, with ``codec`` (``mp4v``, ``mjpeg`` or
            ``h264``) and at most ``record_fps`` frames a second. A recording is continued in a new file after
            ``max_duration`` seconds (10 or more).
        api_keys: Clients need one of these keys. None given: everyone who reaches the port may do everything.
        log_level: The level of the hub's log on stderr: ``ERROR``, ``WARNING``, ``INFO`` or ``DEBUG``. A process has
            one log; its first server sets the level.
        settings: Further keys of the hub's configuration, such as ``{"viewers.stream_fps": 10}``. They override the
            other arguments.

    Raises:
        ValueError: A value is out of range. The message says what is allowed.
        TypeError: For an argument of another type.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        quality: int = 85,
        buffer_size: int = 10,
        *,
        max_fps: float | None = None,
        bgr: bool = False,
        record: bool = False,
        record_directory: str | os.PathLike[str] = "recordings",
        codec: str = "mp4v",
        record_fps: float = 30,
        max_duration: float | None = None,
        api_keys: Sequence[str] = (),
        log_level: str = "WARNING",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._quality = _arguments.quality(quality)
        self._max_fps = _arguments.rate("max_fps", max_fps)
        self._bgr = bool(bgr)
        self._warn_of_missing = Once()
        self._settings: dict[str, Any] = {
            "server.host": "127.0.0.1" if host == "localhost" else _arguments.text("host", host),
            "server.port": _arguments.whole_number("port", port, 0, 65535),
            "streams.max_buffer_frames": _arguments.whole_number("buffer_size", buffer_size, 1, 100_000),
            # The default byte limit could be smaller than buffer_size frames.
            "streams.max_buffer_mb": 64,
            "recording.enabled": bool(record),
            "recording.directory": os.fspath(record_directory),
            "recording.codec": codec,
            "recording.fps": record_fps,
            "demo.enabled": False,
            "logging.file": "none",
            "logging.level": _arguments.log_level("log_level", log_level),
        }
        if max_duration is not None:
            self._settings["recording.segment_seconds"] = max_duration
        if api_keys:
            self._settings["auth.api_keys"] = [api_keys] if isinstance(api_keys, str) else list(api_keys)
        self._settings.update(settings or {})
        self._native: _native.Server | None = None

    def start(self) -> Server:
        """Listens and serves. Returns once a browser can connect. After :meth:`stop` it starts again, without the
        earlier streams.

        Returns:
            The server itself.

        Raises:
            ValueError: A setting is not allowed. The message names it and what is allowed.
            OSError: No port is free, or the address does not belong to this machine.
        """
        if self.is_running:
            return self
        pairs = [(key, _setting(value)) for key, value in self._settings.items()]
        self._native = _native.Server(pairs, self._quality, self._max_fps)
        stop_at_exit(self)
        return self

    def publish(
        self,
        frame: Any,
        stream: str = DEFAULT_STREAM,
        *,
        captured: float | datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        bgr: bool | None = None,
    ) -> bool:
        """Hands a frame over and returns at once; the frame may be changed right after.

        The first frame creates the stream. Arguments and errors are those of
        :meth:`framehub.StreamPublisher.publish_frame`; in addition:

        Raises:
            RuntimeError: Another publisher has this stream, there are too many streams, or this process is a fork of
                the server's.
        """
        if is_missing(frame, stream, self._warn_of_missing):
            return False
        when = None if captured is None else _arguments.captured(captured)
        about = None if metadata is None else _arguments.metadata(metadata)
        return self._started().publish(frame, stream, self._bgr if bgr is None else bool(bgr), when, about)

    def wanted(self, stream: str = DEFAULT_STREAM) -> bool:
        """Whether a frame published now would be seen: someone watches or records the stream, and ``max_fps`` allows a
        frame. The first frame of a stream is always wanted: before it there is nothing to watch. False after
        :meth:`stop`."""
        return self.is_running and self._started().wanted(stream)

    def stats(self, stream: str = DEFAULT_STREAM) -> dict[str, Any]:
        """A stream's statistics, with the names of ``GET /stats``: ``frames_received`` (published),
        ``frames_served`` (sum over viewers), ``frames_dropped`` (skipped by slow viewers, sum),
        ``clients_connected``, ``uptime_seconds`` (of the server), ``current_fps``, ``server_running``, ``host``,
        ``port``. Also ``stream``, ``services_connected`` (recorders and analyses), ``frames_offered`` (calls
        of publish), ``frames_limited`` by ``max_fps``, ``frames_replaced`` before they were encoded, ``last_error``.
        """
        return self._started().stats(stream)

    @property
    def is_running(self) -> bool:
        return self._native is not None and self._native.is_running

    @property
    def url(self) -> str:
        """Its address for browsers, such as ``http://127.0.0.1:8080``."""
        return self._started().url

    @property
    def port(self) -> int:
        """The port in use, which may differ from the argument."""
        return self._started().port

    def stop(self) -> None:
        """Publishes the last frames, finishes the recordings, and stops the hub: within seconds, whatever its
        viewers do. Also called when the interpreter exits; calling it again has no effect."""
        if self._native is not None:
            self._native.stop()

    def _started(self) -> _native.Server:
        if self._native is None:
            raise ValueError("the server is not started: call start(), or use it in a with statement")
        return self._native

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server({self._native.url!r})" if self._native else "Server(not started)"


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
