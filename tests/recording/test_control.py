"""Starting and stopping by request, and saving the last moments as a clip."""

import time

import requests

from support.pictures import number_of, read_number
from support.publishers import SocketPublisher
from support.recordings import (
    SIZE,
    Camera,
    assert_plays,
    command,
    listed,
    metadata,
    on_disk,
    only,
    opencv,
    pictures,
    recorder,
    stored,
    times,
    wait_for_frames,
)
from support.shapes import assert_error, assert_shape
from support.sockets import Wall
from support.waiting import eventually

STATE = {
    "stream": "camera1",
    "recording": True,
    "state": "recording",
    "error": None,
    "file": "camera1_20260121_103000.mp4",
    "started_at": "2026-01-21T10:30:00.000Z",
    "duration_seconds": 1.5,
    "total_frames": 3,
    "size_bytes": 12345,
    "frames_lost": 0,
}


def clip(hub, stream: str, body: object) -> requests.Response:
    return requests.post(f"{hub.url}/api/streams/{stream}/clip", json=body, timeout=30)


def test_the_state_while_recording_after_a_stop_and_after_a_start(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(3))
        state = wait_for_frames(hub, stream, 3)
        assert_shape(state, STATE)
        assert (state["stream"], state["state"], state["recording"]) == (stream, "recording", True)
        assert state["file"] == only(hub, stream)["file"]

        stopped = command(hub, stream, "stop")
        assert stopped["status"] == "success" and stream in stopped["message"]
        assert (stopped["state"], stopped["recording"], stopped["file"]) == ("off", False, None)
        assert stopped["total_frames"] == 3
        assert only(hub, stream)["status"] == "finished"
        assert recorder(hub, stream)["state"] == "off"

        camera.shoot(pictures(2, first=4))
        assert recorder(hub, stream)["state"] == "off", "it does not begin again by itself"

        started = command(hub, stream, "start")
        assert started["status"] == "success" and started["state"] in ("waiting", "recording")
        camera.shoot(pictures(2, first=6))
        wait_for_frames(hub, stream, 2)
        again = command(hub, stream, "start")
        assert again["file"] == recorder(hub, stream)["file"], "starting what runs changes nothing"
        command(hub, stream, "stop")
    newest, oldest = listed(hub, stream=stream)
    assert newest["status"] == oldest["status"] == "finished"
    assert [number_of(frame) for frame in stored(on_disk(hub, oldest))] == [1, 2, 3]
    assert [number_of(frame) for frame in stored(on_disk(hub, newest))][-2:] == [6, 7]
    assert 4 not in [number_of(frame) for frame in stored(on_disk(hub, newest))]


def test_the_action_may_stand_in_the_query(hub, stream):
    hub.put_frame(stream, 1)
    eventually(lambda: recorder(hub, stream)["recording"], "it is being recorded")
    answer = requests.post(f"{hub.url}/api/streams/{stream}/recording?action=stop", timeout=30)
    assert (answer.status_code, answer.json()["state"]) == (200, "off")


def test_what_cannot_be_commanded(hub, stream):
    route = f"{hub.url}/api/streams/{stream}/recording"
    assert_error(requests.get(route, timeout=10), 404, "STREAM_NOT_FOUND")
    for action in ("start", "stop"):
        assert_error(requests.post(route, json={"action": action}, timeout=10), 404, "STREAM_NOT_FOUND")
    hub.put_frame(stream, 1)
    command(hub, stream, "stop")
    assert_error(requests.post(route, json={"action": "stop"}, timeout=10), 409, "NOT_RECORDING")
    for body in (b"", b"{}", b"[]", b"{", b'{"action": "pause"}', b'{"action": 1}', b'"start"', b"\xff"):
        response = requests.post(route, data=body, timeout=10)
        message = assert_error(response, 400, "BAD_BODY")
        assert len(message) < 400


