"""Bodies that are torn, endless, slow or not what they say."""

import socket
import time

import pytest
import requests

from support.hub import Hub
from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.waiting import eventually

BOUNDARY = "b0undary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(data: bytes, closing: bytes = b"--\r\n") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="frame"; filename="f.jpg"\r\n\r\n'
    return head.encode() + data + f"\r\n--{BOUNDARY}".encode() + closing


def post(hub, stream, body, content_type):
    headers = {"Content-Type": content_type}
    return requests.post(f"{hub.url}/publish/{stream}", data=body, headers=headers, timeout=20)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (form(jpeg(2)), "multipart/form-data", 400),
        (form(jpeg(2)), "multipart/form-data; boundary=", 400),
        (form(jpeg(2)), f"multipart/form-data; boundary={'x' * 200}", 400),
        (form(jpeg(2)), "multipart/form-data; boundary=another", 400),
        (form(jpeg(2), closing=b""), FORM, 400),
        (form(jpeg(2))[:-900], FORM, 400),
        (b"", FORM, 400),
        (b"garbage without any structure" * 100, FORM, 400),
        (b"--b0undary\r\n" + b"X" * 100_000, FORM, 400),
        (b"--b0undary\r\nContent-Disposition form-data\r\n\r\n" + jpeg(2) + b"\r\n--b0undary--\r\n", FORM, 400),
        (b"hello", "text/plain", 415),
        (b"{}", "application/json", 415),
        (b"<html>\n</html>", "text/html", 415),
        (b"frame=hello", "application/x-www-form-urlencoded", 415),
        (b"\0\0\0\x18ftypisom", "video/mp4", 415),
        (b"hello", "multipart/mixed; boundary=x", 400),
    ],
    ids=lambda value: None,
)
def test_torn_forms_and_wrong_content_types(hub, stream, body, content_type, status):
    hub.put_frame(stream, 1)
    response = post(hub, stream, body, content_type)
    assert response.status_code == status, response.text
    assert response.json()["code"] and len(response.json()["error"]) > 10
    assert hub.snapshot(stream) == jpeg(1)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "video/mp4", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x"],
)
def test_a_picture_is_one_whatever_it_is_called(hub, stream, content_type):
    assert post(hub, stream, jpeg(2), content_type).status_code == 200
    assert hub.snapshot(stream) == jpeg(2)


def test_a_body_shorter_than_promised(hub, stream):
    hub.put_frame(stream, 1)
    for content_type in ("image/jpeg", FORM):
        connection = socket.create_connection(("127.0.0.1", hub.port))
        head = f"POST /publish/{stream} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: 9000\r\n\r\n"
        connection.sendall(head.encode() + jpeg(2))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
        assert answer == b"" or b" 400 " in answer.splitlines()[0]
        connection.close()
    eventually(lambda: hub.stats(stream)["frames_rejected"] == 2)
    assert hub.snapshot(stream) == jpeg(1)


def test_a_multipart_body_without_end_is_cut_at_the_limit(start_hub):
    """A form that never ends, and a part that never ends: bounded memory, a clear answer, others go on."""
    hub = start_hub("server.max_frame_size_mb=1")
    hub.put_frame("s", 1)
    before = hub.rss()
    with MjpegReader(hub.url + "/stream/s") as viewer:
        viewer.wait_for_number(1)
        for content_type in (FORM, f"multipart/x-mixed-replace; boundary={BOUNDARY}", "image/jpeg"):
            connection = socket.create_connection(("127.0.0.1", hub.port))
            head = f"POST /publish/s HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head.encode())
            answer = flood(connection, form(b"\xff\xd8" + b"x" * 1000, closing=b"")[:-12])
            assert b" 413 " in answer.splitlines()[0], answer[:200]
            assert b"FRAME_TOO_LARGE" in answer
            connection.close()
            hub.put_frame("s", 2)
        viewer.wait_for_number(2)
    assert hub.rss() - before < 30e6


