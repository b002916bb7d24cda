"""`http://` sources: MJPEG and pictures from a camera on the network, and what goes wrong with cameras."""

import pytest

from support.camera import PASSWORD, USER, Camera
from support.mjpeg import MjpegReader
from support.pictures import decode, jpeg, number_of, png
from support.ports import fixed_port
from support.waiting import PATIENCE, eventually


@pytest.fixture
def camera():
    with Camera() as camera:
        yield camera


def source(hub, stream="cam"):
    return hub.stats(stream)["source"]


def wait_for_state(hub, state, stream="cam", timeout=PATIENCE):
    return eventually(lambda: (s := source(hub, stream))["state"] == state and s, f"the source is {state}", timeout)


def test_one_capture_serves_every_viewer_and_passes_byte_for_byte(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}")
    assert source(hub)["state"] == "resting"
    assert camera.asked == [], "nothing is opened without viewers"
    readers = [MjpegReader(f"{hub.url}/stream/cam") for _ in range(4)]
    for reader in readers:
        part = reader.wait_for_parts(5)[-1]
        assert part.jpeg == jpeg(part.number)
    assert camera.asked == ["/video"] and camera.open == 1
    live = source(hub)
    assert (live["kind"], live["state"], live["encodes"], live["frame_errors"]) == ("http", "live", 0, 0)
    for reader in readers:
        reader.close()
    wait_for_state(hub, "resting")
    eventually(lambda: camera.open == 0, "the camera is left alone")


