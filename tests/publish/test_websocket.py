"""Publishing over a WebSocket: a binary message a frame, metadata before it, acknowledgements on demand."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.mjpeg import MjpegReader
from support.pictures import jpeg, number_of, png
from support.publishers import SocketPublisher
from support.sockets import SocketReader, Wall, open_socket
from support.waiting import always, eventually


def test_frames_and_acknowledgements(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher:
        for number in range(1, 6):
            ack = publisher.send(jpeg(number))
            assert ack["type"] == "ack", ack
            assert (ack["stream"], ack["seq"], ack["frame_size"]) == (stream, number, len(jpeg(number)))
            assert hub.snapshot(stream) == jpeg(number)


def test_without_ack_the_hub_is_silent(hub, stream):
    with SocketReader(f"{hub.ws}/publish/{stream}") as publisher:
        publisher.socket.send(jpeg(1))
        publisher.socket.send(b"no picture")
        publisher.socket.send(jpeg(2))
        eventually(lambda: hub.get(f"/stream/{stream}/snapshot.jpg").content == jpeg(2))
        always(lambda: not publisher.texts and not publisher.binaries, 0.2)


def test_metadata_travels_with_its_frame(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher, Wall(hub.ws) as wall:
        wall.watch(stream)
        publisher.send(jpeg(1), {"timestamp": 1700000000.25, "seq": 41, "robot": {"arm": "left"}, "joints": [1, 2.5]})
        header = wall.wait_for_number(stream, 1).header
        assert abs(header["timestamp"] - 1700000000.25) < 1e-3
        assert header["metadata"] == {"robot": {"arm": "left"}, "joints": [1, 2.5]}
        publisher.send(jpeg(2))
        header = wall.wait_for_number(stream, 2).header
        assert "metadata" not in header, "it belongs to one frame"
        assert header["timestamp"] > 1.75e9
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        reader.wait_for_number(2)


def test_metadata_in_mjpeg_is_the_capture_time(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher:
        publisher.send(jpeg(1), {"timestamp": 1700000000.25})
        with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
            assert float(reader.wait_for_number(1).headers["x-timestamp"]) == 1700000000.25


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no json", "BAD_METADATA"),
        ("[1,2]", "BAD_METADATA"),
        (json.dumps({"x": "y" * 5000}), "METADATA_TOO_LARGE"),
        ('{"a":' + "[" * 40 + "]" * 40 + "}", "METADATA_TOO_DEEP"),
    ],
)
def test_bad_metadata_is_named_and_the_frame_still_counts(hub, stream, text, code):
    with SocketPublisher(hub.ws, stream) as publisher:
        publisher.socket.send(text)
        answer = publisher.answer()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert publisher.send(jpeg(1))["type"] == "ack"
    assert hub.snapshot(stream) == jpeg(1)


def test_bad_frames_are_named_and_the_connection_goes_on(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher:
        publisher.send(jpeg(1))
        for data, code in ((b"", "EMPTY_FRAME"), (b"hello", "NOT_AN_IMAGE"), (jpeg(2)[:500], "TRUNCATED_JPEG")):
            answer = publisher.send(data)
            assert (answer["type"], answer["code"]) == ("error", code)
            assert hub.snapshot(stream) == jpeg(1)
        assert publisher.send(png(3))["type"] == "ack"
        assert number_of(hub.snapshot(stream)) == 3


def test_fragmented_frames(hub, stream):
    with SocketPublisher(hub.ws, stream) as publisher:
        data = jpeg(1)
        publisher.socket.send(data[i : i + 500] for i in range(0, len(data), 500))
        assert publisher.answer()["type"] == "ack"
    assert hub.snapshot(stream) == jpeg(1)


def test_a_frame_that_is_too_large_ends_with_1009(start_hub):
    hub = start_hub("server.max_frame_size_mb=0.1")
    with SocketPublisher(hub.ws, "s") as publisher:
        assert publisher.send(jpeg(1))["type"] == "ack"
        publisher.socket.send(b"\xff\xd8" + b"x" * 300_000)
        with pytest.raises(ConnectionClosed) as closed:
            publisher.answer()
        assert closed.value.rcvd.code == 1009
    assert hub.snapshot("s") == jpeg(1)
    assert hub.stats("s")["frames_rejected"] == 1


def test_bad_names_and_bad_questions_are_refused_at_the_handshake(hub):
    for path, status in (("/publish/a.b", 400), (f"/publish/{'x' * 65}", 400), ("/publish/a?ack=perhaps", 400)):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(hub.ws + path)
        assert refused.value.response.status_code == status
