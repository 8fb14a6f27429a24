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

    `budgets` are those of the gateways it will be shown through; `sources` the texts of its files.
    """

    flow: Flow
    names: Names
    assigned: Assigned
    rules: Mapping[str, Callable[[str], bool]]
    budgets: tuple[Budget, ...]
    sources: Mapping[str, str]
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

    def _condition(self, place: Place, at: Position) -> Position:
        """Where a place of a condition stands; it keeps no offset of its own."""
        written = word(place.path)
        return self.words("{" + "|".join((written, *place.filters)) + "}", at)


def word(name: str) -> str:
    """A name as its author wrote it: linking puts the caller's before those of a sub-flow."""
    return name.rstrip("/").rpartition("/")[2]


#: A check reads the subject and yields what is wrong; it changes nothing and never stops the next.
Check = Callable[[Subject], Iterator[Diagnostic]]
