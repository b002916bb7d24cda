"""Behind a proxy that cuts what is idle for 8 s and hands bytes on 64 kB at a time. All times here are shorter."""

import pytest
import requests

from support.feeder import Feeder
from support.hub import Hub
from support.mjpeg import MjpegReader
from support.pictures import jpeg, noise_jpeg, number_of
from support.proxy import Habits, Proxy
from support.sockets import SocketReader, Wall
from support.waiting import eventually

#: In place of 8 s and 5 s, the proxy's and the hub's own; far apart, since the machine may be busy.
IDLE = 2.0
HEARTBEAT = 0.5
#: Heartbeats in twice the proxy's idle time.
SPELL = int(2 * IDLE / HEARTBEAT)
BUFFER = 64 * 1024


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("proxied"), f"viewers.heartbeat_interval={HEARTBEAT}") as started:
        yield started


def heartbeats(reader: MjpegReader) -> int:
    return reader.raw.count(b"X-Heartbeat: ")


def test_mjpeg_outlives_the_proxys_idle_time(hub, stream):
    hub.put_frame(stream, 1)
    with Proxy(hub.port, Habits(idle=IDLE)) as proxy, MjpegReader(f"{proxy.url}/stream/{stream}") as reader:
        reader.wait_for_number(1)
        eventually(lambda: heartbeats(reader) >= SPELL, "twice the proxy's idle time without a frame")
        hub.put_frame(stream, 2)
        reader.wait_for_number(2)
        assert reader.numbers == [1, 2]
        assert not reader.ended.is_set()
        assert [seen.cut for seen in proxy.seen] == [""]


def test_a_browsers_mjpeg_outlives_it_too(hub, stream):
    """Browsers get the newest frame again instead of a header line."""
    hub.put_frame(stream, 1)
    url = f"/stream/{stream}?advance_headers=1"
    with Proxy(hub.port, Habits(idle=IDLE)) as proxy, MjpegReader(proxy.url + url) as reader:
        reader.wait_for_parts(SPELL)
        hub.put_frame(stream, 2)
        reader.wait_for_number(2)
        assert set(reader.numbers) == {1, 2}
        assert not reader.ended.is_set()


@pytest.mark.parametrize("query", ["", "?format=binary"])
def test_a_websocket_view_outlives_it(hub, stream, query):
    hub.put_frame(stream, 1)
    with Proxy(hub.port, Habits(idle=IDLE)) as proxy, SocketReader(f"{proxy.ws}/stream/{stream}{query}") as viewer:

        def frames() -> int:
            return len(viewer.binaries) + len(viewer.of_type("frame"))

        eventually(lambda: frames() == 1)
        socket = proxy.of(f"/stream/{stream}")[0]
        # Pings are all that comes for a while: two bytes each.
        before = len(socket.written)
        eventually(lambda: len(socket.written) >= before + SPELL, "pings")
        hub.put_frame(stream, 2)
        eventually(lambda: frames() == 2)
        assert not viewer.ended.is_set()


def test_the_wall_outlives_it(hub, stream):
    hub.put_frame(stream, 1)
    with Proxy(hub.port, Habits(idle=IDLE)) as proxy, Wall(proxy.ws) as wall:
        wall.watch(stream)
        wall.wait_for_number(stream, 1)
        wall.wait_for_text("streams", count=int(2 * IDLE) + 1)
        hub.put_frame(stream, 2)
        wall.wait_for_number(stream, 2)
        assert not wall.ended.is_set()


def test_a_publishing_websocket_that_pauses_outlives_it(hub, stream):
    with Proxy(hub.port, Habits(idle=IDLE)) as proxy:
        with SocketReader(f"{proxy.ws}/publish/{stream}?ack=1") as publisher:
            publisher.socket.send(jpeg(1))
            eventually(lambda: publisher.texts, "the first is acknowledged")
            socket = proxy.of(f"/publish/{stream}")[0]
            before = len(socket.written)
            eventually(lambda: len(socket.written) >= before + SPELL, "pings")
            publisher.socket.send(jpeg(2))
            eventually(lambda: len(publisher.texts) == 2, "and so is the second")
    assert number_of(hub.snapshot(stream)) == 2


def test_frames_go_on_through_its_buffer(hub, stream):
    """A stream that moves fills 64 kB again and again: late by as much, but never still."""
    habits = Habits(idle=IDLE, buffer=BUFFER)
    hub.put_frame(stream, 1)
    with Feeder(hub.url, stream, fps=20), Proxy(hub.port, habits) as proxy:
        url = f"{proxy.url}/stream/{stream}"
        with MjpegReader(url) as reader, Wall(proxy.ws, acknowledge=False) as wall:
            reader.wait_for_parts(60)
            # A wall that may send no frame says a little each second; 64 kB of that take minutes.
            assert wall.ended.wait(IDLE * 4)
        first = proxy.of(f"/stream/{stream}")[0]
        assert first.cut == "" and all(size >= BUFFER for size in first.written[:-1])


def test_snapshots_get_through_whatever_it_buffers(hub, stream):
    """What the page falls back to: each answer has an end, and with it the buffer is handed on."""
    hub.put_frame(stream, 1)
    with Proxy(hub.port, Habits(idle=IDLE, buffer=BUFFER)) as proxy:
        for number in range(2, 5):
            answer = requests.get(f"{proxy.url}/stream/{stream}/snapshot.jpg", timeout=10)
            seq = int(answer.headers["X-Frame-Seq"])
            hub.put_frame(stream, number)
            after = requests.get(f"{proxy.url}/stream/{stream}/snapshot.jpg?after={seq}", timeout=10)
            assert number_of(after.content) == number
        quiet = requests.get(f"{proxy.url}/stream/{stream}/snapshot.jpg?after=4&timeout=1", timeout=10)
        assert quiet.status_code == 304, "asked to wait less than the proxy's idle time"


def test_large_uploads_go_through_it(hub, stream):
    with Proxy(hub.port, Habits(idle=IDLE, buffer=BUFFER)) as proxy:
        picture = noise_jpeg(3_000_000)
        answer = requests.post(
            f"{proxy.url}/publish/{stream}", data=picture, headers={"Content-Type": "image/jpeg"}, timeout=20
        )
        assert answer.json()["frame_size"] == len(picture)
        assert requests.get(f"{proxy.url}/stream/{stream}/snapshot.jpg", timeout=20).content == picture
