"""Ports for programs that need a fixed one: a proxy, or a server that has to come back at the same address.

Everything else asks the operating system (port 0), which gives out ports of its own range only, to every connection,
too. A port of that range may be another test's as soon as it is free; one below it stays free.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

#: Above the well-known ones.
FIRST = 10_000


def _end() -> int:
    """Where the range that the operating system gives out begins."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return 32_768


def fixed_port() -> int:
    """A free port that the system will not give to another program."""
    # Not the tests' own generator, which a seed may have set in every worker.
    generator = random.SystemRandom()
    while True:
        port = generator.randrange(FIRST, _end())
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
