"""Values of a type: what a client typed made one, or the name of what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import phonenumbers

from ussd_app.flow.model import Shape, Type
from ussd_app.render import gsm7, texts

#: A phone cannot type more into one USSD string (182 septets).
INPUT_MAX = 182
_DIGITS_MAX = 20
_TRUTHS = frozenset({"true", "false"})
_NUMBER_MAX = 15
_TODAY = re.compile(r"today(?:([+-]\d+)([dmy]))?\Z")
_TYPED_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z|(\d{2})(\d{2})(\d{4})\Z")
_MSISDN = re.compile(r"\+[1-9]\d{6,14}\Z")


class Refused(Exception):  # noqa: N818  # the value is refused; nobody erred
    """A value is not of its type: the system text to show, and the values it names."""

    def __init__(self, text: str, values: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.values = values or {}

    def worded(self, either: str) -> dict[str, str]:
        """The values as a client reads them: `either` is the word between two of a choice."""
        return {
            name: value.replace("/", f" {either} ") if name == "lengths" else value
            for name, value in self.values.items()
        }


def normalise(typed: str) -> str:
    """What was typed, without control characters and outer blanks, digits of any script as 0-9."""
    kept = []
    for character in typed[: INPUT_MAX + 1]:
        value = unicodedata.decimal(character, None)
        if value is not None:
            kept.append(str(value))
        elif unicodedata.category(character)[0] != "C":
            kept.append(character)
    return "".join(kept).strip()


def value_of(shape: Shape, typed: str, today: date, language: str) -> str | int:
    """The value in its one stored form; raises `Refused`.

    `today` bounds dates; `language` is that of a choice's labels.
    """
    match shape.type:
        case Type.DIGITS | Type.PIN:
            return _digits(shape, typed)
        case Type.INTEGER | Type.DECIMAL:
            return _number(shape, typed)
        case Type.MSISDN:
            return _msisdn(shape, typed)
        case Type.DATE:
            return _date(shape, typed, today)
        case Type.TEXT:
            return _text(shape, typed)
        case Type.CHOICE:
            return _choice(shape, typed, language)
        case _:
            raise TypeError(f"nobody types a value of type {shape.type}")


def accepts(shape: Shape, typed: str, today: date) -> bool:
    """Whether a client who types this into an input of this shape is understood."""
    try:
        value_of(shape, normalise(typed), today, "")
    except (Refused, TypeError):
        return False
    return True


def fits(shape: Shape, value: object, today: date | None = None) -> bool:
    """Whether a worked-out value is one of this shape, for a `set` and for results of back-ends."""
    match shape.type:
        case Type.INTEGER | Type.DECIMAL:
            return _fits_number(shape, value)
        case Type.BOOLEAN:
            return isinstance(value, bool) or (isinstance(value, str) and value in _TRUTHS)
        case Type.ROW:
            return isinstance(value, Mapping) and _fits_row(shape, value, today)
        case Type.ROWS:
            return (
                isinstance(value, tuple | list)
                and len(value) <= shape.rows_max
                and all(isinstance(row, Mapping) and _fits_row(shape, row, today) for row in value)
            )
    if not isinstance(value, str):
        return isinstance(value, int) and fits(shape, str(value), today)
    match shape.type:
        case Type.TEXT:
            most = room(shape.longest) if shape.longest else max(shape.lengths, default=0)
            return room(value) <= most
        case Type.DIGITS | Type.PIN:
            short = len(value) <= len(shape.longest)
            right = short if shape.longest else _right_length(shape, value)
            return value.isascii() and value.isdigit() and right
        case Type.CHOICE:
            return value in shape.choices
        case Type.MSISDN:
            return _MSISDN.match(value) is not None
        case _:
            return _fits_date(shape, value, today)


def cut(text: str, shape: Shape) -> str:
    """A text of a back-end that takes no more room than its longest."""
    most = _declared_room(shape.longest)
    while room(text) > most:
        # At once for what is far too long, then character by character.
        text = text[: max(most, 1)] if len(text) > most + 1 else text[:-1]
    return text


def stored(shape: Shape, value: object) -> object:
    """A value that fits, as it is kept: only declared fields, numbers in their one form."""
    match shape.type:
        case Type.ROWS if isinstance(value, tuple | list):
            return tuple(_row(shape, row) for row in value if isinstance(row, Mapping))
        case Type.ROW if isinstance(value, Mapping):
            return _row(shape, value)
        case Type.INTEGER:
            return int(Decimal(str(value)))
        case Type.DECIMAL:
            return plain(Decimal(str(value)))
        case Type.BOOLEAN:
            return value is True or value == "true"
    return str(value)


def _row(shape: Shape, row: Mapping[str, object]) -> dict[str, object]:
    return {name: stored(inner, row[name]) for name, inner in shape.fields.items()}


def _fits_row(shape: Shape, row: Mapping[str, object], today: date | None) -> bool:
    return all(
        name in row and fits(inner, row[name], today) for name, inner in shape.fields.items()
    )


def width(text: str) -> int:
    """The septets a text costs as it is sent."""
    return gsm7.cost(gsm7.transliterate(text))


def room(text: str) -> int:
    """What a text costs at most, however it is sent: septets, or units where these are more.

    Marks that are left out on the way cost no septet, and yet a filter sees and counts them.
    """
    return max(width(text), gsm7.units(text))


#: What a declaration makes room for: there are as many as the catalogue has fields.
_declared_room = lru_cache(maxsize=1024)(room)


def plain(number: Decimal) -> str:
    """A decimal in its one written form: no exponent, no trailing zeros."""
    return f"{number.normalize():f}"


def day(bound: str, today: date) -> date:
    """The date that a bound of a date stands for on a day."""
    match = _TODAY.match(bound)
    if match is None:
        return date.fromisoformat(bound)
    if match[1] is None:
        return today
    count = int(match[1])
    try:
        if match[2] == "d":
            return today + timedelta(days=count)
        months = today.year * 12 + today.month - 1 + count * (12 if match[2] == "y" else 1)
        return _last_of(months // 12, months % 12 + 1, today.day)
    except (OverflowError, ValueError):
        return date.max if count > 0 else date.min


def _last_of(year: int, month: int, wanted: int) -> date:
    """The wanted day of a month, or its last where it has fewer."""
    for number in range(wanted, 27, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    return date(year, month, wanted)


def _right_length(shape: Shape, bare: str) -> bool:
    return len(bare) in shape.lengths if shape.lengths else 0 < len(bare) <= _DIGITS_MAX


def _digits(shape: Shape, typed: str) -> str:
    bare = typed.replace(" ", "").replace("-", "")
    if bare.isascii() and bare.isdigit() and _right_length(shape, bare):
        return bare
    lengths = shape.lengths or (1, _DIGITS_MAX)
    raise Refused("invalid_digits", {"lengths": _listed(lengths, exact=bool(shape.lengths))})


def _listed(lengths: tuple[int, ...], *, exact: bool) -> str:
    return ("/" if exact else "-").join(str(length) for length in lengths)


def _fits_number(shape: Shape, value: object) -> bool:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return False
    if isinstance(value, bool) or not number.is_finite():
        return False
    if shape.longest:
        # A back-end's number is bounded by the digits of its longest one.
        if shape.type is Type.INTEGER and number != number.to_integral_value():
            return False
        # A number such as 1e999999999 is never written out.
        near = not number or abs(number.adjusted()) <= len(shape.longest)
        return near and len(plain(number)) <= len(shape.longest)
    return _places(number) <= shape.places and _within(shape, number)


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _within(shape: Shape, number: Decimal) -> bool:
    if abs(number) >= Decimal(10) ** _NUMBER_MAX:
        return False
    if number < Decimal(shape.low if shape.low is not None else 0):
        return False
    return shape.high is None or number <= Decimal(shape.high)


def _number(shape: Shape, typed: str) -> str | int:
    bare = typed.replace(" ", "").replace(",", ".")
    low, high = shape.low or "0", shape.high or "9" * _NUMBER_MAX
    digits = bare.removeprefix("-")
    if not digits.isascii() or not digits.replace(".", "", 1).isdigit():
        raise Refused("invalid_number", {"low": low, "high": high})
    number = Decimal(bare)
    # 1,000 is a thousand to some and one to others: neither is taken for the other.
    doubtful = len(digits.partition(".")[2]) > max(shape.places, 2)
    if doubtful or _places(number) > shape.places:
        if shape.places == 0:
            raise Refused("invalid_whole", {"low": low, "high": high})
        raise Refused("invalid_places", {"places": str(shape.places)})
    if not _within(shape, number):
        raise Refused("invalid_number", {"low": low, "high": high})
    return int(number) if shape.type is Type.INTEGER else plain(number)


def _msisdn(shape: Shape, typed: str) -> str:
    try:
        number = phonenumbers.parse(typed, shape.country)
    except phonenumbers.NumberParseException:
        raise Refused("invalid_msisdn") from None
    if not phonenumbers.is_valid_number(number):
        raise Refused("invalid_msisdn")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _date(shape: Shape, typed: str, today: date) -> str:
    match = _TYPED_DATE.match(typed)
    if match is None:
        raise Refused("invalid_date")
    number, month, year = (match[place] or match[place + 3] for place in (1, 2, 3))
    try:
        found = date(int(year), int(month), int(number))
    except ValueError:
        raise Refused("invalid_date") from None
    low = day(shape.low, today) if shape.low else date.min
    high = day(shape.high, today) if shape.high else date.max
    if low <= found <= high:
        return found.isoformat()
    ends = {"low": low.strftime("%d/%m/%Y"), "high": high.strftime("%d/%m/%Y")}
    raise Refused("invalid_date_range", ends)


def _fits_date(shape: Shape, value: str, today: date | None) -> bool:
    if not (value.isascii() and texts.DATE.match(value)):
        return False
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return False
    if today is None:
        return True
    low = day(shape.low, today) if shape.low else date.min
    high = day(shape.high, today) if shape.high else date.max
    return low <= found <= high


def _text(shape: Shape, typed: str) -> str:
    least, most = shape.lengths
    if len(typed) >= least and room(typed) <= most:
        return typed
    raise Refused("invalid_text", {"low": str(least), "high": str(most)})


def _choice(shape: Shape, typed: str, language: str) -> str:
    """The value whose number, name or label was typed."""
    wanted = folded(typed)
    values = list(shape.choices)
    # What stands on the screen goes first: its numbers, then its labels.
    numbers = {str(number): value for number, value in enumerate(values, 1)}
    labels = {
        folded(label.by_language[language].render({}, language, {})): value
        for value, label in shape.choices.items()
        if label is not None and language in label.by_language
    }
    names = {folded(value): value for value in values}
    for known in (numbers, labels, names):
        if wanted and wanted in known:
            return known[wanted]
    raise Refused("invalid_option")


def folded(text: str) -> str:
    """A text as it is compared with what a client typed: no accents, no case."""
    # è is sent as it is and È is not: both are compared without their accents.
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(each for each in decomposed if not unicodedata.combining(each))
    return gsm7.transliterate(bare).casefold()


def longest(shape: Shape) -> str:
    """A value of this shape that is as wide as any, in septets as sent; for `text`, unbroken.

    Where characters outside GSM-7 are sent as they are, the caller widens it.
    """
    match shape.type:
        case Type.BOOLEAN:
            return "false"
        case Type.MSISDN:
            return "+888888888888888"
        case Type.DATE:
            return "2026-12-28"
    if shape.longest and shape.type not in {Type.MSISDN, Type.DATE}:
        return shape.longest
    match shape.type:
        case Type.DIGITS | Type.PIN:
            return "8" * max(shape.lengths, default=_DIGITS_MAX)
        case Type.TEXT:
            return "m" * max(shape.lengths, default=0)
        case Type.CHOICE:
            return max(shape.choices, key=width, default="")
    return _longest_number(shape)


def _longest_number(shape: Shape) -> str:
    low = shape.low if shape.low is not None else "0"
    ends = [low, shape.high or "9" * _NUMBER_MAX]
    ends = [plain(Decimal(end)) for end in ends]
    if shape.places:
        # 499.99 is longer than 500, which bounds it.
        nearer = [_nearer(Decimal(end), shape.places, ends) for end in ends]
        ends += [each for each in nearer if each]
    return max(ends, key=len)


def _nearer(end: Decimal, places: int, ends: list[str]) -> str:
    step = Decimal(1).scaleb(-places)
    low, high = (Decimal(each) for each in ends)
    for number in (end - step, end + step):
        if low <= number <= high:
            return plain(number)
    return ""
