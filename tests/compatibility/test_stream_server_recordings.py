"""The stream server's recordings: their folder, metadata and cleanup (docs/ref/compatibility.md)."""

import datetime
import json
import re
import time
from pathlib import Path

import pytest
import requests

from support.pictures import number_of, read_number
from support.recordings import (
    METADATA,
    Camera,
    assert_plays,
    command,
    listed,
    metadata,
    on_disk,
    only,
    opencv,
    pictures,
    record,
    recorder,
    stored,
    wait_for_frames,
    wait_for_status,
)
from support.shapes import assert_shape, is_recent
from support.waiting import eventually


def test_recording_structure(start_hub):
    """'A recording is `recordings/camera1/camera1_20260121_103000.mp4` with a `.json` beside it'"""
    hub = start_hub()
    before = datetime.datetime.now(datetime.timezone.utc)
    hub.put_frame("camera1", 1)
    eventually(lambda: recorder(hub, "camera1")["recording"], "it is being recorded")
    after = datetime.datetime.now(datetime.timezone.utc)
    (where,) = (hub.folder / "recordings").glob("*/")
    assert where.name == "camera1"
    names = sorted(file.name for file in where.iterdir())
    assert [Path(name).suffix for name in names] == [".json", ".mp4"]
    assert Path(names[0]).stem == Path(names[1]).stem
    stamp = re.fullmatch(r"camera1_(\d{8}_\d{6})\.mp4", names[1])
    assert stamp, names
    begun = datetime.datetime.strptime(stamp[1] + "+0000", "%Y%m%d_%H%M%S%z")
    assert before.replace(microsecond=0) <= begun <= after, "by the clock, in UTC"


def test_metadata_format(start_hub):
    """'The metadata beside a recording has the nine fields in their order and types', while it is written and after."""
    hub = start_hub()
    now = time.time()
    with Camera(hub, "camera1") as camera:
        camera.shoot(pictures(20), (now + index / 25 for index in range(20)))
        wait_for_frames(hub, "camera1", 20)
        recording = only(hub, "camera1")
        early = metadata(hub, recording)
        assert_metadata(early)
        assert early["status"] == "recording"
    command(hub, "camera1", "stop")
    done = metadata(hub, recording)
    assert_metadata(done)
    assert done["stream_name"] == "camera1"
    assert (done["total_frames"], done["target_fps"], done["codec"]) == (20, 30, "mp4v")
    assert done["duration_seconds"] == pytest.approx(20 / 25, abs=0.02)
    assert done["average_fps"] == pytest.approx(25, abs=0.7)
    assert done["recording_path"] == f"recordings/camera1/{recording['file']}"
    assert (hub.folder / done["recording_path"]).is_file(), "relative to where the server runs"
    begun, ended = (
        datetime.datetime.fromisoformat(done[name].replace("Z", "+00:00")) for name in ("start_time", "end_time")
    )
    assert (ended - begun).total_seconds() == pytest.approx(done["duration_seconds"], abs=0.01)
    assert done["status"] == "finished"
    served = hub.get(recording["url"].replace(".mp4", ".json"))
    assert served.json() == done, "the same over HTTP"
    assert_plays(on_disk(hub, recording))


def assert_metadata(actual: dict) -> None:
    assert list(actual)[:9] == list(METADATA), "the nine fields, in their order"
    example = METADATA | {"duration_seconds": 923.0, "target_fps": 30.0}
    assert_shape(actual, example, "metadata")
    for name in ("start_time", "end_time"):
        assert actual[name].endswith("Z") and is_recent(actual[name])


@pytest.mark.parametrize("codec", ["mp4v", "h264"])
def test_configuration_recording_codec(start_hub, codec):
    """'`recording.codec` is `mp4v` or `h264`'"""
    hub = start_hub(f"recording.codec={codec}")
    recording = record(hub, "camera1", pictures(10))
    assert metadata(hub, recording)["codec"] == codec
    assert_plays(on_disk(hub, recording))
    assert [read_number(picture) for picture in opencv(on_disk(hub, recording))] == list(range(1, 11))


def test_delete_stream_stops_its_recording(start_hub):
    """'ends the stream and its recording': the file is finished, with every frame that was published."""
    hub = start_hub()
    frames = pictures(10)
    with Camera(hub, "camera1") as camera:
        camera.shoot(frames)
        assert requests.delete(f"{hub.url}/api/streams/camera1", timeout=10).status_code == 200
    recording = wait_for_status(hub, "camera1", "finished")
    assert stored(on_disk(hub, recording)) == frames
    assert_plays(on_disk(hub, recording))
    # Anew is another recording.
    with Camera(hub, "camera1") as camera:
        camera.shoot(pictures(3))
        wait_for_frames(hub, "camera1", 3)
        assert len(listed(hub, stream="camera1")) == 2


