"""`framehub.StreamPublisher`, the package's, against a real hub."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import numpy as np
import pytest
import requests
from framehub import StreamPublisher

from support.hub import ROOT, Hub
from support.mjpeg import MjpegReader
from support.pictures import decode, number_of, numbered
from support.ports import fixed_port
from support.recordings import only, wait_for_frames
from support.slow import SlowLink
from support.sockets import Wall
from support.waiting import always, eventually

FRAME = numbered(1, 64, 48)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A hub that records nothing: a stream without viewers has no readers."""
    with Hub(tmp_path_factory.mktemp("quiet"), "recording.enabled=false") as hub:
        yield hub


def sent(publisher: StreamPublisher, count: int) -> None:
    eventually(lambda: publisher.get_stats()["total_frames"] >= count, f"{count} frames sent")


def test_the_stream_servers_publisher(hub):
    """The stream server's example but for the import and the endless loop; a picture stands for its camera."""

    class Camera:
        def read(self):
            return True, numbered(7)

        def release(self):
            pass

    # Initialize publisher
    publisher = StreamPublisher(server_url=hub.url, stream_name="my_stream", quality=85, max_fps=30)

    # Start publisher thread
    publisher.start()

    # Capture and publish frames
    cap = Camera()
    for _ in range(3):
        ret, frame = cap.read()
        if ret:
            publisher.publish_frame(frame)

    # Cleanup
    publisher.stop()
    cap.release()
    assert number_of(hub.snapshot("my_stream")) == 7


def test_a_frame_arrives_with_its_colours_time_and_metadata(hub, stream):
    picture = numbered(7)
    with Wall(hub.ws) as wall, StreamPublisher(hub.url, stream) as publisher:
        wall.watch(stream)
        about = {"step": np.int64(3), "reward": np.float32(0.5), "bad": float("nan"), "list": np.arange(3)}
        when = datetime.fromtimestamp(1700000000.25, timezone.utc)
        assert publisher.publish_frame(picture, captured=when, metadata=about) is True
        frame = wall.wait_for_number(stream, 7)
    assert frame.header["timestamp"] == pytest.approx(1700000000.25)
    assert frame.header["metadata"] == {"step": 3, "reward": 0.5, "bad": None, "list": [0, 1, 2]}
    assert np.abs(decode(frame.jpeg)[200, 300].astype(int) - picture[200, 300]).max() < 12


def test_a_frame_is_dated_when_it_is_given(hub, stream):
    before = time.time()
    with StreamPublisher(hub.url, stream) as publisher:
        publisher.publish(FRAME)
    response = hub.get(f"/stream/{stream}/snapshot.jpg")
    assert before <= float(response.headers["X-Timestamp"]) <= time.time()


def test_the_array_is_free_at_once(hub, stream):
    picture = numbered(5)
    with StreamPublisher(hub.url, stream) as publisher:
        publisher.publish_frame(picture)
        picture[:] = 0
    assert number_of(hub.snapshot(stream)) == 5, "stop() sends what waits"


def test_what_comes_too_soon_is_skipped(hub, stream):
    with StreamPublisher(hub.url, stream, quality=70, max_fps=1) as publisher:
        assert [publisher.publish_frame(FRAME) for _ in range(10)] == [True] + [False] * 9
        sent(publisher, 1)
        stats = publisher.get_stats()
    names = "stream_name total_frames failed_frames dropped_frames skipped_frames queue_size queue_max"
    names += " queue_utilization_pct current_quality base_quality avg_send_time_ms is_running"
    assert stats.keys() >= set(names.split()), "the names that the stream server's publisher has"
    assert (stats["stream_name"], stats["base_quality"], stats["is_running"]) == (stream, 70, True)
    assert (stats["total_frames"], stats["skipped_frames"], stats["dropped_frames"]) == (1, 9, 0)
    assert stats["bytes_sent"] > 0 and stats["connected"] and stats["last_error"] is None


def test_wanted_follows_the_viewers(quiet, stream):
    with StreamPublisher(quiet.url, stream, max_fps=None) as publisher:
        assert publisher.wanted(), "the first frame always is"
        publisher.publish_frame(FRAME)
        eventually(lambda: not publisher.wanted(), "no one watches")
        always(lambda: not publisher.wanted(), 0.3)
        with MjpegReader(f"{quiet.url}/stream/{stream}"):
            eventually(publisher.wanted, "someone watches")
            assert publisher.get_stats()["viewers"] == 1
        eventually(lambda: not publisher.wanted(), "no one any more")
        requests.delete(f"{quiet.url}/api/streams/{stream}", timeout=10)
        eventually(publisher.wanted, "the stream is gone: its first frame is wanted again")
    assert publisher.wanted() is False, "closed"


