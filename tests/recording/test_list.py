"""The list: paging through many recordings, filters, nonsense, deleting."""

import datetime
import json

import pytest
import requests

from support.hub import Hub
from support.recordings import Camera, command, folder, listed, on_disk, pictures, record, wait_for_frames
from support.shapes import assert_error, assert_shape
from support.waiting import eventually

COUNT = 300
STREAMS = ("cam_a", "cam_b", "cam_c")
BEGIN = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(days=2)

LIST = {
    "count": 2,
    "total": 2,
    "total_bytes": 12345,
    "streams": [
        {
            "name": "camera1",
            "count": 2,
            "total_bytes": 12345,
            "first_time": "2026-01-21T10:30:00.000Z",
            "last_time": "2026-01-21T10:30:00.000Z",
        }
    ],
    "recordings": [
        {
            "stream_name": "camera1",
            "start_time": "2026-01-21T10:30:00.000Z",
            "end_time": "2026-01-21T10:45:23.000Z",
            "duration_seconds": 923.0,
            "total_frames": 27690,
            "average_fps": 30.0,
            "target_fps": 30.0,
            "codec": "mp4v",
            "recording_path": "recordings/camera1/camera1_20260121_103000.mp4",
            "file": "camera1_20260121_103000.mp4",
            "status": "finished",
            "kind": "segment",
            "size_bytes": 12345,
            "width": 640,
            "height": 480,
            "frames_lost": 0,
            "gaps": [],
            "url": "/api/recordings/camera1/camera1_20260121_103000.mp4",
            "mjpeg_url": "/api/recordings/camera1/camera1_20260121_103000.mp4/mjpeg",
            "snapshot_url": "/api/recordings/camera1/camera1_20260121_103000.mp4/snapshot.jpg",
            "plays_in_browser": False,
        }
    ],
    "disk": {"free_bytes": 1, "total_bytes": 2},
}


def rfc3339(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def start_of(index: int) -> datetime.datetime:
    """One begins every 97 s, and lasts 90 s."""
    return BEGIN + datetime.timedelta(seconds=97 * index)


def name_of(index: int) -> str:
    return f"{STREAMS[index % 3]}_{start_of(index):%Y%m%d_%H%M%S}.mp4"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """300 recordings put into the folder by hand, as copies from another machine would be, with their metadata."""
    root = tmp_path_factory.mktemp("library")
    maker = Hub(tmp_path_factory.mktemp("maker"))
    with maker:
        made = record(maker, "any", pictures(2))
        template = on_disk(maker, made).read_bytes()
        said = json.loads(on_disk(maker, made).with_suffix(".json").read_text())
    for index in range(COUNT):
        stream = STREAMS[index % 3]
        path = root / "recordings" / stream / name_of(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(template)
        end = rfc3339(start_of(index) + datetime.timedelta(seconds=90))
        about = said | {"stream_name": stream, "start_time": rfc3339(start_of(index)), "end_time": end}
        path.with_suffix(".json").write_text(json.dumps(about))
    with Hub(root) as hub:
        eventually(lambda: hub.get("/api/recordings?limit=1").json()["total"] == COUNT, "all are found")
        hub.size_of_each = len(template)
        yield hub


def pages(hub, **query: object) -> list[dict]:
    """Every page, by following `next`."""
    found = []
    cursor = {}
    while True:
        page = hub.get("/api/recordings", params=query | cursor).json()
        assert page["count"] == len(page["recordings"])
        found.append(page)
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def files(hub, **query: object) -> list[str]:
    return [recording["file"] for recording in listed(hub, **query)]


def test_the_shape_of_a_list(library):
    answer = library.get("/api/recordings?limit=2").json()
    assert_shape(answer, LIST)
    assert list(answer["recordings"][0])[:9] == list(LIST["recordings"][0])[:9]
    assert answer["total_bytes"] == COUNT * library.size_of_each
    assert answer["disk"]["free_bytes"] < answer["disk"]["total_bytes"]
    assert isinstance(answer["next"], str)
    assert [(stream["name"], stream["count"]) for stream in answer["streams"]] == [(name, 100) for name in STREAMS]


def test_the_newest_come_first_a_hundred_at_a_time(library):
    found = pages(library)
    assert [page["count"] for page in found] == [100, 100, 100]
    assert all(page["total"] == COUNT for page in found)
    assert "streams" in found[0] and "streams" not in found[1], "the overview is on the first page only"
    names = [recording["file"] for page in found for recording in page["recordings"]]
    assert names == [name_of(index) for index in reversed(range(COUNT))]


@pytest.mark.parametrize("limit", [1000, 7])
def test_any_page_size_gives_each_recording_once(library, limit):
    for order in ("oldest", "newest"):
        names = [r["file"] for page in pages(library, limit=limit, order=order) for r in page["recordings"]]
        expected = [name_of(index) for index in range(COUNT)]
        assert names == (expected if order == "oldest" else expected[::-1])


def test_a_streams_own(library):
    for page in pages(library, stream="cam_b", limit=30):
        assert page["total"] == 100
        assert {recording["stream_name"] for recording in page["recordings"]} == {"cam_b"}
    nobody = library.get("/api/recordings?stream=nobody").json()
    assert (nobody["count"], nobody["total"], nobody["total_bytes"], nobody["next"]) == (0, 0, 0, None)


def test_what_overlaps_a_span_of_time(library):
    middle = start_of(100) + datetime.timedelta(seconds=45)
    after = start_of(100) + datetime.timedelta(seconds=93)
    assert files(library, **{"from": rfc3339(middle), "to": rfc3339(middle + datetime.timedelta(seconds=1))}) == [
        name_of(100)
    ], "one that began before and ends after"
    assert files(library, **{"from": rfc3339(after), "to": rfc3339(after)}) == [], "between two"
    assert len(files(library, **{"from": rfc3339(after), "limit": 1000})) == COUNT - 101
    assert len(files(library, **{"to": rfc3339(after), "limit": 1000})) == 101
    eastern = middle.astimezone(datetime.timezone(datetime.timedelta(hours=9))).isoformat()
    assert len(files(library, **{"from": eastern, "limit": 1000})) == COUNT - 100, "any zone is understood"
    ten = pages(library, **{"to": rfc3339(after), "limit": 10, "order": "oldest"})
    assert [page["count"] for page in ten] == [10] * 10 + [1]


def test_what_ends_while_pages_are_turned_is_neither_shown_twice_nor_hides_others(library):
    first = library.get("/api/recordings?limit=10").json()
    last_shown = first["recordings"][-1]
    gone = requests.delete(library.url + last_shown["url"], timeout=10)
    assert gone.status_code == 200
    try:
        second = library.get("/api/recordings", params={"limit": 10, "cursor": first["next"]}).json()
        assert [r["file"] for r in second["recordings"]] == [name_of(i) for i in range(COUNT - 11, COUNT - 21, -1)]
        assert second["total"] == COUNT - 1
    finally:
        path = on_disk(library, last_shown)
        other = on_disk(library, first["recordings"][0])
        path.write_bytes(other.read_bytes())
        about = json.loads(other.with_suffix(".json").read_text())
        about |= {key: last_shown[key] for key in ("stream_name", "start_time", "end_time")}
        path.with_suffix(".json").write_text(json.dumps(about))
        library.stop()
        library.start()
        eventually(lambda: library.get("/api/recordings?limit=1").json()["total"] == COUNT, "it is found again")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=1.5",
        "limit=",
        "limit=99999999999999999999999",
        "from=yesterday",
        "from=2026-13-01T00:00:00Z",
        "to=1e9",
        "to=2026-01-21",
        "order=random",
        "cursor=nonsense",
        "cursor=1.2",
        "cursor=%00",
        "cursor=' OR 1=1 --",
    ],
)
def test_nonsense_is_told(library, query):
    message = assert_error(library.get(f"/api/recordings?{query}"), 400, "BAD_QUERY")
    assert len(message) < 400
    name = query.split("=")[0]
    assert name in message, f"it names what was wrong: {message}"


