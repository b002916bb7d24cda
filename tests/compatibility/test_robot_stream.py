"""The robot stream's clients: one camera behind a key, for many viewers and proxies (docs/ref/compatibility.md).

The camera is a stream that is published; a test of real cameras needs a device.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import pytest
import requests

from support.browser import wait_until_painted
from support.feeder import Feeder
from support.hub import Hub
from support.mjpeg import MjpegReader, rate
from support.pictures import jpeg
from support.shapes import assert_error, assert_shape
from support.waiting import always, eventually

KEY = "as129skaSF1"
HEADERS = {"X-API-Key": KEY}
STREAM = "/api/robot/stream"
STATS = "/api/robot/stream/stats"

#: The `.env` that is recommended behind Cloudflare.
DOTENV = """\
# Cloudflare optimized settings
STREAM_FPS=15
HEARTBEAT_INTERVAL=5.0
JPEG_QUALITY=70
ENABLE_FRAME_CACHE=true
"""


@pytest.fixture
def robot(start_hub):
    """Starts a hub with a key and a fast heartbeat, and a first frame of the stream 'arm'."""

    def start(*settings: str, env: dict[str, str] | None = None, frame: bool = True) -> Hub:
        hub = start_hub("streams.robot=arm", *settings, env={"API_KEYS": KEY} | (env or {}))
        if frame:
            publish(hub, 1)
        return hub

    return start


def publish(hub: Hub, data: bytes | int, stream: str = "arm") -> None:
    response = hub.publish(stream, data, headers=HEADERS)
    assert response.status_code == 200, response.text


def watch(hub: Hub, query: str = "") -> MjpegReader:
    return MjpegReader(f"{hub.url}{STREAM}{query}", headers=HEADERS)


def stats(hub: Hub) -> dict:
    response = hub.get(STATS, headers=HEADERS)
    assert response.status_code == 200, response.text
    return response.json()


class RobotFeeder(Feeder):
    """A camera at 30 frames a second, published with the key."""

    def __init__(self, hub: Hub, fps: float = 30):
        super().__init__(hub.url, f"arm?api_key={KEY}", fps=fps)


# ---- the stream ----


def test_frame_caching(robot):
    """'All viewers get the same bytes of one capture'"""
    hub = robot()
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(watch(hub)) for _ in range(5)]
        for number in range(2, 12):
            publish(hub, number)
            for reader in readers:
                reader.wait_for_number(number)
    for reader in readers:
        assert [part.jpeg for part in reader.parts] == [jpeg(number) for number in range(1, 12)]
    assert stats(hub)["total_frames"] == 11


def test_keep_alive_heartbeat(robot):
    """'whether or not frames flow, and players do not see it'"""
    hub = robot(env={"HEARTBEAT_INTERVAL": "0.3"})
    with watch(hub) as reader, RobotFeeder(hub, fps=20):
        eventually(lambda: reader.raw.count(b"X-Heartbeat: ") >= 4, "heartbeats between flowing frames")
        reader.wait_for_parts(20)
    seqs = [part.seq for part in reader.parts]
    assert seqs == sorted(set(seqs)), "no frame comes twice"

    def logged() -> list[str]:
        return re.findall(r"Client 1 heartbeat sent \(frame (\d+)\)", hub.stderr())

    beats = eventually(lambda: len(found := logged()) >= 4 and found, "the log says so")
    assert [int(frame) for frame in beats] == sorted(int(frame) for frame in beats)


def test_heartbeat_without_frames(robot):
    """'A heartbeat keeps the connection alive every `HEARTBEAT_INTERVAL` seconds'"""
    hub = robot("viewers.heartbeat_interval=0.2")
    with watch(hub) as reader:
        eventually(lambda: reader.raw.count(b"X-Heartbeat: ") >= 5)
        assert reader.numbers == [1]
        publish(hub, 2)
        reader.wait_for_number(2)


def test_rate_limiting(robot):
    """'`STREAM_FPS` caps what viewers get, whatever the camera's rate'"""
    hub = robot(env={"STREAM_FPS": "5"})
    with watch(hub) as capped, watch(hub, "?fps=10") as asked, RobotFeeder(hub):
        parts = list(capped.wait_for_parts(15, timeout=30))
        eventually(lambda: len(asked.parts) > len(capped.parts))
    assert rate(parts) < 7.5


