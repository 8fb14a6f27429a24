"""One hop, exactly once: a callback claimed, its effects carried out, its reply stored and sent.

The stepped session is written, by compare-and-set, before anything outward happens. Whoever loses
that race reads the winner's reply and nothing it wanted is done. A repeat of a hop gets the stored
bytes. A repeat that finds a claim without a reply waits for its claimer; when its own time is out,
or no slot is free to wait in, it finishes the claim itself, with a holding screen, and the
compare-and-set again decides which one reply is stored and sent. Effects are known by derived ids,
so ordering them again is harmless.

The waits are bounded: a reply leaves before the endpoint's budget is spent, and only so many
callers of a process wait at once, for back-ends or for each other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from ussd_app import engine
from ussd_app.effects import (
    FAILED,
    Call,
    CallResult,
    Dropped,
    Effect,
    Message,
    NotStarted,
    Remember,
    Value,
)
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.engine import Turn
from ussd_app.flow.graph import CALLS_IN_A_ROW_MAX
from ussd_app.gateways import Seen, resolve
from ussd_app.messages import NOTICES, Action, Kind, Screen, UssdReply, UssdRequest
from ussd_app.rates import Rates
from ussd_app.screens import Program, system_text
from ussd_app.sealing import Sealer
from ussd_app.session import Session, Status
from ussd_app.standing import RETRY_SECONDS, Standing
from ussd_app.store import Record, Store, StoreDown
from ussd_app.trust import SKEW_SECONDS

log = logging.getLogger("cassou.hop")

#: No session goes on for longer.
_SESSION_SECONDS_MAX = 3600.0
#: How often a loser looks whether the winner has answered.
_LOOK_SECONDS = 0.02
#: A drop that meets a turn being taken is tried again so often.
_DROP_TRIES = 5
#: Calls that one hop may go through before it shows something: as many as the checker lets pass,
#: and one more that a holding screen ends.
_CALLS_MAX = CALLS_IN_A_ROW_MAX + 1


class Backends(Protocol):
    """The way to the back-ends, handed in by the composition root."""

    def known(self, call: Call) -> CallResult | None:
        """The result of a call that neither spends nor has to be ordered, if it is known here.

        It is asked for before the hop is claimed, perhaps in vain: only what has no effect counts.
        Raises `NoAnswer` where asking in another way would take as long again.
        """
        ...

    def start(self, call: Call) -> CallResult | None:
        """Order `call`, durably where it spends; a result if it is known at once.

        Asking again for the same id is harmless. Raises `NotStarted` only where it is proven that
        nothing was ordered, and `NoAnswer` where that is not known.
        """
        ...

    def wait(self, call: Call, seconds: float) -> CallResult | None:
        """The result of a call, waited for at most so long; raises `NoAnswer`."""
        ...

    def shown(self, call: Call, result: CallResult) -> None:
        """The screen that `result` led to is stored, and on its way to the phone."""
        ...

    def send(self, message: Message) -> None:
        """Order an SMS; at worst it is lost, and that is logged."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Times of a session and of a hop, in seconds; and how many hops a session may have."""

    idle_seconds: float
    margin_seconds: float
    hops_max: int = 300


class Programs(Protocol):
    """Compiled flows by service code, and by hash for sessions that began on them."""

    def current(self, service_code: str) -> Program | None:
        """The flow that a new session on this code begins."""
        ...

    def of(self, session: Session) -> Program | None:
        """The flow a session began on, if it can be had."""
        ...

    def any(self) -> Program:
        """One of them, for the framework's own texts."""
        ...


