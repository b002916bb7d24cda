"""The command ``framehub``; ``python -m framehub`` is the same."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    # The hub ends in order on Ctrl-C by itself, and Python has nothing to add: its own handler would raise afterwards.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_command(["framehub", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
