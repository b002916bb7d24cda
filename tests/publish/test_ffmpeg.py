"""A never-ending body: what the real `ffmpeg -f mpjpeg -method POST` sends, and the same by hand."""

import json
import subprocess

import pytest

from support.browser import picture_of
from support.mjpeg import MjpegReader
from support.pictures import jpeg, png
from support.publishers import EndlessBody
from support.waiting import eventually


def ffmpeg(*arguments: str) -> subprocess.Popen:
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_ffmpeg_publishes_a_live_source(hub, stream, method):
    """`ffmpeg -re -f lavfi -i testsrc -f mpjpeg -method POST URL`."""
    process = ffmpeg(
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=320x240:rate=15",
        "-t",
        "3",
        "-f",
        "mpjpeg",
        "-method",
        method,
        f"{hub.url}/publish/{stream}",
    )
    eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200, "the stream is made")
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert hub.stats(stream)["publisher_connected"] is True
        parts = reader.wait_for_parts(8)
        assert len({part.jpeg for part in parts}) == 8, "moving"
        assert process.wait(20) == 0, process.stderr.read()
        eventually(lambda: hub.stats(stream)["publisher_connected"] is False)
        assert hub.stats(stream)["total_frames"] == 45
        assert hub.stats(stream)["frames_rejected"] == 0
        assert not reader.ended.is_set(), "the end of a publisher is not the end of the stream"
    process.communicate()


def test_ffmpeg_publishes_a_video_file_seen_in_chromium(hub, stream, page, tmp_path, output):
    """A real H.264 file, published by ffmpeg, moves in an `<img>`."""
    video = tmp_path / "film.mp4"
    made = ffmpeg("-f", "lavfi", "-i", "testsrc2=size=480x270:rate=20", "-t", "4", "-pix_fmt", "yuv420p", str(video))
    assert made.wait(60) == 0, made.stderr.read()
    made.communicate()
    process = ffmpeg(
        "-re",
        "-stream_loop",
        "-1",
        "-i",
        str(video),
        "-q:v",
        "4",
        "-f",
        "mpjpeg",
        "-method",
        "POST",
        f"{hub.url}/publish/{stream}",
    )
    try:
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200, "the stream is made", 20)
        page.goto(f"{hub.url}/stream/{stream}", wait_until="commit")
        image = page.locator("img")
        shots = []

        def five_different() -> bool:
            shots.append(picture_of(image, output / "ffmpeg-file.png").tobytes())
            return len(set(shots)) >= 5

        eventually(five_different, "a moving picture")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_totals_come_when_the_body_ends(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    for number in range(1, 6):
        body.part(jpeg(number))
    body.raw(b"Content-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n\r\n--ffmpeg--\r\n")
    status, answer = body.end()
    assert status == 200, answer
    assert (answer["status"], answer["stream"], answer["frame_size"]) == ("success", stream, len(jpeg(5)))
    assert (answer["frames"], answer["bytes"]) == (5, sum(len(jpeg(n)) for n in range(1, 6)))


@pytest.mark.parametrize("length", [True, False], ids=["with-length", "without-length"])
def test_each_part_is_seen_when_it_is_whole(hub, stream, length):
    """With Content-Length a frame is published with its last byte; without, with the delimiter that ends it."""
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(jpeg(1), length)
    eventually(lambda: hub.get(f"/stream/{stream}/snapshot.jpg").status_code == 200)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        for number in range(2, 8):
            body.part(jpeg(number), length)
            assert reader.wait_for_number(number).jpeg == jpeg(number)
    assert body.end()[0] == 200


def test_a_frame_with_length_needs_no_delimiter_after_it(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    data = jpeg(1)
    body.raw(b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    eventually(lambda: hub.get(f"/stream/{stream}/snapshot.jpg").status_code == 200, "the lone frame")
    assert hub.snapshot(stream) == data
    body.drop()


def test_capture_times_of_parts_travel(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(jpeg(1), X_Timestamp=1700000000.75)
    eventually(lambda: hub.get(f"/stream/{stream}/snapshot.jpg").status_code == 200)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert float(reader.wait_for_number(1).headers["x-timestamp"]) == 1700000000.75
    body.drop()


def test_without_a_content_type(hub, stream):
    """ffmpeg names none: the body's own first line is its boundary."""
    body = EndlessBody(hub.port, f"/publish/{stream}", boundary="anything", content_type=None)
    body.part(jpeg(1))
    body.part(jpeg(2))
    status, answer = body.end()
    assert (status, answer["frames"]) == (200, 2), answer


def test_bytes_however_they_arrive(hub, stream):
    """Cut anywhere, inside the delimiter and the header too: the frames are the same."""
    body = EndlessBody(hub.port, f"/publish/{stream}")
    data = jpeg(1, 64, 48)
    whole = b"".join(
        b"Content-Type: image/jpeg\r\n\r\n" + picture + b"\r\n--ffmpeg\r\n" for picture in (data, jpeg(2, 64, 48))
    )
    for at in range(0, len(whole), 7):
        body.raw(whole[at : at + 7])
    status, answer = body.end()
    assert (status, answer["frames"], answer["rejected"]) == (200, 2, 0), answer
    assert hub.snapshot(stream) == jpeg(2, 64, 48)


def test_a_torn_part_is_passed_over(hub, stream):
    """One bad frame must not end a camera's connection."""
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(jpeg(1))
    eventually(lambda: hub.get(f"/stream/{stream}/snapshot.jpg").status_code == 200)
    body.part(jpeg(2)[:1000])
    body.part(b"this is no picture")
    body.part(b"")
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        reader.wait_for_number(1)
        body.part(png(3))
        reader.wait_for_number(3)
        assert reader.numbers == [1, 3]
    status, answer = body.end()
    assert (status, answer["frames"], answer["rejected"]) == (200, 2, 3), answer
    assert hub.stats(stream)["frames_rejected"] == 3


def test_a_body_without_one_good_frame(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(b"nothing")
    status, answer = body.end()
    assert status == 415 and answer["code"] == "NOT_AN_IMAGE", answer
    assert hub.get(f"/stream/{stream}").status_code == 404, "no stream was made"


def test_a_cut_cable_frees_the_stream(hub, stream):
    body = EndlessBody(hub.port, f"/publish/{stream}")
    body.part(jpeg(1))
    eventually(lambda: hub.get(f"/api/streams/{stream}/stats").status_code == 200)
    body.raw(b"Content-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\n" + jpeg(2)[:700])
    body.drop()
    eventually(lambda: hub.stats(stream)["publisher_connected"] is False)
    assert hub.snapshot(stream) == jpeg(1)


def test_gstreamer_like_boundary(hub, stream):
    """GStreamer's multipartmux: a boundary in quotes, lines that end a part with one newline more."""
    body = EndlessBody(
        hub.port,
        f"/publish/{stream}",
        boundary="ThisRandomString",
        content_type='multipart/x-mixed-replace;boundary="ThisRandomString"',
    )
    for number in (1, 2):
        data = jpeg(number)
        body.raw(
            b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
            + data
            + b"\r\n\r\n--ThisRandomString\r\n"
        )
    status, answer = body.end()
    assert (status, answer["frames"]) == (200, 2), json.dumps(answer)
