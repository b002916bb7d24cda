import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from .qos import QoSProfile


class Parameter:
    def __init__(self, value: Any) -> None:
        self.value = value


class Logger:
    def info(self, message: str) -> None:
        print(message)

    def warning(self, message: str, throttle_duration_sec: float = 0.0) -> None:
        print(message)


class Node:
    def __init__(self, name: str) -> None:
        self.callback: Callable[[Image], None] = lambda image: None

    def declare_parameter(self, name: str, value: Any) -> Parameter:
        """As `--ros-args -p name:=value` gives it."""
        return Parameter(os.environ.get(f"ROS_{name.upper()}", value))

    def create_subscription(
        self, kind: type[Image], topic: str, callback: Callable[[Image], None], qos: QoSProfile
    ) -> None:
        self.callback = callback

    def get_logger(self) -> Logger:
        return Logger()

    def images(self) -> Iterator[Image]:
        rows = np.zeros((48, 64 * 3 + 8), np.uint8)
        # Red, in front of eight bytes of padding a row.
        rows[:, : 64 * 3] = np.tile([0, 0, 200], 64)
        yield Image("bayer_rggb8", 48, 64, 64, b"")
        yield Image("mono8", 48, 64, 64, bytes(48 * 64))
        yield Image("bgr8", 48, 64, rows.shape[1], rows.tobytes())
