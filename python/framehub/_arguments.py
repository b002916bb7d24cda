"""Checks the arguments that callers pass and converts them for the native half."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def quality(value: Any) -> int:
    """JPEG quality, 1 to 100."""
    return whole_number("quality", value, 1, 100)


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    number = _number(name, value)
    if number != int(number) or not least <= number <= most:
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} to {most}")
    return int(number)


def rate(name: str, value: Any) -> float | None:
    """Frames a second; None or 0 means no limit."""
    if value is None:
        return None
    number = _number(name, value)
    if not 0 <= number <= 1000:
        raise ValueError(f"{name} is {value!r}; expected frames a second, up to 1000, or None for no limit")
    return number or None


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; expected a str")
    return value


def captured(value: float | datetime) -> float:
    """The time at which a picture was taken, in Unix seconds."""
    seconds = value.timestamp() if isinstance(value, datetime) else _number("captured", value)
    if seconds < 0:
        raise ValueError(f"captured is {value!r}; expected Unix seconds (time.time()) or a datetime")
    return seconds


#: Python's names of log levels, mapped to the hub's.
_LEVELS = {"CRITICAL": "ERROR", "ERROR": "ERROR", "WARNING": "WARN", "WARN": "WARN", "INFO": "INFO", "DEBUG": "DEBUG"}


def log_level(name: str, value: Any) -> str:
    level = _LEVELS.get(str(value).upper())
    if level is None:
        raise ValueError(f"{name} is {value!r}; expected one of ERROR, WARNING, INFO, DEBUG")
    return level


def seconds(name: str, value: Any) -> float:
    number = _number(name, value)
    if not 0 <= number <= 86_400:
        raise ValueError(f"{name} is {value!r}; expected seconds, 0 to 86400")
    return number


def metadata(value: Mapping[str, Any]) -> str:
    """A mapping as JSON."""
    if not isinstance(value, Mapping):
        raise TypeError(f"metadata is a {type(value).__name__}; expected a mapping such as {{'step': 12}}")
    return json.dumps(_plain(value), allow_nan=False)


def _number(name: str, value: Any) -> float:
    try:
        # float() accepts a str, which would hide a mistake in a configuration.
        number = float(value) if not isinstance(value, (str, bytes, bool)) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        kind = ValueError if isinstance(value, float) else TypeError
        raise kind(f"{name} is {value!r}; expected a number")
    return number


def _plain(value: Any) -> Any:
    """Converts to JSON types: numpy numbers and arrays to Python's, NaN and infinity to null."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    raise TypeError(f"metadata holds a {type(value).__name__}; JSON has no such thing")
