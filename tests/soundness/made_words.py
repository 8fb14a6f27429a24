"""Texts, parts and conditions, made at random of what has a value where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.soundness.made_files import Data, Table
from tests.soundness.made_kinds import NUMBERS, Kind

WORDS = {
    "error": ["Code", "montant", "Prix: 10 €", "à payer", "[oui]", "net", "kWh", "{{x"],
    "transliterate": ["Reçu", "l’énergie", "coûte", "«net»", "Numéro", "où", "ɛ", "€", "}}"],
    "ucs2": ["Код", "naaba ɛ", "→", "été", "OK", "日本", "😀"],
}
FILTERS: dict[str, tuple[str, ...]] = {
    "integer": ("money", "masked", "groups4", "last4", "upper", "unit", "reversed"),
    "digits": ("groups4", "last4", "masked", "unit", "reversed"),
    "decimal": ("unit", "masked", "last4", "upper"),
    "date": ("date", "upper", "last4", "date"),
    "text": ("masked", "groups4", "last4", "upper", "unit", "reversed"),
    "choice": ("upper", "last4", "masked"),
    "msisdn": ("masked", "last4", "groups4"),
    "boolean": ("upper",),
    "pin": ("masked",),
}
ORDERS = ("<", "<=", ">", ">=")
EQUALITIES = ("==", "!=")


@dataclass
class Scope:
    """What a file declares and saves, its languages, and how its words are made."""

    random: Random
    languages: tuple[str, ...]
    alphabet: str
    variables: dict[str, Kind] = field(default_factory=dict)
    records: dict[str, dict[str, Kind]] = field(default_factory=dict)

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.random.random() < share

    def places(self, known: frozenset[str]) -> list[tuple[str, Kind]]:
        """Everything with a value: single values, records, lists."""
        found = []
        for name, kind in self.variables.items():
            if name in known:
                found.append((name, kind))
                if kind.type == "row":
                    found += [(f"{name}.{each}", inner) for each, inner in kind.fields.items()]
        for name, fields in self.records.items():
            found += [
                (f"{name}.{each}", inner)
                for each, inner in fields.items()
                if f"{name}.{each}" in known
            ]
        return found

    def scalars(self, known: frozenset[str]) -> list[tuple[str, Kind]]:
        """What a text may show."""
        built_in = [("msisdn", Kind("msisdn")), ("service_code", Kind("text"))]
        single = [
            (name, each)
            for name, each in self.places(known)
            if each.scalar and not each.sensitive and each.type != "pin"
        ]
        return single * 3 + built_in

    def rows(self, known: frozenset[str]) -> list[tuple[str, Kind]]:
        """Lists with a value."""
        return [
            (name, each)
            for name, each in self.places(known)
            if each.type == "rows" and (not each.sensitive or self.chance(0.03))
        ]

    def line(self, known: frozenset[str], most: int = 6, row: Kind | None = None) -> str:
        """One text: words and places."""
        parts = []
        scalars = self.scalars(known)
        if row is not None:
            fields = [(f"row.{name}", each) for name, each in row.fields.items()]
            scalars = [*fields, ("row.number", Kind("integer")), *fields]
        for _ in range(self.random.randint(1, most)):
            if self.chance(0.45):
                name, kind = self.random.choice(scalars)
                parts.append(self.place(name, kind))
            else:
                parts.append(self.word())
        return self.random.choice([" ", " ", "\n", ", "]).join(parts)

    def word(self) -> str:
        """A word of the flow's alphabet."""
        usual = WORDS["error"] if self.alphabet == "error" else WORDS["transliterate"]
        exotic = self.alphabet == "ucs2" and self.chance(0.3)
        return self.random.choice(WORDS["ucs2"] if exotic else usual)

    def place(self, name: str, kind: Kind) -> str:
        """A place with filters or without; few where a page has 70 characters."""
        narrow = self.alphabet == "ucs2"
        filters = [
            self.random.choice(FILTERS[kind.type])
            for _ in range(self.random.choice([0, 0, 0, 1] if narrow else [0, 0, 1, 1, 2]))
        ]
        # What a filter has made is text; only some filters take that.
        if len(filters) > 1:
            filters[1] = self.random.choice(("upper", "last4", "masked", "groups4", "reversed"))
        return "{" + "|".join((name, *filters)) + "}"

    def text(self, known: frozenset[str], most: int = 6, row: Kind | None = None) -> Data:
        """A text for all languages, or one for each."""
        if self.chance(0.4):
            return self.line(known, most, row)
        return {each: self.line(known, most, row) for each in self.languages}

    def label(self, number: str) -> Data:
        """An option's label, unlike its neighbours'."""
        if self.chance(0.5):
            return f"{self.word()} {number}"
        return {each: f"{self.word()} {number} {each}" for each in self.languages}

    def body(self, known: frozenset[str], most: int = 6) -> Data:
        """A screen's text: one, or parts."""
        if self.chance(0.6):
            return self.text(known, most)
        parts: list[Data] = [self.text(known, 3)]
        parts += [self._part(known) for _ in range(self.random.randint(1, 3))]
        self.random.shuffle(parts)
        return parts

    def _part(self, known: frozenset[str]) -> Data:
        when, gained = self.when(known) if self.chance(0.6) else (None, frozenset[str]())
        lists = self.rows(known | gained)
        rows, kind = self.random.choice(lists) if lists and self.chance(0.6) else ("", None)
        text = self.text(known | gained, 3, kind)
        part: Table = dict(text) if isinstance(text, dict) else {"text": text}
        if when is not None:
            part["when"] = when
        if kind is not None:
            part["rows"] = "{" + rows + "}"
        if len(part) == 1 and "text" in part:
            return part["text"]
        return part

    # Conditions.

    def when(self, known: frozenset[str]) -> tuple[Data, frozenset[str]]:
        """Conditions, and what surely has a value where they hold."""
        conditions: list[Data] = []
        gained: frozenset[str] = frozenset()
        for _ in range(self.random.choice([1, 1, 1, 2])):
            condition, more = self.condition(known | gained)
            conditions.append(condition)
            gained |= more
        if len(conditions) == 1 and self.chance(0.7):
            return conditions[0], gained
        return conditions, gained

    def condition(self, known: frozenset[str]) -> tuple[str, frozenset[str]]:
        """One condition, and what it proves set."""
        names = [name for name, kind in self.variables.items() if kind.type != "row"]
        names += [f"{each}.{name}" for each, fields in self.records.items() for name in fields]
        places = [(name, each) for name, each in self.places(known) if each.scalar]
        if (self.chance(0.35) and names) or not places:
            if not names:
                return "{msisdn} is set", frozenset()
            name = self.random.choice(names)
            if self.chance(0.7):
                return "{" + name + "} is set", frozenset({name})
            return "{" + name + "} is not set", frozenset()
        return self._compared(*self.random.choice(places), places), frozenset()

    def _compared(self, name: str, kind: Kind, places: list[tuple[str, Kind]]) -> str:
        left = "{" + name + "}"
        ordered = kind.type in NUMBERS or kind.type == "date"
        operator = self.random.choice((*ORDERS, *EQUALITIES) if ordered else EQUALITIES)
        wanted = NUMBERS if kind.type in NUMBERS else {kind.type}
        alike = [other for other, each in places if each.type in wanted]
        if self.chance(0.3) and kind.type in {"text", "digits", "integer"} and not kind.sensitive:
            flt = self.random.choice(("last4", "upper", "masked"))
            return "{" + name + "|" + flt + "} " + f"{self.random.choice(EQUALITIES)} 1234"
        if self.chance(0.3):
            return f"{left} {operator} " + "{" + self.random.choice(alike) + "}"
        return f"{left} {operator} {self.literal(kind)}"

    def literal(self, kind: Kind) -> str:
        """A value to compare with."""
        match kind.type:
            case "integer":
                return self.random.choice(["5", "-200", "3000", "0"])
            case "decimal":
                return self.random.choice(["5", "-200.5", "3000", "0.25"])
            case "date":
                return self.random.choice(["2026-01-31", "2000-02-29"])
            case "boolean":
                return self.random.choice(["true", "false"])
            case "choice":
                values = kind.declared.get("values", ["small"])
                return self.random.choice([str(each) for each in values])
            case _:
                return self.random.choice(["1234", "abc", '"a b"', "88888888"])
