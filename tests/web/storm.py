"""A storm of callbacks on the web application: what is sent, what breaks, which replies are right.

Many dialogs at once, through several web processes' worth of applications on one real server that
is reached over lanes: ways to it that drop connections as they are told. A gateway in a storm sends
a hop several times at once, sends older hops again among newer ones, loses replies and asks again.

Which screen a history leads to is found by a `Handset`, one input after the other: it knows the
engine, and nothing of hops, stores or races. What is right is judged a volley at a time, a volley
being callbacks that are all under way at once:

- A repeat of the newest hop gets that hop's screen, to the octet. So do all copies of a new hop;
  of two answers to the same screen, one wins, and both get what it leads to.
- An older hop gets what is on the phone, or what the new hop of the same volley leads to.
- An apology is right only where the lane of that callback has dropped one command twice running;
  the repeat gets what is right.
- Where a gateway numbers nothing, the same input within a second of the reply is a repeat, and any
  other callback an answer: there, older hops are not sent again, for nothing could tell them.
- A dialog has ordered its purchase under one id, or none if its client never paid.

A dialog is made from its seed and number alone: `python -m tests.web.storm SEED NUMBER` plays one.
"""

from __future__ import annotations

import copy
import hashlib
import io
import itertools
import logging
import os
import random
import socket
import struct
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis
from flask import Flask

import wsgi
from cassou.embedded import EmbeddedRedis
from ussd_app.effects import Call, CallResult, Message, Value
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.endpoints import load as load_endpoints
from ussd_app.handset import Handset
from ussd_app.hop import FixedPrograms, Host, Limits
from ussd_app.messages import Action, Budget, HttpRequest, Kind, Screen, UssdRequest
from ussd_app.screens import Program
from ussd_app.sealing import Sealer
from ussd_app.store import RedisStore, Store, Wire
from ussd_app.web import create_app
from workers.settings import load as load_settings

#: All inputs so far; a number for every hop; the newest input and nothing else.
GATEWAY_NAMES = ("africastalking", "moov_xml", "arkesel")
ENDPOINTS = """\
cassou: 1
endpoints:
""" + "".join(
    f'  {name}: {{gateway: {name}, trust: open, service_codes: ["*789#"]}}\n'
    for name in GATEWAY_NAMES
)
APOLOGIES = (
    "Service momentanément indisponible. Si vous avez confirmé un achat, attendez le SMS.",
    "Service briefly unavailable. If you confirmed a purchase, wait for the SMS.",
)
#: Beginnings of screens that a storm of any size must have come by, written by hand.
LANDMARKS = (
    "Énergie prépayée\n1. Acheter\n2. Mes derniers codes\n3. Tarif\n4. English",
    "Prepaid electricity\n1. Buy\n",
    "Numéro de série du compteur (sur la carte ou le compteur):",
    "Numéro incorrect, vérifiez la carte.",
    "Compteur 04246805487 inconnu.\n1. Corriger le numéro\n2. Quitter",
    "Ce compteur est bloqué.",
    "A** O********\nCombien de kWh?",
    "Achat minimum: 1",
    "10 kWh\nCompteur 04246801379\nA** O********\nTotal 1 135 F TTC\n1. Payer\n2. Changer",
    "Payé. Code: ",
    "Solde insuffisant. Rien n'a été débité.",
    "Le prix a expiré. Rien n'a été débité.\n1. Nouveau prix",
    "Un instant, votre demande est en cours.\n1. Continuer",
    "Mes derniers codes\n1. ",
    "Aucun code acheté avec ce numéro.",
    "Au revoir.",
    "Trop d'essais.",
)
#: Where nothing else tells: the same input so soon after the reply is a repeat (docs/gateways.md).
RETRY_SECONDS = 1.0
#: A claim older than this is taken for abandoned; a repeat may come then, and still be a repeat.
REPLY_SECONDS = 0.9
ABANDONED_SECONDS = 0.95
assert REPLY_SECONDS < ABANDONED_SECONDS < RETRY_SECONDS
#: Real seconds no callback should take: it comes to an end, or something is broken.
PATIENCE = 120.0
LANES = 8
PLAYERS = 4
WEB_PROCESSES = 2
#: The hops of one dialog, and how often a hop is tried on lanes that break.
_HOPS_MAX = 14
_TRIES_MAX = 6
_BEGAN = 1_700_000_000.0
_CLOSE_AT_ONCE = struct.pack("ii", 1, 0)


