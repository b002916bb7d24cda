"""Frames that cannot be shown: each gets its status and code, and the stream keeps its last good frame.

A viewer watches throughout: it is handed the good frames, and nothing between them.
"""

import io
import zlib

import pytest
import requests
from PIL import Image

from support.mjpeg import MjpegReader
from support.pictures import jpeg, noise_jpeg, number_of, png
from support.shapes import assert_error

GOOD = jpeg(1)


def jpeg_claiming(width: int, height: int) -> bytes:
    """A whole JPEG whose header claims another size."""
    at = GOOD.index(b"\xff\xc0") + 5
    return GOOD[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + GOOD[at + 4 :]


def png_claiming(width: int, height: int) -> bytes:
    """A PNG header with a correct checksum, and no pixels to speak of."""
    ihdr = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunk = (13).to_bytes(4, "big") + ihdr + zlib.crc32(ihdr).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + png(1)[33:]


def gif() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "GIF")
    return buffer.getvalue()


def damaged_png() -> bytes:
    data = bytearray(png(1))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


BAD = {
    "empty": (b"", 400, "EMPTY_FRAME"),
    "text": (b"hello, this is not an image at all", 415, "NOT_AN_IMAGE"),
    "html": (b"<html><body>404</body></html>" * 20, 415, "NOT_AN_IMAGE"),
    "zeros": (bytes(5000), 415, "NOT_AN_IMAGE"),
    "gif": (gif(), 415, "NOT_AN_IMAGE"),
    "base64": (b"/9j/4AAQSkZJRgABAQAAAQABAAD" * 10, 415, "NOT_AN_IMAGE"),
    "half a JPEG": (GOOD[: len(GOOD) // 2], 400, "TRUNCATED_JPEG"),
    "JPEG without its last twenty bytes": (GOOD[:-20], 400, "TRUNCATED_JPEG"),
    "JPEG header only": (GOOD[:20], 400, "TRUNCATED_JPEG"),
    "three bytes": (GOOD[:3], 400, "TRUNCATED_JPEG"),
    "zero width": (jpeg_claiming(0, 240), 400, "BAD_JPEG"),
    "65500x65500": (jpeg_claiming(65500, 65500), 413, "PICTURE_TOO_LARGE"),
    "PNG of 65500x65500": (png_claiming(65500, 65500), 413, "PICTURE_TOO_LARGE"),
    "PNG of 2^31-1": (png_claiming(2**31 - 1, 2**31 - 1), 413, "PICTURE_TOO_LARGE"),
    "half a PNG": (png(1)[:500], 400, "BAD_PNG"),
    "PNG signature only": (png(1)[:8], 400, "BAD_PNG"),
    "damaged PNG": (damaged_png(), 400, "BAD_PNG"),
    "oversized": (GOOD[:-2] + bytes(10 * 1024 * 1024) + b"\xff\xd9", 413, "FRAME_TOO_LARGE"),
}


@pytest.mark.parametrize("how", ["form", "raw"])
@pytest.mark.parametrize("case", BAD.keys())
def test_a_bad_frame_is_refused_and_the_last_good_one_stays(hub, stream, case, how):
    data, status, code = BAD[case]
    hub.put_frame(stream, GOOD)
    with MjpegReader(f"{hub.url}/stream/{stream}") as viewer:
        viewer.wait_for_number(1)
        refused_before = hub.stats(stream)["frames_rejected"]
        if how == "form":
            response = hub.publish(stream, data)
        else:
            headers = {"Content-Type": "image/jpeg"}
            response = requests.post(f"{hub.url}/publish/{stream}", data=data, headers=headers, timeout=30)
        assert_error(response, status, code)
        assert hub.snapshot(stream) == GOOD
        assert hub.stats(stream)["frames_rejected"] == refused_before + 1
        hub.put_frame(stream, 2)
        viewer.wait_for_number(2)
        assert viewer.numbers == [1, 2]


def test_a_bad_first_frame_makes_no_stream(hub, stream):
    for data, _, _ in BAD.values():
        assert hub.publish(stream, data).status_code >= 400
    assert_error(hub.get(f"/stream/{stream}"), 404, "STREAM_NOT_FOUND")


def test_missing_frame(hub, stream):
    hub.put_frame(stream, GOOD)
    url = f"{hub.url}/publish/{stream}"
    message = assert_error(requests.post(url, files={"image": ("f.jpg", jpeg(2))}, timeout=10), 400, "MISSING_FRAME")
    assert "image" in message and "'frame'" in message, "it says what came and what should"
    assert_error(requests.post(url, files={"note": (None, "hello")}, timeout=10), 400, "MISSING_FRAME")
    two = [("frame", ("a.jpg", jpeg(2))), ("frame", ("b.jpg", jpeg(3)))]
    assert_error(requests.post(url, files=two, timeout=10), 400, "MANY_FRAMES")
    assert hub.snapshot(stream) == GOOD


def test_no_body_at_all(hub, stream):
    hub.put_frame(stream, GOOD)
    assert_error(requests.post(f"{hub.url}/publish/{stream}", timeout=10), 400, "EMPTY_FRAME")
    assert hub.snapshot(stream) == GOOD


def test_the_smaller_limit_of_the_configuration(start_hub):
    hub = start_hub("server.max_frame_size_mb=0.05")
    assert hub.publish("s", 1).status_code == 200
    message = assert_error(hub.publish("s", noise_jpeg(60_000)), 413, "FRAME_TOO_LARGE")
    assert "server.max_frame_size_mb" in message
    assert number_of(hub.snapshot("s")) == 1


def test_refused_frames_are_seen_in_the_metrics(hub, stream):
    hub.put_frame(stream, GOOD)
    hub.publish(stream, b"no")
    metrics = hub.get("/metrics").text
    assert f'framehub_stream_rejected_total{{stream="{stream}"}} 1' in metrics
