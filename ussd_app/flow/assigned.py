"""Which names surely have a value where: a definite-assignment analysis over all paths.

A forward analysis meets (by intersection) what every path into a state has assigned; a backward one
collects what a state or anything after it may still use. A name that is used where it is not surely
assigned is a problem; what is both assigned at a screen and still used later is what the back key
and a redial need to find in place (`needs`). Sets of names are bits of an int, so the cost grows
with the number of edges.

Atoms: `member.name` is a field; `member` alone says that the record was saved at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ussd_app.flow import graph
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    VISIBLE,
    Apply,
    Branch,
    CallState,
    Check,
    End,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    Operator,
    Option,
    SetState,
    State,
    Text,
    Type,
    Value,
    When,
)
from ussd_app.flow.names import BUILT_IN, Names
from ussd_app.render.texts import Place


@dataclass(frozen=True, slots=True)
class Use:
    """A place that needs a value; `text` and `language` say where it is written.

    `given` are the atoms that conditions around it have found set.
    """

    place: Place
    at: Position
    text: Text | None = None
    language: str = ""
    given: frozenset[str] = frozenset()
    row: Place | None = None


def atom(place: Place) -> str:
    """The atom that a place needs."""
    return place.path


def set_by(when: When) -> frozenset[str]:
    """The atoms that surely have a value once these conditions hold."""
    return frozenset(
        atom(condition.left) for condition in when if condition.operator is Operator.SET
    )


def unset_by(when: When) -> frozenset[str]:
    """The atoms that surely have a value once these conditions do not hold."""
    if len(when) == 1 and when[0].operator is Operator.UNSET:
        return frozenset({atom(when[0].left)})
    return frozenset()


def uses(state: State) -> Iterator[Use]:
    """Everything a state reads: its texts, its conditions, what it passes on."""
    match state:
        case Menu() | Listing() | Input():
            yield from _screen_uses(state)
        case CallState():
            for text in state.arguments.values():
                yield from text_uses(text)
        case FlowState():
            for value in state.arguments.values():
                yield from value_uses(value)
        case Branch():
            given: frozenset[str] = frozenset()
            for case in state.cases:
                yield from _when_uses(case.when, given)
                given |= unset_by(case.when)
        case SetState():
            for assignment in state.assignments:
                for value in _values(assignment.value, assignment.record):
                    yield from value_uses(value)
        case _:
            yield from _body_uses(state)


def _values(value: Value | None, record: Mapping[str, Value] | None) -> Iterable[Value]:
    if record is not None:
        return record.values()
    return (value,) if value is not None else ()


def _body_uses(state: State) -> Iterator[Use]:
    if isinstance(state, VISIBLE):
        for part in state.body.parts:
            yield from _when_uses(part.when, frozenset())
            given = set_by(part.when)
            if part.rows is not None:
                yield Use(part.rows, part.rows_at or part.text.at, given=given)
            yield from text_uses(part.text, given, part.rows)


def _screen_uses(state: Menu | Listing | Input) -> Iterator[Use]:
    yield from _body_uses(state)
    match state:
        case Menu():
            yield from _option_uses(state.options)
            if state.otherwise is not None:
                yield from _check_uses(state.otherwise.checks, state.otherwise.save)
        case Listing():
            yield Use(state.rows, state.rows_at or state.at)
            yield from text_uses(state.row, frozenset(), state.rows)
            yield from _option_uses(state.options)
        case Input():
            yield from _check_uses(state.checks, state.save)


def _option_uses(options: tuple[Option, ...]) -> Iterator[Use]:
    for option in options:
        yield from _when_uses(option.when, frozenset())
        yield from text_uses(option.label, set_by(option.when))


def _check_uses(checks: tuple[Check, ...], save: str) -> Iterator[Use]:
    """A check names its variable's new value."""
    new = frozenset({save})
    for check in checks:
        yield from _when_uses(check.when, new)
        yield from text_uses(check.error, new)


