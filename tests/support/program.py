"""The program `framehub` as a person runs it, to its end or until it is stopped."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from .hub import BINARY, clean_environment


def framehub(*arguments: str, folder: Path, env: dict[str, str] | None = None, timeout: float = 60, **kwargs):
    """Runs to the end; a settings file or `.env` of the machine is not seen from `folder`."""
    return subprocess.run(
        [str(BINARY), *arguments],
        cwd=folder,
        env=clean_environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        **({"stdin": subprocess.DEVNULL} | kwargs if "input" not in kwargs else kwargs),
    )


class Running:
    """`framehub publish …` and the like, in the background; ended by Ctrl-C."""

    def __init__(self, *arguments: str, folder: Path, stdin: object = subprocess.DEVNULL):
        self.process = subprocess.Popen(
            [str(BINARY), *arguments],
            cwd=folder,
            env=clean_environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=10)

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code and what was said on stderr."""
        self.process.send_signal(signal.SIGINT)
        _, stderr = self.process.communicate(timeout=10)
        return self.process.returncode, stderr


def last_json(text: str) -> dict:
    return json.loads(text.strip().splitlines()[-1])
