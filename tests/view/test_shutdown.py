"""SIGTERM and SIGINT: within 5 seconds, every viewer's stream ends properly, and nothing is cut."""

import signal
import socket
import time

import pytest

from support.feeder import Feeder
from support.mjpeg import MjpegReader
from support.pictures import noise_jpeg
from support.readers import Ffmpeg, OpenCv
from support.sockets import SocketReader, Wall, open_socket
from support.waiting import eventually


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_all_viewers_are_told(start_hub, how):
    hub = start_hub()
    hub.put_frame("s", 1)
    with (
        Feeder(hub.url, "s", fps=10),
        MjpegReader(hub.url + "/stream/s") as named,
        MjpegReader(hub.url + "/stream") as by_default,
        MjpegReader(hub.url + "/stream/s?advance_headers=1") as browser,
        SocketReader(hub.ws + "/stream/s") as socket_view,
        Wall(hub.ws) as wall,
        OpenCv(hub.url + "/stream/s") as opencv,
        Ffmpeg(hub.url + "/stream/s", "-f", "mpjpeg") as ffmpeg,
        SocketReader(hub.ws + "/publish/other") as publisher,
    ):
        wall.watch("s")
        for reader in (named, by_default, browser):
            reader.wait_for_parts(3)
        eventually(lambda: wall.frames and socket_view.texts and opencv.handed and ffmpeg.handed)
        begun = time.monotonic()
        hub.process.send_signal(how)
        assert hub.process.wait(8) == 0
        assert time.monotonic() - begun < 5
        for reader in (named, by_default, browser):
            reader.wait_for_end(5)
            assert reader.clean_end, "the body ended, it was not cut off"
            assert reader.raw.endswith(b"--frame--\r\n")
        assert socket_view.wait_for_end()[0] == 1001
        assert wall.wait_for_end()[0] == 1001
        assert publisher.wait_for_end()[0] == 1001
        assert opencv.ended.wait(5) and ffmpeg.ended.wait(5)
        assert ffmpeg.process.wait(5) == 0
        assert len(ffmpeg.numbers) == len(set(ffmpeg.numbers)) and None not in ffmpeg.numbers


def test_viewers_that_never_read_do_not_hold_it_up(start_hub):
    hub = start_hub("server.shutdown_seconds=2")
    data = noise_jpeg(400_000)
    hub.put_frame("s", data)
    stuck = []
    for _ in range(3):
        raw = socket.create_connection(("127.0.0.1", hub.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(b"GET /stream/s HTTP/1.1\r\nHost: x\r\n\r\n")
        stuck.append(raw)
    stuck_socket = open_socket(hub.ws + "/stream/s?format=binary", close_timeout=0.1)
    hub.wait_for_viewers("s", 4)
    for _ in range(20):
        hub.put_frame("s", data)
    begun = time.monotonic()
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(8) == 0
    assert time.monotonic() - begun < 5
    for raw in stuck:
        raw.close()
    stuck_socket.close()


def test_a_publisher_that_rests_does_not_hold_it_up(start_hub):
    """A never-ending body between two frames, and one frame half sent."""
    hub = start_hub()
    resting = socket.create_connection(("127.0.0.1", hub.port))
    resting.sendall(
        b"POST /publish/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/x-mixed-replace; boundary=a\r\n\r\n5\r\n--a\r\n\r\n"
    )
    half = socket.create_connection(("127.0.0.1", hub.port))
    half.sendall(b"POST /publish/y HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc")
    assert hub.get("/livez").status_code == 200
    begun = time.monotonic()
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(8) == 0
    assert time.monotonic() - begun < 5
    for connection in (resting, half):
        answer = connection.recv(4096)
        assert b" 503 " in answer.splitlines()[0] and b"SHUTTING_DOWN" in answer
        connection.close()


def test_idle_connections_do_not_hold_it_up(start_hub):
    hub = start_hub("server.shutdown_seconds=1")
    idle = [socket.create_connection(("127.0.0.1", hub.port)) for _ in range(20)]
    idle[0].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    idle[1].sendall(b"GET /liv")
    idle[2].sendall(b"POST /publish/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
    eventually(lambda: idle[0].recv(1000))
    begun = time.monotonic()
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(8) == 0
    assert time.monotonic() - begun < 5
    for connection in idle:
        connection.close()
