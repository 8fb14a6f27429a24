"""One hop, exactly once: a callback claimed, its effects carried out, its reply stored and sent.

The stepped session is written, by compare-and-set, before anything outward happens. Whoever loses
that race reads the winner's reply and nothing it wanted is done. A repeat of a hop gets the stored
bytes; a repeat that finds a claim without a reply, whose claimer is gone, finishes it: effects are
known by derived ids, so doing them again is harmless.

The waits are bounded: a reply leaves before the endpoint's budget is spent, with a holding screen
if a back-end has not answered, and only so many callers wait at once; the others get the holding
screen at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from ussd_app import engine
from ussd_app.effects import FAILED, Call, CallResult, Dropped, NotStarted
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.engine import Turn
from ussd_app.gateways import Seen, resolve
from ussd_app.messages import NOTICES, Action, Kind, Screen, UssdReply, UssdRequest
from ussd_app.screens import Program, system_text
from ussd_app.sealing import Sealer
from ussd_app.session import Session, Status
from ussd_app.store import Record, Store

log = logging.getLogger("cassou.hop")

#: A first hop seen again within this long is a repeat; later it is a new dial under an old id.
REPEAT_SECONDS = 30.0
#: How often a loser looks whether the winner has answered.
_LOOK_SECONDS = 0.02
#: Calls that one hop may go through before it shows something.
_CALLS_MAX = 10


class Backends(Protocol):
    """The way to the back-ends, handed in by the composition root."""

    def start(self, call: Call) -> CallResult | None:
        """Order `call`, durably where it spends; a result if it is known at once.

        Asking again for the same id is harmless. Raises `NotStarted` only where it is proven that
        nothing was ordered.
        """
        ...

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """The result of a call, waited for at most so long."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Times of a session and of a hop, in seconds."""

    idle_seconds: float
    margin_seconds: float


class Programs:
    """Compiled flows by service code, and by hash for sessions that began on them."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self._by_code = {code: each for each in programs for code in each.flow.service_codes}
        self._by_hash = {each.flow.hash: each for each in programs}
        self.first = programs[0]

    def current(self, service_code: str) -> Program | None:
        """The flow that a new session on this code begins."""
        return self._by_code.get(service_code)

    def of(self, session: Session) -> Program | None:
        """The flow a session began on, if this process has it."""
        return self._by_hash.get(session.flow)


@dataclass(frozen=True, slots=True)
class Host:
    """Answers hops. The clock and the ids of sessions are handed in.

    `slots` bounds how many callers of this process wait for back-ends at once.
    """

    programs: Programs
    store: Store
    backends: Backends
    sealer: Sealer
    limits: Limits
    clock: Callable[[], float]
    new_instance: Callable[[], str]
    slots: threading.Semaphore

    def answer(self, endpoint: ConfiguredEndpoint, request: UssdRequest) -> UssdReply:
        """The reply to one decoded callback; raises `StoreDown`."""
        return _Hop(self, endpoint, request).run()

    def plain(self, endpoint: ConfiguredEndpoint, request: UssdRequest, text: str) -> UssdReply:
        """An end screen with one of the framework's own texts."""
        program = self.programs.current(request.service_code) or self.programs.first
        languages = program.flow.languages
        language = request.language if request.language in languages else languages[0]
        screen = Screen(system_text(program.flow, text, language), Action.END)
        return endpoint.gateway.encode(screen, request, endpoint.facts)