class FixedPrograms:
    """Programs that never change."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self._by_code = {code: each for each in programs for code in each.flow.service_codes}
        self._by_hash = {each.flow.hash: each for each in programs}

    def current(self, service_code: str) -> Program | None:
        """See `Programs.current`."""
        return self._by_code.get(service_code)

    def of(self, session: Session) -> Program | None:
        """See `Programs.of`."""
        return self._by_hash.get(session.flow)

    def any(self) -> Program:
        """See `Programs.any`."""
        return next(iter(self._by_hash.values()))


@dataclass(frozen=True, slots=True)
class Host:
    """Answers hops. The clock and the ids of sessions are handed in.

    `slots` bounds how many callers of this process wait for back-ends at once; without `rates`
    everybody is let in.
    """

    programs: Programs
    store: Store
    backends: Backends
    sealer: Sealer
    limits: Limits
    clock: Callable[[], float]
    new_instance: Callable[[], str]
    slots: threading.Semaphore
    rates: Rates | None = None

    def lets_in(self, endpoint: ConfiguredEndpoint) -> bool:
        """Whether one more callback of an endpoint is let in, which is then counted."""
        rates, name = self.rates, endpoint.facts.name
        return rates is None or rates.lets_in(name, endpoint.callbacks_per_second)

    def is_new(self, endpoint: ConfiguredEndpoint, nonce: str, signature: str) -> bool:
        """Whether a signed callback is not another's copy; raises `StoreDown`.

        For a second it may come again: so long, the hop's own rules know it for a repeat.
        """
        key = self.sealer.name("nonce", endpoint.facts.name, nonce)
        now = self.clock()
        before = self.store.first(key, [now, signature], 2 * SKEW_SECONDS)
        if before is None:
            return True
        first, known = before
        return bool(known == signature and now - first < RETRY_SECONDS)

    def answer(self, endpoint: ConfiguredEndpoint, request: UssdRequest) -> UssdReply:
        """The reply to one decoded callback; raises `StoreDown`."""
        return _Hop(self, endpoint, request).run()

    def answer_once(
        self, endpoint: ConfiguredEndpoint, request: UssdRequest
    ) -> tuple[UssdReply, bool]:
        """The same, and whether nobody was given this reply before; raises `StoreDown`."""
        hop = _Hop(self, endpoint, request)
        reply = hop.run()
        return reply, hop.is_fresh

    def plain(
        self, endpoint: ConfiguredEndpoint, request: UssdRequest, text: str, language: str = ""
    ) -> UssdReply:
        """An end screen with one of the framework's own texts, in the session's `language`."""
        program = self.programs.current(request.service_code) or self.programs.any()
        languages = program.flow.languages
        wished = language or request.language
        language = wished if wished in languages else languages[0]
        screen = Screen(system_text(program.flow, text, language), Action.END)
        return endpoint.gateway.encode(screen, request, endpoint.facts)


class _Hop:
    """The handling of one callback."""

    def __init__(self, host: Host, endpoint: ConfiguredEndpoint, request: UssdRequest) -> None:
        self.host = host
        self.endpoint = endpoint
        #: As the gateway sent it, and as `resolve` reads it against the stored session.
        self.raw = request
        self.request = request
        self.language = ""
        #: Whether this callback made its reply, and did not find it made.
        self.is_fresh = False
        self.key = host.sealer.name("session", endpoint.facts.name, request.session)
        # Waiting is measured on a clock that nobody sets; sessions live on the host's.
        self.must_leave = (
            time.monotonic() + endpoint.budget.reply_seconds - host.limits.margin_seconds
        )

    def run(self) -> UssdReply:
        record = self.host.store.load(self.key)
        self._resolve(record)
        if self.request.kind in NOTICES:
            return self._notice(record)
        if self.request.kind is Kind.STATUS:
            to = self._to(record) if record is not None else None
            live = to is not None and to.lives and not to.differs
            return self.endpoint.gateway.acknowledge(self.request, live=live)
        if record is not None:
            to = self._to(record)
            if to.lives and to.differs:
                return self._plain("refused")
            if to.is_repeat or to.is_older:
                return self._reply_of(record)
        return self._decide(record)

    def _resolve(self, record: Record | None) -> None:
        """Read the callback against what is stored of its session."""
        seen = None
        if record is not None:
            seen = Seen(self._to(record).lives, record.accumulated)
            self.language = record.session.language
        self.request = resolve(self.raw, seen)

    # What this callback is to the record that stands.

    def _decide(self, record: Record | None) -> UssdReply:
        """Wait for a twin, or take the next turn."""
        if record is not None and record.reply is None:
            record = self._settled(record)
            self._resolve(record)
        if self.request.kind is Kind.BEGIN:
            return self._begin(record)
        if record is None:
            return self._plain("expired")
        to = self._to(record)
        if not to.is_newer:
            # The loser of a race: what is on the phone now.
            return self._reply_of(record)
        if not to.lives:
            return self._plain("expired")
        program = self.host.programs.of(record.session)
        if program is None:
            log.warning("a session's flow %s is not loaded here", record.session.flow)
            return self._plain("expired")
        if record.session.hops >= self.host.limits.hops_max:
            self._drop(self.key, record, "too many hops")
            return self._plain("busy")
        now = self.host.clock()
        event = engine.Answer(self.request.input)
        turn = engine.step(program, record.session, event, now, self.endpoint.budget)
        return self._claim(program, record, turn, now)

    def _to(self, record: Record) -> Standing:
        """What this callback is to a record."""
        idle_seconds = self.host.limits.idle_seconds
        return Standing(record, self.raw, self.request, self.host.clock(), idle_seconds)

    # Taking a turn.

    def _begin(self, record: Record | None) -> UssdReply:
        endpoint = self.endpoint.facts
        code = self.request.service_code
        program = self.host.programs.current(code)
        if program is None or (endpoint.service_codes and code not in endpoint.service_codes):
            return self._plain("unknown_code")
        if not self.request.msisdn:
            log.warning("%s: a dial without an MSISDN", endpoint.name)
            return self._plain("refused")
        host, msisdn = self.host, self.request.msisdn
        if host.rates is not None and not host.rates.lets_dial(host.sealer.name("dial", msisdn)):
            log.warning("%s: a number dials too often", endpoint.name)
            return self._plain("busy")
        last = _last_key(host.sealer, msisdn, code)
        before = None
        if program.facts or program.flow.resume is not None:
            # Dropped first, because dropping it may change what is remembered.
            (before,) = host.store.recall([last])
            self._superseded(before)
        now = host.clock()
        event = engine.Begin(
            host.new_instance(),
            msisdn,
            code,
            self.request.input,
            self.request.language,
            self._facts(program),
            self._before(program, before),
        )
        turn = engine.begin(program, event, now, self.endpoint.budget)

        def won() -> None:
            # At once, not after the back-ends: a dial that comes meanwhile is the newer one.
            # From the last hop on counts `within`; how long the session goes on is not known yet.
            seconds = _memory(program) + _SESSION_SECONDS_MAX
            try:
                other = host.store.exchange(last, self.key, seconds)
                if other != before:
                    self._superseded(other)
            except StoreDown as error:
                # The session stands; what is lost is that the one before it was dropped.
                log.warning("%s: not noted which session is the newest: %s", endpoint.name, error)

        return self._claim(program, record, turn, now, won)

    def _superseded(self, key: object) -> None:
        """Drop the session under `key`, if it lives: whoever dials again has left it."""
        if not isinstance(key, bytes) or key == self.key:
            return
        try:
            record = self.host.store.load(key)
        except StoreDown:
            # Written by another release, perhaps: nothing can be done with it.
            return
        if record is not None and record.session.msisdn == self.request.msisdn:
            self._drop(key, record, "dialled again", record.session.touched_at)

    def _drop(
        self, key: bytes, record: Record | None, reason: str, at: float | None = None
    ) -> None:
        """End a session where it stands; what its flow does on a drop is carried out.

        `at` is when it was left, where that is not now.
        """
        for _ in range(_DROP_TRIES):
            if record is None or record.session.status is not Status.LIVE:
                return
            program = self.host.programs.of(record.session)
            if program is None:
                return
            now = self.host.clock() if at is None else at
            event = engine.Drop(reason)
            turn = engine.step(program, record.session, event, now, self.endpoint.budget)
            dropped = record._replace(session=turn.session)
            won, record = self.host.store.swap(key, record.tag, dropped, _memory(program))
            if won:
                _note(turn)
                self._carry_out(turn.effects)
                return

    # What outlives a session.

    def _facts(self, program: Program) -> dict[str, Value]:
        """What is remembered of the subscriber for this flow."""
        names = [fact for _, fact, _ in program.facts]
        if program.flow.language_seconds:
            names.append(engine.LANGUAGE_FACT)
        if not names:
            return {}
        found = self.host.store.recall([self._fact(name) for name in names])
        return {name: value for name, value in zip(names, found, strict=True) if value is not None}

    def _fact(self, name: str) -> bytes:
        return _fact_key(self.host.sealer, self.request.msisdn, name)

    def _before(self, program: Program, key: object) -> Session | None:
        """The subscriber's last session on this code, where the flow leads back to it."""
        if program.flow.resume is None or self.request.input:
            return None
        try:
            before = self.host.store.load(key) if isinstance(key, bytes) else None
        except StoreDown:
            # Written by another release, perhaps: whoever dials begins anew.
            return None
        if before is None or before.session.msisdn != self.request.msisdn:
            return None
        return before.session

    def _carry_out(self, effects: tuple[Effect, ...]) -> None:
        """Remember what a won turn wants remembered, send what it sends.

        A process that dies just here forgets it: facts are a convenience, money is in the ledger.
        """
        for effect in effects:
            match effect:
                case Remember(fact, value, seconds):
                    self.host.store.keep(self._fact(fact), value, seconds)
                case Message():
                    self.host.backends.send(effect)

    def _claim(
        self,
        program: Program,
        record: Record | None,
        turn: Turn,
        now: float,
        when_won: Callable[[], None] = lambda: None,
    ) -> UssdReply:
        """Write the stepped session; only who succeeds carries out what it wants."""
        turn = self._ahead(program, turn, now)
        mine = Record(
            turn.session,
            self.request.hop,
            self.request.position,
            self.raw.input if self.raw.accumulated else "",
            self._encode(turn, self.request.position),
            now,
            # What is known may have taken a while to be asked.
            self.host.clock(),
        )
        seen = record.tag if record is not None else b""
        won, current = self.host.store.swap(self.key, seen, mine, _memory(program))
        if won and current is not None:
            self.is_fresh = current.reply is not None
            when_won()
            self._carry_out(turn.effects)
            return self._finish(program, current)
        if current is None:
            return self._plain("expired")
        # The loser of a race: whatever it wished, it reads what the winner shows.
        return self._reply_of(current)

    def _ahead(self, program: Program, turn: Turn, now: float) -> Turn:
        """The turn, gone on for as long as its calls' results are known without ordering any."""
        for _ in range(_CALLS_MAX):
            call = turn.call
            if call is None or call.once:
                break
            result = self.host.backends.known(call)
            if result is None:
                break
            event = engine.Result(result)
            on = engine.step(program, turn.session, event, now, self.endpoint.budget)
            before = (effect for effect in turn.effects if effect is not call)
            turn = Turn(on.session, on.screen, (*before, *on.effects))
        return turn

    def _finish(self, program: Program, record: Record) -> UssdReply:
        """Carry out a claimed hop's call, and the next, until there is a reply to send."""
        for number in range(2 * _CALLS_MAX):
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
            # A long dial string may order more than one hop has time for: the rest waits.
            result = self._result(call) if number < _CALLS_MAX else None
            event = engine.Hold() if result is None else engine.Result(result)
            now = self.host.clock()
            turn = engine.step(program, record.session, event, now, self.endpoint.budget)
            reply = self._encode(turn, record.position)
            mine = record._replace(session=turn.session, reply=reply, answered_at=now)
            won, current = self.host.store.swap(self.key, record.tag, mine, _memory(program))
            if current is None:
                return self._plain("expired")
            if won:
                self.is_fresh = current.reply is not None
                self._carry_out(turn.effects)
            if won and current.reply is not None and result is not None:
                self.host.backends.shown(call, result)
            if not won and current.hop != record.hop:
                return self._reply_of(current)
            record = current
        log.error("a hop went through %d calls and showed nothing", 2 * _CALLS_MAX)
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
        """The stored reply; of a claim without one, the reply it comes to."""
        if self._to(record).differs:
            return self._plain("refused")
        settled: Record | None = record if record.reply is not None else self._settled(record)
        if settled is None:
            return self._plain("expired")
        return settled.reply or self._plain("expired")

    def _settled(self, record: Record) -> Record | None:
        """A record in flight once it has its reply: from its claimer, or finished here.

        None if the session is gone; without a reply if it ended while its call was out.
        """
        current: Record | None = record
        abandoned = self.host.clock() - record.claimed_at > self.endpoint.budget.reply_seconds
        slot = not abandoned and self.host.slots.acquire(blocking=False)
        try:
            while slot and _in_flight(current) and time.monotonic() < self.must_leave:
                time.sleep(_LOOK_SECONDS)
                current = self.host.store.load(self.key)
        finally:
            if slot:
                self.host.slots.release()
        if current is not None and _in_flight(current):
            program = self.host.programs.of(current.session)
            if program is not None:
                if not abandoned:
                    # Its claimer may yet answer: a holding screen now, unless that was quicker.
                    self.must_leave = 0.0
                self._finish(program, current)
                current = self.host.store.load(self.key)
        return current

    # Ends.

    def _notice(self, record: Record | None) -> UssdReply:
        """A gateway's word that a session has ended: consumed, and answered in its own way."""
        if record is None or self._to(record).differs:
            return self.endpoint.gateway.acknowledge(self.request)
        if self.request.kind is not Kind.ENDED:
            self._drop(self.key, record, self.request.reason or self.request.kind)
        return self.endpoint.gateway.acknowledge(self.request)

    def _encode(self, turn: Turn, position: int | None) -> UssdReply | None:
        """The reply to the hop at `position`, which need not be this callback's."""
        if turn.screen is None:
            return None
        request = self.request
        if request.position != position:
            request = request._replace(position=position)
        return self.endpoint.gateway.encode(turn.screen, request, self.endpoint.facts)

    def _plain(self, text: str) -> UssdReply:
        self.is_fresh = True
        return self.host.plain(self.endpoint, self.request, text, self.language)


