"""Phrases as a form, and what analyses leave behind: the list, the files, the pages. One light, so no model is needed."""

import json
import os
import subprocess

import cv2
import pytest
import requests

from support.browser import picture_of
from support.hub import Hub
from support.pictures import numbered
from support.uploads import Upload
from support.waiting import eventually

ONE_LIGHT = b""" 0.000s | Phrase recording started
 0.400s | HIT: Right scores on Left!
 0.900s | Phrase recording ended
Scores -> Fencer 1: HIT, Fencer 2: MISS
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("analyses"), "referee.max_video_mb=4", "referee.yolo_model=none") as started:
        yield started


def video(path, fourcc: str = "MJPG"):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*fourcc), 25, (160, 120))
    for number in range(15):
        writer.write(cv2.cvtColor(numbered(number, 160, 120), cv2.COLOR_RGB2BGR))
    writer.release()
    return path.read_bytes()


def analyze(hub, content: bytes, name: str = "phrase.avi", signal: bytes = ONE_LIGHT, **fields: str):
    files = {"video": (name, content), "signal": ("phrase.txt", signal)}
    return requests.post(hub.url + "/analyze", files=files, data=fields, timeout=60)


@pytest.fixture(scope="module")
def analysed(hub, tmp_path_factory):
    response = analyze(hub, video(tmp_path_factory.mktemp("video") / "phrase.avi"))
    assert response.status_code == 200, response.text
    return response.json()


def test_a_phrase_as_a_form(analysed, hub):
    assert analysed["decision"]["winner"] == "right" and analysed["decision"]["reason"]
    assert "streaming_stats" not in analysed and analysed["artifact_dir"] and analysed["wall_time_seconds"] >= 0
    assert analysed["frames_analyzed"] == 15
    assert [name for name in os.listdir(hub.folder / "artifacts") if name.startswith(".")] == [], "nothing is left over"


def test_other_videos_are_decoded_by_ffmpeg(hub, tmp_path):
    video(tmp_path / "phrase.avi")
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "phrase.avi", "-c:v", "mpeg4", tmp_path / "phrase.mkv"]
    subprocess.run(command, check=True, timeout=60)
    response = analyze(hub, (tmp_path / "phrase.mkv").read_bytes(), "phrase.mkv", save_overlay="false")
    assert response.status_code == 200, response.text
    assert response.json()["frames_analyzed"] == 15
    assert "overlay" not in response.json()["artifacts"]


def test_without_ffmpeg_the_answer_says_what_is_missing(start_hub, tmp_path):
    hub = start_hub(env={"PATH": str(tmp_path)})
    refused = analyze(hub, b"\x1a\x45\xdf\xa3 a Matroska file" * 100, "phrase.mkv")
    assert (refused.status_code, refused.json()["code"]) == (415, "FFMPEG_MISSING")
    assert "install" in refused.json()["error"]


def test_a_playlist_shows_no_file_of_the_machine(hub, tmp_path):
    video(tmp_path / "hidden.avi")
    for name, playlist in [
        ("v.mp4", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{tmp_path}/hidden.avi\n#EXT-X-ENDLIST\n"),
        ("v.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n../../hidden.avi\n#EXT-X-ENDLIST\n"),
        ("v.avi", f"ffconcat version 1.0\nfile '{tmp_path}/hidden.avi'\n"),
    ]:
        refused = analyze(hub, playlist.encode(), name)
        assert (refused.status_code, refused.json()["code"]) == (415, "VIDEO_NOT_DECODED"), name


def test_forms_that_are_none(hub, tmp_path):
    content = video(tmp_path / "phrase.avi")
    post = f"{hub.url}/analyze"
    cases = [
        (requests.post(post, files={"video": content}, timeout=60), 400, "MISSING_SIGNAL"),
        (requests.post(post, files={"signal": ONE_LIGHT}, timeout=60), 400, "MISSING_VIDEO"),
        (requests.post(post, data=b"hello", timeout=60), 400, "NOT_MULTIPART"),
        (analyze(hub, b"no video at all" * 50), 415, "VIDEO_NOT_DECODED"),
        (analyze(hub, content, save_overlay="perhaps"), 400, "BAD_FLAG"),
        (analyze(hub, content, pipeline="chess"), 400, "SESSION_START_FAILED"),
        (analyze(hub, bytes(4 * 1024 * 1024 + 1)), 413, "VIDEO_TOO_LARGE"),
        (analyze(hub, content, signal=b"x" * (1024 * 1024 + 1)), 413, "FIELD_TOO_LARGE"),
        (analyze(hub, content, signal=b"no log"), 422, "PROCESSING_FAILED"),
    ]
    for response, status, code in cases:
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert hub.get("/streaming/stats").json()["active_sessions"] == 0


def test_results_are_listed_by_page(analysed, hub):
    listed = hub.get("/api/analyses?limit=1&offset=0").json()
    assert listed["count"] == 1 <= listed["total"]
    everything = hub.get("/api/analyses").json()["analyses"]
    found = next(one for one in everything if one["id"] == analysed["session_id"])
    assert (found["winner"], found["status"], found["reason"]) == ("right", "complete", analysed["decision"]["reason"])
    assert hub.get("/api/analyses?limit=0").status_code == 400
    assert hub.get(f"/api/analyses?offset={10**6}").json()["analyses"] == []


def test_files_are_served_in_parts_and_nothing_else_is(analysed, hub):
    place = f"/api/analyses/{analysed['session_id']}"
    result = hub.get(place).json()
    assert result["decision"] == analysed["decision"] and "overlay.mp4" in result["files"]
    part = hub.get(f"{place}/overlay.mp4", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content, part.headers["Content-Type"]) == (206, b"ftyp", "video/mp4")
    assert hub.get(f"{place}/signal.txt").content == ONE_LIGHT
    for path in (
        f"{place}/session.txt",
        f"{place}/..%2F..%2Fstderr.log",
        f"{place}/%2Fetc%2Fpasswd",
        "/api/analyses/%2E%2E",
        "/api/analyses/..%2Fartifacts",
        "/api/analyses/nobody",
    ):
        assert hub.get(path).status_code == 404, path


def test_the_page_of_a_result(analysed, hub, page, output):
    page.goto(f"{hub.url}/analyses")
    page.locator(f"[data-analysis='{analysed['session_id']}'] a").click()
    page.wait_for_url("**/analyses/analyze_*")
    eventually(lambda: page.locator("#title").inner_text() == "Right scores")
    assert page.locator("#reason").inner_text() == analysed["decision"]["reason"]
    eventually(lambda: "HIT: Right scores on Left!" in page.locator("#events").inner_text(), "the events are listed")
    eventually(lambda: page.evaluate("document.getElementById('video').readyState") >= 1, "the overlay video loads")
    page.locator("#events button", has_text="HIT").click()
    eventually(lambda: abs(page.evaluate("document.getElementById('video').currentTime") - 0.4) < 0.1)
    assert "overlay.mp4" in page.locator("#files").inner_text()
    picture_of(page, output / "analysis.png")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "no scrolling sideways on a phone"


def test_the_page_draws_how_both_fencers_moved(hub, page, output):
    def person(x: float) -> list:
        return [[x, 100.0, 0.9]] * 17

    folder = hub.folder / "artifacts" / "drawn"
    folder.mkdir(parents=True)
    frames = range(50)
    points = {
        "fps": 25.0,
        "left": [person(50 + 2 * n) for n in frames],
        "right": [None if n % 7 == 0 else person(300 - n) for n in frames],
    }
    (folder / "keypoints.json").write_text(json.dumps(points))
    (folder / "signal.txt").write_bytes(ONE_LIGHT)
    decision = {"winner": "left", "reason": "Right fencer retreated at 0.00s", "confidence": 0.8}
    artifacts = {"keypoints": "keypoints.json", "signal": "signal.txt"}
    (folder / "analysis_result.json").write_text(json.dumps({"decision": decision, "artifacts": artifacts}))
    page.goto(f"{hub.url}/analyses/drawn")
    tracks = page.locator("#chart .track")
    eventually(lambda: tracks.count() == 2)
    lengths = [len(track.get_attribute("points").split()) for track in tracks.all()]
    assert lengths == [50, 42]
    assert page.locator("#chart .event").count() == 3
    assert "80 % sure" in page.locator("#facts").inner_text()
    picture_of(page.locator("#movement"), output / "movement.png")


def test_the_page_shows_uploads_under_way(hub, page, stream):
    with Upload(hub) as upload:
        upload.start(stream)
        upload.frames(range(12))
        page.goto(f"{hub.url}/analyses")
        row = page.locator(f"[data-session='{stream}']")
        eventually(lambda: "12 frames received" in row.inner_text())
