"""A hub of one's own: the real program on a port given by the operating system, in a temporary folder."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import requests

from .pictures import jpeg
from .waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FRAMEHUB_BINARY", ROOT / "target" / "debug" / "framehub"))

READY = "Framehub is ready: "


def clean_environment(**extra: str) -> dict[str, str]:
    """Without the settings that the machine's own environment may hold."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | extra


class Hub:
    """`with Hub(folder, "streams.max_concurrent=2") as hub: requests.get(hub.url + "/health")`."""

    def __init__(
        self,
        folder: Path,
        *settings: str,
        env: dict[str, str] | None = None,
        port: int = 0,
        defaults: tuple[str, ...] = ("logging.file=none", "demo.enabled=false"),
    ):
        self.folder = folder
        self.command = [str(BINARY), "serve", *defaults, *settings]
        if not any(setting.startswith("server.port=") for setting in settings):
            self.command.append(f"server.port={port}")
        self.env = clean_environment(**(env or {}))
        self.log = folder / "stderr.log"
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        #: What `requests` checks an HTTPS hub's certificate with: the path of a certificate that it trusts.
        self.verify: bool | str = True

    def __enter__(self) -> Hub:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> Hub:
        assert BINARY.exists(), f"{BINARY} is missing: run `make build`"
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        line = self._first_line()
        assert line.startswith(READY), f"the hub did not start: {line!r}\n{self.stderr()}"
        self.url = line.removeprefix(READY).strip().rstrip("/")
        return self

    def _first_line(self) -> str:
        lines: list[str] = []
        assert self.process and self.process.stdout
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(PATIENCE)
        return lines[0] if lines else ""

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port
        return port

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws", 1)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def stop(self) -> int | None:
        """Ends the hub as a supervisor would, and gives its exit code."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        return self.process.returncode

    def stderr(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def rss(self) -> int:
        """Resident bytes of the hub."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    # ---- what most tests do with it ----

    def get(self, path: str, **kwargs: object) -> requests.Response:
        return requests.get(self.url + path, timeout=30, verify=self.verify, **kwargs)

    def publish(self, stream: str, data: bytes | int, **kwargs: object) -> requests.Response:
        """Posts a frame as a form, as the stream server's clients do; a number stands for the picture of that number."""
        data = jpeg(data) if isinstance(data, int) else data
        files = {"frame": ("frame.jpg", data, "image/jpeg")}
        url = f"{self.url}/publish/{stream}"
        return requests.post(url, files=files, timeout=30, verify=self.verify, **kwargs)

    def put_frame(self, stream: str, data: bytes | int) -> None:
        """`publish`, for tests in which it has to succeed."""
        response = self.publish(stream, data)
        assert response.status_code == 200, response.text

    def stats(self, stream: str) -> dict:
        response = self.get(f"/api/streams/{stream}/stats")
        assert response.status_code == 200, response.text
        return response.json()

    def viewers(self, stream: str) -> int:
        return self.stats(stream)["viewer_count"]

    def wait_for_viewers(self, stream: str, count: int) -> None:
        eventually(lambda: self.viewers(stream) == count, f"{count} viewers of {stream}")

    def snapshot(self, stream: str) -> bytes:
        response = self.get(f"/stream/{stream}/snapshot.jpg")
        assert response.status_code == 200, response.text
        return response.content