# Lanes.


@dataclass(frozen=True, slots=True)
class Harm:
    """What befalls a callback: so many commands get through, then each is as likely to be dropped.

    It is dropped before it is done, or after, its reply lost.
    """

    likely: float
    spared: int = 0


CALM = Harm(0.0)


class Lane:
    """A TCP port before the server's Unix socket that carries one connection, and drops it as told.

    `run` is the longest run of dropped commands since `harm`; that a connection is set up between
    two of them does not end it.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._chances = random.Random(0)
        self._harm = CALM
        self._done = self._running = self.run = 0
        self.dropped: Counter[str] = Counter()
        self._closed = False
        self._client = self._listener
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def harm(self, chances: random.Random, harm: Harm) -> None:
        """Do this to the callback that comes next, and to it alone."""
        self._chances, self._harm = chances, harm
        self._done = self._running = self.run = 0

    def close(self) -> None:
        """Carry nothing more. Whoever used it has gone."""
        self._closed = True
        for waiting in (self._listener, self._client):
            # It wakes whoever waits there.
            with suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed:
            with suppress(OSError):
                self._client, _ = self._listener.accept()
            with (
                self._client as connection,
                socket.socket(socket.AF_UNIX) as server,
                suppress(OSError),
            ):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server.connect(self._server)
                self._carry(connection, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Commands one way, replies the other, until either side or a fault ends it."""
        missing = object()
        asked, said = hiredis.Reader(notEnoughData=missing), hiredis.Reader(notEnoughData=missing)
        held = b""
        while octets := client.recv(65_536):
            held += octets
            asked.feed(octets)
            while (words := asked.gets()) is not missing:
                fault = self._fault(words)
                if fault == "before":
                    self._drop(client, fault)
                    return
                # One command at a time: a caller sends the next when this one is answered.
                server.sendall(held)
                held, reply = b"", b""
                while said.gets() is missing:
                    part = server.recv(65_536)
                    if not part:
                        return
                    said.feed(part)
                    reply += part
                if fault == "after":
                    self._drop(client, fault)
                    return
                client.sendall(reply)

    def _fault(self, words: Sequence[bytes]) -> str:
        likely = self._harm.likely if self._done >= self._harm.spared else 0.0
        if self._chances.random() >= likely:
            if words[0] not in {b"CLIENT", b"HELLO", b"SELECT"}:
                self._running = 0
                self._done += 1
            return ""
        self._running += 1
        self.run = max(self.run, self._running)
        return self._chances.choice(("before", "after"))

    def _drop(self, client: socket.socket, fault: str) -> None:
        self.dropped[fault] += 1
        if self._chances.random() < 0.5:
            # A reset in place of an orderly end.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)


# The back-ends.


def chosen(among: Sequence[str], *of: object) -> str:
    """One of several, always the same for the same things."""
    digest = hashlib.sha256("\x1f".join(map(str, of)).encode()).digest()
    return among[int.from_bytes(digest[:4]) % len(among)]


_QUOTES = {"1": "below_minimum", "400": "above_maximum", "33": "refused"}
_METERS = {"04246805487": "unknown", "04246808226": "blocked"}
_PURCHASES = (
    *(["vended"] * 6),
    *("paid", "prompted", "pending", "refunded", "insufficient_funds", "declined"),
    *("quote_expired", "quote_expired"),
)


