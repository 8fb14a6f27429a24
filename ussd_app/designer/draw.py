"""The map of a flow: its boxes and lines, from the edges that `states.py` runs; as Mermaid text.

A line joins two states; the triggers that lead from the one to the other are its label, one a row.
The keys that work everywhere (back, home, more) would join everything with everything: a note says
them instead. `svg.py` draws the same `Drawing` as a picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ussd_app.flow.graph import written_edges
from ussd_app.flow.model import (
    Body,
    Branch,
    CallState,
    Condition,
    End,
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
    Type,
    Wait,
    When,
)
from ussd_app.render.texts import Place, Template


class Kind(StrEnum):
    """What a box stands for: the leading key of a state, or an exit of a sub-flow."""

    MENU = "menu"
    LIST = "list"
    INPUT = "input"
    SHOW = "show"
    WAIT = "wait"
    END = "end"
    CALL = "call"
    BRANCH = "branch"
    SET = "set"
    FLOW = "flow"
    EXIT = "exit"


class Mark(StrEnum):
    """What a designer should see of a state at once."""

    START = "start"
    HOME = "home"
    SPENDS = "spends"
    SENSITIVE = "sensitive"
    NO_SHORTCUT = "no shortcut"
    NEVER = "never met"


@dataclass(frozen=True, slots=True)
class Node:
    """One box: a state, its kind, the first line of its text (or what it calls), its marks."""

    name: str
    kind: Kind
    title: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what leads from `source` to `dest`; `label` has a row per trigger worth one.

    `triggers` are those of `ussd_app.flow.graph`, all of them, in the order of the flow; `never`
    are those of them that no dialog has met, where that is asked.
    """

    source: str
    dest: str
    label: str
    triggers: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    @property
    def faint(self) -> bool:
        """Whether only trouble leads this way: a call that was late or failed."""
        return bool(self.triggers) and set(self.triggers) <= _TROUBLE

    @property
    def unmet(self) -> bool:
        """Whether no dialog has gone this way, whatever the trigger."""
        return bool(self.never) and self.never == self.triggers


@dataclass(frozen=True, slots=True)
class Met:
    """What some dialogs have met of a flow: states, and transitions by state and trigger."""

    states: frozenset[str]
    transitions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The map of one flow; `notes` are sentences about what is not drawn as a line."""

    name: str
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


_TROUBLE = frozenset({"outcome:late", "outcome:failed"})

_KINDS: Mapping[type[State], Kind] = {
    Menu: Kind.MENU,
    Listing: Kind.LIST,
    Input: Kind.INPUT,
    Show: Kind.SHOW,
    Wait: Kind.WAIT,
    End: Kind.END,
    CallState: Kind.CALL,
    Branch: Kind.BRANCH,
    SetState: Kind.SET,
    FlowState: Kind.FLOW,
}


def drawing(flow: Flow, language: str, met: Met | None = None) -> Drawing:
    """The map of `flow` with its texts in `language`; raises ValueError for one it has not.

    With `met`, what some dialogs have met, everything else is marked.
    """
    if language not in flow.languages:
        known = ", ".join(flow.languages)
        raise ValueError(f'flow "{flow.name}" has no language "{language}"; it has {known}')
    starts = {flow.start, *(dial.start for dial in flow.dials.values() if dial.start)}
    nodes = [
        Node(
            state.name,
            _kind(state),
            _title(state, language),
            tuple(_marks(state, flow, starts, met)),
        )
        for state in flow.states.values()
    ]
    nodes += [Node(name, Kind.EXIT, "") for name in flow.returns or () if name not in flow.states]
    lines = [line for state in flow.states.values() for line in _lines(state, language, met)]
    notes = (*_notes(flow), *([NEVER_NOTE] if met is not None else []))
    return Drawing(flow.name, tuple(nodes), tuple(lines), notes)


def _kind(state: State) -> Kind:
    if isinstance(state, SetState) and state.linked:
        # Linking leaves one where a sub-flow is entered (`login`, to `login/ask`) and at its exits.
        inner = state.next.startswith(f"{state.name}/") and state.next != f"{state.name}/"
        return Kind.FLOW if inner else Kind.EXIT
    return _KINDS[type(state)]


def _lines(state: State, language: str, met: Met | None) -> Iterable[Line]:
    """The state's lines, one for each state that it leads to."""
    labels = _labels(state, language)
    triggers: dict[str, list[str]] = {}
    for edge in written_edges(state):
        triggers.setdefault(edge.dest, []).append(edge.trigger)
    for dest, those in triggers.items():
        never = tuple(
            trigger
            for trigger in those
            if met is not None and (state.name, trigger) not in met.transitions
        )
        rows = []
        for trigger in those:
            row = labels.get(trigger, trigger.partition(":")[2] or trigger)
            if trigger in never and (row or len(never) < len(those)):
                row = f"{NEVER_SIGN} {row or trigger}"
            rows.append(row)
        yield Line(state.name, dest, "\n".join(filter(None, rows)), tuple(those), never)


