"""Places in texts: filters that can show every value, and lists that are shown row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ussd_app.flow.assigned import Use, value_uses
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.checks.variables import all_uses
from ussd_app.flow.diagnostics import Diagnostic, Position
from ussd_app.flow.model import VISIBLE, CallState, Listing, SetState, Shape, State, Type
from ussd_app.flow.names import LABEL, single, through
from ussd_app.render.texts import Place

_WHOLE = frozenset({Type.ROW, Type.ROWS})


def wholes(subject: Subject) -> Iterator[Diagnostic]:
    """A list, or a result with fields, where a text needs one value (wrong-type)."""
    for state, use in _text_uses(subject):
        shape = _shape(subject, use)
        if shape is None or shape.type not in _WHOLE or _passed_on(state, use):
            continue
        name = word(use.place.path)
        if shape.type is Type.ROWS:
            sentence = f'"{name}" is a list: show its rows with "rows:"'
        else:
            sentence = f'"{name}" is a whole result: name one of its fields'
        yield Diagnostic(subject.at(use), "wrong-type", sentence)


def _text_uses(subject: Subject) -> Iterator[tuple[State | None, Use]]:
    yield from ((state, use) for state, use in all_uses(subject) if use.text is not None)
    for entry in subject.flow.on_drop:
        yield from ((None, use) for use in value_uses(entry.text))


def _shape(subject: Subject, use: Use) -> Shape | None:
    return subject.names.of_place(use.place, _row(subject, use))


def _row(subject: Subject, use: Use) -> Mapping[str, Shape] | None:
    return subject.names.row_fields(use.row) if use.row is not None else None


def _passed_on(state: State | None, use: Use) -> bool:
    """Whether a place is all of a value that is stored or given to a back-end, as it is."""
    if not isinstance(state, SetState | CallState) or use.text is None or use.place.filters:
        return False
    return single(use.text.by_language[use.language]) is not None


def rows(subject: Subject) -> Iterator[Diagnostic]:
    """`rows:` that names no list (wrong-type)."""
    for state in subject.flow.states.values():
        for place, at in row_places(state):
            shape = subject.names.of_place(place)
            if shape is None:
                continue
            name = word(place.path)
            if shape.type is not Type.ROWS:
                sentence = f'"rows:" needs a list; "{name}" is {shape.type}'
                yield Diagnostic(subject.at(Use(place, at)), "wrong-type", sentence)
            elif place.filters:
                sentence = f'"{name}" is a list, and a list takes no filters'
                yield Diagnostic(subject.at(Use(place, at)), "wrong-type", sentence)


def row_places(state: State) -> Iterator[tuple[Place, Position]]:
    """The lists whose rows a state shows, and where it names them."""
    if isinstance(state, VISIBLE):
        for part in state.body.parts:
            if part.rows is not None:
                yield part.rows, part.rows_at or part.text.at
    if isinstance(state, Listing):
        yield state.rows, state.rows_at or state.at


def filters(subject: Subject) -> Iterator[Diagnostic]:
    """A filter that cannot show every value of its place (wrong-type)."""
    known = subject.flow.filters
    failing: dict[tuple[str, Place | None, tuple[str, ...]], str] = {}
    drops = ((None, use) for entry in subject.flow.on_drop for use in value_uses(entry.text))
    for _, use in (*all_uses(subject), *drops):
        place = use.place
        if not place.filters or any(name not in known for name in place.filters):
            continue
        key = (place.path, use.row, place.filters)
        if key not in failing:
            failing[key] = _failing(subject, use)
        if failing[key]:
            yield Diagnostic(subject.at(use), "wrong-type", failing[key])


def _failing(subject: Subject, use: Use) -> str:
    """What is wrong with a place's filters, "" if nothing."""
    shape, place = _shape(subject, use), use.place
    if shape is None or shape.type in _WHOLE:
        return ""
    language = use.language or subject.flow.languages[0]
    _, failing = through(shape, place.filters, language, subject.flow.filters)
    if not failing:
        return ""
    name = place.filters[failing - 1]
    before = place.filters[failing - 2] if failing > 1 else ""
    if before and not before.startswith(LABEL):
        return f'filter "{name}" cannot show all that "{before}" makes'
    return f'filter "{name}" takes no {shape.type}; "{word(place.path)}" is one'
