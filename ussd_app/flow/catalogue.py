"""The catalogue of back-ends and the framework's own texts: files that designers read too."""

from __future__ import annotations

from collections.abc import Mapping as MappingType

from ussd_app.flow.diagnostics import FlowError
from ussd_app.flow.model import Backend, Field, Outcome, Text
from ussd_app.flow.reader import NAME, Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar, read

_BACKEND_KEYS = ("inputs", "outcomes", "deadline", "once")
_OUTCOME_KEYS = ("fields", "sample")
_FIELD_KEYS = ("type", "longest", "rows_max", "fields")
_TYPES = ("text", "integer", "boolean", "rows")


def parse_catalogue(source: str, file: str) -> MappingType[str, Backend]:
    """The back-ends a catalogue declares; raises `FlowError`."""
    reader = Reader(file)
    node, problems = read(source, file)
    reader.problems += problems
    top = reader.mapping(node, "a catalogue", ("cassou", "backends"))
    reader.version(top, "the file")
    backends = {}
    found = top.get("backends")
    for key, value in reader.mapping(found, "backends", None).entries:
        backends[key.value] = _backend(reader, key, value)
    if reader.problems:
        raise FlowError(reader.problems, source)
    return backends


def _backend(reader: Reader, key: Scalar, node: Node) -> Backend:
    what = f'back-end "{key.value}"'
    body = reader.mapping(node, what, _BACKEND_KEYS)
    inputs_node = body.get("inputs")
    inputs = (
        tuple(
            reader.scalar(item, "an input").value
            for item in reader.sequence(inputs_node, '"inputs:"', key.at)
        )
        if inputs_node is not None
        else ()
    )
    outcomes = {
        name.value: _outcome(reader, name, value)
        for name, value in reader.mapping(body.get("outcomes"), f"{what} outcomes", None).entries
    }
    return Backend(
        key.value,
        inputs,
        outcomes,
        reader.seconds(body, "deadline", 3.0),
        reader.boolean(body, "once", default=False),
        key.at,
    )


def _outcome(reader: Reader, key: Scalar, node: Node) -> Outcome:
    body = reader.mapping(node, f'outcome "{key.value}"', _OUTCOME_KEYS)
    fields_node = body.get("fields")
    fields = _fields(reader, fields_node) if fields_node is not None else {}
    sample = _plain(body.get("sample"))
    given = sample if isinstance(sample, dict) else {}
    if set(given) != set(fields):
        sentence = f'the sample of "{key.value}" must give exactly its fields'
        reader.problem(key.at, "bad-sample", sentence)
    try:
        return Outcome(key.value, fields, _typed(fields, given))
    except ValueError:
        reader.problem(key.at, "bad-sample", f'the sample of "{key.value}" has no whole number')
        return Outcome(key.value, fields, {})


def _fields(reader: Reader, node: Node) -> MappingType[str, Field]:
    fields = {}
    for key, value in reader.mapping(node, '"fields:"', None).entries:
        body = reader.mapping(value, f'field "{key.value}"', _FIELD_KEYS)
        kind = reader.one_of(body, "type", _TYPES, "text")
        inner = body.get("fields")
        fields[reader.name(key, "field")] = Field(
            key.value,
            kind,
            reader.word(body, "longest", f'field "{key.value}"', "" if kind == "rows" else None),
            _fields(reader, inner) if inner is not None else {},
            reader.integer(body, "rows_max", 0, 1, 50),
        )
    return fields


def _plain(node: Node | None) -> object:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key.value: _plain(value) for key, value in node.entries}
    return [] if node is None else [_plain(item) for item in node.items]


def _typed(fields: MappingType[str, Field], values: MappingType[str, object]) -> dict[str, object]:
    return {
        name: _typed_value(fields[name], value) for name, value in values.items() if name in fields
    }


def _typed_value(field: Field, value: object) -> object:
    if field.type == "integer":
        return int(str(value))
    if field.type == "boolean":
        return value == "true"
    if field.type == "rows":
        rows = value if isinstance(value, list) else []
        return tuple(_typed(field.fields, row) for row in rows if isinstance(row, dict))
    return str(value)


def parse_system(source: str, file: str) -> MappingType[str, Text]:
    """The framework's own texts by name; raises `FlowError`."""
    reader = Reader(file)
    node, problems = read(source, file)
    reader.problems += problems
    top = reader.mapping(node, "the system texts", ("cassou", "languages", "texts"))
    reader.version(top, "the file")
    languages = reader.sequence(top.get("languages"), '"languages:"', top.at)
    reader.languages = tuple(reader.scalar(item, "a language").value for item in languages)
    found = {}
    for key, value in reader.mapping(top.get("texts"), '"texts:"', None).entries:
        if NAME.match(key.value) and key.value in SYSTEM_TEXTS:
            found[key.value] = reader.text(value, f'text "{key.value}"', key.at)
        else:
            reader.problem(key.at, "unknown-key", f'the framework has no text "{key.value}"')
    for name in sorted(SYSTEM_TEXTS - set(found)):
        reader.problem(top.at, "missing-key", f'the text "{name}" is missing')
    if reader.problems:
        raise FlowError(reader.problems, source)
    return found


#: Every text the framework itself shows.
SYSTEM_TEXTS = frozenset(
    {
        "back",
        "home",
        "more",
        "continue",
        "wait",
        "expired",
        "busy",
        "unknown_code",
        "refused",
        "error",
        "invalid_option",
        "invalid_digits",
        "invalid_number",
        "invalid_text",
    }
)
