"""An app on a loopback port, started and stopped cleanly: by the command, and by tests."""

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LISTEN_HOST = "127.0.0.1"


class NotLoopbackError(ValueError):
    """A simulator moves pretend money without asking who is there: it listens on loopback only."""


def require_loopback(host: str) -> None:
    """Raise NotLoopbackError unless `host` is an address of this machine alone."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise NotLoopbackError(
            f"{host} is not a loopback address; simulators listen on {LISTEN_HOST} only"
        )


class _QuietHandler(WSGIRequestHandler):
    """Logs no request: the apps themselves note what is notable, with numbers masked."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        if type == "error":
            super().log(type, message, *args)

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        # Without an answer there was no "Connection: close", and HTTP/1.1 would wait for more.
        self.close_connection = True


class _Server(ThreadedWSGIServer):
    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        # The standard way sends a FIN first, after which no RST can be made of the close.
        self.close_request(request)


class RunningServer:
    """`app` served by threads on `host`:`port` (0 = any free) from construction to `close`.

    `stop` is set first at close, so that silences and long polls of the app end at once.
    Raises NotLoopbackError, or OSError when the port is taken.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        stop: threading.Event,
        host: str = LISTEN_HOST,
        port: int = 0,
    ) -> None:
        require_loopback(host)
        self._stop = stop
        self._server = _Server(host, port, app, handler=_QuietHandler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, without a trailing slash."""
        return f"http://{self._server.host}:{self._server.port}"

    def close(self) -> None:
        """Stop listening and wait for the listener's thread."""
        self._stop.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
