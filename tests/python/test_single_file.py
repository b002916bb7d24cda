"""`framehub_publisher.py`, the one file for Pythons that the package does not support, against a real hub."""

import ast
import inspect
import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import framehub
import numpy as np
import pytest
import requests

from support.hub import ROOT
from support.mjpeg import MjpegReader
from support.pictures import decode, number_of, numbered
from support.ports import fixed_port
from support.publisher_file import FILE, framehub_publisher
from support.recordings import only, wait_for_frames
from support.slow import SlowLink
from support.sockets import Wall
from support.waiting import always, eventually

StreamPublisher = framehub_publisher.StreamPublisher


def close_colours(one: np.ndarray, other: np.ndarray) -> bool:
    return abs(one[200, 300].astype(int) - other[200, 300].astype(int)).max() < 12


def taken(publisher, count: int):
    eventually(lambda: publisher.get_stats()["total_frames"] >= count, f"{count} frames taken by the hub")


def test_python_3_8_reads_it():
    """Checks the syntax; vermin checks the standard library."""
    ast.parse(FILE.read_text(), feature_version=(3, 8))
    looked = subprocess.run(
        [str(Path(sys.executable).with_name("vermin")), "--no-tips", "--violations", "-t=3.8-", str(FILE)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert looked.returncode == 0, looked.stdout


def test_a_frame_arrives_with_its_colours_time_and_metadata(hub, stream):
    picture = numbered(7)
    with Wall(hub.ws) as wall, StreamPublisher(hub.url, stream) as publisher:
        wall.watch(stream)
        metadata = {"step": np.int64(3), "reward": np.float32(0.5), "bad": np.float32("nan"), "list": np.arange(3)}
        assert publisher.publish_frame(picture, captured=1700000000.25, metadata=metadata) is True
        frame = wall.wait_for_number(stream, 7)
        assert frame.header["timestamp"] == pytest.approx(1700000000.25)
        assert frame.header["metadata"] == {"step": 3, "reward": 0.5, "bad": None, "list": [0, 1, 2]}
    assert close_colours(decode(hub.snapshot(stream)), picture)
    with StreamPublisher(hub.url, stream, bgr=True) as publisher:
        publisher.publish(np.ascontiguousarray(picture[:, :, ::-1]))
    assert hub.stats(stream)["total_frames"] == 2, "stop() sends what waits"
    assert close_colours(decode(hub.snapshot(stream)), picture)


@pytest.mark.parametrize("kind", ["grey", "grey, one channel", "float32", "float64", "a view", "read-only"])
def test_kinds_of_pictures(hub, stream, kind):
    picture = numbered(9)
    if kind.startswith("grey"):
        picture = picture.mean(axis=2).astype(np.uint8)
        picture = picture[:, :, None] if "channel" in kind else picture
    elif kind.startswith("float"):
        picture = (picture / 255).astype(kind)
    elif kind == "a view":
        wide = np.zeros((480, 640, 3), np.uint8)
        wide[::2, ::2] = picture
        picture = wide[::2, ::2]
    else:
        picture.flags.writeable = False
    with StreamPublisher(hub.url, stream) as publisher:
        assert publisher.publish_frame(picture)
    assert number_of(hub.snapshot(stream)) == 9


class Tensor:
    def detach(self):
        raise NotImplementedError


FRAME = np.zeros((4, 6, 3), np.uint8)


@pytest.mark.parametrize(
    "frame, error, words",
    [
        ([[1, 2]], TypeError, "numpy array"),
        (Tensor(), TypeError, "detach().cpu().numpy()"),
        (FRAME[0, 0], ValueError, "(3,)"),
        (np.zeros((4, 6, 5), np.uint8), ValueError, "(4, 6, 5)"),
        (np.zeros((3, 40, 60), np.uint8), ValueError, "transpose(1, 2, 0)"),
        (np.zeros((2, 4, 6, 3), np.uint8), ValueError, "(2, 4, 6, 3)"),
        (np.zeros((0, 6, 3), np.uint8), ValueError, "no pixels"),
        (np.zeros((1, 65501), np.uint8), ValueError, "65500"),
        (np.zeros((4, 6, 3), np.int32), ValueError, "int32"),
        (np.full((4, 6, 3), 255.0), ValueError, "255"),
        (np.full((4, 6, 3), -0.5), ValueError, "-0.5"),
        (np.full((4, 6, 3), np.nan), ValueError, "nan"),
        (np.zeros((4, 6, 3), complex), ValueError, "complex128"),
        (np.array([["a"]]), ValueError, "dtype"),
    ],
)
def test_what_is_no_frame(hub, stream, frame, error, words):
    with StreamPublisher(hub.url, stream) as publisher:
        with pytest.raises(error) as raised:
            publisher.publish_frame(frame)
        assert words in str(raised.value)
        assert publisher.publish_frame(FRAME), "and the publisher goes on"


def test_what_no_metadata_or_time_is(hub, stream):
    with StreamPublisher(hub.url, stream) as publisher:
        for metadata, error in [([1], TypeError), ({"a": object()}, TypeError), ({"a": "x" * 5000}, ValueError)]:
            with pytest.raises(error, match="metadata"):
                publisher.publish_frame(FRAME, metadata=metadata)
        for captured in (-1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="captured"):
                publisher.publish_frame(FRAME, captured=captured)


@pytest.mark.parametrize(
    "arguments",
    [
        {"server_url": "localhost:5000"},
        {"server_url": "rtsp://host/x"},
        {"server_url": "http://"},
        {"server_url": "http://host:port"},
        {"server_url": "http://host/?a=1"},
        {"server_url": "http://me:secret@host"},
        {"server_url": "http://me:secret#x@host"},
        {"server_url": "http://me:1?secret@host"},
        {"server_url": "http://host/?key=secret"},
        {"server_url": "http://me:secret"},
        {"server_url": None},
        {"stream_name": "a/b"},
        {"stream_name": ""},
        {"stream_name": "x" * 65},
        {"quality": 0},
        {"quality": 101},
        {"max_fps": -1},
        {"max_fps": float("nan")},
        {"max_fps": 1001},
        {"retry_delay": -1},
        {"max_queue_size": 0},
        {"api_key": "line\nbreak"},
    ],
)
def test_what_cannot_be_right(arguments):
    with pytest.raises(ValueError) as refused:
        StreamPublisher(**({"server_url": "http://localhost:5000", "stream_name": "s"} | arguments))
    assert "secret" not in str(refused.value)


def test_starting_and_stopping(hub, stream):
    publisher = StreamPublisher(hub.url, stream, max_fps=None)
    assert publisher.get_stats()["is_running"] is False
    assert publisher.publish_frame(FRAME), "the first frame starts it"
    publisher.start()
    publisher.stop()
    publisher.stop()
    assert hub.stats(stream)["total_frames"] == 1
    assert publisher.get_stats()["is_running"] is False and publisher.wanted() is False
    with pytest.raises(ValueError, match="closed"):
        publisher.publish_frame(FRAME)
    assert publisher.start() is publisher and publisher.publish_frame(FRAME), "and it is opened anew"
    publisher.stop()
    assert hub.stats(stream)["total_frames"] == 2


def test_the_array_is_free_at_once(hub, stream):
    picture = numbered(5)
    with StreamPublisher(hub.url, stream) as publisher:
        publisher.publish_frame(picture)
        picture[:] = 0
    assert number_of(hub.snapshot(stream)) == 5


def test_statistics(hub, stream):
    with MjpegReader(f"{hub.url}/stream") as _viewer, StreamPublisher(hub.url, stream, 70, 0.2) as publisher:
        results = [publisher.publish_frame(FRAME) for _ in range(10)]
        taken(publisher, 1)
        eventually(lambda: publisher.wanted() or publisher.get_stats()["viewers"] is not None)
        stats = publisher.get_stats()
    assert results == [True] + [False] * 9
    counted = {"total_frames": 1, "skipped_frames": 9, "dropped_frames": 0, "failed_frames": 0, "reconnects": 0}
    about = {"stream_name": stream, "server_url": hub.url, "is_running": True, "connected": True, "last_error": None}
    quality = {"base_quality": 70, "current_quality": 70, "queue_size": 0, "queue_max": 1, "queue_utilization_pct": 0}
    assert stats.items() >= (counted | about | quality).items()
    assert stats["bytes_sent"] > 0 and stats["uptime_seconds"] > 0
    assert stats["services"] is not None


def test_the_statistics_are_the_packages(hub, stream):
    """So are its arguments: who cannot install the package today can tomorrow."""
    package, file = framehub.StreamPublisher(hub.url, stream), StreamPublisher(hub.url, stream)
    for publisher in (package, file):
        publisher.start()
    eventually(lambda: package.get_stats().keys() == file.get_stats().keys())
    for publisher in (package, file):
        publisher.stop()
    for method in ("__init__", "publish_frame", "publish", "wanted", "get_stats", "start", "stop"):
        theirs = inspect.signature(getattr(framehub.StreamPublisher, method)).parameters
        ours = inspect.signature(getattr(StreamPublisher, method)).parameters
        assert [(it.name, it.kind, it.default) for it in ours.values()] == [
            (it.name, it.kind, it.default) for it in theirs.values()
        ]


def test_one_connection_for_all_frames(hub, stream):
    with SlowLink(hub.port) as link, StreamPublisher(link.url, stream, max_fps=None) as publisher:
        for count in range(1, 31):
            publisher.publish_frame(FRAME)
            taken(publisher, count)
        assert link.connections == 1


def test_a_hub_that_comes_late_goes_and_comes_back(start_hub, stream):
    port = fixed_port()
    with StreamPublisher(f"http://127.0.0.1:{port}", stream, retry_delay=0.2, max_fps=None) as publisher:

        def feed() -> bool:
            publisher.publish_frame(FRAME)
            return False

        eventually(lambda: feed() or publisher.get_stats()["failed_frames"] > 0, "no hub")
        assert publisher.get_stats()["last_error"] and not publisher.get_stats()["connected"]
        for _again in range(2):
            hub = start_hub(f"server.port={port}")
            frames = publisher.get_stats()["total_frames"]
            eventually(lambda: feed() or publisher.get_stats()["total_frames"] > frames, "frames reach the new hub")
            assert hub.stats(stream)["total_frames"] > 0
            hub.stop()


def test_publishing_never_waits_for_a_hub_that_hangs(stream):
    """A peer that takes the connection and reads nothing: frames give way to newer ones, and stop() comes back."""
    with SlowLink() as link, StreamPublisher(link.url, stream, max_fps=None) as publisher:
        big = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8)
        publisher.publish_frame(big)
        link.wait_for_connection()
        for _ in range(20):
            assert publisher.publish_frame(big)
        stats = publisher.get_stats()
        assert stats["total_frames"] == 0 and stats["dropped_frames"] >= 19
    assert not publisher.get_stats()["is_running"]


def test_quality_falls_on_a_slow_link_and_comes_back(hub, stream):
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    with SlowLink(hub.port, bytes_per_second=800_000) as link:
        with StreamPublisher(link.url, stream, quality=90, max_fps=30) as publisher:

            def feed() -> dict:
                publisher.publish_frame(noise)
                return publisher.get_stats()

            eventually(lambda: feed()["current_quality"] < 90, "the quality falls")
            link.bytes_per_second = None
            eventually(lambda: feed()["current_quality"] == 90, "and comes back")
        with StreamPublisher(link.url, stream, quality=90, max_fps=30, adaptive=False) as publisher:
            link.bytes_per_second = 800_000
            always(lambda: feed()["current_quality"] == 90, 0.5)


def test_wanted_follows_the_viewers(start_hub, stream):
    hub = start_hub("recording.enabled=false")
    with StreamPublisher(hub.url, stream, max_fps=None) as publisher:
        eventually(publisher.wanted, "a stream without a frame wants its first")
        publisher.publish_frame(FRAME)
        eventually(lambda: not publisher.wanted(), "no one watches")
        with MjpegReader(f"{hub.url}/stream/{stream}"):
            eventually(publisher.wanted, "someone watches")
        eventually(lambda: not publisher.wanted(), "no one any more")
        # Removed, by a person or for it was idle: the next frame makes it anew.
        requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        eventually(publisher.wanted, "the stream is gone")


def test_wanted_while_recording(hub, stream):
    with StreamPublisher(hub.url, stream) as publisher:
        publisher.publish_frame(FRAME, metadata={"reward": 1.5})
        wait_for_frames(hub, stream, 1)
        eventually(publisher.wanted, "the recorder wants frames")
        assert only(hub, stream)["stream_name"] == stream


def test_keys(start_hub, stream, tmp_path):
    config = tmp_path / "keys.yaml"
    config.write_text("auth: {keys: [{name: robot, secret: robot-secret-1, scopes: [publish]}]}\n")
    hub = start_hub("--config", str(config), env={"API_KEYS": "the-one-key"})
    with StreamPublisher(hub.url, stream) as publisher:
        publisher.publish_frame(FRAME)
        eventually(lambda: "401" in (publisher.get_stats()["last_error"] or ""), "refused")
    with StreamPublisher(hub.url, stream, api_key="robot-secret-1") as publisher:
        publisher.publish_frame(FRAME)
        taken(publisher, 1)
        eventually(publisher.wanted, "a key that may not look: every frame counts")


def test_a_fork_publishes_too(hub, stream):
    with StreamPublisher(hub.url, stream, max_fps=None) as publisher:
        publisher.publish_frame(numbered(1))
        taken(publisher, 1)

        def child() -> None:
            publisher.publish_frame(numbered(2))
            publisher.stop()

        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(20)
        assert process.exitcode == 0
        assert number_of(hub.snapshot(stream)) == 2
        publisher.publish_frame(numbered(3))
        taken(publisher, 2)
        assert number_of(hub.snapshot(stream)) == 3


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


SCRIPT = """
import sys, numpy
sys.path.insert(0, {folder!r})
sys.modules["cv2"] = None
import framehub_publisher
publisher = framehub_publisher.StreamPublisher({url!r}, {stream!r}, bgr=True).start()
publisher.publish_frame(numpy.full((64, 64, 3), (255, 0, 0), numpy.uint8))
{end}
"""


def test_pillow_will_do_and_the_end_of_a_script_ends_it(hub, stream):
    for end in ("publisher.stop()", "raise KeyboardInterrupt"):
        script = SCRIPT.format(folder=str(ROOT / "python"), url=hub.url, stream=stream, end=end)
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
        assert "Error" not in done.stderr, done.stderr
        assert time.monotonic() - begun < 25
    assert decode(hub.snapshot(stream))[30, 30].argmax() == 2, "blue stays blue"


def test_neither_opencv_nor_pillow():
    script = SCRIPT.format(folder=str(ROOT / "python"), url="http://127.0.0.1:9", stream="s", end="")
    script = script.replace('sys.modules["cv2"] = None', 'sys.modules["cv2"] = sys.modules["PIL"] = None')
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert "ImportError" in done.stderr and "pip install" in done.stderr
