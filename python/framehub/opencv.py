"""`StreamPublisher` for frames in OpenCV's order: blue, green, red."""

from __future__ import annotations

from . import publisher

__all__ = ["StreamPublisher"]


class StreamPublisher(publisher.StreamPublisher):
    """As :class:`framehub.StreamPublisher`, but with ``bgr=True`` by default: frames of `cv2.VideoCapture` can be
    published as they are."""

    def __init__(
        self,
        server_url: str,
        stream_name: str,
        quality: int = 85,
        max_fps: float | None = 30,
        retry_delay: float = 5,
        adaptive: bool = True,
        max_queue_size: int = 1,
        *,
        api_key: str | None = None,
        bgr: bool = True,
    ) -> None:
        super().__init__(
            server_url,
            stream_name,
            quality,
            max_fps,
            retry_delay,
            adaptive,
            max_queue_size,
            api_key=api_key,
            bgr=bgr,
        )
