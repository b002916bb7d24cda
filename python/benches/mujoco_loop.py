"""What showing a training costs its loop: `python python/benches/mujoco_loop.py` (needs gymnasium[mujoco], flask, OpenCV).

10,000 steps of a MuJoCo humanoid, bare and in each way of being shown. Every way has an environment of its own that does
the same steps from the same seeds; they take turns every 50 steps, in a new order each time, so that what else the machine
does hits all alike. Printed is the median turn, and what the loop's own thread spent in all turns together.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import random
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")

import cv2
import flask
import framehub
import gymnasium as gym
import numpy as np
from framehub.gymnasium import StreamVideo
from werkzeug.serving import make_server

TURN = 50
FPS = 30


class FlaskStreamer:
    """The usual in-process streamer in a few lines: the loop renders at the video's rate and puts pictures into a queue,
    from which each viewer's request encodes what it gets. It does not know whether anyone watches."""

    def __init__(self) -> None:
        self.frames: queue.Queue[np.ndarray] = queue.Queue(maxsize=10)
        self.next = 0.0
        app = flask.Flask("streamer")
        app.add_url_rule("/stream", view_func=self.stream)
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/stream"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stream(self) -> flask.Response:
        return flask.Response(self.parts(), mimetype="multipart/x-mixed-replace; boundary=frame")

    def parts(self) -> Iterator[bytes]:
        while True:
            frame = cv2.cvtColor(self.frames.get(), cv2.COLOR_RGB2BGR)
            _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 85])
            yield b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg.tobytes() + b"\r\n"

    def show(self, env: gym.Env) -> None:
        if time.monotonic() < self.next:
            return
        frame = env.render()
        # As StreamVideo does: from after the rendering on, which may take longer than a picture's time.
        self.next = time.monotonic() + 1 / FPS
        try:
            self.frames.put_nowait(frame)
        except queue.Full:
            self.frames.get_nowait()
            self.frames.put_nowait(frame)


class Loop:
    """One environment and its actions, the same for every way."""

    def __init__(self, env: gym.Env, after: Callable[[gym.Env], Any] = lambda env: None) -> None:
        self.env, self.after = env, after
        self.random = np.random.default_rng(1)
        self.env.reset(seed=1)

    def turn(self) -> tuple[float, float]:
        """Seconds for some steps: by the clock, and of this thread's processor time."""
        actions = self.random.uniform(-0.4, 0.4, (TURN, *self.env.action_space.shape))
        begun, spent = time.perf_counter(), time.thread_time()
        for action in actions:
            _, _, terminated, truncated, _ = self.env.step(action)
            if terminated or truncated:
                self.env.reset(seed=int(self.random.integers(1000)))
            self.after(self.env)
        return time.perf_counter() - begun, time.thread_time() - spent


def make() -> gym.Env:
    return gym.make("Humanoid-v5", render_mode="rgb_array", width=640, height=480)


def watch(url: str) -> None:
    """A viewer that reads as fast as it can."""

    def read() -> None:
        with urllib.request.urlopen(url) as response:
            while response.read(65536):
                pass

    threading.Thread(target=read, daemon=True).start()


def measure(title: str, loops: dict[str, Loop], turns: int) -> None:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for loop in loops.values():
        loop.turn()
    order = list(loops)
    for _ in range(turns):
        random.shuffle(order)
        for name in order:
            times[name].append(loops[name].turn())
    print(f"{title}: {turns * TURN} steps each")
    bare = np.array(times["bare"])
    for name, taken in times.items():
        clock, thread = np.median(np.array(taken)[:, 0]), np.sum(np.array(taken)[:, 1])
        print(
            f"  {name:<20} {1e6 * clock / TURN:9.1f} µs a step ({percent(clock, np.median(bare[:, 0]))}),"
            f" {1e6 * thread / TURN / turns:9.1f} µs of processor ({percent(thread, np.sum(bare[:, 1]))})",
            flush=True,
        )


def percent(value: float, of: float) -> str:
    return f"{100 * (value / of - 1):+.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=200, help="of 50 steps (default: %(default)s)")
    parser.add_argument(
        "--rendering", type=int, default=10, help="turns where pictures are rendered (default: %(default)s)"
    )
    arguments = parser.parse_args()
    with framehub.Server(port=0) as server, framehub.StreamPublisher(server.url, "publisher") as publisher:
        ways = {
            "bare": Loop(make()),
            # How far two measurements of the same lie apart.
            "bare, once more": Loop(make()),
            "hub in the process": Loop(StreamVideo(make(), server, "server", fps=FPS)),
            "publisher to a hub": Loop(StreamVideo(make(), publisher, fps=FPS)),
        }
        measure("no viewer", ways, arguments.turns)
        flasks = FlaskStreamer()
        measure("no viewer", {"bare": ways["bare"], "Flask and OpenCV": Loop(make(), flasks.show)}, arguments.rendering)

    with framehub.Server(port=0) as server:
        server.publish(np.zeros((480, 640, 3), np.uint8), "watched")
        flasks = FlaskStreamer()
        watch(f"{server.url}/stream/watched")
        watch(flasks.url)
        ways = {
            "bare": Loop(make()),
            "hub in the process": Loop(StreamVideo(make(), server, "watched", fps=FPS)),
            "Flask and OpenCV": Loop(make(), flasks.show),
        }
        measure("one viewer", ways, arguments.rendering)


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    socket.setdefaulttimeout(60)
    main()
