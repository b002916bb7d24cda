"""The stream server's clients: publish, view, list, statistics, delete, health, configuration (docs/ref/compatibility.md).

The examples are existing clients word for word; only the base URL `http://localhost:5000` is the hub's under test.
"""

import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import requests

from support.browser import wait_until_painted
from support.hub import ROOT, clean_environment
from support.mjpeg import MjpegReader
from support.pictures import decode, encode_jpeg, jpeg, number_of, numbered, png
from support.shapes import assert_error, assert_shape, is_recent
from support.waiting import eventually

BASE = "http://localhost:5000"

CONFIG_YAML = """\
streams:
  timeout_seconds: 300      # Inactivity timeout (5 minutes)
  max_concurrent: 50        # Maximum concurrent streams
  max_buffer_frames: 30     # Frame buffer size per stream

recording:
  enabled: true             # Enable/disable recording
  codec: mp4v               # Video codec (mp4v, h264)
  fps: 30                   # Recording FPS
  retention_days: 7         # Days to keep recordings

cleanup:
  interval_seconds: 60      # Cleanup check interval
  schedule_time: "03:00"    # Daily cleanup time (HH:MM)

server:
  host: 0.0.0.0            # Bind address
  port: 5000               # Server port
  debug: false             # Debug mode
  cors_enabled: true       # Enable CORS
  max_frame_size_mb: 10    # Max frame size

logging:
  level: INFO              # Log level
"""


def test_start_the_server(start_hub):
    """'`GET /health` has `status`'"""
    hub = start_hub()
    assert hub.get("/health").json()["status"] == "healthy"


def test_view_the_stream(start_hub, page):
    """'a browser shows it at its address'"""
    hub = start_hub()
    hub.put_frame("webcam", 11)
    page.goto(f"{BASE}/stream/webcam".replace(BASE, hub.url), wait_until="commit")
    wait_until_painted(page.locator("img"), 11)
    hub.put_frame("webcam", 12)
    wait_until_painted(page.locator("img"), 12)


def test_view_the_stream_html_page(start_hub, page, tmp_path):
    """'and in an `<img>`'"""
    hub = start_hub()
    hub.put_frame("webcam", 21)
    html = """\
<!DOCTYPE html>
<html>
<body>
  <h1>My Stream</h1>
  <img src="http://localhost:5000/stream/webcam" width="640" height="480">
</body>
</html>
"""
    document = tmp_path / "stream.html"
    document.write_text(html.replace(BASE, hub.url))
    page.goto(document.as_uri(), wait_until="commit")
    for number in (21, 22, 23):
        hub.put_frame("webcam", number)
        wait_until_painted(page.locator("img"), number)


def test_publish_frame(hub):
    """'with the form field `frame` publishes a JPEG, creates the stream, and answers with `status`, `stream` and `frame_size`'"""
    data = jpeg(1)
    response = requests.post(
        f"{hub.url}/publish/camera1", files={"frame": ("frame.jpg", data, "image/jpeg")}, timeout=10
    )
    assert response.status_code == 200
    example = json.loads('{"status": "success", "stream": "camera1", "frame_size": 45678}')
    assert_shape(response.json(), example)
    assert response.json()["status"] == "success"
    assert response.json()["stream"] == "camera1"
    assert response.json()["frame_size"] == len(data)
    assert hub.snapshot("camera1") == data


def test_view_stream(hub, stream):
    """'`GET /stream/<name>` is MJPEG with the boundary `frame`'"""
    hub.put_frame(stream, 5)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert reader.response.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=frame"
        assert reader.wait_for_number(5).jpeg == jpeg(5)


def test_dynamic_streams(hub, stream):
    """'publishes a JPEG, creates the stream'"""
    assert_error(hub.get(f"/stream/{stream}"), 404, "STREAM_NOT_FOUND")
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        assert reader.status == 200


