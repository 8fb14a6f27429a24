"""What explorers tell situations of a dialog apart by, and what back-ends may answer. Pure.

Two sessions are in the same situation if they show the same and every condition of the flow is
answered alike: roughly. More finely they are told apart by every value of few possible ones, which
finds what only a count reaches, such as a basket that is full.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

from ussd_app.flow import conditions
from ussd_app.flow.model import (
    Apply,
    CallState,
    Condition,
    Flow,
    Input,
    Listing,
    SetState,
    Shape,
    Type,
    When,
)
from ussd_app.flow.values import day, fits, longest
from ussd_app.messages import Screen
from ussd_app.render.texts import Place
from ussd_app.replay.liveness import live, names_in, place_of, places, whens
from ussd_app.replay.transcript import Field
from ussd_app.screens import Program, named_values, rows_of, screen_before
from ussd_app.session import Session

#: An integer of so many possible values is one that counts something.
_FEW = 40
#: Days that parts of a date are tried for.
_WEEK = 8


class Situations:
    """The situations of one flow's dialogs. `languages`: each language is one of its own."""

    def __init__(self, program: Program, today: date, *, languages: bool) -> None:
        self._program = program
        self._flow = flow = program.flow
        self._today = today
        self._languages = languages
        remembered = {name for name, _, _ in program.facts}
        self._live = {name: alive | remembered for name, alive in live(flow).items()}
        self._whens = {
            name: [
                (number, when)
                for number, when in enumerate(_deciding(flow))
                if alive.intersection(names_in(when))
            ]
            for name, alive in self._live.items()
        }
        self._rows = tuple((s.name, s.rows) for s in flow.states.values() if isinstance(s, Listing))
        self._kept = tuple(s.save for s in flow.states.values() if isinstance(s, Input) and s.keep)
        #: What back-ends answered, and rows that were chosen of it.
        self._saved = sorted(
            {
                state.save
                for state in flow.states.values()
                if isinstance(state, CallState | Listing) and state.save not in flow.variables
            }
        )
        parts = date_parts(flow, today)
        self._few = tuple(
            name
            for name, each in flow.variables.items()
            if name in parts or _has_few(each.shape) or each.shape.type is Type.ROWS
        )

    def place(self, session: Session, screen: Screen | None) -> Hashable:
        """Where a dialog stands, whatever its values."""
        return (
            session.state,
            session.page,
            session.waits,
            session.asking,
            screen is not None,
            screen is not None and self._flow.keys.more in dict(screen.options),
            session.attempts.get(session.state, 0),
        )

    def ways(self, session: Session) -> tuple[Hashable, ...]:
        """What decides which ways lead on."""
        named, alive = named_values(session), self._live[session.state]
        language = session.language
        return (
            ("held", session.held is not None),
            ("language", language if self._languages else ""),
            *(
                (number, self._holds(when, named, language))
                for number, when in self._whens[session.state]
            ),
            *(
                (source, conditions.is_set(place, named) and bool(rows_of(named, place)))
                for source, place in self._rows
                if place.name in alive
            ),
            *((name, name in session.variables) for name in self._kept if name in alive),
        )

    def values(self, session: Session) -> tuple[Hashable, ...]:
        """Every value that may matter and is one of few."""
        variables, alive = session.variables, self._live[session.state]
        return (
            ("before", screen_before(self._program, session)),
            *((name, _told(variables.get(name))) for name in self._few if name in alive),
            *((name, repr(variables.get(name))) for name in self._saved if name in alive),
        )

    def _holds(self, when: When, named: Mapping[str, object], language: str) -> bool | None:
        try:
            return conditions.holds(when, named, language, self._flow.filters)
        except KeyError:
            return None


def today_of(now: float) -> date:
    """The day of an instant, as the engine counts it."""
    return datetime.fromtimestamp(now, UTC).date()


def _deciding(flow: Flow) -> Iterable[When]:
    """Every condition that decides where a dialog goes, once."""
    return dict.fromkeys(when for state in flow.states.values() for when in whens(state))


