"""Renditions: `?width=&height=&quality=&fps=` on every live view, made once for all who ask for the same."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
import requests

from support.feeder import Feeder
from support.mjpeg import MjpegReader, rate
from support.pictures import decode, jpeg, number_of
from support.shapes import assert_error
from support.sockets import SocketReader, Wall, open_socket
from support.waiting import always, eventually


def size(data: bytes) -> tuple[int, int]:
    height, width = decode(data).shape[:2]
    return width, height


def renditions(hub, stream: str) -> list[dict]:
    return hub.stats(stream)["renditions"]


# ---- what comes out ----


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("width=160", (160, 120)),
        ("height=60", (80, 60)),
        ("width=100&height=100", (100, 100)),
        ("width=200", (200, 150)),
        ("width=640", (320, 240)),
        ("width=8192&height=120", (320, 120)),
        ("quality=20", (320, 240)),
    ],
)
def test_the_size_asked_for(hub, stream, query, wanted):
    """One side keeps the proportions, both are taken as they are, nothing is made larger."""
    hub.put_frame(stream, 7)
    with MjpegReader(f"{hub.url}/stream/{stream}?{query}") as reader:
        part = reader.wait_for_number(7)
    assert size(part.jpeg) == wanted


def test_what_needs_no_change_is_passed_through(hub, stream):
    hub.put_frame(stream, 7)
    assert hub.get(f"/stream/{stream}/snapshot.jpg?width=320").content == jpeg(7)
    (made,) = renditions(hub, stream)
    assert made["frames_encoded"] == 0


def test_quality(hub, stream):
    hub.put_frame(stream, 7)
    coarse, fine = (len(hub.get(f"/stream/{stream}/snapshot.jpg?quality={q}").content) for q in (10, 90))
    assert coarse < fine


def test_every_view_has_them(hub, stream):
    """The paths of one stream; the JSON of the WebSocket view has its own text for each look."""
    hub.put_frame(stream, 7)
    for path in (f"/stream/{stream}", f"/stream/{stream}/mjpeg"):
        with MjpegReader(f"{hub.url}{path}?width=160") as reader:
            assert size(reader.wait_for_number(7).jpeg) == (160, 120)
    assert size(hub.get(f"/stream/{stream}/snapshot.jpg?width=160").content) == (160, 120)
    with SocketReader(f"{hub.ws}/stream/{stream}?width=160&format=binary") as reader:
        eventually(lambda: reader.binaries)
        assert size(reader.binaries[0]) == (160, 120)
    url = f"{hub.ws}/stream/{stream}"
    with SocketReader(url) as whole, SocketReader(url + "?width=160") as small, SocketReader(url + "?width=80") as tiny:
        sizes = [size(base64.b64decode(reader.wait_for_text("frame")["data"])) for reader in (whole, small, tiny)]
    assert sizes == [(320, 240), (160, 120), (80, 60)]


def test_the_default_stream_has_them(start_hub):
    hub = start_hub()
    hub.put_frame("only", 7)
    with MjpegReader(f"{hub.url}/stream?width=160") as reader:
        assert size(reader.wait_for_parts(1)[0].jpeg) == (160, 120), "no waiting picture before it"
        requests.delete(f"{hub.url}/api/streams/only", timeout=10)
        hub.put_frame("next", 8)
        assert size(reader.wait_for_number(8).jpeg) == (160, 120)


def test_the_wall_has_them(hub, stream):
    hub.put_frame(stream, 7)
    with Wall(hub.ws) as wall:
        wall.say({"type": "watch", "streams": {stream: {"width": 160}}})
        frame = wall.wait_for_number(stream, 7)
        assert (frame.header["width"], frame.header["height"]) == size(frame.jpeg) == (160, 120)
        assert frame.header["seq"] == 1
        wall.say({"type": "watch", "streams": {stream: {"width": 80, "fps": 5}}})
        eventually(lambda: any(size(f.jpeg) == (80, 60) for f in wall.of(stream)))
        wall.say({"type": "watch", "streams": {stream: {}}})
        hub.put_frame(stream, 8)
        assert size(wall.wait_for_number(stream, 8).jpeg) == (320, 240)
        wall.say({"type": "watch", "streams": {stream: {"width": 1}}})
        assert "16 to 8192" in wall.wait_for_text("error")["message"]


def test_a_frame_keeps_its_number_its_time_and_its_metadata(hub, stream):
    hub.put_frame(stream, 1)
    with open_socket(f"{hub.ws}/publish/{stream}?takeover=1") as publisher, Wall(hub.ws) as wall:
        wall.say({"type": "watch", "streams": {stream: {"width": 160}}})
        wall.wait_for_number(stream, 1)
        publisher.send(json.dumps({"timestamp": 1700000000.125, "reward": 0.5}))
        publisher.send(jpeg(2))
        header = wall.wait_for_number(stream, 2).header
    assert header["seq"] == 2
    assert abs(header["timestamp"] - 1700000000.125) < 0.001
    assert header["metadata"]["reward"] == 0.5
    assert header["age_ms"] >= 0


# ---- one worker for all who ask for the same ----


def test_fifty_viewers_cost_one_encode_a_frame(hub, stream):
    hub.put_frame(stream, 1)
    url = f"{hub.url}/stream/{stream}?width=160"
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(MjpegReader(url)) for _ in range(50)]
        for number in range(2, 12):
            hub.put_frame(stream, number)
            for reader in readers:
                reader.wait_for_number(number)
        (made,) = renditions(hub, stream)
        assert (made["viewers"], made["width"], made["height"]) == (50, 160, None)
        assert made["frames_encoded"] == 11, "one a frame"
        assert made["frames_served"] == 50 * 11
        assert made["frame_errors"] == 0
        stats = hub.stats(stream)
        assert (stats["viewer_count"], stats["service_count"]) == (50, 2), "the recorder and the rendition"
    for reader in readers[1:]:
        assert [part.jpeg for part in reader.parts] == [part.jpeg for part in readers[0].parts]
    metrics = hub.get("/metrics").text
    assert "framehub_rendition_frames_total" in metrics and "framehub_renditions_active" in metrics


def test_a_rate_alone_needs_no_worker(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?fps=5") as reader:
        reader.wait_for_number(1)
        assert renditions(hub, stream) == []


def test_a_rate_saves_encodes(hub, stream):
    hub.put_frame(stream, 1)
    url = f"{hub.url}/stream/{stream}?width=160&fps=5"
    with MjpegReader(url) as reader, Feeder(hub.url, stream, fps=30) as feeder:
        reader.wait_for_parts(12, timeout=30)
        (made,) = renditions(hub, stream)
        sent = feeder.sent
    parts = list(reader.parts)
    assert rate(parts) < 7.5
    assert made["fps"] == 5
    assert made["frames_encoded"] < sent / 2
    with MjpegReader(url) as late:
        late.wait_for_parts(1)
        numbers = [part.seq for part in late.parts]
    assert numbers[0] >= parts[-1].seq, "nothing old is shown first"


def test_different_wishes_are_different_renditions_and_not_streams(hub, stream):
    hub.put_frame(stream, 1)
    url = f"{hub.url}/stream/{stream}"
    queries = ["?width=160", "?width=160&quality=30", "?width=160&fps=5", "?height=120"]
    with contextlib.ExitStack() as stack:
        for query in queries:
            stack.enter_context(MjpegReader(url + query)).wait_for_number(1)
        assert len(renditions(hub, stream)) == 4
        assert hub.viewers(stream) == 4
        names = [entry["name"] for entry in hub.get("/api/streams").json()["streams"]]
        assert names.count(stream) == 1


def test_it_lingers_and_goes(hub, stream):
    hub.put_frame(stream, 1)
    assert hub.get(f"/stream/{stream}/snapshot.jpg?width=160").status_code == 200
    (made,) = renditions(hub, stream)
    assert made["viewers"] == 0
    hub.put_frame(stream, 2)
    always(
        lambda: all(r["frames_encoded"] == 1 for r in renditions(hub, stream)), 0.5, "nothing is made without viewers"
    )
    snapshot = hub.get(f"/stream/{stream}/snapshot.jpg?width=160")
    assert number_of(snapshot.content) == 2, "and nothing old is shown"
    eventually(lambda: renditions(hub, stream) == [], "three seconds later it is gone")


def test_an_on_demand_source_works_only_while_a_rendition_is_watched(start_hub):
    hub = start_hub("demo.enabled=true", "demo.fps=20", "demo.width=320", "demo.height=240")
    with MjpegReader(f"{hub.url}/stream/demo?width=160") as reader:
        reader.wait_for_parts(5)
    eventually(lambda: hub.stats("demo")["viewer_count"] == 0)
    eventually(lambda: hub.stats("demo")["source"]["state"] == "resting", "although the rendition lingers")
    before = hub.stats("demo")["total_frames"]
    snapshot = hub.get("/stream/demo/snapshot.jpg?width=160")
    assert int(snapshot.headers["X-Frame-Seq"]) > before, "made for this request"


# ---- limits, refusals, errors ----


def test_they_are_bounded_in_number(start_hub):
    hub = start_hub("viewers.max_renditions=2")
    hub.put_frame("s", 1)
    url = f"{hub.url}/stream/s"
    with MjpegReader(url + "?width=160") as first, MjpegReader(url + "?width=80") as second:
        first.wait_for_number(1)
        second.wait_for_number(1)
        refusal = hub.get("/stream/s?width=64")
        assert "max_renditions" in assert_error(refusal, 503, "RENDITION_LIMIT")
        assert int(refusal.headers["Retry-After"]) > 0
        assert_error(hub.get("/stream?width=64"), 503, "RENDITION_LIMIT")
        assert_error(hub.get("/stream/s/snapshot.jpg?width=64"), 503, "RENDITION_LIMIT")
        with MjpegReader(url + "?width=80") as shared, MjpegReader(url) as plain, Wall(hub.ws) as wall:
            shared.wait_for_number(1)
            plain.wait_for_number(1)
            wall.say({"type": "watch", "streams": {"s": {"width": 64}}})
            assert size(wall.wait_for_number("s", 1).jpeg) == (320, 240), "a tile is shown as published"
    hub.wait_for_viewers("s", 0)
    assert size(hub.get("/stream/s/snapshot.jpg?width=64").content) == (64, 48), "an unwatched one makes room"


def test_none_at_all(start_hub):
    hub = start_hub("viewers.max_renditions=0")
    hub.put_frame("s", 1)
    assert_error(hub.get("/stream/s/snapshot.jpg?width=64"), 503, "RENDITION_LIMIT")
    assert hub.snapshot("s") == jpeg(1)


@pytest.mark.parametrize(
    "query",
    ["width=0", "width=-1", "height=15", "width=8193", "width=big", "width=", "quality=0", "quality=101", "height=1e3"],
)
def test_nonsense_is_refused(hub, stream, query):
    hub.put_frame(stream, 1)
    for path in (f"/stream/{stream}", f"/stream/{stream}/mjpeg", f"/stream/{stream}/snapshot.jpg", "/stream"):
        assert_error(hub.get(f"{path}?{query}"), 400, "BAD_QUERY")


def test_the_past_is_shown_as_it_was_recorded(hub, stream):
    hub.put_frame(stream, 1)
    assert_error(hub.get(f"/stream/{stream}?t=-10s&width=160"), 400, "BAD_QUERY")


def test_a_frame_that_cannot_be_read_is_counted_and_skipped(hub, stream):
    hub.put_frame(stream, 1)
    whole = jpeg(2)
    middle = len(whole) * 2 // 3
    # Whole by its markers, so that the door takes it; its picture ends early.
    torn = whole[:middle].rstrip(b"\xff") + b"\xff\xd9"
    with MjpegReader(f"{hub.url}/stream/{stream}?width=160") as reader:
        reader.wait_for_number(1)
        assert hub.publish(stream, torn).status_code == 200
        eventually(lambda: renditions(hub, stream)[0]["frame_errors"] == 1)
        hub.put_frame(stream, 3)
        assert reader.wait_for_number(3).seq == 3
    assert reader.numbers == [1, 3]


def test_a_stream_that_ends_ends_its_renditions(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?width=160") as reader:
        reader.wait_for_number(1)
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        reader.wait_for_end()
    hub.put_frame(stream, 2)
    with MjpegReader(f"{hub.url}/stream/{stream}?width=160") as reader:
        assert reader.wait_for_parts(1)[0].number == 2, "of its new life"


def test_a_picture_of_another_size_goes_on(hub, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}?width=160") as reader:
        reader.wait_for_number(1)
        hub.put_frame(stream, jpeg(2, 640, 360))
        assert size(reader.wait_for_number(2).jpeg) == (160, 90)
        hub.put_frame(stream, jpeg(3, 96, 72))
        assert size(reader.wait_for_number(3).jpeg) == (96, 72)
