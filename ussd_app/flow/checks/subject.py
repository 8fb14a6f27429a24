"""What a check looks at, and how it points at what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ussd_app.flow.assigned import Assigned, Use
from ussd_app.flow.diagnostics import Diagnostic, Position
from ussd_app.flow.model import Flow
from ussd_app.flow.names import Names
from ussd_app.flow.reader import lines_of, place_at
from ussd_app.messages import Budget
from ussd_app.render.texts import Place


@dataclass(frozen=True, slots=True)
class Subject:
    """A linked flow, what is known of its names, and what it is checked against.

    `budgets` are those of the gateways it will be shown through; `sources` the texts of its files;
    `unread` by file the names that something unread there may set, "*" where it may set any.
    """

    flow: Flow
    names: Names
    assigned: Assigned
    rules: Mapping[str, Callable[[str], bool]]
    budgets: tuple[Budget, ...]
    sources: Mapping[str, str]
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def lines(self, file: str) -> list[str]:
        """The lines of one file."""
        if file not in self._lines:
            self._lines[file] = lines_of(self.sources.get(file, ""))
        return self._lines[file]

    def at(self, use: Use) -> Position:
        """Where a place is written, to the character."""
        return (
            self.place(use.place, use.at, use.text.by_language[use.language].source)
            if (use.text is not None)
            else self._condition(use.place, use.at)
        )

    def place(self, place: Place, scalar: Position, source: str) -> Position:
        """Where a place of a text stands."""
        return place_at(self.lines(scalar.file), scalar, source, place.offset, place.length)

    def words(self, words: str, scalar: Position) -> Position:
        """Where words stand in a scalar; the scalar itself where they cannot be found."""
        return place_at(self.lines(scalar.file), scalar, words, 0, len(words))

    def may_be_set(self, name: str, at: Position) -> bool:
        """Whether something that could not be read may set a name used there."""
        return bool({word(name), "*"} & self.unread.get(at.file, frozenset()))

    def _condition(self, place: Place, at: Position) -> Position:
        """Where a place of a condition stands; it keeps no offset of its own."""
        written = word(place.path)
        return self.words("{" + "|".join((written, *place.filters)) + "}", at)


def word(name: str) -> str:
    """A name as its author wrote it: linking puts the caller's before those of a sub-flow."""
    return name.rstrip("/").rpartition("/")[2]


#: Names of which it is said what may have been meant; looking for it takes its time.
HINTS_MAX = 50


@dataclass(slots=True)
class _Missing:
    """A name that stands for nothing: its sentence and where it is used."""

    check: str
    sentence: str
    hint: Callable[[], str]
    places: set[Position] = field(default_factory=set)


class Missing:
    """Names that stand for nothing, each told once, at the first place that uses it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], _Missing] = {}

    def problem(
        self, at: Position, check: str, sentence: str, name: str, hint: Callable[[], str]
    ) -> None:
        """Note one use; `hint` says what may have been meant."""
        key = (at.file, check, name)
        found = self._found.get(key)
        if found is None or at < min(found.places):
            places = found.places if found is not None else set()
            found = self._found[key] = _Missing(check, sentence, hint, places)
        found.places.add(at)

    def told(self) -> Iterator[Diagnostic]:
        """One problem a name."""
        for number, found in enumerate(self._found.values()):
            more = len(found.places) - 1
            sentence = found.sentence
            if more:
                sentence += f", here and in {more} more place{'s' if more > 1 else ''}"
            if number < HINTS_MAX:
                sentence += found.hint()
            yield Diagnostic(min(found.places), found.check, sentence)


#: A check reads the subject and yields what is wrong; it changes nothing and never stops the next.
Check = Callable[[Subject], Iterator[Diagnostic]]
