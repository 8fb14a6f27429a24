"""The only Flask code for callbacks: one app, and before its dispatch, the callback endpoints.

A callback is answered in `Callbacks`, ahead of Flask's request context: the adapters take plain
values anyway, and a dispatch would cost several times the turn itself (docs/decisions). Everything
else, health and errors included, is Flask's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Flask, Response

from ussd_app.delivery import Delivery
from ussd_app.effects import NoAnswer
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.hop import Host
from ussd_app.messages import NOTICES, BadCallback, HttpRequest, UssdReply, UssdRequest
from ussd_app.store import StoreDown

log = logging.getLogger("cassou.web")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Callback URLs are this and an endpoint's name.
MOUNT = "/ussd/"
_LENGTH_DIGITS_MAX = 12


def create_app(
    host: Host,
    endpoints: Mapping[str, ConfiguredEndpoint],
    body_octets_max: int,
    readers_max: int = 8,
    delivery: Delivery | None = None,
) -> Flask:
    """The web application; `readers_max` bounds the bodies that are being read at once.

    `delivery` answers asynchronous gateways; where there is none, their callbacks are refused.
    """
    app = Flask(__name__, static_folder=None)

    @app.get("/health")
    def health() -> Response:
        """Whether this process answers; it asks nobody else."""
        return Response("ok\n", mimetype="text/plain")

    @app.errorhandler(404)
    def not_found(_error: Exception) -> Response:
        names = ", ".join(f"{MOUNT}{name}" for name in endpoints)
        return Response(f"no such page; callbacks go to {names}\n", 404, mimetype="text/plain")

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
        try:
            request = self._read(endpoint, slash + rest, environ)
            reply = self._answer(endpoint, request)
        except Refused as refused:
            log.info("%s refused: %s", name, refused)
            body = f"{refused}\n".encode()
            reply = UssdReply(refused.status, "text/plain; charset=utf-8", body, refused.headers)
        status = HTTPStatus(reply.status)
        start_response(
            f"{status.value} {status.phrase}",
            [
                ("Content-Type", reply.content_type),
                ("Content-Length", str(len(reply.body))),
                *reply.headers,
            ],
        )
        return [reply.body]

    def _read(self, endpoint: ConfiguredEndpoint, path: str, environ: Environ) -> HttpRequest:
        """The request, its body read last: only of whom the endpoint trusts."""
        method: str = environ["REQUEST_METHOD"]
        path = path.rstrip("/")
        if not endpoint.gateway.serves(path):
            raise Refused(HTTPStatus.NOT_FOUND, "no such page under this endpoint")
        if method not in endpoint.gateway.methods:
            allowed = ", ".join(sorted(endpoint.gateway.methods))
            sentence = f"this gateway calls back by {allowed}"
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, sentence, ("Allow", allowed))
        request = HttpRequest(
            method,
            path,
            environ.get("QUERY_STRING", ""),
            _headers(environ),
            b"",
            environ.get("REMOTE_ADDR", ""),
        )
        if not endpoint.trust.accepts(request):
            raise Refused(HTTPStatus.FORBIDDEN, "this endpoint does not trust the caller")
        return request if method == "GET" else replace(request, body=self._body(environ))

    def _body(self, environ: Environ) -> bytes:
        most = self._body_octets_max
        sentence = f"the body is over {most} octets"
        declared = environ.get("CONTENT_LENGTH") or "0"
        if not (declared.isascii() and declared.isdigit()):
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
        if len(declared) > _LENGTH_DIGITS_MAX or int(declared) > most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
        # A body that never comes holds its thread: some threads are kept for those that come.
        if not self._readers.acquire(timeout=_READER_SECONDS):
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many bodies have not come yet")
        try:
            body: bytes = environ["wsgi.input"].read(most + 1)
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
        return self._apology(endpoint, decoded)

    def _apology(self, endpoint: ConfiguredEndpoint, decoded: UssdRequest) -> UssdReply:
        if decoded.kind in NOTICES:
            return endpoint.gateway.acknowledge(decoded)
        return self._host.plain(endpoint, decoded, "error")


def _headers(environ: Environ) -> dict[str, str]:
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    found["content-type"] = environ.get("CONTENT_TYPE", "")
    return found
