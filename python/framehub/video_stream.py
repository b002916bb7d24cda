"""The `env:` keys of a training configuration: one object that streams, or does nothing if they are off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

from . import _arguments
from ._once import Once
from .server import DEFAULT_STREAM, Server

#: Every key that is read, with its default.
DEFAULTS: dict[str, Any] = {
    "videoStream": False,
    "videoStreamHost": "127.0.0.1",
    "videoStreamPort": 8080,
    "videoStreamQuality": 85,
    "videoStreamBufferSize": 10,
    "videoStreamBindAll": False,
    "videoFps": 30.0,
    "videoResolution": (1024, 768),
    "videoRecord": False,
    "videoCodec": "mp4v",
    "videoMaxDuration": None,
    "logLevel": "WARNING",
}

#: OpenCV's four-letter codes and other spellings, mapped to the hub's codecs.
_CODECS = {"mp4v": "mp4v", "mjpg": "mjpeg", "mjpeg": "mjpeg", "h264": "h264", "avc1": "h264", "x264": "h264"}


class VideoStream:
    """For a training loop: a :class:`framehub.Server` configured by ``env:`` keys, or nothing.

    If neither ``videoStream`` nor ``videoRecord`` is set, every method does nothing, so the loop needs no conditions.
    ``videoRecord`` alone records, and only this machine can watch.
    """

    def __init__(
        self,
        *,
        server: Server | None = None,
        resolution: tuple[int, int] = (1024, 768),
        fps: float = 30.0,
        stream: str = DEFAULT_STREAM,
    ) -> None:
        self.server = server
        #: Width and height for the renderer, in pixels.
        self.resolution = resolution
        #: Frames a second at most.
        self.fps = fps
        self._stream = stream
        self._warn = Once()

    @classmethod
    def from_config(cls, cfg: Any, *, stream: str = DEFAULT_STREAM, bgr: bool = False, **options: Any) -> VideoStream:
        """Reads the ``env:`` keys and starts streaming and recording accordingly.

        Args:
            cfg: A mapping with ``env`` in it, or the mapping under ``env`` itself; a Hydra or OmegaConf
                configuration; or an object with an attribute ``env``. Other keys are ignored.
            stream: The stream's name in the hub.
            bgr: Whether frames are blue, green, red.
            options: Further arguments of :class:`framehub.Server`, which override the keys.

        Raises:
            ValueError: A value is not allowed. The message names its key.
            TypeError: The configuration, or a value, is of another type.
            OSError: The port and the next nine are in use.
        """
        env = _env(cfg)
        fps = _arguments.rate("videoFps", env["videoFps"])
        resolution = _resolution(env["videoResolution"])
        if not (env["videoStream"] or env["videoRecord"]):
            return cls(resolution=resolution, fps=fps or 0.0, stream=stream)
        arguments: dict[str, Any] = {
            "host": "0.0.0.0"
            if env["videoStreamBindAll"]
            else _arguments.text("videoStreamHost", env["videoStreamHost"]),
            "port": _whole_number(env, "videoStreamPort", 0, 65_535),
            "quality": _whole_number(env, "videoStreamQuality", 1, 100),
            "buffer_size": _whole_number(env, "videoStreamBufferSize", 1, 100_000),
            "max_fps": fps,
            "bgr": bgr,
            "record": bool(env["videoRecord"]),
            "codec": _codec(env["videoCodec"]),
            "record_fps": fps or 30,
            "max_duration": _max_duration(env["videoMaxDuration"]),
            "log_level": _arguments.log_level("logLevel", env["logLevel"]),
        }
        if not env["videoStream"]:
            arguments.update(host="127.0.0.1", port=0)
        server = Server(**{**arguments, **options})
        server.start()
        if env["videoStream"]:
            # Users look for this line on the terminal.
            print(f"HTTP video streamer started: {server.url}", flush=True)
        return cls(server=server, resolution=resolution, fps=fps or 0.0, stream=stream)

    @property
    def enabled(self) -> bool:
        """Whether frames are streamed or recorded."""
        return self.server is not None and self.server.is_running

    @property
    def url(self) -> str | None:
        """Its address for browsers; None if nothing is streamed."""
        return None if self.server is None else self.server.url

    def publish(
        self,
        frame: Any,
        *,
        captured: float | datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        bgr: bool | None = None,
    ) -> bool:
        """As :meth:`framehub.Server.publish`; False if nothing is streamed. A frame that cannot be published is no error
        either: it is passed over, with one warning in the log."""
        if not self.enabled or self.server is None:
            return False
        try:
            return self.server.publish(frame, self._stream, captured=captured, metadata=metadata, bgr=bgr)
        except (TypeError, ValueError, RuntimeError) as error:
            self._warn("stream '%s' passes over what cannot be shown: %s", self._stream, error)
            return False

    def wanted(self) -> bool:
        """As :meth:`framehub.Server.wanted`; False if nothing is streamed."""
        return self.server is not None and self.server.wanted(self._stream)

    def stats(self) -> dict[str, Any]:
        """As :meth:`framehub.Server.stats`; empty if nothing is streamed."""
        return {} if self.server is None else self.server.stats(self._stream)

    def close(self) -> None:
        """Finishes the recording and stops the server. Calling it again has no effect."""
        if self.server is not None:
            self.server.stop()

    stop = close

    def __enter__(self) -> VideoStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _env(cfg: Any) -> dict[str, Any]:
    """The values of the keys, from any kind of configuration."""
    section = cfg.get("env", cfg) if _is_mapping(cfg) else getattr(cfg, "env", None)
    if section is None:
        raise TypeError(
            f"the configuration is a {type(cfg).__name__}; expected a mapping (a dict, Hydra's DictConfig) with 'env' "
            "in it, or an object with an attribute env"
        )
    read = section.get if _is_mapping(section) else lambda key, default: getattr(section, key, default)
    env = {}
    for key, default in DEFAULTS.items():
        value = read(key, default)
        # In YAML, a key without a value is None: the same as leaving the key out.
        env[key] = default if value is None else value
    for key in ("videoStream", "videoStreamBindAll", "videoRecord"):
        if not isinstance(env[key], bool):
            raise TypeError(f"{key} is {env[key]!r}; expected true or false")
    return env


def _is_mapping(value: Any) -> bool:
    # OmegaConf's DictConfig is not a collections.abc.Mapping.
    return isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "get"))


def _resolution(value: Any) -> tuple[int, int]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        sides = list(value)
        if len(sides) == 2:
            width, height = (_arguments.whole_number("videoResolution", side, 1, 16_384) for side in sides)
            return width, height
    raise ValueError(f"videoResolution is {value!r}; expected [width, height] in pixels")


def _whole_number(env: Mapping[str, Any], key: str, least: int, most: int) -> int:
    return _arguments.whole_number(key, env[key], least, most)


def _max_duration(value: Any) -> float | None:
    if value is None:
        return None
    duration = _arguments.seconds("videoMaxDuration", value)
    if duration < 10:
        raise ValueError(f"videoMaxDuration is {value!r}; expected 10 seconds or more, after which a new file begins")
    return duration


def _codec(value: Any) -> str:
    codec = _CODECS.get(str(value).lower())
    if codec is None:
        raise ValueError(f"videoCodec is {value!r}; expected mp4v, mjpeg or h264")
    return codec
