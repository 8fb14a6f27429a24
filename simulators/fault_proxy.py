"""A proxy that forwards everything and breaks what it is told to: a bad network, to order.

It stands between any client and any server of ours, knows neither, and so can break answers that
the server itself gave well. Its admin has a port of its own, so that it can be reached while the
proxy plays dead.
"""

import http.client
import socket
import socketserver
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from flask import Flask, Response, request
from pydantic import ValidationError

from simulators.faults import Answer, json_response
from simulators.proxy_faults import ProxyFault, ProxyFaults, ProxyOrder
from simulators.serving import LISTEN_HOST, require_loopback
from simulators.web import json_object
from simulators.wire import keep_silent, reset_on_close

UPSTREAM_SECONDS_MAX = 70.0
"""How long a forwarded request may take, in seconds: longer than any long poll."""

# RFC 9110, 7.6.1: these speak of one connection and are not forwarded.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Proxy:
    """Listens on `host`:`port` (0 = any free) and forwards to `to_url` until `close`.

    Raises NotLoopbackError when either end is not on this machine.
    """

    def __init__(self, to_url: str, host: str = LISTEN_HOST, port: int = 0) -> None:
        target = urlsplit(to_url)
        require_loopback(host)
        require_loopback(target.hostname or "")
        self.faults = ProxyFaults()
        self.stop = threading.Event()
        self.target = target.netloc
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self.come_up()

    @property
    def url(self) -> str:
        """Where it listens, also while it is down."""
        return f"http://{self._host}:{self._port}"

    @property
    def is_down(self) -> bool:
        """Whether connections are refused."""
        return self._server is None

    def come_up(self) -> None:
        """Listen, on the same port as before."""
        with self._lock:
            if self._server is None:
                self._server = _Server((self._host, self._port), self)
                self._port = self._server.server_address[1]
                threading.Thread(
                    target=self._server.serve_forever,
                    kwargs={"poll_interval": 0.02},
                    daemon=True,
                ).start()

    def go_down(self) -> None:
        """Stop listening: new connections are refused; those open go on."""
        with self._lock:
            if self._server is not None:
                self._server.shutdown()
                self._server.server_close()
                self._server = None

    def close(self) -> None:
        """Stop for good; every silence ends."""
        self.stop.set()
        self.go_down()


class _Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The standard one asks the resolver for the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        # The standard way sends a FIN first, after which no RST can be made of the close.
        self.close_request(request)

    def handle_error(
        self,
        request: socket.socket | tuple[bytes, socket.socket],
        client_address: object,
    ) -> None:
        """Clients that leave in the middle are this proxy's daily bread, and not worth a trace."""


@dataclass(frozen=True, slots=True)
class _Upstream:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        self._proxy = self.server.proxy
        if self._proxy.faults.take_blind() is not None:
            reset_on_close(self.connection)
            return
        super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Log nothing: paths carry numbers and serials."""

    def do_GET(self) -> None:
        self._forward()

    do_DELETE = do_HEAD = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

    def _forward(self) -> None:
        self.close_connection = True
        if "Transfer-Encoding" in self.headers:
            self._say(411, "text/plain", b"Send a Content-Length; chunked bodies are not read.\n")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._proxy.faults.take(self.command, self.path)
        if fault is None or not self._broken_before(fault):
            try:
                answer = self._ask(body)
            except (OSError, http.client.HTTPException):
                # The server is away or broke off: so does the proxy, having nothing to say.
                reset_on_close(self.connection)
                return
            self._answer(answer, fault)

    def _broken_before(self, fault: ProxyFault) -> bool:
        match fault.fault:
            case "refuse" | "reset_before":
                reset_on_close(self.connection)
            case "hang":
                keep_silent(self.connection, self._proxy.stop)
            case "error_before":
                self._say(500, "text/plain", b"Failed to order.\n")
            case _:
                return False
        return True

    def _ask(self, body: bytes) -> _Upstream:
        upstream = http.client.HTTPConnection(self._proxy.target, timeout=UPSTREAM_SECONDS_MAX)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            upstream.putheader("Host", self._proxy.target)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP | {"host"}:
                    upstream.putheader(name, value)
            upstream.putheader("Connection", "close")
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            return _Upstream(response.status, response.getheaders(), response.read())
        finally:
            upstream.close()

    def _answer(self, answer: _Upstream, fault: ProxyFault | None) -> None:
        sent = answer.body
        match fault.fault if fault else None:
            case "reset_after":
                reset_on_close(self.connection)
                return
            case "hang_after":
                keep_silent(self.connection, self._proxy.stop)
                return
            case "error_after":
                self._say(500, "text/plain", b"Failed to order.\n")
                return
            case "html":
                self._say(200, "text/html; charset=utf-8", b"<html><body>Bienvenue</body></html>")
                return
            case "truncate":
                sent = sent[: len(sent) // 2]
            case "slow" if fault:
                self._proxy.stop.wait(fault.seconds)
        self._send(answer.status, answer.headers, len(answer.body), sent)

    def _say(self, status: int, content_type: str, body: bytes) -> None:
        self._send(status, [("Content-Type", content_type)], len(body), body)

    def _send(
        self, status: int, headers: list[tuple[str, str]], octets_promised: int, sent: bytes
    ) -> None:
        self.send_response_only(status)
        length = str(octets_promised)
        for name, value in headers:
            if name.lower() == "content-length":
                # The answer to HEAD, and 304, speak of a body that they do not carry.
                length = value
            elif name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(sent)


def create_admin(proxy: Proxy) -> Flask:
    """The admin of a proxy: GET, POST and DELETE /_faults.

    POST takes a fault (ProxyFault) or {"down": true|false}; DELETE disarms all and comes up.
    """
    app = Flask("simulators.fault-proxy")

    @app.errorhandler(ValidationError)
    def malformed(error: ValidationError) -> Response:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        message = f"Malformed: {where}: {first['msg']}."
        return json_response(Answer(422, {"code": "bad_request", "message": message}))

    @app.get("/_faults")
    def listing() -> Response:
        return json_response(Answer(200, {"down": proxy.is_down, "faults": proxy.faults.listing()}))

    @app.post("/_faults")
    def order() -> Response:
        body = json_object()
        if "down" in body:
            if ProxyOrder.model_validate(body).down:
                proxy.go_down()
            else:
                proxy.come_up()
            return json_response(Answer(200, {"down": proxy.is_down}))
        number = proxy.faults.arm(ProxyFault.model_validate_json(request.get_data()))
        return json_response(Answer(201, {"number": number}))

    @app.delete("/_faults")
    def clear() -> Response:
        proxy.faults.clear()
        proxy.come_up()
        return json_response(Answer(200, {"cleared": True}))

    return app
