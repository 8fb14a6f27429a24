"""States that show nothing, grown with all that they lead to."""

from __future__ import annotations

from tests.soundness.growing import Grower, Known, Maker, without
from tests.soundness.made_files import Data, Table
from tests.soundness.made_kinds import Kind, field_kinds, takes
from tests.soundness.made_values import literal, value


def call(grower: Grower, _name: str, known: Known, depth: int, _kind: str) -> Table:
    """A call of a back-end whose inputs there is something for."""
    random = grower.scope.random
    backend = random.choice(_callable(grower, known))
    declared = grower.backends[backend]
    save = f"r_{backend.replace('.', '_')}"
    once = "once" in declared or grower.scope.chance(0.05)
    arguments: Table = {}
    inputs = declared.get("inputs", {})
    for name, kind in inputs.items() if isinstance(inputs, dict) else ():
        arguments[name] = _argument(grower, str(kind), known)
    state: Table = {"call": backend}
    if arguments:
        state["with"] = arguments
    saves = grower.scope.chance(0.85)
    if saves:
        state["save"] = save
    if once:
        state["once_per"] = random.choice(["session", "session", "visit"])
    if grower.scope.chance(0.2):
        state["in"] = random.choice(grower.scope.languages)
    if grower.scope.chance(0.2):
        state["deadline"] = random.choice(["1s", "250ms", "4.5s"])
    if grower.scope.chance(0.3):
        state["waits"] = random.choice(["0", "1", "3"])
    outcomes = declared["outcomes"]
    found: Table = {}
    names = [*(outcomes if isinstance(outcomes, dict) else ()), "late", "failed"]
    late = grower.leave if grower.scope.chance(0.7) else None
    for name in names:
        own = outcomes.get(name, {}) if isinstance(outcomes, dict) else {}
        own = own if isinstance(own, dict) else {}
        gained = known
        if saves:
            fields = field_kinds(own.get("fields"))
            gained = without(known, save) | {save, *(f"{save}.{each}" for each in fields)}
            grower.scope.records.setdefault(save, {}).update(fields)
        if once and "nothing_done" not in own and name != "failed":
            found[name] = grower.after(gained)
        elif name in {"late", "failed"} and late is not None:
            found[name] = late(gained)
        else:
            found[name] = grower.next(gained, depth)
    state["outcomes"] = found
    return state


def _callable(grower: Grower, known: Known) -> list[str]:
    """The back-ends for whose inputs there is something: only data gives rows."""
    has_rows = bool(grower.scope.rows(known)) or grower.scope.chance(0.02)
    found = []
    for name, declared in grower.backends.items():
        inputs = declared.get("inputs", {})
        kinds = inputs.values() if isinstance(inputs, dict) else ()
        if has_rows or "rows" not in kinds:
            found.append(name)
    return found or list(grower.backends)


def _argument(grower: Grower, kind: str, known: Known) -> Data:
    """What a back-end is given for an input of a type."""
    able = ["{" + name + "}" for name, each in grower.scope.places(known) if takes(kind, each.type)]
    if kind == "text" and grower.scope.chance(0.4):
        return grower.scope.text(known, 2)
    if able and (kind == "rows" or grower.scope.chance(0.8)):
        return grower.scope.random.choice(able)
    return literal(Kind(kind))


def branch(grower: Grower, _name: str, known: Known, depth: int, _kind: str) -> Table:
    """A branch."""
    cases: list[Data] = []
    for _ in range(grower.scope.random.choice([1, 1, 2, 3])):
        when, gained = grower.scope.when(known)
        cases.append({"when": when, "next": grower.next(known | gained, depth)})
    return {"branch": cases, "else": grower.next(known, depth)}


def setting(grower: Grower, _name: str, known: Known, depth: int, _kind: str) -> Table:
    """A set, with or without something to forget."""
    assigned: Table = {}
    for _ in range(grower.scope.random.choice([1, 1, 2, 3])):
        name = grower.variable(
            ("integer", "decimal", "text", "choice", "date", "boolean", "rows", "rows", "rows",
             "row", "row", "digits", "msisdn"),
            filled=True,
        )  # fmt: skip
        if grower.scope.chance(0.3):
            name = grower.basket(known) or name
        made = value(grower.scope, grower.scope.variables[name], known)
        if made is not None:
            assigned[name] = made
    after = known
    forget = [
        each
        for each in (*grower.scope.variables, *grower.scope.records)
        if each in grower.scope.variables and grower.scope.chance(0.08)
    ]
    for each in forget:
        after = without(after, each)
    if not assigned and not forget:
        return branch(grower, _name, known, depth, _kind)
    state: Table = {"set": assigned}
    if forget:
        state["forget"] = list[Data](forget)
    state["next"] = grower.next(after | set(assigned), depth)
    if grower.scope.chance(0.93):
        state["else"] = grower.next(known, depth)
    return state


def entering(grower: Grower, _name: str, known: Known, depth: int, kind: str) -> Table:
    """A sub-flow, or this one again."""
    again = grower.own is not None and (not grower.subs or grower.scope.chance(0.5))
    sub = (
        grower.own
        if again and grower.own
        else grower.scope.random.choice(list(grower.subs.values()))
    )
    arguments: Table = {}
    for name, each in sub.arguments.items():
        able = [
            "{" + place + "}"
            for place, found in grower.scope.places(known)
            if found.declared == each.declared and found.sensitive == each.sensitive
        ]
        made = grower.scope.random.choice([*able, literal(each)])
        if each.type == "rows":
            made = grower.scope.random.choice(able) if able else ""
            if not made:
                return branch(grower, _name, known, depth, kind)
        arguments[name] = made
    state: Table = {"flow": sub.name}
    if arguments:
        state["with"] = arguments
    save = f"r_{sub.name.replace('-', '_')}"
    saves = grower.scope.chance(0.7)
    if saves:
        state["save"] = save
    if again:
        state["depth"] = grower.scope.random.choice(["1", "2", "2"])
        state["too_deep"] = grower.next(known, depth)
    found: Table = {}
    for name, fields in sub.exits.items():
        gained = known
        if saves:
            gained = without(known, save) | {save, *(f"{save}.{each}" for each in fields)}
            grower.scope.records.setdefault(save, {}).update(fields)
        found[name] = grower.next(gained, depth)
    state["outcomes"] = found
    return state


SILENT: dict[str, Maker] = {"call": call, "branch": branch, "set": setting, "flow": entering}
