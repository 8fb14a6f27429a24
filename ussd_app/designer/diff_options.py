"""What changes in numbered answers: options that moved, came, went, or lead elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ussd_app.designer import wording
from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_words import Difference, Kind, changed, quoted, texts
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Option, Shape


@dataclass(frozen=True, slots=True)
class Numbered:
    """One answer on a screen: the key that gives it where nothing is hidden, and its label."""

    key: str
    label: str
    at: Position


def numbered(options: tuple[Option, ...], language: str, before: str = "") -> list[Numbered]:
    """Options with their keys; `before` stands for the rows that are numbered before them."""
    found = []
    number = 0
    for option in options:
        number += not option.key
        key = option.key or f"{before}{number}"
        found.append(Numbered(key, option.label.by_language[language].source, option.at))
    return found


def moved(
    state: str, old: Sequence[Numbered], new: Sequence[Numbered], pairs: Mapping[int, int]
) -> Iterator[Difference]:
    """What each key gives now; `pairs` are the places of the same answer, from 0."""
    by_key = {each.key: place for place, each in enumerate(new)}
    for place, was in enumerate(old):
        there = by_key.get(was.key)
        if place in pairs and there == pairs[place]:
            continue
        sentence = f"in `{state}`, {was.key} was {quoted(was.label)}, "
        at = was.at
        if there is not None:
            sentence += f"now is {quoted(new[there].label)}"
            at = new[there].at
        elif place in pairs:
            sentence += f"which is {new[pairs[place]].key} now; {was.key} is nothing"
            at = new[pairs[place]].at
        else:
            sentence += "which is gone; that key is nothing now"
        yield Difference(Kind.OPTIONS, state, sentence, at)
        if there is not None and place not in pairs:
            sentence = f"in `{state}`, {quoted(was.label)} is gone"
            yield Difference(Kind.OPTIONS, state, sentence, was.at)
    known = set(pairs.values())
    for place, each in enumerate(new):
        if place not in known:
            sentence = f"in `{state}`, {quoted(each.label)} is new, under {each.key}"
            yield Difference(Kind.OPTIONS, state, sentence, each.at)


def options(
    state: str,
    old: tuple[Option, ...],
    new: tuple[Option, ...],
    languages: list[str],
    match: Match,
    before: str = "",
) -> Iterator[Difference]:
    """Everything that changes in the options of one screen."""
    pairs = _pairs(old, new, languages, match)
    if languages:
        first = languages[0]
        shown = numbered(old, first, before), numbered(new, first, before)
        yield from moved(state, *shown, pairs)
    for place, other in pairs.items():
        yield from _option(state, old[place], new[other], languages, match)


def _pairs(
    old: tuple[Option, ...], new: tuple[Option, ...], languages: list[str], match: Match
) -> dict[int, int]:
    """The places of the same option: by all of it, by its label, by where it leads."""
    found: dict[int, int] = {}
    alikes: tuple[Callable[[Option, Option], bool], ...] = (
        lambda was, is_now: match.was(was) == match.now(is_now),
        lambda was, is_now: _named_alike(was, is_now, languages, match),
        lambda was, is_now: _leading_alike(was, is_now, match),
    )
    for alike in alikes:
        for place, was in enumerate(old):
            if place in found:
                continue
            left = (each for each in range(len(new)) if each not in found.values())
            there = next((e for e in left if alike(was, new[e])), None)
            if there is not None:
                found[place] = there
    return dict(sorted(found.items()))


def _named_alike(old: Option, new: Option, languages: list[str], match: Match) -> bool:
    was, is_now = old.label.by_language, new.label.by_language
    return any(match.was(was[language]) == match.now(is_now[language]) for language in languages)


def _leading_alike(old: Option, new: Option, match: Match) -> bool:
    same_way = match.state(old.next) == new.next and old.resume == new.resume
    return same_way and old.language == new.language


def _option(
    state: str, old: Option, new: Option, languages: list[str], match: Match
) -> Iterator[Difference]:
    label = quoted(new.label.by_language[languages[0]].source) if languages else "an option"
    what = f"in `{state}`, {label}"
    if not old.resume and not new.resume and match.state(old.next) != new.next:
        sentence = f"{what} led to `{old.next}`, leads to `{new.next}`"
        yield Difference(Kind.WAYS, state, sentence, new.next_at)
    for sentence, at in texts(f"in `{state}`, an option", old.label, new.label, languages, match):
        yield Difference(Kind.TEXTS, state, sentence, at)
    if match.was(old.when) != match.now(new.when):
        before, after = wording.conditions(old.when), wording.conditions(new.when)
        sentence = f"{what} was shown if {before}, is shown if {after}"
        yield Difference(Kind.OPTIONS, state, sentence, new.at)
    if old.resume != new.resume:
        leads = "leads to where the client was" if new.resume else "is an option as any other now"
        yield Difference(Kind.WAYS, state, f"{what} {leads}", new.at)
    if old.language != new.language:
        sentence = changed(f"{what} as to the language", _switch(old), _switch(new))
        yield Difference(Kind.OPTIONS, state, sentence, new.at)


def _switch(option: Option) -> str:
    return {None: "no change", "toggle": "the next one"}.get(option.language, str(option.language))


def choices(
    state: str, old: Shape, new: Shape, language: str, at: Position
) -> Iterator[Difference]:
    """What changes in the numbers of a choice's values."""
    values = list(new.choices)
    pairs = {
        place: values.index(value) for place, value in enumerate(old.choices) if value in values
    }
    yield from moved(state, _values(old, language, at), _values(new, language, at), pairs)


def _values(shape: Shape, language: str, at: Position) -> list[Numbered]:
    found = []
    for number, (value, label) in enumerate(shape.choices.items(), 1):
        shown = label.by_language[language].source if label is not None else value
        found.append(Numbered(str(number), shown, at))
    return found
