"""Waiting for something to become true. Tests never sleep for a fixed time: they look again until a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Generous, since test machines are busy; reached only when something is wrong.
PATIENCE = 30.0

#: A look that costs much, as a screenshot does, is repeated after as long as it took, up to so many seconds: the
#: processor is needed by what is waited for.
LONGEST_PAUSE = 0.25


def eventually(look: Callable[[], T], what: str = "", timeout: float = PATIENCE, every: float = 0.02) -> T:
    """Calls `look` until it gives something true, and returns that.

    A `look` that fails an assertion is not there yet. At the deadline the last answer is part of the failure.
    """
    deadline = time.monotonic() + timeout
    while True:
        begun = time.monotonic()
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = look()
        except AssertionError as error:
            failure = error
        if value:
            return value
        now = time.monotonic()
        if now >= deadline:
            last = failure if failure is not None else repr(value)
            raise AssertionError(f"not within {timeout} s: {what or getattr(look, '__name__', look)}; last: {last}")
        time.sleep(max(every, min(now - begun, LONGEST_PAUSE)))


def always(look: Callable[[], bool], seconds: float, what: str = "", every: float = 0.05) -> None:
    """Fails as soon as `look` gives something false within `seconds`: for 'nothing happens' there is no event."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"stopped being true: {what}"
        time.sleep(every)