def _labels(state: State, language: str) -> dict[str, str]:
    """What to write for a trigger; "" where the way on needs no word. Others are named as such."""
    match state:
        case Menu(options=options, otherwise=otherwise):
            labels = _option_labels(options, language)
            if otherwise:
                labels["otherwise"] = f"any other: {otherwise.save}"
            return labels
        case Listing(options=options):
            return {
                "row": "a row",
                "empty": "no rows",
                **_option_labels(options, language),
            }
        case Input(save=save):
            return {
                "typed": "",
                "attempts": f"{state.attempts_max} wrong tries",
                "kept": f"{save} is set already",
            }
        case Branch(cases=cases):
            return {f"case:{number}": _when(case.when) for number, case in enumerate(cases)}
        case SetState():
            return {"set": "", "else": "does not fit"}
        case Show() | Wait():
            return {"next": ""}
        case FlowState(depth=depth):
            return {"too_deep": f"deeper than {depth}"}
        case _:
            return {}


def _option_labels(options: Iterable[Option], language: str) -> dict[str, str]:
    """Options by trigger: number or key, then label, as a client sees them who sees every one.

    One that resumes has no line: it leads to wherever the client was.
    """
    labels = {}
    number = 0
    for place, option in enumerate(options, 1):
        if option.resume:
            continue
        number += not option.key
        label = f"{option.key or number} {_first_line(option.label, language)}"
        labels[f"option:{place}"] = f"{label}, if {_when(option.when)}" if option.when else label
    return labels


def _when(when: When) -> str:
    return " and ".join(map(_condition, when)) or "always"


def _condition(condition: Condition) -> str:
    sides = [_place(condition.left), condition.operator.value]
    if condition.right is not None:
        right = condition.right
        sides.append(_place(right) if isinstance(right, Place) else right)
    return " ".join(sides)


def _place(place: Place) -> str:
    """A place without its filters: the map names values, it does not show them."""
    return f"{{{place.name}.{place.field}}}" if place.field else f"{{{place.name}}}"


def _title(state: State, language: str) -> str:
    match state:
        case CallState(backend=backend):
            return backend
        case FlowState(flow=flow):
            return flow
        case SetState(assignments=assignments, forget=forget):
            names = [assignment.name.rpartition("/")[2] for assignment in assignments]
            return ", ".join(filter(None, names + [f"forget {name}" for name in forget]))
        case Branch():
            return ""
        case _:
            return _body_line(state.body, language)


def _body_line(body: Body, language: str) -> str:
    """The first line that says something; a body may begin with a part for few clients."""
    lines = (_first_line(part.text, language) for part in body.parts)
    return next(filter(None, lines), "")


def _first_line(text: Text, language: str) -> str:
    lines = (line.strip() for line in _words(text.by_language[language]).splitlines())
    return next(filter(None, lines), "")


def _words(template: Template) -> str:
    return "".join(part if isinstance(part, str) else _place(part) for part in template.parts)


def _marks(state: State, flow: Flow, starts: set[str], met: Met | None) -> Iterable[Mark]:
    if state.name in starts:
        yield Mark.START
    if state.name == flow.home:
        yield Mark.HOME
    if isinstance(state, CallState) and state.once:
        yield Mark.SPENDS
    saved = ""
    if isinstance(state, Input):
        saved = state.save
    elif isinstance(state, Menu) and state.otherwise:
        saved = state.otherwise.save
    variable = flow.variables.get(saved)
    if variable and (variable.sensitive or variable.shape.type is Type.PIN):
        yield Mark.SENSITIVE
    if isinstance(state, Menu | Input) and not state.shortcut:
        yield Mark.NO_SHORTCUT
    if met is not None and state.name not in met.states:
        yield Mark.NEVER


def _notes(flow: Flow) -> Iterable[str]:
    for dial in flow.dials.values():
        language = f" in {dial.language}" if dial.language else ""
        yield f"{dial.code} begins at {dial.start or flow.start}{language}."
    keys = flow.keys
    yield (
        f"On every screen, not drawn: {keys.back} goes back (never over a call that spends), "
        f"{keys.home} goes to {flow.home}, {keys.more} shows more of a long text."
    )
    if flow.resume:
        minutes = flow.resume.within_seconds / 60
        yield f"Dialling again within {minutes:g} min goes on where the client was; not drawn."


