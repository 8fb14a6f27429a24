"""The cards of a sheet: what each state is, what it does unseen, and where it leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ussd_app.designer import wording
from ussd_app.designer.draw import Kind
from ussd_app.flow import graph
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    Flow,
    FlowState,
    Input,
    Listing,
    Menu,
    Option,
    SetState,
    Show,
    State,
    Text,
    Visible,
    Wait,
)

_WORDS = {
    "row": "a row",
    "empty": "no rows",
    "typed": "accepted",
    "kept": "already known",
    "otherwise": "any other answer",
    "set": "then",
    "else": "else",
    "too_deep": "too deep",
}


@dataclass(frozen=True, slots=True)
class Way:
    """What leads on to a state; `note` says when, or what is shown."""

    what: str
    dest: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A state as a reader needs it. `facts` are (what, how); `before` the states that lead here."""

    name: str
    kind: Kind
    where: str
    facts: tuple[tuple[str, str], ...]
    ways: tuple[Way, ...]
    before: tuple[str, ...]


def cards(flow: Flow) -> dict[str, Card]:
    """A card for every state, in the order of the flow."""
    before: dict[str, list[str]] = {}
    for state in flow.states.values():
        for edge in graph.written_edges(state):
            if state.name not in before.setdefault(edge.dest, []):
                before[edge.dest].append(state.name)
    return {
        state.name: Card(
            state.name,
            wording.kind_of(state),
            wording.where(state.at),
            tuple(_facts(flow, state)),
            tuple(_ways(flow, state)),
            tuple(before.get(state.name, ())),
        )
        for state in flow.states.values()
    }


def all_languages(flow: Flow, text: Text) -> str:
    """A short text in all languages, once where they agree."""
    shown = (text.by_language[language].source for language in flow.languages)
    return " / ".join(dict.fromkeys(shown))


def _ways(flow: Flow, state: State) -> Iterator[Way]:
    if isinstance(state, Menu | Listing):
        yield from _options(flow, state.options, "+" if isinstance(state, Listing) else "")
    notes = _notes(flow, state)
    for edge in graph.written_edges(state):
        what, note = notes.get(edge.trigger, (_word(edge.trigger), ""))
        if not edge.trigger.startswith("option:"):
            yield Way(what, edge.dest, note)


def _word(trigger: str) -> str:
    kind, _, which = trigger.partition(":")
    return which if kind == "outcome" else _WORDS.get(kind, trigger)


def _notes(flow: Flow, state: State) -> dict[str, tuple[str, str]]:
    """By trigger, what leads on and what is to be said of it."""
    match state:
        case Show() | Wait():
            return {"next": ("1", all_languages(flow, flow.system["continue"]))}
        case Input():
            return {"attempts": (f"{state.attempts_max} wrong tries", "")}
        case Branch():
            return {
                f"case:{number}": ("if", wording.conditions(case.when))
                for number, case in enumerate(state.cases)
            }
        case CallState():
            return {
                f"outcome:{name}": (name, _sample(flow, state, name)) for name in state.outcomes
            }
        case SetState() if state.otherwise:
            return {"else": ("else", "a value does not fit")}
    return {}


def _options(flow: Flow, options: tuple[Option, ...], before: str) -> Iterator[Way]:
    """Options as they are numbered where none is hidden; `before` stands for the rows before."""
    number = 0
    for option in options:
        number += not option.key
        note = all_languages(flow, option.label)
        if option.language is not None:
            changed = "the next language" if option.language == "toggle" else option.language
            note += f" (changes to {changed})"
        if option.when:
            note += f" (only if {wording.conditions(option.when)})"
        if option.resume:
            note += " (to where the client was, if a session broke off)"
        dest = "" if option.resume else option.next
        yield Way(option.key or f"{before}{number}", dest, note)


def _sample(flow: Flow, state: CallState, outcome: str) -> str:
    backend = flow.backends.get(state.backend)
    declared = backend.outcomes.get(outcome) if backend is not None else None
    if outcome == "late":
        return "no answer in time"
    if declared is None:
        return "proven: nothing was done" if outcome == "failed" else ""
    return ", ".join(f"{name}: {_short(value)}" for name, value in declared.sample.items())


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return f"{len(value)} row" + ("s" if len(value) != 1 else "")
    return str(value)


def _facts(flow: Flow, state: State) -> Iterator[tuple[str, str]]:
    if isinstance(state, VISIBLE):
        yield from _screen_facts(flow, state)
    elif isinstance(state, CallState):
        yield from _call_facts(flow, state)
    elif isinstance(state, SetState):
        yield from _set_facts(flow, state)
    elif isinstance(state, FlowState):
        yield "sub-flow", state.flow


def _screen_facts(flow: Flow, state: Visible) -> Iterator[tuple[str, str]]:
    match state:
        case Input():
            variable = flow.variables[state.save]
            if variable.label is not None:
                yield "asks for", all_languages(flow, variable.label)
            yield "takes", wording.bounds(variable.shape)
            yield "saved as", f"{state.save}, a secret" if variable.sensitive else state.save
            if state.keep:
                yield "passed over", f"where {state.save} is known already"
        case Listing():
            yield "rows", wording.place(state.rows)
            yield "saved as", state.save
        case Menu() if state.otherwise is not None:
            yield "or takes", wording.bounds(flow.variables[state.otherwise.save].shape)
            yield "saved as", state.otherwise.save
    for part in state.body.parts:
        opening = part.text.by_language[flow.languages[0]].source.partition("\n")[0]
        if part.when:
            yield "only if " + wording.conditions(part.when), opening
        if part.rows is not None:
            yield f"each of {wording.place(part.rows)}", opening
    if isinstance(state, Menu | Input) and not state.shortcut:
        yield "dial strings", "never answer this screen"


def _set_facts(flow: Flow, state: SetState) -> Iterator[tuple[str, str]]:
    language = flow.languages[0]
    for assignment in state.assignments:
        if assignment.value is not None:
            yield assignment.name, f"= {wording.value(assignment.value, language)}"
        else:
            fields = (assignment.record or {}).items()
            given = ", ".join(f"{name}: {wording.value(each, language)}" for name, each in fields)
            yield assignment.name, f"= {given}" if given else "= nothing"
    if state.forget:
        yield "forgets", wording.listed(state.forget)


def _call_facts(flow: Flow, state: CallState) -> Iterator[tuple[str, str]]:
    backend = flow.backends.get(state.backend)
    yield "asks", state.backend
    for name, text in state.arguments.items():
        yield f"with {name}", all_languages(flow, text)
    if state.language:
        yield "in", state.language
    if state.once:
        yield "once per", f"{state.once}: it moves money or tells someone something"
    deadline = state.deadline_seconds or (backend.deadline_seconds if backend is not None else 0)
    screens = f", then {state.waits_max} holding screens at most" if state.waits_max else ""
    yield "waits", wording.seconds(deadline) + screens
