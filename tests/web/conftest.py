"""The WSGI application over a store in memory, with back-ends and a clock played by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client, TestResponse

from ussd_app.effects import Call, CallResult, Message, NotStarted, Value
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.gateways import GATEWAYS, Endpoint
from ussd_app.hop import FixedPrograms, Host, Limits
from ussd_app.messages import Budget
from ussd_app.sealing import Sealer
from ussd_app.store import MemoryStore, Record
from ussd_app.trust import Header, Trust
from ussd_app.web import create_app

if TYPE_CHECKING:
    from ussd_app.flow.model import Backend
    from ussd_app.screens import Program

MSISDN = "+22670123456"
SERIAL = "04246801379"
#: Real seconds no test should take: what is awaited comes at once, or something is broken.
PATIENCE = 20.0


class Killed(BaseException):
    """This process dies here: nothing of it catches this."""


class WatchedStore(MemoryStore):
    """A store whose steps a test may stop or count."""

    def __init__(self) -> None:
        super().__init__()
        self.after_load: Callable[[], None] = lambda: None
        self.before_swap: Callable[[Record], None] = lambda _record: None
        self.after_swap: Callable[[Record], None] = lambda _record: None

    def load(self, key: bytes) -> Record | None:
        found = super().load(key)
        self.after_load()
        return found

    def swap(
        self, key: bytes, seen: bytes, record: Record, seconds: float = 0.0
    ) -> tuple[bool, Record | None]:
        self.before_swap(record)
        swapped = super().swap(key, seen, record, seconds)
        self.after_swap(record)
        return swapped


@dataclass
class Desk:
    """Back-ends that answer with the catalogue's samples unless told otherwise.

    `outcomes` names the outcome by back-end, `silent` those that never answer; a call of `gated`
    sets `entered` and answers when `gate` is set; one of `refused` is proven not started; one of
    `deadly` kills the process that asks, and `broken` is a bug of ours; what `at_once` names is
    known without being ordered.
    """

    backends: Mapping[str, Backend]
    outcomes: dict[str, str] = field(default_factory=lambda: {"purchases.open": "none"})
    at_once: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    deadly: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    entered: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)
    started: list[Call] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    def known(self, call: Call) -> CallResult | None:
        return self._answer(call) if call.backend in self.at_once else None

    def start(self, call: Call) -> CallResult | None:
        self.started.append(call)
        if call.backend in self.deadly:
            raise Killed
        if call.backend in self.broken:
            raise ZeroDivisionError
        if call.backend in self.refused:
            raise NotStarted("the queue is closed")
        if call.backend in self.silent | self.gated:
            return None
        return self._answer(call)

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        self.waited.append(seconds)
        if call.backend in self.silent:
            return None
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        return self._answer(call)

    def shown(self, call: Call, result: CallResult) -> None:
        self.told.append((call.backend, result.outcome))

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def started_ids(self, backend: str) -> list[str]:
        """The ids of all calls of one back-end, in order."""
        return [call.id for call in self.started if call.backend == backend]

    def _answer(self, call: Call) -> CallResult:
        outcomes = self.backends[call.backend].outcomes
        name = self.outcomes.get(call.backend, next(iter(outcomes)))
        sample = outcomes[name].sample if name in outcomes else {}
        return CallResult(call.id, name, cast("Mapping[str, Value]", sample))


@dataclass
class Rig:
    """One web process: `client` is any HTTP client, the rest what lies behind."""

    client: Client
    host: Host
    store: WatchedStore
    desk: Desk
    clock: list[float]
    pool: ThreadPoolExecutor

    def post(
        self, text: str, session: str = "s-1", msisdn: str = MSISDN, code: str = "*789#"
    ) -> TestResponse:
        """A callback of Africa's Talking: `text` is every input so far."""
        data = {
            "sessionId": session,
            "phoneNumber": msisdn,
            "networkCode": "99999",
            "serviceCode": code,
            "text": text,
        }
        return self.client.post("/ussd/demo", data=data)

    def get(self, number: int, typed: str, session: str = "m-1") -> TestResponse:
        """A callback of Moov's: the hop's number and the newest input."""
        query = {
            "lang": "fra",
            "msisdn": MSISDN[1:],
            "req_no": str(number),
            "sc": "789",
            "screen_id": "",
            "session_id": session,
            "user_input": typed,
        }
        return self.client.get(f"/ussd/moov?{urlencode(query)}")

    def notice(self, status: str, session: str = "s-1", msisdn: str = MSISDN) -> TestResponse:
        """Africa's Talking's word that a session has ended."""
        data = {
            "sessionId": session,
            "phoneNumber": msisdn,
            "serviceCode": "*789#",
            "status": status,
        }
        return self.client.post("/ussd/demo/events", data=data)

    def walk(self, *inputs: str, session: str = "s-1") -> TestResponse:
        """Dial, then every input in turn; the last reply."""
        reply = self.post("", session)
        for count in range(1, len(inputs) + 1):
            reply = self.post("*".join(inputs[:count]), session)
        return reply

    def soon(self, text: str, session: str = "s-1") -> Future[bytes]:
        """`post` in a thread of its own; the reply's body."""
        return self.pool.submit(lambda: self.post(text, session).data)

    def record(self, session: str = "s-1") -> Record:
        """What is stored of a session on the demo endpoint."""
        found = MemoryStore.load(self.store, self.host.sealer.name("session", "demo", session))
        assert found is not None
        return found

    def with_host(self, **changed: object) -> Rig:
        """The same rig behind a host that differs in some parts."""
        host = replace(self.host, **changed)  # type: ignore[arg-type]  # a test names real fields
        return replace(self, client=client_of(host), host=host)


def endpoint(name: str, gateway: str, trust: Trust) -> ConfiguredEndpoint:
    """An endpoint with a generous budget, so that only what is awaited decides."""
    facts = Endpoint(name, "BF", ("*789#",))
    return ConfiguredEndpoint(facts, GATEWAYS[gateway], trust, Budget(160, 30.0))


def client_of(host: Host) -> Client:
    """A client of an application around `host`."""
    key = Header("x-key", lambda: ("k" * 16,))
    endpoints = {
        "demo": endpoint("demo", "africastalking", Trust(open=True)),
        "moov": endpoint("moov", "moov_xml", Trust(open=True)),
        "closed": endpoint("closed", "africastalking", Trust(checks=(key,))),
    }
    return Client(create_app(host, endpoints, 4096, tells_names=True))


@pytest.fixture
def rig(program: Program) -> Iterator[Rig]:
    """One web process with the shipped flow."""
    pool = ThreadPoolExecutor(8)
    desk = Desk(program.flow.backends)
    clock = [1_700_000_000.0]
    store = WatchedStore()
    numbers = iter(range(10_000))
    host = Host(
        FixedPrograms((program,)),
        store,
        desk,
        Sealer(b"k" * 32),
        Limits(180, 0.5),
        lambda: clock[0],
        lambda: f"instance-{next(numbers)}",
        threading.Semaphore(4),
    )
    yield Rig(client_of(host), host, store, desk, clock, pool)
    # A test that failed must not leave a thread waiting for its gate.
    desk.gate.set()
    pool.shutdown()
