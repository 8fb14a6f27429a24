"""What changes at one state: its text, its ways on, what it asks of back-ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ussd_app.designer import wording
from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_options import choices, options
from ussd_app.designer.diff_words import Difference, Kind, bodies, changed, common, quoted, texts
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    Check,
    Flow,
    Input,
    Listing,
    Menu,
    SetState,
    Show,
    State,
    Type,
    Wait,
)


class States:
    """Compares states of an old flow with those that stand for them in a new one."""

    def __init__(self, old: Flow, new: Flow, match: Match) -> None:
        self._old = old
        self._new = new
        self._match = match
        self._languages = common(old, new)

    def differences(self, old: State, new: State) -> Iterator[Difference]:
        """All that changes at one state."""
        if type(old) is not type(new):
            before, after = wording.kind_of(old), wording.kind_of(new)
            sentence = f"`{new.name}` was a {before}, is a {after}"
            yield Difference(Kind.STATES, new.name, sentence, new.at)
        if isinstance(old, VISIBLE) and isinstance(new, VISIBLE):
            what = f"`{new.name}`"
            for sentence, at in bodies(what, old.body, new.body, self._languages, self._match):
                yield Difference(Kind.TEXTS, new.name, sentence, at)
        yield from self._of_kind(old, new)
        if isinstance(old, Menu | Input) and isinstance(new, Menu | Input):
            yield from self._shortcut(old, new)

    def _of_kind(self, old: State, new: State) -> Iterator[Difference]:
        match (old, new):
            case (Menu(), Menu()):
                yield from self._menu(old, new)
            case (Listing(), Listing()):
                yield from self._listing(old, new)
            case (Input(), Input()):
                yield from self._input(old, new)
            case (Show() | Wait(), Show() | Wait()):
                yield from self._way(new.name, "going on", old.next, new.next, new.next_at)
            case (CallState(), CallState()):
                yield from self._call(old, new)
            case (Branch(), Branch()):
                yield from self._branch(old, new)
            case (SetState(), SetState()):
                yield from self._set(old, new)

    def _way(
        self, state: str, what: str, old: str, new: str, at: Position | None
    ) -> Iterator[Difference]:
        if self._match.state(old) != new:
            before = f"led to `{old}`" if old else "led nowhere"
            after = f"leads to `{new}`" if new else "leads nowhere"
            yield Difference(Kind.WAYS, state, f"in `{state}`, {what} {before}, {after}", at)

    def _shortcut(self, old: Menu | Input, new: Menu | Input) -> Iterator[Difference]:
        if old.shortcut != new.shortcut:
            may = "may answer" if new.shortcut else "never answers"
            sentence = f"a dial string {may} `{new.name}` now"
            yield Difference(Kind.DIALLING, new.name, sentence, new.shortcut_at or new.at)

    def _menu(self, old: Menu, new: Menu) -> Iterator[Difference]:
        yield from options(new.name, old.options, new.options, self._languages, self._match)
        before, after = old.otherwise, new.otherwise
        what = f"in `{new.name}`, an answer that is no option"
        if before is None and after is not None:
            sentence = f"{what} is taken as `{after.save}` now, and leads to `{after.next}`"
            yield Difference(Kind.OPTIONS, new.name, sentence, after.at)
        elif before is not None and after is None:
            sentence = f"{what} was taken as `{before.save}`, is refused now"
            yield Difference(Kind.OPTIONS, new.name, sentence, before.at)
        elif before is not None and after is not None:
            way = "an answer that is no option"
            yield from self._way(new.name, way, before.next, after.next, after.next_at)
            yield from self._saved(new.name, before.save, after.save, after.at)
            yield from self._checks(new.name, before.checks, after.checks)

    def _listing(self, old: Listing, new: Listing) -> Iterator[Difference]:
        what = f"in `{new.name}`, a row"
        for sentence, at in texts(what, old.row, new.row, self._languages, self._match):
            yield Difference(Kind.TEXTS, new.name, sentence, at)
        if self._match.was(old.rows) != self._match.now(new.rows):
            before, after = wording.place(old.rows), wording.place(new.rows)
            sentence = changed(f"what `{new.name}` lists", before, after)
            yield Difference(Kind.OPTIONS, new.name, sentence, new.rows_at or new.at)
        yield from options(new.name, old.options, new.options, self._languages, self._match, "+")
        yield from self._way(new.name, "a row", old.next, new.next, new.next_at)
        yield from self._way(new.name, "a list without rows", old.empty, new.empty, new.empty_at)
        yield from self._saved(new.name, old.save, new.save, new.save_at or new.at)

    def _input(self, old: Input, new: Input) -> Iterator[Difference]:
        yield from self._way(new.name, "an answer", old.next, new.next, new.next_at)
        yield from self._saved(new.name, old.save, new.save, new.save_at)
        yield from self._checks(new.name, old.checks, new.checks)
        if old.attempts_max != new.attempts_max:
            before, after = (each.attempts_max or "any number" for each in (old, new))
            sentence = changed(f"in `{new.name}`, the number of wrong tries", before, after)
            yield Difference(Kind.VALUES, new.name, sentence, new.attempts_at or new.at)
        elif old.attempts_max:
            at = new.attempts_at
            way = "the last wrong try"
            yield from self._way(new.name, way, old.attempts_next, new.attempts_next, at)
        if old.keep != new.keep:
            asked = "is passed over where the answer is known" if new.keep else "is always asked"
            yield Difference(Kind.WAYS, new.name, f"`{new.name}` {asked} now", new.at)
        before_shape = self._old.variables[old.save].shape
        after_shape = self._new.variables[new.save].shape
        if self._languages and Type.CHOICE is before_shape.type is after_shape.type:
            at = self._new.variables[new.save].at
            yield from choices(new.name, before_shape, after_shape, self._languages[0], at)

    def _saved(self, state: str, old: str, new: str, at: Position) -> Iterator[Difference]:
        if self._match.names.get(old, old) != new:
            sentence = changed(f"what `{state}` saves", f"`{old}`", f"`{new}`")
            yield Difference(Kind.UNSEEN, state, sentence, at)

    def _checks(
        self, state: str, old: tuple[Check, ...], new: tuple[Check, ...]
    ) -> Iterator[Difference]:
        """Checks are the same by what they ask; what they say may change."""
        before = {(each.rule, self._match.was(each.when)): each for each in old}
        after = {(each.rule, self._match.now(each.when)): each for each in new}
        for key, check in after.items():
            was = before.get(key)
            if was is None:
                error = self._error(check)
                sentence = f"in `{state}`, what is not {_asked(check)} is refused now{error}"
                yield Difference(Kind.VALUES, state, sentence, check.at)
                continue
            what = f"in `{state}`, the refusal of what is not {_asked(check)}"
            for sentence, at in texts(what, was.error, check.error, self._languages, self._match):
                yield Difference(Kind.TEXTS, state, sentence, at)
        for key, check in before.items():
            if key not in after:
                sentence = f"in `{state}`, what is not {_asked(check)} was refused, is accepted now"
                yield Difference(Kind.VALUES, state, sentence, check.at)

    def _error(self, check: Check) -> str:
        if not self._languages:
            return ""
        return f": {quoted(check.error.by_language[self._languages[0]].source)}"

    def _call(self, old: CallState, new: CallState) -> Iterator[Difference]:
        if old.backend != new.backend:
            sentence = f"`{new.name}` asked {old.backend}, asks {new.backend}"
            yield Difference(Kind.UNSEEN, new.name, sentence, new.backend_at)
        yield from self._arguments(old, new)
        yield from self._outcomes(old, new)
        facts = (
            ("the wait", _deadline(self._old, old), _deadline(self._new, new)),
            ("the most holding screens", old.waits_max, new.waits_max),
            ("what it does once", f"per {old.once or 'time'}", f"per {new.once or 'time'}"),
            ("the language of its request", _written_in(old), _written_in(new)),
        )
        for what, before, after in facts:
            if before != after:
                sentence = changed(f"in `{new.name}`, {what}", before, after)
                yield Difference(Kind.UNSEEN, new.name, sentence, new.at)
        yield from self._saved(new.name, old.save, new.save, new.save_at or new.at)

    def _arguments(self, old: CallState, new: CallState) -> Iterator[Difference]:
        for name in dict.fromkeys((*old.arguments, *new.arguments)):
            before, after = old.arguments.get(name), new.arguments.get(name)
            if self._match.was(before) == self._match.now(after):
                continue
            shown = [
                quoted(each.by_language[flow.languages[0]].source) if each is not None else "absent"
                for flow, each in ((self._old, before), (self._new, after))
            ]
            sentence = changed(f"in `{new.name}`, `{name}` for {new.backend}", *shown)
            at = new.places.get(f"with:{name}", new.backend_at)
            yield Difference(Kind.UNSEEN, new.name, sentence, at)

    def _outcomes(self, old: CallState, new: CallState) -> Iterator[Difference]:
        for name, dest in new.outcomes.items():
            was = old.outcomes.get(name)
            at = new.places.get(name)
            if was is None:
                sentence = f"in `{new.name}`, outcome `{name}` is new, leads to `{dest}`"
                yield Difference(Kind.WAYS, new.name, sentence, at)
            else:
                yield from self._way(new.name, f"outcome `{name}`", was, dest, at)
        for name, dest in old.outcomes.items():
            if name not in new.outcomes:
                sentence = f"in `{new.name}`, outcome `{name}`, which led to `{dest}`, is gone"
                yield Difference(Kind.WAYS, new.name, sentence, old.places.get(name))

    def _branch(self, old: Branch, new: Branch) -> Iterator[Difference]:
        before = [self._match.was(case.when) for case in old.cases]
        after = [self._match.now(case.when) for case in new.cases]
        if before == after:
            for was, case in zip(old.cases, new.cases, strict=True):
                what = f"if {wording.conditions(case.when)}"
                yield from self._way(new.name, what, was.next, case.next, case.next_at)
        else:
            sentence = changed(f"what `{new.name}` decides", _cases(old), _cases(new))
            yield Difference(Kind.WAYS, new.name, sentence, new.at)
        what = "else the way"
        yield from self._way(new.name, what, old.otherwise, new.otherwise, new.otherwise_at)

    def _set(self, old: SetState, new: SetState) -> Iterator[Difference]:
        if self._match.was(_alone(old)) != self._match.now(_alone(new)):
            was = _stored(old, self._old.languages[0])
            is_now = _stored(new, self._new.languages[0])
            sentence = changed(f"what `{new.name}` stores", was, is_now)
            yield Difference(Kind.UNSEEN, new.name, sentence, new.at)
        yield from self._way(new.name, "then the way", old.next, new.next, new.next_at)
        what = "a value that does not fit"
        yield from self._way(new.name, what, old.otherwise, new.otherwise, new.otherwise_at)


def _asked(check: Check) -> str:
    return check.rule or wording.conditions(check.when)


def _deadline(flow: Flow, state: CallState) -> str:
    backend = flow.backends.get(state.backend)
    default = backend.deadline_seconds if backend is not None else 0.0
    return wording.seconds(state.deadline_seconds or default)


def _written_in(state: CallState) -> str:
    return state.language or "the client's"


def _alone(state: SetState) -> SetState:
    """What a `set` stores, wherever it leads."""
    return replace(state, next="", otherwise="", linked=False)


def _cases(state: Branch) -> str:
    cases = [f"{wording.conditions(c.when)}: `{c.next}`" for c in state.cases]
    return "; ".join(cases)


def _stored(state: SetState, language: str) -> str:
    found = []
    for each in state.assignments:
        if each.value is not None:
            found.append(f"{each.name} = {wording.value(each.value, language)}")
        else:
            fields = (each.record or {}).items()
            inner = ", ".join(f"{name}: {wording.value(value, language)}" for name, value in fields)
            found.append(f"{each.name} = ({inner})")
    found += [f"no {name}" for name in state.forget]
    return ", ".join(found) or "nothing"
