"""`examples/train.py` as a person starts it, in a folder of its own, until Ctrl-C."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import requests

from .hub import ROOT, clean_environment
from .waiting import eventually

STARTED = re.compile(r"HTTP video streamer started: (http://127\.0\.0\.1:\d+)")


class Training:
    """`with Training(tmp_path, "python train.py --config-name test_stream") as training: requests.get(training.url)`."""

    def __init__(self, folder: Path, command: str):
        self.folder = folder / "examples"
        shutil.copytree(ROOT / "examples", self.folder)
        # As a shell joins lines.
        words = shlex.split(command.replace("\\\n", ""))
        assert words[:2] == ["python", "train.py"]
        self.command = [sys.executable, *words[1:]]
        self.said: list[str] = []
        self.url = ""

    def __enter__(self) -> Training:
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=clean_environment(PYTHONPATH=str(ROOT / "python"), PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            # Simulator and libraries are loaded first, which takes long on a busy machine.
            self.url = eventually(self._started, "the training starts", 90).group(1)
        except BaseException:
            self.stop()
            raise
        return self

    def _started(self) -> re.Match[str] | None:
        if self.process.poll() is not None:
            raise RuntimeError("".join(self.said))
        return STARTED.search("".join(self.said))

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def wait_for_frame(self) -> bytes:
        """The first picture: MuJoCo's first one takes a while."""

        def look() -> bytes | None:
            answer = requests.get(f"{self.url}/stream/default/snapshot.jpg", timeout=10)
            return answer.content if answer.status_code == 200 else None

        return eventually(look, "a picture of the training", 60)

    def stop(self) -> None:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            finally:
                self.process.kill()
        self._reader.join(10)

    def __exit__(self, *_exception: object) -> None:
        self.stop()
