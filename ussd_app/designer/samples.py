"""What stands in the places of a flow's texts where no client is: plausible values, or the widest.

Both are `layouts.Values`, so a screen on paper is put together by the function that phones get
theirs from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import cast

import phonenumbers

from ussd_app.effects import Value
from ussd_app.flow import conditions, layouts
from ussd_app.flow.model import Check, Flow, Operator, Shape, Text, Type, When
from ussd_app.flow.names import BUILT_IN, Names, filtered, witnesses
from ussd_app.flow.values import day, fits, longest, stored, width
from ussd_app.render.texts import Place
from ussd_app.screens import Shown
from ussd_app.session import Session

#: The day that samples are of: the checker's.
DAY = date(2026, 12, 28)
#: The subscriber of samples.
MSISDN = "+22670123456"
_NUMBERS = ("10", "5", "2", "1", "0.5", "20", "50", "100", "500", "1000", "5000", "10000", "0")
_TEXTS = ("Awa Ouedraogo", "Awa", "Ouagadougou secteur 12", "awa@example.org", "12345", "A")
_BIRTHDAY = date(1990, 6, 15)


def sample_of(shape: Shape, today: date = DAY) -> object:
    """A plausible value of a shape, in its stored form; `today` is what bounds of dates count from.

    Where there is nothing plausible between its bounds it is the lowest, or the longest.
    """
    return next(samples_of(shape, today))


def samples_of(shape: Shape, today: date = DAY) -> Iterator[object]:
    """Plausible values of a shape, the best first: one at least."""
    match shape.type:
        case Type.BOOLEAN:
            yield True
        case Type.ROW:
            yield _row(shape, today)
        case Type.ROWS:
            yield (_row(shape, today),) if shape.rows_max else ()
        case Type.CHOICE:
            yield from shape.choices
        case Type.MSISDN:
            yield _phone(shape.country)
        case Type.DATE:
            yield from _dates(shape, today)
        case Type.DIGITS | Type.PIN:
            yield from _digits(shape)
        case Type.TEXT:
            yield from (text for text in _TEXTS if fits(shape, text) and _long_enough(shape, text))
            yield longest(shape)
        case _:
            yield from _numbers(shape)


def _row(shape: Shape, today: date) -> dict[str, object]:
    return {name: sample_of(field, today) for name, field in shape.fields.items()}


def _long_enough(shape: Shape, text: str) -> bool:
    return bool(shape.longest) or len(text) >= shape.lengths[0]


def _dates(shape: Shape, today: date) -> Iterator[str]:
    bounds = (day(bound, today) for bound in (shape.low, shape.high) if bound is not None)
    for each in (today, _BIRTHDAY, *bounds):
        if fits(shape, each.isoformat(), today):
            yield each.isoformat()
    yield today.isoformat()


def _numbers(shape: Shape) -> Iterator[object]:
    bounds = (bound for bound in (shape.low, shape.high) if bound is not None)
    for each in (*_NUMBERS, *bounds, longest(shape)):
        if fits(shape, each):
            yield stored(shape, each)
    yield stored(shape, longest(shape))


def _digits(shape: Shape) -> Iterator[str]:
    """Every last digit: one of them is the right check digit, whatever rule makes it."""
    for length in shape.lengths or (len(shape.longest) or 8,):
        first = ("1234567890" * (length // 10 + 1))[: length - 1]
        usual = str(length % 10)
        for last in (usual, *(each for each in "0123456789" if each != usual)):
            yield first + last


def _phone(country: str) -> str:
    if country == "BF":
        return MSISDN
    kind = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(country, kind)
    if example is None:
        return MSISDN
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


def typed(shape: Shape, value: object) -> str:
    """What a client types so that an input stores `value`."""
    match shape.type:
        case Type.DATE:
            return date.fromisoformat(str(value)).strftime("%d%m%Y")
        case Type.CHOICE:
            return str(list(shape.choices).index(str(value)) + 1)
        case Type.MSISDN:
            # A plus cannot be dialled within a dial string.
            return phonenumbers.national_significant_number(phonenumbers.parse(str(value)))
    return str(value)


def accepted(
    flow: Flow, save: str, checks: tuple[Check, ...], named: Mapping[str, object]
) -> object:
    """A plausible value that an input into a variable accepts.

    It is what a back-end's sample calls by the same name, if that will do; `named` are the other
    values there are. Where nothing passes the checks, it is a value of the right type.
    """
    shape = flow.variables[save].shape
    found = [*_from_catalogue(flow, save, shape), *samples_of(shape)]
    return next((value for value in found if _passes(flow, save, checks, value, named)), found[0])


def _from_catalogue(flow: Flow, name: str, shape: Shape) -> Iterator[object]:
    for backend in flow.backends.values():
        for outcome in backend.outcomes.values():
            value = outcome.sample.get(name)
            if value is not None and fits(shape, value, DAY):
                yield stored(shape, value)


def _passes(
    flow: Flow,
    save: str,
    checks: tuple[Check, ...],
    value: object,
    named: Mapping[str, object],
) -> bool:
    try:
        return all(
            flow.rules[check.rule](str(value))
            if check.rule
            else conditions.holds(
                check.when, {**named, save: value}, flow.languages[0], flow.filters
            )
            for check in checks
        )
    except KeyError:
        return False


def session_at(
    flow: Flow,
    language: str,
    state: str = "",
    variables: Mapping[str, object] | None = None,
    trail: tuple[str, ...] = (),
) -> Session:
    """A session of a sample's subscriber."""
    return Session(
        "sample",
        flow.hash,
        MSISDN,
        next(iter(flow.dials), "*0#"),
        language,
        state or flow.start,
        0.0,
        0.0,
        cast("Mapping[str, Value]", variables or {}),
        trail=trail,
    )


