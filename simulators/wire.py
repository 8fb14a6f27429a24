"""What a broken network does to one connection, at the level of the socket.

A client cannot tell a server that died from one that is slow by anything but these: a reset (RST),
an end of stream (FIN), or silence. HTTP libraries of servers do not offer them, so they are here.
"""

import selectors
import socket
import struct
import threading
import time

HANG_SECONDS_MAX = 30.0
"""Silence ends after this, in seconds: longer than the budget of any client of ours."""

_LOOK_SECONDS = 0.05


def reset_on_close(connection: socket.socket) -> None:
    """Make the close of `connection` a TCP RST: SO_LINGER on with zero seconds (RFC 9293, 3.10.4).

    Bytes not yet sent are thrown away, as they are when a machine loses its power.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def keep_silent(
    connection: socket.socket, stop: threading.Event, seconds_max: float = HANG_SECONDS_MAX
) -> None:
    """Answer nothing until the client gives up, `stop` is set, or `seconds_max` have passed."""
    deadline = time.monotonic() + seconds_max
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while time.monotonic() < deadline and not stop.is_set():
            if not selector.select(_LOOK_SECONDS):
                continue
            if _peer_has_left(connection):
                return
            stop.wait(_LOOK_SECONDS)


def _peer_has_left(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True
