"""A server on a raw socket that answers as well or as badly as a test scripts it.

A script gets the connection and the request's octets, and does what it likes with the connection.
Nothing is timed but the trickle: what hangs, hangs until the server is closed.
"""

import contextlib
import json
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

HANG_SECONDS_MAX: Final = 30.0
TRICKLE_SECONDS: Final = 0.02

Script = Callable[["Server", socket.socket], None]


class Server:
    """One scripted server on a free port of loopback; `requests` holds what arrived, whole."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[tuple[threading.Thread, socket.socket]] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self.stop.set()
        # Wakes the accept, which closing alone does not.
        socket.create_connection(self._listener.getsockname()).close()
        self._accepting.join()
        for thread, connection in self._threads:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
        self._listener.close()

    def read(self, connection: socket.socket) -> bytes:
        """Read one whole request, as far as its Content-Length; b"" if the client has left."""
        octets = b""
        while b"\r\n\r\n" not in octets:
            more = connection.recv(65536)
            if not more:
                return b""
            octets += more
        head, body = octets.split(b"\r\n\r\n", 1)
        wanted = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                wanted = int(line.split(b":")[1])
        while len(body) < wanted:
            more = connection.recv(65536)
            if not more:
                return b""
            body += more
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def wait(self, connection: socket.socket) -> None:
        """Keep silent until the client leaves or the test is over."""
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            for _ in range(int(HANG_SECONDS_MAX / 0.05)):
                if self.stop.is_set() or selector.select(0.05):
                    return

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stop.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append((thread, connection))
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.script(self, connection)
            except ConnectionError:
                return  # the client gave up first, as it may


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    server = Server(script)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a port on which nothing listens, held so that nothing else can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http_json(status: int, body: object) -> bytes:
    return http(status, json.dumps(body).encode(), "Content-Type: application/json")


def answering(octets: bytes) -> Script:
    """Read the request, send `octets`, close."""

    def script(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            connection.sendall(octets)

    return script


def replying(status: int, body: object) -> Script:
    return answering(http_json(status, body))


def reset_at_once(server: Server, connection: socket.socket) -> None:
    """TCP RST without reading anything, perhaps while the client still connects."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_unread(server: Server, connection: socket.socket) -> None:
    """TCP RST with all but the first octet of the request unread."""
    connection.recv(1)
    reset_at_once(server, connection)


def reset_read(server: Server, connection: socket.socket) -> None:
    """TCP RST after the whole request was read: it may have been done."""
    server.read(connection)
    reset_at_once(server, connection)


def close_read(server: Server, connection: socket.socket) -> None:
    """An end of stream after the whole request was read."""
    server.read(connection)


def ignore(server: Server, connection: socket.socket) -> None:
    """Read nothing and say nothing."""
    server.stop.wait(HANG_SECONDS_MAX)


def hang(server: Server, connection: socket.socket) -> None:
    server.read(connection)
    server.wait(connection)


def trickling(octets: bytes, *, at_once: int = 0) -> Script:
    """Send `octets` a few at a time, each long before a read times out: in two seconds at least.

    The first `at_once` are sent together.
    """

    def script(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(octets[:at_once])
        rest = octets[at_once:]
        step = max(1, len(rest) * int(TRICKLE_SECONDS * 1000) // 2000)
        for start in range(0, len(rest), step):
            if server.stop.wait(TRICKLE_SECONDS):
                return
            connection.sendall(rest[start : start + step])

    return script
