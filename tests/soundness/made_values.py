"""What a `set` stores and a sub-flow is given: literals, places and functions of a wanted type."""

from __future__ import annotations

from tests.soundness.made_files import Data, Table
from tests.soundness.made_kinds import NUMBERS, Kind, takes
from tests.soundness.made_words import Scope

Known = frozenset[str]


def value(scope: Scope, wanted: Kind, known: Known, depth: int = 0) -> Data | None:
    """A value that may fit, or None where there is none of this type."""
    alike = _places(scope, wanted, known)
    if alike and scope.chance(0.3):
        return scope.random.choice(alike)
    match wanted.type:
        case "integer" | "decimal":
            return _number(scope, wanted, known, depth)
        case "rows":
            return _rows(scope, wanted, known, depth)
        case "row":
            return _row(scope, wanted, known)
        case "text":
            return _text(scope, known)
        case "date":
            return _date(scope, known)
        case "msisdn":
            return scope.random.choice([*alike, "{msisdn}"])
        case "boolean":
            return scope.random.choice([*alike, "true", "false"])
        case "choice":
            values = wanted.declared.get("values", [])
            return scope.random.choice([str(each) for each in values])
    return scope.random.choice([*alike, literal(wanted)])


def literal(wanted: Kind) -> str:
    """A literal of a type that lies within its bounds, as a rule."""
    lengths = wanted.declared.get("lengths", ["4"])
    match wanted.type:
        case "digits" | "pin":
            return "7" * int(str(lengths[0] if isinstance(lengths, list) else "4"))
        case "integer" | "decimal":
            return str(wanted.declared.get("min", "1"))
        case "date":
            return str(wanted.declared.get("min", "2026-01-31")).replace("today", "2026-01-31")[:10]
        case "boolean":
            return "false"
        case "msisdn":
            return "+22670123456"
    return "nom"[: int(str(lengths[-1])) if isinstance(lengths, list) else 3]


def _places(scope: Scope, wanted: Kind, known: Known) -> list[str]:
    return [
        "{" + name + "}"
        for name, kind in scope.places(known)
        if takes(wanted.type, kind.type)
        and (wanted.sensitive or not kind.sensitive)
        and (kind.scalar or set(wanted.fields) <= set(kind.fields))
    ]


def _apply(function: str, **arguments: Data) -> Data:
    made: Table = {"function": function}
    if arguments:
        made["with"] = dict(arguments)
    return made


def _number(scope: Scope, wanted: Kind, known: Known, depth: int) -> Data:
    random = scope.random
    low = str(wanted.declared.get("min", "1"))
    numbers = [
        "{" + name + "}"
        for name, kind in scope.places(known)
        if kind.type in NUMBERS and (wanted.sensitive or not kind.sensitive)
    ]
    integers = [
        "{" + name + "}"
        for name, kind in scope.places(known)
        if kind.type == "integer" and (wanted.sensitive or not kind.sensitive)
    ]
    lists = scope.rows(known)

    def operand() -> Data:
        if depth < 2 and scope.chance(0.25):
            return _number(scope, wanted, known, depth + 1)
        return random.choice([*numbers, random.choice(["2", "7", "-1", "0.5", low])])

    def whole() -> Data:
        return random.choice([*integers, random.choice(["1", "3", "12", "2024"])])

    made: list[Data] = [low, str(wanted.declared.get("max", "9"))]
    names = ("add", "subtract", "multiply")
    made += [_apply(f"number.{name}", a=operand(), b=operand()) for name in names]
    made.append(_apply("number.pick", low=whole(), high=whole()))
    made.append(_apply("shop.discount", total=whole(), code=_text(scope, known)))
    if lists:
        name, kind = random.choice(lists)
        made += [_apply("rows.count", rows="{" + name + "}")] * 4
        columns = [each for each, inner in kind.fields.items() if inner.type in NUMBERS]
        if columns:
            total = _apply("rows.sum", rows="{" + name + "}", field=random.choice(columns))
            made += [total, total, total]
    return random.choice(made)


def _rows(scope: Scope, wanted: Kind, known: Known, depth: int) -> Data:
    random = scope.random
    lists = _places(scope, wanted, known)
    none = _apply("rows.none")
    if "a_ladder" in wanted.fields or set(wanted.fields) <= {"step", "word"}:
        lists.append("")
    whole = [
        "{" + name + "}"
        for name, fields in scope.records.items()
        if fields
        and all(f"{name}.{each}" in known for each in fields)
        and set(wanted.fields) <= set(fields)
    ]
    whole += [
        "{" + name + "}"
        for name, kind in scope.variables.items()
        if kind.type == "row" and name in known and set(wanted.fields) <= set(kind.fields)
    ]
    made: list[Data] = [none]
    made += [_apply("rows.add", rows=none, row=row) for row in whole for _ in range(6)]
    for source in lists:
        rows: Data = source or _apply("shop.ladder", steps=random.choice(["3", "17"]))
        if depth < 2 and scope.chance(0.3):
            rows = _rows(scope, wanted, known, depth + 1)
        made.append(_apply("rows.drop_last", rows=rows))
        made.append(_apply("rows.minus", rows=rows, less=random.choice(lists) or none))
        most = random.choice(["1", "2", "5"])
        made.append(_apply("rows.first", rows=rows, most=most))
        for row in whole[:2]:
            made += [_apply("rows.add", rows=rows, row=row)] * 3
            made += [_apply("rows.remove", rows=rows, row=row)] * 3
    return random.choice(made)


def _row(scope: Scope, wanted: Kind, known: Known) -> Data | None:
    lists = [name for name, kind in scope.rows(known) if set(wanted.fields) <= set(kind.fields)]
    if not lists:
        return None
    number = scope.random.choice(["1", "2"])
    rows = "{" + scope.random.choice(lists) + "}"
    return _apply("rows.at", rows=rows, number=number)


def _text(scope: Scope, known: Known) -> Data:
    if scope.chance(0.2):
        return _apply("shop.initials", name=scope.line(known, 2))
    return scope.text(known, 2)


def _date(scope: Scope, known: Known) -> Data:
    random = scope.random
    integers = [
        "{" + name + "}"
        for name, kind in scope.places(known)
        if kind.type == "integer" and not kind.sensitive
    ]
    if scope.chance(0.3):
        return random.choice(["2026-01-31", "2024-02-29"])
    day = random.choice([*integers, "31", "1"])
    return _apply("date.of", day=day, month=random.choice(["2", "12"]), year="2024")
