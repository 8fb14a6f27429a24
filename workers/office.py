"""Everything a worker works with, built once per process from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hes_adapter.drivers.base import HeadEndSystem
from hes_adapter.drivers.embedded import EmbeddedHes
from ledger.store import Ledger, open_engine
from operator_client.sms.base import SmsCentre
from operator_client.sms.sandbox import SandboxSms
from operator_client.wallet.base import Wallet
from operator_client.wallet.sandbox import SandboxWallet
from outward.transport import Transport
from platform_client.client import Platform
from ussd_app.rates import limiter
from ussd_app.render.texts import Messages
from ussd_app.sealing import Sealer
from ussd_app.settings import secret_octets
from workers import settings as settings_module
from workers.application import FILTERS
from workers.guesses import Guesses
from workers.queue import Doorbell
from workers.saga import Windows
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Office:
    """The parties, the ledger, the bell, the texts and the clock (seconds since the epoch)."""

    settings: Settings
    ledger: Ledger
    doorbell: Doorbell
    wallet: Wallet
    sms: SmsCentre
    platform: Platform
    hes: HeadEndSystem
    messages: Messages
    windows: Windows
    clock: Callable[[], float]
    guesses: Guesses | None = None


def windows(settings: Settings, *, vend_again: bool) -> Windows:
    """The saga's windows, from the settings and what the head end system promises."""
    return Windows(
        settle=settings.settle_seconds,
        ask=settings.ask_seconds,
        ask_max=settings.ask_seconds_max,
        not_found=settings.not_found_seconds,
        retry_max=settings.retry_seconds_max,
        notice=settings.notice_seconds,
        lease=settings.lease_seconds,
        screen=settings.screen_seconds,
        vend_again=vend_again,
    )


def open_ledger(settings: Settings, sealer: Sealer, patience_seconds: float = 10.0) -> Ledger:
    """The ledger, its tables made if they are missing; see `open_engine` for the patience."""
    ledger = Ledger(open_engine(settings.ledger(), patience_seconds), sealer)
    ledger.create()
    return ledger


@lru_cache(maxsize=1)
def office() -> Office:
    """This process's office; raises `BadSettings`."""
    settings = settings_module.load()
    sealer = Sealer(secret_octets(settings))

    def transport(url: str, key: str, *, keep_alive: bool = False) -> Transport:
        return Transport(url, key, settings.ca_file, keep_alive=keep_alive)

    hes = EmbeddedHes(transport(settings.hes_url, settings.hes_key.get_secret_value()))
    operator = transport(settings.operator_url, settings.operator_key.get_secret_value())
    platform_key = settings.platform_key.get_secret_value()
    return Office(
        settings,
        open_ledger(settings, sealer),
        Doorbell(settings.redis_url, sealer),
        SandboxWallet(operator),
        SandboxSms(operator),
        Platform(
            transport(settings.platform_url, platform_key, keep_alive=True),
            transport(settings.platform_url, platform_key),
            fresh_seconds=settings.lookup_fresh_seconds,
            clock=time.monotonic,
        ),
        hes,
        Messages.load(settings.menus_dir / "sms.yaml", FILTERS),
        windows(settings, vend_again=hes.idempotent),
        time.time,
        Guesses(limiter(settings.redis_url), sealer, settings.unknown_meters_per_hour),
    )