def test_a_stream_that_cannot_be_is_told(library):
    for name in ("a.b", "../etc", "x" * 65, "%00"):
        response = library.get("/api/recordings", params={"stream": name})
        assert_error(response, 400, "INVALID_STREAM_NAME")


def test_empty_fields_of_a_form_are_none(library):
    answer = library.get("/api/recordings?stream=&from=&to=&cursor=&limit=5").json()
    assert (answer["count"], answer["total"]) == (5, COUNT)


def test_delete_one(hub, stream):
    recording = record(hub, stream, pictures(3))
    path = on_disk(hub, recording)
    size = path.stat().st_size
    response = requests.delete(hub.url + recording["url"], timeout=10)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["status"], answer["freed_bytes"]) == ("success", size)
    assert recording["file"] in answer["message"]
    assert listed(hub, stream=stream) == []
    assert not path.exists() and not path.with_suffix(".json").exists()
    assert not path.parent.exists(), "a folder that is empty goes too"
    for ask in (requests.get, requests.head, requests.delete):
        gone = ask(hub.url + recording["url"], timeout=10)
        assert gone.status_code == 404
    assert_error(hub.get(recording["url"]), 404, "RECORDING_NOT_FOUND")
    assert_error(hub.get(recording["mjpeg_url"]), 404, "RECORDING_NOT_FOUND")
    assert_error(hub.get(recording["snapshot_url"]), 404, "RECORDING_NOT_FOUND")
    eventually(lambda: str(size) in hub.stderr() and recording["file"] in hub.stderr(), "it is logged with its size")


def test_what_is_being_written_cannot_be_deleted(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(3))
        wait_for_frames(hub, stream, 3)
        recording = listed(hub, stream=stream)[0]
        message = assert_error(requests.delete(hub.url + recording["url"], timeout=10), 409, "RECORDING_ACTIVE")
        assert "stop" in message
        assert on_disk(hub, recording).exists()
        camera.shoot(pictures(3, first=4))
    command(hub, stream, "stop")
    assert listed(hub, stream=stream)[0]["total_frames"] == 6
    assert requests.delete(hub.url + recording["url"], timeout=10).status_code == 200


def test_one_deleted_by_hand_is_listed_no_more(hub, stream):
    recording = record(hub, stream, pictures(2))
    on_disk(hub, recording).unlink()
    assert listed(hub, stream=stream) == []
    assert_error(hub.get(recording["url"]), 404, "RECORDING_NOT_FOUND")
    assert stream not in [entry["name"] for entry in hub.get("/api/recordings").json()["streams"]]
    assert folder(hub).exists()