def test_list_streams(start_hub):
    """'`GET /api/streams` lists the live streams with `count` and, of each, its six fields'"""
    hub = start_hub()
    empty = hub.get("/api/streams").json()
    assert (empty["count"], empty["streams"]) == (0, [])
    hub.put_frame("camera1", 1)
    hub.put_frame("camera1", 2)
    hub.put_frame("camera2", 1)
    example = json.loads("""
    {
      "count": 2,
      "streams": [
        {
          "name": "camera1",
          "created_at": "2026-01-21T10:30:00",
          "uptime_seconds": 923,
          "total_frames": 27690,
          "viewer_count": 3,
          "inactive_seconds": 0.5
        }
      ]
    }
    """)
    answer = hub.get("/api/streams").json()
    assert_shape(answer, example)
    assert answer["count"] == 2
    streams = {entry["name"]: entry for entry in answer["streams"]}
    assert set(streams) == {"camera1", "camera2"}
    assert streams["camera1"]["total_frames"] == 2
    assert streams["camera1"]["viewer_count"] == 0
    assert is_recent(streams["camera1"]["created_at"])
    with MjpegReader(f"{hub.url}/stream/camera1"):
        hub.wait_for_viewers("camera1", 1)
    hub.wait_for_viewers("camera1", 0)


def test_stream_statistics(hub, stream):
    """'`GET /api/streams/<name>/stats` has the nine fields of a stream's statistics'"""
    hub.put_frame(stream, 1)
    hub.put_frame(stream, 2)
    example = json.loads("""
    {
      "name": "camera1",
      "created_at": "2026-01-21T10:30:00",
      "uptime_seconds": 923,
      "last_frame_time": "2026-01-21T10:45:23",
      "inactive_seconds": 0.5,
      "total_frames": 27690,
      "viewer_count": 3,
      "buffer_size": 30,
      "has_current_frame": true
    }
    """)
    statistics = hub.stats(stream)
    assert_shape(statistics, example)
    assert statistics["name"] == stream
    assert statistics["total_frames"] == 2
    assert statistics["buffer_size"] == 2 and statistics["buffer_capacity"] == 30
    assert statistics["has_current_frame"] is True
    assert is_recent(statistics["created_at"]) and is_recent(statistics["last_frame_time"])
    assert 0 <= statistics["inactive_seconds"] < 60


def test_stream_statistics_of_no_stream(hub, stream):
    """'an unknown stream is 404'"""
    assert_error(hub.get(f"/api/streams/{stream}/stats"), 404, "STREAM_NOT_FOUND")


def test_delete_stream(hub, stream):
    """'`DELETE /api/streams/<name>` ends the stream and its recording, and answers with `status` and `message`'"""
    hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as viewer:
        viewer.wait_for_number(1)
        response = requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
        assert response.status_code == 200
        assert response.json() == {"status": "success", "message": f"Stream '{stream}' deleted"}
        viewer.wait_for_end()
        assert viewer.clean_end
    assert_error(hub.get(f"/stream/{stream}"), 404, "STREAM_NOT_FOUND")
    assert_error(requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10), 404, "STREAM_NOT_FOUND")
    hub.put_frame(stream, 2)
    assert number_of(hub.snapshot(stream)) == 2


def test_health_check(hub):
    """'`GET /health` has `status`, `active_streams`, `max_streams`, `recording_enabled` and `config`'"""
    example = json.loads("""
    {
      "status": "healthy",
      "active_streams": 5,
      "max_streams": 50,
      "recording_enabled": true,
      "config": {
        "timeout_seconds": 300,
        "max_buffer_frames": 30,
        "retention_days": 7
      }
    }
    """)
    health = hub.get("/health").json()
    assert_shape(health, example)
    assert health["status"] == "healthy"
    assert health["max_streams"] == 50
    assert health["config"] == example["config"]
    before = health["active_streams"]
    hub.put_frame("one_more_for_health", 1)
    assert hub.get("/health").json()["active_streams"] == before + 1


