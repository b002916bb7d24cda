"""A disk that fills up: watching and publishing go on, the recorder says why it cannot, and goes on once it can."""

import threading
import time

import pytest
import requests

from support.disks import small_disk
from support.mjpeg import MjpegReader
from support.pictures import noise_jpeg, number_of
from support.recordings import (
    Camera,
    assert_plays,
    command,
    folder,
    listed,
    metadata,
    on_disk,
    only,
    pictures,
    recorder,
    stored,
    wait_for_frames,
)
from support.waiting import PATIENCE, eventually

#: A second of video is half a megabyte.
FRAME = noise_jpeg(16_000)
FPS = 30


class Source:
    """A camera's 30 frames a second until it is stopped; every answer has to be 200."""

    def __init__(self, hub, stream: str):
        self.hub = hub
        self.stream = stream
        self.answers: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Source":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        session = requests.Session()
        url = f"{self.hub.url}/publish/{self.stream}"
        due = time.monotonic()
        while not self._stop.is_set():
            answer = session.post(url, data=FRAME, headers={"Content-Type": "image/jpeg"}, timeout=PATIENCE)
            self.answers.append(answer.status_code)
            due += 1 / FPS
            self._stop.wait(max(0.0, due - time.monotonic()))


def wait_for_state(hub, stream: str, state: str) -> dict:
    def look() -> dict:
        now = recorder(hub, stream)
        assert now["state"] == state, now
        return now

    return eventually(look, f"the recorder of {stream} is {state}", 30)


@pytest.fixture
def small(tmp_path):
    """Four megabytes for recordings."""
    with small_disk(tmp_path / "small", 4) as where:
        yield where


def test_a_full_disk_stops_only_the_recorder(start_hub, small):
    # What the recorder cannot write waits in memory: with room for half a second, the rest is lost.
    hub = start_hub(
        f"recording.directory={small}", "recording.min_free_gb=0", "streams.backlog_mb=0.25", "recording.fps=240"
    )
    ballast = small / "ballast"
    ballast.write_bytes(b"\0" * 3_000_000)
    hub.put_frame("full", FRAME)
    with Source(hub, "full") as source, MjpegReader(f"{hub.url}/stream/full") as viewer:
        state = wait_for_state(hub, "full", "failed")
        assert "space" in state["error"] and str(small) in state["error"], state
        assert state["recording"] is False
        entries = [s for s in hub.get("/api/streams").json()["streams"] if s["name"] == "full"]
        assert entries[0]["recording"] is False

        # While it stays full, viewers get what is published, at its rate.
        shown, sent, begun = len(viewer.parts), len(source.answers), time.monotonic()
        eventually(lambda: len(viewer.parts) >= shown + 2 * FPS, "two seconds of live video")
        seconds = time.monotonic() - begun
        rate = (len(viewer.parts) - shown) / (len(source.answers) - sent)
        assert rate > 0.5, f"viewers saw {rate:.0%} of what was published"
        assert (len(source.answers) - sent) / seconds > FPS * 0.2, "publishing is not held up"
        assert recorder(hub, "full")["state"] == "failed"

        # Whatever is on the disk plays, and so does what is there in the middle of it all.
        (growing,) = listed(hub)
        assert_plays(on_disk(hub, growing))
        written = recorder(hub, "full")["total_frames"]
        ballast.unlink()
        wait_for_state(hub, "full", "recording")
        wait_for_frames(hub, "full", written + FPS)
    command(hub, "full", "stop")
    assert set(source.answers) == {200}

    # What the disk does not take ends a file, so that it can be deleted for room.
    before, after = listed(hub, stream="full", order="oldest")
    for recording in (before, after):
        assert recording["status"] == "finished"
        assert_plays(on_disk(hub, recording))
        assert len(stored(on_disk(hub, recording))) == recording["total_frames"]
    # Nothing is missing in silence: every frame is in a file, or counted.
    total = len(source.answers) + 1
    assert before["frames_lost"] == 0 and after["frames_lost"] > 0
    assert sum(gap["frames"] for gap in after["gaps"]) == after["frames_lost"]
    written = before["total_frames"] + after["total_frames"]
    assert written + after["frames_lost"] == pytest.approx(total, abs=total * 0.02)
    assert all(gap["seconds"] > 0 for gap in after["gaps"])
    assert metadata(hub, after)["gaps"] == after["gaps"]
    assert hub.stderr().count("cannot record") <= 2, "the log tells of a full disk once, not every second"


