"""Live video from a Python program into browsers: publish frames to a hub, or run the hub inside the program.

    from framehub import StreamPublisher

    with StreamPublisher("http://localhost:5000", "my_stream") as publisher:
        while running:
            if publisher.wanted():
                publisher.publish_frame(render())

Frames are numpy arrays: uint8 of height×width×3 (RGB; `bgr=True` for OpenCV's order) or height×width (grey), or
float32 or float64 of these shapes with values from 0 to 1. Any memory layout is accepted, and an array may be changed as
soon as the call returns.
"""

from ._native import __version__
from .publisher import StreamPublisher
from .server import Server
from .video_stream import VideoStream

__all__ = ["Server", "StreamPublisher", "VideoStream", "__version__"]
