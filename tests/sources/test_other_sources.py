"""`file:`, `exec:`, `ws:` and the camera: real files, real programs, a real WebSocket server, and no camera."""

import base64
import json
import os
import subprocess
import threading
import time

import pytest
from websockets.sync.server import serve

from support.hub import clean_environment
from support.mjpeg import MjpegReader
from support.pictures import decode, jpeg, number_of, png
from support.waiting import eventually


def source(hub, stream):
    return hub.stats(stream)["source"]


def failed(hub, stream):
    return eventually(lambda: (s := source(hub, stream))["state"] == "failed" and s, "it fails")


def make(path, *options):
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15", "-t", "1"]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *source, *options, str(path)], check=True)
    return path


# ---- files ----


@pytest.mark.parametrize(
    ("name", "options", "encodes"),
    [
        ("clip.avi", ["-c:v", "mjpeg"], False),
        ("clip.mp4", ["-c:v", "mjpeg", "-strict", "-1"], False),
        ("clip.mjpeg", ["-f", "mjpeg"], False),
        ("film.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv420p"], True),
    ],
)
def test_a_file_is_played_without_end(start_hub, tmp_path, name, options, encodes):
    path = make(tmp_path / name, *options)
    hub = start_hub("--source", f"file:{path}")
    with MjpegReader(f"{hub.url}/stream/{path.stem}") as reader:
        parts = reader.wait_for_parts(20)
    # One second of film: after it the pictures begin again.
    assert len(parts) > len({part.jpeg for part in parts}) >= 10
    assert source(hub, path.stem)["encodes"] == 0, "JPEG inside passes; ffmpeg encodes for itself"


def test_a_folder_and_a_picture(start_hub, tmp_path):
    folder = tmp_path / "slides"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png(number))
    (tmp_path / "still.jpg").write_bytes(jpeg(42))
    hub = start_hub("--source", f"file:{folder}#fps=8", "--source", f"file:{tmp_path}/still.jpg")
    with MjpegReader(f"{hub.url}/stream/slides") as reader:
        numbers = [part.number for part in reader.wait_for_parts(9)]
    # In turn; what is late on a busy machine gives way to the next.
    steps = [(later - earlier) % 3 for earlier, later in zip(numbers, numbers[1:], strict=False)]
    assert set(numbers) == {0, 1, 2} and steps.count(1) > len(steps) / 2, numbers
    answer = hub.get("/stream/still/snapshot.jpg?timeout=10")
    assert number_of(answer.content) == 42


def test_a_file_that_is_not_there_yet(start_hub, tmp_path):
    hub = start_hub("--source", f"late=file:{tmp_path}/late.avi#on_demand=no")
    assert "late.avi" in failed(hub, "late")["error"]
    make(tmp_path / "late.avi", "-c:v", "mjpeg")
    eventually(lambda: source(hub, "late")["state"] == "live", "it is found")


# ---- commands ----


def configured(start_hub, tmp_path, *lines):
    path = tmp_path / "hub.yaml"
    path.write_text("sources:\n" + "".join(f"  - {json.dumps(line)}\n" for line in lines))
    return start_hub("--config", str(path))


def test_a_command_runs_while_watched_and_ends_with_its_children(start_hub, tmp_path):
    pids = tmp_path / "pids"
    ffmpeg = "ffmpeg -loglevel error -re -f lavfi -i testsrc2=size=320x240:rate=15 -f mjpeg -"
    hub = configured(start_hub, tmp_path, f"pipe=exec:echo $$ >> {pids}; {ffmpeg} | cat")
    assert not pids.exists()
    with MjpegReader(f"{hub.url}/stream/pipe") as reader:
        reader.wait_for_parts(10)
        group = int(pids.read_text())
        assert len(members(group)) >= 3, "the shell, ffmpeg and cat"
        hub.wait_for_viewers("pipe", 1)
    eventually(lambda: not members(group), "all of them have ended")
    eventually(lambda: source(hub, "pipe")["state"] == "resting", "and it rests")


