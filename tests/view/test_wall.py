"""The wall: any number of streams over one WebSocket, each with a credit of two frames."""

import json
import time

import requests

from support.feeder import Feeder
from support.pictures import jpeg
from support.shapes import assert_error
from support.sockets import Wall
from support.waiting import always, eventually


def test_the_list_comes_at_once_and_every_second(hub, stream):
    hub.put_frame(stream, 1)
    listed = {entry["name"]: entry for entry in hub.get("/api/streams").json()["streams"]}
    with Wall(hub.ws) as wall:
        first = wall.wait_for_text("streams")
        assert "default" in first
        entry = next(entry for entry in first["streams"] if entry["name"] == stream)
        assert entry.keys() == listed[stream].keys()
        for field in ("current_fps", "width", "height", "frame_bytes", "bytes_per_second"):
            assert field in entry
        assert (entry["width"], entry["height"], entry["frame_bytes"]) == (320, 240, len(jpeg(1)))
        begun = time.monotonic()
        wall.wait_for_text("streams", count=3)
        assert time.monotonic() - begun < 10


def test_a_new_stream_is_listed_without_waiting(hub, stream):
    with Wall(hub.ws) as wall:
        wall.wait_for_text("streams")
        hub.put_frame(stream, 1)
        eventually(lambda: any(e["name"] == stream for e in wall.of_type("streams")[-1]["streams"]))


def test_watched_frames_and_their_headers(hub, stream):
    data = jpeg(1)
    headers = {"Content-Type": "image/jpeg", "X-Timestamp": "1700000000.125"}
    requests.post(f"{hub.url}/publish/{stream}", data=data, headers=headers, timeout=10)
    with Wall(hub.ws) as wall:
        wall.watch(stream)
        frame = wall.wait_for_number(stream, 1)
        assert frame.jpeg == data
        header = frame.header
        assert (header["stream"], header["seq"], header["width"], header["height"]) == (stream, 1, 320, 240)
        assert abs(header["timestamp"] - 1700000000.125) < 0.001
        assert header["age_ms"] >= 0
        assert header["skipped"] == 0
        assert "metadata" not in header
        hub.put_frame(stream, 2)
        assert abs(wall.wait_for_number(stream, 2).header["timestamp"] - time.time()) < 60


def test_nothing_is_sent_of_what_is_not_watched(hub, stream):
    with Wall(hub.ws) as wall:
        wall.wait_for_text("streams")
        hub.put_frame(stream, 1)
        hub.put_frame(stream, 2)
        always(lambda: not wall.frames, 0.3)
        assert hub.viewers(stream) == 0


def test_credit_of_two_frames(hub, stream):
    """A browser that paints nothing gets two frames; each acknowledgement brings one more, the newest."""
    hub.put_frame(stream, 1)
    with Wall(hub.ws, acknowledge=False) as wall:
        wall.watch(stream)
        wall.wait_for_number(stream, 1)
        hub.put_frame(stream, 2)
        wall.wait_for_number(stream, 2)
        for number in range(3, 10):
            hub.put_frame(stream, number)
        always(lambda: len(wall.frames) == 2, 0.4, "the window is full")
        wall.shown(wall.frames[0])
        newest = wall.wait_for_number(stream, 9)
        assert newest.header["skipped"] == 6
        always(lambda: len(wall.frames) == 3, 0.2)
        # Acknowledging a later frame acknowledges those before it.
        wall.shown(newest)
        for number in (10, 11):
            hub.put_frame(stream, number)
            wall.wait_for_number(stream, number)


def test_a_stream_without_credit_does_not_hold_up_the_others(hub, stream):
    stuck, moving = stream + "a", stream + "b"
    hub.put_frame(stuck, 1)
    hub.put_frame(moving, 1)
    with Wall(hub.ws, acknowledge=False) as wall:
        wall.watch(stuck, moving)
        for number in range(1, 15):
            hub.put_frame(stuck, number)
            hub.put_frame(moving, number)
            wall.shown(wall.wait_for_number(moving, number))
        assert len(wall.of(stuck)) == 2


def test_twenty_streams_all_move(start_hub):
    hub = start_hub()
    names = [f"camera{i}" for i in range(20)]
    with Feeder(hub.url, *names, fps=3), Wall(hub.ws) as wall:
        wall.watch(*names)
        eventually(lambda: all(len(wall.of(name)) >= 4 for name in names), "all twenty move", timeout=30)


def test_watch_replaces_the_whole_set(hub, stream):
    one, two = stream + "a", stream + "b"
    hub.put_frame(one, 1)
    hub.put_frame(two, 1)
    with Wall(hub.ws) as wall:
        wall.watch(one)
        wall.wait_for_number(one, 1)
        wall.watch(two)
        wall.wait_for_number(two, 1)
        hub.wait_for_viewers(one, 0)
        hub.wait_for_viewers(two, 1)
        wall.watch()
        hub.wait_for_viewers(two, 0)
    hub.wait_for_viewers(two, 0)


def test_a_wish_for_a_stream_that_comes_later(hub, stream):
    with Wall(hub.ws) as wall:
        wall.watch(stream)
        wall.wait_for_text("streams")
        hub.put_frame(stream, 1)
        wall.wait_for_number(stream, 1)


def test_gone_and_back_again(hub, stream):
    hub.put_frame(stream, 1)
    with Wall(hub.ws) as wall:
        wall.watch(stream)
        wall.wait_for_number(stream, 1)
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        gone = wall.wait_for_text("gone")
        assert gone["stream"] == stream
        assert "deleted" in gone["message"]
        hub.put_frame(stream, 2)
        wall.wait_for_number(stream, 2)


def test_fps_of_one_tile(hub, stream):
    slow, fast = stream + "a", stream + "b"
    with Feeder(hub.url, slow, fast, fps=20), Wall(hub.ws) as wall:
        wall.watch(**{slow: {"fps": 2}, fast: {"fps": 0}})
        eventually(lambda: len(wall.of(slow)) >= 6, timeout=20)
        assert len(wall.of(fast)) > len(wall.of(slow))


def test_bad_messages_are_named_and_the_wall_goes_on(hub, stream):
    hub.put_frame(stream, 1)
    with Wall(hub.ws) as wall:
        bad = [
            "no json",
            "{}",
            '{"type":"dance"}',
            '{"type":"watch"}',
            '{"type":"watch","streams":[]}',
            '{"type":"shown","stream":"x","seq":-1}',
            json.dumps({"type": "watch", "streams": {"a": {"fps": -3}}}),
            json.dumps({"type": "watch", "streams": {f"s{i}": {} for i in range(257)}}),
        ]
        for count, message in enumerate(bad, start=1):
            wall.socket.send(message)
            assert len(wall.wait_for_text("error", count)["message"]) > 10
        # Names that cannot be streams are no error: they are simply never live.
        wall.watch("../etc", stream)
        wall.wait_for_number(stream, 1)
        assert len(wall.of_type("error")) == len(bad)


def test_most_streams_watched(hub, stream):
    hub.put_frame(stream, 1)
    with Wall(hub.ws) as wall:
        wall.watch(*[f"none{i}" for i in range(255)], stream)
        wall.wait_for_number(stream, 1)


def test_plain_http_is_told_to_upgrade(hub):
    assert_error(hub.get("/api/wall"), 426, "UPGRADE_REQUIRED")