def _memory(program: Program) -> float:
    """How long a session must be remembered at least, because its flow leads back to it."""
    return program.flow.resume.within_seconds if program.flow.resume is not None else 0.0


def _fact_key(sealer: Sealer, msisdn: str, fact: str) -> bytes:
    """Where a fact about a subscriber is kept."""
    return sealer.name("fact", fact, msisdn)


def _last_key(sealer: Sealer, msisdn: str, service_code: str) -> bytes:
    """Where it is kept which session a subscriber last began on a service code."""
    return sealer.name("last", service_code, msisdn)


def erase(store: Store, sealer: Sealer, programs: Iterable[Program], msisdn: str) -> int:
    """Forget what these programs remember of a subscriber; how many facts there were.

    Sessions themselves end on their own within the hour. Raises `StoreDown`.
    """
    facts = {engine.LANGUAGE_FACT}
    keys = []
    for program in programs:
        facts.update(fact for _, fact, _ in program.facts)
        keys += [_last_key(sealer, msisdn, code) for code in program.flow.service_codes]
    known = [_fact_key(sealer, msisdn, fact) for fact in sorted(facts)]
    found = sum(value is not None for value in store.recall(known))
    for key in (*known, *keys):
        store.keep(key, None, 0.0)
    return found


def _in_flight(record: Record | None) -> bool:
    """Whether a hop is claimed and not answered, its session still going on."""
    return record is not None and record.reply is None and record.session.status is Status.LIVE


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