def test_recording_off_in_the_configuration_and_on_by_request(start_hub):
    # Frames come as quickly as they can be sent here: none is to be thinned out.
    hub = start_hub("recording.enabled=false", "recording.fps=240")
    hub.put_frame("asked", pictures(1)[0])
    hub.put_frame("never_asked", 1)
    assert hub.get("/health").json()["recording_enabled"] is False
    assert recorder(hub, "asked")["state"] == "off"
    command(hub, "asked", "start")
    with Camera(hub, "asked") as camera:
        camera.shoot(pictures(2, first=2))
    wait_for_frames(hub, "asked", 2)
    command(hub, "asked", "stop")
    numbers = [number_of(frame) for frame in stored(on_disk(hub, only(hub, "asked")))]
    assert numbers[-2:] == [2, 3]
    assert recorder(hub, "never_asked")["state"] == "off"
    assert [recording["stream_name"] for recording in listed(hub)] == ["asked"]
    assert not (hub.folder / "recordings" / "never_asked").exists()


def test_streams_and_health_tell_whether_they_are_recorded(hub, stream):
    hub.put_frame(stream, 1)
    eventually(lambda: recorder(hub, stream)["recording"], "it is being recorded")

    def listed_as_recording() -> bool:
        streams = hub.get("/api/streams").json()["streams"]
        return next(entry["recording"] for entry in streams if entry["name"] == stream)

    def told_on_the_wall(wall: Wall) -> bool:
        streams = wall.of_type("streams")[-1]["streams"]
        return next(entry["recording"] for entry in streams if entry["name"] == stream)

    assert listed_as_recording() is True
    with Wall(hub.ws) as wall:
        wall.wait_for_text("streams")
        assert told_on_the_wall(wall) is True
        command(hub, stream, "stop")
        assert listed_as_recording() is False
        eventually(lambda: not told_on_the_wall(wall), "the wall shows it")
    assert hub.get("/health").json()["recording_enabled"] is True


def test_metrics_count_what_is_recorded(start_hub):
    hub = start_hub()

    def metric(name: str) -> float:
        lines = hub.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.split()[0] == name)

    with Camera(hub, "one") as camera:
        camera.shoot(pictures(5))
        wait_for_frames(hub, "one", 5)
        assert metric("framehub_recordings_active") == 1
    command(hub, "one", "stop")
    assert metric("framehub_recorded_frames_total") == 5
    assert metric("framehub_recorded_lost_total") == 0
    assert 5 * 1000 < metric("framehub_recorded_bytes_total") <= only(hub, "one")["size_bytes"]
    assert metric("framehub_recordings_active") == 0


def test_a_clip_of_the_running_recording_holds_what_came_before_the_request(start_hub, stream):
    hub = start_hub("recording.fps=60")
    frames = pictures(40)
    now = time.time()
    with Camera(hub, stream) as camera:
        camera.shoot(frames, (now + 0.02 * index for index in range(40)))
        response = clip(hub, stream, {"seconds": 3600})
        assert response.status_code == 201, response.text
        answer = response.json()
        assert answer["status"] == "success"
        saved = answer["recording"]
        assert (saved["kind"], saved["status"], saved["stream_name"]) == ("clip", "finished", stream)
        assert saved["file"].endswith("_clip.mp4")
        assert saved["total_frames"] == 40
        assert answer["seconds"] == saved["duration_seconds"]
        assert 0.78 <= answer["seconds"] < 0.9
        assert stored(on_disk(hub, saved)) == frames, "the very bytes"
        assert_plays(on_disk(hub, saved))
        assert times(on_disk(hub, saved))[0] == 0
        assert metadata(hub, saved)["kind"] == "clip"
        # The recording itself goes on.
        assert recorder(hub, stream)["recording"] is True
        camera.shoot(pictures(2, first=41))
    command(hub, stream, "stop")
    kinds = {recording["kind"]: recording for recording in listed(hub, stream=stream)}
    assert kinds["segment"]["total_frames"] == 42
    assert hub.get(saved["url"]).content == on_disk(hub, saved).read_bytes()


def test_a_clip_is_no_longer_than_asked_for(hub, stream):
    """Two seconds are in the recording, one is asked for."""
    frames = pictures(20)
    with Camera(hub, stream, fps=10) as camera:
        camera.film(frames)
        saved = clip(hub, stream, {"seconds": 1}).json()["recording"]
    numbers = [number_of(frame) for frame in stored(on_disk(hub, saved))]
    assert numbers == list(range(numbers[0], 21)), "the last ones, without a hole"
    assert numbers[0] >= 8
    assert saved["duration_seconds"] <= 1.3
    command(hub, stream, "stop")


