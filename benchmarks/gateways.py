"""What one hop costs behind each gateway: decode, the turn, encode; sessions in this process."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from benchmarks.stubbed import Stubs
from cassou.embedded import EmbeddedRedis
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.gateways import GATEWAYS, Gateway
from ussd_app.gateways.base import Endpoint
from ussd_app.hop import FixedPrograms, Host, Limits
from ussd_app.messages import Budget, HttpRequest, Kind, UssdRequest
from ussd_app.programs import Directory
from ussd_app.screens import Program
from ussd_app.sealing import Sealer
from ussd_app.store import MemoryStore, RedisStore, Store, Wire
from ussd_app.trust import Trust
from workers import settings as settings_module
from workers.application import APPLICATION

_DIALOGS = 60
_ROUNDS = 3
_INPUTS = ("", "1", "04246801379", "10", "1")
_OPTIONS = {
    "url": "/ussd/phone",
    "sp_id": "1",
    "sp_password": "p",
    "account_key": "a",
    "access_token": "t",
}
_FACTS = Endpoint("phone", "BF", ("*789#",), options=_OPTIONS)
_SESSIONS = 5000


def run() -> int:
    """Print the figures."""
    print("\none hop behind each gateway, µs of CPU and as a ratio to africastalking")
    program = _program()
    costs: dict[str, list[float]] = {name: [] for name in sorted(GATEWAYS)}
    for _ in range(_ROUNDS):
        for name, found in costs.items():
            found.append(_cost(GATEWAYS[name], program))
    reference = min(costs["africastalking"])
    for name, found in sorted(costs.items(), key=lambda each: min(each[1])):
        print(f"{name:24}{min(found) * 1e6:8.0f}{min(found) / reference:8.2f}")
    return 0


def _cost(gateway: Gateway, program: Program) -> float:
    """CPU seconds of one hop."""
    clock = [1_700_000_000.0]
    host = _host(program, MemoryStore(), clock)
    endpoint = _endpoint(gateway)
    dialogs = [list(_callbacks(gateway, number)) for number in range(_DIALOGS)]
    began = time.process_time()
    for callbacks in dialogs:
        for callback in callbacks:
            clock[0] += 5
            host.answer(endpoint, gateway.decode(callback, _FACTS))
    return (time.process_time() - began) / (_DIALOGS * len(_INPUTS))


def _program() -> Program:
    directory = Directory(settings_module.load().menus_dir, APPLICATION, (Budget(),))
    return next(iter(directory.flows.values()))


def _host(program: Program, store: Store, clock: list[float]) -> Host:
    numbers = itertools.count()
    return Host(
        FixedPrograms((program,)),
        store,
        Stubs(0, 0.0),
        Sealer(bytes(32)),
        Limits(180, 1.0),
        lambda: clock[0],
        lambda: f"instance-{next(numbers)}",
        threading.Semaphore(4),
    )


def _endpoint(gateway: Gateway) -> ConfiguredEndpoint:
    return ConfiguredEndpoint(_FACTS, gateway, Trust(open=True), Budget())


def _callbacks(gateway: Gateway, number: int) -> Iterator[HttpRequest]:
    request = UssdRequest(
        Kind.BEGIN, f"bench-{number}", f"+22670{number:06d}", "*789#", "", f"h-{number}"
    )
    for hops in range(1, len(_INPUTS) + 1):
        callback = gateway.example(request, _INPUTS[:hops])
        yield callback._replace(path=callback.path.removeprefix("/ussd/phone"))


def memory() -> int:
    """Print what live sessions take in Redis, each at the confirmation of a purchase."""
    print(f"\n{_SESSIONS} live sessions in Redis, at the confirmation of a purchase")
    with (
        tempfile.TemporaryDirectory(prefix="cassou-bench-") as name,
        EmbeddedRedis.start(Path(name)) as redis,
        Redis.from_url(redis.url) as client,
    ):
        store = RedisStore(Wire(redis.url), Sealer(bytes(32)), 900)
        host = _host(_program(), store, [1_700_000_000.0])
        gateway = GATEWAYS["africastalking"]
        before = _used(client)
        for number in range(_SESSIONS):
            for callback in list(_callbacks(gateway, number))[:-1]:
                host.answer(_endpoint(gateway), gateway.decode(callback, _FACTS))
        octets = (_used(client) - before) / _SESSIONS
    print(f"{octets:.0f} octets each: {octets * 1e6 / 2**20:.0f} MiB a million")
    return 0


def _used(client: Redis) -> int:
    found = client.info("memory")
    return int(found["used_memory"]) if isinstance(found, dict) else 0
