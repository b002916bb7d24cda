"""Behind a real nginx with deploy/nginx.conf: buffering as nginx has it by default, idle times of 2 s instead of 60."""

import subprocess

import pytest
import requests

from support.browser import number_on
from support.feeder import Feeder
from support.hub import Hub
from support.mjpeg import MjpegReader
from support.nginx import Nginx
from support.pictures import jpeg, noise_jpeg, number_of
from support.readers import Ffmpeg, OpenCv
from support.recordings import pictures, record
from support.sockets import SocketReader, Wall
from support.waiting import eventually

IDLE = 2.0
HEARTBEAT = 0.5


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("hub"), f"viewers.heartbeat_interval={HEARTBEAT}") as started:
        yield started


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, hub):
    with Nginx(tmp_path_factory.mktemp("nginx"), hub.port, IDLE) as started:
        yield started


def heartbeats(reader: MjpegReader) -> int:
    return reader.raw.count(b"X-Heartbeat: ")


def test_each_frame_comes_when_it_is_published(hub, nginx, stream):
    """Nothing is buffered: a lone frame is there before its successor is published."""
    hub.put_frame(stream, 1)
    with MjpegReader(f"{nginx.url}/stream/{stream}") as reader:
        for number in range(2, 8):
            reader.wait_for_number(number - 1)
            hub.put_frame(stream, number)
        reader.wait_for_number(7)
        assert reader.numbers == list(range(1, 8))


def test_mjpeg_outlives_the_idle_time(hub, nginx, stream):
    hub.put_frame(stream, 1)
    with MjpegReader(f"{nginx.url}/stream/{stream}") as reader:
        eventually(lambda: heartbeats(reader) >= 2 * IDLE / HEARTBEAT, "twice nginx's idle time")
        hub.put_frame(stream, 2)
        reader.wait_for_number(2)
        assert not reader.ended.is_set()


@pytest.mark.parametrize("kind", [OpenCv, Ffmpeg])
def test_programs_get_each_frame_once(hub, nginx, stream, kind):
    hub.put_frame(stream, 1)
    url = f"{nginx.url}/stream/{stream}"
    with kind(url) as reader, MjpegReader(url) as watch:
        reader.wait_for(1)
        eventually(lambda: heartbeats(watch) >= IDLE / HEARTBEAT + 2, "an idle spell")
        for number in (2, 3):
            hub.put_frame(stream, number)
            reader.wait_for(number)
        assert reader.numbers == [1, 2, 3]


@pytest.mark.parametrize("query", ["", "?format=binary"])
def test_a_websocket_outlives_the_idle_time(hub, nginx, stream, query):
    hub.put_frame(stream, 1)
    with SocketReader(f"{nginx.ws}/stream/{stream}{query}") as viewer, Wall(nginx.ws) as clock:
        clock.wait_for_text("streams", count=int(2 * IDLE) + 1)
        hub.put_frame(stream, 2)
        eventually(lambda: len(viewer.binaries) + len(viewer.of_type("frame")) == 2)
        assert not viewer.ended.is_set()


def test_the_page_moves_over_one_websocket(hub, nginx, stream, page):
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(nginx.url + "/")
    with Feeder(hub.url, stream, fps=8):
        tile = page.locator(f"a.tile[data-stream={stream}]")
        eventually(lambda: tile.get_attribute("data-state") == "live")
        before = int(tile.get_attribute("data-seq"))
        eventually(lambda: int(tile.get_attribute("data-seq")) >= before + 3 * 8, "and moves for three seconds")
    assert sockets == [f"{nginx.ws}/api/wall"]
    assert page.locator("#link").get_attribute("data-phase") == "open"


def test_an_image_on_a_page_moves(hub, nginx, stream, page):
    hub.put_frame(stream, 1)
    page.goto(f"{nginx.url}/stream/{stream}", wait_until="commit")
    for number in (1, 2, 3):
        hub.put_frame(stream, number)
        eventually(lambda n=number: number_on(page.locator("img")) == n)


