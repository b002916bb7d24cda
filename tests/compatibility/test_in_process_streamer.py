"""The in-process streamer's clients: its addresses, page and statistics (docs/ref/compatibility.md)."""

import json
import subprocess
import time

from support.browser import number_on
from support.feeder import Feeder
from support.mjpeg import MjpegReader
from support.ports import fixed_port
from support.shapes import assert_shape
from support.waiting import eventually

# The streamer's own example of its statistics.
STATISTICS = json.loads("""
{
  "frames_received": 1250,
  "frames_served": 1200,
  "frames_dropped": 50,
  "clients_connected": 2,
  "uptime_seconds": 42.5,
  "current_fps": 28.2,
  "server_running": true,
  "host": "127.0.0.1",
  "port": 8080
}
""")


def test_viewing_the_stream(start_hub):
    """'that address is the page'"""
    hub = start_hub()
    assert hub.url == f"http://127.0.0.1:{hub.port}"
    assert hub.get("/").status_code == 200


def test_web_interface_features(start_hub, page):
    """'the live picture and a statistics panel with rates, uptime and viewers that refreshes every 2 seconds'"""
    hub = start_hub()
    with Feeder(hub.url, "training", fps=10):
        page.goto(hub.url + "/", wait_until="domcontentloaded")
        page.click("a[data-stream=training]")
        canvas = page.locator("#focus-canvas")
        first = eventually(lambda: number_on(canvas), "a picture")
        eventually(lambda: number_on(canvas) not in (None, first), "a moving picture")

        def cell(name):
            return page.locator(f"#stats-panel [data-key={name}]")

        eventually(lambda: cell("server_running").inner_text() == "Running")
        for name in ("current_fps", "uptime_seconds", "clients_connected", "frames_received"):
            eventually(lambda: float(cell(name).get_attribute("data-value") or 0) > 0, name)
        asked = []
        page.on("request", lambda request: asked.append(time.monotonic()) if request.url.endswith("/stats") else None)
        before = int(cell("frames_received").get_attribute("data-value"))
        eventually(lambda: int(cell("frames_received").get_attribute("data-value")) > before, "the panel refreshes")

        def asked_three_times():
            page.wait_for_timeout(50)
            return len(asked) >= 3

        eventually(asked_three_times, "statistics asked for again and again")
        assert (asked[2] - asked[0]) / 2 > 1, "asked for far more often than every 2 seconds"


def test_urls_stream(start_hub):
    """'`GET /` is the page, `GET /stream` the MJPEG stream, `GET /stats` the statistics as JSON'"""
    hub = start_hub()
    assert hub.get("/").headers["Content-Type"].startswith("text/html")
    assert hub.get("/stats").headers["Content-Type"] == "application/json"
    hub.put_frame("only", 7)
    with MjpegReader(hub.url + "/stream") as reader:
        assert reader.response.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=frame"
        reader.wait_for_number(7)


def test_statistics(start_hub):
    """'`GET /stats` has the streamer's nine fields with their types'"""
    hub = start_hub()
    assert_shape(hub.get("/stats").json(), STATISTICS)
    with MjpegReader(hub.url + "/stream") as one, MjpegReader(hub.url + "/stream") as two:
        for number in range(1, 6):
            hub.put_frame("training", number)
            for reader in (one, two):
                reader.wait_for_number(number)
        statistics = hub.get("/stats").json()
    assert_shape(statistics, STATISTICS)
    assert statistics["frames_received"] == 5
    assert statistics["frames_served"] == 10
    assert statistics["frames_dropped"] == 0
    assert statistics["clients_connected"] == 2
    assert statistics["server_running"] is True
    assert (statistics["host"], statistics["port"]) == ("127.0.0.1", hub.port)
    # In tenths of a second, which a quick test does not reach.
    assert 0 <= statistics["uptime_seconds"] < 60
    eventually(lambda: hub.get("/stats").json()["uptime_seconds"] > 0, "the uptime grew")


def test_debugging_curl(start_hub):
    """'`GET /stats` the statistics as JSON', asked for with curl."""
    hub = start_hub()
    answer = subprocess.run(["curl", "-s", f"http://127.0.0.1:{hub.port}/stats"], capture_output=True, timeout=20)
    assert_shape(json.loads(answer.stdout), STATISTICS)


def test_current_fps(start_hub):
    """'`current_fps` is the rate of the last seconds', and 0 once no frame comes any more."""
    hub = start_hub()
    with Feeder(hub.url, "training", fps=20):
        eventually(lambda: 5 < hub.get("/stats").json()["current_fps"] < 30, "about 20 fps")
    eventually(lambda: hub.get("/stats").json()["current_fps"] == 0, "no rate after the last frame")


def test_performance_notes(start_hub):
    """'Viewers share one stream, and each gets every frame that it keeps up with'"""
    hub = start_hub()
    readers = [MjpegReader(hub.url + "/stream?fps=0") for _ in range(5)]
    try:
        for number in range(1, 21):
            hub.put_frame("shared", number)
            for reader in readers:
                reader.wait_for_number(number)
    finally:
        for reader in readers:
            reader.close()
    for reader in readers:
        assert [n for n in reader.numbers if n is not None] == list(range(1, 21))


def test_custom_port(start_hub):
    """'Every `env:` key can be given on the command line: port'; the hub's own key for it."""
    port = fixed_port()
    assert start_hub(f"server.port={port}").port == port
