"""What a client typed, made a value of a variable's type, or the name of what is wrong with it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from ussd_app.flow.model import Type, Variable

#: A phone cannot type more into one USSD string (182 septets).
INPUT_MAX = 182


class Refused(Exception):  # noqa: N818  # the value is refused; nobody erred
    """A value is not of its type: the system text to show, and the values it names."""

    def __init__(self, text: str, values: Mapping[str, str]) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


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


def value_of(variable: Variable, typed: str) -> str:
    """The value in its one written form; raises `Refused`."""
    match variable.type:
        case Type.DIGITS:
            return _digits(variable, typed)
        case Type.INTEGER | Type.DECIMAL:
            return _number(variable, typed)
        case Type.TEXT:
            return _text(variable, typed)


def _digits(variable: Variable, typed: str) -> str:
    bare = typed.replace(" ", "").replace("-", "")
    if (
        bare.isascii()
        and bare.isdigit()
        and (not variable.lengths or len(bare) in variable.lengths)
    ):
        return bare
    lengths = "/".join(str(length) for length in variable.lengths)
    raise Refused("invalid_digits", {"lengths": lengths})


def _number(variable: Variable, typed: str) -> str:
    places = variable.places if variable.type is Type.DECIMAL else 0
    refused = Refused("invalid_number", {"low": variable.low or "", "high": variable.high or ""})
    bare = typed.replace(" ", "").replace(",", ".")
    if not bare.isascii() or not bare.replace(".", "", 1).isdigit():
        raise refused
    try:
        number = Decimal(bare)
    except InvalidOperation:
        raise refused from None
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise refused
    if variable.low is not None and number < Decimal(variable.low):
        raise refused
    if variable.high is not None and number > Decimal(variable.high):
        raise refused
    return f"{number.normalize():f}"


def _text(variable: Variable, typed: str) -> str:
    least, most = min(variable.lengths, default=1), max(variable.lengths, default=INPUT_MAX)
    if least <= len(typed) <= most:
        return typed
    raise Refused("invalid_text", {"low": str(least), "high": str(most)})
