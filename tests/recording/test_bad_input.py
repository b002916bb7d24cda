"""Paths that climb, ranges and queries that make no sense: refused in JSON, without any other effect."""

import http.client
import json
import os
import urllib.parse

import pytest
import requests

from support.recordings import Camera, command, folder, listed, on_disk, pictures, record, wait_for_frames
from support.shapes import assert_error

SECRET = b"this must stay secret"


@pytest.fixture(scope="module")
def recording(hub):
    return record(hub, "there", pictures(10))


@pytest.fixture(scope="module", autouse=True)
def secret(hub, recording):
    (hub.folder / "secret.mp4").write_bytes(SECRET)
    (hub.folder / "there_20260121_103000.mp4").write_bytes(SECRET)


def ask(hub, method: str, path: str, headers: dict | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The path as it stands: `requests` would tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


CLIMBS = {
    "climb": ("..%2f", "secret.mp4"),
    "climb-as-file": ("there", "..%2fsecret.mp4"),
    "climb-twice": ("there", "..%2f..%2fsecret.mp4"),
    "climb-and-return": ("there", "..%2fthere%2f{file}"),
    "climb-with-the-name": ("there", "..%2f..%2fthere_20260121_103000.mp4"),
    "dots-stream": ("..", "there_20260121_103000.mp4"),
    "dots-encoded": ("%2e%2e", "there_20260121_103000.mp4"),
    "dot-stream": (".", "{file}"),
    "dots-file": ("there", ".."),
    "double-encoded": ("there", "%252e%252e%252fsecret.mp4"),
    "backslash": ("there", "..%5c{file}"),
    "absolute": ("there", "%2fetc%2fpasswd"),
    "absolute-stream": ("%2fetc", "passwd"),
    "null": ("there", "{file}%00"),
    "null-inside": ("there", "{file}%00.mp4"),
    "null-stream": ("there%00", "{file}"),
    "newline": ("there", "{file}%0d%0aX-Injected:%201"),
    "not-utf8": ("there", "%ff%fe.mp4"),
    "not-utf8-stream": ("%ff", "{file}"),
    "long-file": ("there", "x" * 5000 + ".mp4"),
    "long-stream": ("x" * 5000, "{file}"),
    "long-number": ("there", "there_20260121_103000_" + "9" * 300 + ".mp4"),
    "other-streams-file": ("other", "{file}"),
    "index": ("there", "index.sqlite"),
    "temporary": ("there", ".{file}.json.tmp"),
    "no-name": ("there", ".mp4"),
    "no-date": ("there", "there_20260230_103000.mp4"),
    "slash-inside": ("there", "{file}%2f"),
    "upper": ("there", "there_20260121_103000.MP4"),
    "space": ("there", "%20{file}"),
    "markup": ("there", "%3Cscript%3E"),
}


@pytest.mark.parametrize("stream_name, file", CLIMBS.values(), ids=CLIMBS.keys())
def test_no_path_leads_out_of_the_folder(hub, recording, stream_name, file):
    path = f"/api/recordings/{stream_name}/{file.format(file=recording['file'])}"
    for method, route in [
        ("GET", path),
        ("DELETE", path),
        ("GET", path + "/mjpeg"),
        ("GET", path + "/snapshot.jpg"),
        ("GET", path + "?download=1"),
    ]:
        status, headers, body = ask(hub, method, route)
        assert status in (400, 404), f"{method} {route}: {status} {body[:200]!r}"
        answer = json.loads(body)
        assert answer["code"] in ("BAD_FILE_NAME", "INVALID_STREAM_NAME", "RECORDING_NOT_FOUND", "NOT_FOUND")
        assert len(answer["error"]) < 400
        assert SECRET not in body and "X-Injected" not in headers
        assert str(hub.folder) not in body.decode(), "no path of the machine is shown"
    status, _, body = ask(hub, "HEAD", path)
    assert status in (400, 404) and body == b""
    assert (hub.folder / "secret.mp4").read_bytes() == SECRET
    assert on_disk(hub, recording).exists()


def test_a_metadata_path_does_not_climb_either(hub):
    for file in ("..%2f..%2fsecret.json", "..%2fthere.json", "x.json", ".json", "%00.json"):
        status, _, body = ask(hub, "GET", f"/api/recordings/there/{file}")
        assert (status, json.loads(body)["code"]) == (400, "BAD_FILE_NAME"), body


def test_other_files_in_the_folder_are_not_served_and_not_deleted(hub, recording):
    where = folder(hub) / "there"
    for name in ("notes.txt", "movie.mp4", "there.mp4"):
        (where / name).write_bytes(SECRET)
        for method in ("GET", "DELETE"):
            status, _, body = ask(hub, method, f"/api/recordings/there/{name}")
            assert (status, json.loads(body)["code"]) == (400, "BAD_FILE_NAME")
        assert (where / name).read_bytes() == SECRET
        (where / name).unlink()
    assert len(listed(hub, stream="there")) == 1


def test_a_folder_or_a_pipe_named_like_a_recording_does_no_harm(hub, recording):
    where = folder(hub) / "there"
    (where / "there_20260101_000000.mp4").mkdir()
    os.mkfifo(where / "there_20260101_000001.mp4")
    for second in (0, 1):
        path = f"/api/recordings/there/there_20260101_00000{second}.mp4"
        for route in (path, path + "/mjpeg", path + "/snapshot.jpg"):
            assert_error(hub.get(route), 404, "RECORDING_NOT_FOUND")
        assert_error(requests.delete(hub.url + path, timeout=10), 404, "RECORDING_NOT_FOUND")
    assert len(listed(hub, stream="there")) == 1
    (where / "there_20260101_000000.mp4").rmdir()
    (where / "there_20260101_000001.mp4").unlink()


RANGES = {
    "bytes=0-99": (206, 0, 100),
    "bytes=100-": (206, 100, None),
    "bytes=-50": (206, -50, None),
    "bytes=0-": (206, 0, None),
    "bytes=0-999999999999": (206, 0, None),
    "bytes=-999999999999": (206, 0, None),
    "bytes=5-5": (206, 5, 6),
    "Bytes=5-5": (206, 5, 6),
    "bytes=999999999-": (416, None, None),
    "bytes=-0": (416, None, None),
    "bytes=99999999999999999999999999-": (416, None, None),
    "bytes=5-4": (200, None, None),
    "bytes=0-1,5-6": (200, None, None),
    "bytes=a-b": (200, None, None),
    "bytes=--5": (200, None, None),
    "bytes=": (200, None, None),
    "bytes": (200, None, None),
    "frames=1-2": (200, None, None),
    "bytes=0x10-": (200, None, None),
    "bytes=+1-2": (200, None, None),
}


@pytest.mark.parametrize("header", RANGES, ids=range(len(RANGES)))
def test_ranges(hub, recording, header):
    whole = on_disk(hub, recording).read_bytes()
    status, begin, end = RANGES[header]
    got, headers, body = ask(hub, "GET", recording["url"], {"Range": header})
    assert got == status, header
    if status == 206:
        assert body == whole[begin:end]
        first = begin if begin >= 0 else len(whole) + begin
        assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(whole)}"
        assert int(headers["Content-Length"]) == len(body)
    elif status == 416:
        assert headers["Content-Range"] == f"bytes */{len(whole)}"
        assert json.loads(body)["code"] == "RANGE_NOT_SATISFIABLE"
    else:
        assert body == whole
        assert "Content-Range" not in headers
    assert headers.get("Accept-Ranges", "bytes") == "bytes"


