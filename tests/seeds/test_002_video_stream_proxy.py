"""Document 002, 'Video Stream Proxy': the views of a stream, as its frontend shows them.

Sessions are not part of this version; a stream that is published stands for a session's.
"""

import json

import pytest

from support.browser import picture_of, wait_until_painted
from support.feeder import Feeder
from support.hub import Hub
from support.pictures import read_number
from support.shapes import assert_shape
from support.sockets import SocketReader
from support.waiting import eventually


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """With no heartbeat for a minute: it repeats the newest frame and would hide lateness."""
    with Hub(tmp_path_factory.mktemp("hub"), "viewers.heartbeat_interval=60") as started:
        yield started


def middle_number(target) -> int | None:
    """The embed page keeps the picture's proportions: a 4:3 picture is the middle of its box."""
    picture = picture_of(target)
    height, width = picture.shape[:2]
    wide, high = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def test_002_websocket_api_messages_from_server(hub, stream):
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}") as reader:
        assert_shape(reader.wait_for_text("status"), json.loads('{"type": "status", "message": "Connected"}'))
        frame = reader.wait_for_text("frame")
        assert_shape(frame, json.loads('{"type": "frame", "data": "base64_encoded_frame_data"}'))
        assert reader.texts[0]["type"] == "status", "first of all"


def test_002_using_websocket(hub, stream, page):
    """'Using WebSocket': the frontend's own handler, with `// Display video frame` filled in."""
    hub.put_frame(stream, 1)
    page.goto(hub.url + "/livez")
    page.set_content("<img id=shown>")
    page.evaluate(
        """wsUrl => {
          window.log = [];
          const ws = new WebSocket(wsUrl);

          ws.onmessage = (event) => {
            const data = JSON.parse(event.data);

            if (data.type === 'frame') {
              document.getElementById('shown').src = `data:image/jpeg;base64,${data.data}`;
            } else if (data.type === 'status') {
              window.log.push(data.message);
            }
          };
        }""",
        f"{hub.ws}/stream/{stream}",
    )
    for number in range(1, 5):
        if number > 1:
            hub.put_frame(stream, number)
        wait_until_painted(page.locator("#shown"), number)
    assert page.evaluate("window.log.length") >= 1


def test_002_using_embed(hub, stream, page, tmp_path, output):
    """The iframe of 'Using Embed', in a page from elsewhere."""
    html = """<!doctype html>
<iframe
  src="http://localhost:8889/stream/SESSION/embed"
  width="1280"
  height="720"
  frameBorder="0"
  allow="autoplay; fullscreen"
></iframe>"""
    document = tmp_path / "page.html"
    document.write_text(html.replace("http://localhost:8889", hub.url).replace("SESSION", stream))
    page.set_viewport_size({"width": 1300, "height": 760})
    page.goto(document.as_uri())
    frame = page.frame_locator("iframe")
    # The stream comes later than the page: it waits.
    eventually(lambda: "aiting" in frame.locator("#status-text").inner_text(), "the page says that it waits")
    with Feeder(hub.url, stream, fps=10):
        canvas = frame.locator("#picture")
        first = eventually(lambda: middle_number(canvas), "a picture", timeout=20)
        eventually(lambda: middle_number(canvas) not in (None, first), "a moving picture")
        eventually(lambda: frame.locator("body").get_attribute("data-state") == "live")
        picture_of(page, output / "embed-iframe.png")


def test_002_using_mjpeg(hub, stream, page):
    """'Using MJPEG': an `<img>` on `/stream/{id}/mjpeg`."""
    hub.put_frame(stream, 1)
    html = '<img src="http://localhost:8889/stream/SESSION/mjpeg" alt="Isaac Sim Stream" />'
    html = html.replace("http://localhost:8889", hub.url).replace("SESSION", stream)
    page.set_content(html, wait_until="commit")
    for number in range(1, 5):
        if number > 1:
            hub.put_frame(stream, number)
        wait_until_painted(page.locator("img"), number)


def test_002_health(hub):
    example = json.loads("""
    {
      "status": "healthy",
      "service": "video-stream-proxy",
      "version": "1.0.0",
      "isaac_sim_ip": "18.234.83.45",
      "isaac_sim_port": "8211",
      "active_sessions": 2,
      "timestamp": "2025-10-17T..."
    }
    """)
    assert_shape(hub.get("/health").json(), example)
