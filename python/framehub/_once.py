"""Warnings about frames that cannot be shown: given once, in the log, since a training must not end by its picture."""

from __future__ import annotations

import logging
import sys
from typing import Any

logger = logging.getLogger("framehub")


class Once:
    """Logs a warning the first time that it is called."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, message: str, *args: Any) -> None:
        if not self._told:
            self._told = True
            logger.warning(message, *args)


def is_missing(frame: Any, stream: str, warn: Once) -> bool:
    """Whether there is no frame: a camera gave none, or a renderer that is not ready."""
    if frame is None:
        warn("stream '%s': the frame is None; frames that are missing are passed over", stream)
    return frame is None


_swapped = Once()


def order(bgr: bool | None) -> bool:
    """Whether the channels are blue, green, red; not where the caller does not say, which OpenCV's users forget."""
    if bgr is None and "cv2" in sys.modules:
        _swapped(
            "frames are taken for RGB, but this process uses OpenCV, whose frames are BGR: red and blue may be swapped. "
            "Import framehub.opencv.StreamPublisher, or pass bgr=True; bgr=False says that they are RGB"
        )
    return bool(bgr)
