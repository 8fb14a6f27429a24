"""States grown from a start, each knowing what surely has a value where it stands.

Biased to be right: a state promises what it was grown with, and only what knows as much may lead to
it; a circle always goes through a screen. What nobody keeps track of here, such as widths, is left
to `check` to refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.soundness.made_files import Data, Table
from tests.soundness.made_kinds import SCALARS, Kind, field_kinds, made_kind, takes
from tests.soundness.made_values import literal, value
from tests.soundness.made_words import Scope

Known = frozenset[str]
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
        if self.home and self.scope.chance(0.6):
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
        made = {
            "menu": self.menu, "list": self.list, "input": self.input, "show": self.read,
            "wait": self.read, "end": self.end, "call": self.call, "branch": self.branch,
            "set": self.set, "flow": self.flow,
        }[kind]  # fmt: skip
        name = self.begun(known, stops=stops)
        state = made(name, known, depth + 1, kind)
        if kind in {"menu", "list", "input", "show", "wait", "end"} and self.scope.chance(0.12):
            state["paged"] = self.scope.random.choice(["allow", "never"])
        return self.closed(name, state)

    # Screens.

    def menu(self, name: str, known: Known, depth: int, _kind: str) -> Table:
        """A menu; at least one option is always there."""
        options: list[Data] = [
            self.option(name, str(number), known, depth, sure=number == 1)
            for number in range(1, self.scope.random.randint(2, 4))
        ]
        if all(isinstance(each, dict) and each.get("next") == name for each in options):
            options.append({"label": self.scope.label("out"), "next": self.leave(known)})
        self.scope.random.shuffle(options)
        state: Table = {"menu": self.scope.body(known), "options": options}
        if self.scope.chance(0.25):
            state["otherwise"] = self.otherwise(known, depth)
        if self.scope.chance(0.2):
            state["shortcut"] = self.scope.random.choice(["allow", "never", "never"])
        return state

    def option(self, name: str, number: str, known: Known, depth: int, *, sure: bool) -> Data:
        """One option."""
        option: Table = {"label": self.scope.label(number)}
        gained = NOTHING
        if not sure and self.scope.chance(0.4):
            option["when"], gained = self.scope.when(known)
        if gained and self.scope.chance(0.5):
            option["label"] = self.scope.line(known | gained, 2)
        if not sure and self.entry and self.scope.chance(0.5):
            option["resume"] = "true"
            return option
        if self.scope.chance(0.15):
            option["key"] = self.scope.random.choice(["7", "8", "9", "*1", "#5"]) + number
            option["key"] = str(option["key"])[:3]
        if self.scope.chance(0.15):
            option["language"] = self.scope.random.choice(["toggle", *self.scope.languages])
            option["next"] = name if name in self.stops else self.next(known | gained, depth)
        if "next" not in option:
            option["next"] = self.next(known | gained, depth)
        return option

    def otherwise(self, known: Known, depth: int) -> Table:
        """What a menu does with anything else."""
        save = self.variable(("text", "msisdn", "date", "digits"))
        made: Table = {"save": save, "next": self.next(known | {save}, depth)}
        if self.scope.chance(0.4):
            made["check"] = self.checks(known, save)
        return made

    def list(self, _name: str, known: Known, depth: int, _kind: str) -> Table:
        """A list of rows."""
        everything = [each for each in self.scope.places(known) if each[1].type == "rows"]
        lists = self.scope.rows(known) or everything
        given = [each for each in lists if "." in each[0]]
        place, kind = self.scope.random.choice(given if given and self.scope.chance(0.7) else lists)
        row = self.scope.text(NOTHING, 2, kind)
        save = f"r_{place.replace('.', '_')}"
        gained = {save, *(f"{save}.{each}" for each in kind.fields)}
        if self.scope.chance(0.3):
            save = self.row_variable(kind)
            gained = {save}
        else:
            self.scope.records.setdefault(save, dict(kind.fields))
        state: Table = {
            "list": self.scope.body(known, 3),
            "rows": "{" + place + "}",
            "row": row,
            "save": save,
            "next": self.next(known | gained, depth),
        }
        fixed = self.scope.chance(0.4)
        if fixed:
            options: list[Data] = [self.option("", "7", known, depth, sure=True)]
            if self.scope.chance(0.4):
                options.append(self.option("", "8", known, depth, sure=False))
            state["options"] = options
        if not fixed or self.scope.chance(0.4):
            state["empty"] = self.next(known, depth)
        return state

    def row_variable(self, kind: Kind) -> str:
        """A variable for one row of a list."""
        shared = {
            name: each for name, each in kind.fields.items() if "longest" not in each.declared
        }
        fields = {name: _as_variable(each) for name, each in kind.fields.items()}
        if len(shared) != len(kind.fields):
            fields = {name: _as_variable(each) for name, each in kind.fields.items()}
        name = f"v{len(self.scope.variables)}"
        declared: Table = {"type": "row", "fields": {n: e.declared for n, e in fields.items()}}
        self.scope.variables[name] = Kind("row", declared, fields)
        return name

    def input(self, name: str, known: Known, depth: int, _kind: str) -> Table:
        """An input."""
        save = self.variable(SCALARS)
        kind = self.scope.variables[save]
        state: Table = {"input": self.scope.body(known), "save": save}
        keep = self.scope.chance(0.2)
        if keep:
            state["keep"] = "true"
        else:
            self.stops.add(name)
        if self.scope.chance(0.35):
            state["check"] = self.checks(known, save)
        if self.scope.chance(0.2):
            state["shortcut"] = "never"
        elif self.scope.chance(0.15) and not kind.sensitive:
            state["shortcut"] = "allow"
        if kind.type != "text" or "check" in state or self.scope.chance(0.3):
            most = self.scope.random.choice(["1", "2", "3"])
            state["attempts"] = {"max": most, "next": self.next(known, depth)}
        state["next"] = self.next(known | {save}, depth)
        return state

    def checks(self, known: Known, save: str) -> list[Data]:
        """What a typed value must pass."""
        kind = self.scope.variables[save]
        found: list[Data] = []
        for _ in range(self.scope.random.choice([1, 1, 2])):
            error = self.scope.text(known if kind.sensitive else known | {save}, 2)
            if self.scope.chance(0.4):
                rule = self.scope.random.choice(["luhn", "even", "short"])
                found.append({"rule": rule, "error": error})
            else:
                when, _ = self.scope.when(known | {save})
                found.append({"when": when, "error": error})
        return found

    def read(self, name: str, known: Known, depth: int, kind: str) -> Table:
        """A show or a wait."""
        dest = self.next(known, depth)
        return {kind: self.scope.body(known), "next": self.leave(known) if dest == name else dest}

    def end(self, _name: str, known: Known, _depth: int, _kind: str) -> Table:
        """An end."""
        return {"end": self.scope.body(known)}

    # What shows nothing.

    def call(self, _name: str, known: Known, depth: int, _kind: str) -> Table:
        """A call of a back-end whose inputs there is something for."""
        random = self.scope.random
        backend = random.choice(self._callable(known))
        declared = self.backends[backend]
        save = f"r_{backend.replace('.', '_')}"
        once = "once" in declared or self.scope.chance(0.05)
        arguments: Table = {}
        inputs = declared.get("inputs", {})
        for name, kind in inputs.items() if isinstance(inputs, dict) else ():
            arguments[name] = self.argument(str(kind), known)
        state: Table = {"call": backend}
        if arguments:
            state["with"] = arguments
        saves = self.scope.chance(0.85)
        if saves:
            state["save"] = save
        if once:
            state["once_per"] = random.choice(["session", "session", "visit"])
        if self.scope.chance(0.2):
            state["in"] = random.choice(self.scope.languages)
        if self.scope.chance(0.2):
            state["deadline"] = random.choice(["1s", "250ms", "4.5s"])
        if self.scope.chance(0.3):
            state["waits"] = random.choice(["0", "1", "3"])
        outcomes = declared["outcomes"]
        found: Table = {}
        names = [*(outcomes if isinstance(outcomes, dict) else ()), "late", "failed"]
        late = self.leave if self.scope.chance(0.7) else None
        for name in names:
            own = outcomes.get(name, {}) if isinstance(outcomes, dict) else {}
            own = own if isinstance(own, dict) else {}
            gained = known
            if saves:
                fields = field_kinds(own.get("fields"))
                gained = _without(known, save) | {save, *(f"{save}.{each}" for each in fields)}
                self.scope.records.setdefault(save, {}).update(fields)
            if once and "nothing_done" not in own and name != "failed":
                found[name] = self.after(gained)
            elif name in {"late", "failed"} and late is not None:
                found[name] = late(gained)
            else:
                found[name] = self.next(gained, depth)
        state["outcomes"] = found
        return state

    def _callable(self, known: Known) -> list[str]:
        """The back-ends for whose inputs there is something: only data gives rows."""
        has_rows = bool(self.scope.rows(known)) or self.scope.chance(0.02)
        found = []
        for name, declared in self.backends.items():
            inputs = declared.get("inputs", {})
            kinds = inputs.values() if isinstance(inputs, dict) else ()
            if has_rows or "rows" not in kinds:
                found.append(name)
        return found or list(self.backends)

    def argument(self, kind: str, known: Known) -> Data:
        """What a back-end is given for an input of a type."""
        able = [
            "{" + name + "}" for name, each in self.scope.places(known) if takes(kind, each.type)
        ]
        if kind == "text" and self.scope.chance(0.4):
            return self.scope.text(known, 2)
        if able and (kind == "rows" or self.scope.chance(0.8)):
            return self.scope.random.choice(able)
        return literal(Kind(kind))

    def branch(self, _name: str, known: Known, depth: int, _kind: str) -> Table:
        """A branch."""
        cases: list[Data] = []
        for _ in range(self.scope.random.choice([1, 1, 2, 3])):
            when, gained = self.scope.when(known)
            cases.append({"when": when, "next": self.next(known | gained, depth)})
        return {"branch": cases, "else": self.next(known, depth)}

    def set(self, _name: str, known: Known, depth: int, _kind: str) -> Table:
        """A set, with or without something to forget."""
        assigned: Table = {}
        for _ in range(self.scope.random.choice([1, 1, 2, 3])):
            name = self.variable(
                ("integer", "decimal", "text", "choice", "date", "boolean", "rows", "rows", "rows",
                 "row", "row", "digits", "msisdn"),
                filled=True,
            )  # fmt: skip
            made = value(self.scope, self.scope.variables[name], known)
            if made is not None:
                assigned[name] = made
        after = known
        forget = [
            each
            for each in (*self.scope.variables, *self.scope.records)
            if each in self.scope.variables and self.scope.chance(0.08)
        ]
        for each in forget:
            after = _without(after, each)
        if not assigned and not forget:
            return self.branch(_name, known, depth, _kind)
        state: Table = {"set": assigned}
        if forget:
            state["forget"] = list[Data](forget)
        state["next"] = self.next(after | set(assigned), depth)
        if self.scope.chance(0.93):
            state["else"] = self.next(known, depth)
        return state

    def flow(self, _name: str, known: Known, depth: int, kind: str) -> Table:
        """A sub-flow, or this one again."""
        again = self.own is not None and (not self.subs or self.scope.chance(0.5))
        sub = self.own if again and self.own else self.scope.random.choice(list(self.subs.values()))
        arguments: Table = {}
        for name, each in sub.arguments.items():
            able = [
                "{" + place + "}"
                for place, found in self.scope.places(known)
                if found.declared == each.declared and found.sensitive == each.sensitive
            ]
            made = self.scope.random.choice([*able, literal(each)])
            if each.type == "rows":
                made = self.scope.random.choice(able) if able else ""
                if not made:
                    return self.branch(_name, known, depth, kind)
            arguments[name] = made
        state: Table = {"flow": sub.name}
        if arguments:
            state["with"] = arguments
        save = f"r_{sub.name.replace('-', '_')}"
        saves = self.scope.chance(0.7)
        if saves:
            state["save"] = save
        if again:
            state["depth"] = self.scope.random.choice(["1", "2", "2"])
            state["too_deep"] = self.next(known, depth)
        found: Table = {}
        for name, fields in sub.exits.items():
            gained = known
            if saves:
                gained = _without(known, save) | {save, *(f"{save}.{each}" for each in fields)}
                self.scope.records.setdefault(save, {}).update(fields)
            found[name] = self.next(gained, depth)
        state["outcomes"] = found
        return state

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
        if kind in {"rows", "row"}:
            alike = [each for each in self._row_kinds() if each.fields]
            if alike and self.scope.chance(0.8):
                fields = {n: _as_variable(e) for n, e in random.choice(alike).fields.items()}
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


def _as_variable(kind: Kind) -> Kind:
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


def _without(known: Known, name: str) -> Known:
    """What is known without a name and its fields."""
    return frozenset(each for each in known if each != name and not each.startswith(f"{name}."))