#: Shapes of Mermaid by kind: what stands before and behind a quoted label.
_SHAPES: Mapping[Kind, tuple[str, str]] = {
    Kind.MENU: ("(", ")"),
    Kind.LIST: ("[\\", "/]"),
    Kind.INPUT: ("[/", "/]"),
    Kind.SHOW: ("[", "]"),
    Kind.WAIT: ("{{", "}}"),
    Kind.END: ("([", "])"),
    Kind.CALL: ("[(", ")]"),
    Kind.BRANCH: ("{", "}"),
    Kind.SET: ("[/", "\\]"),
    Kind.FLOW: ("[[", "]]"),
    Kind.EXIT: ("((", "))"),
}

#: Fill and border by kind, of both pictures: screens light, what no client sees stronger.
COLOURS: Mapping[Kind, tuple[str, str]] = {
    Kind.MENU: ("#e3f2fd", "#1565c0"),
    Kind.LIST: ("#e0f7fa", "#00838f"),
    Kind.INPUT: ("#fff8e1", "#b26a00"),
    Kind.SHOW: ("#f5f5f5", "#616161"),
    Kind.WAIT: ("#f3e5f5", "#7b1fa2"),
    Kind.END: ("#eceff1", "#37474f"),
    Kind.CALL: ("#e8f5e9", "#2e7d32"),
    Kind.BRANCH: ("#fffde7", "#827717"),
    Kind.SET: ("#fbe9e7", "#a1502f"),
    Kind.FLOW: ("#ede7f6", "#4527a0"),
    Kind.EXIT: ("#ffffff", "#37474f"),
}
SPENDS_COLOUR = "#c62828"
#: What no dialog has met: of a colour that nobody confounds with the others (Okabe and Ito's
#: vermilion), and yet also told by dots, a sign and a word.
NEVER_COLOUR = "#d55e00"
NEVER_SIGN = "×"
NEVER_NOTE = f"Dotted and marked {NEVER_SIGN}: never met by the dialogs that were given."

#: What Mermaid reads as itself within a quoted label: letters, digits, a few signs, and those that
#: join a word. All else is written as a character code: its grammar, its Markdown and its own codes
#: begin with the rest.
_PLAIN = re.compile(r"[^\W_]|[ ,'?=]|(?<=[^\W_])[._-](?=[^\W_])")
_NAME = re.compile(r"[a-z0-9_]")


def mermaid(drawing: Drawing) -> str:
    """The map as a Mermaid flowchart, for Markdown that draws it; ends with a line break."""
    rows = ["flowchart TD"]
    never: list[str] = []
    for node in drawing.nodes:
        opening, closing = _SHAPES[node.kind]
        label = "<br/>".join(map(_escaped, _node_rows(node)))
        rows.append(f'  {_id(node.name)}{opening}"{label}"{closing}:::k_{node.kind}')
    for number, line in enumerate(drawing.lines):
        if line.unmet:
            never.append(str(number))
        arrow = "-.->" if line.faint else "-->"
        label = "<br/>".join(map(_escaped, line.label.splitlines()))
        shown = f'|"{label}"|' if label else ""
        rows.append(f"  {_id(line.source)} {arrow}{shown} {_id(line.dest)}")
    if drawing.notes:
        notes = "<br/>".join(map(_escaped, drawing.notes))
        rows.append(f'  notes["{notes}"]:::notes')
    rows += [
        f"  classDef k_{kind} fill:{fill},stroke:{border},color:#111"
        for kind, (fill, border) in COLOURS.items()
    ]
    rows += [f"  class {_id(node.name)} spends" for node in drawing.nodes if _spends(node)]
    rows.append(f"  classDef spends stroke:{SPENDS_COLOUR},stroke-width:3px")
    rows.append("  classDef notes fill:#fff,stroke:#bbb,color:#555")
    rows += [
        f"  class {_id(node.name)} never" for node in drawing.nodes if Mark.NEVER in node.marks
    ]
    if NEVER_NOTE in drawing.notes:
        look = f"stroke:{NEVER_COLOUR},stroke-width:2px,stroke-dasharray:2 4"
        rows.append(f"  classDef never {look}")
        rows += [f"  linkStyle {','.join(never)} {look}"] if never else []
    return "\n".join(rows) + "\n"


def _spends(node: Node) -> bool:
    return Mark.SPENDS in node.marks


def _node_rows(node: Node) -> list[str]:
    marks = f"({', '.join(node.marks)})" if node.marks else ""
    return [row for row in (node.name, node.title, marks) if row]


def _escaped(row: str) -> str:
    plain = {match.start() for match in _PLAIN.finditer(row)}
    coded = (sign if place in plain else _code(sign) for place, sign in enumerate(row))
    return "".join(coded)


def _code(sign: str) -> str:
    # Two dollars in a row would begin a formula, coded or not: a blank of no width parts them.
    return f"#{ord(sign)};#8203;" if sign == "$" else f"#{ord(sign)};"


def _id(name: str) -> str:
    """A name for Mermaid: never one of its words, such as `end`, and one for each state."""
    return "s_" + "".join(sign if _NAME.match(sign) else f"Z{ord(sign):x}Z" for sign in name)
