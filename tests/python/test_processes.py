"""Forks, signals and ends of interpreters, each in a process of its own; and the command in the package."""

import os
import signal
import subprocess
import sys
import time

import pytest
import requests

from support.hub import ROOT, clean_environment
from support.pictures import decode, number_of
from support.ports import fixed_port
from support.waiting import PATIENCE, eventually

PREAMBLE = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
import framehub
from framehub import Server, StreamPublisher
sys.path.insert(0, {tests!r})
from support.pictures import numbered
from support.waiting import eventually
url, stream = {url!r}, {stream!r}
"""


def start(code: str, url: str = "", stream: str = "", **options: object) -> subprocess.Popen:
    script = PREAMBLE.format(tests=str(ROOT / "tests"), url=url, stream=stream) + code
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=clean_environment(PYTHONPATH=str(ROOT / "python")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(code: str, url: str = "", stream: str = "") -> tuple[int, str, str]:
    process = start(code, url, stream)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err


def test_the_last_frame_arrives_without_a_call_of_stop(hub, stream):
    code = "publisher = StreamPublisher(url, stream, bgr=False).start()\npublisher.publish_frame(numbered(7))\n"
    assert run(code, hub.url, stream) == (0, "", "")
    assert number_of(hub.snapshot(stream)) == 7


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise KeyError('x')", "os.kill(os.getpid(), signal.SIGINT)", "pass"])
def test_an_interpreter_ends_without_a_hub(end):
    code = f"""
publisher = StreamPublisher("http://127.0.0.1:9", "s").start()
server = Server(port=0).start()
for n in range(20):
    publisher.publish_frame(numbered(n))
    server.publish(numbered(n))
{end}
"""
    status, _, err = run(code)
    expected = {"sys.exit(3)": (3,), "pass": (0,), "raise KeyError('x')": (1,)}.get(end, (-signal.SIGINT, 1, 130))
    assert status in expected, err
    assert "panicked" not in err and "Fatal" not in err


def test_ctrl_c_in_a_loop_is_a_keyboard_interrupt(hub, stream):
    code = """
publisher = StreamPublisher(url, stream, max_fps=None, bgr=False).start()
print("ready", flush=True)
try:
    while True:
        publisher.publish_frame(numbered(1))
        publisher.wanted()
except KeyboardInterrupt:
    publisher.stop()
    print("interrupted", publisher.get_stats()["total_frames"] > 0)
"""
    process = start(code, hub.url, stream)
    try:
        assert process.stdout.readline() == "ready\n"
        eventually(lambda: hub.get(f"/api/streams/{stream}/stats").ok, "frames arrive")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (out, err) == ("interrupted True\n", "")


def test_a_child_of_a_fork_publishes_with_a_connection_of_its_own(hub, stream):
    """While the parent publishes from another thread, so that its locks are in use at that moment."""
    code = """
publisher = StreamPublisher(url, stream, max_fps=None).start()
busy = True
def work():
    while busy:
        publisher.publish_frame(numbered(1))
        publisher.get_stats()
thread = threading.Thread(target=work)
thread.start()
eventually(lambda: publisher.get_stats()["total_frames"] > 0)
def child(number):
    own = StreamPublisher(url, f"{stream}_{number}", max_fps=None)
    assert publisher.get_stats()["total_frames"] == 0, "nothing of the parent's is counted"
    assert publisher.publish_frame(numbered(2)) and own.publish_frame(numbered(3))
    own.stop()
    assert own.get_stats()["total_frames"] == 1
    publisher.stop()
context = multiprocessing.get_context("fork")
for number in range(10):
    process = context.Process(target=child, args=(number,))
    process.start()
    process.join(30)
    assert process.exitcode == 0, process.exitcode
busy = False
thread.join()
before = publisher.get_stats()["total_frames"]
publisher.publish_frame(numbered(4))
eventually(lambda: publisher.get_stats()["total_frames"] > before)
"""
    status, _, err = run(code, hub.url, stream)
    assert status == 0, err
    assert number_of(hub.snapshot(f"{stream}_9")) == 3
    assert number_of(hub.snapshot(stream)) == 4


def test_a_bare_fork_ends_like_any_other_process(hub, stream):
    """os.fork, and a child that leaves through the interpreter's own end."""
    code = """
publisher = StreamPublisher(url, stream, max_fps=None).start()
server = Server(port=0).start()
server.publish(numbered(1))
publisher.publish_frame(numbered(1))
pid = os.fork()
if pid == 0:
    try:
        server.publish(numbered(2))
    except RuntimeError as error:
        print(error)
    assert not server.is_running and not server.wanted()
    server.stop()
    del server
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
assert server.publish(numbered(3))
"""
    status, out, err = run(code, hub.url, stream)
    assert status == 0, err
    assert "of which this one is a fork" in out and "StreamPublisher" in out


def test_spawned_workers_publish(hub, stream, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        PREAMBLE.format(tests=str(ROOT / "tests"), url=hub.url, stream=stream)
        + """
def child(number):
    with StreamPublisher(url, stream) as publisher:
        publisher.publish_frame(numbered(number))
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child, args=(9,))
    process.start()
    process.join(30)
    sys.exit(process.exitcode)
"""
    )
    env = clean_environment(PYTHONPATH=str(ROOT / "python"))
    done = subprocess.run([sys.executable, str(program)], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert number_of(hub.snapshot(stream)) == 9


def test_importing_brings_neither_numpy_nor_gymnasium():
    code = "import sys, framehub; print([name for name in ('numpy', 'gymnasium', 'asyncio') if name in sys.modules])"
    env = clean_environment(PYTHONPATH=str(ROOT / "python"))
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


# ---- the command ----


def command(*arguments: str, folder: object, **options: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "framehub", *arguments],
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(ROOT / "python")),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_command_is_in_the_package(tmp_path):
    process = command("--version", folder=tmp_path)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and out.startswith("framehub "), err
    process = command("sevre", folder=tmp_path)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 2 and "serve" in err


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path, end):
    port = fixed_port()
    process = command("serve", f"server.port={port}", "logging.file=none", folder=tmp_path)
    try:
        assert process.stdout.readline() == f"Framehub is ready: http://127.0.0.1:{port}/\n"
        picture = eventually(
            lambda: requests.get(f"http://127.0.0.1:{port}/stream/demo/snapshot.jpg", timeout=PATIENCE)
        )
        assert decode(picture.content).shape[2] == 3
        begun = time.monotonic()
        os.kill(process.pid, end)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert "stopped" in err and "Traceback" not in err and time.monotonic() - begun < 15
    finally:
        process.kill()
