"""The schemas of the catalogue and of the framework's own texts."""

from __future__ import annotations

from ussd_app.designer import schema_texts as texts
from ussd_app.designer import schema_values as values
from ussd_app.designer import schema_words as words
from ussd_app.designer.schema_words import Schema
from ussd_app.flow.catalogue import SYSTEM_TEXTS
from ussd_app.flow.declarations import FIELD_TYPES, ROWS_MAX
from ussd_app.flow.model import Type

_INPUT_TYPES = tuple(each for each in Type if each not in {Type.CHOICE, Type.ROW})


def catalogue() -> dict[str, Schema]:
    """The keys of a catalogue."""
    backend = words.dotted("A back-end's name, such as stock.find.", "back-end")
    function = words.dotted("A function's name, such as shop.discount.", "function")
    return {
        "cassou": words.version(),
        "backends": words.table(
            backend,
            {"$ref": "#/definitions/backend"},
            "The back-ends a flow may call, each with what goes in and what may come out.",
        ),
        "functions": words.table(
            function,
            {"$ref": "#/definitions/function"},
            "The application's own pure functions that a set may use. Default: none.",
        ),
    }


def definitions() -> dict[str, Schema]:
    """The shared pieces of a catalogue by name."""
    return {
        "backend": _backend(),
        "function": _function(),
        "outcome": _outcome(),
        "field": _field(FIELD_TYPES),
        "row_field": _field(tuple(each for each in FIELD_TYPES if each is not Type.ROWS)),
        "value": values.declaration(FIELD_TYPES, "What value a function gives: type and bounds."),
        "value_field": values.field(),
        "text": texts.text(),
    }


def _inputs() -> Schema:
    kinds = words.word(_INPUT_TYPES, "What kind of value this input takes.")
    return words.table(
        words.name("An input.", "input"), kinds, "What goes in: name: type. Default: nothing."
    )


def _backend() -> Schema:
    outcome = words.name("An outcome.", "outcome")
    keys: dict[str, Schema] = {
        "inputs": _inputs(),
        "deadline": words.duration("How long a client waits for its answer. Default: 3s.", "3s"),
        "once": words.switch("true: it moves money or tells someone something."),
        "outcomes": words.table(
            outcome,
            {"$ref": "#/definitions/outcome"},
            "What an answer may come to. late and failed exist for every call.",
        ),
    }
    schema = words.record(keys, ("outcomes",), "A back-end: what goes in, what may come out.")
    body = {
        "inputs": {"${1:serial}": "${2:digits}"},
        "outcomes": {
            "${3:found}": {
                "fields": {"${4:name}": {"type": "text", "longest": "${5:longest}"}},
                "sample": {"${4:name}": "${6:value}"},
            },
            "${7:unknown}": {},
        },
    }
    return schema | {"defaultSnippets": [{"label": "back-end", "body": body}]}


def _function() -> Schema:
    result = words.ref("value", "What it gives: the type of the value, and its bounds.")
    keys: dict[str, Schema] = {"inputs": _inputs(), "result": result}
    return words.record(keys, ("result",), "A pure function: its inputs and its result.")


def _outcome() -> Schema:
    name = words.name("A field.", "field")
    sample: Schema = {
        "type": ["string", "number", "boolean", "array"],
        "items": words.table(name, words.scalar("A value."), "A row."),
        "description": "An example of this field: a value, or a list of rows.",
    }
    keys: dict[str, Schema] = {
        "fields": words.table(
            name, {"$ref": "#/definitions/field"}, "What the outcome brings. Default: nothing."
        ),
        "sample": words.table(name, sample, "An example of each field, for dialling and tests."),
        "nothing_done": words.switch(
            "true: of a back-end with once, it is proven that nothing was done."
        ),
    }
    rule: Schema = {
        "if": {"required": ["fields"], "properties": {"fields": {"minProperties": 1}}},
        "then": {"required": ["sample"]},
    }
    return words.record(keys, (), "One outcome: its fields, and a sample of them.") | rule


def _field(types: tuple[Type, ...]) -> Schema:
    meaning = "What kind of value it is. Default: text."
    own: dict[str, Schema] = {"type": words.word(types, meaning, default="text")}
    longest = {
        **words.scalar("The longest value there may be; screens are checked with it."),
        "minLength": 1,
    }
    bounded = words.record({**own, "longest": longest}, ("longest",))
    if Type.ROWS not in types:
        rows = bounded
    else:
        fields = words.table(
            words.name("A field of a row.", "field"),
            {"$ref": "#/definitions/row_field"},
            "The fields of a row.",
        )
        most = f"The most rows, 1 to {ROWS_MAX}. Default: {ROWS_MAX}."
        keys = {**own, "rows_max": words.whole(1, ROWS_MAX, most), "fields": fields}
        rows = words.record(keys, ("type", "fields"))
    return {
        "type": "object",
        "description": "A field of an outcome: its type and its longest value.",
        "if": words.of_type(Type.ROWS),
        "then": rows,
        "else": {
            "if": words.of_type(Type.BOOLEAN),
            "then": words.record({**own, "longest": longest}),
            "else": bounded,
        },
    }


def system() -> dict[str, Schema]:
    """The keys of the framework's own texts."""
    shown = {
        name: words.ref("text", _shown(name, sorted(filled)))
        for name, filled in SYSTEM_TEXTS.items()
    }
    return {
        "cassou": words.version(),
        "languages": words.sequence(
            words.language("A language."), "Every language any flow may use.", 1
        ),
        "texts": words.record(shown, shown, "The texts the framework itself shows."),
    }


def _shown(name: str, filled: list[str]) -> str:
    places = " and ".join(f"{{{each}}}" for each in filled)
    may = f" It may name {places}." if places else ""
    return f'The framework\'s text "{name.replace("_", " ")}".{may}'
