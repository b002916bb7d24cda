"""Crowds and dead weight: idle connections by the thousand, viewers that never read, the limits of everything."""

import resource
import socket
import time

import pytest
import requests
from websockets.exceptions import InvalidStatus

from support.feeder import Feeder
from support.mjpeg import MjpegReader
from support.pictures import noise_jpeg
from support.shapes import assert_error
from support.sockets import open_socket
from support.waiting import eventually


def connect(hub) -> socket.socket:
    return socket.create_connection(("127.0.0.1", hub.port), timeout=10)


def test_three_thousand_idle_connections_disturb_no_one(start_hub):
    """With room for 500: the longest idle ones are closed, never an active viewer or publisher."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    hub = start_hub("server.max_connections=500")
    crowd = []
    try:
        with MjpegReader(hub.url + "/stream") as viewer, Feeder(hub.url, "s", fps=20) as feeder:
            viewer.wait_for_parts(5)
            for index in range(3000):
                connection = connect(hub)
                # A third of them sends nothing, a third half a header, a third one whole request.
                if index % 3 == 1:
                    connection.sendall(b"GET /stream HTTP/1.1\r\nHo")
                elif index % 3 == 2:
                    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                crowd.append(connection)
            seen, sent = len(viewer.parts), feeder.sent
            eventually(lambda: len(viewer.parts) >= seen + 10 and feeder.sent >= sent + 10, "both go on")
            assert feeder.failed == 0
            assert not viewer.ended.is_set()
            # A newcomer is served as well.
            assert hub.get("/livez").status_code == 200
            metrics = hub.get("/metrics").text
            count = next(
                float(line.split()[-1]) for line in metrics.splitlines() if line.startswith("framehub_connections ")
            )
            assert count <= 500
    finally:
        for connection in crowd:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_when_all_places_are_at_work_a_newcomer_is_told(start_hub):
    hub = start_hub("server.max_connections=4")
    hub.put_frame("s", 1)
    viewers = [MjpegReader(hub.url + "/stream/s") for _ in range(4)]
    try:
        for viewer in viewers:
            viewer.wait_for_parts(1)
        refused = hub.get("/livez")
        assert_error(refused, 503, "CONNECTION_LIMIT")
        assert int(refused.headers["Retry-After"]) > 0
        assert not any(viewer.ended.is_set() for viewer in viewers)
    finally:
        for viewer in viewers:
            viewer.close()
    eventually(lambda: hub.get("/livez").status_code == 200, "places are free again")


def never_read(hub, path: str) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    connection.connect(("127.0.0.1", hub.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def test_viewers_that_never_read_cost_nothing(start_hub):
    """The hub's memory stays bounded, and neither the publisher nor the other viewers notice."""
    hub = start_hub()
    data = noise_jpeg(300_000)
    hub.put_frame("s", data)
    before = hub.rss()
    dead = [never_read(hub, "/stream/s") for _ in range(10)]
    dead += [never_read(hub, "/stream/s?advance_headers=1") for _ in range(5)]
    dead_sockets = [open_socket(hub.ws + path, close_timeout=0.1) for path in ("/stream/s", "/stream/s?format=binary")]
    wall = open_socket(hub.ws + "/api/wall", close_timeout=0.1)
    wall.send('{"type":"watch","streams":{"s":{}}}')
    try:
        hub.wait_for_viewers("s", 18)
        with MjpegReader(hub.url + "/stream/s") as alive:
            alive.wait_for_parts(1)
            session, headers = requests.Session(), {"Content-Type": "image/jpeg"}
            for count in range(2, 62):
                begun = time.monotonic()
                answer = session.post(f"{hub.url}/publish/s", data=data, headers=headers, timeout=10)
                assert answer.status_code == 200
                assert time.monotonic() - begun < 5, "publishing never waits for a viewer"
                eventually(lambda n=count: len(alive.parts) == n, "the other viewer gets each frame")
        # 18 MB were published; what 18 dead viewers hold is a frame each at most.
        assert hub.rss() - before < 25e6
    finally:
        for connection in dead:
            connection.close()
        for connection in (*dead_sockets, wall):
            connection.close()


def test_a_viewer_that_reads_again_gets_a_fresh_frame(start_hub):
    """What lies in buffers is a fraction of a second; then the newest frame, not the backlog."""
    hub = start_hub()
    hub.put_frame("s", noise_jpeg(100_000, 0))
    connection = never_read(hub, "/stream/s")
    hub.wait_for_viewers("s", 1)
    for seed in range(1, 41):
        hub.put_frame("s", noise_jpeg(100_000, seed))
    received = b""
    connection.settimeout(2)
    try:
        while chunk := connection.recv(1 << 16):
            received += chunk
    except TimeoutError:
        pass
    connection.close()
    seqs = [int(line.split(b":")[1]) for line in received.split(b"\r\n") if line.startswith(b"X-Frame-Seq:")]
    assert seqs[-1] == 41, "the newest"
    assert len(seqs) < 15, f"not the backlog of 41: {seqs}"


def test_stream_limit(start_hub):
    hub = start_hub("streams.max_concurrent=2")
    hub.put_frame("a", 1)
    hub.put_frame("b", 1)
    for refused in (
        hub.publish("c", 1),
        requests.post(
            f"{hub.url}/publish/c",
            data=b"\xff",
            headers={"Content-Type": "multipart/x-mixed-replace; boundary=x"},
            timeout=10,
        ),
    ):
        message = assert_error(refused, 503, "STREAM_LIMIT")
        assert int(refused.headers["Retry-After"]) > 0
        assert "streams.max_concurrent" in message
    with pytest.raises(InvalidStatus) as handshake:
        open_socket(hub.ws + "/publish/c")
    assert handshake.value.response.status_code == 503
    assert "Retry-After" in handshake.value.response.headers
    hub.put_frame("a", 2)
    requests.delete(f"{hub.url}/api/streams/b", timeout=10)
    hub.put_frame("c", 1)


def test_viewer_limit_of_a_stream(start_hub):
    hub = start_hub("viewers.max_per_stream=2")
    hub.put_frame("s", 1)
    with MjpegReader(hub.url + "/stream/s") as one, MjpegReader(hub.url + "/stream/s") as two:
        one.wait_for_number(1)
        two.wait_for_number(1)
        refused = hub.get("/stream/s")
        assert_error(refused, 503, "VIEWER_LIMIT")
        assert int(refused.headers["Retry-After"]) > 0
        hub.put_frame("s", 2)
        one.wait_for_number(2)
        two.wait_for_number(2)


def test_garbage_on_the_socket(hub, stream):
    """Not HTTP at all: an answer or a closed connection, and the hub goes on."""
    hub.put_frame(stream, 1)
    garbage = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # a TLS hello
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00" * 5000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Header: y\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"y" * 500_000 + b"\r\n\r\n",
        b"POST /publish/x HTTP/1.1\r\nHost: x\r\nContent-Length: minus one\r\n\r\n",
        b"POST /publish/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n",
        b"POST /publish/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    ]
    for data in garbage:
        with connect(hub) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4096)
            except OSError:
                continue
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), (data[:40], answer[:80])
    assert hub.get("/livez").status_code == 200
    hub.put_frame(stream, 2)