def answered(call: Call) -> CallResult:
    """What a call comes to: told by whose it is and by what it asks, so every dialog has its own.

    Its id is not looked at: the application's differ from the handset's.
    """
    asked = dict(call.arguments)
    who = call.msisdn
    outcome, fields = "", dict[str, object]()
    match call.backend:
        case "purchases.open":
            outcome = chosen(("none",) * 9 + ("open",), "open", who)
            fields = {"receipt": f"C-{who[-7:]}", "kwh": "7.5", "serial": "04246801379"}
        case "meters.find":
            outcome = _METERS.get(str(asked["serial"]), "found")
            fields = {"customer": "Awa Ouedraogo"}
        case "tariffs.quote":
            outcome = _QUOTES.get(str(asked["kwh"]), "ok")
            total = round(float(str(asked["kwh"])) * 113.5)
            until = "2026-11-22T12:00:00+00:00"
            fields = {"id": f"q-{who}", "total": str(total), "valid_until": until}
            if outcome != "ok":
                fields = {"limit": "1.5" if outcome == "below_minimum" else "350"}
        case "purchases.recent":
            outcome = chosen(("found", "none"), "recent", who)
            token = chosen(("01234567890123456789", "98765432109876543210"), "code", who)
            row = {"date": "2026-11-22", "kwh": "10", "serial": "04246801379", "token": token}
            fields = {"codes": (row,)}
        case "tariffs.show":
            outcome = "ok"
            row = {"range": "0-50 kWh", "price": "96"}
            fields = {"name": "Tarif domestique", "tranches": (row,)}
        case "purchase.start":
            outcome = chosen(_PURCHASES, "purchase", who)
            digest = hashlib.sha256(f"{who}{sorted(asked.items())}".encode()).digest()
            token = f"{int.from_bytes(digest[:8]):020d}"
            fields = {"token": token, "receipt": f"C-{who[-7:]}"}
    return CallResult(call.id, outcome, cast("Mapping[str, Value]", fields))


class Desk:
    """Back-ends that answer at once, except those who are `slow`: to them, not at all.

    `spent` has the ids under which each number's calls that spend were ordered.
    """

    def __init__(self) -> None:
        self.slow: set[str] = set()
        self.spent: dict[str, set[str]] = defaultdict(set)

    def start(self, call: Call) -> CallResult | None:
        """See `Backends.start`."""
        if call.once:
            self.spent[call.msisdn].add(call.id)
        return self.result(call)

    def known(self, call: Call) -> CallResult | None:
        """See `Backends.known`: what our own books say, nothing being ordered."""
        return self.result(call) if call.backend == "purchases.open" else None

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """Not in the time that is left, however long that is."""
        return None

    def result(self, call: Call) -> CallResult | None:
        """What comes of a call now."""
        return None if call.msisdn in self.slow else answered(call)

    def shown(self, call: Call, result: CallResult) -> None:
        """Nobody counts them here."""

    def send(self, message: Message) -> None:
        """The flow sends none."""


# The web processes.


class Lines(threading.local):
    """What each sender's thread has for itself: its lane, its store, its callback's time."""

    lane: Lane
    store: Store
    now: float = _BEGAN


class StoreOfThread:
    """A store that is each thread's own."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __getattr__(self, name: str) -> Any:  # any method of a store
        return getattr(self._lines.store, name)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one callback, and how often running its lane dropped a command."""

    status: int
    body: bytes
    run: int


