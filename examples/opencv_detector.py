"""Draws a detector's result on its frames, only while someone watches. Any OpenCV pipeline can do the same.

python opencv_detector.py                    looks at the hub's demo stream
python opencv_detector.py video.mp4          a file, again and again
python opencv_detector.py 0 http://hub:5000  a camera, shown by a hub elsewhere
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from framehub.opencv import StreamPublisher


def frames(source: str) -> Iterator[Any]:
    """Endless: a file begins again, a stream that broke is opened again."""
    while True:
        capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
        there, frame = capture.read()
        if not there:
            sys.exit(
                f"{source} gives no pictures. Give a file, a stream's address or a camera's number; or start the hub."
            )
        # Only a file can be read faster than it was taken.
        pause = 1 / (capture.get(cv2.CAP_PROP_FPS) or 30) if Path(source).exists() else 0
        while there:
            yield frame
            time.sleep(pause)
            there, frame = capture.read()


def main(source: str = "http://localhost:5000/stream/demo", server: str = "http://localhost:5000") -> None:
    background = cv2.createBackgroundSubtractorMOG2()
    with StreamPublisher(server, "detector") as publisher:
        for number, frame in enumerate(frames(source)):
            if number == 0:
                print(f"{server}/stream/detector  (Ctrl-C stops)", flush=True)
            moving = cv2.countNonZero(background.apply(frame)) / frame[:, :, 0].size
            if publisher.wanted():
                # Drawing, scaling and everything else that only people need belongs here.
                cv2.rectangle(frame, (0, 0), (int(moving * frame.shape[1]), 8), (0, 200, 0), -1)
                publisher.publish_frame(frame, metadata={"moving": round(moving, 4)})


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
