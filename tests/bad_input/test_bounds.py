"""A client of each protocol that takes all it can: the hub's memory stays below the bound that it logs, and others are served."""

import re
import socket
import struct
import time

import pytest

from support.hub import Hub
from support.pictures import jpeg, noise_jpeg
from support.waiting import eventually

MB = 1024 * 1024
FRAME = 8 * MB
#: So small that twenty clients would take more, if each could.
SETTINGS = (
    f"server.max_frame_size_mb={FRAME // MB}",
    "server.max_connections=64",
    "server.receive_memory_mb=24",
    "server.send_memory_mb=24",
    "server.body_timeout_seconds=3",
    "streams.max_concurrent=2",
    "streams.max_buffer_mb=0",
    "streams.backlog_mb=0",
    "recording.enabled=false",
)
#: What the program takes that has just started, and what a picture on its way through takes besides.
BESIDE = 60 * MB


@pytest.fixture
def hub(tmp_path):
    with Hub(tmp_path, *SETTINGS) as hub:
        yield hub


def connect(hub):
    connection = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
    connection.setblocking(False)
    return connection


def push(connections, data: dict, seconds: float) -> None:
    """Sends each connection its bytes, as far as the hub takes them."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for connection in connections:
            rest = data[connection]
            try:
                data[connection] = rest[connection.send(rest[:65536]) :]
            except OSError:
                continue


def all_that_come(hub, head: bytes, payload: bytes, count: int = 20) -> None:
    """So many clients that send all but the end of something large."""
    connections = [connect(hub) for _ in range(count)]
    push(connections, dict.fromkeys(connections, head + payload[:-1]), 1.5)
    # One more, with a small frame, waits for nobody.
    begun = time.monotonic()
    assert hub.publish("small", jpeg(1)).status_code == 200
    assert time.monotonic() - begun < 2
    assert hub.get("/health").status_code == 200
    assert hub.rss() < BESIDE + 24 * MB + count * MB, f"{hub.rss() / MB:.0f} MB"
    for connection in connections:
        connection.close()


def test_bodies(hub):
    length = f"Content-Length: {FRAME}\r\n\r\n".encode()
    all_that_come(hub, b"POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n" + length, bytes(FRAME))


def test_parts_of_a_form(hub):
    head = b"POST /publish/a HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"
    part = b'--b\r\nContent-Disposition: form-data; name="frame"\r\n\r\n' + bytes(FRAME - 200)
    all_that_come(hub, head, b"%x\r\n" % len(part) + part)


def test_commands(hub):
    head = f"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * MB}\r\n\r\n".encode()
    all_that_come(hub, head, b" " * 2 * MB)


def test_messages_of_websockets(hub):
    handshake = (
        b"GET /publish/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    message = b"\x82\xff" + struct.pack("!Q", FRAME) + bytes(4) + bytes(FRAME)
    all_that_come(hub, handshake, message)


def test_websockets_keep_nothing_of_their_largest_message(hub):
    handshake = (
        b"GET /publish/%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    kept = []
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        # No picture: it is refused, and the connection goes on.
        connection.sendall(handshake % b"a" + b"\x82\xff" + struct.pack("!Q", FRAME) + bytes(4) + bytes(FRAME))
        kept.append(connection)
    eventually(lambda: hub.rss() < BESIDE + 2 * FRAME, "the memory is given back")
    for connection in kept:
        connection.close()


def test_viewers_that_take_nothing(hub):
    """Each is stuck in a picture of its own."""
    viewers = []
    for number in range(12):
        viewer = socket.socket()
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.connect(("127.0.0.1", hub.port))
        viewer.sendall(b"GET /stream/cam HTTP/1.1\r\nHost: x\r\n\r\n")
        assert hub.publish("cam", noise_jpeg(6 * MB, number)).status_code == 200
        viewers.append(viewer)
    # Some make room: 24 MB are sent at most, and the stream's newest.
    eventually(lambda: hub.rss() < BESIDE + 24 * MB + 3 * FRAME, "the slowest viewers are closed")
    assert hub.get("/health").status_code == 200
    for viewer in viewers:
        viewer.close()


def test_the_bound_is_logged(hub):
    bound = eventually(lambda: re.search(r"memory bound: at most [\d.]+ [MG]B", hub.stderr()), "the log's line")
    assert bound
