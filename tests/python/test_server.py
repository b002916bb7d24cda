"""`framehub.Server`: the whole hub inside a Python program."""

import logging
import os
import socket
import threading

import numpy as np
import pytest
import requests
from framehub import Server, StreamPublisher

from support.browser import wait_until_painted
from support.mjpeg import MjpegReader
from support.pictures import number_of, numbered
from support.ports import fixed_port
from support.recordings import assert_plays
from support.waiting import always, eventually

FRAME = numbered(1, 64, 48)


@pytest.fixture(scope="module")
def server():
    with Server(port=0) as running:
        yield running


def get(server: Server, path: str) -> requests.Response:
    return requests.get(server.url + path, timeout=30)


def published(server: Server, stream: str, count: int = 1) -> None:
    eventually(lambda: server.stats(stream)["frames_received"] >= count, f"{count} frames of {stream}")


def test_a_frame_is_on_every_viewers_screen(page):
    with Server(port=0) as server:
        server.publish(numbered(7))
        published(server, "default")
        page.goto(server.url)
        picture = page.locator("a.tile[data-stream=default] canvas")
        for number in (8, 9):
            server.publish(numbered(number))
            wait_until_painted(picture, number)
        with MjpegReader(f"{server.url}/stream") as viewer:
            viewer.wait_for_number(9)


def test_statistics_have_the_names_of_get_stats(server, stream):
    for count in range(1, 4):
        server.publish(FRAME, stream)
        published(server, stream, count)
    stats = server.stats(stream)
    example = get(server, "/stats").json()
    names = "frames_received frames_served frames_dropped clients_connected uptime_seconds current_fps"
    names += " server_running host port"
    assert stats.keys() >= set(names.split()) and example.keys() >= set(names.split())
    assert (stats["host"], stats["port"], stats["server_running"]) == ("127.0.0.1", server.port, True)
    assert stats["frames_offered"] == stats["frames_received"] + stats["frames_replaced"] == 3
    with MjpegReader(f"{server.url}/stream/{stream}") as viewer:
        viewer.wait_for_number(1)
        eventually(lambda: server.stats(stream)["clients_connected"] == 1)
    assert server.stats("nobody_has_published_it")["frames_received"] == 0


def test_metadata_and_time_travel_along(server, stream):
    server.publish(FRAME, stream, captured=1700000000.5, metadata={"episode": np.int32(4)})
    published(server, stream)
    headers = get(server, f"/stream/{stream}/snapshot.jpg").headers
    assert float(headers["X-Timestamp"]) == pytest.approx(1700000000.5)
    assert headers["X-Frame-Metadata"] == '{"episode":4}'


def test_wanted_follows_the_viewers(server, stream):
    assert server.wanted(stream), "the first frame always is"
    server.publish(FRAME, stream)
    published(server, stream)
    always(lambda: not server.wanted(stream), 0.2)
    with MjpegReader(f"{server.url}/stream/{stream}"):
        eventually(lambda: server.wanted(stream))
    eventually(lambda: not server.wanted(stream))


def test_frames_come_as_often_as_allowed():
    with Server(port=0, max_fps=1) as server:
        assert [server.publish(FRAME) for _ in range(5)] == [True] + [False] * 4
        assert server.stats()["frames_limited"] == 4


def test_a_stream_that_was_deleted_begins_anew(server, stream):
    server.publish(FRAME, stream)
    published(server, stream)
    assert requests.delete(f"{server.url}/api/streams/{stream}", timeout=10).ok
    eventually(lambda: server.publish(FRAME, stream) and get(server, f"/stream/{stream}/snapshot.jpg").ok)


def test_two_cannot_publish_one_stream(server, stream):
    with StreamPublisher(server.url, stream) as publisher:
        publisher.publish(FRAME)
        eventually(lambda: get(server, f"/api/streams/{stream}/stats").ok)
        with pytest.raises(RuntimeError, match="already has a connected publisher"):
            server.publish(FRAME, stream)


def test_others_publish_to_it_too(server, stream):
    with StreamPublisher(server.url, stream) as publisher:
        publisher.publish(numbered(5))
    assert number_of(get(server, f"/stream/{stream}/snapshot.jpg").content) == 5


