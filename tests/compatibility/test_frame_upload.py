"""The frame upload's clients: their code, their messages, their checks (docs/ref/compatibility.md)."""

import json
import subprocess
import time

import cv2
import pytest
import websockets

from support import coroutines
from support.pictures import numbered
from support.shapes import assert_shape
from support.uploads import Upload, sessions
from support.waiting import eventually

ONE_LIGHT = b""" 0.000s | Phrase recording started
 0.400s | HIT: Left scores on Right!
 0.900s | Phrase recording ended
Scores -> Fencer 1: MISS, Fencer 2: HIT
"""


@pytest.fixture(scope="module")
def phrase(tmp_path_factory):
    """A second of video, and what the scoring apparatus logged of it: one light."""
    folder = tmp_path_factory.mktemp("phrase")
    writer = cv2.VideoWriter(str(folder / "phrase.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30, (320, 240))
    for number in range(30):
        writer.write(cv2.cvtColor(numbered(number, 320, 240), cv2.COLOR_RGB2BGR))
    writer.release()
    (folder / "signal.txt").write_bytes(ONE_LIGHT)
    return folder


async def stream_video(server_url, video_path, signal_path):
    """'Python Example (Custom Implementation)', word for word."""
    ws_url = server_url.replace("http://", "ws://") + "/stream"

    # Open video
    cap = cv2.VideoCapture(video_path)
    fps = cap.get(cv2.CAP_PROP_FPS)
    width = int(cap.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(cap.get(cv2.CAP_PROP_FRAME_HEIGHT))

    async with websockets.connect(ws_url) as ws:
        # Start session
        await ws.send(json.dumps({
            "type": "session_start",
            "session_id": "my_session",
            "fps": fps,
            "width": width,
            "height": height,
        }))  # fmt: skip

        resp = json.loads(await ws.recv())
        print(f"Session started: {resp}")

        # Stream frames
        frame_num = 0
        while True:
            ret, frame = cap.read()
            if not ret:
                break

            # Encode as JPEG
            _, encoded = cv2.imencode('.jpg', frame, [cv2.IMWRITE_JPEG_QUALITY, 85])  # fmt: skip
            frame_bytes = encoded.tobytes()

            # Send metadata
            await ws.send(json.dumps({
                "type": "frame",
                "session_id": "my_session",
                "frame_number": frame_num,
                "timestamp": time.time(),
                "encoding": "jpeg",
                "size": len(frame_bytes),
            }))  # fmt: skip

            # Send frame data
            await ws.send(frame_bytes)

            # Wait for ACK
            ack = json.loads(await ws.recv())  # noqa: F841

            frame_num += 1

        cap.release()

        # End session
        await ws.send(json.dumps({
            "type": "session_end",
            "session_id": "my_session",
            "total_frames": frame_num,
        }))  # fmt: skip

        resp = json.loads(await ws.recv())
        print(f"Session ended: {resp}")

        # Send signal
        signal_data = open(signal_path, 'rb').read()  # fmt: skip
        await ws.send(json.dumps({
            "type": "signal",
            "session_id": "my_session",
            "filename": "signal.txt",
            "size": len(signal_data),
        }))  # fmt: skip
        await ws.send(signal_data)

        # Wait for result
        while True:
            msg = json.loads(await ws.recv())
            if msg["type"] == "process_complete":
                return msg["result"]
            elif msg["type"] == "process_progress":
                print(f"Progress: {msg['stage']} - {msg['message']}")


def test_python_example(hub, phrase, capsys):
    """'uploads a phrase and gets `process_complete` with the decision, without a change'"""
    result = coroutines.run(stream_video(hub.url, str(phrase / "phrase.avi"), str(phrase / "signal.txt")))
    assert result["decision"]["winner"] == "left" and result["decision"]["reason"]
    assert (hub.folder / "artifacts" / "my_session").samefile(result["artifact_dir"])
    assert isinstance(result["wall_time_seconds"], float)
    assert (result["streaming_stats"]["frames_received"], result["streaming_stats"]["duplicate_frames"]) == (30, 0)
    printed = capsys.readouterr().out
    assert "Session started: {'type': 'session_started'" in printed and "'valid': True" in printed
    stages = {line.split()[1] for line in printed.splitlines() if line.startswith("Progress: ")}
    assert "decision" in stages and stages <= {"video_reconstruction", "fisheye", "yolo", "decision", "overlay"}
    listed = hub.get("/api/analyses").json()["analyses"]
    assert (listed[0]["id"], listed[0]["winner"], listed[0]["status"]) == ("my_session", "left", "complete")
    files = hub.get("/api/analyses/my_session").json()["files"]
    assert "analysis_result.json" in files and "signal.txt" in files


def test_message_formats(hub, stream):
    """'Every message has the service's fields, and every frame is acknowledged as `received`, `duplicate` or `error`'"""
    start = {"expected_frames": 1800, "video_format": "bgr24", "fps": 30.0, "width": 1920, "height": 1080}
    with Upload(hub) as upload:
        assert upload.start(stream, **start) == {"type": "session_started", "session_id": stream}
        ack = upload.frame(0, quality=85)
        assert ack == {"type": "frame_ack", "session_id": stream, "frame_number": 0, "status": "received"}
        assert upload.frame(0)["status"] == "duplicate"
        validation = {
            "valid": True,
            "issues": ["in words"],
            "frame_count": 1800,
            "missing_frames": 0,
            "duplicate_frames": 0,
            "out_of_order_frames": 0,
            "has_signal": False,
        }
        expected = {"type": "session_ended", "session_id": "phrase_20251106_123045", "validation": validation}
        ended = upload.end(1)
        assert_shape(ended, expected)
        assert ended["validation"]["issues"] == [
            "1 frames received, 1800 expected",
            "only 1 frames: a phrase has at least 10",
        ]
        signal = upload.signal(ONE_LIGHT)
        assert signal == {"type": "signal_ack", "session_id": stream, "status": "received"}
        assert upload.hear() == {"type": "process_start", "session_id": stream}


def test_check_server_stats(hub, stream):
    """'`GET /streaming/stats` has the service's fields, in sum and for each session'"""
    example = {
        "active_sessions": 2,
        "max_sessions": 10,
        "total_memory_mb": 720.5,
        "max_memory_mb": 2048.0,
        "total_frames": 3600,
        "sessions": {},
    }
    with Upload(hub) as upload:
        upload.start(stream)
        upload.frames(range(3))
        stats = hub.get("/streaming/stats").json()
        assert_shape(stats, example)
        assert (stats["max_sessions"], stats["max_memory_mb"]) == (10, 2048)
        session = {"session_id": "session_1", "frames_received": 1800, "memory_mb": 360.2, "duration_seconds": 62.3}
        assert_shape(stats["sessions"][stream], session)
        assert stats["sessions"][stream]["frames_received"] == 3
    assert stream not in sessions(hub)


def test_wrapper_script(hub):
    """'A script that looks for `/streaming/stats` to choose streaming finds it'"""
    script = 'if curl -s "${SERVER}/streaming/stats" > /dev/null 2>&1; then echo "Using streaming mode"; fi'
    done = subprocess.run(
        ["bash", "-c", script], env={"SERVER": hub.url, "PATH": "/usr/bin:/bin"}, capture_output=True, timeout=20
    )
    assert done.stdout == b"Using streaming mode\n"


def test_test_with_simple_websocket_client(hub, capsys):
    """'is answered with `pong`, and the log says `WebSocket connection accepted`'"""

    async def test():
        async with websockets.connect(f"{hub.ws}/stream") as ws:
            await ws.send('{"type": "ping"}')
            print(await ws.recv())

    coroutines.run(test())
    assert json.loads(capsys.readouterr().out) == {"type": "pong"}
    eventually(lambda: "WebSocket connection accepted" in hub.stderr(), "'Check server logs'")
    assert hub.get("/health").status_code == 200


def test_environment_variables(start_hub):
    """'The service's environment variables set the limits, the listener and the log'"""
    environment = {
        "REFEREE_MAX_STREAMING_SESSIONS": "3",
        "REFEREE_MAX_STREAMING_MEMORY_MB": "512",
        "REFEREE_STREAMING_SESSION_TIMEOUT": "60",
        "REFEREE_HOST": "127.0.0.1",
        "REFEREE_LOG_LEVEL": "DEBUG",
    }
    stats = start_hub(env=environment).get("/streaming/stats").json()
    assert (stats["max_sessions"], stats["max_memory_mb"]) == (3, 512)
