"""States that a client sees, grown with all that they lead to."""

from __future__ import annotations

from tests.soundness.growing import NOTHING, Grower, Known, Maker, as_variable
from tests.soundness.made_files import Data, Table
from tests.soundness.made_kinds import SCALARS, Kind


def menu(grower: Grower, name: str, known: Known, depth: int, _kind: str) -> Table:
    """A menu; at least one option is always there."""
    options: list[Data] = [
        option(grower, name, str(number), known, depth, sure=number == 1)
        for number in range(1, grower.scope.random.randint(2, 4))
    ]
    if all(isinstance(each, dict) and each.get("next") == name for each in options):
        options.append({"label": grower.scope.label("out"), "next": grower.leave(known)})
    grower.scope.random.shuffle(options)
    state: Table = {"menu": grower.scope.body(known), "options": options}
    if grower.scope.chance(0.25):
        state["otherwise"] = otherwise(grower, known, depth)
    if grower.scope.chance(0.2):
        state["shortcut"] = grower.scope.random.choice(["allow", "never", "never"])
    return state


def option(grower: Grower, name: str, number: str, known: Known, depth: int, *, sure: bool) -> Data:
    """One option."""
    option: Table = {"label": grower.scope.label(number)}
    gained = NOTHING
    if not sure and grower.scope.chance(0.4):
        option["when"], gained = grower.scope.when(known)
    if gained and grower.scope.chance(0.5):
        option["label"] = grower.scope.line(known | gained, 2)
    if not sure and grower.entry and grower.scope.chance(0.5):
        option["resume"] = "true"
        return option
    if grower.scope.chance(0.15):
        option["key"] = grower.scope.random.choice(["7", "8", "9", "*1", "#5"]) + number
        option["key"] = str(option["key"])[:3]
    if grower.scope.chance(0.15):
        option["language"] = grower.scope.random.choice(["toggle", *grower.scope.languages])
        option["next"] = name if name in grower.stops else grower.next(known | gained, depth)
    if "next" not in option:
        option["next"] = grower.next(known | gained, depth)
    return option


def otherwise(grower: Grower, known: Known, depth: int) -> Table:
    """What a menu does with anything else."""
    save = grower.variable(("text", "msisdn", "date", "digits"))
    made: Table = {"save": save, "next": grower.next(known | {save}, depth)}
    if grower.scope.chance(0.4):
        made["check"] = checks(grower, known, save)
    return made


def listing(grower: Grower, _name: str, known: Known, depth: int, _kind: str) -> Table:
    """A list of rows."""
    everything = [each for each in grower.scope.places(known) if each[1].type == "rows"]
    lists = grower.scope.rows(known) or everything
    given = [each for each in lists if "." in each[0]]
    place, kind = grower.scope.random.choice(given if given and grower.scope.chance(0.7) else lists)
    row = grower.scope.text(NOTHING, 2, kind)
    save = f"r_{place.replace('.', '_')}"
    gained = {save, *(f"{save}.{each}" for each in kind.fields)}
    if grower.scope.chance(0.3):
        save = row_variable(grower, kind)
        gained = {save}
    else:
        grower.scope.records.setdefault(save, dict(kind.fields))
    state: Table = {
        "list": grower.scope.body(known, 3),
        "rows": "{" + place + "}",
        "row": row,
        "save": save,
        "next": grower.next(known | gained, depth),
    }
    fixed = grower.scope.chance(0.4)
    if fixed:
        options: list[Data] = [option(grower, "", "7", known, depth, sure=True)]
        if grower.scope.chance(0.4):
            options.append(option(grower, "", "8", known, depth, sure=False))
        state["options"] = options
    if not fixed or grower.scope.chance(0.4):
        state["empty"] = grower.next(known, depth)
    return state


def row_variable(grower: Grower, kind: Kind) -> str:
    """A variable for one row of a list."""
    shared = {name: each for name, each in kind.fields.items() if "longest" not in each.declared}
    fields = {name: as_variable(each) for name, each in kind.fields.items()}
    if len(shared) != len(kind.fields):
        fields = {name: as_variable(each) for name, each in kind.fields.items()}
    name = f"v{len(grower.scope.variables)}"
    declared: Table = {"type": "row", "fields": {n: e.declared for n, e in fields.items()}}
    grower.scope.variables[name] = Kind("row", declared, fields)
    return name


def asking(grower: Grower, name: str, known: Known, depth: int, _kind: str) -> Table:
    """An input."""
    save = grower.variable(SCALARS)
    kind = grower.scope.variables[save]
    state: Table = {"input": grower.scope.body(known), "save": save}
    keep = grower.scope.chance(0.2)
    if keep:
        state["keep"] = "true"
    else:
        grower.stops.add(name)
    if grower.scope.chance(0.35):
        state["check"] = checks(grower, known, save)
    if grower.scope.chance(0.2):
        state["shortcut"] = "never"
    elif grower.scope.chance(0.15) and not kind.sensitive:
        state["shortcut"] = "allow"
    if kind.type != "text" or "check" in state or grower.scope.chance(0.3):
        most = grower.scope.random.choice(["1", "2", "3"])
        state["attempts"] = {"max": most, "next": grower.next(known, depth)}
    state["next"] = grower.next(known | {save}, depth)
    return state


def checks(grower: Grower, known: Known, save: str) -> list[Data]:
    """What a typed value must pass."""
    kind = grower.scope.variables[save]
    found: list[Data] = []
    for _ in range(grower.scope.random.choice([1, 1, 2])):
        error = grower.scope.text(known if kind.sensitive else known | {save}, 2)
        if grower.scope.chance(0.4):
            rule = grower.scope.random.choice(["luhn", "even", "short"])
            found.append({"rule": rule, "error": error})
        else:
            when, _ = grower.scope.when(known | {save})
            found.append({"when": when, "error": error})
    return found


def reading(grower: Grower, name: str, known: Known, depth: int, kind: str) -> Table:
    """A show or a wait."""
    dest = grower.next(known, depth)
    return {kind: grower.scope.body(known), "next": grower.leave(known) if dest == name else dest}


def ending(grower: Grower, _name: str, known: Known, _depth: int, _kind: str) -> Table:
    """An end."""
    return {"end": grower.scope.body(known)}


SCREENS: dict[str, Maker] = {
    "menu": menu,
    "list": listing,
    "input": asking,
    "show": reading,
    "wait": reading,
    "end": ending,
}
