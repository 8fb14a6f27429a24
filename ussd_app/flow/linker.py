"""Sub-flows put in the place of the states that name them, so that one flat table is left.

The sub-flow's states and variables get the caller's name before theirs (`login/ask`), its way in
becomes a `set` of its arguments, its exits a `set` of its result. What is proven of the flat table
is proven of every use of a sub-flow, at every depth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ussd_app.flow import graph
from ussd_app.flow.diagnostics import Diagnostic, Position, did_you_mean, meant
from ussd_app.flow.model import (
    VISIBLE,
    Assignment,
    Body,
    Branch,
    CallState,
    End,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    SetState,
    Show,
    State,
    Text,
    Variable,
    Wait,
)
from ussd_app.render.texts import Place, Template

#: States of a linked flow.
STATES_MAX = 2000
#: Sub-flows within sub-flows.
NESTED_MAX = 20
#: Problems whose sentence says what may have been meant; looking for it takes its time.
_HINTS_MAX = 50
#: Names every text may use, which belong to no flow.
GLOBAL = frozenset({"msisdn", "service_code", "row"})

SubFlow = Callable[[str], Flow | None]


class Linker:
    """Links one flow; `problems` are what was wrong with its calls of sub-flows."""

    def __init__(self, root: Flow, sub_flow: SubFlow, names: tuple[str, ...]) -> None:
        self._root = root
        self._sub_flow = sub_flow
        self._names = names
        self.problems: list[Diagnostic] = []
        self._states: dict[str, State] = {}
        self._variables: dict[str, Variable] = {}

    def linked(self) -> Flow:
        """The flow with its sub-flows' states in it; `problems` says what could not be linked."""
        root = self._root
        self._variables.update(_with_facts(root.variables, root.name))
        self._variables.update(root.arguments)
        self._add(root, "", {root.name: 1})
        if root.returns is not None:
            self._exits(root, "", None, "")
        if len(self._states) > STATES_MAX:
            sentence = f"with its sub-flows this flow has over {STATES_MAX} states"
            self.problems.append(Diagnostic(root.at, "too-large", sentence))
        states = self._reached()
        resume = root.resume
        if resume is not None:
            resume = dataclasses.replace(resume, never_into=self._inside(states, resume.never_into))
        on_drop = tuple(
            dataclasses.replace(each, states=self._inside(states, each.states))
            for each in root.on_drop
        )
        return dataclasses.replace(
            root, states=states, variables=self._variables, resume=resume, on_drop=on_drop
        )

    def _inside(
        self, states: Mapping[str, State], named: Mapping[str, Position]
    ) -> dict[str, Position]:
        """States that are named, and all screens of a sub-flow for the state that enters it."""
        found: dict[str, Position] = {}
        for name, at in named.items():
            if not isinstance(self._root.states.get(name), FlowState):
                found[name] = at
                continue
            for inner, state in states.items():
                screen = isinstance(state, VISIBLE) and not isinstance(state, End)
                if inner.startswith(f"{name}/") and screen:
                    found[inner] = at
        return found

    def _reached(self) -> dict[str, State]:
        """Without copies that nothing leads to, where another copy of the same state is reached.

        At its greatest depth a sub-flow is left by `too_deep`: what only its exits lead to there is
        dead, and no mistake of its author.
        """
        written = tuple(name for name in self._states if "/" not in name)
        reached = graph.reachable(self._states, written)
        used = {self._states[name].at for name in reached}
        return {
            name: state
            for name, state in self._states.items()
            if name in reached or state.at not in used
        }

    def _add(self, flow: Flow, prefix: str, depths: dict[str, int]) -> None:
        for state in flow.states.values():
            if len(self._states) > STATES_MAX:
                return
            renamed = _renamed(state, prefix) if prefix else state
            if isinstance(renamed, FlowState) and isinstance(state, FlowState):
                if state.too_deep and state.too_deep not in {*flow.states, *(flow.returns or ())}:
                    self._no_state(flow, state)
                self._enter(renamed, state, depths)
            else:
                self._states[renamed.name] = renamed

    def _enter(self, state: FlowState, written: FlowState, depths: dict[str, int]) -> None:
        sub = self._sub_flow(state.flow) if state.flow else None
        depth = depths.get(state.flow, 0)
        if sub is None or sub.returns is None:
            self._unknown(written, is_flow=sub is not None)
            self._states[state.name] = state
            return
        if depth >= state.depth and (depth or state.depth < 1):
            if not state.too_deep:
                sentence = f'flow "{state.flow}" enters itself: say "depth:" and "too_deep:"'
                self._problem(state.flow_at, "endless-flow", sentence)
            at = state.too_deep_at or state.at
            self._states[state.name] = SetState(
                state.name, state.at, (), (), state.too_deep, at, linked=True
            )
            return
        inner = f"{state.name}/"
        if inner.count("/") > NESTED_MAX:
            sentence = f"sub-flows nest {NESTED_MAX} deep at most"
            self._problem(state.flow_at, "too-large", sentence)
            self._states[state.name] = state
            return
        self._match(written, sub)
        arguments = tuple(
            Assignment(inner + name, value, state.places[f"with:{name}"])
            for name, value in state.arguments.items()
            if name in sub.arguments
        )
        start = inner + sub.start
        self._states[state.name] = SetState(
            state.name, state.at, arguments, (), start, state.flow_at, linked=True
        )
        for variable in (
            *_with_facts(sub.variables, sub.name).values(),
            *sub.arguments.values(),
        ):
            name = inner + variable.name
            self._variables[name] = dataclasses.replace(variable, name=name)
        self._add(sub, inner, {**depths, state.flow: depth + 1})
        self._exits(sub, inner, state, state.save)

    def _exits(self, sub: Flow, prefix: str, caller: FlowState | None, save: str) -> None:
        """The exits of a sub-flow: a result stored, then on; a bare end where nobody calls it."""
        for name, fields in (sub.returns or {}).items():
            record = {field: _mapped(value, prefix) for field, value in fields.items()}
            at = caller.places.get(name, caller.at) if caller is not None else sub.at
            if caller is None:
                dest = f"{name}/"
                self._states[dest] = End(dest, at, Body((), at))
                save = "result/"
            else:
                dest = caller.outcomes.get(name, "")
            stored = (Assignment(save, None, at, record),) if save else ()
            self._states[prefix + name] = SetState(
                prefix + name, at, stored, (), dest, at, linked=True
            )

    def _hint(self, word: str, known: Iterable[str]) -> str:
        return did_you_mean(word, known) if len(self.problems) < _HINTS_MAX else ""

    def _no_state(self, flow: Flow, state: FlowState) -> None:
        hint = self._hint(state.too_deep, flow.states)
        wanted = f'"{state.too_deep}", which does not exist{hint}'
        at = state.too_deep_at or state.at
        self._problem(at, "unknown-state", f'state "{state.name}" goes to {wanted}')

    def _unknown(self, state: FlowState, *, is_flow: bool) -> None:
        if not state.flow:
            return
        if is_flow:
            sentence = f'flow "{state.flow}" has no "returns:", so nothing can enter it'
        elif state.flow in self._names:
            return  # why its file cannot be read is told there
        else:
            hint = self._hint(state.flow, self._names)
            sentence = f'no file here with "returns:" has the flow "{state.flow}"{hint}'
        self._problem(state.flow_at, "unknown-flow", sentence)

    def _match(self, state: FlowState, sub: Flow) -> None:
        """A call of a sub-flow against what the sub-flow declares."""
        exits = sub.returns or {}
        for name in state.outcomes:
            if name not in exits:
                hint = did_you_mean(name, exits)
                sentence = f'flow "{sub.name}" has no exit "{name}"{hint}'
                self._problem(state.places[f"name:{name}"], "unknown-outcome", sentence)
        typos = {meant(name, exits) for name in state.outcomes if name not in exits}
        for name in exits:
            if name not in state.outcomes and name not in typos:
                sentence = f'flow "{state.name}" says nothing of exit "{name}"'
                self._problem(state.outcomes_at, "missing-outcome", sentence)
        for name in state.arguments:
            if name not in sub.arguments:
                hint = did_you_mean(name, sub.arguments)
                sentence = f'flow "{sub.name}" takes no "{name}"{hint}'
                self._problem(state.places[f"with:{name}"], "unknown-input", sentence)
        typos = {
            meant(name, sub.arguments) for name in state.arguments if name not in sub.arguments
        }
        for name in sub.arguments:
            if name not in state.arguments and name not in typos:
                sentence = f'flow "{sub.name}" needs "{name}" in "with:"'
                self._problem(state.flow_at, "missing-input", sentence)
        for language in sorted(_switched(sub) - set(self._root.languages)):
            sentence = f'flow "{sub.name}" switches to "{language}", which this flow does not have'
            self._problem(state.flow_at, "missing-translation", sentence)
        for language in self._root.languages:
            if language not in sub.languages:
                sentence = f'flow "{sub.name}" has no texts in "{language}"'
                self._problem(state.flow_at, "missing-translation", sentence)

    def _problem(self, at: Position, check: str, sentence: str) -> None:
        self.problems.append(Diagnostic(at, check, sentence))


