"""Publishes a camera, or a video file in its place, which begins again at its end.

python webcam_publisher.py --server http://localhost:5000 --stream my_camera --camera 0 --quality 85 --fps 30
"""

import argparse
import time

import cv2
from framehub import StreamPublisher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://localhost:5000", help="the hub (default: %(default)s)")
    parser.add_argument("--stream", default="webcam", help="the stream's name (default: %(default)s)")
    parser.add_argument("--camera", default="0", help="its number, a file or a URL (default: %(default)s)")
    parser.add_argument("--quality", type=int, default=85, help="JPEG quality, 1 to 100 (default: %(default)s)")
    parser.add_argument("--fps", type=float, default=30, help="frames a second at most (default: %(default)s)")
    arguments = parser.parse_args()

    is_number = arguments.camera.isdecimal()
    camera = cv2.VideoCapture(int(arguments.camera) if is_number else arguments.camera)
    if not camera.isOpened():
        parser.error(f"--camera {arguments.camera}: it cannot be opened")
    # A camera sets its own pace; a file is read as fast as possible.
    pause = 0 if is_number else 1 / min(camera.get(cv2.CAP_PROP_FPS) or 30, arguments.fps)

    # OpenCV's channels are blue, green, red.
    publisher = StreamPublisher(arguments.server, arguments.stream, arguments.quality, arguments.fps, bgr=True)
    print(f"{arguments.server}/stream/{arguments.stream}  (Ctrl-C stops)", flush=True)
    with publisher:
        try:
            while True:
                there, frame = camera.read()
                if not there:
                    # A file begins again; a camera that was pulled out has no first frame to go to.
                    if is_number or not camera.set(cv2.CAP_PROP_POS_FRAMES, 0):
                        break
                    continue
                publisher.publish_frame(frame, captured=time.time())
                time.sleep(pause)
        except KeyboardInterrupt:
            pass
    camera.release()
    print(publisher.get_stats())


if __name__ == "__main__":
    main()