class Web:
    """Applications on one server, each as a process of its own would have it, and their senders."""

    def __init__(self, program: Program, server: str) -> None:
        self.program = program
        self.desk = Desk()
        self.endpoints = endpoints()
        self._lines = Lines()
        self._sealer = Sealer(b"k" * 32)
        self._server = server
        self.lanes: list[Lane] = []
        self._apps = [self._app() for _ in range(WEB_PROCESSES)]
        self._senders = ThreadPoolExecutor(LANES, "sender", self._open_lane)

    def send(
        self, name: str, callback: HttpRequest, now: float, chances: random.Random, harm: Harm
    ) -> Future[Sent]:
        """Send one callback to any of the processes, on a lane that does it this harm."""
        return self._senders.submit(self._send, name, callback, now, chances, harm)

    def close(self) -> None:
        """Once nothing is under way."""
        self._senders.shutdown()
        for lane in self.lanes:
            lane.close()

    def _app(self) -> Flask:
        host = Host(
            FixedPrograms((self.program,)),
            cast("Store", StoreOfThread(self._lines)),
            self.desk,
            self._sealer,
            Limits(180, 0.8),
            lambda: self._lines.now,
            lambda: os.urandom(12).hex(),
            threading.Semaphore(LANES),
        )
        return create_app(host, self.endpoints, 4096)

    def _open_lane(self) -> None:
        lane = Lane(self._server)
        # What is slow here is this machine: no command may count as lost because of that.
        self._lines.store = RedisStore(Wire(lane.url, 60.0), self._sealer, 600)
        self._lines.lane = lane
        self.lanes.append(lane)

    def _send(
        self, name: str, callback: HttpRequest, now: float, chances: random.Random, harm: Harm
    ) -> Sent:
        self._lines.now = now
        self._lines.lane.harm(chances, harm)
        app = chances.choice(self._apps)
        status, body = called(app, f"/ussd/{name}", callback)
        return Sent(status, body, self._lines.lane.run)


def endpoints() -> Mapping[str, ConfiguredEndpoint]:
    """The three, whose hops give up waiting for one another almost at once."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "endpoints.yaml")
        path.write_text(ENDPOINTS)
        found = load_endpoints(path, {})
    hasty = Budget(160, REPLY_SECONDS)
    return {name: replace(endpoint, budget=hasty) for name, endpoint in found.items()}


def called(
    app: Callable[..., Any], mount: str, callback: HttpRequest, length: str | None = None
) -> tuple[int, bytes]:
    """The status and body of a WSGI application's answer; `length` is told in place of the true."""
    environ: dict[str, object] = {
        "REQUEST_METHOD": callback.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": mount + callback.path,
        "QUERY_STRING": callback.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": callback.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(callback.body)) if length is None else length,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(callback.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in callback.headers.items():
        if name not in {"content-type", "content-length"}:
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
    began: list[str] = []

    def start_response(status: str, _headers: object, _error: object = None) -> None:
        began.append(status)

    body = b"".join(app(environ, start_response))
    return int(began[0].split()[0]), body


# What is right.


@dataclass(frozen=True, slots=True)
class Known:
    """Where a history leads: its screen, the callback that tells it, the reply that it must get."""

    history: tuple[str, ...]
    screen: Screen
    callback: HttpRequest
    right: bytes
    apologies: frozenset[bytes]
    has_spent: bool
    phone: Handset

    @property
    def ended(self) -> bool:
        """Whether the client can answer nothing more."""
        return self.screen.action is Action.END


class Oracle:
    """Plays one dialog, one input after the other, on a phone of its own."""

    def __init__(self, program: Program, endpoint: ConfiguredEndpoint, desk: Desk) -> None:
        self._program = program
        self._endpoint = endpoint
        self._desk = desk
        self._asked: list[Call] = []

    def dialled(self, session: str, msisdn: str, extra: str) -> Known:
        """The first hop; `extra` is what is dialled after the service code."""
        phone = Handset(self._program, self._answer, msisdn)
        self._request = UssdRequest(Kind.BEGIN, session, msisdn, "*789#", "", "", language="fr")
        return self._known(phone, (extra,), phone.dial(f"*789*{extra}#"), has_spent=False)

    def after(self, before: Known, typed: str) -> Known:
        """One hop more."""
        phone = copy.copy(before.phone)
        self._asked.clear()
        screen = phone.send(typed)
        spent = before.has_spent or any(call.once for call in self._asked)
        return self._known(phone, (*before.history, typed), screen, has_spent=spent)

    def _answer(self, call: Call) -> CallResult | None:
        self._asked.append(call)
        return self._desk.result(call)

    def _known(
        self, phone: Handset, history: tuple[str, ...], screen: Screen, *, has_spent: bool
    ) -> Known:
        gateway, facts = self._endpoint.gateway, self._endpoint.facts
        callback = gateway.example(self._request, history)
        request = gateway.decode(callback, facts)

        def octets(shown: Screen) -> bytes:
            return gateway.encode(shown, request, facts).body

        apologies = frozenset(octets(Screen(text, Action.END)) for text in APOLOGIES)
        return Known(history, screen, callback, octets(screen), apologies, has_spent, phone)


# One dialog.

#: What a client types at a screen that holds the first words; the last row is for any other.
ANSWERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("1. Continuer", ("1",)),
    ("1. Continue", ("1",)),
    ("Payer", ("1", "1", "1", "1", "2", "0", "3")),
    ("1. Pay", ("1", "1", "1", "2", "00")),
    ("Acheter", ("1", "1", "1", "1", "1", "2", "3", "4", "9")),
    ("1. Buy", ("1", "1", "1", "2", "3", "4")),
    ("Corriger", ("1", "2")),
    ("Correct the", ("1", "2")),
    ("kWh?", ("10", "10", "12.5", "1", "0.1", "500", "400", "33", "dix", "0")),
    ("Nouveau prix", ("1", "1", "2")),
    ("New price", ("1", "1", "2")),
    ("Changer", ("1", "2")),
    ("Change", ("1", "2")),
    (
        "rie",
        ("04246801379",) * 5 + ("04246802740", "04246805487", "04246808226", "04246801370", "1*2"),
    ),
    ("Meter serial", ("04246801379", "04246802740", "0424680548", "00")),
    ("", ("1", "1", "0", "00", "98")),
)
_DIALS = ("",) * 6 + ("1", "1*04246801379", "1*04246801379*10", "4")