def _switched(flow: Flow) -> set[str]:
    """The languages that options of a flow switch to by name."""
    menus = (state for state in flow.states.values() if isinstance(state, Menu | Listing))
    wishes = {option.language for menu in menus for option in menu.options}
    return {wish for wish in wishes if wish is not None} - {"toggle"}


def _with_facts(variables: Mapping[str, Variable], flow: str) -> dict[str, Variable]:
    return {
        name: dataclasses.replace(each, fact=f"{flow}.{name}") if each.remember_seconds else each
        for name, each in variables.items()
    }


def _renamed(state: State, prefix: str) -> State:
    """A state with `prefix` before its name, its targets and its variables."""

    def to(name: str) -> str:
        return prefix + name if name else ""

    name = prefix + state.name
    inner: State = _mapped(state, prefix)
    match inner:
        case Menu():
            options = tuple(dataclasses.replace(each, next=to(each.next)) for each in inner.options)
            otherwise = inner.otherwise and dataclasses.replace(
                inner.otherwise, save=to(inner.otherwise.save), next=to(inner.otherwise.next)
            )
            return dataclasses.replace(inner, name=name, options=options, otherwise=otherwise)
        case Listing():
            options = tuple(dataclasses.replace(each, next=to(each.next)) for each in inner.options)
            return dataclasses.replace(
                inner,
                name=name,
                options=options,
                save=to(inner.save),
                next=to(inner.next),
                empty=to(inner.empty),
            )
        case Input():
            return dataclasses.replace(
                inner,
                name=name,
                save=to(inner.save),
                next=to(inner.next),
                attempts_next=to(inner.attempts_next),
            )
        case Show() | Wait():
            return dataclasses.replace(inner, name=name, next=to(inner.next))
        case CallState():
            outcomes = {each: to(dest) for each, dest in inner.outcomes.items()}
            return dataclasses.replace(inner, name=name, save=to(inner.save), outcomes=outcomes)
        case FlowState():
            outcomes = {each: to(dest) for each, dest in inner.outcomes.items()}
            return dataclasses.replace(
                inner,
                name=name,
                save=to(inner.save),
                outcomes=outcomes,
                too_deep=to(inner.too_deep),
            )
        case Branch():
            cases = tuple(dataclasses.replace(each, next=to(each.next)) for each in inner.cases)
            return dataclasses.replace(inner, name=name, cases=cases, otherwise=to(inner.otherwise))
        case SetState():
            assignments = tuple(
                dataclasses.replace(each, name=to(each.name)) for each in inner.assignments
            )
            return dataclasses.replace(
                inner,
                name=name,
                assignments=assignments,
                forget=tuple(to(each) for each in inner.forget),
                next=to(inner.next),
                otherwise=to(inner.otherwise),
            )
        case _:
            return dataclasses.replace(inner, name=name)


