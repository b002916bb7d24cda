"""A simulator as Framehub meets them: pictures and signalling over a WebSocket, MJPEG, `/ping`, and a switch for each
fault. It speaks the WebSocket protocol frame by frame, so that it can say and hear exactly what it wants to.

`python tests/support/simulator.py 8211` runs one for people.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import hashlib
import json
import struct
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.pictures import jpeg
from support.waiting import PATIENCE, eventually

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10

#: Settings of a hub that notices soon what a simulator does, on a machine that is busy with other tests too.
QUICK = ("simulator.timeout_seconds=2",)

encoded = functools.cache(jpeg)


class Frame(NamedTuple):
    """One frame on the wire (RFC 6455, section 5.2)."""

    opcode: int
    payload: bytes
    fin: bool = True


@dataclass
class Switches:
    """What it does. They may be changed at any time."""

    #: How the WebSocket sends pictures: binary, json or none.
    pictures: str = "binary"
    fps: float = 20
    size: tuple[int, int] = (320, 240)
    #: In place of each picture, as it is.
    payload: bytes | None = None
    #: What becomes of a WebSocket: open, refuse (the answer is 503), swallow (no answer ever comes), deaf (open, but
    #: nothing is read and no ping answered), noise (bytes that are no WebSocket frames).
    socket: str = "open"
    #: What becomes of `/stream`: open, refuse, swallow.
    mjpeg: str = "open"
    ping: int = 200
    #: A picture is cut in the middle and so is its connection.
    drop: bool = False


@dataclass(eq=False)
class Link:
    """A WebSocket that was opened to it, and what came over it."""

    writer: asyncio.StreamWriter
    heard: list[Frame] = field(default_factory=list)
    ended: bool = False

    def of(self, *opcodes: int) -> list[Frame]:
        return [frame for frame in list(self.heard) if frame.opcode in opcodes]

    @property
    def messages(self) -> list[bytes]:
        """Whole messages, whatever their fragments."""
        whole: list[bytes] = []
        for frame in self.of(TEXT, BINARY, CONTINUATION):
            if frame.opcode == CONTINUATION:
                whole[-1] += frame.payload
            else:
                whole.append(frame.payload)
        return whole

    @property
    def close(self) -> tuple[int, str] | None:
        for frame in self.of(CLOSE):
            return struct.unpack(">H", frame.payload[:2])[0], frame.payload[2:].decode()
        return None


class Simulator:
    """`with Simulator() as simulator:` then give `simulator.settings` to a hub. One port serves everything."""

    def __init__(self, port: int = 0, **switches: object):
        self.port = port
        self.switches = Switches(**switches)
        self.links: list[Link] = []
        self.asked: list[str] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def settings(self) -> list[str]:
        ports = ("port", "ws_port", "stream_port")
        return ["simulator.ip=127.0.0.1", *(f"simulator.{name}={self.port}" for name in ports)]

    @property
    def environment(self) -> dict[str, str]:
        """The environment names of docs/ref/compatibility.md."""
        names = ("ISAAC_SIM_PORT", "ISAAC_SIM_WS_PORT", "ISAAC_STREAM_PORT")
        return {"ISAAC_SIM_IP": "127.0.0.1"} | dict.fromkeys(names, str(self.port))

    def __enter__(self) -> Simulator:
        self._thread.start()
        self.up()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # ---- what tests do with it ----

    def up(self) -> None:
        """Takes connections, on the port that it had."""
        self._wait(self._listen())

    def down(self) -> None:
        """Gone: connections are cut, new ones refused."""
        self._wait(self._close())

    def cut(self) -> None:
        """Pulls the cable out of every connection."""
        self._wait(self._abort())

    @property
    def open(self) -> list[Link]:
        return [link for link in list(self.links) if not link.ended]

    @property
    def link(self) -> Link:
        """The link that is open, once there is one."""
        return eventually(lambda: self.open, "a link to the simulator")[-1]

    def say(self, *frames: Frame) -> None:
        """On the link that is open, one after the other without anything in between."""
        self._wait(self._write(self.link, b"".join(encode(frame) for frame in frames)))

    def say_text(self, text: str) -> None:
        self.say(Frame(TEXT, text.encode()))

    def close(self, code: int, reason: str = "") -> None:
        self.say(Frame(CLOSE, struct.pack(">H", code) + reason.encode()))

    def picture(self, number: int) -> bytes:
        if self.switches.payload is not None:
            return self.switches.payload
        return encoded(number % 200, *self.switches.size)

    # ---- its own thread ----

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _wait(self, work: Coroutine) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        await self._abort()

    async def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _write(self, link: Link, data: bytes) -> None:
        link.writer.write(data)
        await link.writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            self.asked.append(path)
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            headers = {name.lower(): value for name, value in headers.items()}
            if path == "/ping":
                writer.write(f"HTTP/1.1 {self.switches.ping} x\r\nContent-Length: 4\r\n\r\npong".encode())
            elif path == "/stream":
                await self._mjpeg(writer)
            elif headers.get("upgrade") == "websocket":
                await self._socket(headers["sec-websocket-key"], reader, writer)
            else:
                writer.write(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        self._writers.discard(writer)
        writer.close()

    async def _mjpeg(self, writer: asyncio.StreamWriter) -> None:
        if not await self._opens(self.switches.mjpeg, writer):
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
        writer.write(head)
        number = 0
        while True:
            data = self.picture(number)
            writer.write(f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode())
            writer.write(data + b"\r\n")
            await writer.drain()
            number += 1
            await asyncio.sleep(1 / self.switches.fps)

    async def _opens(self, switch: str, writer: asyncio.StreamWriter) -> bool:
        if switch == "refuse":
            writer.write(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")
        if switch == "swallow":
            await asyncio.Event().wait()
        return switch not in ("refuse", "swallow")

    # ---- the WebSocket ----

    async def _socket(self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._opens(self.switches.socket, writer):
            return
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        if self.switches.socket == "noise":
            writer.write(b"\xff" * 4096)
            return
        link = Link(writer)
        self.links.append(link)
        sending = asyncio.ensure_future(self._send(link))
        try:
            await self._hear(link, reader)
        finally:
            sending.cancel()
            link.ended = True

    async def _send(self, link: Link) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                switches = self.switches
                await asyncio.sleep(1 / switches.fps)
                if switches.pictures == "none":
                    continue
                data = self.picture(number)
                number += 1
                if switches.pictures == "json":
                    text = json.dumps({"type": "frame", "data": base64.b64encode(data).decode()})
                    frame = encode(Frame(TEXT, text.encode()))
                else:
                    frame = encode(Frame(BINARY, data))
                if switches.drop:
                    await self._write(link, frame[: len(frame) // 2])
                    link.writer.transport.abort()
                    return
                await self._write(link, frame)

    async def _hear(self, link: Link, reader: asyncio.StreamReader) -> None:
        while True:
            if self.switches.socket == "deaf":
                await asyncio.Event().wait()
            frame = await read_frame(reader)
            link.heard.append(frame)
            if frame.opcode == PING:
                await self._write(link, encode(Frame(PONG, frame.payload)))
            if frame.opcode == CLOSE:
                with contextlib.suppress(OSError):
                    await self._write(link, encode(Frame(CLOSE, frame.payload)))
                return


def encode(frame: Frame) -> bytes:
    """As a server sends it, unmasked."""
    first, size = frame.opcode | (0x80 if frame.fin else 0), len(frame.payload)
    if size < 126:
        head = struct.pack(">BB", first, size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", first, 126, size)
    else:
        head = struct.pack(">BBQ", first, 127, size)
    return head + frame.payload


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """As a client sends it, masked."""
    first, size = await reader.readexactly(2)
    assert size & 0x80, "a client masks its frames"
    size &= 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack(">Q", await reader.readexactly(8))
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    plain = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    return Frame(first & 0x0F, plain, bool(first & 0x80))


def main() -> None:
    with Simulator(
        int(sys.argv[1]) if len(sys.argv) > 1 else 8211, **dict(pair.split("=") for pair in sys.argv[2:])
    ) as it:
        print(f"a simulator on port {it.port}; Ctrl-C ends it", file=sys.stderr)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
