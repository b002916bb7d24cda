"""The command ``framehub``; ``python -m framehub`` is the same."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    # The hub handles Ctrl-C itself; Python's own handler would raise KeyboardInterrupt afterwards.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_command(["framehub", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
