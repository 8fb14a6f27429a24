"""The catalogue of back-ends and the framework's own texts: files that designers read too."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingType
from dataclasses import dataclass

from ussd_app.flow.declarations import DEADLINE_MAX, FIELD_TYPES, KEYS, ROWS_MAX, shape_of
from ussd_app.flow.diagnostics import Diagnostic, FlowError, did_you_mean, meant
from ussd_app.flow.functions import declared
from ussd_app.flow.model import NUMBERS, Backend, Function, Outcome, Shape, Text, Type
from ussd_app.flow.reader import LANGUAGE, NAME, Reader
from ussd_app.flow.syntax import Mapping, Node, Scalar, read
from ussd_app.flow.values import fits, stored
from ussd_app.render import texts

_BACKEND_KEYS = ("inputs", "outcomes", "deadline", "once")
_OUTCOME_KEYS = ("fields", "sample", "nothing_done")
#: Characters of the largest number of a back-end.
_NUMBER_MAX = 15
_FIELD_KEYS = ("type", "longest", "rows_max", "fields")
_BACKEND_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
_INPUT_TYPES = tuple(each for each in Type if each not in {Type.CHOICE, Type.ROW})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What an application declares: its back-ends, and its own functions."""

    backends: MappingType[str, Backend]
    functions: MappingType[str, Function]


def parse_catalogue(
    source: str, file: str, implementations: MappingType[str, Callable[..., object]] | None = None
) -> Catalogue:
    """What a catalogue declares; raises `FlowError`.

    `implementations` are the application's functions by name; each one declared must be there.
    """
    reader = Reader(file, source)
    node, problems = read(source, file)
    reader.problems += problems
    if node is None:
        raise FlowError(reader.problems, {file: source})
    top = reader.mapping(node, "a catalogue", ("cassou", "backends", "functions"))
    reader.version(top, "the file")
    backends = {}
    found = top.get("backends")
    if found is not None or "functions" not in top.by_name:
        for key, value in reader.mapping(found, '"backends:"', None, top.at).entries:
            if not _BACKEND_NAME.match(key.value):
                sentence = f'back-end "{key.value}" must be words joined by dots'
                reader.problem(key.at, "bad-name", sentence)
            backends[key.value] = _backend(reader, key, value)
    functions = {}
    found = top.get("functions")
    for key, value in reader.mapping(found, "functions", None).entries if found else ():
        function = _function(reader, key, value, implementations or {})
        if function is not None:
            functions[key.value] = function
    if reader.problems:
        raise FlowError(reader.problems, {file: source})
    return Catalogue(backends, functions)


def _backend(reader: Reader, key: Scalar, node: Node) -> Backend:
    what = f'back-end "{key.value}"'
    body = reader.mapping(node, what, _BACKEND_KEYS)
    inputs_node = body.get("inputs")
    outcomes = {
        name.value: _outcome(reader, name, value)
        for name, value in reader.mapping(
            body.get("outcomes"), f'"outcomes:" of {what}', None, key.at
        ).entries
    }
    return Backend(
        key.value,
        _inputs(reader, inputs_node) if inputs_node is not None else {},
        outcomes,
        reader.seconds(body, "deadline", 3.0, DEADLINE_MAX),
        reader.boolean(body, "once", default=False),
        key.at,
    )


def _inputs(reader: Reader, node: Node) -> MappingType[str, Shape]:
    found = {}
    for key, value in reader.mapping(node, '"inputs:"', None).entries:
        reader.name(key, "input")
        typed = reader.scalar(value, f'"{key.value}:"').value
        if typed not in _INPUT_TYPES:
            hint = did_you_mean(typed, _INPUT_TYPES)
            reader.problem(value.at, "wrong-type", f'there is no type "{typed}"{hint}')
        else:
            found[key.value] = Shape(Type(typed))
    return found


def _function(
    reader: Reader,
    key: Scalar,
    node: Node,
    implementations: MappingType[str, Callable[..., object]],
) -> Function | None:
    what = f'function "{key.value}"'
    body = reader.mapping(node, what, ("inputs", "result"))
    inputs_node = body.get("inputs")
    inputs = _inputs(reader, inputs_node) if inputs_node is not None else {}
    result_node = body.get("result")
    result = reader.mapping(result_node, f"the result of {what}", KEYS, key.at)
    shape = Shape(Type.TEXT)
    if result_node is not None:
        shape = shape_of(reader, key, result, f"the result of {what}", FIELD_TYPES)
    implementation = implementations.get(key.value)
    if implementation is None:
        hint = did_you_mean(key.value, implementations)
        sentence = f'the application registers no function "{key.value}"{hint}'
        reader.problem(key.at, "unknown-function", sentence)
        return None
    return declared(key.value, inputs, shape, implementation)


