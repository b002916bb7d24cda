"""Publishes a Raspberry Pi's camera, each frame with the time at which the sensor took it.

python picamera2_publisher.py http://hub:5000 garden
"""

import sys
import time

from framehub import StreamPublisher
from picamera2 import Picamera2


def main(server: str = "http://localhost:5000", stream: str = "picamera") -> None:
    camera = Picamera2()
    # The names give the byte order of an integer: "BGR888" is an array of red, green, blue.
    camera.configure(camera.create_video_configuration(main={"size": (1280, 720), "format": "BGR888"}))
    camera.start()
    print(f"{server}/stream/{stream}  (Ctrl-C stops)", flush=True)
    with StreamPublisher(server, stream) as publisher:
        try:
            while True:
                request = camera.capture_request()
                frame, about = request.make_array("main"), request.get_metadata()
                request.release()
                # Nanoseconds since the machine booted.
                age = (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - about["SensorTimestamp"]) / 1e9
                numbers = {"exposure_us": about.get("ExposureTime"), "gain": about.get("AnalogueGain")}
                publisher.publish_frame(frame, captured=time.time() - age, metadata=numbers)
        except KeyboardInterrupt:
            pass
    camera.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
