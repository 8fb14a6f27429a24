"""Declarations of values as JSON Schema: a variable's, a field's, an input's type and its bounds.

`type` tells which bounds there are; a declaration is held to those of its type alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import phonenumbers

from ussd_app.designer import schema_words as words
from ussd_app.designer.schema_words import Schema
from ussd_app.flow.declarations import CHOICES_MAX, FIELD_TYPES, INPUT_MAX, ROWS_MAX
from ussd_app.flow.model import Type

_DIGITS_MAX = 40
_MEANING = {
    Type.DIGITS: "digits, kept as typed",
    Type.PIN: "a secret of digits",
    Type.INTEGER: "a whole number",
    Type.DECIMAL: "a number with decimals",
    Type.TEXT: "words",
    Type.CHOICE: "one of a few values",
    Type.MSISDN: "a telephone number",
    Type.DATE: "a day",
    Type.BOOLEAN: "true or false, for set and facts",
    Type.ROWS: "a list of rows, for set",
    Type.ROW: "one row, for set and flow",
}


def _digits(default: str) -> Schema:
    return words.sequence(
        words.whole(1, _DIGITS_MAX, f"A number of digits, 1 to {_DIGITS_MAX}."),
        f"The numbers of digits it may have. Default: {default}.",
        1,
    )


def _length() -> Schema:
    return words.sequence(
        words.whole(1, INPUT_MAX, f"A number of characters, 1 to {INPUT_MAX}."),
        "Least characters, and most septets as sent. Default: [1, 160].",
        1,
        2,
    )


def _values() -> Schema:
    return {
        "type": ["array", "object"],
        "items": words.scalar("A value."),
        "additionalProperties": words.ref("text", "What the client reads for this value."),
        "minItems": 1,
        "maxItems": CHOICES_MAX,
        "minProperties": 1,
        "maxProperties": CHOICES_MAX,
        "errorMessage": "A list of values, or values with their labels.",
        "description": "The values: a list [a, b], or with a label each {a: text, b: text}.",
    }


def _country() -> Schema:
    return {
        "enum": sorted(phonenumbers.SUPPORTED_REGIONS),
        "default": "BF",
        "errorMessage": "Two capital letters (ISO 3166-1), such as BF.",
        "description": "The country of a number typed without its code. Default: BF.",
    }


def _row_fields() -> Schema:
    wanted = "A name: lower-case letters, digits and underscores; number is the running number."
    field_name = words.pattern(
        "^(?!number$)[a-z][a-z0-9_]*$", wanted, "A field of a row.", title="field"
    )
    return words.table(
        field_name,
        {"$ref": "#/definitions/value_field"},
        "The fields of a row, each with its type.",
    )


def _bounds(kind: Type) -> dict[str, Schema]:
    """The keys beside `type` that bound a value of this type."""
    if kind is Type.DIGITS:
        return {"lengths": _digits("1 to 20")}
    if kind is Type.PIN:
        return {"lengths": _digits("[4]")}
    if kind is Type.TEXT:
        return {"lengths": _length()}
    if kind is Type.INTEGER:
        return {
            "min": words.number("The least number. Needed where a set fills it.", whole_only=True),
            "max": words.number("The most. Needed where a set fills it.", whole_only=True),
        }
    if kind is Type.DECIMAL:
        return {
            "min": words.number("The least number. Needed where a set fills it."),
            "max": words.number("The most. Needed where a set fills it."),
            "places": words.whole(0, 6, "The most decimals, 0 to 6. Default: 0."),
        }
    if kind is Type.CHOICE:
        return {"values": _values()}
    if kind is Type.MSISDN:
        return {"country": _country()}
    if kind is Type.DATE:
        return {
            "min": words.day("The first day: YYYY-MM-DD, today, today+30d or today-18y."),
            "max": words.day("The last day: YYYY-MM-DD, today, today+30d or today-18y."),
        }
    if kind is Type.BOOLEAN:
        return {}
    if kind is Type.ROW:
        return {"fields": _row_fields()}
    most = f"The most rows, 1 to {ROWS_MAX}. Default: 10."
    return {"rows_max": words.whole(1, ROWS_MAX, most), "fields": _row_fields()}


_NEEDS = {Type.CHOICE: ("values",), Type.ROWS: ("fields",), Type.ROW: ("fields",)}


def declaration(
    types: Iterable[Type],
    description: str,
    more: dict[str, Schema] | None = None,
    needs: Iterable[str] = (),
) -> Schema:
    """A declaration of a value of one of these types, with `more` keys that each may have."""
    types, needs, more = tuple(types), tuple(needs), more or {}
    meanings = "; ".join(f"{kind}: {_MEANING[kind]}" for kind in types)
    kinds = words.word(types, f"What kind of value it is. {meanings}.")
    chain = words.record({"type": kinds, **more}, ("type",), description, "declaration")
    # Where the type cannot be told, only the type is wrong, and no bound is to be offered.
    bounds = sorted({key for kind in types for key in _bounds(kind)})
    chain["patternProperties"] = {f"^({'|'.join(bounds)})$": {}}
    chain["defaultSnippets"] = [{"label": str(kind), "body": _snippet(kind)} for kind in types]
    for kind in reversed(types):
        keys = {"type": kinds, **_bounds(kind), **more}
        chain = {
            "if": words.of_type(kind),
            "then": words.record(keys, ("type", *_NEEDS.get(kind, ()), *needs)),
            "else": chain,
        }
    return {"description": description, **chain}


def _snippet(kind: Type) -> Schema:
    usual: dict[Type, Schema] = {
        Type.DIGITS: {"lengths": ["${1:11}"]},
        Type.PIN: {"lengths": ["${1:4}"]},
        Type.TEXT: {"lengths": ["${1:1}", "${2:40}"]},
        Type.INTEGER: {"min": "${1:1}", "max": "${2:100}"},
        Type.DECIMAL: {"min": "${1:1}", "max": "${2:100}", "places": "${3:1}"},
        Type.CHOICE: {"values": ["${1:a}", "${2:b}"]},
        Type.DATE: {"min": "${1:today}", "max": "${2:today+30d}"},
        Type.ROWS: {"rows_max": "${1:10}", "fields": {"${2:name}": {"type": "${3:text}"}}},
        Type.ROW: {"fields": {"${1:name}": {"type": "${2:text}"}}},
    }
    return {"type": str(kind), **usual.get(kind, {})}


def variable() -> Schema:
    """A variable of a flow, or an argument of a sub-flow."""
    more: dict[str, Schema] = {
        "label": words.ref("text", "What the variable is called to a client. Default: its name."),
        "sensitive": words.switch(
            "true: never shown in logs nor taken from a dial string. A pin always is."
        ),
        "remember": words.duration(
            "How long it is kept per subscriber beyond the session, ten years at most. "
            "Default: not.",
            "90d",
        ),
    }
    return declaration(Type, "A variable: its type, bounds and label.", more)


def field() -> Schema:
    """A field of a row of a variable."""
    return declaration((each for each in FIELD_TYPES if each is not Type.ROWS), "A field of a row.")
