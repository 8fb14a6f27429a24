"""The only Flask code for callbacks: one app, and before its dispatch, the callback endpoints.

A callback is answered in `Callbacks`, ahead of Flask's request context: the adapters take plain
values anyway, and a dispatch would cost several times the turn itself (docs/decisions). Everything
else, health and errors included, is Flask's.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Response

from ussd_app.delivery import Delivery
from ussd_app.effects import NoAnswer
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.hop import Host
from ussd_app.messages import NOTICES, BadCallback, HttpRequest, Kind, UssdReply, UssdRequest
from ussd_app.store import StoreDown
from ussd_app.trust import NONCE, SIGNATURE

log = logging.getLogger("cassou.web")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Callback URLs are this and an endpoint's name.
MOUNT = "/ussd/"
#: On every answer: it is for the gateway that asked, to be kept by nobody, run by nothing.
SECURITY_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_LENGTH_DIGITS_MAX = 12


def create_app(
    host: Host,
    endpoints: Mapping[str, ConfiguredEndpoint],
    body_octets_max: int,
    readers_max: int = 8,
    delivery: Delivery | None = None,
    *,
    tells_names: bool = False,
) -> Flask:
    """The web application; `readers_max` bounds the bodies that are being read at once.

    `delivery` answers asynchronous gateways; where there is none, their callbacks are refused.
    `tells_names` helps whoever calls a wrong address with the right ones.
    """
    app = Flask(__name__, static_folder=None)

    @app.get("/health")
    def health() -> Response:
        """Whether this process answers; it asks nobody else."""
        return Response("ok\n", mimetype="text/plain")

    @app.errorhandler(404)
    def not_found(_error: Exception) -> Response:
        names = ", ".join(f"{MOUNT}{name}" for name in endpoints)
        known = f"; callbacks go to {names}" if tells_names else ""
        return Response(f"no such page{known}\n", 404, mimetype="text/plain")

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers.extend(SECURITY_HEADERS)
        return response

    callbacks = Callbacks(app.wsgi_app, host, endpoints, body_octets_max, readers_max, delivery)
    app.wsgi_app = callbacks  # type: ignore[method-assign]  # Flask's documented place for this
    return app


#: A slot to read a body is free again in microseconds, unless bodies do not come.
_READER_SECONDS = 1.0


class Refused(Exception):  # noqa: N818  # refused, not in error
    """A request that is no callback: the HTTP status and a sentence for who sent it."""

    def __init__(self, status: HTTPStatus, sentence: str, *headers: tuple[str, str]) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers
        #: What the log is told: more than the caller, where that is a stranger.
        self.reason = sentence


class Callbacks:
    """Answers `/ussd/NAME…`; hands everything else to Flask."""

    def __init__(
        self,
        other: Wsgi,
        host: Host,
        endpoints: Mapping[str, ConfiguredEndpoint],
        body_octets_max: int,
        readers_max: int,
        delivery: Delivery | None,
    ) -> None:
        self._delivery = delivery
        self._other = other
        self._host = host
        self._endpoints = endpoints
        self._body_octets_max = body_octets_max
        self._readers = threading.Semaphore(readers_max)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(MOUNT):
            return self._other(environ, start_response)
        name, slash, rest = path[len(MOUNT) :].partition("/")
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return self._other(environ, start_response)
        request = None
        try:
            request = self._read(endpoint, slash + rest, environ)
            reply = self._answer(endpoint, request)
        except Refused as refused:
            log.info("%s refused: %s", name, refused.reason)
            body = f"{refused}\n".encode()
            reply = UssdReply(refused.status, "text/plain; charset=utf-8", body, refused.headers)
        if endpoint.capture is not None and request is not None:
            _write_down(endpoint, endpoint.capture, request, reply)
        start_response(
            _status_line(reply.status),
            [
                ("Content-Type", reply.content_type),
                ("Content-Length", str(len(reply.body))),
                *SECURITY_HEADERS,
                *reply.headers,
            ],
        )
        return [reply.body]

    def _read(self, endpoint: ConfiguredEndpoint, path: str, environ: Environ) -> HttpRequest:
        """The request, believed; its body is read last, where its head may be believed."""
        trust = endpoint.trust
        now = self._host.clock()
        request = HttpRequest(
            environ["REQUEST_METHOD"],
            path,
            environ.get("QUERY_STRING", ""),
            _headers(environ),
            b"",
            environ.get("REMOTE_ADDR", ""),
        )
        _believe(request, trust.why_not_head(request, now))
        path = trust.path_of(path).rstrip("/")
        if not endpoint.gateway.serves(path):
            raise Refused(HTTPStatus.NOT_FOUND, "no such page under this endpoint")
        if request.method not in endpoint.gateway.methods:
            allowed = ", ".join(sorted(endpoint.gateway.methods))
            sentence = f"this gateway calls back by {allowed}"
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, sentence, ("Allow", allowed))
        body = b"" if request.method == "GET" else self._body(environ)
        request = request._replace(path=path, body=body)
        if trust.needs_body:
            _believe(request, trust.why_not_body(request, now))
            if trust.is_signed:
                self._believe_once(endpoint, request)
        return request

    def _believe_once(self, endpoint: ConfiguredEndpoint, request: HttpRequest) -> None:
        nonce, signature = request.headers[NONCE], request.headers[SIGNATURE]
        try:
            if self._host.is_new(endpoint, nonce, signature):
                return
        except StoreDown as error:
            # Whether it is a copy cannot be known, and so not be believed.
            sentence = "the nonce cannot be looked up"
            log.error("%s: %s", endpoint.facts.name, error)  # noqa: TRY400  # its text says all
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, sentence) from None
        _believe(request, f"its {NONCE} has been used before")

    def _body(self, environ: Environ) -> bytes:
        most = self._body_octets_max
        sentence = f"the body is over {most} octets"
        declared = environ.get("CONTENT_LENGTH") or "0"
        if not (declared.isascii() and declared.isdigit()):
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        if len(declared) > _LENGTH_DIGITS_MAX or int(declared) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        # Beyond what is declared a server may have nothing more to give, and wait (PEP 3333).
        endless = "HTTP_TRANSFER_ENCODING" in environ or environ.get("wsgi.input_terminated")
        octets = most + 1 if endless else int(declared)
        # A body that never comes holds its thread: some threads are kept for those that come.
        if not self._readers.acquire(timeout=_READER_SECONDS):
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many bodies have not come yet")
        try:
            body: bytes = environ["wsgi.input"].read(octets)
        finally:
            self._readers.release()
        if len(body) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        return body

    def _answer(self, endpoint: ConfiguredEndpoint, request: HttpRequest) -> UssdReply:
        try:
            decoded = endpoint.gateway.decode(request, endpoint.facts)
        except BadCallback as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        # Notices and questions take little, and a notice that is lost is a session not dropped.
        counted = decoded.kind not in {*NOTICES, Kind.STATUS}
        if counted and not self._host.lets_in(endpoint):
            log.warning("%s: more callbacks than are let in", endpoint.facts.name)
            return self._apology(endpoint, decoded, "busy")
        if endpoint.gateway.capabilities.asynchronous and decoded.kind not in NOTICES:
            if self._delivery is None:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "nothing here sends screens")
            self._delivery.order(endpoint, decoded)
            return endpoint.gateway.acknowledge(decoded, live=True)
        try:
            return self._host.answer(endpoint, decoded)
        except (StoreDown, NoAnswer) as error:
            log.error("%s: %s", endpoint.facts.name, error)  # noqa: TRY400  # its text says all
        except Exception:
            # The shell alone turns a bug into an apology: the client must not be left hanging.
            log.exception("%s: a hop failed", endpoint.facts.name)
        return self._apology(endpoint, decoded, "error")

    def _apology(self, endpoint: ConfiguredEndpoint, decoded: UssdRequest, text: str) -> UssdReply:
        quiet = decoded.kind in {*NOTICES, Kind.STATUS}
        if quiet or endpoint.gateway.capabilities.asynchronous:
            return endpoint.gateway.acknowledge(decoded)
        return self._host.plain(endpoint, decoded, text)


def _believe(request: HttpRequest, why_not: str) -> None:
    """Refuse a stranger, who is told nothing of why."""
    if why_not:
        refused = Refused(HTTPStatus.FORBIDDEN, "this endpoint does not trust the caller")
        refused.reason = f"{request.peer} is not trusted: {why_not}"
        raise refused


#: One exchange after another, whole lines.
_WRITING = threading.Lock()
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def _write_down(
    endpoint: ConfiguredEndpoint, capture: Path, request: HttpRequest, reply: UssdReply
) -> None:
    """Add one exchange to a capture, less what the caller is trusted by; never in production."""
    secret = endpoint.trust.headers
    headers = {name: "x" if name in secret else value for name, value in request.headers.items()}
    query = f"?{request.query}" if request.query else ""
    # WSGI has decoded the path to Latin-1 (PEP 3333); as it was sent it is one URL again.
    path = quote(request.path, encoding="latin-1")
    asked = {
        "method": request.method,
        "path_query": f"{MOUNT}{endpoint.facts.name}{path}{query}",
        "headers": headers,
        **_written(request.body),
    }
    shown = {"content-type": reply.content_type, **dict(reply.headers)}
    answered = {"status": reply.status, "headers": shown, **_written(reply.body)}
    line = json.dumps({"request": asked, "reply": answered}, ensure_ascii=False)
    try:
        with (
            _WRITING,
            os.fdopen(os.open(capture, _APPENDING, 0o600), "a", encoding="utf-8") as file,
        ):
            file.write(line + "\n")
    except OSError as error:
        log.warning("nothing is captured: %s", error)


def _written(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _headers(environ: Environ) -> dict[str, str]:
    found = {
        _header_name(name): value for name, value in environ.items() if name.startswith("HTTP_")
    }
    found["content-type"] = environ.get("CONTENT_TYPE", "")
    return found


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


@lru_cache(maxsize=256)
def _header_name(name: str) -> str:
    """`HTTP_X_KEY` as `x-key`; gateways send the same few over and over."""
    return name[5:].replace("_", "-").lower()
