"""How callbacks are understood: the `request:` of a gateway profile, read."""

from __future__ import annotations

import re

from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.flow.reader import LANGUAGE
from ussd_app.flow.syntax import Mapping, Scalar, Sequence
from ussd_app.gateways.base import InputStyle
from ussd_app.gateways.generic_profile import (
    METHOD,
    Carrier,
    Code,
    Condition,
    Dialled,
    End,
    Field,
    How,
    Mapped,
    Request,
    Sample,
)
from ussd_app.gateways.generic_words import Words
from ussd_app.messages import Kind

REQUEST_KEYS = (
    "in",
    "methods",
    "paths",
    "root",
    "any_case",
    "style",
    "session",
    "session_else",
    "msisdn",
    "input",
    "dialled",
    "code",
    "position",
    "network",
    "language",
    "begin",
    "ends",
    "also",
)
_TESTS = ("is", "not", "starts", "present")
_METHODS = ("GET", "POST", "PUT")
_CARRIERS = ("query", "form", "json", "xml", "header")
_NOTICES = {each.value: each for each in (Kind.CANCEL, Kind.TIMEOUT, Kind.ENDED)}
_PATH = re.compile(r"(/(\{[a-z][a-z0-9_]*\}|[A-Za-z0-9._~-]+))*\Z")


def read_request(words: Words, node: Mapping) -> Request:
    """The profile's `request:`; what is wrong in it goes to `words`."""
    what = '"request:"'
    carrier = Carrier(words.one_of(node, "in", _CARRIERS, "query"))
    if "in" not in node.by_name:
        words.problem(node.at, "missing-key", f'{what} needs "in:"')
    words.carrier = carrier
    root = words.word(node, "root", what, None if carrier is Carrier.XML else "")
    if root and carrier is not Carrier.XML:
        at = node.by_name["root"].at
        words.problem(at, "wrong-shape", '"root:" is for fields in xml')
    styles = tuple(each.value for each in InputStyle)
    style = InputStyle(words.one_of(node, "style", styles, "last"))
    msisdn, msisdn_needed = words.needed(node, "msisdn", what)
    typed, input_needed = words.needed(node, "input", what)
    dialled, dialled_field = _dialled(words, node, style)
    paths = _paths(words, node)
    return Request(
        carrier,
        _methods(words, node, carrier),
        paths,
        root,
        words.boolean(node, "any_case", default=False),
        style,
        words.fields(node, "session", needed=True),
        words.fields(node, "session_else", needed=False),
        msisdn,
        msisdn_needed,
        typed,
        input_needed,
        dialled,
        dialled_field,
        _code(words, node),
        words.field(node.get("position"), '"position:"') if node.get("position") else None,
        _mapped(words, node, "network"),
        _mapped(words, node, "language"),
        _begin(words, node, paths),
        _ends(words, node, paths),
        _also(words, node),
    )


def _methods(words: Words, node: Mapping, carrier: Carrier) -> tuple[str, ...]:
    inner = node.get("methods")
    if inner is None:
        return (METHOD.get(carrier, "POST"),)
    found = []
    for item in words.sequence(inner, '"methods:"', inner.at):
        typed = words.scalar(item, "a method")
        found.append(typed.value)
        if typed.value not in _METHODS:
            hint = did_you_mean(typed.value, _METHODS)
            words.problem(typed.at, "wrong-type", f'no method "{typed.value}"{hint}')
    return tuple(found)


def _paths(words: Words, node: Mapping) -> tuple[str, ...]:
    inner = node.get("paths")
    if inner is None:
        return ("",)
    found = []
    for item in words.sequence(inner, '"paths:"', inner.at):
        typed = words.scalar(item, "a path")
        found.append(typed.value)
        if not _PATH.match(typed.value):
            sentence = f'"{typed.value}" is no path such as "", /s or "/session/{{id}}/start"'
            words.problem(typed.at, "wrong-type", sentence)
    return tuple(found)


def _dialled(words: Words, node: Mapping, style: InputStyle) -> tuple[Dialled, Field | None]:
    grows = style is InputStyle.ACCUMULATED
    inner = node.get("dialled")
    if isinstance(inner, Mapping):
        found = Dialled.FIELD
        field = words.of(words.mapping(inner, '"dialled:"', ("field",)), '"dialled:"')
    else:
        known = (Dialled.EITHER.value, Dialled.AFTER.value, Dialled.NONE.value)
        default = Dialled.AFTER if grows else Dialled.EITHER
        found, field = Dialled(words.one_of(node, "dialled", known, default)), None
    if grows and inner is not None and found is not Dialled.AFTER:
        sentence = 'in accumulated input what was dialled comes first: "dialled: after"'
        words.problem(inner.at, "wrong-shape", sentence)
    return found, field