def test_wanted_is_as_often_as_frames_are_taken(quiet, stream):
    with StreamPublisher(quiet.url, stream, max_fps=0.5) as publisher:
        publisher.publish_frame(FRAME)
        eventually(lambda: quiet.get(f"/api/streams/{stream}/stats").ok, "the stream is there")
        with MjpegReader(f"{quiet.url}/stream/{stream}"):
            eventually(lambda: publisher.get_stats()["viewers"] == 1)
            eventually(publisher.wanted, "its time has come")
            publisher.publish_frame(FRAME)
            assert not publisher.wanted()


def test_wanted_while_recording(hub, stream):
    with StreamPublisher(hub.url, stream, max_fps=None) as publisher:
        publisher.publish_frame(FRAME, metadata={"reward": 1.5})
        wait_for_frames(hub, stream, 1)
        eventually(publisher.wanted, "the recorder wants frames")
        assert only(hub, stream)["stream_name"] == stream


def test_a_hub_that_comes_late_goes_and_comes_back(tmp_path, stream):
    port = fixed_port()
    with StreamPublisher(f"http://127.0.0.1:{port}", stream, retry_delay=0.1, max_fps=None) as publisher:
        eventually(lambda: publisher.get_stats()["last_error"], "no hub")
        assert not publisher.wanted() and publisher.publish_frame(FRAME) is True
        for again in range(2):
            with Hub(tmp_path / str(again), "recording.enabled=false", port=port) as hub:
                eventually(lambda: publisher.publish_frame(FRAME) and hub.get(f"/api/streams/{stream}/stats").ok)
                eventually(lambda: publisher.get_stats()["connected"])
            eventually(lambda: not publisher.wanted(), "the hub is away")
        assert publisher.get_stats()["reconnects"] == 1


def test_it_is_said_once_that_the_hub_is_away_and_that_it_is_back(tmp_path, stream, caplog):
    caplog.set_level("INFO", "framehub")
    port = fixed_port()
    with StreamPublisher(f"http://127.0.0.1:{port}", stream, retry_delay=0.05) as publisher:
        eventually(lambda: publisher.wanted() is False)
        eventually(lambda: publisher.publish(FRAME) and caplog.records)
        always(lambda: publisher.publish(FRAME) is not None, 0.2)
        with Hub(tmp_path, port=port):
            eventually(lambda: publisher.publish(FRAME) is not None and len(caplog.records) == 2)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "INFO"]
    assert "cannot reach" in caplog.text and f"connected to http://127.0.0.1:{port}" in caplog.text


@pytest.mark.parametrize("kind", ["swallows", "stopped"])
def test_publishing_never_waits_for_a_hub_that_hangs(start_hub, stream, kind):
    noise = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
    if kind == "stopped":
        hub = start_hub()
        with StreamPublisher(hub.url, stream, max_fps=None) as publisher:
            publisher.publish_frame(FRAME)
            sent(publisher, 1)
            hub.process.send_signal(signal.SIGSTOP)
            try:
                eventually(lambda: publisher.publish_frame(noise) and publisher.get_stats()["dropped_frames"] > 5)
                eventually(lambda: not publisher.wanted(), "who knows what is watched there")
                begun = time.monotonic()
                publisher.stop()
                assert time.monotonic() - begun < 8, "it gives up after two seconds"
            finally:
                hub.process.send_signal(signal.SIGCONT)
        return
    with SlowLink() as link, StreamPublisher(link.url, stream, max_fps=None) as publisher:
        link.wait_for_connection()
        for _ in range(20):
            assert publisher.publish_frame(noise)
        stats = publisher.get_stats()
        assert stats["total_frames"] == 0 and stats["dropped_frames"] == 19 and stats["queue_size"] == 1
    assert not publisher.get_stats()["is_running"]


def test_quality_falls_on_a_slow_link_and_comes_back(hub, stream):
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    with SlowLink(hub.port, bytes_per_second=400_000) as link:
        with StreamPublisher(link.url, stream, quality=90, max_fps=60) as publisher:

            def feed() -> dict:
                publisher.publish_frame(noise)
                return publisher.get_stats()

            eventually(lambda: feed()["current_quality"] < 80, "the quality falls")
            link.bytes_per_second = None
            eventually(lambda: feed()["current_quality"] > 80, "and rises again", timeout=30)


def test_a_key(start_hub, stream, tmp_path):
    hub = start_hub("recording.enabled=false", env={"API_KEYS": "the-one-key"})
    with StreamPublisher(hub.url, stream) as publisher:
        eventually(lambda: "401" in (publisher.get_stats()["last_error"] or ""), "refused")
        assert not publisher.wanted() and publisher.publish_frame(FRAME)
    with StreamPublisher(hub.url, stream, api_key="the-one-key") as publisher:
        publisher.publish_frame(FRAME)
        sent(publisher, 1)
        assert "the-one-key" not in repr(publisher) + str(publisher.get_stats())