def test_commands_end_with_the_hub(start_hub, tmp_path):
    pids = tmp_path / "pids"
    hub = configured(
        start_hub, tmp_path, f"pipe=exec:echo $$ > {pids}; while :; do cat {tmp_path}/x.jpg; sleep 0.1; done"
    )
    (tmp_path / "x.jpg").write_bytes(jpeg(1))
    with MjpegReader(f"{hub.url}/stream/pipe") as reader:
        reader.wait_for_parts(2)
        group = int(pids.read_text())
        hub.stop()
    eventually(lambda: not members(group), "all of them have ended")


def members(group):
    """The processes of a group, but for those that have ended and are not yet waited for."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry))
    return found


def test_what_a_command_said_is_told(start_hub, tmp_path):
    hub = configured(start_hub, tmp_path, "pipe=exec:echo 'no such camera' >&2; exit 3")
    with MjpegReader(f"{hub.url}/stream/pipe?advance_headers=0"):
        error = failed(hub, "pipe")["error"]
    assert "no such camera" in error and "3" in error


def test_commands_come_from_the_file_only(tmp_path):
    from support.hub import BINARY

    command = [str(BINARY), "serve", "server.port=0", "logging.file=none", "--source", "x=exec:touch pwned"]
    run = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=20)
    assert run.returncode == 2 and "configuration file only" in run.stderr
    assert not (tmp_path / "pwned").exists()


# ---- WebSocket ----


class Simulator:
    """Sends what a function makes, to everybody, until closed."""

    def __init__(self, message):
        self.message, self.connections = message, []
        self.server = serve(self._send, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}/streaming"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _send(self, connection):
        self.connections.append(connection)
        number = 0
        try:
            while True:
                connection.send(self.message(number))
                number += 1
                time.sleep(0.03)
        except Exception:  # noqa: BLE001 - the hub has gone
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.server.shutdown()


def as_json(number):
    return json.dumps({"type": "frame", "data": base64.b64encode(jpeg(number % 200)).decode()})


def mixed(number):
    kinds = [jpeg(number % 200), as_json(number), '{"type":"offer"}', b"garbage", "no json", png(number % 200)]
    return kinds[number % len(kinds)]


@pytest.mark.parametrize("message", [lambda number: jpeg(number % 200), as_json, mixed], ids=["jpeg", "json", "mixed"])
def test_frames_of_a_websocket(start_hub, message):
    with Simulator(message) as simulator:
        hub = start_hub("--source", f"sim={simulator.url}")
        assert simulator.connections == []
        with MjpegReader(f"{hub.url}/stream/sim") as reader:
            parts = reader.wait_for_parts(10)
            assert all(part.number is not None for part in parts)
            assert len(simulator.connections) == 1
            seen = source(hub, "sim")
            simulator.connections[0].close()
            reader.wait_for_parts(len(reader.parts) + 5)
        assert source(hub, "sim")["attempts"] == 2
        assert (seen["frame_errors"] > 0) == (message is mixed)


def test_a_hub_as_a_websocket_source(start_hub):
    first = start_hub("--source", "film=testsrc:#width=320&height=240")
    second = start_hub("--source", f"far={first.ws}/stream/film?format=binary")
    with MjpegReader(f"{second.url}/stream/far") as reader:
        assert decode(reader.wait_for_parts(5)[-1].jpeg).shape == (240, 320, 3)


# ---- the camera ----


def test_a_camera_that_is_not_there_is_named_and_tried_again(start_hub):
    hub = start_hub(env={"CAMERA_INDEX": "255", "JPEG_QUALITY": "70"})
    error = failed(hub, "camera")
    assert error["kind"] == "v4l2" and "/dev/video255" in error["error"]
    eventually(lambda: source(hub, "camera")["attempts"] >= 2, "another attempt")
    assert hub.get("/api/streams").json()["streams"][0]["on_demand"] is False