def test_a_busy_port_moves_on_and_says_so(caplog):
    with socket.create_server(("127.0.0.1", fixed_port())) as busy:
        port = busy.getsockname()[1]
        with Server(port=port) as server:
            assert port < server.port <= port + 9
            assert get(server, "/health").ok
        assert f"port {port} is in use; listening on {server.port} instead" in caplog.text


def test_ten_busy_ports_are_an_error():
    port = fixed_port()
    taken = []
    try:
        for number in range(port, port + 10):
            try:
                taken.append(socket.create_server(("127.0.0.1", number)))
            except OSError:
                pass  # another program's: busy all the same
        with pytest.raises(OSError, match=f"ports {port} to {port + 9} are in use"):
            Server(port=port).start()
    finally:
        for sock in taken:
            sock.close()


def test_recording_beside_streaming(tmp_path):
    with Server(port=0, record=True, record_directory=tmp_path / "films", codec="mjpeg", record_fps=60) as server:
        for number in range(1, 21):
            server.publish(numbered(number), "camera")
            published(server, "camera", number)
        eventually(lambda: server.wanted("camera"), "the recorder wants frames")
    (film,) = (tmp_path / "films" / "camera").glob("*.mp4")
    assert film.with_suffix(".json").exists()
    assert_plays(film)


def test_keys(stream):
    with Server(port=0, api_keys=["the-only-key"]) as server:
        assert server.publish(FRAME, stream), "the program itself needs none"
        assert get(server, "/api/streams").status_code == 401
        headers = {"X-API-Key": "the-only-key"}
        assert requests.get(server.url + "/api/streams", headers=headers, timeout=10).ok


def test_it_reads_neither_files_nor_the_environment(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("server: {port: nonsense}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEYS", "from-the-environment")
    with Server(port=0) as server:
        assert get(server, "/api/streams").ok
    assert os.listdir(tmp_path) == ["config.yaml"], "and leaves nothing behind"


def test_closed_and_opened_again():
    server = Server(port=0)
    with pytest.raises(ValueError, match=r"not started.*start\(\)"):
        server.publish(FRAME)
    assert not server.is_running and not server.wanted()
    assert server.start() is server.start()
    url = server.url
    server.publish(FRAME)
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with pytest.raises(ValueError, match="closed"):
        server.publish(FRAME)
    assert not server.wanted() and server.stats()["server_running"] is False
    with server:
        assert server.publish(FRAME)


def test_viewers_do_not_hold_up_the_end():
    server = Server(port=0).start()
    server.publish(FRAME)
    published(server, "default")
    with MjpegReader(f"{server.url}/stream") as viewer:
        viewer.wait_for_number(1)
        server.stop()
        eventually(viewer.ended.is_set, "the viewer notices")


def test_many_threads(server, stream):
    def work() -> None:
        for _ in range(50):
            server.publish(FRAME, stream)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    def all_done() -> bool:
        stats = server.stats(stream)
        return stats["frames_received"] + stats["frames_replaced"] == 200

    eventually(all_done)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"port": 65_536}, ValueError, "port"),
        ({"port": "8080"}, TypeError, "port"),
        ({"quality": 0}, ValueError, "quality"),
        ({"buffer_size": 0}, ValueError, "buffer_size"),
        ({"max_fps": -1}, ValueError, "max_fps"),
        ({"log_level": "LOUD"}, ValueError, "log_level"),
        ({"host": "nowhere.example"}, ValueError, "server.host"),
        ({"codec": "divx"}, ValueError, "recording.codec"),
        ({"max_duration": 1}, ValueError, "recording.segment_seconds"),
        ({"settings": {"viewers.nonsense": 1}}, ValueError, "viewers.nonsense"),
        ({"host": "192.0.2.1"}, OSError, "192.0.2.1"),
    ],
)
def test_what_cannot_be_right(arguments, error, words):
    with pytest.raises(error) as raised:
        Server(**({"port": 0} | arguments)).start()
    assert words in str(raised.value)


def test_a_bad_name(server):
    for name in ("", "a/b", "x" * 65):
        with pytest.raises(ValueError, match="name"):
            server.publish(FRAME, name)


def test_python_logging_is_called_framehub():
    assert logging.getLogger("framehub").handlers == [], "the program decides where its log goes"
