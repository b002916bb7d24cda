"""Draws a detector's result on its frames, only while someone watches. Any OpenCV pipeline can do the same.

python opencv_detector.py video.mp4
"""

import sys

import cv2
from framehub import StreamPublisher


def main(source: str, server: str = "http://localhost:5000") -> None:
    capture = cv2.VideoCapture(source)
    background = cv2.createBackgroundSubtractorMOG2()
    with StreamPublisher(server, "detector", bgr=True) as publisher:
        while True:
            there, frame = capture.read()
            if not there:
                break
            moving = cv2.countNonZero(background.apply(frame)) / frame[:, :, 0].size
            if publisher.wanted():
                # Drawing, scaling and everything else that only people need belongs here.
                cv2.rectangle(frame, (0, 0), (int(moving * frame.shape[1]), 8), (0, 200, 0), -1)
                publisher.publish_frame(frame, metadata={"moving": round(moving, 4)})


if __name__ == "__main__":
    main(*sys.argv[1:])