def test_a_stalled_client(robot):
    """'a viewer that takes nothing delays no other'"""
    hub = robot()
    stalled = requests.get(hub.url + STREAM, headers=HEADERS, stream=True, timeout=30)
    with watch(hub) as reader, RobotFeeder(hub):
        reader.wait_for_parts(30, timeout=30)
        assert stats(hub)["active_clients"] == 2
    stalled.close()
    eventually(lambda: stats(hub)["active_clients"] == 0)


def test_connection_tracking(robot):
    """'`GET /api/robot/stream/stats` has the five fields of its statistics'"""
    hub = robot("viewers.stream_fps=15", "camera.jpeg_quality=80")
    publish(hub, jpeg(2, 640, 480))
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(watch(hub))
        eventually(lambda: stats(hub)["active_clients"] == 5)
        answer = stats(hub)
    example = json.loads(
        """{
          "active_clients": 5,
          "frame_cache_enabled": true,
          "stream_fps": 15,
          "camera_resolution": "640x480",
          "jpeg_quality": 80
        }"""
    )
    assert_shape(answer, example)
    assert answer | example == answer, "the example's very values"
    eventually(lambda: stats(hub)["active_clients"] == 0)
    eventually(lambda: "Client 5 disconnected" in hub.stderr(), "the log says so")


def test_error_recovery(robot):
    """'A frame that fails'"""
    hub = robot()
    with watch(hub) as reader:
        for number, bad in enumerate([b"not a picture", jpeg(9)[:200], b""], start=2):
            assert hub.publish("arm", bad, headers=HEADERS).status_code in (400, 415)
            publish(hub, number)
            reader.wait_for_number(number)
        assert reader.numbers == [1, 2, 3, 4]


def test_a_camera_that_comes_back_is_seen_on_the_same_connection(robot):
    """'a camera that comes back, does not end the stream'"""
    hub = robot()
    with watch(hub) as reader:
        reader.wait_for_number(1)
        assert requests.delete(f"{hub.url}/api/streams/arm", headers=HEADERS, timeout=10).status_code == 200
        publish(hub, 2)
        reader.wait_for_number(2)
        assert not reader.ended.is_set()


# ---- settings ----

PROFILES = {
    "cloudflare": (15, "640x480", 70, 5.0),
    "lan": (30, "640x480", 85, 10.0),
    "low_latency": (20, "1280x720", 90, 5.0),
    "mobile": (10, "480x360", 60, 5.0),
}


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles(robot, profile):
    """'the four recommended groups of settings: `cloudflare`, `lan`, `low_latency`, `mobile`'"""
    answer = stats(robot(f"viewers.profile={profile}", frame=False))
    fields = ("stream_fps", "camera_resolution", "jpeg_quality", "heartbeat_interval")
    assert tuple(answer[field] for field in fields) == PROFILES[profile]


def test_every_setting_as_an_environment_variable(robot):
    """'Every setting works as an environment variable'"""
    block = {
        "STREAM_FPS": "15",
        "STREAM_BUFFER_SIZE": "2",
        "STREAM_TIMEOUT": "30",
        "ENABLE_FRAME_CACHE": "True",
        "HEARTBEAT_INTERVAL": "5.0",
        "CAMERA_FPS": "30",
        "JPEG_QUALITY": "70",
        "CAMERA_WIDTH": "640",
        "CAMERA_HEIGHT": "480",
    }
    hub = robot(env=block)
    assert hub.get("/api/streams/arm/stats", headers=HEADERS).json()["buffer_capacity"] == 2
    assert hub.get("/health").json()["config"]["timeout_seconds"] == 30
    answer = stats(hub)
    assert (answer["stream_fps"], answer["jpeg_quality"], answer["frame_cache_enabled"]) == (15, 70, True)


def test_environment_variables(tmp_path: Path):
    """'and in `.env`'"""
    (tmp_path / ".env").write_text(DOTENV)
    with Hub(tmp_path, env={"API_KEYS": KEY}) as hub:
        answer = stats(hub)
    assert (answer["stream_fps"], answer["heartbeat_interval"], answer["jpeg_quality"]) == (15, 5.0, 70)
    assert answer["frame_cache_enabled"] is True


