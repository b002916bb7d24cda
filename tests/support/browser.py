"""Chromium as people run it, without its calls home."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from .pictures import read_number
from .waiting import PATIENCE, eventually

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "no Chromium: run `make tools`"
    return found


def picture_of(target: object, save_as: Path | None = None) -> np.ndarray:
    """What a person sees of a page or an element, as RGB."""
    data = target.screenshot(animations="disabled")
    if save_as:
        save_as.parent.mkdir(parents=True, exist_ok=True)
        save_as.write_bytes(data)
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def number_on(target: object) -> int | None:
    """The number of the frame painted on an element."""
    return read_number(picture_of(target))


def wait_until_painted(target: object, number: int, timeout: float = PATIENCE) -> None:
    seen: list[int | None] = []

    def look() -> bool:
        seen.append(number_on(target))
        return seen[-1] == number

    eventually(look, f"frame {number} painted (seen {seen})", timeout)
