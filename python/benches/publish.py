"""What publishing costs the caller: `python python/benches/publish.py` (a release build of the package installed).

Times `publish_frame` on the caller's thread at 640×480 and 1920×1080 with the hub up, down, stopped (SIGSTOP) and
swallowing everything, so many calls a second as a loop would make them, beside the plain copy of the same bytes; then the
import, and the CPU of a publisher at rest.
"""

from __future__ import annotations

import argparse
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import framehub
import numpy as np

SIZES = ((640, 480), (1920, 1080))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=600, help="a row of the table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=60, help="calls a second (default: %(default)s)")
    arguments = parser.parse_args()
    calls, pause = arguments.calls, 1 / arguments.rate
    print(f"{'frame':>10} {'hub':>10} {'p50 µs':>8} {'p99 µs':>8} {'copy p50':>9}")
    for width, height in SIZES:
        # Two pictures by turns, so that the cache does not hold the one being copied.
        noise = np.random.default_rng(0).integers(0, 255, (2, height, width, 3), np.uint8)
        copy = np.empty_like(noise[0])
        plain = measure(lambda n: np.copyto(copy, noise[n % 2]), calls, pause)
        for name, hub in HUBS.items():
            with hub() as url, framehub.StreamPublisher(url, "bench", max_fps=None) as publisher:
                for n in range(30):
                    publisher.publish_frame(noise[n % 2])
                    time.sleep(pause)
                times = measure(lambda n: publisher.publish_frame(noise[n % 2]), calls, pause)
            row = (f"{width}×{height}", name, times[0], times[1], plain[0])
            print("{:>10} {:>10} {:>8.0f} {:>8.0f} {:>9.0f}".format(*row), flush=True)
    print(f"import framehub: {import_seconds():.3f} s")
    print(f"a publisher at rest: {idle_percent():.3f} % CPU")


def measure(call: Callable[[int], object], calls: int, pause: float) -> tuple[float, float]:
    """p50 and p99 in µs."""
    times = []
    for n in range(calls):
        begun = time.perf_counter()
        call(n)
        times.append(time.perf_counter() - begun)
        time.sleep(pause)
    p50, p99 = np.percentile(times, (50, 99)) * 1e6
    return float(p50), float(p99)


@contextmanager
def up() -> Iterator[str]:
    with running() as (url, _):
        yield url


@contextmanager
def down() -> Iterator[str]:
    with socket.socket() as nobody:
        # Bound, so that nobody else listens there.
        nobody.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}"


@contextmanager
def stopped() -> Iterator[str]:
    with running() as (url, process):
        process.send_signal(signal.SIGSTOP)
        try:
            yield url
        finally:
            process.send_signal(signal.SIGCONT)


@contextmanager
def black_hole() -> Iterator[str]:
    """Takes connections, reads nothing and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


HUBS = {"up": up, "down": down, "stopped": stopped, "black hole": black_hole}


@contextmanager
def running() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A hub in a process of its own."""
    settings = ["server.port=0", "recording.enabled=false", "demo.enabled=false", "logging.file=none"]
    command = [sys.executable, "-m", "framehub", "serve", *settings]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        ready = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert ready, "the hub did not start"
        yield ready.group(), process
    finally:
        process.kill()
        process.wait()


def import_seconds() -> float:
    """The median of some fresh interpreters, without their own start."""
    code = "import time; begun = time.perf_counter(); import framehub; print(time.perf_counter() - begun)"
    return float(np.median([float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7)]))


def idle_percent(seconds: float = 20) -> float:
    """CPU of this process, whose only thread besides this is the publisher's."""
    with up() as url, framehub.StreamPublisher(url, "idle") as publisher:
        publisher.publish_frame(np.zeros((480, 640, 3), np.uint8))
        time.sleep(1)
        before = resource.getrusage(resource.RUSAGE_SELF)
        time.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
    return 100 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds


if __name__ == "__main__":
    main()
