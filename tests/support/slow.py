"""A link that is slow, or swallows everything: what lies between a robot and its hub on a bad day."""

from __future__ import annotations

import socket
import threading
import time

from .waiting import PATIENCE

#: Small portions, so that the pace is even.
PORTION = 4096


class SlowLink:
    """`with SlowLink(hub.port, 400_000) as link: StreamPublisher(link.url, …)`. Without a port it takes connections and
    reads nothing from them."""

    def __init__(self, port: int | None = None, bytes_per_second: float | None = None):
        self.hub_port = port
        #: Towards the hub; None for no limit. May be changed while it works.
        self.bytes_per_second = bytes_per_second
        #: How many were accepted.
        self.connections = 0
        self._connected = threading.Event()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> SlowLink:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        # A blocked accept is woken by shutting the socket down, not by closing it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._sockets):
            _end(sock)

    def wait_for_connection(self) -> None:
        assert self._connected.wait(PATIENCE), "no connection came"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            self.connections += 1
            self._connected.set()
            if self.hub_port is None:
                continue
            hub = socket.create_connection(("127.0.0.1", self.hub_port))
            self._sockets.append(hub)
            for sock in (client, hub):
                # Small portions would else wait for each other's acknowledgement.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(client, hub, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(hub, client, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, paced: bool) -> None:
        try:
            while data := source.recv(PORTION):
                target.sendall(data)
                if paced and self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
        except OSError:
            pass
        _end(source)
        _end(target)


def _end(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # ended already
    sock.close()