class WrongReply(AssertionError):  # noqa: N818  # what came
    """A reply that is not right, or a purchase ordered twice: how to play it again, and why."""


@dataclass
class Tally:
    """What a storm has come to."""

    counts: Counter[str] = field(default_factory=Counter)
    landmarks: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another's too."""
        self.counts += other.counts
        self.landmarks |= other.landmarks
        self.wrong += other.wrong

    def __str__(self) -> str:
        return ", ".join(f"{count:,} {what}" for what, count in sorted(self.counts.items()))


class Dialog:
    """One dialog of a storm, from its seed and number."""

    def __init__(self, web: Web, seed: int, number: int) -> None:
        self._chances = random.Random(f"{seed}/{number}")
        self._web = web
        self._from = f"seed {seed}, dialog {number}"
        self._name = GATEWAY_NAMES[number % len(GATEWAY_NAMES)]
        self._oracle = Oracle(web.program, web.endpoints[self._name], web.desk)
        # A number that dials again has left its session: storms of seeds in a row share none.
        self._msisdn = f"+226{50_000_000 + seed % 4 * 10_000_000 + number:08d}"
        self._session = f"{seed}-{number}"
        self._now = self._hop_began = _BEGAN
        #: Hops answered so far, the newest last; and answers that lost against their rivals.
        self._past: list[Known] = []
        self._lost: list[Known] = []
        self.tally = Tally()

    def play(self) -> None:
        """From the dial to the end; raises `WrongReply`."""
        self._on([self._oracle.dialled(self._session, self._msisdn, self._dial())])
        while not self._past[-1].ended and len(self._past) < _HOPS_MAX:
            self._now += self._chances.choice((RETRY_SECONDS * 1.01, 5.0, 60.0))
            self._hop_began = self._now
            self._hold(is_slow=self._chances.random() < 0.06)
            self._on(self._answers())
        self._hold(is_slow=False)
        if self._past[-1].ended and self._is_numbered:
            # Two minutes after its last hop, the first one could be a new dial.
            self._now += self._chances.choice((0.0, 1.0, 50.0))
            self._afterwards(self._chances.randrange(3))
        self._audit()
        self.tally.counts["dialogs"] += 1

    @property
    def _is_numbered(self) -> bool:
        """Whether the gateway tells an older hop from a new one."""
        return self._name != "arkesel"

    def _dial(self) -> str:
        return self._chances.choice(_DIALS)

    def _hold(self, *, is_slow: bool) -> None:
        """Whether this client's back-ends do not answer."""
        if is_slow:
            self._web.desk.slow.add(self._msisdn)
        else:
            self._web.desk.slow.discard(self._msisdn)

    def _answers(self) -> list[Known]:
        """What the client types now; two of them, where a second thought is as quick."""
        newest = self._past[-1]
        text = newest.screen.text
        likely = next(answers for part, answers in ANSWERS if part in text)
        typed = [self._chances.choice(likely)]
        if self._is_numbered and self._chances.random() < 0.1:
            typed.append(self._chances.choice(likely))
        if any("*" in each for each in typed):
            # All inputs so far, joined, cannot tell `1*2` from a `2` that follows its rival `1`.
            del typed[1:]
        hops = [self._oracle.after(newest, each) for each in typed]
        # Where both lead to the same screen, nobody could tell which of them won.
        return list({hop.right: hop for hop in hops}.values())

    # Volleys.

    def _on(self, rivals: list[Known]) -> None:
        """Send the next hop until it is answered; then, perhaps, again what was answered."""
        shown, tries = None, 0
        while shown is None:
            volley = [each for each in rivals for _ in range(self._copies())]
            older = self._older(self._chances.choice((0, 0, 0, 1, 2)))
            self.tally.counts["duplicates"] += len(volley) - len(rivals)
            self.tally.counts["rivals"] += len(rivals) - 1
            self.tally.counts["repeats after an apology"] += len(volley) if tries else 0
            shown = self._volley(volley, older, rivals, is_calm=tries >= _TRIES_MAX)
            tries += 1
            # The claim may be there without a reply: whoever comes finds it fresh, or abandoned.
            self._pause()
            if shown is None and self._chances.random() < 0.5:
                self._volley([], self._older(1), rivals)
        self._past.append(shown)
        self._lost += [each for each in rivals if each is not shown]
        self._look(shown)
        self._afterwards(self._chances.choice((0, 0, 1, 2)))

    def _pause(self) -> None:
        """Time goes on, but what is sent again is still told from a new input."""
        if self._is_numbered:
            self._now += self._chances.choice((0.0, ABANDONED_SECONDS, 5.0))
        elif self._chances.random() < 0.5:
            self._now = self._hop_began + ABANDONED_SECONDS

    def _afterwards(self, volleys: int) -> None:
        """The newest hop's reply was lost, and older hops come late: all get what is shown."""
        for _ in range(volleys):
            self._pause()
            newest = self._past[-1]
            repeats = [newest] * self._chances.choice((1, 1, 2))
            self.tally.counts["repeats after a lost reply"] += len(repeats)
            older = self._older(self._chances.choice((0, 1, 3)))
            self._volley(repeats, older, [newest])

    def _copies(self) -> int:
        return self._chances.choice((1, 1, 1, 2, 2, 3, 4))

    def _older(self, count: int) -> list[Known]:
        """Some of the hops that were sent before; none where nothing tells them from new ones."""
        if not self._is_numbered or not self._past:
            return []
        older = [self._chances.choice(self._past + self._lost) for _ in range(count)]
        self.tally.counts["re-orderings"] += len(older)
        return older

    def _volley(
        self, new: list[Known], older: list[Known], rivals: list[Known], *, is_calm: bool = False
    ) -> Known | None:
        """All of these callbacks at once; which of the rivals was shown, None if only apologies."""
        sending = [*new, *older]
        self._chances.shuffle(sending)
        # Now and then the server is gone for all of them, from one command on.
        outage = Harm(1.0, self._chances.randrange(5)) if self._chances.random() < 0.1 else None
        callbacks = [
            self._web.send(
                self._name,
                hop.callback,
                self._now,
                random.Random(self._chances.random()),
                CALM if is_calm else outage or self._harm(),
            )
            for hop in sending
        ]
        self.tally.counts["callbacks"] += len(callbacks)
        replies = [
            (hop, callback.result(PATIENCE))
            for hop, callback in zip(sending, callbacks, strict=True)
        ]
        news = {id(hop) for hop in new}
        winners = {hop.right for hop in rivals}
        fresh: set[bytes] = set()
        for hop, sent in replies:
            if self._is_apology(hop, sent):
                continue
            rights = (
                winners if id(hop) in news else winners | {hop.right for hop in self._past[-1:]}
            )
            if sent.status != 200 or sent.body not in rights:
                self._fail(hop, sent, rights)
            if id(hop) in news:
                fresh.add(sent.body)
        if len(fresh) > 1:
            raise WrongReply(f"{self._told()}: rivals were both shown: {fresh}")
        return next((hop for hop in rivals if hop.right in fresh), None)

    def _harm(self) -> Harm:
        """Mostly little."""
        return Harm(0.5 if self._chances.random() < 0.1 else 0.03, self._chances.randrange(3))

    def _is_apology(self, hop: Known, sent: Sent) -> bool:
        """Whether a reply is an apology; raises `WrongReply` where there is no reason for one."""
        if sent.body not in hop.apologies:
            return False
        if sent.run < 2:
            self._fail(hop, sent, set())
        self.tally.counts["apologies"] += 1
        return True

    # Judging.

    def _look(self, shown: Known) -> None:
        text = shown.screen.text
        self.tally.landmarks |= {each for each in LANDMARKS if text.startswith(each)}

    def _audit(self) -> None:
        ids = self._web.desk.spent.pop(self._msisdn, set())
        due = self._past[-1].has_spent
        if len(ids) != due:
            raise WrongReply(f"{self._told()}: {len(ids)} purchases, {int(due)} due")
        self.tally.counts["purchases"] += len(ids)

    def _told(self) -> str:
        history = self._past[-1].history if self._past else ()
        return f"{self._from} ({self._name}), after {history}"

    def _fail(self, hop: Known, sent: Sent, rights: set[bytes]) -> None:
        wanted = " or ".join(repr(each.decode()) for each in sorted(rights)) or "no apology"
        raise WrongReply(
            f"{self._told()}: {hop.history} got {sent.status} {sent.body.decode()!r}, "
            f"right is {wanted}; its lane dropped {sent.run} in a row"
        )


