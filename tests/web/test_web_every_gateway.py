"""Every transcript plays the same behind every gateway, through the web application's own door."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web.conftest import PATIENCE, WatchedStore
from ussd_app.delivery import Delivery
from ussd_app.effects import Call, CallResult, Message
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.gateways import GATEWAYS
from ussd_app.gateways.base import Endpoint
from ussd_app.hop import FixedPrograms, Host, Limits
from ussd_app.messages import Budget, HttpRequest, Screen, UssdReply
from ussd_app.replay import player
from ussd_app.replay.over_http import HttpPhone
from ussd_app.replay.reading import load
from ussd_app.replay.transcript import Transcript
from ussd_app.screens import Program
from ussd_app.sealing import Sealer
from ussd_app.trust import Trust
from ussd_app.web import create_app

DIALOGS = sorted((Path(__file__).parents[1] / "dialogs").glob("*.dial.yaml"))
TRANSCRIPTS = [transcript for path in DIALOGS for transcript in load(path)]
CODES = ("*789#",)
#: What adapters must be told; nothing is ever sent there.
OPTIONS = {
    "url": "/ussd/phone",
    "sp_id": "1",
    "sp_password": "secret",
    "account_key": "account",
    "access_token": "token",
}


@dataclass
class Answering:
    """Back-ends of a transcript, as the hop asks them."""

    scripted: player.ScriptedBackends
    late: list[str] = field(default_factory=list)

    def known(self, call: Call) -> CallResult | None:
        return None

    def start(self, call: Call) -> CallResult | None:
        return self.scripted.answer(call)

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        return None

    def shown(self, call: Call, result: CallResult) -> None:
        """Nobody counts them here."""

    def send(self, message: Message) -> None:
        """No flow of these dialogs sends one."""


class WebPhone(HttpPhone):
    """A phone whose callbacks go straight into the application."""

    def __init__(self, name: str, host: Host, msisdn: str, clock: list[float]) -> None:
        gateway = GATEWAYS[name]
        super().__init__("", gateway, msisdn, CODES)
        self._clock = clock
        self._sent: queue.Queue[bytes] = queue.Queue()
        self.delivery = Delivery(host, self._take, 1)
        facts = Endpoint("phone", "BF", CODES, options=OPTIONS)
        endpoint = ConfiguredEndpoint(facts, gateway, Trust(open=True), Budget(160, 30.0))
        app = create_app(host, {"phone": endpoint}, 16_384, delivery=self.delivery)
        self._client = app.test_client()

    def _take(self, _method: str, _url: str, _headers: Mapping[str, str], body: bytes) -> bool:
        self._sent.put(body)
        return True

    def send(self, typed: str) -> Screen:
        # Where a gateway numbers nothing, the same input within a second would be a repeat.
        self._clock[0] += 5
        return super().send(typed)

    def repeat(self) -> Screen:
        if not self._gateway.capabilities.asynchronous:
            return super().repeat()
        assert self._last is not None
        assert self._raw(self._last).status == 200
        # Its one thread has heard the repeat before the clock goes on.
        self.delivery._pool.submit(bool).result(PATIENCE)
        assert self._sent.empty()
        return self._gateway.read(UssdReply(200, "", self.bytes))

    def post(self, callback: HttpRequest) -> UssdReply:
        reply = self._raw(callback)
        if self._gateway.capabilities.asynchronous and reply.status == 200:
            return UssdReply(200, reply.content_type, self._sent.get(timeout=PATIENCE))
        return reply

    def _raw(self, callback: HttpRequest) -> UssdReply:
        answer = self._client.open(
            f"/ussd/phone{quote(callback.path)}",
            method=callback.method,
            query_string=callback.query,
            headers=dict(callback.headers),
            data=callback.body,
        )
        kind = answer.headers.get("Content-Type", "")
        return UssdReply(answer.status_code, kind, answer.data, tuple(answer.headers.items()))


@contextmanager
def dialling(name: str, program: Program, msisdn: str, desk: Answering) -> Iterator[WebPhone]:
    """A phone on a program, behind one gateway."""
    clock = [1_700_000_000.0]
    numbers = iter(range(1000))
    host = Host(
        FixedPrograms((program,)),
        WatchedStore(),
        desk,
        Sealer(b"k" * 32),
        Limits(180, 0.5),
        lambda: clock[0],
        lambda: f"instance-{next(numbers)}",
        threading.Semaphore(4),
    )
    phone = WebPhone(name, host, msisdn, clock)
    try:
        yield phone
    finally:
        phone.delivery.close()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda each: each.name)
@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_a_transcript_plays_the_same_behind_every_gateway(
    name: str, transcript: Transcript, program: Program
) -> None:
    if transcript.dial not in CODES and not carries_extra(name):
        pytest.skip(f"{name} does not tell what was dialled after the service code")
    scripted = player.ScriptedBackends(program.flow.backends, transcript.backends)
    with dialling(name, program, transcript.msisdn, Answering(scripted)) as phone:
        played = player.play(transcript, phone, player.Around(scripted.delay))

    assert played.failure == ""


def carries_extra(name: str) -> bool:
    """Whether a gateway tells what was dialled after the service code."""
    return name not in {"orange_xhtml", "beem", "mtech"}