def flood(connection: socket.socket, beginning: bytes, limit: int = 200_000_000) -> bytes:
    """Sends chunk after chunk until the hub answers or hangs up."""
    connection.settimeout(20)
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    try:
        connection.sendall(b"%x\r\n%b\r\n" % (len(beginning), beginning))
        for _ in range(limit // 0x10000):
            connection.sendall(chunk)
    except OSError:
        pass
    else:
        raise AssertionError("the hub took it all")
    try:
        return connection.recv(65536)
    except OSError:
        return b"(reset before the answer was read)"


def test_an_announced_length_beyond_the_limit_is_refused_at_once(hub, stream):
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.settimeout(10)
    for_sale = (
        f"POST /publish/{stream} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 99999999999\r\n\r\n"
    )
    connection.sendall(for_sale.encode())
    answer = connection.recv(4096)
    assert b" 413 " in answer.splitlines()[0] and b"FRAME_TOO_LARGE" in answer
    connection.close()


def test_many_small_fields_are_bounded(hub, stream):
    """A form of a hundred thousand fields is no way to the hub's memory."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="n"\r\n\r\nv\r\n'.encode()
    before = hub.rss()
    response = post(hub, stream, part * 100_000 + form(jpeg(1)), FORM)
    assert response.status_code in (200, 400, 413)
    assert hub.rss() - before < 60e6


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    limits = ("server.header_timeout_seconds=1", "server.body_timeout_seconds=1")
    with Hub(tmp_path_factory.mktemp("strict"), *limits) as started:
        yield started


def dribble(connection: socket.socket, data: bytes, every: float = 0.2, limit: float = 15) -> tuple[bytes, float]:
    """A byte at a time until the hub hangs up; its answer, and how long that took."""
    begun = time.monotonic()
    answer = b""
    connection.settimeout(every)
    at = 0
    while time.monotonic() - begun < limit:
        try:
            if at < len(data):
                connection.sendall(data[at : at + 1])
                at += 1
            chunk = connection.recv(4096)
            if not chunk:
                return answer, time.monotonic() - begun
            answer += chunk
        except TimeoutError:
            continue
        except OSError:
            return answer, time.monotonic() - begun
    raise AssertionError("the hub let it dribble on")


def test_one_byte_a_second_in_the_header_is_cut(strict):
    with socket.create_connection(("127.0.0.1", strict.port)) as connection:
        _, took = dribble(connection, b"GET /stream HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 1000)
        assert took < 8


def test_a_connection_that_rests_is_cut(start_hub):
    """`server.idle_timeout_seconds`: one that never spoke, and one between two requests."""
    hub = start_hub("server.idle_timeout_seconds=1")
    silent = socket.create_connection(("127.0.0.1", hub.port))
    kept_alive = socket.create_connection(("127.0.0.1", hub.port))
    kept_alive.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    kept_alive.settimeout(10)
    assert b"200 OK" in kept_alive.recv(4096)
    for connection in (silent, kept_alive):
        connection.settimeout(10)
        assert connection.recv(100) == b"", "closed without an answer"
        connection.close()


@pytest.mark.parametrize("content_type", ["image/jpeg", FORM, ""])
def test_one_byte_a_second_in_the_body_is_cut(strict, stream, content_type):
    strict.put_frame(stream, 1)
    with (
        MjpegReader(f"{strict.url}/stream/{stream}") as viewer,
        socket.create_connection(("127.0.0.1", strict.port)) as connection,
    ):
        named = f"Content-Type: {content_type}\r\n" if content_type else ""
        head = f"POST /publish/{stream} HTTP/1.1\r\nHost: x\r\n{named}Content-Length: 5000\r\n\r\n"
        connection.sendall(head.encode())
        answer, took = dribble(connection, form(jpeg(2)))
        assert took < 8
        assert b" 408 " in answer.splitlines()[0], answer
        assert b"BODY_TIMEOUT" in answer and b"server.body_timeout_seconds" in answer
        strict.put_frame(stream, 3)
        viewer.wait_for_number(3)
        assert viewer.numbers == [1, 3]


def test_one_byte_a_second_in_an_endless_part_is_cut(strict, stream):
    """Between frames a publisher may pause; within a frame its bytes must come."""
    with socket.create_connection(("127.0.0.1", strict.port)) as connection:
        head = (
            f"POST /publish/{stream} HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n"
            f"Content-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\n\r\n--{BOUNDARY}\r\n"
        )
        data = jpeg(1)
        first = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data
        connection.sendall(head.encode() + first + f"\r\n--{BOUNDARY}\r\n".encode())
        eventually(lambda: strict.get(f"/stream/{stream}/snapshot.jpg").status_code == 200)
        # Longer than the limit for a frame's bytes.
        deadline = time.monotonic() + 2
        eventually(lambda: time.monotonic() > deadline)
        connection.sendall(first)
        eventually(lambda: strict.stats(stream)["total_frames"] == 2, "a pause between frames is fine")
        connection.sendall(f"\r\n--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: 4000\r\n\r\n".encode())
        answer, took = dribble(connection, jpeg(3))
        assert took < 8
        assert b"BODY_TIMEOUT" in answer
    assert strict.snapshot(stream) == data
    eventually(lambda: strict.stats(stream)["publisher_connected"] is False)


def test_a_slow_but_steady_keep_alive_client_is_served(strict):
    """The limit is for one header, not for the pause between two requests."""
    connection = socket.create_connection(("127.0.0.1", strict.port))
    connection.settimeout(10)
    for _ in range(2):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in connection.recv(4096)
        deadline = time.monotonic() + 1.6
        eventually(lambda d=deadline: time.monotonic() > d)
    connection.close()