def test_a_clip_of_what_the_buffer_holds_when_nothing_is_recorded(start_hub):
    hub = start_hub("recording.enabled=false")
    frames = pictures(5)
    now = time.time()
    with SocketPublisher(hub.ws, "live") as publisher:
        for index, frame in enumerate(frames):
            publisher.send(frame, {"timestamp": now + 0.04 * index})
    response = clip(hub, "live", {"seconds": 60})
    assert response.status_code == 201, response.text
    saved = response.json()["recording"]
    assert stored(on_disk(hub, saved)) == frames
    assert_plays(on_disk(hub, saved))
    assert recorder(hub, "live")["state"] == "off"
    second = clip(hub, "live", None).json()["recording"]
    assert second["file"] != saved["file"], "nothing is overwritten"
    assert second["total_frames"] == 5


def test_a_clip_as_h264_plays(start_hub):
    hub = start_hub("recording.codec=h264")
    now = time.time()
    with Camera(hub, "live") as camera:
        camera.shoot(pictures(30), (now + 0.033 * index for index in range(30)))
        saved = clip(hub, "live", {"seconds": 10}).json()["recording"]
    assert saved["plays_in_browser"] is True
    assert_plays(on_disk(hub, saved))
    assert [read_number(picture) for picture in opencv(on_disk(hub, saved))] == list(range(1, 31))


def test_clips_that_cannot_be(hub, stream):
    assert_error(clip(hub, stream, {"seconds": 5}), 404, "STREAM_NOT_FOUND")
    hub.put_frame(stream, 1)
    for seconds in (0, 0.5, -1, 3601, 1e99):
        message = assert_error(clip(hub, stream, {"seconds": seconds}), 400, "BAD_QUERY")
        assert "3600" in message
    for seconds in ("x", [], True, {}):
        assert_error(clip(hub, stream, {"seconds": seconds}), 400, "BAD_BODY")
    assert_error(clip(hub, "no.such/..%2f", {"seconds": 5}), 404, "NOT_FOUND")
    huge = requests.post(f"{hub.url}/api/streams/{stream}/clip", data=b'{"seconds": 1e999}', timeout=10)
    assert huge.status_code == 400


def test_frames_that_change_size_go_on_in_a_new_file(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(5))
        camera.shoot(pictures(5, first=6, size=(240, 180)))
        camera.shoot(pictures(5, first=11))
    command(hub, stream, "stop")
    found = listed(hub, stream=stream, order="oldest")
    assert [(entry["width"], entry["height"]) for entry in found] == [SIZE, (240, 180), SIZE]
    assert [entry["total_frames"] for entry in found] == [5, 5, 5]
    assert len({entry["file"] for entry in found}) == 3
    numbers = [number_of(frame) for entry in found for frame in stored(on_disk(hub, entry))]
    assert numbers == list(range(1, 16)), "no frame is lost between the files"
    for entry in found:
        assert entry["frames_lost"] == 0
        assert_plays(on_disk(hub, entry))


def test_streams_are_recorded_side_by_side(hub):
    names = [f"side_{index}" for index in range(8)]
    recordings = {}
    cameras = {name: Camera(hub, name) for name in names}
    for index in range(10):
        for offset, name in enumerate(names):
            cameras[name].shoot(pictures(1, first=100 * offset + index))
    for name in names:
        cameras[name].socket.close()
        command(hub, name, "stop")
        recordings[name] = only(hub, name)
    for offset, name in enumerate(names):
        numbers = [number_of(frame) for frame in stored(on_disk(hub, recordings[name]))]
        assert numbers == list(range(100 * offset, 100 * offset + 10))


def test_a_shutdown_finishes_every_recording(start_hub):
    hub = start_hub()
    with Camera(hub, "one") as one, Camera(hub, "two") as two:
        one.shoot(pictures(10))
        two.shoot(pictures(20))
        assert hub.stop() == 0
    hub.start()
    for name, count in (("one", 10), ("two", 20)):
        recording = only(hub, name)
        assert (recording["status"], recording["total_frames"]) == ("finished", count)
        assert_plays(on_disk(hub, recording))
