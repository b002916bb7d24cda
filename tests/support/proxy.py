"""A proxy as bad as those between people and their hub: cuts idle connections, buffers, refuses or breaks WebSockets."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

from .waiting import PATIENCE


@dataclass
class Habits:
    """What is wrong with it. Every habit is off by default: then it is a plain tunnel."""

    #: Seconds without a byte handed on to the client, after which a connection is cut.
    idle: float | None = None
    #: The hub's bytes are handed on only in portions of so many, or at the end of the answer.
    buffer: int = 0
    #: Answers of this Content-Type prefix are held back wholly, until they end.
    holds: bytes = b"\0"
    #: What becomes of requests for an upgrade: pass, refuse (the answer is 400), strip (the header is removed),
    #: swallow (accepted, and nothing is ever handed on).
    upgrades: str = "pass"
    #: Upgraded connections are cut after so many bytes from the hub.
    upgraded_bytes: int | None = None


@dataclass
class Seen:
    """One request that went through, and what became of it."""

    path: str
    upgrade: bool
    handed_on: int = 0
    cut: str = ""
    written: list[int] = field(default_factory=list)


class Proxy:
    """`with Proxy(hub.port, Habits(idle=8)) as proxy: requests.get(proxy.url + "/health")`. One request a connection."""

    def __init__(self, port: int, habits: Habits | None = None):
        self.hub_port = port
        self.habits = habits or Habits()
        self.seen: list[Seen] = []
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def of(self, path: str) -> list[Seen]:
        """The requests to `path`, a query left out."""
        return [seen for seen in list(self.seen) if seen.path.split("?")[0] == path]

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._listening.wait(PATIENCE)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    # ---- one connection ----

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            head = await client.readuntil(b"\r\n\r\n")
            await self._request(head, client, to_client)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # Either side has gone, or this proxy ends.
        finally:
            to_client.close()

    async def _request(self, head: bytes, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        lines = head.split(b"\r\n")
        upgrade = any(line.lower().startswith(b"upgrade:") for line in lines)
        seen = Seen(lines[0].split(b" ")[1].decode(), upgrade)
        self.seen.append(seen)
        if upgrade and self.habits.upgrades == "refuse":
            to_client.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await to_client.drain()
            return
        if upgrade and self.habits.upgrades == "strip":
            lines = [line for line in lines if not line.lower().startswith(b"upgrade:")]
        if not upgrade or self.habits.upgrades == "strip":
            lines = [line for line in lines if not line.lower().startswith(b"connection:")]
            lines.insert(1, b"Connection: close")
        hub, to_hub = await asyncio.open_connection("127.0.0.1", self.hub_port)
        forward = asyncio.create_task(self._forward(client, to_hub))
        try:
            to_hub.write(b"\r\n".join(lines))
            await self._answer(hub, to_client, seen)
        finally:
            forward.cancel()
            to_hub.close()

    async def _forward(self, client: asyncio.StreamReader, to_hub: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await client.read(1 << 16):
                to_hub.write(data)
                await to_hub.drain()
            to_hub.close()

    async def _answer(self, hub: asyncio.StreamReader, to_client: asyncio.StreamWriter, seen: Seen) -> None:
        try:
            head = await asyncio.wait_for(hub.readuntil(b"\r\n\r\n"), self.habits.idle)
        except asyncio.TimeoutError:
            seen.cut = "idle"
            return
        upgraded = head.startswith(b"HTTP/1.1 101")
        held = b"content-type: " + self.habits.holds in head.lower() or (upgraded and self.habits.upgrades == "swallow")
        to_client.write(head)
        await to_client.drain()
        pending = bytearray()
        loop = asyncio.get_running_loop()
        handed_at = loop.time()
        while True:
            patience = None if self.habits.idle is None else handed_at + self.habits.idle - loop.time()
            try:
                data = await asyncio.wait_for(hub.read(1 << 16), patience)
            except asyncio.TimeoutError:
                seen.cut = "idle"
                return
            pending += data
            if data and (held or len(pending) < self.habits.buffer):
                continue
            to_client.write(bytes(pending))
            await to_client.drain()
            seen.handed_on += len(pending)
            seen.written.append(len(pending))
            pending.clear()
            handed_at = loop.time()
            if not data:
                return
            if upgraded and self.habits.upgraded_bytes is not None and seen.handed_on >= self.habits.upgraded_bytes:
                seen.cut = "upgraded"
                return
