"""Stops what still runs when the interpreter exits, so that the last frame arrives and recordings are finished."""

from __future__ import annotations

import atexit
import weakref
from typing import Protocol


class Stoppable(Protocol):
    def stop(self) -> None: ...


_running: weakref.WeakSet[Stoppable] = weakref.WeakSet()


def stop_at_exit(thing: Stoppable) -> None:
    """Calls `thing.stop()` when the interpreter exits, if `thing` still exists."""
    _running.add(thing)


@atexit.register
def _stop_all() -> None:
    for thing in list(_running):
        thing.stop()
