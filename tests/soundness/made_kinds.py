"""Types with their bounds, made at random, as the generator writes and remembers them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.soundness.made_files import FUNCTIONS, Data, Table

SCALARS = ("digits", "integer", "decimal", "text", "choice", "msisdn", "date", "pin")
#: Types of fields: nobody types one.
FIELDS = ("text", "digits", "integer", "decimal", "date", "msisdn", "boolean")
INPUTS = ("text", "digits", "integer", "decimal", "date", "msisdn", "boolean", "rows", "pin")
NUMBERS = frozenset({"integer", "decimal"})
#: Types whose values an input of a type takes.
TAKES = {
    "text": frozenset({*SCALARS, "boolean"}),
    "decimal": NUMBERS,
    "digits": frozenset({"digits", "integer"}),
}


@dataclass(frozen=True)
class Kind:
    """A type; `declared` is what a flow writes of it, `fields` those of rows and of a row."""

    type: str
    declared: Table = field(default_factory=dict)
    fields: dict[str, Kind] = field(default_factory=dict)
    sensitive: bool = False

    @property
    def scalar(self) -> bool:
        """Whether one value is shown as it is."""
        return self.type not in {"rows", "row"}


def takes(wanted: str, given: str) -> bool:
    """Whether a value of one type goes into an input of another."""
    return given in TAKES.get(wanted, frozenset({wanted}))


def made_kind(random: Random, kind: str, languages: tuple[str, ...]) -> Kind:
    """A variable's type with bounds."""
    declared: Table = {"type": kind}
    fields: dict[str, Kind] = {}
    match kind:
        case "digits":
            lengths = random.choice([["4"], ["6", "8"], ["11", "13"], ["20"], ["5", "4"]])
            declared["lengths"] = list[Data](lengths)
        case "pin":
            declared["lengths"] = list[Data](random.choice([["4"], ["5", "6"]]))
        case "integer" | "decimal":
            low, high = random.choice(
                [("1", "90"), ("100", "5000"), ("-900", "-100"), ("1", "9"), ("101", "999999999")]
            )
            declared |= {"min": low, "max": high}
            if kind == "decimal":
                declared["places"] = random.choice(["1", "2", "6"])
        case "text":
            lengths = random.choice([["1", "12"], ["3", "40"], ["2", "20"], ["30"], ["1", "2"]])
            declared["lengths"] = list[Data](lengths)
        case "choice":
            declared["values"] = _values(random, languages)
        case "msisdn":
            if random.random() < 0.5:
                declared["country"] = random.choice(["BF", "CI", "FR", "US"])
        case "date":
            declared |= random.choice(_DATES)
        case "rows" | "row":
            fields = made_fields(random, languages)
            declared["fields"] = {name: each.declared for name, each in fields.items()}
            if kind == "rows":
                declared["rows_max"] = random.choice(["1", "3", "6", "9"])
    return Kind(kind, declared, fields)


_DATES: list[Table] = [
    {},
    {"min": "2020-02-29", "max": "2030-12-31"},
    {"min": "today", "max": "today+30d"},
    {"max": "today-18y"},
    {"min": "today-6m"},
]


def _values(random: Random, languages: tuple[str, ...]) -> Data:
    names = random.sample(["small", "large", "red", "8x", "nord", "été"], random.randint(1, 5))
    if random.random() < 0.4:
        return list[Data](names)
    labels: Table = {}
    for name in names:
        if random.random() < 0.6:
            labels[name] = {each: f"{name.title()} {each}" for each in languages}
        else:
            labels[name] = random.choice([f"Le {name}"] * 20 + [f"{{{{{name}", "{msisdn}"])
    return labels


def made_fields(random: Random, languages: tuple[str, ...]) -> dict[str, Kind]:
    """Fields of rows: their names say their types, so that rows of a kind often go together."""
    chosen = random.sample(FIELDS, random.randint(1, 3))
    found = {}
    for kind in chosen:
        made = made_kind(random, kind, languages)
        if kind == "text":
            made = Kind(kind, {"type": kind, "lengths": ["1", random.choice(["8", "20"])]})
        found[f"a_{kind}"] = made
    return found


def made_catalogue(random: Random) -> tuple[Table, dict[str, Table]]:
    """A catalogue, and its back-ends by name."""
    names = random.sample(["meters.find", "pay", "shop.stock", "who.is", "say.it"], 4)
    backends: dict[str, Table] = {name: _backend(random) for name in names}
    catalogue: Table = {
        "cassou": "1",
        "backends": dict[str, Data](backends),
        "functions": dict[str, Data](FUNCTIONS),
    }
    return catalogue, backends


def _backend(random: Random) -> Table:
    row = random.sample((*FIELDS, "integer"), random.randint(1, 3))
    outcomes: Table = {}
    once = random.random() < 0.35
    for name in random.sample(["ok", "none", "several", "refused"], random.randint(1, 3)):
        outcome = _outcome(random, row)
        if once and random.random() < 0.4:
            outcome["nothing_done"] = "true"
        outcomes[name] = outcome
    backend: Table = {"outcomes": outcomes}
    if once:
        backend["once"] = "true"
    if random.random() < 0.5:
        backend["deadline"] = random.choice(["2s", "900ms", "5s"])
    if random.random() < 0.85:
        chosen = random.sample(INPUTS, random.randint(1, 3))
        backend["inputs"] = {f"{kind}_{number}": kind for number, kind in enumerate(chosen)}
    return backend


def _outcome(random: Random, usual: list[str]) -> Table:
    """An outcome with its fields; its rows have the usual ones, as a rule."""
    chosen = random.sample((*FIELDS, *["rows"] * 4), random.randint(0, 4))
    fields: Table = {}
    sample: Table = {}
    for kind in dict.fromkeys(chosen):
        name = f"f_{kind}"
        if kind == "rows":
            inner: Table = {}
            row: Table = {}
            other = random.sample(FIELDS, 2)
            for each in usual if random.random() < 0.9 else other:
                inner[f"a_{each}"], row[f"a_{each}"] = _bounded(random, each)
            most = random.randint(1, 9)
            fields[name] = {"type": "rows", "rows_max": str(most), "fields": inner}
            sample[name] = [row] * random.randint(0, most)
            if random.random() < 0.03:
                fields[name], sample[name] = {"type": "rows", "rows_max": "3"}, []
        else:
            fields[name], sample[name] = _bounded(random, kind)
    outcome: Table = {}
    if fields:
        outcome = {"fields": fields, "sample": sample}
    return outcome


def _bounded(random: Random, kind: str) -> tuple[Table, str]:
    """A back-end's field, and a sample of it."""
    if kind == "boolean":
        return {"type": kind}, "true"
    longest, sample = {
        "text": (random.choice(["Awa Ouedraogo", "m" * 30, "a b c d e f", "é€"]), "Aw"),
        "digits": (random.choice(["88888888", "0" * 20]), "0123"),
        "integer": (random.choice(["-9999", "2000000", "99", "9" * 15]), "7"),
        "decimal": (random.choice(["1638.3", "-0.25", "99999999.999999"]), "1.5"),
        "date": ("2026-12-31", "2026-01-31"),
        "msisdn": ("+22670123456", "+33612345678"),
    }[kind]
    return {"type": kind, "longest": longest}, sample


def field_kinds(fields: Data | None) -> dict[str, Kind]:
    """The kinds of declared fields of an outcome or of rows."""
    found: dict[str, Kind] = {}
    for name, each in fields.items() if isinstance(fields, dict) else ():
        if isinstance(each, dict):
            found[name] = Kind(str(each["type"]), each, field_kinds(each.get("fields")))
    return found