def _when_uses(when: When, given: frozenset[str]) -> Iterator[Use]:
    for condition in when:
        if condition.operator not in {Operator.SET, Operator.UNSET}:
            yield Use(condition.left, condition.at, given=given)
        if isinstance(condition.right, Place):
            yield Use(condition.right, condition.at, given=given)
        given |= set_by((condition,))


def text_uses(
    text: Text, given: frozenset[str] = frozenset(), row: Place | None = None
) -> Iterator[Use]:
    """The places of a text, each where it is written; a text for all languages counts once."""
    done = set()
    for language, template in text.by_language.items():
        at = text.places.get(language, text.at)
        if at in done:
            continue
        done.add(at)
        for place in template.places:
            yield Use(place, at, text, language, given, row)


def value_uses(value: Value) -> Iterator[Use]:
    """The places of what a `set` stores."""
    if isinstance(value, Apply):
        for inner in value.arguments.values():
            yield from value_uses(inner)
        return
    yield from text_uses(value)


@dataclass(frozen=True, slots=True)
class _Change:
    """What one edge does to the names: it forgets `kills`, then `gains` have values."""

    kills: int
    gains: int


class Assigned:
    """The analysis of one linked flow."""

    def __init__(self, flow: Flow, names: Names) -> None:
        self._flow = flow
        self._names = names
        self._bits: dict[str, int] = {}
        self._edges: dict[str, list[tuple[str, _Change]]] = {}
        self._into: dict[str, list[tuple[str, _Change]]] = {}
        for state in flow.states.values():
            self._add(state)
        #: Atoms surely assigned where a state is entered; states nobody enters are not in it.
        self._before: dict[str, int] = {}
        self._forward()
        self._used: dict[str, int] = {}
        self._backward()

    def has(self, state: str, name: str) -> bool:
        """Whether an atom surely has a value at a state, or no path leads there."""
        if name in BUILT_IN:
            return True
        found = self._before.get(state)
        return found is None or bool(found & self._bits.get(name, 0))

    def needs(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """For every screen, the (name, field or "") that must be there when it is shown again."""
        found = {}
        atoms = list(self._bits)
        for name, state in self._flow.states.items():
            if isinstance(state, VISIBLE) and not isinstance(state, End):
                both = self._before.get(name, 0) & self._used.get(name, 0)
                parts = sorted(atoms[number].partition(".") for number in _ones(both))
                if parts:
                    found[name] = tuple((head, field) for head, _, field in parts)
        return found

    def _bit(self, name: str) -> int:
        return self._bits.setdefault(name, 1 << len(self._bits))

    def _mask(self, atoms: Iterable[str]) -> int:
        mask = 0
        for name in atoms:
            mask |= self._bit(name)
        return mask

    def _twins(self, name: str) -> list[str]:
        """All names of a fact: a sub-flow that is used twice has two for one."""
        variable = self._flow.variables.get(name)
        if variable is None or not variable.fact:
            return [name]
        found = self._flow.variables.items()
        return [other for other, each in found if each.fact == variable.fact]

    def _grown(self, atoms: Iterable[str]) -> int:
        """The atoms, and the fields of declared rows among them, which are always stored whole."""
        mask = 0
        for name in atoms:
            declared = self._flow.variables.get(name)
            row = declared is not None and declared.shape.type is Type.ROW
            mask |= self._whole(name) if row else self._bit(name)
        return mask

    def _whole(self, name: str) -> int:
        """All atoms of a name: itself and its fields."""
        fields = self._names.records.get(name, {})
        return self._mask((name, *(f"{name}.{field}" for field in fields)))

    def _add(self, state: State) -> None:
        for edge in graph.written_edges(state):
            if edge.dest in self._flow.states:
                self._join(state.name, edge.dest, self._change(state, edge.trigger))
        home = self._flow.home
        if isinstance(state, VISIBLE) and not isinstance(state, End) and home in self._flow.states:
            self._join(state.name, home, _Change(0, 0))

    def _join(self, source: str, dest: str, change: _Change) -> None:
        self._edges.setdefault(source, []).append((dest, change))
        self._into.setdefault(dest, []).append((source, change))

    def _change(self, state: State, trigger: str) -> _Change:
        kind, _, which = trigger.partition(":")
        match state:
            case Input() if kind in {"typed", "kept"}:
                return _Change(0, self._bit(state.save))
            case Menu() if kind == "otherwise" and state.otherwise is not None:
                return _Change(0, self._bit(state.otherwise.save))
            case Menu() | Listing() if kind == "option":
                return _Change(0, self._grown(set_by(state.options[int(which) - 1].when)))
            case Listing() if kind == "row":
                return self._saved(state.save, self._names.row_fields(state.rows))
            case CallState():
                return self._result(state, which)
            case Branch():
                return _Change(0, self._grown(self._branched(state, kind, which)))
            case SetState() if kind == "set":
                return self._stored(state)
        return _Change(0, 0)

    def _saved(self, name: str, fields: Iterable[str]) -> _Change:
        gains = self._mask((name, *(f"{name}.{field}" for field in fields)))
        return _Change(self._whole(name), gains)

    def _result(self, state: CallState, outcome: str) -> _Change:
        if not state.save:
            return _Change(0, 0)
        backend = self._flow.backends.get(state.backend)
        declared = backend.outcomes.get(outcome) if backend is not None else None
        return self._saved(state.save, declared.fields if declared is not None else ())

    def _branched(self, state: Branch, kind: str, which: str) -> frozenset[str]:
        last = int(which) if kind == "case" else len(state.cases)
        found = set_by(state.cases[last].when) if kind == "case" else frozenset()
        for case in state.cases[:last]:
            found |= unset_by(case.when)
        return found

    def _stored(self, state: SetState) -> _Change:
        kills = gains = 0
        for name in state.forget:
            for twin in self._twins(name):
                kills |= self._whole(twin)
        for assignment in state.assignments:
            kills |= self._whole(assignment.name)
            if assignment.record is not None:
                fields: Iterable[str] = assignment.record
            else:
                fields = self._names.records.get(assignment.name, {})
            gains |= self._saved(assignment.name, fields).gains
        return _Change(kills, gains)

    def _forward(self) -> None:
        first = self._mask(self._flow.arguments)
        queue: deque[str] = deque()
        for start in graph.starts(self._flow):
            if start in self._flow.states:
                self._before[start] = first
                queue.append(start)
        while queue:
            name = queue.popleft()
            here = self._before[name]
            for dest, change in self._edges.get(name, ()):
                after = (here & ~change.kills) | change.gains
                known = self._before.get(dest)
                met = after if known is None else known & after
                if known is None or met != known:
                    self._before[dest] = met
                    queue.append(dest)

    def _backward(self) -> None:
        own = {
            state.name: self._mask(
                atom(use.place)
                for use in uses(state)
                if use.place.name not in BUILT_IN
                and use.place.name != "row"
                and not self._names.given(use.place, use.given)
            )
            for state in self._flow.states.values()
        }
        for entry in self._flow.on_drop:
            told = self._mask(
                atom(use.place) for use in text_uses(entry.text) if use.place.name not in BUILT_IN
            )
            for name in entry.states:
                if name in own:
                    own[name] |= told
        self._used = dict(own)
        # From the last: else each state would be looked at as often as others follow it.
        queue = deque(reversed(list(self._flow.states)))
        waiting = set(queue)
        while queue:
            name = queue.popleft()
            waiting.discard(name)
            here = self._used[name]
            for source, change in self._into.get(name, ()):
                before = self._used[source] | (here & ~change.gains & ~change.kills)
                if before != self._used[source]:
                    self._used[source] = before
                    if source not in waiting:
                        waiting.add(source)
                        queue.append(source)


def _ones(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