def test_inactive_stream_cleanup_stops_recording_gracefully(start_hub):
    """'is removed, its recording finished, and the log says so'"""
    hub = start_hub("streams.timeout_seconds=1", "cleanup.interval_seconds=0.2")
    with Camera(hub, "idle") as camera:
        camera.shoot(pictures(5))
    recording = wait_for_status(hub, "idle", "finished")
    assert recording["total_frames"] == 5
    assert hub.get("/api/streams").json()["count"] == 0
    eventually(lambda: "recording finished stream=idle" in hub.stderr(), "it is logged")


def old_recording(hub, template: dict, stream: str, days: float) -> Path:
    """A copy of a recording that looks as if it had been made so long ago."""
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    path = hub.folder / "recordings" / stream / f"{stream}_{start:%Y%m%d_%H%M%S}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(on_disk(hub, template).read_bytes())
    about = metadata(hub, template) | {
        "stream_name": stream,
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{start + datetime.timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}",
        "recording_path": f"recordings/{stream}/{path.name}",
        "file": path.name,
    }
    path.with_suffix(".json").write_text(json.dumps(about))
    return path


def test_old_recording_cleanup(start_hub):
    """'are deleted with their folders once these are empty, and each deletion is logged with its size'"""
    hub = start_hub()
    template = record(hub, "camera1", pictures(3))
    old = [old_recording(hub, template, "camera1", 8), old_recording(hub, template, "camera2", 7.1)]
    young = [old_recording(hub, template, "camera1", 6.9), old_recording(hub, template, "camera4", 1)]
    (hub.folder / "recordings" / "camera5").mkdir()
    note = hub.folder / "recordings" / "camera2_notes.txt"
    note.write_text("mine")
    size = old[0].stat().st_size

    # A machine that was off at 3 in the morning keeps the promise at its start.
    hub.stop()
    hub.start()
    eventually(lambda: not any(path.exists() for path in old), "the old ones go")
    eventually(lambda: not (hub.folder / "recordings" / "camera5").exists(), "empty folders go")
    assert not any(path.with_suffix(".json").exists() for path in old)
    assert not (hub.folder / "recordings" / "camera2").exists()
    assert all(path.exists() and path.with_suffix(".json").exists() for path in young)
    assert on_disk(hub, template).exists() and note.exists()
    files = {recording["file"] for recording in listed(hub)}
    assert files >= {path.name for path in young} and files.isdisjoint(path.name for path in old)

    def deletions(path: Path) -> list[str]:
        return [line for line in hub.stderr().splitlines() if path.name in line and "deleted" in line]

    for path in old:
        eventually(lambda path=path: deletions(path), "it is logged")
        assert len(deletions(path)) == 1 and f"size_bytes={size}" in deletions(path)[0], deletions(path)


def test_retention_days(start_hub):
    """'Recordings older than `retention_days` are deleted': `RECORDING_RETENTION_DAYS=14`."""
    hub = start_hub(env={"RECORDING_RETENTION_DAYS": "14"})
    template = record(hub, "camera1", pictures(3))
    stays, goes = old_recording(hub, template, "camera1", 13.9), old_recording(hub, template, "camera1", 14.1)
    hub.stop()
    hub.start()
    eventually(lambda: not goes.exists(), "what is older than fourteen days goes")
    assert stays.exists()


def test_recording_not_enabled(start_hub):
    """'If recording does not work, `/health`'"""
    hub = start_hub("recording.enabled=false")
    hub.put_frame("camera1", 1)
    assert hub.get("/health").json()["recording_enabled"] is False
    assert recorder(hub, "camera1")["state"] == "off"
    assert not (hub.folder / "recordings").exists()


def test_recordings_directory_not_writable(start_hub):
    """'the recorder's state and the log say why'"""
    hub = start_hub("recording.directory=taken")
    (hub.folder / "taken").write_text("a file")
    hub.put_frame("camera1", 1)
    state = eventually(
        lambda: (now := recorder(hub, "camera1"))["state"] == "failed" and now, "the recorder says that it failed"
    )
    assert state["recording"] is False and "taken" in state["error"]
    eventually(lambda: "cannot record" in hub.stderr() and "taken" in hub.stderr(), "the log says so")
    hub.put_frame("camera1", 2)
    assert number_of(hub.snapshot("camera1")) == 2, "watching goes on"
    # Once that is fixed, recording starts by itself.
    (hub.folder / "taken").unlink()
    hub.put_frame("camera1", 3)
    eventually(lambda: recorder(hub, "camera1")["recording"], "it records")
    assert recorder(hub, "camera1")["error"] is None
