"""How a client first comes to each state, and with which values: a walk through a flow on paper.

Back-ends answer with the catalogue's samples, inputs are answered plausibly, and of all ways to a
state the one counts that believes the fewest things which the samples do not say.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ussd_app.designer.samples import DAY, Samples, accepted, sample_of
from ussd_app.effects import FAILED, LATE
from ussd_app.flow import graph
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    End,
    Flow,
    Input,
    Listing,
    Menu,
    Operator,
    Option,
    SetState,
    Show,
    State,
    Wait,
    When,
)
from ussd_app.flow.names import Names
from ussd_app.flow.values import fits, stored
from ussd_app.session import TRAIL_MAX
from ussd_app.working import worked_out


@dataclass(frozen=True, slots=True)
class Visit:
    """The first arrival at a state: the variables then, and the screens to go back over."""

    variables: Mapping[str, object]
    trail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    """One way on; `doubt` where the samples say that another one is taken."""

    dest: str
    variables: Mapping[str, object]
    doubt: bool = False


def visits(flow: Flow, names: Names) -> dict[str, Visit]:
    """The first arrival at every state that some way leads to."""
    walk = _Walk(flow, names)
    found: dict[str, Visit] = {}
    # Doubts, then steps, then the order in which ways were found: the same walk every time.
    queue: list[tuple[int, int, int, str, Visit]] = []
    for count, start in enumerate(graph.starts(flow)):
        heapq.heappush(queue, (0, 0, count, start, Visit({})))
    count = len(queue)
    while queue:
        doubts, steps, _, name, visit = heapq.heappop(queue)
        state = flow.states.get(name)
        if state is None or name in found:
            continue
        trail = _trail_before(flow, name, visit.trail)
        found[name] = Visit(visit.variables, trail)
        onward = (*trail, name)[-TRAIL_MAX:] if isinstance(state, VISIBLE) else trail
        if isinstance(state, CallState) and state.once:
            onward = ()
        for way in walk.ways(state, visit.variables):
            count += 1
            entry = (doubts + way.doubt, steps + 1, count, way.dest, Visit(way.variables, onward))
            heapq.heappush(queue, entry)
    return found


def left_by_back(flow: Flow) -> frozenset[str]:
    """The screens that the back key may lead away from; at home there is none before."""
    following: dict[str, list[str]] = {}
    for state in flow.states.values():
        following[state.name] = [edge.dest for edge in graph.written_edges(state)]
    found: set[str] = set()
    for state in flow.states.values():
        if isinstance(state, VISIBLE):
            after = graph.next_screens(flow.states, following, following[state.name])
            found |= after - {state.name}
    ends = {name for name in found if isinstance(flow.states[name], End)}
    return frozenset(found - ends - {flow.home})


def _trail_before(flow: Flow, name: str, trail: tuple[str, ...]) -> tuple[str, ...]:
    if name == flow.home:
        return ()
    return trail[: trail.index(name)] if name in trail else trail


class _Walk:
    def __init__(self, flow: Flow, names: Names) -> None:
        self._flow = flow
        self._names = names
        self._language = flow.languages[0]

    def ways(self, state: State, variables: Mapping[str, object]) -> Iterator[_Way]:
        """The ways on from a state, in the order of the flow."""
        values = Samples(self._flow, self._names, self._language, variables)
        match state:
            case Menu():
                yield from self._options(state.options, values, variables)
                if state.otherwise is not None:
                    other = state.otherwise
                    value = accepted(self._flow, other.save, other.checks, values.shown.named)
                    yield _Way(other.next, {**variables, other.save: value})
            case Listing():
                yield from self._rows(state, values, variables)
                yield from self._options(state.options, values, variables)
            case Input():
                value = accepted(self._flow, state.save, state.checks, values.shown.named)
                yield _Way(state.next, {**variables, state.save: value})
                if state.attempts_max:
                    yield _Way(state.attempts_next, variables)
            case Show() | Wait():
                yield _Way(state.next, variables)
            case CallState():
                yield from self._outcomes(state, variables)
            case Branch():
                yield from self._cases(state, values, variables)
            case SetState():
                yield from self._set(state, values, variables)

    def _options(
        self, options: tuple[Option, ...], values: Samples, variables: Mapping[str, object]
    ) -> Iterator[_Way]:
        for option in options:
            if not option.resume:
                given = self._granted(option.when, values, variables)
                yield _Way(option.next, given, not values.holds(option.when))

    def _granted(
        self, when: When, values: Samples, variables: Mapping[str, object]
    ) -> Mapping[str, object]:
        """The variables where these conditions hold, as far as they ask what is set."""
        found = dict(variables)
        for condition in when:
            name = condition.left.name
            if condition.operator is Operator.SET and name in values.shown.named:
                found.setdefault(name, values.shown.named[name])
            elif condition.operator is Operator.UNSET and condition.left.field is None:
                found.pop(name, None)
        return found

    def _rows(
        self, state: Listing, values: Samples, variables: Mapping[str, object]
    ) -> Iterator[_Way]:
        rows = values.rows(state.rows)
        fields = self._names.row_fields(state.rows)
        row: Mapping[str, object] = {name: sample_of(shape) for name, shape in fields.items()}
        if rows:
            row = {name: value for name, value in rows[0].items() if name in fields}
        yield _Way(state.next, {**variables, state.save: row}, not rows)
        if state.empty:
            yield _Way(state.empty, variables, bool(rows))

    def _outcomes(self, state: CallState, variables: Mapping[str, object]) -> Iterator[_Way]:
        backend = self._flow.backends.get(state.backend)
        declared = backend.outcomes if backend is not None else {}
        for name, dest in state.outcomes.items():
            given = dict(variables)
            if state.save:
                given[state.save] = dict(declared[name].sample) if name in declared else {}
            yield _Way(dest, given, name in {LATE, FAILED})

    def _cases(
        self, state: Branch, values: Samples, variables: Mapping[str, object]
    ) -> Iterator[_Way]:
        decided = False
        for case in state.cases:
            holds = values.holds(case.when)
            yield _Way(case.next, self._granted(case.when, values, variables), decided or not holds)
            decided = decided or holds
        yield _Way(state.otherwise, variables, decided)

    def _set(
        self, state: SetState, values: Samples, variables: Mapping[str, object]
    ) -> Iterator[_Way]:
        kept = {name: each for name, each in variables.items() if name not in state.forget}
        new: dict[str, object] = {}
        doubt = False
        for assignment in state.assignments:
            if assignment.record is not None:
                new[assignment.name] = {
                    name: worked_out(
                        each, values.shown, self._language, self._flow.functions, seed=0
                    )
                    for name, each in assignment.record.items()
                }
            elif assignment.value is not None:
                found = worked_out(
                    assignment.value, values.shown, self._language, self._flow.functions, seed=0
                )
                shape = self._flow.variables[assignment.name].shape
                if found is None or not fits(shape, found, DAY):
                    found, doubt = sample_of(shape), True
                new[assignment.name] = stored(shape, found)
        yield _Way(state.next, {**kept, **new}, doubt)
        if state.otherwise:
            yield _Way(state.otherwise, variables, not doubt)
