"""What of two versions of a flow stands for the same: states and names, whatever they are called.

Everything is compared in one plain form, without positions, so that comments, blank lines and the
order of a file's parts are no difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Assignment, Flow, SetState, State, Text
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
        self._languages = frozenset(old.languages) & frozenset(new.languages)
        self.names = _renamed_values(old, new)
        self.states = {name: name for name in old.states if name in new.states}
        self.renamed = self._by_content(old, new)
        self.states.update(self.renamed)
        self.gone = [name for name in old.states if name not in self.states]
        known = set(self.states.values())
        self.new = [name for name in new.states if name not in known]

    def was(self, value: Any) -> Hashable:
        """A part of the old flow in plain form, with the names that the new one has."""
        return self._old(self.state).of(value)

    def now(self, value: Any) -> Hashable:
        """A part of the new flow in plain form."""
        return _Form(_same, _same, self._languages).of(value)

    def state(self, old: str) -> str:
        """What the new flow calls a state of the old; its old name where it has none."""
        return self.states.get(old, old)

    def _old(self, state: Callable[[str], str]) -> _Form:
        return _Form(state, lambda name: self.names.get(name, name), self._languages)

    def _by_content(self, old: Flow, new: Flow) -> dict[str, str]:
        """States of the same content, each pair that follows from one found before as well."""
        found: dict[str, str] = {}
        while True:
            pairs = self._pairs(old, new, found, loose=False)
            pairs = pairs or self._pairs(old, new, found, loose=True)
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
        for name in filter(open_old.__contains__, old.states):
            to = partial(_target, found, open_old, own=name, loose=loose)
            before.setdefault(self._old(to).of(old.states[name]), []).append(name)
        for name in filter(open_new.__contains__, new.states):
            to = partial(_target, {}, open_new, own=name, loose=loose)
            form = _Form(to, _same, self._languages)
            after.setdefault(form.of(new.states[name]), []).append(name)
        return {
            was: now
            for key, names in before.items()
            for was, now in zip(names, after.get(key, ()), strict=False)
            # Where several look alike from afar, nearer ones are told apart first.
            if not loose or len(names) == len(after[key]) == 1
        }


def _target(
    renamed: Mapping[str, str], unmatched: set[str], name: str, *, own: str, loose: bool
) -> str:
    """What stands for the name of a state that another one, `own`, leads to."""
    if name == own:
        return "."
    return "?" if loose and name in unmatched else renamed.get(name, name)


def _same(name: str) -> str:
    return name


@dataclasses.dataclass(frozen=True, slots=True)
class _Form:
    """The plain form of parts of a flow: no positions, states and values called as these say.

    Of texts only those in `languages` count, the ones both flows have.
    """

    state: Callable[[str], str]
    name: Callable[[str], str]
    languages: frozenset[str]

    def of(self, value: Any) -> Hashable:
        """A value that is equal for two parts that are the same."""
        match value:
            case Place():
                filters = tuple(each for each in value.filters if not each.startswith(LABEL))
                return ("{}", self.name(value.name), value.field, filters)
            case Template():
                return tuple(self.of(part) for part in value.parts)
            case Text():
                items = value.by_language.items()
                kept = ((key, self.of(each)) for key, each in items if key in self.languages)
                return tuple(sorted(kept))
            case str() | int() | float() | None:
                return value
            case tuple() | list():
                return tuple(self.of(each) for each in value)
            case Mapping():
                inner = {k: v for k, v in value.items() if not isinstance(v, Position)}
                return tuple((key, self.of(inner[key])) for key in sorted(inner))
        return (type(value).__name__, *self._fields(value))

    def _fields(self, value: Any) -> list[tuple[str, Hashable]]:
        found = []
        for each in dataclasses.fields(value):
            inner = getattr(value, each.name)
            if isinstance(inner, Position) or each.name == "at" or each.name.endswith("_at"):
                continue
            if each.name == "name" and isinstance(value, State):
                continue
            found.append((each.name, self.of(self._called(value, each.name, inner))))
        return found

    def _called(self, value: Any, field: str, inner: Any) -> Any:
        """What a field holds, states and values in it called by the names to compare."""
        if field in _TARGETS and isinstance(inner, str):
            return self.state(inner)
        if field == "outcomes":
            return {outcome: self.state(to) for outcome, to in inner.items()}
        if field == _SAVED or (field == "name" and isinstance(value, Assignment)):
            return self.name(inner)
        if field == "forget":
            return tuple(sorted(self.name(each) for each in inner))
        # The number that a choice is typed by is its place.
        return tuple(inner.items()) if field == "choices" else inner


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
