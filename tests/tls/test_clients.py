"""The clients that people use, over HTTPS and wss: publish, watch, look."""

import subprocess

import pytest
import requests

from support.browser import wait_until_painted
from support.pictures import jpeg, number_of
from support.readers import Ffmpeg, OpenCv
from support.sockets import SocketReader, open_socket
from support.waiting import PATIENCE, eventually


def end(hub, stream: str) -> None:
    requests.delete(f"{hub.url}/api/streams/{stream}", verify=hub.verify, timeout=PATIENCE).raise_for_status()


def test_requests_publishes_and_looks(hub, stream):
    assert hub.url.startswith("https://")
    picture = jpeg(7)
    hub.put_frame(stream, picture)
    assert hub.snapshot(stream) == picture
    assert hub.get("/").status_code == 200


def test_curl_publishes_and_looks(hub, pair, stream, tmp_path):
    (tmp_path / "7.jpg").write_bytes(jpeg(7))
    curl = ["curl", "--silent", "--show-error", "--fail", "--cacert", str(pair.certificate)]
    publish = [*curl, "-F", "frame=@7.jpg", f"{hub.url}/publish/{stream}"]
    subprocess.run(publish, cwd=tmp_path, check=True, timeout=PATIENCE)
    look = [*curl, f"{hub.url}/stream/{stream}/snapshot.jpg"]
    assert number_of(subprocess.run(look, check=True, capture_output=True, timeout=PATIENCE).stdout) == 7


def test_curl_over_http2(hub, pair, stream, tmp_path):
    """Frames in and out, and a live stream, over the newer protocol."""
    (tmp_path / "7.jpg").write_bytes(jpeg(7))
    curl = ["curl", "--silent", "--show-error", "--http2", "--cacert", str(pair.certificate)]

    def ask(*arguments: str) -> bytes:
        run = subprocess.run(
            [*curl, "--write-out", "|%{http_version} %{http_code}", *arguments],
            cwd=tmp_path,
            capture_output=True,
            timeout=PATIENCE,
        )
        body, _, status = run.stdout.rpartition(b"|")
        assert status == b"2 200", run
        return body

    ask("-F", "frame=@7.jpg", f"{hub.url}/publish/{stream}")
    assert number_of(ask(f"{hub.url}/stream/{stream}/snapshot.jpg")) == 7
    watching = subprocess.Popen(
        [*curl, "--no-buffer", f"{hub.url}/stream/{stream}/mjpeg"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    hub.wait_for_viewers(stream, 1)
    for number in range(8, 12):
        hub.put_frame(stream, number)
    end(hub, stream)
    seen, _ = watching.communicate(timeout=PATIENCE)
    assert watching.returncode == 0, "the body ended in order"
    assert jpeg(11) in seen


@pytest.mark.parametrize("reader", [OpenCv, Ffmpeg])
def test_players_are_handed_the_frames(hub, stream, reader):
    hub.put_frame(stream, 1)
    with reader(f"{hub.url}/stream/{stream}/mjpeg") as watching:
        hub.wait_for_viewers(stream, 1)
        for number in range(2, 12):
            hub.put_frame(stream, number)
            watching.wait_for(number)
        # OpenCV lets go of a stream only at its end.
        end(hub, stream)
        assert watching.ended.wait(PATIENCE)


def test_ffmpeg_publishes(hub, stream):
    source = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-t", "2"]
    target = ["-c:v", "mjpeg", "-f", "mpjpeg", "-method", "POST", f"{hub.url}/publish/{stream}"]
    subprocess.run(["ffmpeg", "-loglevel", "error", *source, *target], check=True, timeout=60)
    assert hub.stats(stream)["total_frames"] >= 40


def test_websockets_both_ways(hub, pair, stream):
    encrypted = {"ssl": pair.context()}
    publisher = open_socket(f"{hub.ws}/publish/{stream}?ack=1", **encrypted)
    publisher.send(jpeg(1))
    publisher.recv(timeout=PATIENCE)
    with SocketReader(f"{hub.ws}/stream/{stream}?format=binary", **encrypted) as viewer:
        for number in range(2, 8):
            picture = jpeg(number)
            publisher.send(picture)
            publisher.recv(timeout=PATIENCE)
            eventually(lambda picture=picture: picture in viewer.binaries, f"frame {number} over wss")
        publisher.close()
        end(hub, stream)
        code, _ = viewer.wait_for_end()
        assert code in (1000, 1001)


def test_the_page_moves_in_a_browser(chromium, hub, stream):
    """The page over HTTP/2, and its wall over wss, where the page came from."""
    hub.put_frame(stream, 1)
    context = chromium.new_context(viewport={"width": 1000, "height": 720}, ignore_https_errors=True)
    try:
        page = context.new_page()
        sockets = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.goto(f"{hub.url}/#{stream}")
        canvas = page.locator("#focus-canvas")
        canvas.wait_for()
        for number in (2, 3, 4):
            hub.put_frame(stream, number)
            wait_until_painted(canvas, number)
        assert sockets and all(url.startswith(hub.ws + "/") for url in sockets)
        protocols = page.evaluate("performance.getEntriesByType('navigation').map(entry => entry.nextHopProtocol)")
        assert protocols == ["h2"]
    finally:
        context.close()


def test_more_streams_than_connections_move_in_a_browser(chromium, hub, stream):
    """Over HTTP/1.1 a browser would open six connections and leave the seventh picture waiting."""
    names = [f"{stream}_{index}" for index in range(8)]
    for name in names:
        hub.put_frame(name, 1)
    context = chromium.new_context(viewport={"width": 1000, "height": 720}, ignore_https_errors=True)
    try:
        page = context.new_page()
        page.goto(f"{hub.url}/livez")
        images = "".join(f'<img id="{name}" src="{hub.url}/stream/{name}/mjpeg" width="240">' for name in names)
        page.evaluate("html => { document.body.innerHTML = html; }", images)
        for name in names:
            hub.put_frame(name, 2)
        for name in names:
            wait_until_painted(page.locator(f"#{name}"), 2)
    finally:
        context.close()