class Samples:
    """Plausible values in every place (`layouts.Values`).

    `variables` are those that have a value; a name without one is shown with a sample of its
    shape, but is not `set` in conditions.
    """

    def __init__(
        self, flow: Flow, names: Names, language: str, variables: Mapping[str, object]
    ) -> None:
        self._flow = flow
        self._language = language
        self._variables = variables
        self.shown = Shown(flow, session_at(flow, language, "", _filled(names, variables)))

    def text(self, text: Text, row: layouts.Row | None = None) -> str:
        """See `layouts.Values.text`."""
        return self.shown.text(text, row)

    def rows(self, place: Place) -> Sequence[layouts.Row]:
        """See `layouts.Values.rows`."""
        return self.shown.rows(place)

    def holds(self, when: When) -> bool:
        """See `layouts.Values.holds`."""
        asking = {Operator.SET, Operator.UNSET}
        of_names = tuple(each for each in when if each.operator in asking)
        of_values = tuple(each for each in when if each.operator not in asking)
        language, filters = self._language, self._flow.filters
        named = {**dict.fromkeys(BUILT_IN, MSISDN), **self._variables}
        return conditions.holds(of_names, named, language, filters) and self.shown.holds(of_values)

    def system(self, name: str) -> str:
        """See `layouts.Values.system`."""
        return self.shown.system(name)

    def choices(self, name: str) -> Sequence[str]:
        """See `layouts.Values.choices`."""
        return self.shown.choices(name)

    def resumable(self) -> bool:
        """See `layouts.Values.resumable`."""
        return False


def _filled(names: Names, variables: Mapping[str, object]) -> dict[str, object]:
    """The variables, and a sample for every other name and field."""
    found: dict[str, object] = {}
    for name, shape in names.scalars.items():
        if name not in BUILT_IN:
            found[name] = sample_of(shape)
    for name, fields in names.records.items():
        found[name] = {field: sample_of(shape) for field, shape in fields.items()}
    for name, value in variables.items():
        known = found.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        found[name] = {**known, **value} if both else value  # type: ignore[dict-item]  # see `both`
    return found


class Longest:
    """The widest values in every place (`layouts.Values`), everything shown that may be.

    It is what the checker proves screens with: each value one word of m. With `natural`, a value
    that is as wide is shown as a client would read it; its words may break.
    """

    def __init__(self, flow: Flow, names: Names, language: str, *, natural: bool) -> None:
        self._flow = flow
        self._names = names
        self._language = language
        self._natural = natural
        self._shown = Shown(flow, session_at(flow, language))

    def text(self, text: Text, row: layouts.Row | None = None) -> str:
        """See `layouts.Values.text`; the rows of `rows` hold the shapes of their fields."""
        fields = cast("Mapping[str, Shape] | None", row)
        return "".join(
            part if isinstance(part, str) else self._place(part, fields)
            for part in text.by_language[self._language].parts
        )

    def _place(self, place: Place, row: Mapping[str, Shape] | None) -> str:
        widest = self._names.widest_place(place, self._language, row)
        shape = self._names.of_place(place, row)
        if shape is None or not self._natural:
            return widest
        # Of values that are as wide, the one somebody declared; of texts no other is like one.
        for value in (longest(shape), *witnesses(shape)):
            shown = filtered(value, place.filters, self._language, self._flow.filters)
            if shown is not None and width(shown) == len(widest):
                return shown
            if shape.type is Type.TEXT:
                break
        return widest

    def rows(self, place: Place) -> Sequence[layouts.Row]:
        """See `layouts.Values.rows`."""
        shape = self._names.of_place(place)
        return [] if shape is None else [dict(shape.fields)] * shape.rows_max

    def holds(self, when: When) -> bool:
        """See `layouts.Values.holds`: what may be shown is."""
        return True

    def system(self, name: str) -> str:
        """See `layouts.Values.system`."""
        return self._shown.system(name)

    def choices(self, name: str) -> Sequence[str]:
        """See `layouts.Values.choices`."""
        return self._shown.choices(name)

    def resumable(self) -> bool:
        """See `layouts.Values.resumable`."""
        return True