def test_a_download_is_resumed_only_if_it_is_the_same_file(hub, recording):
    whole = on_disk(hub, recording).read_bytes()
    _, headers, body = ask(hub, "GET", recording["url"] + "?download=1")
    assert body == whole
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Disposition"] == f'attachment; filename="{recording["file"]}"'
    etag = headers["ETag"]
    rest = {"Range": f"bytes={len(whole) // 2}-"}
    assert ask(hub, "GET", recording["url"], rest | {"If-Range": etag})[2] == whole[len(whole) // 2 :]
    status, _, body = ask(hub, "GET", recording["url"], rest | {"If-Range": '"another"'})
    assert (status, body) == (200, whole)
    status, headers, body = ask(hub, "GET", recording["url"], {"If-None-Match": etag})
    assert (status, body, headers["ETag"]) == (304, b"", etag)
    status, headers, body = ask(hub, "HEAD", recording["url"])
    assert (status, int(headers["Content-Length"]), body) == (200, len(whole), b"")


def test_a_growing_file_is_downloaded_in_whole_pieces_and_resumed(hub, stream):
    with Camera(hub, stream) as camera:
        camera.shoot(pictures(5))
        wait_for_frames(hub, stream, 5)
        (growing,) = listed(hub, stream=stream)
        _, headers, first = ask(hub, "GET", growing["url"])
        assert len(first) == growing["size_bytes"]
        status, later, _ = ask(hub, "GET", growing["url"], {"If-None-Match": headers["ETag"]})
        assert (status, later["ETag"]) == (200, headers["ETag"]), "never 304: it is not all yet"
        camera.shoot(pictures(5, first=6))
        wait_for_frames(hub, stream, 10)
        wanted = {"Range": f"bytes={len(first)}-", "If-Range": headers["ETag"]}
        status, _, second = ask(hub, "GET", growing["url"], wanted)
        assert status == 206
        assert first + second == on_disk(hub, growing).read_bytes()
    command(hub, stream, "stop")
    status, _, body = ask(hub, "GET", growing["url"], wanted)
    assert status == 200, "its beginning has changed with its end: from the beginning"
    assert body == on_disk(hub, growing).read_bytes()


@pytest.mark.parametrize(
    "query",
    [
        "t=x",
        "t=",
        "t=1e3",
        "t=+5",
        "t=--5",
        "t=NaN",
        "t=-inf",
        "t=5d",
        "t=2026-01-21T10:30:00Z",
        "t=99999999999999999999999999",
        "speed=0",
        "speed=0.01",
        "speed=-1",
        "speed=101",
        "speed=x",
        "speed=NaN",
        "speed=inf",
        "speed=",
        "fps=x",
        "fps=-1",
        "advance_headers=2",
    ],
)
def test_replay_queries_that_mean_nothing(hub, recording, query):
    message = assert_error(hub.get(f"{recording['mjpeg_url']}?{query}"), 400, "BAD_QUERY")
    assert query.split("=")[0] in message and len(message) < 300, message


@pytest.mark.parametrize("query", ["t=x", "t=", "t=1e3", "t=NaN", "t=-", "t=1:30"])
def test_snapshot_queries_that_mean_nothing(hub, recording, query):
    message = assert_error(hub.get(f"{recording['snapshot_url']}?{query}"), 400, "BAD_QUERY")
    assert "t=" in message or "t:" in message, message


@pytest.mark.parametrize(
    "query", ["t=x", "t=-", "t=-30d", "t=-1e3", "t=now", "t=2099-01-01T00:00:00Z", "t=-NaN", "t=--1"]
)
def test_rewind_queries_that_mean_nothing(hub, recording, query):
    hub.put_frame("there", 1)
    for route in ("/stream/there", "/stream/there/mjpeg", "/stream/there/snapshot.jpg", "/stream"):
        message = assert_error(hub.get(f"{route}?{query}"), 400, "BAD_QUERY")
        assert "t=" in message or "t:" in message, message


def test_beyond_the_ends_is_the_first_and_the_last_picture(hub, recording):
    def shown(t: str) -> bytes:
        response = hub.get(recording["snapshot_url"], params={"t": t})
        assert response.status_code == 200, response.text
        return response.content

    first, last = pictures(1)[0], pictures(1, first=10)[0]
    assert shown("0") == shown("-100") == shown("-1h") == first
    assert shown("100") == shown("-0") == shown("1h") == last


def test_recordings_take_no_other_methods(hub, recording):
    for method, path in [
        ("POST", recording["url"]),
        ("PUT", recording["url"]),
        ("DELETE", recording["mjpeg_url"]),
        ("POST", "/api/recordings"),
        ("DELETE", "/api/recordings"),
        ("GET", "/api/streams/there/clip"),
        ("DELETE", "/api/streams/there/recording"),
    ]:
        assert_error(requests.request(method, hub.url + path, timeout=10), 405, "METHOD_NOT_ALLOWED")


def test_a_name_that_was_never_given_is_not_found(hub):
    name = urllib.parse.quote("there_20260121_103000.mp4")
    for path in (name, f"{name}/mjpeg", f"{name}/snapshot.jpg", name.replace(".mp4", ".json")):
        assert_error(hub.get(f"/api/recordings/there/{path}"), 404, "RECORDING_NOT_FOUND")
    assert_error(hub.get("/api/recordings/nobody/nobody_20260121_103000.mp4"), 404, "RECORDING_NOT_FOUND")
