"""rclpy: one node, which is handed a few images. https://docs.ros.org/en/jazzy/p/rclpy/"""

import time

from .node import Node


def init() -> None: ...


def spin(node: Node) -> None:
    for image in node.images():
        time.sleep(0.05)
        node.callback(image)
    raise KeyboardInterrupt
