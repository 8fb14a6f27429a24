"""Texts with places for values, `{name.field|filter}`, and messages by name and language.

A text is logic-less: names, fields and filters, nothing else; no index, no attribute, no width. A
doubled brace stands for itself. Filters are plain functions `(value, language) -> str`; the
application registers its own beside these.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

Filter = Callable[[object, str], str]

log = logging.getLogger("cassou.texts")

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?(\|[a-z][a-z0-9_]*)*\Z")


#: Literals that are numbers and dates.
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?\Z")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class BadText(ValueError):  # noqa: N818  # names the thing, as the diagnostics do
    """A text whose places cannot be read: `length` characters at `offset`, from 0."""

    def __init__(self, message: str, offset: int, length: int = 1) -> None:
        super().__init__(message)
        self.offset = offset
        self.length = length


@dataclass(frozen=True, slots=True)
class Place:
    """One `{name.field|filter…}` and where it stands in its text, from 0, how long."""

    name: str
    field: str | None
    filters: tuple[str, ...]
    offset: int
    length: int = 0

    @property
    def path(self) -> str:
        """`name` or `name.field`."""
        return self.name if self.field is None else f"{self.name}.{self.field}"


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: literal pieces and places, in order."""

    source: str
    parts: tuple[str | Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """The places for values, in order."""
        return tuple(part for part in self.parts if isinstance(part, Place))

    def render(
        self, values: Mapping[str, object], language: str, filters: Mapping[str, Filter]
    ) -> str:
        """The text with its values; raises KeyError for a value that is not there."""
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        return "".join(
            part if isinstance(part, str) else _shown(part, values, language, filters)
            for part in self.parts
        )


def _shown(
    place: Place, values: Mapping[str, object], language: str, filters: Mapping[str, Filter]
) -> str:
    value = look_up(place, values)
    for name in place.filters:
        try:
            value = filters[name](value, language)
        except Exception as error:  # noqa: BLE001  # an application's: it must not end a dialog
            log.warning("filter %s: %s", name, type(error).__name__)
            break
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def look_up(place: Place, values: Mapping[str, object]) -> object:
    """The value a place names; raises KeyError with the whole name."""
    value = values.get(place.name)
    if place.field is not None and isinstance(value, Mapping):
        value = value.get(place.field)
    if value is None or (place.field is None and isinstance(value, Mapping)):
        raise KeyError(place.name if place.field is None else f"{place.name}.{place.field}")
    return value


def parse(source: str) -> Template:
    """`source` as a template; raises `BadText`."""
    parts: list[str | Place] = []
    literal = ""
    end = 0
    for match in _PLACE.finditer(source):
        literal += source[end : match.start()]
        end = match.end()
        found = match.group()
        if found in {"{{", "}}"}:
            literal += found[0]
        elif match.group(1) is None:
            raise BadText(f'a lone "{found}"; write it twice if it is meant', match.start())
        else:
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(_place(match.group(1), match.start()))
    literal += source[end:]
    if literal or not parts:
        parts.append(literal)
    return Template(source, tuple(parts))


def _place(inner: str, offset: int) -> Place:
    if not _NAME.match(inner):
        raise BadText(
            f'"{{{inner}}}" is not a name, a field and filters: {{name.field|filter}}',
            offset,
            len(inner) + 2,
        )
    path, *filters = inner.split("|")
    name, _, field = path.partition(".")
    return Place(name, field or None, tuple(filters), offset, len(inner) + 2)


def _money(value: object, language: str) -> str:
    digits = f"{int(str(value)):,}".replace(",", " " if language == "fr" else ",")
    return f"{digits} F"


def _masked(value: object, _language: str) -> str:
    return " ".join(word[0] + "*" * max(len(word) - 1, 2) for word in str(value).split())


def _groups4(value: object, _language: str) -> str:
    text = str(value)
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def _date(value: object, language: str) -> str:
    """An RFC 3339 instant or date as day, month and year."""
    year, month, day = str(value)[:10].split("-")
    return f"{day}/{month}/{year}" if language == "fr" else f"{year}-{month}-{day}"


#: Filters that are not about anything in particular. XOF has no minor unit: amounts are francs.
FILTERS: Mapping[str, Filter] = {
    "money": _money,
    "masked": _masked,
    "groups4": _groups4,
    "last4": lambda value, _language: str(value)[-4:],
    "upper": lambda value, _language: str(value).upper(),
    "date": _date,
}


class Messages:
    """Messages by name and language, as in `sms.yaml`: name → language → text."""

    def __init__(
        self,
        texts: Mapping[str, Mapping[str, str]],
        default_language: str,
        filters: Mapping[str, Filter],
    ) -> None:
        self._texts = {
            name: {language: parse(text) for language, text in by_language.items()}
            for name, by_language in texts.items()
        }
        self._default = default_language
        self._filters = filters

    @classmethod
    def load(cls, path: Path, filters: Mapping[str, Filter] | None = None) -> Messages:
        """The messages of one YAML file, every scalar as text; raises ValueError, OSError."""
        # BaseLoader makes text of every scalar and no object of anything.
        try:
            data = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  # see above
            return cls(data["messages"], data["default_language"], {**FILTERS, **(filters or {})})
        except (KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
            raise ValueError(f"{path}: not a file of messages: {error}") from None

    def names(self) -> frozenset[str]:
        """The names of all messages."""
        return frozenset(self._texts)

    def text(self, name: str, language: str, values: Mapping[str, object] | None = None) -> str:
        """The message in `language`, or in the default one; raises KeyError for an unknown name."""
        by_language = self._texts[name]
        template = by_language.get(language) or by_language[self._default]
        return template.render(values or {}, language, self._filters)