def test_a_name_that_another_has(hub, stream):
    with StreamPublisher(hub.url, stream, max_fps=None) as first:
        first.publish_frame(FRAME)
        sent(first, 1)
        with StreamPublisher(hub.url, stream) as second:
            eventually(lambda: "409" in (second.get_stats()["last_error"] or ""), "it is taken")
            assert second.publish_frame(FRAME) and second.get_stats()["total_frames"] == 0


def test_many_threads(hub, stream):
    with StreamPublisher(hub.url, stream, max_fps=None) as publisher:

        def work() -> None:
            for _ in range(50):
                publisher.publish_frame(FRAME)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    stats = publisher.get_stats()
    assert stats["total_frames"] + stats["dropped_frames"] == 200


def test_closed_and_opened_again(hub, stream):
    publisher = StreamPublisher(hub.url, stream, max_fps=None)
    assert publisher.get_stats()["is_running"] is False
    assert publisher.start() is publisher.start()
    publisher.publish_frame(FRAME)
    publisher.stop()
    publisher.stop()
    assert publisher.get_stats()["is_running"] is False and publisher.get_stats()["total_frames"] == 1
    with pytest.raises(ValueError, match=r"closed.*start\(\)"):
        publisher.publish_frame(FRAME)
    with publisher:
        assert publisher.publish_frame(FRAME)


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"server_url": "rtsp://host/x"}, ValueError),
        ({"server_url": "http://"}, ValueError),
        ({"server_url": "http://host:port"}, ValueError),
        ({"server_url": "http://host/?a=1"}, ValueError),
        ({"server_url": ""}, ValueError),
        ({"server_url": None}, TypeError),
        ({"stream_name": "a/b"}, ValueError),
        ({"stream_name": ""}, ValueError),
        ({"stream_name": "x" * 65}, ValueError),
        ({"stream_name": 3}, TypeError),
        ({"quality": 0}, ValueError),
        ({"quality": 101}, ValueError),
        ({"quality": 85.5}, ValueError),
        ({"quality": "85"}, TypeError),
        ({"max_fps": -1}, ValueError),
        ({"max_fps": float("nan")}, ValueError),
        ({"retry_delay": -1}, ValueError),
        ({"max_queue_size": 0}, ValueError),
        ({"api_key": "line\nbreak"}, ValueError),
    ],
)
def test_what_cannot_be_right(arguments, error):
    name = next(iter(arguments))
    with pytest.raises(error) as raised:
        StreamPublisher(**({"server_url": "http://localhost:5000", "stream_name": "s"} | arguments))
    words = {"server_url": "", "stream_name": "name", "api_key": "key"}.get(name, name)
    assert words in str(raised.value)


def test_what_no_metadata_or_time_is(hub, stream):
    with StreamPublisher(hub.url, stream) as publisher:
        for metadata, error in [([1], TypeError), ({"a": object()}, TypeError), ({"a": "x" * 5000}, ValueError)]:
            with pytest.raises(error, match="metadata"):
                publisher.publish_frame(FRAME, metadata=metadata)
        for captured in (-1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="captured"):
                publisher.publish_frame(FRAME, captured=captured)
        with pytest.raises(TypeError, match="captured"):
            publisher.publish_frame(FRAME, captured="now")


def test_a_missing_frame_is_passed_over(hub, stream, caplog):
    with StreamPublisher(hub.url, stream, max_fps=None) as publisher:
        assert [publisher.publish(None) for _ in range(3)] == [False] * 3
        assert publisher.publish(FRAME) is True
    assert [record.levelname for record in caplog.records if "None" in record.getMessage()] == ["WARNING"]


ORDERS = """
import logging, sys, types
{cv2}
import numpy as np
from {module} import {kind}
logging.basicConfig(format="%(message)s")
with {kind}("http://127.0.0.1:9", "s"{arguments}) as publisher:
    for _ in range(2):
        publisher.publish_frame(np.zeros((4, 6, 3), np.uint8))
"""


@pytest.mark.parametrize(
    "module, kind, cv2, arguments, warned",
    [
        ("framehub", "StreamPublisher", True, "", 1),
        ("framehub", "StreamPublisher", False, "", 0),
        ("framehub", "StreamPublisher", True, ", bgr=False", 0),
        ("framehub.opencv", "StreamPublisher", True, "", 0),
        ("framehub_publisher", "StreamPublisher", True, "", 1),
        ("framehub_publisher", "StreamPublisher", False, "", 0),
        ("framehub_publisher", "OpenCVPublisher", True, "", 0),
    ],
)
def test_a_process_that_uses_opencv_is_warned_of_the_order_once(module, kind, cv2, arguments, warned):
    program = ORDERS.format(module=module, kind=kind, cv2="import cv2" if cv2 else "", arguments=arguments)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]),
    }
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("red and blue may be swapped") == warned, ran.stderr
