"""A whole system as real processes, and what a test asks of it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue

import requests

from cassou.inbox import Sandbox
from cassou.stack import Addresses, Stack
from ledger.model import Purchase
from ledger.store import Ledger, open_engine
from ussd_app.gateways import GATEWAYS, Gateway
from ussd_app.messages import HttpRequest, UssdReply
from ussd_app.replay.over_http import HttpPhone
from ussd_app.sealing import Sealer
from ussd_app.settings import secret_octets
from workers.settings import Settings

ROOT = Path(__file__).parent.parent
MENUS = ROOT / "ussd_app" / "menus"
SERVICE_CODES = ("*789#",)
#: Active meters of the demo world on the household tariff, connected.
METERS = ("04246801379", "04246802740", "04246805487", "04246808226", "04246809596")

ENDPOINTS = """\
cassou: 1
endpoints:
  demo:
    gateway: africastalking
    trust: {peers: [127.0.0.0/8]}
    service_codes: ["*789#"]
    reply_seconds: 6
  moov:
    gateway: moov_xml
    trust: {peers: [127.0.0.0/8]}
    service_codes: ["*789#"]
    reply_seconds: 6
  hasty:
    gateway: africastalking
    trust: {peers: [127.0.0.0/8]}
    service_codes: ["*789#"]
    reply_seconds: 2
  guarded:
    gateway: africastalking
    trust: {peers: [192.0.2.0/24]}
  hasty_moov:
    gateway: moov_xml
    trust: {peers: [127.0.0.0/8]}
    service_codes: ["*789#"]
    reply_seconds: 2
"""
#: One more for each gateway, of its name; what they must be told is told to all.
ENDPOINT = """\
  {name}:
    gateway: {name}
    trust: {{peers: [127.0.0.0/8]}}
    service_codes: ["*789#"]
    reply_seconds: 6
    options: {{{options}}}
