"""`framehub doctor`: what it finds at a good hub, and at set-ups that are broken in one way each."""

import http.server
import threading

import pytest
import requests

from support.ports import fixed_port
from support.program import framehub
from support.proxy import Habits, Proxy

KEY = "a-long-random-key"


def points(done) -> dict[str, str]:
    """The findings by their subjects, each with what is to be done."""
    found: dict[str, str] = {}
    subject = ""
    for line in done.stdout.splitlines():
        if line.startswith(" "):
            found[subject] += "\n" + line.strip()
        else:
            verdict, subject, what = line[:6].strip(), line[7:22].strip(), line[23:]
            found[subject] = f"{verdict} {what}"
    return found


def wrong(done) -> set[str]:
    return {subject for subject, text in points(done).items() if text.startswith("WRONG")}


def recorded_once_stopped(hub) -> set[str]:
    """Whose recordings the hub leaves: by its end every recorder has written what it had."""
    hub.stop()
    return {file.parent.name for file in (hub.folder / "recordings").glob("*/*")}


def test_a_good_hub_is_found_good_and_keeps_no_trace(start_hub, tmp_path):
    hub = start_hub()
    hub.put_frame("camera1", 1)
    before = requests.get(hub.url + "/api/streams", timeout=10).json()["count"]
    done = framehub("doctor", hub.url, folder=tmp_path)
    assert done.returncode == 0 and not wrong(done), done.stdout
    found = points(done)
    assert "pictures published and seen" in found["round trip"], done.stdout
    for subject in (
        "clock",
        "open files",
        "codecs",
        "recordings",
        "hub",
        "clocks",
        "key",
        "streams",
        "page",
        "WebSocket",
    ):
        assert found[subject].startswith("ok "), done.stdout
    assert requests.get(hub.url + "/api/streams", timeout=10).json()["count"] == before
    assert not list(tmp_path.iterdir()), "nothing is left on the disk"
    assert recorded_once_stopped(hub) == {"camera1"}


def test_a_key_is_asked_for_and_never_shown(start_hub, tmp_path):
    hub = start_hub(env={"API_KEYS": KEY})
    done = framehub("doctor", hub.url, folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == {"key"}
    assert "--api-key" in points(done)["key"]
    done = framehub("doctor", hub.url, "--api-key", "not-" + KEY, folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == {"key"}
    assert KEY not in done.stdout + done.stderr
    done = framehub("doctor", hub.url, folder=tmp_path, env={"FRAMEHUB_API_KEY": KEY})
    assert done.returncode == 0, done.stdout
    assert KEY not in done.stdout + done.stderr


def test_a_key_without_admin_leaves_nothing_behind(start_hub, tmp_path):
    (tmp_path / "config.yaml").write_text(f"auth:\n  keys:\n    - {{name: wall, secret: {KEY}, scopes: [view]}}\n")
    hub = start_hub("--config", str(tmp_path / "config.yaml"))
    done = framehub("doctor", hub.url, "--api-key", KEY, folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "admin" in points(done)["round trip"]


@pytest.mark.parametrize(
    ("habits", "bad", "mend"),
    [
        (Habits(upgrades="refuse"), {"WebSocket"}, "Upgrade"),
        (Habits(upgrades="strip"), {"WebSocket"}, "Upgrade"),
        (Habits(upgrades="swallow"), {"WebSocket"}, "Upgrade"),
        (Habits(holds=b"multipart"), {"round trip"}, "buffering off"),
    ],
)
def test_proxies_that_break_something(start_hub, tmp_path, habits, bad, mend):
    hub = start_hub()
    with Proxy(hub.port, habits) as proxy:
        done = framehub("doctor", proxy.url, folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == bad, done.stdout
    assert mend in points(done)[bad.pop()], done.stdout
    streams = requests.get(hub.url + "/api/streams", timeout=10).json()["streams"]
    assert not [stream for stream in streams if stream["name"].startswith("framehub-doctor")]
    assert recorded_once_stopped(hub) == set()


def test_a_base_path_that_is_left_out(start_hub, tmp_path):
    hub = start_hub("server.base_path=/cams")
    done = framehub("doctor", f"http://127.0.0.1:{hub.port}", folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == {"hub"}
    assert "base_path" in points(done)["hub"]
    assert framehub("doctor", hub.url, folder=tmp_path).returncode == 0


def test_nobody_there_another_program_there_and_a_port_in_use(tmp_path):
    port = fixed_port()
    done = framehub("doctor", f"http://127.0.0.1:{port}", folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == {"hub"}
    assert "server.host=0.0.0.0" in points(done)["hub"]
    done = framehub("doctor", f"server.port={port}", folder=tmp_path)
    assert done.returncode == 0 and "is free" in points(done)["hub"], done.stdout
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = framehub("doctor", f"http://127.0.0.1:{other.server_port}", folder=tmp_path)
        assert done.returncode == 1 and wrong(done) == {"hub"}
        done = framehub("doctor", f"server.port={other.server_port}", folder=tmp_path)
        assert done.returncode == 1 and wrong(done) == {"port"}
        other.shutdown()


def test_a_broken_machine(tmp_path):
    (tmp_path / "recordings").write_text("a file")
    arguments = ("server.port=0", "server.max_connections=1000000", "camera.index=77")
    done = framehub("doctor", *arguments, folder=tmp_path, env={"PATH": ""})
    assert done.returncode == 1
    assert {"recordings", "open files", "camera"} <= wrong(done), done.stdout
    assert points(done)["ffmpeg"].startswith("note not found")
    (tmp_path / "config.yaml").write_text("server:\n  prot: 5000\n")
    done = framehub("doctor", f"http://127.0.0.1:{fixed_port()}", folder=tmp_path)
    assert "configuration" in wrong(done) and "prot" in done.stdout


def test_a_source_that_fails_is_named(start_hub, tmp_path):
    hub = start_hub("--source", f"door=http://127.0.0.1:{fixed_port()}/video.mjpg#on_demand=false")
    done = framehub("doctor", hub.url, folder=tmp_path)
    assert done.returncode == 1 and wrong(done) == {"stream"}, done.stdout
    assert "door" in points(done)["stream"]
