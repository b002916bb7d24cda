"""The simulator proxy's clients: its endpoints, and its frontend's code in Chromium, with a simulator behind the hub
(docs/ref/compatibility.md). The same code also shows a stream that is published.
"""

import json

import pytest
import requests

from support.browser import picture_of, wait_until_painted
from support.feeder import Feeder
from support.hub import Hub
from support.pictures import read_number
from support.shapes import assert_shape
from support.simulator import Simulator
from support.sockets import SocketReader
from support.waiting import eventually


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """With no heartbeat for a minute: it repeats the newest frame and would hide lateness."""
    with Hub(tmp_path_factory.mktemp("hub"), "viewers.heartbeat_interval=60") as started:
        yield started


@pytest.fixture(scope="module")
def simulator():
    with Simulator(fps=10) as started:
        yield started


@pytest.fixture
def proxy(start_hub, simulator):
    """The hub in the proxy's place, set by the proxy's environment names."""
    return start_hub(env=simulator.environment | {"VIDEO_PROXY_PORT": "0"})


REQUEST = json.loads('{ "userId": "user123", "robotName": "demo-robot" }')


def create(proxy) -> dict:
    return requests.post(proxy.url + "/session/create", json=REQUEST, timeout=30).json()


def middle_number(target) -> int | None:
    """The embed page keeps the picture's proportions: a 4:3 picture is the middle of its box."""
    picture = picture_of(target)
    height, width = picture.shape[:2]
    wide, high = min(width, height * 4 // 3), min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def test_websocket_api_messages_from_server(hub, stream):
    """'sends `status`, `frame` (base64) and `error` messages'"""
    hub.put_frame(stream, 1)
    with SocketReader(f"{hub.ws}/stream/{stream}") as reader:
        assert_shape(reader.wait_for_text("status"), json.loads('{"type": "status", "message": "Connected"}'))
        frame = reader.wait_for_text("frame")
        assert_shape(frame, json.loads('{"type": "frame", "data": "base64_encoded_frame_data"}'))
        assert reader.texts[0]["type"] == "status", "first of all"


def test_using_websocket(hub, stream, page):
    """'the frontend's handler needs no change'; 'The same views work for every other stream'."""
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


def test_using_embed(hub, stream, page, tmp_path, output):
    """'the `<iframe>` on `/stream/<id>/embed`'; 'The same views work for every other stream'."""
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


def test_using_mjpeg(hub, stream, page):
    """'The `<img>` on `/stream/<id>/mjpeg`'; 'The same views work for every other stream'."""
    hub.put_frame(stream, 1)
    html = '<img src="http://localhost:8889/stream/SESSION/mjpeg" alt="Isaac Sim Stream" />'
    html = html.replace("http://localhost:8889", hub.url).replace("SESSION", stream)
    page.set_content(html, wait_until="commit")
    for number in range(1, 5):
        if number > 1:
            hub.put_frame(stream, number)
        wait_until_painted(page.locator("img"), number)


def test_health(hub):
    """'`GET /health` has the proxy's fields'"""
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


def test_rest_api(proxy, simulator):
    """'answer with the proxy's fields; an unknown session is 404 with `Session not found`'"""
    created = create(proxy)
    example = json.loads("""
    {
      "success": true,
      "sessionId": "stream_1234567890_abc123",
      "wsUrl": "ws://localhost:8889/stream/stream_1234567890_abc123",
      "httpStreamUrl": "http://localhost:8889/stream/stream_1234567890_abc123/mjpeg",
      "message": "Streaming session created"
    }
    """)
    assert_shape(created, example)
    session = created["sessionId"]
    with SocketReader(created["wsUrl"]) as reader:
        reader.wait_for_text("frame")
        example = json.loads("""
        {
          "success": true,
          "session": {
            "id": "stream_1234567890_abc123",
            "userId": "user123",
            "robotName": "demo-robot",
            "createdAt": "2025-10-17T...",
            "lastActivity": "2025-10-17T...",
            "connections": 1,
            "isIsaacSimConnected": true
          }
        }
        """)
        answer = proxy.get(f"/session/{session}").json()
        assert_shape(answer, example)
        assert answer["session"]["connections"] == 1 and answer["session"]["isIsaacSimConnected"] is True
        health = proxy.get("/health").json()
        assert (health["active_sessions"], health["isaac_sim_ip"]) == (1, "127.0.0.1")
        assert health["isaac_sim_port"] == str(simulator.port)
    ended = requests.post(f"{proxy.url}/session/{session}/destroy", timeout=10).json()
    assert ended == json.loads('{ "success": true, "message": "Session destroyed" }')
    gone = proxy.get(f"/session/{session}")
    assert (gone.status_code, gone.json()["error"]) == (404, "Session not found")


def shows_moving_pictures(target, number=middle_number) -> None:
    first = eventually(lambda: number(target), "a picture", timeout=30)
    eventually(lambda: number(target) not in (None, first), "a moving picture", timeout=30)


def number_of_whole(target) -> int | None:
    return read_number(picture_of(target))


def test_session_using_websocket(proxy, simulator, page):
    """'the frontend's handler needs no change'"""
    simulator.switches.pictures = "json"
    page.goto(proxy.url + "/livez")
    page.set_content("<img id=shown>")
    page.evaluate(
        """async hub => {
          window.log = [];
          const sessionResponse = await fetch(`${hub}/session/create`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({
              userId: 'user123',
              robotName: 'demo-robot'
            })
          });

          const { sessionId, wsUrl } = await sessionResponse.json();

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
        proxy.url,
    )
    shows_moving_pictures(page.locator("#shown"), number_of_whole)
    assert "Connected to the simulator" in eventually(lambda: page.evaluate("window.log")[1:])
    simulator.switches.pictures = "binary"


def test_session_using_embed(proxy, page, tmp_path, output):
    """'and the `<iframe>` on `/stream/<id>/embed` show moving pictures'"""
    html = """<!doctype html>
<iframe
  src="http://localhost:8889/stream/${sessionId}/embed"
  width="1280"
  height="720"
  frameBorder="0"
  allow="autoplay; fullscreen"
></iframe>"""
    document = tmp_path / "page.html"
    session = create(proxy)["sessionId"]
    document.write_text(html.replace("http://localhost:8889", proxy.url).replace("${sessionId}", session))
    page.set_viewport_size({"width": 1300, "height": 760})
    page.goto(document.as_uri())
    frame = page.frame_locator("iframe")
    shows_moving_pictures(frame.locator("#picture"))
    picture_of(page, output / "embed-session.png")


def test_session_embed_says_what_is_wrong_and_recovers(proxy, simulator, page, output):
    """'The embed page says what is wrong while the simulator is away, and continues by itself'"""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(create(proxy)["embedUrl"])
    shows_moving_pictures(page.locator("#picture"))
    simulator.down()
    status = page.locator("#status-text")
    eventually(lambda: "No connection to the simulator" in status.inner_text(), "the page says so", timeout=30)
    assert middle_number(page.locator("#picture")) is not None, "the last picture stays"
    picture_of(page, output / "embed-session-lost.png")
    simulator.up()
    eventually(lambda: status.inner_text() == "Live", "the page goes on by itself", timeout=30)
    assert all(url.startswith((proxy.url, proxy.ws)) for url in asked), "nothing from elsewhere"


def test_session_using_mjpeg(proxy, page):
    """'The `<img>` on `/stream/<id>/mjpeg`'"""
    html = """<img
  src="http://localhost:8889/stream/${sessionId}/mjpeg"
  alt="Isaac Sim Stream"
/>"""
    session = create(proxy)["sessionId"]
    html = html.replace("http://localhost:8889", proxy.url).replace("${sessionId}", session)
    page.set_content(html, wait_until="commit")
    shows_moving_pictures(page.locator("img"), number_of_whole)
