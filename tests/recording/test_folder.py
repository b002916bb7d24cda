"""The folder in every state that people and programs leave it in."""

import json
import os
import shutil
from pathlib import Path

import pytest
import requests

from support.disks import read_only
from support.hub import Hub
from support.pictures import number_of
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
    record,
    recorder,
    stored,
    wait_for_frames,
)
from support.shapes import assert_error
from support.waiting import eventually


def failed(hub, stream: str) -> dict:
    def look() -> dict:
        state = recorder(hub, stream)
        assert state["state"] == "failed", state
        return state

    return eventually(look, f"the recorder of {stream} says that it failed")


def looked_through(hub) -> None:
    eventually(lambda: "looked through the recordings" in hub.stderr(), "the recordings are looked through")


def restart(hub) -> None:
    hub.stop()
    hub.log.unlink()
    hub.start()
    looked_through(hub)


def test_a_folder_that_is_missing_is_made_with_the_first_frame(start_hub):
    hub = start_hub("recording.directory=deep/down/videos")
    assert not (hub.folder / "deep").exists(), "nothing is made before it is needed"
    assert listed(hub) == []
    recording = record(hub, "one", pictures(3))
    assert recording["recording_path"] == f"deep/down/videos/one/{recording['file']}"
    assert_plays(on_disk(hub, recording))


