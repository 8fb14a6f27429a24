"""The composition root of the web side: settings in, one WSGI application out."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping

from flask import Flask

from ussd_app.application import named
from ussd_app.delivery import Delivery
from ussd_app.endpoints import ConfiguredEndpoint, budgets_of
from ussd_app.endpoints import load as load_endpoints
from ussd_app.hop import Backends, Host, Limits
from ussd_app.messages import Budget
from ussd_app.programs import Directory, LivePrograms, release
from ussd_app.rates import Rates, limiter_over
from ussd_app.sealing import Sealer
from ussd_app.settings import BadSettings, Environment, secret_octets
from ussd_app.shelf import Shelf
from ussd_app.store import RedisStore, StoreDown, Wire
from ussd_app.web import create_app
from workers import settings as settings_module
from workers.frontdesk import SERVED, FrontDesk
from workers.office import open_ledger
from workers.outbound import Outbound
from workers.queue import Doorbell
from workers.settings import Settings

#: How long a callback may wait for the ledger: a gateway waits for us.
_PATIENCE_SECONDS = 2.0


def load_directory(settings: Settings, budgets: tuple[Budget, ...] = (Budget(),)) -> Directory:
    """Every flow of the menus, compiled; raises `FlowError`, OSError, `BadSettings`."""
    menus_dir = settings.menus_dir
    try:
        application = named(settings.application)
    except ValueError as error:
        raise BadSettings(f"CASSOU_APPLICATION={error}") from None
    directory = Directory(menus_dir, application, budgets)
    unserved = sorted(set(directory.library.backends) - SERVED)
    if unserved:
        raise BadSettings(f"the catalogue declares back-ends nobody serves: {', '.join(unserved)}")
    if not directory.flows:
        raise BadSettings(f"{menus_dir} holds no flow")
    return directory


def checked_endpoints(
    settings: Settings, environment: Mapping[str, str]
) -> dict[str, ConfiguredEndpoint]:
    """The endpoints, refused in production where they trust anybody; raises `BadSettings`."""
    endpoints = load_endpoints(settings.endpoints_file, environment)
    if settings.environment is not Environment.PRODUCTION:
        return endpoints
    problems = []
    open_ones = sorted(name for name, each in endpoints.items() if each.trust.open)
    if open_ones:
        names = ", ".join(open_ones)
        problems.append(
            f"in production no endpoint may trust anybody: give {names} peers or a secret"
        )
    wide = sorted(
        name
        for name, each in endpoints.items()
        if any(not network.prefixlen for network in (*each.trust.peers, *each.trust.proxies))
    )
    if wide:
        names = ", ".join(wide)
        problems.append(f"in production no network is everybody's: take /0 from {names}")
    captured = sorted(name for name, each in endpoints.items() if each.capture)
    if captured:
        names = ", ".join(captured)
        problems.append(
            f"in production nobody's callbacks are written to a file: take capture from {names}"
        )
    if problems:
        raise BadSettings("\n".join(problems))
    return endpoints


def build(settings: Settings, backends: Backends | None = None) -> Flask:
    """The application; `backends` replaces the real way to the back-ends (for benchmarks)."""
    sealer = Sealer(secret_octets(settings))
    if backends is None:
        backends = FrontDesk(
            open_ledger(settings, sealer, _PATIENCE_SECONDS),
            Doorbell(settings.redis_url, sealer),
            settings,
            time.time,
        )
    remembered = settings.session_ttl_seconds + settings.session_memory_seconds
    endpoints = checked_endpoints(settings, os.environ)
    directory = load_directory(settings, budgets_of(endpoints))
    shelf = Shelf(settings.published())
    release(directory, shelf)
    wire = Wire(settings.redis_url)
    host = Host(
        LivePrograms(directory, shelf),
        RedisStore(wire, sealer, remembered),
        backends,
        sealer,
        Limits(settings.session_ttl_seconds, settings.reply_margin_seconds),
        time.time,
        lambda: os.urandom(12).hex(),
        threading.Semaphore(settings.waiting_callers_max),
        Rates(limiter_over(wire.command), settings.dials_per_minute, StoreDown),
    )
    # Of a process's threads, some are left to callers whose bodies have come.
    readers = max(settings.web_threads - 4, settings.web_threads // 2)
    send = Outbound(settings.ca_file, settings.call_deadline_seconds)
    delivery = Delivery(host, send, settings.waiting_callers_max or 1)
    tells_names = settings.environment is Environment.DEVELOPMENT
    return create_app(
        host, endpoints, settings.body_octets_max, readers, delivery, tells_names=tells_names
    )


def application() -> Flask:
    """The application of this process's environment, for the WSGI server."""
    settings = settings_module.load()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # It tells every state it passes, which is the engine's business, at a cost on every hop.
    logging.getLogger("transitions").setLevel(logging.WARNING)
    if settings.environment is Environment.DEVELOPMENT:
        logging.getLogger("cassou.hop").setLevel(logging.DEBUG)
    return build(settings)