def test_a_disk_that_is_full_from_the_beginning(start_hub, small):
    """Not even an empty file fits, nor its metadata, nor the index."""
    hub = start_hub(f"recording.directory={small}", "recording.min_free_gb=0")
    eventually(lambda: "looked through the recordings" in hub.stderr(), "the start is over")
    ballast = small / "ballast"
    with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65536)
    # Larger than what the index may give back.
    frames = pictures(6, size=(1280, 960))
    with Camera(hub, "late") as camera:
        camera.shoot(frames[:3])
        wait_for_state(hub, "late", "failed")
        assert number_of(hub.snapshot("late")) == 3
        assert hub.get("/health").status_code == 200
        ballast.unlink()
        camera.shoot(frames[3:])
        wait_for_frames(hub, "late", 6)
    command(hub, "late", "stop")
    recordings = listed(hub, stream="late", order="oldest")
    numbers = [number_of(frame) for recording in recordings for frame in stored(on_disk(hub, recording))]
    assert numbers == [1, 2, 3, 4, 5, 6], "what the buffer held meanwhile is not lost"
    for recording in recordings:
        assert_plays(on_disk(hub, recording))


def test_stopping_and_shutting_down_on_a_full_disk(start_hub, small):
    hub = start_hub(f"recording.directory={small}", "recording.min_free_gb=0")
    ballast = small / "ballast"
    ballast.write_bytes(b"\0" * 3_000_000)
    hub.put_frame("one", FRAME)
    hub.put_frame("two", FRAME)
    with Source(hub, "one") as one, Source(hub, "two") as two:
        wait_for_state(hub, "one", "failed")
        wait_for_state(hub, "two", "failed")
        stopped = command(hub, "one", "stop")
        assert stopped["state"] == "off"
    assert set(one.answers) == set(two.answers) == {200}
    assert hub.stop() == 0
    hub.start()
    found = eventually(lambda: len(here := listed(hub)) == 2 and here, "both are found again")
    for recording in found:
        assert recording["status"] in ("finished", "healed")
        assert_plays(on_disk(hub, recording))


def test_the_oldest_make_room_for_what_is_new(start_hub, small):
    """`recording.min_free_gb`: recordings that are finished go first, and the log says so."""
    hub = start_hub(f"recording.directory={small}", "recording.min_free_gb=0.002", "cleanup.interval_seconds=1")
    with Source(hub, "old"):
        wait_for_frames(hub, "old", 20)
        command(hub, "old", "stop")
    old = only(hub, "old")
    with Source(hub, "new") as source:
        eventually(lambda: not on_disk(hub, old).exists(), "the old one goes", 30)
        wait_for_frames(hub, "new", 30)
    assert set(source.answers) == {200}

    def logged() -> list[str]:
        return [line for line in hub.stderr().splitlines() if old["file"] in line and "deleted" in line]

    lines = eventually(logged, "it is logged")
    assert len(lines) == 1 and f"size_bytes={old['size_bytes']}" in lines[0]
    assert listed(hub, stream="old") == []


def test_recording_pauses_while_the_disk_is_low(start_hub, small):
    """Nothing is left to delete: it says so, names the setting, and waits."""
    hub = start_hub(f"recording.directory={small}", "recording.min_free_gb=0.01")
    with Source(hub, "cam") as source:
        state = wait_for_state(hub, "cam", "failed")
        assert "min_free_gb" in state["error"]
        assert list(small.glob("cam/*.mp4")) == []
        eventually(lambda: len(source.answers) > FPS, "publishing goes on")
    assert set(source.answers) == {200}
    assert listed(hub) == []
    assert folder(hub) != small


def test_all_recordings_together_take_no_more_than_they_may(start_hub):
    """`recording.max_total_gb`: the oldest go at the start, until the rest fits; what is being written stays."""
    hub = start_hub()
    files = {}
    for name in ("one", "two", "three"):
        with Camera(hub, name) as camera:
            camera.shoot([FRAME] * 4)
        command(hub, name, "stop")
        files[name] = on_disk(hub, only(hub, name))
    total = sum(path.stat().st_size for path in files.values())
    hub.stop()
    # Room for two of the three.
    hub.command.append(f"recording.max_total_gb={0.7 * total / 1e9:.9f}")
    hub.start()
    eventually(lambda: not files["one"].exists(), "the oldest goes")
    assert files["two"].exists() and files["three"].exists()
    assert [recording["stream_name"] for recording in listed(hub)] == ["three", "two"]
