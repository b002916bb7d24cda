"""Starting the hub: help, ports, the demo, logs, the exit."""

import json
import re
import signal
import socket
from pathlib import Path

import pytest
import requests

from support.hub import Hub
from support.mjpeg import MjpegReader
from support.ports import fixed_port
from support.program import framehub
from support.waiting import always, eventually


def test_help_with_examples(tmp_path):
    for arguments in (
        ["--help"],
        ["serve", "--help"],
        ["publish", "--help"],
        ["watch", "--help"],
        ["bench", "--help"],
        ["doctor", "--help"],
        ["completions", "--help"],
        ["config", "--help"],
        ["config", "check", "--help"],
        ["config", "reference", "--help"],
    ):
        done = framehub(*arguments, folder=tmp_path)
        assert done.returncode == 0 and "Usage: framehub" in done.stdout, arguments
        if len(arguments) == 1 and arguments != ["config"]:
            assert "Examples:" in done.stdout, arguments
        assert max(map(len, done.stdout.splitlines())) <= 120
    for command in ("serve", "publish", "watch", "bench", "config", "doctor", "completions"):
        assert re.search(rf"^  {command} ", framehub("--help", folder=tmp_path).stdout, re.M)
    assert re.fullmatch(
        r"framehub \d+\.\d+\.\d+ \(.*\b(debug|release), .+\)\n", framehub("--version", folder=tmp_path).stdout
    )


@pytest.mark.parametrize(
    "arguments", [["sevre"], ["--prot=5"], ["publish"], ["watch"], ["serve", "server.port"], ["config", "chek"]]
)
def test_wrong_usage_is_exit_code_2(tmp_path, arguments):
    done = framehub(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == "" and "error:" in done.stderr


def test_a_port_in_use_is_one_clear_line(start_hub, tmp_path):
    hub = start_hub()
    done = framehub("serve", f"server.port={hub.port}", "logging.file=none", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert str(hub.port) in lines[0] and "in use" in lines[0] and "server.port=" in lines[0]
    assert hub.get("/livez").status_code == 200


def test_a_file_in_the_place_of_the_recordings_folder(tmp_path):
    (tmp_path / "recordings").write_text("a file")
    done = framehub("serve", "server.port=0", "logging.file=none", folder=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert "recording.directory=recordings is a file" in done.stderr


def test_host_and_port_in_short(tmp_path):
    hub = Hub(tmp_path)
    hub.command = [word for word in hub.command if not word.startswith("server.port=")]
    hub.command += ["--host", "localhost", "--port", "0"]
    with hub:
        assert hub.url.startswith("http://127.0.0.1:") and hub.get("/livez").text == "ok\n"


def test_completions_and_manual_pages(tmp_path):
    for shell in ("bash", "zsh", "fish"):
        done = framehub("completions", shell, folder=tmp_path)
        assert done.returncode == 0 and "doctor" in done.stdout
    assert ".TH framehub-serve" in framehub("man", "serve", folder=tmp_path).stdout
    assert framehub("man", "nothing", folder=tmp_path).returncode == 2


def test_an_address_of_another_machine(tmp_path):
    done = framehub("serve", "server.host=192.0.2.1", "logging.file=none", folder=tmp_path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "192.0.2.1" in line and "server.host" in line
    assert line.count("os error") == 1, "each thing is said once"


def test_a_fresh_start_shows_a_live_demo(start_hub, page):
    """`framehub` and nothing else: the page it names shows a moving picture."""
    hub = start_hub(defaults=("logging.file=none",))
    page.goto(hub.url + "/")
    tile = page.locator("a.tile[data-stream=demo]")
    tile.wait_for()
    first = eventually(lambda: tile.get_attribute("data-seq"))
    eventually(lambda: int(tile.get_attribute("data-seq")) > int(first) + 10, "it moves")
    with MjpegReader(hub.url + "/stream") as reader:
        parts = reader.wait_for_parts(10)
        assert len({part.jpeg for part in parts}) == 10


def test_the_demo_rests_without_viewers(start_hub):
    hub = start_hub(defaults=("logging.file=none",))
    with MjpegReader(hub.url + "/stream/demo") as reader:
        reader.wait_for_parts(3)
    hub.wait_for_viewers("demo", 0)
    eventually(lambda: hub.stats("demo")["source"]["state"] == "resting", "it rests")
    rested = hub.stats("demo")
    always(lambda: hub.stats("demo")["total_frames"] == rested["total_frames"], 0.5, "no frame is drawn")


def test_without_the_subcommand(tmp_path):
    hub = Hub(tmp_path)
    hub.command.remove("serve")
    with hub:
        assert hub.get("/livez").text == "ok\n"


def test_the_log_goes_to_stderr_and_to_the_file(start_hub):
    hub = start_hub(defaults=("demo.enabled=false",))
    hub.put_frame("s", 1)
    requests.delete(hub.url + "/api/streams/s", timeout=10)
    log = Path(hub.folder, "logs", "server.log")
    eventually(lambda: "stream=s" in log.read_text(), "in the file")
    eventually(lambda: "stream=s" in hub.stderr(), "and on stderr, which has a writer of its own")
    assert "\x1b[" not in hub.stderr() + log.read_text(), "no colours where there is no terminal"
    eventually(lambda: "memory" in hub.stderr(), "the memory bound is logged at the start")


def test_json_logs(start_hub):
    hub = start_hub("logging.format=json")
    hub.put_frame("s", 1)
    requests.delete(hub.url + "/api/streams/s", timeout=10)
    eventually(lambda: "deleted" in hub.stderr())
    for line in hub.stderr().splitlines():
        assert "level" in json.loads(line)


def test_keys_are_never_logged(start_hub):
    hub = start_hub("logging.level=TRACE", env={"API_KEYS": "a-secret-key-1,a-secret-key-2"})
    assert hub.get("/api/streams?api_key=a-secret-key-1").status_code == 200
    assert hub.get("/api/streams", headers={"Authorization": "Bearer a-secret-key-2"}).status_code == 200
    assert hub.get("/api/streams?api_key=a-wrong-secret").status_code == 401
    for probe in ("/health", "/livez", "/readyz"):
        assert hub.get(probe).status_code == 200
    assert hub.stop() == 0
    assert "secret" not in hub.stderr()


def test_exit_code_and_farewell(start_hub):
    hub = start_hub()
    assert hub.stop() == 0
    assert "stop" in hub.stderr()


def test_the_port_is_free_again_at_once(start_hub):
    """With connections of the one before still dying in the kernel."""
    port = fixed_port()
    hub = start_hub(f"server.port={port}")
    hub.put_frame("s", 1)
    reader = MjpegReader(hub.url + "/stream/s")
    reader.wait_for_parts(1)
    hub.stop()
    assert start_hub(f"server.port={port}").port == port
    reader.close()


def test_a_second_signal_stops_at_once(start_hub):
    hub = start_hub("server.shutdown_seconds=60")
    half = socket.create_connection(("127.0.0.1", hub.port))
    half.sendall(b"GET /livez HTTP/1.1\r\nHo")
    assert hub.get("/livez").status_code == 200
    hub.process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in hub.stderr())
    assert hub.process.poll() is None
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(5) != 0
    half.close()
