"""What is worth answering at a screen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from ussd_app.designer import samples
from ussd_app.flow.model import Check, End, Listing, Menu, Show, Wait
from ussd_app.flow.values import normalise
from ussd_app.messages import Screen
from ussd_app.replay.boundaries import CHECKED, NO_OPTION, Asked, asked, boundaries, no_option
from ussd_app.replay.coverage import Kind, Point
from ussd_app.replay.situations import date_parts
from ussd_app.screens import Program, named_values, options_of, rows_of, screen_before
from ussd_app.session import Session
from ussd_app.taking import typed_value


class Answers:
    """What a client may answer. Bounds that are refused are tried while they are in `unmet`."""

    def __init__(
        self, program: Program, today: date, unmet: Collection[Point], words: Iterable[str]
    ) -> None:
        self._program, self._flow = program, program.flow
        self._today = today
        self._unmet = unmet
        self._words = tuple(dict.fromkeys(words))
        self._parts = date_parts(program.flow, today)

    def at(self, session: Session, screen: Screen) -> Iterator[str]:
        """Everything worth typing at a screen."""
        flow, name = self._flow, session.state
        keys, state = flow.keys, flow.states[name]
        if session.pending:
            yield "1"
            return
        if session.asking:
            yield from ("1", "2")
            return
        if keys.more in dict(screen.options):
            yield keys.more
        if session.page > 0:
            yield keys.back
        if session.page or isinstance(state, End):
            return
        match state:
            case Menu() | Listing():
                yield from self._chosen(session, state)
            case Show() | Wait():
                yield "1"
        yield from dict.fromkeys(self._values(session))
        if screen_before(self._program, session) is not None:
            yield keys.back
        if name != flow.home:
            yield keys.home

    def _chosen(self, session: Session, state: Menu | Listing) -> Iterator[str]:
        """The first row, each option, and none of them."""
        rows = rows_of(named_values(session), state.rows) if isinstance(state, Listing) else ()
        if rows:
            yield "1"
        for key, _, _ in options_of(self._flow, session, state.options, len(rows)):
            yield key
        if Point(Kind.INPUT, state.name, NO_OPTION) in self._unmet:
            yield no_option(self._flow, state)

    def _values(self, session: Session) -> Iterator[str]:
        """What is accepted, the usual first; and what is not, while it was not tried."""
        state = self._flow.states[session.state]
        wish = asked(state)
        if wish is None:
            return
        bounds = boundaries(self._flow, state, self._today)
        usual = list(self._usual(session, wish))
        yield from [each for each in usual if self._accepts(session, wish, each)][:1]
        for each in (*self._parts.get(wish.save, ()), *self._words):
            if self._accepts(session, wish, each):
                yield each
        for bound in bounds:
            good = [each for each in bound.texts if self._accepts(session, wish, each)]
            if good:
                yield good[0]
            elif bound is bounds[-1] or Point(Kind.INPUT, state.name, bound.name) in self._unmet:
                yield bound.texts[0]
        if Point(Kind.INPUT, state.name, CHECKED) in self._unmet:
            every = [*usual, session.msisdn, *(each for bound in bounds for each in bound.texts)]
            yield from [each for each in every if self._only_checked(session, wish, each)][:1]

    def _usual(self, session: Session, wish: Asked) -> Iterator[str]:
        """Plausible texts, the best first."""
        shape, named = self._flow.variables[wish.save].shape, named_values(session)
        value = samples.accepted(self._flow, wish.save, wish.checks, named)
        yield from self._parts.get(wish.save, ())
        for each in (value, *samples.samples_of(shape, self._today)):
            yield samples.typed(shape, each)

    def _accepts(self, session: Session, wish: Asked, typed: str) -> bool:
        return not self._refused(session, wish, wish.checks, typed)

    def _only_checked(self, session: Session, wish: Asked, typed: str) -> bool:
        """Whether a text is of its type, and a check refuses it."""
        well_typed = not self._refused(session, wish, (), typed)
        return well_typed and not self._accepts(session, wish, typed)

    def _refused(
        self, session: Session, wish: Asked, checks: tuple[Check, ...], typed: str
    ) -> bool:
        bare, flow = normalise(typed), self._flow
        if bare in {flow.keys.back, flow.keys.home, flow.keys.more}:
            return True
        return bool(typed_value(flow, session, wish.save, checks, bare, self._today)[1])