def _outcome(reader: Reader, key: Scalar, node: Node) -> Outcome:
    reader.name(key, "outcome")
    body = reader.mapping(node, f'outcome "{key.value}"', _OUTCOME_KEYS)
    fields_node = body.get("fields")
    fields = _fields(reader, fields_node) if fields_node is not None else {}
    sample = body.get("sample")
    nothing_done = reader.boolean(body, "nothing_done", default=False)
    return Outcome(key.value, fields, _sample(reader, key, fields, sample), nothing_done)


def _sample(
    reader: Reader, key: Scalar, fields: MappingType[str, Shape], node: Node | None
) -> MappingType[str, object]:
    """One result of an outcome, as a back-end might give it."""
    given = node.by_name if isinstance(node, Mapping) else {}
    if set(given) != set(fields):
        names = ", ".join(fields) or "none"
        sentence = f'the sample of "{key.value}" must give exactly its fields: {names}'
        reader.problem(node.at if node is not None else key.at, "bad-sample", sentence)
    found = {}
    for name, shape in fields.items():
        value = _plain(given.get(name))
        if name in given and _is_sample(shape, value):
            found[name] = stored(shape, value)
        elif name in given:
            sentence = f'the sample of "{name}" must be {_wanted(shape)}'
            reader.problem(given[name].at, "bad-sample", sentence)
    return found


def _is_sample(shape: Shape, value: object) -> bool:
    if shape.type is Type.ROWS and isinstance(value, list):
        names = set(shape.fields)
        if any(not isinstance(row, dict) or set(row) != names for row in value):
            return False
    return fits(shape, value)


def _wanted(shape: Shape) -> str:
    if shape.type is Type.ROWS:
        return f"a list of at most {shape.rows_max} rows of {', '.join(shape.fields)}"
    most = f' that takes no more room than "{shape.longest}"' if shape.longest else ""
    return f"of type {shape.type}{most}"


def _fields(reader: Reader, node: Node, *, of_rows: bool = False) -> MappingType[str, Shape]:
    fields = {}
    for key, value in reader.mapping(node, '"fields:"', None).entries:
        what = f'field "{key.value}"'
        body = reader.mapping(value, what, _FIELD_KEYS)
        kind = Type(reader.one_of(body, "type", FIELD_TYPES, Type.TEXT))
        inner = body.get("fields")
        for name in ("longest",) if kind is Type.ROWS else ("rows_max", "fields"):
            if name in body.by_name:
                sentence = f'"{name}:" is not for {kind}'
                reader.problem(body.by_name[name].at, "unknown-key", sentence)
        if of_rows and key.value == "number":
            sentence = '"number" is the running number of every row'
            reader.problem(key.at, "bad-name", sentence)
        bounded = kind not in {Type.ROWS, Type.BOOLEAN}
        longest = reader.word(body, "longest", what, None if bounded else "")
        if kind is Type.ROWS:
            longest = ""
        elif "longest" in body.by_name and not _is_longest(kind, longest):
            sentence = f"the longest value of {what} must be a value of type {kind}"
            reader.problem(body.by_name["longest"].at, "wrong-type", sentence)
            longest = "8" * max(len(longest), 1)
        elif kind in NUMBERS and len(longest) > _NUMBER_MAX:
            sentence = f"the longest number has {_NUMBER_MAX} characters; no phone shows more"
            reader.problem(body.by_name["longest"].at, "wrong-type", sentence)
            longest = longest[:_NUMBER_MAX]
        fields[reader.name(key, "field")] = Shape(
            kind,
            longest=longest,
            fields=_fields(reader, inner, of_rows=True)
            if inner is not None and kind is Type.ROWS
            else {},
            rows_max=reader.integer(body, "rows_max", ROWS_MAX, 1, ROWS_MAX)
            if kind is Type.ROWS
            else 0,
        )
    return fields


def _is_longest(kind: Type, typed: str) -> bool:
    """Whether a longest value is one of its type, so that it says how wide others get."""
    if kind is Type.DIGITS:
        return typed.isascii() and typed.isdigit()
    if kind in {Type.DATE, Type.MSISDN}:
        return fits(Shape(kind), typed)
    if kind not in NUMBERS:
        return bool(typed)
    if texts.NUMBER.match(typed) is None:
        return False
    return kind is Type.DECIMAL or "." not in typed


def _plain(node: Node | None) -> object:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key.value: _plain(value) for key, value in node.entries}
    return [] if node is None else [_plain(item) for item in node.items]