def test_frame_cache_off_is_reported(robot):
    """'accepted; viewers always share one capture'"""
    assert stats(robot(env={"ENABLE_FRAME_CACHE": "false"}))["frame_cache_enabled"] is False


# ---- browsers ----


def test_connect_multiple_clients(robot, page):
    """'The log has `Client 1 connected. Total active clients: 1`'; five browser tabs with an `<img>`."""
    hub = robot("viewers.heartbeat_interval=0.3")
    tabs = [page, *(page.context.new_page() for _ in range(4))]
    for number, tab in enumerate(tabs, start=1):
        tab.goto(f"{hub.url}/livez")
        tab.set_content(f'<img src="{hub.url}{STREAM}?api_key={KEY}">')
        line = f"Client {number} connected. Total active clients: {number}"
        eventually(lambda line=line: line in hub.stderr(), line)
    publish(hub, 2)
    for tab in tabs:
        wait_until_painted(tab.locator("img"), 2)
    eventually(lambda: re.search(r"Client 1 heartbeat sent \(frame \d+\)", hub.stderr()))
    for tab in tabs:
        tab.goto("about:blank")
    eventually(lambda: stats(hub)["active_clients"] == 0)
    eventually(lambda: "disconnected" in hub.stderr(), "the log says so")


# ---- before the first frame ----


def test_no_frame_available_yet(robot):
    """'Before the first frame the answer is 503, `No frame available yet`'"""
    hub = robot(frame=False)
    for _ in range(2):
        refusal = hub.get(STREAM, headers=HEADERS)
        assert assert_error(refusal, 503, "NO_FRAME").startswith("No frame available yet")
        assert int(refusal.headers["Retry-After"]) > 0
    assert stats(hub)["active_clients"] == 0
    publish(hub, 1)
    with watch(hub) as reader:
        reader.wait_for_number(1)


def test_a_camera_is_read_once_for_all(start_hub):
    """'All viewers get the same bytes of one capture': a source makes each picture once, and none without a viewer."""
    hub = start_hub("demo.enabled=true", "demo.fps=10", "demo.width=320", "demo.height=240", env={"API_KEYS": KEY})
    assert stats(hub)["stream"] == "demo", "without streams.robot it is the default stream"
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(watch(hub)) for _ in range(5)]
        for reader in readers:
            reader.wait_for_parts(10, timeout=30)
        captured = stats(hub)["total_frames"]
        assert captured < 2 * max(len(reader.parts) for reader in readers)
    eventually(lambda: stats(hub)["active_clients"] == 0)
    eventually(lambda: source(hub, "demo")["state"] == "resting", "the camera rests")
    before = stats(hub)["total_frames"]
    always(lambda: stats(hub)["total_frames"] == before, 0.5, "no one watches")


def source(hub: Hub, stream: str) -> dict:
    return hub.get(f"/api/streams/{stream}/stats", headers=HEADERS).json()["source"]


# ---- answers and keys ----


def test_streaming_endpoint(robot):
    """'`GET /api/robot/stream` is MJPEG without end'"""
    hub = robot()
    with watch(hub) as reader:
        assert reader.response.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        assert reader.response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
        assert reader.response.headers["X-Accel-Buffering"] == "no"


@pytest.mark.parametrize("path", [STREAM, STATS])
def test_x_api_key_is_required(robot, path):
    """'Both need the key in `X-API-Key`; without it they answer 401'"""
    hub = robot()
    for headers in ({}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer wrong"}):
        refusal = hub.get(path, headers=headers)
        assert refusal.status_code == 401, headers
        assert jpeg(1) not in refusal.content


@pytest.mark.parametrize("path", [STREAM, STATS])
def test_without_any_key_configured_it_says_how_to_set_one(hub, path):
    """'without it they answer 401', and without a key in the configuration they say how to set one."""
    for headers in ({}, HEADERS):
        message = assert_error(hub.get(path, headers=headers), 401, "API_KEY_REQUIRED")
        assert "API_KEYS" in message and "auth.api_keys" in message
