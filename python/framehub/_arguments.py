"""What callers pass, checked and turned into what the native half takes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def quality(value: Any) -> int:
    """JPEG quality, 1 to 100."""
    return whole_number("quality", value, 1, 100)


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    number = _number(name, value)
    if number != int(number) or not least <= number <= most:
        raise ValueError(f"{name} is {value!r}; wanted is a whole number from {least} to {most}")
    return int(number)


def rate(name: str, value: Any) -> float | None:
    """Frames a second; None or 0 is no limit."""
    if value is None:
        return None
    number = _number(name, value)
    if not 0 <= number <= 1000:
        raise ValueError(f"{name} is {value!r}; wanted are frames a second, up to 1000, or None for no limit")
    return number or None


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; wanted is a str")
    return value


def captured(value: float | datetime | None) -> float:
    """When a picture was taken, in Unix seconds; None is now."""
    if value is None:
        return time.time()
    seconds = value.timestamp() if isinstance(value, datetime) else _number("captured", value)
    if seconds < 0:
        raise ValueError(f"captured is {value!r}; wanted are Unix seconds (time.time()) or a datetime")
    return seconds


def metadata(value: Any) -> str | None:
    """A mapping as JSON; numpy's numbers and arrays are taken as Python's."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"metadata is a {type(value).__name__}; wanted is a mapping such as {{'step': 12}}")
    try:
        return json.dumps(dict(value), default=_plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"metadata cannot be written as JSON: {error}") from None


def _number(name: str, value: Any) -> float:
    try:
        # A str would become a number, too, which hides a mistake in a configuration.
        number = float(value) if not isinstance(value, (str, bytes, bool)) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        kind = ValueError if isinstance(value, float) else TypeError
        raise kind(f"{name} is {value!r}; wanted is a number")
    return number


def _plain(value: Any) -> Any:
    for convert in ("item", "tolist"):
        try:
            return getattr(value, convert)()
        except (AttributeError, ValueError):
            continue
    raise TypeError(f"{type(value).__name__} is no JSON value")