def test_an_endless_upload_outlives_the_idle_time(hub, nginx, stream, tmp_path):
    """`ffmpeg -f mpjpeg -method POST`, frame by frame, for twice the time that nginx waits for an answer."""
    make = "ffmpeg -loglevel error -re -f lavfi -i testsrc=size=320x240:rate=5 -t 5 -f mpjpeg -method POST"
    with subprocess.Popen([*make.split(), f"{nginx.url}/publish/{stream}"]) as ffmpeg:
        with Wall(hub.ws) as wall:
            wall.watch(stream)
            eventually(lambda: len(wall.of(stream)) >= 2, "frames arrive while the body goes on")
            assert ffmpeg.poll() is None
        assert ffmpeg.wait(30) == 0
    assert hub.stats(stream)["total_frames"] >= 24


def test_a_publishing_websocket(hub, nginx, stream):
    with SocketReader(f"{nginx.ws}/publish/{stream}?ack=1") as publisher, Wall(nginx.ws) as clock:
        publisher.socket.send(jpeg(1))
        clock.wait_for_text("streams", count=int(2 * IDLE) + 1)
        publisher.socket.send(jpeg(2))
        eventually(lambda: len(publisher.texts) == 2)
    assert number_of(hub.snapshot(stream)) == 2


def test_large_frames_and_refusals(hub, nginx, stream):
    picture = noise_jpeg(5_000_000)
    jpeg_type = {"Content-Type": "image/jpeg"}
    answer = requests.post(f"{nginx.url}/publish/{stream}", data=picture, headers=jpeg_type, timeout=20)
    assert answer.json()["frame_size"] == len(picture)
    assert requests.get(f"{nginx.url}/stream/{stream}/snapshot.jpg", timeout=20).content == picture
    # The hub's own words, not nginx's page.
    refused = requests.post(f"{nginx.url}/publish/{stream}", data=b"no picture", headers=jpeg_type, timeout=20)
    assert refused.status_code == 415 and "error" in refused.json()


def test_recordings(hub, nginx, stream):
    """Listed, downloaded whole and in part, and replayed."""
    file = record(hub, stream, pictures(20))
    url = nginx.url + file["url"]
    whole = requests.get(url, timeout=20)
    assert whole.status_code == 200 and len(whole.content) == file["size_bytes"]
    part = requests.get(url, headers={"Range": "bytes=100-199"}, timeout=20)
    assert part.status_code == 206 and part.content == whole.content[100:200]
    with MjpegReader(nginx.url + file["mjpeg_url"]) as reader:
        reader.wait_for_end()
        assert reader.numbers[0] == 1 and reader.numbers[-1] == 20


def test_keys_are_not_logged(hub, nginx, stream):
    requests.get(f"{nginx.url}/api/streams?api_key=a-secret-of-ours", timeout=10)
    eventually(lambda: "/api/streams" in nginx.log("access"))
    assert "a-secret-of-ours" not in nginx.log("access")


def test_tls_and_http2(hub, stream, tmp_path):
    """The lines for TLS, their # taken off."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    hub.put_frame(stream, 1)
    with Nginx(tmp_path / "nginx", hub.port, IDLE, (certificate, key)) as nginx:
        curl = ["curl", "--silent", "--cacert", certificate, "--max-time", "4", "--output", tmp_path / "body"]
        curl += ["--write-out", "%{http_version} %{http_code}", "--http2", f"{nginx.tls}/stream/{stream}"]
        done = subprocess.run(curl, capture_output=True, text=True, timeout=30)
        # It plays on past nginx's idle time, until curl has had enough.
        assert (done.returncode, done.stdout) == (28, "2 200"), done.stderr
        assert number_of((tmp_path / "body").read_bytes().split(b"\r\n\r\n", 1)[1].split(b"\r\n--frame")[0]) == 1