class _Hop:
    """The handling of one callback."""

    def __init__(self, host: Host, endpoint: ConfiguredEndpoint, request: UssdRequest) -> None:
        self.host = host
        self.endpoint = endpoint
        self.raw = request
        self.request = request
        self.key = host.sealer.name("session", endpoint.facts.name, request.session)
        # Waiting is measured on a clock that nobody sets; sessions live on the host's.
        self.must_leave = (
            time.monotonic() + endpoint.budget.reply_seconds - host.limits.margin_seconds
        )

    def run(self) -> UssdReply:
        record = self.host.store.load(self.key)
        seen = None
        if record is not None:
            seen = Seen(self._lives(record), record.accumulated)
        self.request = resolve(self.raw, seen)
        if record is not None and self._stranger(record):
            return self._plain("refused")
        if self.request.kind in NOTICES:
            return self._notice(record)
        return self._decide(record)

    # What this callback is to the record that stands.

    def _decide(self, record: Record | None) -> UssdReply:
        """Replay, wait for a twin, or take the next turn."""
        if record is not None and self._repeats(record):
            return self._reply_of(record)
        if record is not None and record.reply is None:
            settled = self._settled(record)
            if settled is None:
                return self._plain("busy")
            record = settled
        if self.request.kind is Kind.BEGIN:
            if record is not None and self._lives(record) and not self._newer(record):
                return self._reply_of(record)
            return self._begin(record)
        if record is None:
            return self._plain("expired")
        if not self._newer(record):
            # A late older hop, or the loser of a race: what is on the phone now.
            return self._reply_of(record)
        if not self._lives(record):
            return self._plain("expired")
        program = self.host.programs.of(record.session)
        if program is None:
            log.warning("a session's flow %s is not loaded here", record.session.flow)
            return self._plain("expired")
        now = self.host.clock()
        event = engine.Answer(self.request.input)
        turn = engine.step(program, record.session, event, now, self.endpoint.budget)
        return self._claim(program, record, turn, now)

    def _repeats(self, record: Record) -> bool:
        if record.hop != self.request.hop or self._differs(record):
            return False
        # A hop that was not its session's first is never the dial of a new one, however late.
        later = record.session.hops > 1
        if self.request.kind is not Kind.BEGIN or self._lives(record) or later:
            return True
        return self.host.clock() - record.claimed_at < REPEAT_SECONDS

    def _lives(self, record: Record) -> bool:
        idle = self.host.clock() - record.session.touched_at
        return record.session.status is Status.LIVE and idle <= self.host.limits.idle_seconds

    def _newer(self, record: Record) -> bool:
        """Whether this hop comes after the newest one the record knows."""
        if self.raw.accumulated:
            before = record.accumulated
            return self.raw.input.startswith(f"{before}*" if before else "") and (
                len(self.raw.input) > len(before)
            )
        if self.raw.position is None or record.position is None:
            return True
        return self.raw.position > record.position

    def _stranger(self, record: Record) -> bool:
        """Another number with the same session id, while that session lives."""
        return self._lives(record) and self._differs(record)

    def _differs(self, record: Record) -> bool:
        """Whether the request names another number than the session's."""
        return self.request.msisdn not in {"", record.session.msisdn}

    # Taking a turn.

    def _begin(self, record: Record | None) -> UssdReply:
        endpoint = self.endpoint.facts
        code = self.request.service_code
        program = self.host.programs.current(code)
        if program is None or (endpoint.service_codes and code not in endpoint.service_codes):
            return self._plain("unknown_code")
        now = self.host.clock()
        event = engine.Begin(
            self.host.new_instance(),
            self.request.msisdn,
            code,
            self.request.input,
            self.request.language,
        )
        turn = engine.begin(program, event, now, self.endpoint.budget)
        return self._claim(program, record, turn, now)

    def _claim(self, program: Program, record: Record | None, turn: Turn, now: float) -> UssdReply:
        """Write the stepped session; only who succeeds carries out what it wants."""
        mine = Record(
            turn.session,
            self.request.hop,
            self.request.position,
            self.raw.input if self.raw.accumulated else "",
            self._encode(turn),
            now,
        )
        seen = record.tag if record is not None else b""
        won, current = self.host.store.swap(self.key, seen, mine)
        if won and current is not None:
            return self._finish(program, current)
        if current is None:
            return self._plain("expired")
        # The loser of a race: whatever it wished, it reads what the winner shows.
        return self._reply_of(current)

    def _finish(self, program: Program, record: Record) -> UssdReply:
        """Carry out a claimed hop's call, and the next, until there is a reply to send."""
        for _ in range(_CALLS_MAX):
            if record.reply is not None:
                log.debug(
                    "%s %s at %s",
                    self.endpoint.facts.name,
                    record.session.instance[:8],
                    record.session.state,
                )
                return record.reply
            if record.session.status is not Status.LIVE:
                return self._plain("expired")
            call = engine.call_of(program, record.session)
            event: engine.Event
            result = self._result(call)
            event = engine.Hold() if result is None else engine.Result(result)
            now = self.host.clock()
            turn = engine.step(program, record.session, event, now, self.endpoint.budget)
            mine = replace(record, session=turn.session, reply=self._encode(turn))
            won, current = self.host.store.swap(self.key, record.tag, mine)
            if current is None:
                return self._plain("expired")
            if not won and current.hop != record.hop:
                return self._reply_of(current)
            record = current
        log.error("a hop went through %d calls and showed nothing", _CALLS_MAX)
        return self._plain("error")

    def _result(self, call: Call) -> CallResult | None:
        try:
            result = self.host.backends.start(call)
        except NotStarted as error:
            log.warning("call %s not started: %s", call.backend, error)
            return CallResult(call.id, FAILED)
        if result is not None:
            return result
        seconds = min(call.deadline_seconds, self.must_leave - time.monotonic())
        if seconds <= 0 or not self.host.slots.acquire(blocking=False):
            return None
        try:
            return self.host.backends.wait(call, seconds)
        finally:
            self.host.slots.release()

    # Reading what another has shown.

    def _reply_of(self, record: Record) -> UssdReply:
        """The stored reply; of a claim without one, the reply its claimer comes to."""
        if record.reply is not None:
            return record.reply
        settled = self._settled(record)
        if settled is None:
            return self._plain("busy")
        return settled.reply or self._plain("expired")

    def _settled(self, record: Record) -> Record | None:
        """A record in flight once it has its reply, finished here if its claimer is gone.

        A session that was dropped meanwhile gets none any more.
        """
        current: Record | None = record
        finished = False
        while current is not None and current.reply is None:
            if finished or current.session.status is not Status.LIVE:
                return current
            age = self.host.clock() - current.claimed_at
            if age > self.endpoint.budget.reply_seconds:
                program = self.host.programs.of(current.session)
                if program is None:
                    return None
                self._finish(program, current)
                finished = True
            elif time.monotonic() + _LOOK_SECONDS >= self.must_leave:
                return None
            else:
                time.sleep(_LOOK_SECONDS)
            current = self.host.store.load(self.key)
        return current

    # Ends.

    def _notice(self, record: Record | None) -> UssdReply:
        """A gateway's word that a session has ended: consumed, and answered in its own way."""
        if record is not None and record.session.status is Status.LIVE:
            program = self.host.programs.of(record.session)
            if program is not None and self.request.kind is not Kind.ENDED:
                now = self.host.clock()
                event = engine.Drop(self.request.reason or self.request.kind)
                turn = engine.step(program, record.session, event, now, self.endpoint.budget)
                won, _ = self.host.store.swap(
                    self.key, record.tag, replace(record, session=turn.session)
                )
                if won:
                    _note(turn)
        return self.endpoint.gateway.acknowledge(self.request)

    def _encode(self, turn: Turn) -> UssdReply | None:
        if turn.screen is None:
            return None
        return self.endpoint.gateway.encode(turn.screen, self.request, self.endpoint.facts)

    def _plain(self, text: str) -> UssdReply:
        return self.host.plain(self.endpoint, self.request, text)


def _note(turn: Turn) -> None:
    for effect in turn.effects:
        if isinstance(effect, Dropped):
            log.info(
                "session %s dropped at %s after %d hops, %d s: %s",
                effect.instance[:8],
                effect.state,
                effect.hops,
                effect.seconds,
                effect.reason,
            )
