"""Publishing connections: a never-ending multipart body, and the WebSocket."""

from __future__ import annotations

import http.client
import json
import socket

from .sockets import open_socket
from .waiting import PATIENCE


class EndlessBody:
    """A `multipart/x-mixed-replace` request body, sent part by part."""

    def __init__(
        self, url_port: int, path: str, method: str = "POST", boundary: str = "ffmpeg", content_type: str | None = ""
    ):
        self.boundary = boundary
        self.connection = http.client.HTTPConnection("127.0.0.1", url_port, timeout=PATIENCE)
        self.connection.putrequest(method, path)
        self.connection.putheader("Transfer-Encoding", "chunked")
        if content_type == "":
            content_type = f"multipart/x-mixed-replace; boundary={boundary}"
        if content_type is not None:
            self.connection.putheader("Content-Type", content_type)
        self.connection.endheaders()
        self.raw(f"--{boundary}\r\n".encode())

    def raw(self, data: bytes) -> None:
        if data:
            self.connection.send(b"%x\r\n%b\r\n" % (len(data), data))

    def part(self, data: bytes, length: bool = True, **headers: object) -> None:
        lines = ["Content-Type: image/jpeg"]
        if length:
            lines.append(f"Content-Length: {len(data)}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.raw(head.encode() + data + f"\r\n--{self.boundary}\r\n".encode())

    def end(self, closing: bool = False) -> tuple[int, dict]:
        """Ends the body, and gives the hub's answer."""
        if closing:
            self.raw(b"\r\n")
        self.connection.send(b"0\r\n\r\n")
        return self.answer()

    def answer(self) -> tuple[int, dict]:
        response = self.connection.getresponse()
        body = json.loads(response.read())
        self.connection.close()
        return response.status, body

    def drop(self) -> None:
        """As a cable that is cut would."""
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()


class SocketPublisher:
    """`GET /publish/{name}` + upgrade; with `ack`, each frame's answer is returned."""

    def __init__(self, hub_ws: str, stream: str, query: str = "?ack=1"):
        self.acks = "ack=1" in query
        self.socket = open_socket(f"{hub_ws}/publish/{stream}{query}")

    def __enter__(self) -> SocketPublisher:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes, metadata: dict | None = None) -> dict | None:
        if metadata is not None:
            self.socket.send(json.dumps(metadata))
        self.socket.send(data)
        return self.answer() if self.acks else None

    def answer(self) -> dict:
        return json.loads(self.socket.recv(timeout=PATIENCE))
