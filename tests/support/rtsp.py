"""A camera that speaks RTSP: H.264 from ffmpeg, as RTP inside the RTSP connection (RFC 2326, 10.12; RFC 6184)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import socketserver
import struct
import subprocess
import threading
from pathlib import Path

USER, PASSWORD = "door", "s3cret"


def film(folder: Path, width: int, height: int, fps: int = 15, seconds: int = 4, colour: str = "testsrc2") -> Path:
    """An H.264 film in Annex B form, with a key frame every second."""
    path = folder / f"{colour.split('=')[0]}{width}x{height}.h264"
    source = f"{colour}{':' if '=' in colour else '='}size={width}x{height}:rate={fps}"
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i", source, "-t", str(seconds)]
    command += ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-profile:v", "baseline", "-g", str(fps), "-bf", "0"]
    subprocess.run([*command, "-x264-params", "aud=0", "-f", "h264", str(path)], check=True)
    return path


def access_units(path: Path) -> list[list[bytes]]:
    """The NAL units of each picture, with the parameter sets before a key frame."""
    units, current = [], []
    for nal in re.split(rb"\x00\x00\x00?\x01", path.read_bytes())[1:]:
        current.append(nal)
        # One slice a picture.
        if nal[0] & 31 in (1, 5):
            units.append(current)
            current = []
    return units


class RtspCamera(socketserver.ThreadingTCPServer):
    """`with RtspCamera(film(folder, 320, 240)) as camera:` and `camera.url()`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path: Path, fps: int = 15, encoding: str = "H264", password: bool = False):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.fps, self.encoding, self.password = fps, encoding, password
        self.show(path)
        self.damaged = False
        self.plays = 0
        self.stopped = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> RtspCamera:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.cut()
        self.server_close()

    def handle_error(self, *_arguments: object) -> None:
        """Connections that are cut are what this is for."""

    def show(self, path: Path) -> None:
        self.units = access_units(path)

    def url(self, user: str = "") -> str:
        return f"rtsp://{user + '@' if user else ''}127.0.0.1:{self.server_address[1]}/stream1"

    @property
    def open(self) -> int:
        return len(self._sockets)

    def cut(self) -> None:
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.StreamRequestHandler):
    server: RtspCamera

    def handle(self) -> None:
        self.server._sockets.add(self.connection)
        self.writing = threading.Lock()
        self.playing = False
        try:
            while self._request():
                pass
        except OSError:
            pass
        finally:
            self.playing = False
            self.server._sockets.discard(self.connection)

    def _request(self) -> bool:
        line = self.rfile.readline()
        while line.startswith(b"$"):
            # A receiver report inside the connection.
            line += self.rfile.read(max(0, 4 - len(line)))
            (length,) = struct.unpack(">H", line[2:4])
            self.rfile.read(max(0, 4 + length - len(line)))
            line = self.rfile.readline()
        if not line.strip():
            return False
        method = line.split()[0].decode()
        headers = {}
        while (header := self.rfile.readline().strip()) != b"":
            name, value = header.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        if self.server.password and not self._authorised(method, headers):
            self._answer(headers, 'WWW-Authenticate: Digest realm="cam", nonce="abc"', status="401 Unauthorized")
            return True
        if method == "OPTIONS":
            self._answer(headers, "Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif method == "DESCRIBE":
            body = self._sdp()
            self._answer(headers, f"Content-Base: {self.server.url()}/", "Content-Type: application/sdp", body=body)
        elif method == "SETUP":
            self._answer(headers, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=12345678", "Session: 77")
        elif method == "PLAY":
            self._answer(headers, "Session: 77", "Range: npt=0-")
            self.server.plays += 1
            self.playing = True
            threading.Thread(target=self._play, daemon=True).start()
        elif method == "TEARDOWN":
            self._answer(headers, "Session: 77")
            return False
        else:
            self._answer(headers, "Session: 77")
        return True

    def _authorised(self, method: str, headers: dict[str, str]) -> bool:
        given = dict(re.findall(r'(\w+)="([^"]*)"', headers.get("authorization", "")))
        ha1 = hashlib.md5(f"{USER}:cam:{PASSWORD}".encode()).hexdigest()
        ha2 = hashlib.md5(f"{method}:{given.get('uri')}".encode()).hexdigest()
        return given.get("response") == hashlib.md5(f"{ha1}:abc:{ha2}".encode()).hexdigest()

    def _answer(self, request: dict[str, str], *lines: str, body: str = "", status: str = "200 OK") -> None:
        head = [f"RTSP/1.0 {status}", f"CSeq: {request.get('cseq', '0')}", *lines, f"Content-Length: {len(body)}"]
        with self.writing:
            self.wfile.write(("\r\n".join(head) + "\r\n\r\n" + body).encode())

    def _sdp(self) -> str:
        sets = [base64.b64encode(nal).decode() for nal in self.server.units[0] if nal[0] & 31 in (7, 8)]
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=test", "t=0 0", "a=control:*", "m=video 0 RTP/AVP 96"]
        lines += [f"a=rtpmap:96 {self.server.encoding}/90000", "a=control:track1"]
        lines.append(f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={','.join(sets)}")
        return "\r\n".join(lines) + "\r\n"

    def _play(self) -> None:
        sequence = 1000
        number = 0
        try:
            while self.playing and not self.server.stopped.is_set():
                units = self.server.units
                unit = units[number % len(units)]
                stamp = (number * 90000 // self.server.fps) & 0xFFFFFFFF
                for at, nal in enumerate(unit):
                    if self.server.damaged and nal[0] & 31 == 1:
                        nal = nal[:1] + bytes(len(nal) - 1)
                    for payload, last in _packets(nal):
                        marker = last and at == len(unit) - 1
                        head = struct.pack(">BBHII", 0x80, 96 | marker << 7, sequence & 0xFFFF, stamp, 0x12345678)
                        packet = head + payload
                        with self.writing:
                            self.wfile.write(b"$\x00" + struct.pack(">H", len(packet)) + packet)
                        sequence += 1
                number += 1
                self.server.stopped.wait(1 / self.server.fps)
        except (OSError, ValueError):
            pass


def _packets(nal: bytes, most: int = 1400):
    """A NAL unit as one packet, or in fragments (FU-A)."""
    if len(nal) <= most:
        yield nal, True
        return
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 31
    pieces = [nal[1:][at : at + most] for at in range(0, len(nal) - 1, most)]
    for at, piece in enumerate(pieces):
        start, end = at == 0, at == len(pieces) - 1
        yield bytes([indicator, start << 7 | end << 6 | kind]) + piece, end