def _code(words: Words, node: Mapping) -> Code:
    inner = node.get("code")
    if inner is None:
        words.problem(node.at, "missing-key", '"request:" needs "code:"')
        return Code()
    if isinstance(inner, Scalar) and inner.value in {"dialled", "endpoint"}:
        return Code(dialled=inner.value == "dialled")
    if not isinstance(inner, Mapping):
        return Code(words.field(inner, '"code:"'), needed=True)
    body = words.mapping(inner, '"code:"', ("field", "else", "shared"))
    other = words.one_of(body, "else", ("dialled", "endpoint"), "")
    shared = words.word(body, "shared", '"code:"', "").strip("*#")
    return Code(words.of(body, '"code:"'), not other, other == "dialled", shared)


def _mapped(words: Words, node: Mapping, key: str) -> Mapped | None:
    inner = node.get(key)
    if inner is None:
        return None
    if not isinstance(inner, Mapping):
        return Mapped(words.field(inner, f'"{key}:"'), {})
    body = words.mapping(inner, f'"{key}:"', ("field", "values"))
    values = {}
    for name, value in words.mapping(body.get("values"), '"values:"', None).entries:
        typed = words.scalar(value, f'"{name.value}:"')
        values[name.value.lower()] = typed.value
        if key == "language" and not LANGUAGE.match(typed.value):
            sentence = f'"{typed.value}" is not the code of a language, as fr or en'
            words.problem(typed.at, "wrong-type", sentence)
    return Mapped(words.of(body, f'"{key}:"'), values)


def _also(words: Words, node: Mapping) -> tuple[tuple[Field, Sample], ...]:
    inner = node.get("also")
    if inner is None:
        return ()
    found = []
    for name, value in words.mapping(inner, '"also:"', None).entries:
        found.append((words.field(name, '"also:"'), words.sample(value)))
    return tuple(found)


# Conditions.


def _begin(words: Words, node: Mapping, paths: tuple[str, ...]) -> tuple[Condition, ...]:
    inner = node.get("begin")
    if inner is None:
        words.problem(node.at, "missing-key", '"request:" needs "begin:"')
        return ()
    found = []
    for item in inner.items if isinstance(inner, Sequence) else (inner,):
        if isinstance(item, Scalar):
            known = (How.DIALLED.value, How.UNKNOWN.value)
            if item.value in known:
                found.append(Condition(How(item.value)))
            else:
                hint = did_you_mean(item.value, known)
                words.problem(item.at, "wrong-type", f'no way to begin is "{item.value}"{hint}')
            continue
        keys = ("field", *_TESTS, "path", "later")
        body = words.mapping(item, "a way to begin", keys)
        found.append(_test(words, body, paths))
    return tuple(found)


def _ends(words: Words, node: Mapping, paths: tuple[str, ...]) -> tuple[End, ...]:
    inner = node.get("ends")
    if inner is None:
        return ()
    found = []
    for item in words.sequence(inner, '"ends:"', inner.at):
        body = words.mapping(item, "a notice", ("field", *_TESTS, "path", "means", "reason"))
        words.word(body, "means", "a notice")
        kind = _NOTICES[words.one_of(body, "means", tuple(_NOTICES), "cancel")]
        reason = words.with_places(body.get("reason") or Scalar(kind.value, body.at))
        found.append(End(_test(words, body, paths), kind, reason))
    return tuple(found)


def _test(words: Words, body: Mapping, paths: tuple[str, ...]) -> Condition:
    later = words.sample(body.by_name["later"]) if "later" in body.by_name else None
    if "path" in body.by_name:
        return _path_test(words, body, paths, later)
    field = words.of(body, "a condition")
    tests = [name for name in _TESTS if name in body.by_name]
    if len(tests) != 1:
        sentence = f"a condition needs exactly one of {', '.join(f'{each}:' for each in _TESTS)}"
        words.problem(body.at, "missing-key" if not tests else "wrong-shape", sentence)
        return Condition(How.PRESENT, field, later=later)
    how, node = How(tests[0]), body.by_name[tests[0]]
    if how is How.PRESENT:
        wanted = words.boolean(body, "present", default=True)
        return Condition(how, field, wanted=wanted, later=later)
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        words.problem(node.at, "missing-key", f'"{tests[0]}:" is empty')
    return Condition(how, field, tuple(words.sample(each) for each in items), later=later)


def _path_test(
    words: Words, body: Mapping, paths: tuple[str, ...], later: Sample | None
) -> Condition:
    for key in ("field", *_TESTS):
        if key in body.by_name:
            at = body.by_name[key].at
            words.problem(at, "wrong-shape", f'a condition on "path:" takes no "{key}:"')
    for key in ("path", "later"):
        node = body.get(key)
        if node is None:
            continue
        typed = words.scalar(node, f'"{key}:"').value
        if typed not in paths:
            known = ", ".join(f'"{each}"' for each in paths)
            words.problem(node.at, "wrong-type", f'"{typed}" is none of "paths:"; they are {known}')
    return Condition(How.PATH, None, (words.sample(body.by_name["path"]),), later=later)
