"""States grown from a start, each knowing what surely has a value where it stands.

Biased to be right: a state promises what it was grown with, and only what knows as much may lead to
it; a circle always goes through a screen. What nobody keeps track of here, such as widths, is left
to `check` to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.soundness.made_files import Table
from tests.soundness.made_kinds import Kind, made_kind
from tests.soundness.made_words import Scope

Known = frozenset[str]
#: Makes a state of a kind: (grower, its name, what is known, depth, kind).
Maker = Callable[["Grower", str, Known, int, str], Table]
NOTHING: Known = frozenset()
DEPTH_MAX = 9
_KINDS = {
    "menu": 5, "input": 6, "show": 2, "wait": 1, "end": 1, "call": 6, "branch": 3, "set": 5,
    "flow": 3, "list": 9,
}  # fmt: skip


@dataclass(frozen=True)
class Sub:
    """A sub-flow that may be entered: its arguments, its exits with their fields."""

    name: str
    arguments: dict[str, Kind]
    exits: dict[str, dict[str, Kind]]


@dataclass
class Grower:
    """Grows the states of one file. `exits` are where a sub-flow ends: what each needs known."""

    scope: Scope
    backends: dict[str, Table]
    subs: dict[str, Sub]
    room: int
    makers: dict[str, Maker]
    exits: dict[str, Known] = field(default_factory=dict)
    #: The sub-flow being grown itself, which it may enter again.
    own: Sub | None = None
    home: str = ""
    entry: bool = False
    states: Table = field(default_factory=dict)
    promises: dict[str, Known] = field(default_factory=dict)
    stops: set[str] = field(default_factory=set)
    open: list[str] = field(default_factory=list)
    #: Variables with bounds so wide that what is worked out fits; nobody types them.
    filled: set[str] = field(default_factory=set)
    _number: int = 0

    # Where to go next.

    def next(self, known: Known, depth: int) -> str:
        """A state to lead to: a new one, or one that is there."""
        if depth > DEPTH_MAX or len(self.states) + len(self.open) >= self.room:
            return self.leave(known)
        if depth > 3 and self.scope.chance(0.06):
            return self.leave(known)
        if self.scope.chance(0.2):
            near = self.joined(known)
            if near:
                return near
        return self.new(known, depth)

    def leave(self, known: Known) -> str:
        """An end, home, or an exit."""
        if self.exits:
            able = [name for name, needed in self.exits.items() if needed <= known]
            return (
                "ok" if "ok" in able and self.scope.chance(0.7) else self.scope.random.choice(able)
            )
        if self.home and self.scope.chance(0.8):
            return self.home
        ends = [
            name
            for name, state in self.states.items()
            if isinstance(state, dict) and "end" in state and self.promises[name] <= known
        ]
        if ends and self.scope.chance(0.7):
            return self.scope.random.choice(ends)
        return self.grown(known, DEPTH_MAX, "end")

    def joined(self, known: Known) -> str:
        """A state that is there and promises no more than is known, "" if there is none."""
        able = [
            name
            for name, promise in self.promises.items()
            if promise <= known and (name in self.stops or name not in self.open)
        ]
        return self.scope.random.choice(able) if able else ""

    def after(self, known: Known) -> str:
        """Where to go once an effect is done."""
        if self.scope.chance(0.3):
            name = self.begun(known, stops=True)
            target = self.leave(known)
            return self.closed(name, {"show": self.scope.text(known), "next": target})
        return self.leave(known)

    def new(self, known: Known, depth: int) -> str:
        """A state of a kind that can be made here."""
        kinds = dict(_KINDS)
        if not self.scope.rows(known):
            kinds.pop("list")
        if not self.subs and self.own is None:
            kinds.pop("flow")
        if self.exits or depth < 2:
            kinds.pop("end")
        kind = self.scope.random.choices(list(kinds), list(kinds.values()))[0]
        return self.grown(known, depth, kind)

    def begun(self, known: Known, *, stops: bool) -> str:
        """A new name that promises what is known."""
        self._number += 1
        name = f"s{self._number}"
        self.promises[name] = known
        if stops:
            self.stops.add(name)
        self.open.append(name)
        return name

    def closed(self, name: str, state: Table) -> str:
        """A state that is made."""
        self.states[name] = state
        self.open.remove(name)
        return name

    def grown(self, known: Known, depth: int, kind: str) -> str:
        """A new state of one kind, with all that it leads to."""
        stops = kind in {"menu", "show", "wait", "end"}
        name = self.begun(known, stops=stops)
        state = self.makers[kind](self, name, known, depth + 1, kind)
        if kind in {"menu", "list", "input", "show", "wait", "end"} and self.scope.chance(0.12):
            state["paged"] = self.scope.random.choice(["allow", "never"])
        return self.closed(name, state)

    def variable(self, types: tuple[str, ...], *, filled: bool = False) -> str:
        """A variable of one of these types: a new one, or one that is there."""
        random = self.scope.random
        kind = random.choice(types)
        able = [
            name
            for name, each in self.scope.variables.items()
            if each.type == kind and (filled or name not in self.filled)
        ]
        if able and self.scope.chance(0.5):
            return random.choice(able)
        name = f"v{len(self.scope.variables)}"
        made = made_kind(random, kind, self.scope.languages)
        if kind == "text" and self.scope.alphabet == "ucs2":
            made.declared["lengths"] = ["1", "12"]
        if kind in {"rows", "row"}:
            alike = [each for each in self._row_kinds() if each.fields]
            if alike and self.scope.chance(0.8):
                fields = {n: as_variable(e) for n, e in random.choice(alike).fields.items()}
                declared: Table = {
                    "type": kind,
                    "fields": {n: e.declared for n, e in fields.items()},
                }
                if kind == "rows":
                    declared["rows_max"] = random.choice(["1", "4", "9"])
                made = Kind(kind, declared, fields)
        if filled and kind in {"integer", "decimal"} and self.scope.chance(0.7):
            made.declared.update({"min": "-99999999999999", "max": "99999999999999"})
            self.filled.add(name)
        sensitive = kind == "pin" or (
            kind in {"digits", "text", "rows", "row"} and self.scope.chance(0.08)
        )
        made = Kind(made.type, made.declared, made.fields, sensitive)
        self.scope.variables[name] = made
        return name

    def basket(self, known: Known) -> str:
        """A list for rows such as one that was chosen, "" if there is none."""
        chosen = [
            fields
            for name, fields in self.scope.records.items()
            if fields and all(each.scalar and f"{name}.{n}" in known for n, each in fields.items())
        ]
        if not chosen:
            return ""
        fields = {n: as_variable(each) for n, each in self.scope.random.choice(chosen).items()}
        for name, kind in self.scope.variables.items():
            if kind.type == "rows" and kind.fields == fields:
                return name
        name = f"v{len(self.scope.variables)}"
        declared: Table = {"type": "rows", "rows_max": "9"}
        declared["fields"] = {n: each.declared for n, each in fields.items()}
        self.scope.variables[name] = Kind("rows", declared, fields)
        return name

    def _row_kinds(self) -> list[Kind]:
        found = [each for each in self.scope.variables.values() if each.type in {"rows", "row"}]
        for fields in self.scope.records.values():
            found += [each for each in fields.values() if each.type == "rows"]
        if self.scope.chance(0.3):
            ladder = {
                "step": Kind("integer", {"type": "integer", "min": "0", "max": "50"}),
                "word": Kind("text", {"type": "text", "lengths": ["1", "8"]}),
            }
            found.append(Kind("rows", {}, ladder))
        return found


def as_variable(kind: Kind) -> Kind:
    """A back-end's field as a variable's: as wide as its longest."""
    longest = str(kind.declared.get("longest", ""))
    if not longest:
        return kind
    declared: Table = {"type": kind.type}
    match kind.type:
        case "text":
            declared["lengths"] = ["1", str(min(2 * len(longest), 60))]
        case "digits":
            declared["lengths"] = [str(each) for each in range(1, len(longest) + 1)]
        case "integer" | "decimal":
            digits = "9" * min(len(longest), 14)
            declared |= {"min": f"-{digits}", "max": digits}
            if kind.type == "decimal":
                declared["places"] = "6"
    return Kind(kind.type, declared)


def without(known: Known, name: str) -> Known:
    """What is known without a name and its fields."""
    return frozenset(each for each in known if each != name and not each.startswith(f"{name}."))
