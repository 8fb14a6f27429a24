"""The widest values of a flow, for laying out screens that no phone's can exceed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ussd_app.flow import layouts
from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.model import Shape, Text, When
from ussd_app.flow.names import LABEL
from ussd_app.render.texts import Place


class Widest:
    """The widest values in every place (`layouts.Values`): nothing a phone gets is wider."""

    def __init__(self, subject: Subject, language: str) -> None:
        self._flow = subject.flow
        self._names = subject.names
        self._language = language
        self._texts: dict[int, str] = {}
        self._places: dict[tuple[str, tuple[str, ...]], str] = {}

    def text(self, text: Text, row: layouts.Row | None = None) -> str:
        """See `layouts.Values.text`; the rows of `rows` hold the shapes of their fields."""
        # A text belongs to one part or row: its rows have the same fields every time.
        known = self._texts.get(id(text))
        if known is None:
            template = text.by_language[self._language]
            known = "".join(
                part if isinstance(part, str) else self.place(part, row) for part in template.parts
            )
            self._texts[id(text)] = known
        return known

    def place(self, place: Place, row: layouts.Row | None = None) -> str:
        """The widest that a place can become."""
        if place.name == "row":
            return self._names.widest_place(
                place, self._language, cast("Mapping[str, Shape] | None", row)
            )
        key = (place.path, place.filters)
        if key not in self._places:
            self._places[key] = self._names.widest_place(place, self._language)
        return self._places[key]

    def rows(self, place: Place) -> Sequence[layouts.Row]:
        """See `layouts.Values.rows`."""
        shape = self._names.of_place(place)
        return [] if shape is None else [dict(shape.fields)] * shape.rows_max

    def holds(self, when: When) -> bool:
        """See `layouts.Values.holds`: what may be shown is."""
        return True

    def system(self, name: str) -> str:
        """See `layouts.Values.system`."""
        return self._flow.system[name].by_language[self._language].render({}, self._language, {})

    def choices(self, name: str) -> Sequence[str]:
        """See `layouts.Values.choices`."""
        label = self._flow.filters.get(LABEL + name)
        values = self._flow.variables[name].shape.choices
        return [label(each, self._language) if label else each for each in values]

    def resumable(self) -> bool:
        """See `layouts.Values.resumable`."""
        return True
