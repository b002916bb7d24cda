"""A ROS 2 node that publishes an image topic, so that it can be watched without ROS.

python ros2_publisher.py --ros-args -p topic:=/camera/image_raw -p server:=http://localhost:5000 -p stream:=robot
"""

import numpy as np
import rclpy
from framehub import StreamPublisher
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

#: The number of channels, and whether blue comes first.
ENCODINGS = {"rgb8": (3, False), "bgr8": (3, True), "mono8": (1, False)}


class Bridge(Node):
    def __init__(self) -> None:
        super().__init__("framehub_bridge")
        topic = self.declare_parameter("topic", "/camera/image_raw").value
        server = self.declare_parameter("server", "http://localhost:5000").value
        stream = self.declare_parameter("stream", "robot").value
        self.publisher = StreamPublisher(server, stream)
        self.publisher.start()
        self.get_logger().info(f"{topic} is shown at {server}/stream/{stream}")
        self.create_subscription(Image, topic, self.show, qos_profile_sensor_data)

    def show(self, image: Image) -> None:
        if image.encoding not in ENCODINGS:
            self.get_logger().warning(f"{image.encoding} is not shown", throttle_duration_sec=10.0)
            return
        channels, bgr = ENCODINGS[image.encoding]
        # A row may be longer than its pixels.
        rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
        frame = rows[:, : image.width * channels].reshape(image.height, image.width, channels)
        stamp = image.header.stamp
        numbers = {"frame_id": image.header.frame_id}
        self.publisher.publish_frame(frame, captured=stamp.sec + stamp.nanosec / 1e9, metadata=numbers, bgr=bgr)


def main() -> None:
    rclpy.init()
    bridge = Bridge()
    try:
        rclpy.spin(bridge)
    except KeyboardInterrupt:
        pass
    finally:
        bridge.publisher.stop()


if __name__ == "__main__":
    main()