def test_configuration(start_hub, tmp_path):
    """'The server's `config.yaml` is read as it stands from the working folder'. Only the address is the test's."""
    hub = start_hub(defaults=())
    hub.stop()
    (hub.folder / "config.yaml").write_text(CONFIG_YAML)
    hub.command += ["server.host=127.0.0.1"]
    hub.start()
    health = hub.get("/health").json()
    assert health["max_streams"] == 50
    assert health["config"] == {"timeout_seconds": 300, "max_buffer_frames": 30, "retention_days": 7}
    assert hub.get("/api/streams").json()["count"] == 0, "a configured hub shows no demo"
    assert requests.get(f"{hub.url}/health", timeout=10).headers["Access-Control-Allow-Origin"] == "*"


def test_environment_variables(start_hub, tmp_path):
    """'and its environment variables override it'"""
    script = """\
export STREAM_TIMEOUT_SECONDS=600
export MAX_CONCURRENT_STREAMS=100
export RECORDING_RETENTION_DAYS=14
export LOG_LEVEL=DEBUG
export SERVER_PORT=8080
export SERVER_DEBUG=true
"""
    lines = (line.removeprefix("export ").split("=") for line in script.splitlines())
    environment = {name: value for name, value in lines}
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG_YAML)
    hub = start_hub(f"--config={config}", "server.host=127.0.0.1", env=environment)
    health = hub.get("/health").json()
    assert health["config"]["timeout_seconds"] == 600
    assert health["max_streams"] == 100
    assert health["config"]["retention_days"] == 14
    # The port came from the command line, which wins; without it the environment's does.
    shown = subprocess.run(
        [hub.command[0], "config", "show", "--config", str(config)],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=20,
        cwd=tmp_path,
    )
    assert shown.returncode == 0, shown.stderr
    assert "8080" in shown.stdout and "SERVER_PORT" in shown.stdout


def test_using_the_generic_publisher(start_hub, tmp_path):
    """'`StreamPublisher` takes the same arguments and methods'; 'The import line'. A file stands for the camera."""
    hub = start_hub()
    code = textwrap.dedent("""
        from framehub.opencv import StreamPublisher
        import cv2

        # Initialize publisher
        publisher = StreamPublisher(
            server_url="http://localhost:5000",
            stream_name="my_stream",
            quality=85,
            max_fps=30
        )

        # Start publisher thread
        publisher.start()

        # Capture and publish frames
        cap = cv2.VideoCapture(0)
        while True:
            ret, frame = cap.read()
            if ret:
                publisher.publish_frame(frame)

        # Cleanup
        publisher.stop()
        cap.release()
    """)
    picture = numbered(33)
    (tmp_path / "camera.jpg").write_bytes(encode_jpeg(picture))
    running = subprocess.Popen(
        [sys.executable, "-c", code.replace(BASE, hub.url).replace("VideoCapture(0)", "VideoCapture('camera.jpg')")],
        cwd=tmp_path,
        env=clean_environment(PYTHONPATH=str(ROOT / "python")),
        stderr=subprocess.PIPE,
    )
    try:
        eventually(lambda: hub.get("/api/streams").json()["count"] == 1, "the stream is there")
        assert number_of(hub.snapshot("my_stream")) == 33
        seen = decode(hub.snapshot("my_stream"))
        assert abs(seen[200, 300].astype(int) - picture[200, 300]).max() < 12, "the colours are the camera's"
    finally:
        # The example's loop has no end.
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert b"KeyboardInterrupt" in said


def test_custom_publisher(start_hub):
    """'your own publisher with `requests` needs no change'"""
    hub = start_hub()
    code = textwrap.dedent("""
        import requests
        import cv2

        def publish_frame(stream_name, frame):
            # Encode frame to JPEG
            _, buffer = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, 85])

            # Send to server
            files = {'frame': ('frame.jpg', buffer.tobytes(), 'image/jpeg')}
            response = requests.post(f'http://localhost:5000/publish/{stream_name}', files=files)

            return response.status_code == 200
    """)
    names: dict = {}
    exec(code.replace(BASE, hub.url), names)
    picture = numbered(33)
    assert names["publish_frame"]("my_stream", np.ascontiguousarray(picture[:, :, ::-1])) is True
    assert number_of(hub.snapshot("my_stream")) == 33
    seen = decode(hub.snapshot("my_stream"))
    assert abs(int(seen[200, 300, 0]) - int(picture[200, 300, 0])) < 12, "the colours are the camera's"
    # What the example checks the status for:
    assert names["publish_frame"]("no/such/name", picture) is False