def test_an_absolute_folder_and_a_relative_link_to_it(start_hub, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    hub = start_hub(f"recording.directory={link}")
    recording = record(hub, "one", pictures(3))
    assert (elsewhere / "one" / recording["file"]).exists(), "the folder itself may be a link"
    assert recording["recording_path"] == str(link / "one" / recording["file"])


def test_a_file_in_the_streams_place(start_hub):
    hub = start_hub()
    folder(hub).mkdir()
    (folder(hub) / "one").write_text("not a folder")
    hub.put_frame("one", 1)
    state = failed(hub, "one")
    assert str(folder(hub).name) in state["error"] and "one" in state["error"]
    assert record(hub, "two", pictures(3))["total_frames"] == 3, "the others are recorded"
    (folder(hub) / "one").unlink()
    hub.put_frame("one", 2)
    eventually(lambda: recorder(hub, "one")["state"] == "recording", "it goes on by itself")


def test_a_read_only_folder(start_hub):
    hub = start_hub()
    before = record(hub, "one", pictures(3))
    with read_only(folder(hub)):
        with Camera(hub, "two") as camera:
            camera.shoot(pictures(3))
            state = failed(hub, "two")
            assert "ead-only" in state["error"] and state["recording"] is False
            assert number_of(hub.snapshot("two")) == 3
            assert hub.get(before["url"]).content == on_disk(hub, before).read_bytes(), "what is there is served"
            assert [recording["file"] for recording in listed(hub)] == [before["file"]]
            response = requests.delete(hub.url + before["url"], timeout=10)
            assert_error(response, 503, "RECORDINGS_UNAVAILABLE")
            assert on_disk(hub, before).exists()
            clip = requests.post(f"{hub.url}/api/streams/two/clip", json={"seconds": 5}, timeout=10)
            assert_error(clip, 503, "RECORDINGS_UNAVAILABLE")
    eventually(lambda: recorder(hub, "two")["state"] == "recording", "it begins once it can")
    assert listed(hub, stream="two")[0]["total_frames"] == 3, "what the buffer still had is in it"
    refusals = [line for line in hub.stderr().splitlines() if "cannot record" in line]
    assert len(refusals) == 1, "the log says it once, not every second"


def test_a_start_with_a_read_only_folder(start_hub):
    hub = start_hub()
    recording = record(hub, "one", pictures(3))
    hub.stop()
    for file in folder(hub).glob("index.sqlite*"):
        file.unlink()
    with read_only(folder(hub)):
        hub.start()
        assert hub.get("/health").json()["status"] == "healthy"
        with Camera(hub, "one") as camera:
            camera.shoot(pictures(3))
        failed(hub, "one")
        assert hub.get(recording["url"]).content == on_disk(hub, recording).read_bytes()
        hub.stop()


def test_deleted_while_recording_goes_on_in_a_new_file(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(3))
        wait_for_frames(hub, stream, 3)
        first = only(hub, stream)
        shutil.rmtree(folder(hub) / stream)
        camera.shoot(pictures(5, first=4))
        wait_for_frames(hub, stream, 8)
    command(hub, stream, "stop")
    second = only(hub, stream)
    assert on_disk(hub, second).exists()
    assert number_of(stored(on_disk(hub, second))[-1]) == 8
    assert_plays(on_disk(hub, second))
    assert second["status"] == "finished"
    if second["file"] != first["file"]:
        assert_error(hub.get(first["url"]), 404, "RECORDING_NOT_FOUND")


def test_the_whole_folder_deleted_while_recording(start_hub):
    hub = start_hub()
    with Camera(hub, "one") as one, Camera(hub, "two") as two:
        one.shoot(pictures(3))
        two.shoot(pictures(3))
        wait_for_frames(hub, "one", 3)
        wait_for_frames(hub, "two", 3)
        shutil.rmtree(folder(hub))
        one.shoot(pictures(3, first=4))
        two.shoot(pictures(3, first=4))
        wait_for_frames(hub, "one", 6)
        wait_for_frames(hub, "two", 6)
        assert len(listed(hub)) == 2
    hub.stop()
    for stream in ("one", "two"):
        (path,) = (folder(hub) / stream).glob("*.mp4")
        assert number_of(stored(path)[-1]) == 6
        assert_plays(path)
    hub.start()
    looked_through(hub)
    assert sorted(recording["stream_name"] for recording in listed(hub)) == ["one", "two"]


@pytest.mark.parametrize("state", ["deleted", "garbage", "empty", "another-database", "torn", "folder"])
def test_an_index_that_is_lost_or_broken_is_made_anew(start_hub, state):
    hub = start_hub()
    expected = [record(hub, name, pictures(count)) for name, count in (("one", 3), ("two", 5), ("three", 4))]
    hub.stop()
    for file in folder(hub).glob("index.sqlite*"):
        if state == "torn" and file.name == "index.sqlite":
            file.write_bytes(file.read_bytes()[:5000])
        else:
            file.unlink()
    index = folder(hub) / "index.sqlite"
    if state == "garbage":
        index.write_bytes(os.urandom(20_000))
    elif state == "empty":
        index.touch()
    elif state == "another-database":
        import sqlite3

        with sqlite3.connect(index) as database:
            database.execute("create table recordings (something_else text)")
        database.close()
    elif state == "folder":
        index.mkdir()
    hub.log.unlink()
    hub.start()
    looked_through(hub)

    def complete() -> bool:
        found = listed(hub)
        return sorted(found, key=lambda r: r["file"]) == sorted(expected, key=lambda r: r["file"])

    eventually(complete, "the list is as it was")


def test_the_index_deleted_or_broken_while_the_hub_runs(start_hub):
    hub = start_hub()
    first = record(hub, "one", pictures(3))
    for file in folder(hub).glob("index.sqlite*"):
        file.unlink()
    second = record(hub, "two", pictures(3))
    eventually(lambda: {r["file"] for r in listed(hub)} == {first["file"], second["file"]}, "both are listed")
    restart(hub)
    assert {r["file"] for r in listed(hub)} == {first["file"], second["file"]}


def test_recordings_without_metadata_or_with_nonsense_are_still_recordings(start_hub):
    hub = start_hub()
    one, two, three = (record(hub, name, pictures(5)) for name in ("one", "two", "three"))
    hub.stop()
    on_disk(hub, one).with_suffix(".json").unlink()
    on_disk(hub, two).with_suffix(".json").write_text("{nonsense")
    on_disk(hub, three).with_suffix(".json").write_text("[" * 100_000)
    for file in folder(hub).glob("index.sqlite*"):
        file.unlink()
    hub.log.unlink()
    hub.start()
    looked_through(hub)
    for before in (one, two, three):
        found = only(hub, before["stream_name"])
        for name in ("file", "total_frames", "duration_seconds", "codec", "width", "height", "size_bytes"):
            assert found[name] == before[name], name
        assert found["start_time"][:19] == before["start_time"][:19]
        assert metadata(hub, found)["total_frames"] == 5, "it has metadata again"


def test_links_in_the_folder_lead_nowhere(start_hub, tmp_path):
    """Neither a stream's folder nor a file may stand for something elsewhere."""
    hub = start_hub()
    recording = record(hub, "real", pictures(3))
    content = on_disk(hub, recording).read_bytes()
    stamp = recording["file"].removeprefix("real")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"linked{stamp}").write_bytes(content)
    (folder(hub) / "linked").symlink_to(outside)
    (outside / "target.mp4").write_bytes(content)
    inside = folder(hub) / "real" / "real_20260101_000000.mp4"
    inside.symlink_to(outside / "target.mp4")
    dangling = folder(hub) / "real" / "real_20260101_000001.mp4"
    dangling.symlink_to(tmp_path / "nothing")
    beside = folder(hub) / "real" / "real_20260101_000002.json"
    beside.symlink_to(outside / "target.mp4")
    restart(hub)

    assert [found["file"] for found in listed(hub)] == [recording["file"]]
    assert [stream["name"] for stream in hub.get("/api/recordings").json()["streams"]] == ["real"]
    for path in (f"linked/linked{stamp}", f"real/{inside.name}", f"real/{dangling.name}"):
        for suffix in ("", "/mjpeg", "/snapshot.jpg"):
            assert_error(hub.get(f"/api/recordings/{path}{suffix}"), 404, "RECORDING_NOT_FOUND")
        assert_error(requests.delete(f"{hub.url}/api/recordings/{path}", timeout=10), 404, "RECORDING_NOT_FOUND")
    assert hub.get(f"/api/recordings/real/{beside.name}").status_code == 404

    # A stream of that name is not recorded through the link.
    with Camera(hub, "linked") as camera:
        camera.shoot(pictures(3))
        state = failed(hub, "linked")
        assert "linked" in state["error"]
    assert sorted(path.name for path in outside.iterdir()) == [f"linked{stamp}", "target.mp4"]
    assert inside.is_symlink() and (outside / "target.mp4").read_bytes() == content


