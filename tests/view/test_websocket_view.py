"""The WebSocket view of a stream: JSON with base64 pictures, or a binary message a frame."""

import base64

import pytest
import requests
from websockets.exceptions import InvalidStatus

from support.pictures import jpeg, number_of
from support.sockets import SocketReader, open_socket
from support.waiting import always, eventually


def numbers(reader: SocketReader) -> list:
    return [number_of(base64.b64decode(message["data"])) for message in reader.of_type("frame")]


def test_json_frames(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}") as reader:
        status = reader.wait_for_text("status")
        assert stream in status["message"]
        for number in range(1, 6):
            if number > 1:
                hub.put_frame(stream, number)
            eventually(lambda n=number: numbers(reader)[-1:] == [n], f"frame {number}")
        assert numbers(reader) == [1, 2, 3, 4, 5]
        assert base64.b64decode(reader.of_type("frame")[1]["data"]) == jpeg(2), "byte for byte"
        assert reader.binaries == []


def test_binary_frames(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}?format=binary") as reader:
        assert reader.wait_for_text("status")["type"] == "status"
        for number in range(1, 6):
            if number > 1:
                hub.put_frame(stream, number)
            eventually(lambda n=number: len(reader.binaries) == n, f"frame {number}")
        assert reader.binaries == [jpeg(number) for number in range(1, 6)]
        assert reader.of_type("frame") == []


def test_it_counts_as_a_viewer_and_leaves(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}") as reader:
        hub.wait_for_viewers(stream, 1)
        reader.wait_for_text("frame")
    hub.wait_for_viewers(stream, 0)


def test_the_closing_handshake_is_answered(hub, stream):
    """A client that closes gets a close frame: its library reports 1000, not a broken connection."""
    hub.put_frame(stream, 1)
    for path in (f"/stream/{stream}", f"/stream/{stream}?format=binary", "/api/wall", f"/publish/{stream}"):
        for _ in range(5):
            socket = open_socket(hub.ws + path)
            socket.close(1000)
            assert socket.close_code == 1000, f"{path}: {socket.close_code}"


def test_deletion_is_told_before_the_close(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}") as reader:
        reader.wait_for_text("frame")
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        code, _ = reader.wait_for_end()
        assert code == 1000
        assert "ended" in reader.of_type("status")[-1]["message"]


def test_fps_and_the_newest_frame(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}?format=binary&fps=2") as reader:
        eventually(lambda: len(reader.binaries) == 1)
        for number in range(2, 12):
            hub.put_frame(stream, number)
        eventually(lambda: number_of(reader.binaries[-1]) == 11, "the newest in the end")
        assert len(reader.binaries) < 6


def test_idle_sockets_are_pinged(start_hub):
    hub = start_hub("viewers.heartbeat_interval=0.2")
    hub.put_frame("s", 1)
    with SocketReader(hub.ws + "/stream/s") as reader:
        reader.wait_for_text("frame")
        always(lambda: not reader.ended.is_set(), 1.0, "connected over an idle spell")
        hub.put_frame("s", 2)
        eventually(lambda: numbers(reader) == [1, 2])


def test_pings_are_answered(hub, stream):
    hub.put_frame(stream, 1)
    for path in (f"/stream/{stream}", "/api/wall", f"/publish/{stream}_other"):
        socket = open_socket(hub.ws + path)
        assert socket.ping(b"are you there").wait(10), path
        socket.close()


def test_refused_handshake(hub):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(hub.ws + "/stream/bad%20name")
    assert refused.value.response.status_code == 400
    assert b'"code"' in refused.value.response.body


def test_a_stream_that_is_not_there_is_told(hub):
    """A page cannot read why a handshake is refused."""
    with SocketReader(hub.ws + "/stream/no_such_stream") as reader:
        assert "no_such_stream" in reader.wait_for_text("error")["message"]
        assert reader.wait_for_end()[0] == 1008


def test_unknown_format_is_refused(hub, stream):
    hub.put_frame(stream, 1)
    with pytest.raises(InvalidStatus) as refused:
        open_socket(f"{hub.ws}/stream/{stream}?format=video")
    assert refused.value.response.status_code == 400
    assert b"json" in refused.value.response.body and b"binary" in refused.value.response.body


def test_many_clients_get_the_same_frames(hub, stream):
    hub.put_frame(stream, 0)
    readers = [SocketReader(f"{hub.ws}/stream/{stream}") for _ in range(8)]
    try:
        for number in range(1, 8):
            hub.put_frame(stream, number)
            for reader in readers:
                eventually(lambda r=reader, n=number: numbers(r)[-1:] == [n])
    finally:
        for reader in readers:
            reader.__exit__()
    assert all(numbers(reader) == list(range(8)) for reader in readers)