def test_inactive_stream_cleanup(start_hub):
    """'A stream without frames for `streams.timeout_seconds` is removed'"""
    hub = start_hub("streams.timeout_seconds=1", "cleanup.interval_seconds=0.2")
    hub.put_frame("idle", 1)
    with MjpegReader(f"{hub.url}/stream/idle") as viewer:
        viewer.wait_for_number(1)
        eventually(lambda: hub.get("/api/streams").json()["count"] == 0, "the idle stream goes")
        viewer.wait_for_end()
        assert viewer.clean_end
    eventually(lambda: "idle" in hub.stderr(), "the cleanup is logged")


def test_security_considerations_stream_names(hub):
    """'Stream names are letters, digits, `_` and `-`'"""
    for good in ("a", "Robot_1-left", "x" * 64):
        hub.put_frame(good, 1)
    for bad in ("a.b", "a%20b", "a%2Fb", "..%2Fetc", "x" * 65, "ä"):
        assert_error(hub.publish(bad, 1), 400, "INVALID_STREAM_NAME")


def test_security_considerations_frame_size(hub, stream):
    """'a frame has at most 10 MB'"""
    hub.put_frame(stream, 1)
    too_much = jpeg(2)[:-2] + b"\0" * (10 * 1024 * 1024) + b"\xff\xd9"
    assert_error(hub.publish(stream, too_much), 413, "FRAME_TOO_LARGE")
    assert number_of(hub.snapshot(stream)) == 1


def test_security_considerations_cors(start_hub):
    """'`server.cors_enabled` admits pages of other sites'"""
    on = start_hub("server.cors_enabled=true")
    off = start_hub("server.cors_enabled=false")
    origin = {"Origin": "http://robots.example"}
    assert on.get("/api/streams", headers=origin).headers.get("Access-Control-Allow-Origin") == "*"
    assert "Access-Control-Allow-Origin" not in off.get("/api/streams", headers=origin).headers
    asked = origin | {"Access-Control-Request-Method": "DELETE"}
    allowed = requests.options(f"{on.url}/api/streams/x", headers=asked, timeout=10)
    assert allowed.ok and "DELETE" in allowed.headers["Access-Control-Allow-Methods"]


def test_stream_not_appearing(start_hub):
    """'`logs/server.log` and `GET /api/streams` help to find a stream that does not appear'"""
    hub = start_hub(defaults=("demo.enabled=false",))
    hub.put_frame("looked_for", 1)
    listed = subprocess.run(["curl", "-s", f"{hub.url}/api/streams"], capture_output=True, timeout=20)
    assert [s["name"] for s in json.loads(listed.stdout)["streams"]] == ["looked_for"]
    log = Path(hub.folder, "logs", "server.log")
    eventually(lambda: log.exists() and log.read_text().strip() != "", f"{log} says something")


@pytest.mark.parametrize("count", [50])
def test_high_scalability(start_hub, count):
    """'50 streams run at the same time, and one more is refused'"""
    hub = start_hub()
    for index in range(count):
        hub.put_frame(f"camera{index}", index)
    assert hub.get("/api/streams").json()["count"] == count
    refused = hub.publish("one_too_many", 1)
    assert_error(refused, 503, "STREAM_LIMIT")
    assert int(refused.headers["Retry-After"]) > 0
    assert [number_of(hub.snapshot(f"camera{index}")) for index in range(count)] == list(range(count))


def test_png_from_requests(hub, stream):
    """'PNG is accepted, too, and shown as JPEG'"""
    files = {"frame": ("frame.png", png(9), "image/png")}
    assert requests.post(f"{hub.url}/publish/{stream}", files=files, timeout=20).status_code == 200
    assert number_of(hub.snapshot(stream)) == 9