def test_a_picture_is_asked_for_again_and_again(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/snapshot')}#interval=0.1")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        parts = reader.wait_for_parts(5)
    assert len({part.number for part in parts}) == 5
    assert set(camera.asked) == {"/snapshot"}


def test_a_png_is_encoded_once_for_all_viewers(start_hub, camera):
    camera.payloads = [png(number) for number in range(20)]
    hub = start_hub("--source", f"cam={camera.url('/video')}")
    with MjpegReader(f"{hub.url}/stream/cam") as first, MjpegReader(f"{hub.url}/stream/cam") as second:
        assert first.wait_for_parts(4)[-1].number is not None
        second.wait_for_parts(4)
        seen = source(hub)
    assert 4 <= seen["encodes"] <= seen["captures"]


def test_a_camera_that_is_cut_off_comes_back_with_another_resolution(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(3)
        camera.size = (640, 480)
        camera.cut()
        eventually(lambda: decode(reader.parts[-1].jpeg).shape == (480, 640, 3), "the new size")
        assert not reader.ended.is_set(), "viewers stay"
    assert source(hub)["attempts"] == 2
    stats = hub.stats("cam")
    assert (stats["width"], stats["height"]) == (640, 480)


def test_a_camera_that_is_off_at_first_and_for_a_while(start_hub):
    port = fixed_port()
    hub = start_hub("--source", f"cam=http://127.0.0.1:{port}/video")
    with MjpegReader(f"{hub.url}/stream/cam?advance_headers=0") as reader:
        failed = wait_for_state(hub, "failed")
        assert "Connection refused" in failed["error"] and failed["retry_in_seconds"] <= 30
        with Camera(port):
            reader.wait_for_parts(2)
            wait_for_state(hub, "live")


@pytest.mark.parametrize("kind", ["basic", "digest"])
def test_passwords_in_the_url(start_hub, camera, kind):
    hub = start_hub("--source", f"cam={camera.url('/' + kind, f'{USER}:{PASSWORD}')}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(2)
    assert camera.asked == [f"/{kind}"] * 2, "asked without, then with"


def test_a_wrong_password_is_told_and_never_shown(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/basic', 'door:hunter2')}?key=hunter2#on_demand=no")
    failed = wait_for_state(hub, "failed")
    assert "401" in failed["error"] and "password" in failed["error"]
    assert "hunter2" not in hub.get("/api/streams/cam/stats").text + hub.stderr()


def test_redirects_are_followed_but_not_in_a_circle(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/moved')}", "--source", f"lost={camera.url('/circle')}#on_demand=no")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(2)
    assert "redirects" in wait_for_state(hub, "failed", "lost")["error"]


@pytest.mark.parametrize(("path", "words"), [("/page", "text/html"), ("/missing", "404")])
def test_what_is_no_camera_is_named(start_hub, camera, path, words):
    hub = start_hub("--source", f"cam={camera.url(path)}#on_demand=no")
    assert words in wait_for_state(hub, "failed")["error"]


@pytest.mark.parametrize("path", ["/silent", "/stuck"])
def test_a_camera_that_hangs_is_dialled_again(start_hub, camera, path):
    hub = start_hub("--source", f"cam={camera.url(path)}#on_demand=no&timeout=1")
    assert "no picture came for 1s" in wait_for_state(hub, "failed")["error"]
    eventually(lambda: len(camera.asked) >= 2, "a second attempt")


def test_bad_pictures_are_counted_and_skipped(start_hub, camera):
    good = jpeg(7)
    camera.payloads = [good, b"garbage", good[: len(good) // 2], b"", jpeg(8)]
    hub = start_hub("--source", f"cam={camera.url('/video')}")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        parts = reader.wait_for_parts(6)
        assert {part.number for part in parts} == {7, 8}
        seen = source(hub)
    assert seen["state"] == "live" and seen["attempts"] == 1 and seen["frame_errors"] >= 6


def test_garbage_alone_is_a_failure(start_hub, camera):
    camera.payloads = [bytes(5000)]
    hub = start_hub("--source", f"cam={camera.url('/video')}#on_demand=no&timeout=1")
    failed = wait_for_state(hub, "failed")
    assert failed["captures"] == failed["frame_errors"] > 0
    assert hub.get("/stream/cam/snapshot.jpg").status_code == 503


def test_a_flood_is_thinned_out_and_disturbs_no_other_stream(start_hub, camera):
    hub = start_hub(
        "--source", f"cam={camera.url('/flood')}#on_demand=no", "--source", "calm=testsrc:#width=64&height=48"
    )
    with MjpegReader(f"{hub.url}/stream/calm") as reader:
        wait_for_state(hub, "live")
        before, parts = hub.stats("cam"), len(reader.parts)
        reader.wait_for_parts(parts + 60)
        after = hub.stats("cam")
    seconds = after["uptime_seconds"] - before["uptime_seconds"] + 1
    assert after["total_frames"] - before["total_frames"] <= 240 * (seconds + 2)
    assert hub.rss() < 200 << 20


def test_a_part_without_end_takes_no_memory(start_hub, camera):
    hub = start_hub("server.max_frame_size_mb=1", "--source", f"cam={camera.url('/endless')}#on_demand=no")
    wait_for_state(hub, "failed")
    eventually(lambda: len(camera.asked) >= 3, "further attempts")
    assert hub.rss() < 200 << 20


def test_fps_caps_what_comes_in(start_hub, camera):
    camera.interval = 0.01
    hub = start_hub("--source", f"cam={camera.url('/video')}#fps=5")
    with MjpegReader(f"{hub.url}/stream/cam") as reader:
        reader.wait_for_parts(8)
        stats = hub.stats("cam")
    # Under load the camera of this test is slower than it is asked to be, and still faster than the cap.
    assert stats["source"]["captures"] > 1.5 * stats["total_frames"]


def test_hubs_can_be_chained(start_hub):
    first = start_hub("--source", "film=testsrc:#width=320&height=240&fps=20")
    second = start_hub("--source", f"far={first.url}/stream/film")
    with MjpegReader(f"{second.url}/stream/far") as reader, MjpegReader(f"{first.url}/stream/film") as near:
        reader.wait_for_parts(5)
        timestamps = {part.headers["x-timestamp"] for part in near.wait_for_parts(10)}
        eventually(lambda: {part.headers["x-timestamp"] for part in list(reader.parts)} & timestamps, "capture times")
    eventually(lambda: source(first, "film")["state"] == "resting", "demand goes all the way up")


def test_a_source_is_kept_while_a_publisher_has_its_stream(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}#on_demand=no")
    wait_for_state(hub, "live")
    assert hub.publish("cam", 3).status_code == 409, "the source holds it"


def test_a_deleted_stream_ends_its_source(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}#on_demand=no")
    wait_for_state(hub, "live")
    assert hub.get("/api/streams").json()["count"] == 1
    import requests

    assert requests.delete(f"{hub.url}/api/streams/cam", timeout=10).status_code == 200
    eventually(lambda: camera.open == 0, "the camera is left alone")
    assert hub.get("/api/streams/cam/stats").status_code == 404


def test_the_snapshot_wakes_it(start_hub, camera):
    hub = start_hub("--source", f"cam={camera.url('/video')}")
    answer = hub.get("/stream/cam/snapshot.jpg?timeout=10")
    assert answer.status_code == 200 and number_of(answer.content) is not None
