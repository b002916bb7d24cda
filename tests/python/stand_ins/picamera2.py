"""Picamera2: three pictures, then Ctrl-C. https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf"""

import time
from typing import Any

import numpy as np


class CompletedRequest:
    def __init__(self, picture: np.ndarray) -> None:
        self.picture = picture

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        return self.picture

    def get_metadata(self) -> dict[str, Any]:
        taken = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 50_000_000
        return {"SensorTimestamp": taken, "ExposureTime": 9000, "AnalogueGain": 1.5}

    def release(self) -> None:
        self.picture = np.zeros(0)


class Picamera2:
    def __init__(self) -> None:
        self.left = 3
        self.size = (0, 0)

    def create_video_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        assert main["format"] == "BGR888"
        return main

    def configure(self, configuration: dict[str, Any]) -> None:
        self.size = configuration["size"]

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def capture_request(self) -> CompletedRequest:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        time.sleep(0.05)
        # Red.
        return CompletedRequest(np.full((self.size[1], self.size[0], 3), (200, 0, 0), np.uint8))
