"""Asynchronous gateways: a callback is acknowledged at once, its screen follows in a call of ours.

The hop is answered as any other, by a bounded number of threads; what it comes to is handed to
`send`, by whoever made the reply. A repeat of a callback is acknowledged and sends nothing again,
unless the screen is known not to have been taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ussd_app.effects import NoAnswer
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.gateways.base import BadEndpoint
from ussd_app.hop import Host
from ussd_app.messages import UssdRequest
from ussd_app.store import StoreDown

log = logging.getLogger("cassou.delivery")

#: Method, URL, headers, body; True once the other side has taken it.
Send = Callable[[str, str, Mapping[str, str], bytes], bool]

#: How long it is remembered that a screen did not go out: longer than gateways repeat callbacks.
_UNSENT_SECONDS = 300.0


class Delivery:
    """Answers callbacks of asynchronous gateways outside their HTTP request."""

    def __init__(self, host: Host, send: Send, threads: int) -> None:
        self._host = host
        self._send = send
        self._pool = ThreadPoolExecutor(threads, "delivery")

    def order(self, endpoint: ConfiguredEndpoint, request: UssdRequest) -> None:
        """Have a callback answered soon."""
        self._pool.submit(self._deliver, endpoint, request)

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()

    def _deliver(self, endpoint: ConfiguredEndpoint, request: UssdRequest) -> None:
        name = endpoint.facts.name
        try:
            self._answered(endpoint, request)
        except (StoreDown, NoAnswer, BadEndpoint) as error:
            log.error("%s: %s", name, error)  # noqa: TRY400  # its text says all
        except Exception:
            log.exception("%s: a screen was not sent", name)

    def _answered(self, endpoint: ConfiguredEndpoint, request: UssdRequest) -> None:
        store = self._host.store
        reply, is_fresh = self._host.answer_once(endpoint, request)
        key = self._host.sealer.name("unsent", endpoint.facts.name, request.session)
        if not is_fresh and store.recall([key]) == [None]:
            return
        call = endpoint.gateway.outbound(reply, request, endpoint.facts, time.time())
        taken = self._send(call.method, call.url, call.headers, call.body)
        if not taken or not is_fresh:
            store.keep(key, None if taken else 1, _UNSENT_SECONDS)
