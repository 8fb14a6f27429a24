"""What of two versions of a flow stands for the same: states and names, whatever they are called.

Everything is compared in one plain form, without positions, so that comments, blank lines and the
order of a file's parts are no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Assignment, Flow, SetState, State
from ussd_app.flow.names import LABEL, Names
from ussd_app.render.texts import Place, Template

#: Fields that hold the name of a state, and of a value.
_TARGETS = frozenset({"next", "otherwise", "attempts_next", "empty", "too_deep"})
_SAVED = "save"


class Match:
    """Which states and names of an old flow stand for which of a new one.

    `states` and `names` are by old name; a state that is gone is not in it. `renamed` are the
    states with the same content under another name, `gone` and `new` those with no counterpart.
    """

    def __init__(self, old: Flow, new: Flow) -> None:
        self.names = _renamed_values(old, new)
        self.states = {name: name for name in old.states if name in new.states}
        self.renamed = self._by_content(old, new)
        self.states.update(self.renamed)
        self.gone = [name for name in old.states if name not in self.states]
        known = set(self.states.values())
        self.new = [name for name in new.states if name not in known]

    def was(self, value: Any) -> Hashable:
        """A part of the old flow in plain form, with the names that the new one has."""
        return plain(value, self._state, self._name)

    def state(self, old: str) -> str:
        """What the new flow calls a state of the old; its old name where it has none."""
        return self.states.get(old, old)

    def _state(self, name: str) -> str:
        return self.states.get(name, name)

    def _name(self, name: str) -> str:
        return self.names.get(name, name)

    def _by_content(self, old: Flow, new: Flow) -> dict[str, str]:
        """States of the same content, each pair that follows from one found before as well."""
        found: dict[str, str] = {}
        while True:
            pairs = self._pairs(old, new, found, loose=False) or self._pairs(
                old, new, found, loose=True
            )
            if not pairs:
                return found
            found.update(pairs)

    def _pairs(
        self, old: Flow, new: Flow, found: Mapping[str, str], *, loose: bool
    ) -> dict[str, str]:
        """Pairs by content; `loose`: whatever the states without counterpart that they lead to."""
        before: dict[Hashable, list[str]] = {}
        after: dict[Hashable, list[str]] = {}
        taken = set(found.values())
        open_old = {n for n in old.states if n not in new.states and n not in found}
        open_new = {n for n in new.states if n not in old.states and n not in taken}
        for name in [each for each in old.states if each in open_old]:
            key = plain(
                old.states[name],
                lambda to, own=name: _target(found.get(to, to), own, open_old, loose=loose),
                self._name,
            )
            before.setdefault(key, []).append(name)
        for name in [each for each in new.states if each in open_new]:
            key = plain(
                new.states[name],
                lambda to, own=name: _target(to, own, open_new, loose=loose),
                _same,
            )
            after.setdefault(key, []).append(name)
        return {
            was: now
            for key, names in before.items()
            for was, now in zip(names, after.get(key, ()), strict=False)
            # Where several look alike from afar, nearer ones are told apart first.
            if not loose or len(names) == len(after[key]) == 1
        }


def _target(name: str, own: str, unmatched: set[str], *, loose: bool) -> str:
    if name == own:
        return "."
    return "?" if loose and name in unmatched else name


def _same(name: str) -> str:
    return name


def now(value: Any) -> Hashable:
    """A part of the new flow in plain form."""
    return plain(value, _same, _same)


def plain(value: Any, state: Callable[[str], str], name: Callable[[str], str]) -> Hashable:
    """A part of a flow without positions, its states and values called as these two say."""
    match value:
        case Place():
            filters = tuple(each for each in value.filters if not each.startswith(LABEL))
            return ("{}", name(value.name), value.field, filters)
        case Template():
            return tuple(plain(part, state, name) for part in value.parts)
        case str() | int() | float() | None:
            return value
        case tuple() | list():
            return tuple(plain(each, state, name) for each in value)
        case Mapping():
            items = (
                (key, plain(each, state, name))
                for key, each in value.items()
                if not isinstance(each, Position)
            )
            return tuple(sorted(items, key=lambda item: str(item[0])))
        case _ if dataclasses.is_dataclass(value):
            return (type(value).__name__, *_fields(value, state, name))
    return repr(value)


def _fields(
    value: Any, state: Callable[[str], str], name: Callable[[str], str]
) -> list[tuple[str, Hashable]]:
    found: list[tuple[str, Hashable]] = []
    for each in dataclasses.fields(value):
        inner = getattr(value, each.name)
        if isinstance(inner, Position) or each.name == "at" or each.name.endswith("_at"):
            continue
        if each.name == "name" and isinstance(value, State):
            continue
        if each.name in _TARGETS and isinstance(inner, str):
            inner = state(inner)
        elif each.name == "outcomes":
            inner = {outcome: state(to) for outcome, to in inner.items()}
        elif each.name == _SAVED or (each.name == "name" and isinstance(value, Assignment)):
            inner = name(inner)
        elif each.name == "forget":
            inner = tuple(name(each) for each in inner)
        elif each.name == "choices":
            # The number that a choice is typed by is its place.
            inner = tuple(inner.items())
        found.append((each.name, plain(inner, state, name)))
    return found


def _renamed_values(old: Flow, new: Flow) -> dict[str, str]:
    """Values that the same states save under a name which the other flow does not have."""
    before, after = _all_names(old), _all_names(new)
    found: dict[str, str] = {}
    for name, state in old.states.items():
        other = new.states.get(name)
        if other is None or type(other) is not type(state):
            continue
        for was, is_now in zip(_saves(state), _saves(other), strict=False):
            if was in after or is_now in before or is_now in found.values():
                continue
            if was and is_now:
                found.setdefault(was, is_now)
    return found


def _all_names(flow: Flow) -> set[str]:
    names = Names(flow)
    return {*names.scalars, *names.records}


def _saves(state: State) -> list[str]:
    if isinstance(state, SetState):
        return [assignment.name for assignment in state.assignments]
    return [getattr(state, _SAVED, "")]