# The storm.


def storm(program: Program, redis_url: str, seed: int, callbacks: int) -> Tally:
    """Dialogs of one seed, several at a time, until so many callbacks were sent."""
    numbers = itertools.count()
    with raging(program, redis_url) as web, ThreadPoolExecutor(PLAYERS, "player") as players:
        total = Tally()
        guard = threading.Lock()

        def play() -> None:
            while total.counts["callbacks"] < callbacks and not total.wrong:
                dialog = Dialog(web, seed, next(numbers))
                try:
                    dialog.play()
                except WrongReply as wrong:
                    dialog.tally.wrong.append(str(wrong))
                with guard:
                    total.add(dialog.tally)

        for future in [players.submit(play) for _ in range(PLAYERS)]:
            future.result()
        for lane in web.lanes:
            total.counts += Counter({f"drops {when}": n for when, n in lane.dropped.items()})
    return total


@contextmanager
def raging(program: Program, redis_url: str) -> Iterator[Web]:
    """The web processes of a storm. Their log would tell of every drop."""
    log = logging.getLogger("cassou")
    before = log.level
    log.setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        stack.callback(log.setLevel, before)
        yield stack.enter_context(closing(Web(program, unquote(urlsplit(redis_url).path))))


def shipped() -> Program:
    """The shipped flow."""
    return next(iter(wsgi.load_directory(load_settings()).flows.values()))


def storm_of_its_own(redis_url: str, seed: int, callbacks: int) -> Tally:
    """The same in a process of its own."""
    return storm(shipped(), redis_url, seed, callbacks)


def main() -> None:
    """Play one dialog again."""
    seed, number = map(int, sys.argv[1:])
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedRedis.start(Path(directory)) as server,
        raging(shipped(), server.url) as web,
    ):
        dialog = Dialog(web, seed, number)
        dialog.play()
        sys.stdout.write(f"{dialog.tally}\n")


if __name__ == "__main__":
    main()