def _has_few(shape: Shape) -> bool:
    match shape.type:
        case Type.BOOLEAN | Type.CHOICE:
            return True
        case Type.INTEGER if shape.high is not None and not shape.longest:
            return Decimal(shape.high) - Decimal(shape.low or 0) <= _FEW
        case _:
            return False


def _told(value: object) -> Hashable:
    """A value of few possible ones; of rows, how many they are."""
    if isinstance(value, tuple | list):
        return len(value)
    return value if isinstance(value, str | int) else None


# Values that lead somewhere.


def date_parts(flow: Flow, today: date) -> dict[str, tuple[str, ...]]:
    """Variables that days, months and years of dates are typed into, with numbers worth typing."""
    found: dict[str, dict[str, None]] = {}
    for state in flow.states.values():
        for each in state.assignments if isinstance(state, SetState) else ():
            if not isinstance(each.value, Apply) or each.value.function != "date.of":
                continue
            shape = flow.variables[each.name].shape
            first = day(shape.low, today) if shape.low else today
            dates = [first + timedelta(days=number) for number in range(_WEEK)]
            for part, value in each.value.arguments.items():
                place = place_of(value)
                if place is not None and place.field is None:
                    numbers = (str(getattr(when, part)) for when in dates)
                    found.setdefault(place.name, {}).update(dict.fromkeys(numbers))
    return {name: tuple(numbers) for name, numbers in found.items()}


def variants(flow: Flow, state: CallState, outcome: str) -> tuple[Mapping[str, Field], ...]:
    """What a back-end may answer beside its sample, one field each: what conditions ask about."""
    declared = flow.backends[state.backend].outcomes[outcome]
    found: list[Mapping[str, Field]] = []
    for name, shape in declared.fields.items():
        sample = declared.sample[name]
        if shape.type is Type.ROWS:
            found += [{name: rows} for rows in _rows(shape, sample)]
            continue
        values = dict.fromkeys(_asked_about(flow, state.save, name, shape))
        found += [{name: each} for each in values if each != str(sample) and fits(shape, each)]
    return tuple(found)


def _asked_about(flow: Flow, save: str, name: str, shape: Shape) -> Iterator[str]:
    """Values of a field on either side of every condition; or of no use in a `set`."""
    for when in _deciding(flow):
        for condition in when:
            if (condition.left.name, condition.left.field) == (save, name):
                yield from _sides(condition, shape)
    for place, way_out in _set_from(flow):
        if way_out and (place.name, place.field) == (save, name):
            yield from ("0", longest(shape))


def _sides(condition: Condition, shape: Shape) -> Iterable[str]:
    if shape.type is Type.BOOLEAN:
        return ("true", "false")
    if shape.type is Type.CHOICE:
        return tuple(shape.choices)
    if not isinstance(condition.right, str):
        return ("0", longest(shape))
    if not condition.numeric:
        return (condition.right, longest(shape))
    number = int(Decimal(condition.right))
    return (condition.right, str(number - 1), str(number + 1))


def _set_from(flow: Flow) -> Iterator[tuple[Place, str]]:
    """Places that a `set` takes its values from, with its way out where they do not fit."""
    for state in flow.states.values():
        for each in state.assignments if isinstance(state, SetState) else ():
            for place in places(each.value):
                yield place, cast("SetState", state).otherwise


def _rows(shape: Shape, sample: object) -> Iterator[tuple[Mapping[str, str], ...]]:
    """No rows, as many as there can be, and a row of nothings."""
    given = sample if isinstance(sample, list | tuple) else ()
    rows = [{name: str(value) for name, value in row.items()} for row in given]
    yield ()
    if rows:
        yield tuple(rows[number % len(rows)] for number in range(shape.rows_max))
        nothing = {name: "0" for name, each in shape.fields.items() if fits(each, "0")}
        yield ({**rows[0], **nothing},)