"""
#: Where asynchronous gateways are called with a screen, under an address of each one's name.
CALLED = {
    "POST /huawei_sdp": "huawei_sdp",
    "POST /junebug/channels/channel/messages/": "junebug",
    "PUT /vumi_go/messages.json": "vumi_go",
}

#: Windows scaled down, in seconds; what is proven does not depend on their length.
SCALED = {
    "CASSOU_CALL_DEADLINE_SECONDS": "4",
    "CASSOU_MONEY_DEADLINE_SECONDS": "1.5",
    "CASSOU_LEASE_SECONDS": "3.5",
    "CASSOU_SETTLE_SECONDS": "4",
    "CASSOU_ASK_SECONDS": "0.3",
    "CASSOU_ASK_SECONDS_MAX": "2",
    "CASSOU_NOT_FOUND_SECONDS": "6",
    "CASSOU_RETRY_SECONDS_MAX": "1",
    "CASSOU_NOTICE_SECONDS": "2",
    "CASSOU_SCREEN_SECONDS": "5",
    "CASSOU_SWEEP_SECONDS": "0.2",
    "CASSOU_PROMPT_DELAY_SECONDS": "0.5",
    "CASSOU_LOOKUP_FRESH_SECONDS": "0",
}


class CalledGateways:
    """The asynchronous gateways' own side: a server that takes the calls which bring screens."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies = {name: SimpleQueue[bytes]() for name in CALLED.values()}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Be called at `url`."""
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                name = CALLED.get(f"{self.command} {self.path}")
                # Taken first, then shown: a client answers only what has been delivered.
                self.send_response(200 if name else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                if name:
                    bodies[name].put(body)

            do_PUT = do_POST  # noqa: N815  # http.server's way to name methods

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()


class CalledPhone(HttpPhone):
    """A phone behind an asynchronous gateway: its screens come in calls, one a callback."""

    def __init__(
        self, url: str, gateway: Gateway, msisdn: str, screens: SimpleQueue[bytes]
    ) -> None:
        super().__init__(url, gateway, msisdn, SERVICE_CODES)
        self._screens = screens

    def post(self, callback: HttpRequest) -> UssdReply:
        """Send one callback; the call that follows it, as a reply."""
        reply = super().post(callback)
        if reply.status != 200:
            return reply
        return UssdReply(200, "", self._screens.get(timeout=self._timeout_seconds))


@dataclass
class World:
    """A running system, and what a test asks of it."""

    stack: Stack
    addresses: Addresses
    settings: Settings
    sandbox: Sandbox
    ledger: Ledger
    called: CalledGateways
    log: list[str] = field(default_factory=list)
    meters: Iterator[str] = field(default_factory=lambda: itertools.cycle(METERS))
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def number(self, balance_minor: int = 100_000) -> str:
        """The MSISDN of a new wallet."""
        msisdn = f"+226701{next(self.numbers):05d}"
        self.put_wallet(msisdn, balance_minor)
        return msisdn

    def put_wallet(self, msisdn: str, balance_minor: int) -> None:
        """A wallet with this balance."""
        url = f"{self.addresses.operator}/_sandbox/wallets/{msisdn}"
        _ok(requests.put(url, json={"balance_minor": balance_minor}, timeout=10))

    def phone(self, endpoint: str, msisdn: str) -> HttpPhone:
        """A phone behind one of the endpoints."""
        name = "moov_xml" if endpoint.endswith("moov") else "africastalking"
        gateway = GATEWAYS.get(endpoint) or GATEWAYS[name]
        url = f"{self.addresses.web}/ussd/{endpoint}"
        if gateway.capabilities.asynchronous:
            return CalledPhone(url, gateway, msisdn, self.called.bodies[endpoint])
        return HttpPhone(url, gateway, msisdn, SERVICE_CODES)

    def at_confirm(self, msisdn: str, endpoint: str = "demo", serial: str = "") -> HttpPhone:
        """A phone whose next `1` pays for 10 kWh, on one meter or on whichever is next.

        A head end system makes a meter no more than half an hour's tokens at once, one a minute.
        """
        phone = self.phone(endpoint, msisdn)
        phone.dial("*789#")
        phone.send("1")
        phone.send(serial or next(self.meters))
        assert "1. Payer" in phone.send("10").text
        return phone

    def operator_fault(
        self, msisdn: str, operation: str, fault: str, times: int | None = 1, seconds: float = 1.0
    ) -> None:
        """Order a fault of the operator for one number."""
        order: dict[str, object] = {"msisdn": msisdn, "operation": operation, "fault": fault}
        order |= {"times": times, "seconds": seconds}
        _ok(requests.post(f"{self.addresses.operator}/_sandbox/faults", json=order, timeout=10))

    def platform_fault(self, serial: str, operation: str, fault: str, seconds: float = 1.0) -> None:
        """Order a fault of the platform for one meter, once."""
        order: dict[str, object] = {"serial": serial, "operation": operation, "fault": fault}
        order |= {"times": 1, "seconds": seconds}
        _ok(requests.post(f"{self.addresses.platform}/_sandbox/faults", json=order, timeout=10))

    def hes_fault(self, fault: str, times: int | None = 1) -> None:
        """Order a fault before the head end system, for vends."""
        order = {"method": "PUT", "path_prefix": "/vends", "fault": fault, "times": times}
        _ok(requests.post(f"{self.addresses.hes_faults}/_faults", json=order, timeout=10))

    def hes_well(self) -> None:
        """Take back all faults before the head end system."""
        _ok(requests.delete(f"{self.addresses.hes_faults}/_faults", timeout=10))

    def debits(self, msisdn: str) -> list[int]:
        """Amounts debited from a number, refunds negative, by the operator's own ledger."""
        return [
            entry["amount_minor"] if entry["kind"] == "debit" else -entry["amount_minor"]
            for entry in self.sandbox.wallet_ledger(msisdn)
        ]

    def sms(self, msisdn: str, part: str, seconds: float = 30.0) -> str:
        """The first SMS to a number that contains `part`, waited for."""
        text = self.sandbox.wait_sms(msisdn, lambda each: part in each, seconds)
        assert text is not None, f"no SMS with {part!r}; {self.texts(msisdn)}"
        return text

    def texts(self, msisdn: str) -> list[str]:
        """Every SMS to a number so far."""
        return [message["text"] for message in self.sandbox.messages(msisdn)]

    def last_sms(self, msisdn: str) -> int:
        """The number of the newest SMS to a number so far, 0 if there is none."""
        return max((int(each["n"]) for each in self.sandbox.messages(msisdn)), default=0)

    def purchase(self, msisdn: str) -> Purchase:
        """The only purchase of a number that the operator was asked to debit."""
        keys = {str(entry["key"]).split(":")[0] for entry in self.sandbox.wallet_ledger(msisdn)}
        (purchase_id,) = keys
        purchase = self.ledger.get(purchase_id)
        assert purchase is not None
        return purchase

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
        """Wait until something that no party announces has come about."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.05)):
            if holds():
                return
            pause.wait(0.05)
        raise AssertionError(f"not within {seconds:g} s: {what}")


def _ok(answer: requests.Response) -> None:
    assert answer.ok, f"{answer.status_code} {answer.text}"


def _endpoint(name: str, called: str) -> str:
    gateway = GATEWAYS[name]
    url = f"{called}/{name}" if gateway.capabilities.asynchronous else f"/ussd/{name}"
    given = {"url": f'"{url}"', "sp_id": '"1"', "sp_password": "p"}
    given |= {"account_key": "a", "access_token": "t"}
    known = gateway.options | gateway.more_options
    options = ", ".join(f"{each}: {value}" for each, value in given.items() if each in known)
    return ENDPOINT.format(name=name, options=options)


def running(
    directory: Path, environment: dict[str, str], operator_options: tuple[str, ...] = ()
) -> Iterator[World]:
    """A whole system, tended by a thread of its own that lives as long as it."""
    called = CalledGateways()
    with called.serving():
        yield from _running(directory, called, environment, operator_options)


def _running(
    directory: Path,
    called: CalledGateways,
    environment: dict[str, str],
    operator_options: tuple[str, ...],
) -> Iterator[World]:
    endpoints = directory / "endpoints.yaml"
    endpoints.write_text(ENDPOINTS + "".join(_endpoint(name, called.url) for name in GATEWAYS))
    log: list[str] = []
    environment = {**SCALED, **environment, "CASSOU_ENDPOINTS_FILE": str(endpoints)}
    stack = Stack(
        directory,
        lambda name, line: log.append(f"{name} {line}"),
        environment,
        operator_options=operator_options,
    )
    started, stop = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def tend() -> None:
        try:
            stack.start()
            started.set()
            while not stop.is_set():
                stack.tend(0.2)
        except BaseException as error:  # noqa: BLE001  # told to the test below
            failures.append(error)
        finally:
            started.set()
            stack.stop()

    keeper = threading.Thread(target=tend)
    keeper.start()
    started.wait()
    try:
        if failures:
            raise failures[0]
        assert stack.addresses is not None
        settings = stack.settings()
        sandbox = Sandbox(
            stack.addresses.operator,
            stack.addresses.meters,
            stack.addresses.platform,
            settings.platform_key.get_secret_value(),
        )
        sealer = Sealer(secret_octets(settings))
        engine = open_engine(settings.ledger())
        ledger = Ledger(engine, sealer)
        yield World(stack, stack.addresses, settings, sandbox, ledger, called, log)
        engine.dispose()
    finally:
        stop.set()
        keeper.join()
    if failures:
        raise failures[0]