def test_links_are_not_followed_by_the_cleanup(start_hub, tmp_path):
    hub = start_hub()
    recording = record(hub, "real", pictures(3))
    outside = tmp_path / "outside"
    outside.mkdir()
    old = outside / "linked_20200101_000000.mp4"
    old.write_bytes(on_disk(hub, recording).read_bytes())
    about = metadata(hub, recording) | {"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-01T00:01:00Z"}
    old.with_suffix(".json").write_text(json.dumps(about))
    (folder(hub) / "linked").symlink_to(outside)
    # The same as a folder of its own is old enough to go.
    mine = folder(hub) / "mine" / "mine_20200101_000000.mp4"
    mine.parent.mkdir()
    mine.write_bytes(old.read_bytes())
    mine.with_suffix(".json").write_text(json.dumps(about))
    restart(hub)
    eventually(lambda: not mine.exists(), "the cleanup has run")
    assert old.exists() and old.with_suffix(".json").exists()


def test_names_from_the_future_are_passed_by(start_hub):
    """A clock that was wrong yesterday: nothing is overwritten, nothing goes as too old, the present is recorded."""
    hub = start_hub()
    recording = record(hub, "one", pictures(3), span=0.1)
    hub.stop()
    future = folder(hub) / "one" / "one_20991231_235959.mp4"
    future.write_bytes(on_disk(hub, recording).read_bytes())
    about = metadata(hub, recording) | {"start_time": "2099-12-31T23:59:59Z", "end_time": "2100-01-01T00:00:00Z"}
    future.with_suffix(".json").write_text(json.dumps(about))
    hub.log.unlink()
    hub.start()
    looked_through(hub)
    assert [found["file"] for found in listed(hub)] == [future.name, recording["file"]]
    with Camera(hub, "one") as camera:
        camera.shoot(pictures(3, first=4))
        wait_for_frames(hub, "one", 3)
        assert future.name not in recorder(hub, "one")["file"]
        # Rewinding finds what was recorded now, not what claims to be of the future.
        shown = hub.get("/stream/one/snapshot.jpg?t=-0.001")
        assert shown.status_code == 200 and number_of(shown.content) in (4, 5, 6)
    command(hub, "one", "stop")
    assert len(listed(hub)) == 3 and future.exists()


def test_a_second_that_is_taken_gets_a_number(start_hub):
    """Recordings that begin within one second keep out of each other's way, also after a restart."""
    hub = start_hub()
    record(hub, "one", pictures(2))
    for index in range(1, 4):
        command(hub, "one", "start")
        with Camera(hub, "one") as camera:
            camera.shoot(pictures(2, first=10 * index))
        command(hub, "one", "stop")
    found = listed(hub, stream="one")
    assert len({recording["file"] for recording in found}) == 4
    assert [recording["total_frames"] for recording in found].count(0) == 0
    for recording in found:
        assert_plays(on_disk(hub, recording))


def test_two_hubs_on_one_folder_leave_each_other_alone(start_hub, tmp_path):
    shared = tmp_path / "shared"
    one = start_hub(f"recording.directory={shared}")
    with Camera(one, "cam") as camera:
        camera.shoot(pictures(5))
        wait_for_frames(one, "cam", 5)
        growing = only(one, "cam")
        with Hub(tmp_path / "second", f"recording.directory={shared}") as two:
            looked_through(two)
            response = requests.delete(two.url + growing["url"], timeout=10)
            assert_error(response, 409, "RECORDING_ACTIVE")
            record(two, "cam", pictures(3, first=50))
        camera.shoot(pictures(5, first=6))
        wait_for_frames(one, "cam", 10)
    command(one, "cam", "stop")
    path = Path(shared / "cam" / growing["file"])
    assert [number_of(frame) for frame in stored(path)] == list(range(1, 11))
    assert_plays(path)
