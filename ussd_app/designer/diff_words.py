"""A difference between two versions of a flow, and the words it is told in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ussd_app.designer import wording
from ussd_app.designer.diff_match import Match
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Body, Flow, Text

_SHOWN_MAX = 160


class Kind(StrEnum):
    """What a difference is about; the order is that in which differences are told."""

    DIALLING = "dialling"
    FLOW = "flow"
    STATES = "states"
    OPTIONS = "options"
    TEXTS = "texts"
    LENGTHS = "lengths"
    WAYS = "ways"
    VALUES = "values"
    UNSEEN = "unseen"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changes; `at` is where the new flow says it, or the old one what is gone.

    `state` is the state it is about, "" where it is about none.
    """

    kind: Kind
    state: str
    sentence: str
    at: Position | None


def quoted(text: str) -> str:
    """A text as a sentence shows it: one line, cut where it is long."""
    line = text.replace("\n", "\\n")
    return f"'{line}'" if len(line) <= _SHOWN_MAX else f"'{line[:_SHOWN_MAX]}...'"


def changed(what: str, before: object, after: object) -> str:
    """`what` was one thing and is another."""
    return f"{what} was {before}, is {after}"


def common(old: Flow, new: Flow) -> list[str]:
    """The languages that both have, in the order of the new."""
    return [language for language in new.languages if language in old.languages]


def texts(
    what: str, before: Text, after: Text, languages: list[str], match: Match
) -> Iterator[tuple[str, Position]]:
    """Where a text differs, per language: (sentence, where)."""
    for language in languages:
        old, new = before.by_language[language], after.by_language[language]
        if match.was(old) != match.now(new):
            sentence = changed(f"{what} in {language}", quoted(old.source), quoted(new.source))
            yield sentence, after.places.get(language, after.at)


def bodies(
    what: str, before: Body, after: Body, languages: list[str], match: Match
) -> Iterator[tuple[str, Position]]:
    """Where the text of a screen differs, per language, its parts one under the other."""
    if len(before.parts) == len(after.parts) == 1 and _bare(before) and _bare(after):
        yield from texts(what, before.parts[0].text, after.parts[0].text, languages, match)
        return
    for language in languages:
        if _parts(before, language, match.was) != _parts(after, language, match.now):
            old, new = _source(before, language), _source(after, language)
            yield changed(f"{what} in {language}", quoted(old), quoted(new)), after.at


def _bare(body: Body) -> bool:
    return not body.parts[0].when and body.parts[0].rows is None


def _parts(body: Body, language: str, form: Callable[[object], Hashable]) -> list[Hashable]:
    return [
        (form(part.text.by_language[language]), form(part.when), form(part.rows))
        for part in body.parts
    ]


def _source(body: Body, language: str) -> str:
    lines = []
    for part in body.parts:
        line = part.text.by_language[language].source
        if part.rows is not None:
            line = f"[each of {wording.place(part.rows)}] {line}"
        if part.when:
            line = f"[if {wording.conditions(part.when)}] {line}"
        lines.append(line)
    return "\n".join(lines)
