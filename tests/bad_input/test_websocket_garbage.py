"""WebSocket garbage, byte by byte over a raw socket: a close with its code, or an end; and everyone else goes on."""

import os
import socket
import struct
import time

import pytest

from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.waiting import eventually

HANDSHAKE = (
    "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, BINARY, CONTINUE, CLOSE, PING = 1, 2, 0, 8, 9


class RawSocket:
    """A WebSocket client that may do everything wrong."""

    def __init__(self, hub, path: str):
        self.connection = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        self.connection.sendall(HANDSHAKE.format(path).encode())
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self.received += self.connection.recv(4096)
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.splitlines()[0], head
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, "RFC 6455's own example"

    def frame(
        self, opcode: int, payload: bytes, fin: bool = True, mask: bool = True, length: int | None = None, rsv: int = 0
    ):
        size = len(payload) if length is None else length
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        bit = 0x80 if mask else 0
        if size < 126:
            head += bytes([bit | size])
        elif size < 1 << 16:
            head += bytes([bit | 126]) + struct.pack(">H", size)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", size)
        if mask:
            key = os.urandom(4)
            payload = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
            head += key
        self.connection.sendall(head + payload)

    def close_code(self) -> int | None:
        """Reads to the end: the code of the close frame, None if the connection just ends."""
        data = self.received
        deadline = time.monotonic() + 10
        try:
            while chunk := self.connection.recv(65536):
                data += chunk
                assert time.monotonic() < deadline, "the hub did not end the connection"
        except OSError as error:
            assert not isinstance(error, TimeoutError), "the hub did not end the connection"
        self.connection.close()
        while len(data) >= 2:
            opcode, size = data[0] & 15, data[1]
            at = 2
            if size == 126:
                size, at = struct.unpack(">H", data[2:4])[0], 4
            elif size == 127:
                size, at = struct.unpack(">Q", data[2:10])[0], 10
            if opcode == CLOSE:
                return struct.unpack(">H", data[at : at + 2])[0] if size >= 2 else 1005
            data = data[at + size :]
        return None


PATHS = ["/publish/{}_p", "/stream/{}", "/api/wall"]


@pytest.fixture
def watched(hub, stream):
    """A stream with a viewer; whatever a test does, the viewer gets the next frame."""
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as viewer:
        viewer.wait_for_number(1)
        yield stream
        hub.put_frame(stream, 2)
        viewer.wait_for_number(2)
        assert viewer.numbers == [1, 2]


@pytest.mark.parametrize("path", PATHS)
def test_violations_of_the_protocol(hub, watched, path):
    def attack(act):
        raw = RawSocket(hub, path.format(watched))
        try:
            act(raw)
        except OSError:
            pass
        return raw.close_code()

    assert attack(lambda s: s.connection.sendall(os.urandom(0) + b"\xff" * 5000)) in (1002, 1009, None)
    assert attack(lambda s: s.frame(3, b"reserved opcode")) in (1002, None)
    assert attack(lambda s: s.frame(TEXT, b"x", rsv=0x40)) in (1002, None)
    assert attack(lambda s: s.frame(TEXT, b"\xff\xfe not UTF-8")) in (1002, 1007)
    assert attack(lambda s: s.frame(CONTINUE, b"of nothing")) == 1002
    assert attack(lambda s: (s.frame(TEXT, b"a", fin=False), s.frame(TEXT, b"b"))) == 1002
    assert attack(lambda s: s.frame(PING, b"x" * 200)) in (1002, None)
    assert attack(lambda s: s.frame(PING, b"x", fin=False)) in (1002, None)
    assert attack(lambda s: s.frame(CLOSE, b"\x03")) in (1002, None)
    assert attack(lambda s: s.frame(CLOSE, struct.pack(">H", 999))) in (1002, None)
    assert attack(lambda s: s.frame(CLOSE, struct.pack(">H", 1000) + b"bye")) == 1000
    assert attack(lambda s: s.frame(CLOSE, b"")) in (1005, 1000)
    # Cut in the middle of a frame.
    assert attack(lambda s: (s.frame(BINARY, b"x" * 50, length=100), s.connection.shutdown(socket.SHUT_WR))) in (
        1000,
        1002,
        1005,
        None,
    )


@pytest.mark.parametrize("path", PATHS)
def test_messages_that_are_too_large(hub, watched, path):
    """Refused by the header alone, before any of the announced bytes came: with 1009."""
    before = hub.rss()
    for size in (1 << 28, 1 << 40, (1 << 63) - 1):
        raw = RawSocket(hub, path.format(watched))
        raw.frame(BINARY, b"", length=size)
        assert raw.close_code() == 1009
    assert hub.rss() - before < 10e6


@pytest.mark.parametrize("path", PATHS)
def test_a_message_of_endless_fragments(hub, watched, path):
    before = hub.rss()
    raw = RawSocket(hub, path.format(watched))
    peak = 0
    payload = b"x" * 30_000
    try:
        raw.frame(BINARY, payload, fin=False)
        for index in range(2000):
            raw.frame(CONTINUE, payload, fin=False) if index < 3 else raw.connection.sendall(_same(payload))
            if index % 100 == 0:
                peak = max(peak, hub.rss() - before)
    except OSError:
        pass
    else:
        raise AssertionError("the hub took 60 MB as one message")
    code = raw.close_code()
    assert code in (1009, None)
    assert peak < 40e6


def _same(payload: bytes) -> bytes:
    """An unfinished continuation, masked with zeros: quick to make."""
    return b"\x00\xfe" + struct.pack(">H", len(payload)) + b"\0\0\0\0" + payload


def test_endless_empty_fragments(hub, watched):
    raw = RawSocket(hub, f"/publish/{watched}_p")
    before = hub.rss()
    raw.frame(BINARY, b"", fin=False)
    empty = b"\x00\x80\0\0\0\0"
    for _ in range(200):
        raw.connection.sendall(empty * 500)
    assert hub.get("/livez").status_code == 200
    assert hub.rss() - before < 10e6
    raw.frame(CONTINUE, jpeg(3))
    eventually(lambda: hub.get(f"/stream/{watched}_p/snapshot.jpg").status_code == 200, "it was one frame after all")
    raw.connection.close()


def test_a_flood_of_pings_without_reading_the_answers(hub, watched):
    raw = RawSocket(hub, f"/stream/{watched}")
    before = hub.rss()
    raw.connection.settimeout(2)
    ping = b"\x89\xfd\0\0\0\0" + b"p" * 125
    try:
        for _ in range(400):
            raw.connection.sendall(ping * 100)
    except OSError:
        pass
    assert hub.get("/livez").status_code == 200
    assert hub.rss() - before < 20e6
    raw.connection.close()


@pytest.mark.parametrize(
    "headers",
    [
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
    ],
    ids=["no-key", "old-version", "h2c"],
)
def test_broken_handshakes(hub, watched, headers):
    for path in (f"/publish/{watched}_p", "/api/wall"):
        with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
            status = connection.recv(4096).split()[1]
            assert status in (b"400", b"426"), (path, status)