def parse_system(source: str, file: str) -> MappingType[str, Text]:
    """The framework's own texts by name; raises `FlowError`."""
    reader = Reader(file, source)
    node, problems = read(source, file)
    reader.problems += problems
    if node is None:
        raise FlowError(reader.problems, {file: source})
    top = reader.mapping(node, "the system texts", ("cassou", "languages", "texts"))
    reader.version(top, "the file")
    languages = reader.sequence(top.get("languages"), '"languages:"', top.at)
    reader.languages = tuple(reader.scalar(item, "a language").value for item in languages)
    found: dict[str, Text] = {}
    typos: set[str] = set()
    for key, value in reader.mapping(top.get("texts"), '"texts:"', None, top.at).entries:
        if NAME.match(key.value) and key.value in SYSTEM_TEXTS:
            text = reader.text(value, f'text "{key.value}"', key.at)
            found[key.value] = text
            reader.problems += _system_names(key, text)
        else:
            near = meant(key.value, SYSTEM_TEXTS)
            typos.add(near)
            hint = f'; did you mean "{near}"?' if near else ""
            reader.problem(key.at, "unknown-key", f'the framework has no text "{key.value}"{hint}')
    missing = sorted(set(SYSTEM_TEXTS) - set(found) - typos)
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        reader.problem(
            top.at, "missing-key", f"{names}: the framework shows this, and it is missing"
        )
    if reader.problems:
        raise FlowError(reader.problems, {file: source})
    return found


def _system_names(key: Scalar, text: Text) -> list[Diagnostic]:
    """Places of a framework's text that it does not fill."""
    known = SYSTEM_TEXTS[key.value]
    found = []
    for language, template in text.by_language.items():
        for place in template.places:
            at = text.places.get(language, text.at)
            if place.path not in known:
                hint = did_you_mean(place.path, known) or "; it has no places for values"
                sentence = f'the text "{key.value}" has no value "{place.path}"{hint}'
                found.append(Diagnostic(at, "unset-variable", sentence))
            elif place.filters:
                # What the framework puts there is text that is ready to be shown.
                sentence = f'the framework\'s own texts have no filters: write "{{{place.path}}}"'
                found.append(Diagnostic(at, "unknown-filter", sentence))
    return found


_RANGE = frozenset({"low", "high"})
_NONE: frozenset[str] = frozenset()
#: Every text the framework itself shows, and the values it may name.
SYSTEM_TEXTS: MappingType[str, frozenset[str]] = {
    "back": _NONE,
    "home": _NONE,
    "more": _NONE,
    "continue": _NONE,
    "wait": _NONE,
    "expired": _NONE,
    "unknown_code": _NONE,
    "refused": _NONE,
    "busy": _NONE,
    "error": _NONE,
    "resume": _NONE,
    "resume_yes": _NONE,
    "resume_no": _NONE,
    "or": _NONE,
    "invalid_option": _NONE,
    "invalid_digits": frozenset({"lengths"}),
    "invalid_number": _RANGE,
    "invalid_whole": _RANGE,
    "invalid_places": frozenset({"places"}),
    "invalid_text": _RANGE,
    "invalid_msisdn": _NONE,
    "invalid_date": _NONE,
    "invalid_date_range": _RANGE,
}


def check_messages(source: str, file: str, filters: Collection[str]) -> None:
    """Whether a file of SMS texts (`sms.yaml`) is one; raises `FlowError` with what is wrong.

    Every message has a text in the default language; its places can be read, its filters exist.
    """
    reader = Reader(file, source)
    node, problems = read(source, file)
    reader.problems += problems
    if node is not None:
        top = reader.mapping(node, "the messages", ("default_language", "messages"))
        default = reader.word(top, "default_language", "the messages")
        for key, value in reader.mapping(top.get("messages"), '"messages:"', None, top.at).entries:
            _check_message(reader, key, value, default, filters)
    if reader.problems:
        raise FlowError(reader.problems, {file: source})


def _check_message(
    reader: Reader, key: Scalar, node: Node, default: str, filters: Collection[str]
) -> None:
    body = reader.mapping(node, f'message "{key.value}"', None)
    if default and default not in body.by_name:
        sentence = f'message "{key.value}" has no text in "{default}", the default language'
        reader.problem(key.at, "missing-translation", sentence)
    for language, inner in body.entries:
        if not LANGUAGE.match(language.value):
            sentence = f'"{language.value}" is no language: two or three letters, such as fr'
            reader.problem(language.at, "bad-name", sentence)
        scalar = reader.scalar(inner, f'message "{key.value}"')
        for place in reader.template(scalar).places:
            for name in place.filters:
                if name not in filters:
                    hint = did_you_mean(name, filters)
                    reader.problem(scalar.at, "unknown-filter", f'no filter "{name}"{hint}')
