"""A real nginx in front of a hub, with deploy/nginx.conf as it stands but for ports, times and paths."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from .hub import ROOT
from .ports import fixed_port
from .waiting import eventually

MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/framehub.conf;
}}
"""


def _replaced(text: str, pattern: str, by: str) -> str:
    text, count = re.subn(pattern, by, text)
    assert count > 0, f"deploy/nginx.conf no longer has {pattern!r}"
    return text


class Nginx:
    """`with Nginx(folder, hub.port, idle=2) as nginx: requests.get(nginx.url + "/health")`."""

    def __init__(self, folder: Path, hub_port: int, idle: float = 60, certificate: tuple[Path, Path] | None = None):
        self.folder = folder
        self.port = fixed_port()
        self.tls_port = fixed_port()
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        text = _replaced(text, r"server 127\.0\.0\.1:5000;", f"server 127.0.0.1:{hub_port};")
        text = _replaced(text, r"(?m)^(    )listen 80 ", rf"\1listen 127.0.0.1:{self.port} ")
        text = _replaced(text, r"/var/log/nginx/framehub\.log", str(folder / "access.log"))
        text = _replaced(text, r"(proxy_read_timeout|proxy_send_timeout|client_body_timeout) 60s", rf"\1 {idle:g}s")
        if certificate:
            text = _replaced(text, r"(?m)^    # (listen 443|ssl_)", r"    \1")
            text = _replaced(text, r"listen 443 ", f"listen 127.0.0.1:{self.tls_port} ")
            text = _replaced(text, r"/etc/\S+/fullchain\.pem", str(certificate[0]))
            text = _replaced(text, r"/etc/\S+/privkey\.pem", str(certificate[1]))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "framehub.conf").write_text(text)
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def tls(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    def log(self, name: str) -> str:
        """`access` or `error`."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Nginx:
        # Debian keeps it where only root's PATH looks.
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
        assert program, "no nginx: run `make tools`"
        command = [program, "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]
        check = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=20)
        assert check.returncode == 0, check.stderr
        assert "[warn]" not in check.stderr, check.stderr
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self._listens, "nginx listens")
        return self

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_exception: object) -> None:
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
