"""`server.base_path`: everything below a prefix, for a hub that shares its host name with others."""

import subprocess

import pytest
import requests

from support.browser import wait_until_painted
from support.hub import Hub
from support.readers import Ffmpeg
from support.sockets import SocketReader
from support.waiting import PATIENCE, eventually


@pytest.fixture(scope="module")
def cams(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("hub"), "server.base_path=/all/cams/") as hub:
        yield hub


def root(hub) -> str:
    return f"http://127.0.0.1:{hub.port}"


def get(url: str) -> requests.Response:
    return requests.get(url, timeout=PATIENCE, allow_redirects=False)


def test_the_hub_says_where_it_is(cams):
    assert cams.url == f"{root(cams)}/all/cams"
    assert cams.get("/livez").status_code == 200


def test_nothing_lies_elsewhere(cams):
    for path in ("/", "/livez", "/stream", "/all", "/all/camsx", "/all/cams2/livez", "/ALL/CAMS/livez"):
        answer = get(root(cams) + path)
        assert answer.status_code == 404, path
        assert "/all/cams/" in answer.json()["error"]
    publish = requests.put(f"{root(cams)}/publish/x", data=b"x", timeout=PATIENCE)
    assert publish.status_code == 404


def test_redirections_stay_below(cams):
    answer = get(f"{root(cams)}/all/cams?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/all/cams/?x=1")
    docs = requests.get(f"{cams.url}/docs", timeout=PATIENCE)
    assert docs.status_code == 200
    assert docs.url.startswith(f"{cams.url}/docs")
    assert cams.get("/openapi.json").json()["servers"][0]["url"] == "/all/cams/"


def test_addresses_in_answers_work(cams, stream):
    cams.put_frame(stream, 1)
    clip = requests.post(f"{cams.url}/api/streams/{stream}/clip", json={"seconds": 5}, timeout=PATIENCE)
    assert clip.status_code == 201, clip.text
    urls = [clip.json()["recording"][key] for key in ("url", "mjpeg_url", "snapshot_url")]
    listed = cams.get("/api/recordings").json()["recordings"]
    urls += [recording["url"] for recording in listed]
    for url in urls:
        assert url.startswith("/all/cams/api/recordings/")
        with requests.get(root(cams) + url, timeout=PATIENCE, stream=True) as answer:
            assert answer.status_code == 200, url


def test_clients_publish_and_watch_below(cams, stream, tmp_path):
    cams.put_frame(stream, 1)
    with (
        Ffmpeg(f"{cams.url}/stream/{stream}/mjpeg") as player,
        SocketReader(f"{cams.ws}/stream/{stream}?format=binary") as socket,
    ):
        cams.wait_for_viewers(stream, 2)
        for number in range(2, 8):
            cams.put_frame(stream, number)
            player.wait_for(number)
        eventually(lambda: len(socket.binaries) >= 6, "frames over the WebSocket")
    source = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-frames:v", "5"]
    target = ["-c:v", "mjpeg", "-f", "mpjpeg", "-method", "POST", f"{cams.url}/publish/{stream}2"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *source, *target], check=True, timeout=60)
    assert cams.stats(f"{stream}2")["total_frames"] == 5


def test_the_pages_move(cams, stream, page):
    """The wall, a stream large, and the embedded page, all by addresses of their own."""
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if "/all/cams/" not in request.url else None)
    page.on("websocket", lambda socket: elsewhere.append(socket.url) if "/all/cams/" not in socket.url else None)
    cams.put_frame(stream, 1)
    places = ((f"/#{stream}", "#focus-canvas"), (f"/stream/{stream}/embed", "#picture"))
    for number, (address, shown) in enumerate(places, 2):
        page.goto(cams.url + address)
        canvas = page.locator(shown)
        canvas.wait_for()
        cams.put_frame(stream, number)
        wait_until_painted(canvas, number)
    page.goto(f"{cams.url}/recordings")
    page.goto(f"{cams.url}/stats-page")
    assert not elsewhere
