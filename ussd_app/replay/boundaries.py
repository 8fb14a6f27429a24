"""What is worth typing at a screen that asks for a value: the bounds of its type, and beyond. Pure.

A bound has a name, which is the same whoever typed it and however: `measure` says what two texts
have in common that lie at the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ussd_app.designer import samples
from ussd_app.flow.declarations import ROWS_MAX
from ussd_app.flow.model import Check, Flow, Input, Listing, Menu, Shape, Type
from ussd_app.flow.values import Refused, day, plain, value_of
from ussd_app.replay.coverage import Kind, Point

#: What stands for a text that is refused because of its own input's `check`.
CHECKED = "a value that its check refuses"
NO_OPTION = "no such option"
_LONGEST_NUMBER = "9" * 15
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Boundary:
    """One bound: its name, and texts that lie at it, the likeliest to be accepted first."""

    name: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A screen that asks for a value: the variable it goes into, and what it is checked by."""

    save: str
    checks: tuple[Check, ...]


def asked(state: object) -> Asked | None:
    """What a state asks for, if it asks for a value."""
    if isinstance(state, Input):
        return Asked(state.save, state.checks)
    if isinstance(state, Menu) and state.otherwise is not None:
        return Asked(state.otherwise.save, state.otherwise.checks)
    return None


def boundaries(flow: Flow, state: object, today: date) -> tuple[Boundary, ...]:
    """The bounds of what a state asks for; last is what is not of the type at all.

    A text that is one of the keys which work everywhere never gets to an input, nor one that is an
    option's.
    """
    wanted = asked(state)
    if wanted is None:
        return ()
    shape = flow.variables[wanted.save].shape
    taken = {flow.keys.back, flow.keys.home, flow.keys.more}
    if isinstance(state, Menu):
        taken |= option_keys(state)
    found = []
    for each in _bounds(shape, today):
        texts = tuple(text for text in each.texts if text not in taken)
        if texts:
            found.append(Boundary(each.name, texts))
    return tuple(found)


def option_keys(state: Menu | Listing) -> set[str]:
    """Every key that an option may have, or a row of a list, of which there may be many."""
    count = len(state.options) + (ROWS_MAX if isinstance(state, Listing) else 0)
    return {
        *(str(number) for number in range(1, count + 1)),
        *(option.key for option in state.options if option.key),
    }


def no_option(flow: Flow, state: Menu | Listing) -> str:
    """What is none of a state's options, and no key."""
    taken = option_keys(state) | {flow.keys.back, flow.keys.home, flow.keys.more}
    return next(each for each in ("9", "99", "999", "998", "997") if each not in taken)


def wanted_inputs(flow: Flow, states: Iterator[str], today: date) -> tuple[Point, ...]:
    """Every bound of every state, as points."""
    found = []
    for name in states:
        state = flow.states[name]
        words = [each.name for each in boundaries(flow, state, today)]
        wanted = asked(state)
        if wanted is not None and wanted.checks:
            words.append(CHECKED)
        elif wanted is None and isinstance(state, Menu | Listing):
            words.append(NO_OPTION)
        found += [Point(Kind.INPUT, name, word) for word in words]
    return tuple(found)


def measure(shape: Shape, typed: str, languages: tuple[str, ...], today: date) -> object:
    """What makes a typed text the same as another as to bounds; None for one not of the type."""
    match shape.type:
        case Type.DIGITS | Type.PIN:
            bare = typed.replace(" ", "").replace("-", "")
            return len(bare) if bare.isascii() and bare.isdigit() else None
        case Type.TEXT:
            return len(typed)
        case Type.INTEGER | Type.DECIMAL:
            wide = replace(shape, type=Type.DECIMAL, low=f"-{_LONGEST_NUMBER}", high=None, places=9)
            return value_in(wide, typed, languages, today)
        case Type.DATE:
            return value_in(replace(shape, low=None, high=None), typed, languages, today)
        case Type.MSISDN:
            return value_in(shape, typed, languages, today) is not None or None
        case _:
            return value_in(shape, typed, languages, today)


def value_in(shape: Shape, typed: str, languages: tuple[str, ...], today: date) -> str | int | None:
    """The value of a typed text in any of the languages, None where it has none."""
    for language in languages:
        try:
            return value_of(shape, typed, today, language)
        except Refused:
            continue
    return None


def _bounds(shape: Shape, today: date) -> Iterator[Boundary]:
    match shape.type:
        case Type.DIGITS | Type.PIN:
            for count in _lengths(shape.lengths or (1, 20)):
                digits = samples.samples_of(replace(shape, lengths=(count,)))
                yield Boundary(f"{count} digits", tuple(map(str, digits)))
            yield Boundary("no digits", ("abc",))
        case Type.TEXT:
            for count in _lengths(shape.lengths):
                yield Boundary(f"{count} characters", tuple(_texts(count)))
        case Type.INTEGER | Type.DECIMAL:
            yield from _numbers(shape)
            yield Boundary("no number", ("abc",))
        case Type.DATE:
            yield from _dates(shape, today)
            yield Boundary("no date", ("abc",))
        case Type.CHOICE:
            for number, value in enumerate(shape.choices, 1):
                yield Boundary(f"the choice {value}", (str(number),))
            yield Boundary("no choice", (str(len(shape.choices) + 1),))
        case Type.MSISDN:
            texts = (samples.typed(shape, each) for each in samples.samples_of(shape))
            yield Boundary("a phone number", tuple(texts))
            yield Boundary("no phone number", ("123",))


def _lengths(lengths: tuple[int, ...]) -> list[int]:
    """The least and the most, then one less and one more; nobody types nothing."""
    least, most = min(lengths), max(lengths)
    wanted = (least, most, least - 1, most + 1)
    return [count for count in dict.fromkeys(wanted) if count > 0]


def _texts(count: int) -> Iterator[str]:
    """Texts of a length: a word, and codes of a letter and digits with every last digit."""
    yield (_LETTERS * (count // len(_LETTERS) + 1))[:count]
    code = ("A" + "1234567890" * (count // 10 + 1))[: count - 1]
    for last in "0123456789":
        yield code + last


def _numbers(shape: Shape) -> Iterator[Boundary]:
    low = Decimal(shape.low if shape.low is not None else 0)
    step = Decimal(1).scaleb(-shape.places)
    yield Boundary("the lowest", (plain(low),))
    if shape.high is not None:
        yield Boundary("the highest", (plain(Decimal(shape.high)),))
        yield Boundary("above the highest", (plain(Decimal(shape.high) + step),))
    yield Boundary("below the lowest", (plain(low - step),))
    yield Boundary("one decimal too many", (plain(low + step + step / 10),))


def _dates(shape: Shape, today: date) -> Iterator[Boundary]:
    one = timedelta(days=1)
    named: dict[str, date] = {}
    if shape.low is not None:
        named["the first day"] = day(shape.low, today)
        named["before the first day"] = named["the first day"] - one
    if shape.high is not None:
        named["the last day"] = day(shape.high, today)
        named["after the last day"] = named["the last day"] + one
    for name, each in (named or {"today": today}).items():
        yield Boundary(name, (each.strftime("%d%m%Y"),))
