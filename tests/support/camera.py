"""A camera on the network: MJPEG and pictures over HTTP, with the faults that cameras have."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .pictures import jpeg

USER, PASSWORD = "door", "s3cret"


class Camera(ThreadingHTTPServer):
    """`with Camera() as camera:` then `http://…/video`, `/snapshot`, and paths for each fault; see `Handler`."""

    daemon_threads = True

    def __init__(self, port: int = 0, tls: tuple[Path, Path] | None = None):
        super().__init__(("127.0.0.1", port), Handler)
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"
        self.size = (320, 240)
        self.interval = 0.05
        #: Parts in place of pictures, each sent as it is.
        self.payloads: list[bytes] | None = None
        self.asked: list[str] = []
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Camera:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.cut()
        self.server_close()

    def handle_error(self, *_arguments: object) -> None:
        """Connections that are cut are what this is for."""

    def url(self, path: str, user: str = "") -> str:
        at = f"{user}@" if user else ""
        return f"{self.scheme}://{at}localhost:{self.server_port}{path}"

    @property
    def open(self) -> int:
        with self._lock:
            return len(self._sockets)

    def cut(self) -> None:
        """Pulls the cable out of every connection."""
        with self._lock:
            for connection in self._sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def entered(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.add(connection)

    def left(self, connection: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(connection)

    def picture(self, number: int) -> bytes:
        if self.payloads is not None:
            return self.payloads[number % len(self.payloads)]
        return jpeg(number % 200, *self.size)


class Handler(BaseHTTPRequestHandler):
    server: Camera
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.entered(self.connection)
        try:
            getattr(self, self.path.strip("/").split("?")[0].split("/")[0])()
        except OSError:
            pass
        finally:
            self.close_connection = True
            self.server.left(self.connection)

    def answer(self, status: int, content_type: str, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    # ---- what works ----

    def video(self, limit: int | None = None, interval: float | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=--myboundary")
        self.end_headers()
        number = 0
        while not self.server.stopped.is_set() and (limit is None or number < limit):
            data = self.server.picture(number)
            head = f"--myboundary\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
            number += 1
            self.server.stopped.wait(self.server.interval if interval is None else interval)

    def snapshot(self) -> None:
        self.answer(200, "image/jpeg", self.server.picture(len(self.server.asked)))

    def moved(self) -> None:
        self.answer(302, "text/html", Location="/video")

    def basic(self) -> None:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == wanted:
            return self.video()
        self.answer(401, "text/plain", WWW_Authenticate='Basic realm="camera"')

    def digest(self) -> None:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', self.headers.get("Authorization", "")))
        ha1 = hashlib.md5(f"{USER}:camera:{PASSWORD}".encode()).hexdigest()
        ha2 = hashlib.md5(f"GET:{self.path}".encode()).hexdigest()
        parts = [ha1, "abc", given.get("nc", ""), given.get("cnonce", ""), "auth", ha2]
        if given.get("response") == hashlib.md5(":".join(parts).encode()).hexdigest():
            return self.video()
        self.answer(401, "text/plain", WWW_Authenticate='Digest realm="camera", nonce="abc", qop="auth", algorithm=MD5')

    # ---- what does not ----

    def page(self) -> None:
        self.answer(200, "text/html", b"<html>log in</html>")

    def missing(self) -> None:
        self.answer(404, "text/plain")

    def circle(self) -> None:
        self.answer(302, "text/html", Location="/circle")

    def silent(self) -> None:
        """Takes the request and never answers."""
        self.server.stopped.wait()

    def stuck(self) -> None:
        """A few pictures, then nothing more."""
        self.video(limit=3)
        self.server.stopped.wait()

    def flood(self) -> None:
        """As fast as the wire takes it."""
        self.video(interval=0)

    def endless(self) -> None:
        """A part that never ends."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
        self.end_headers()
        self.wfile.write(b"--b\r\nContent-Type: image/jpeg\r\n\r\n")
        while not self.server.stopped.is_set():
            self.wfile.write(b"\xff\xd8" + bytes(1 << 16))