def _mapped(value: Any, prefix: str) -> Any:
    """`value` with `prefix` before the names its texts and conditions use."""

    def place(found: Place) -> Place:
        if found.name in GLOBAL:
            return found
        return dataclasses.replace(found, name=prefix + found.name)

    return map_places(value, place)


def map_places(value: Any, change: Callable[[Place], Place], skip: tuple[type, ...] = ()) -> Any:
    """A part of a model with every place changed; all else, and what is of `skip`, as it is."""
    if isinstance(value, skip):
        return value
    match value:
        case Place():
            return change(value)
        case Template():
            if not value.places:
                return value
            parts = tuple(change(p) if isinstance(p, Place) else p for p in value.parts)
            return dataclasses.replace(value, parts=parts)
        case Text():
            changed = {
                language: map_places(template, change, skip)
                for language, template in value.by_language.items()
            }
            return dataclasses.replace(value, by_language=changed)
        case tuple():
            return tuple(map_places(each, change, skip) for each in value)
        case dict():
            return {key: map_places(each, change, skip) for key, each in value.items()}
        case Position() | str() | int() | float() | None:
            return value
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    changes = {
        each.name: map_places(getattr(value, each.name), change, skip)
        for each in dataclasses.fields(value)
    }
    return dataclasses.replace(value, **changes)
