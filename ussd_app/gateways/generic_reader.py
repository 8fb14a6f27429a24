"""Reads gateway profiles: YAML to a `Profile`, every problem with its place, all at once.

A profile describes a gateway's format so that no code is needed; docs/gateways.md tells every key.
What cannot be true of any gateway is refused here: a place that names no field, two bodies that no
phone could tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Named

from ussd_app.flow.diagnostics import FlowError, Position, did_you_mean
from ussd_app.flow.reader import LANGUAGE, Reader, lines_of, place_at
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence, read
from ussd_app.gateways.base import Capabilities, InputStyle
from ussd_app.gateways.generic_bodies import (
    BadPlace,
    Body,
    Format,
    Json,
    Place,
    Template,
    line_tag,
    parse_template,
)
from ussd_app.gateways.generic_profile import (
    METHOD,
    Carrier,
    Code,
    Condition,
    Dialled,
    End,
    Field,
    Mapped,
    Profile,
    Reply,
    Request,
    Sample,
    Test,
)
from ussd_app.messages import Action, Kind

_TOP = ("cassou", "gateway", "source", "confidence", "auth", "request", "reply", "limits")
_REQUEST = (
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
_REPLY = (
    "format",
    "status",
    "content_type",
    "continue",
    "end",
    "notice",
    "headers",
    "newline",
    "replace",
)
_LIMITS = ("septets_max", "ucs2_max", "reply_seconds")
_TESTS = ("is", "not", "starts", "present")
_METHODS = ("GET", "POST", "PUT")
_CARRIERS = ("query", "form", "json", "xml", "header")
_CONTENT_TYPES = {
    Format.TEXT: "text/plain; charset=utf-8",
    Format.JSON: "application/json",
    Format.XML: "text/xml; charset=utf-8",
}
_NOTICES = {each.value: each for each in (Kind.CANCEL, Kind.TIMEOUT, Kind.ENDED)}
_FIELD = re.compile(r"(?:(query|form|json|xml|header|path):)?([^\s{}:]+)\Z")
_PATH = re.compile(r"(/(\{[a-z][a-z0-9_]*\}|[A-Za-z0-9._~-]+))*\Z")
_HEADER = re.compile(r"[A-Za-z0-9-]+\Z")
_LITERAL = re.compile(r"true\Z|false\Z|null\Z|-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,10})?\Z")
_PLACE_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NOTHING = Field(Carrier.QUERY, "")
#: What a body is tried with: nothing that a format escapes, and nothing that stands in a profile.
_PROBE = "Probe 7 of the text"


def parse_profile(source: str, file: str) -> Profile:
    """The profile in `source`; raises `FlowError` with every problem in it."""
    node, problems = read(source, file)
    reader = _Reader(file, source)
    reader.problems += problems
    profile = reader.profile(node) if node is not None else None
    if reader.problems or profile is None:
        raise FlowError(reader.problems, {file: source})
    return profile


class _Reader(Reader):
    """The vocabulary of profiles beside that of all our files."""

    def __init__(self, file: str, source: str) -> None:
        super().__init__(file, source)
        self._source_lines = lines_of(source)
        self._carrier = Carrier.QUERY
        #: Where each place of a body or header stands.
        self._used: list[tuple[Place, Position]] = []
        #: Where each field stands that is a part of the path.
        self._parts: list[tuple[str, Position]] = []

    def profile(self, node: Node) -> Profile:
        top = self.mapping(node, "the profile", _TOP)
        self.version(top, "the profile")
        name = self.word(top, "gateway", "the profile")
        if name and (at := top.get("gateway")) is not None:
            self.name(Scalar(name, at.at), "gateway")
        request = self._request(self._part(top, "request", _REQUEST))
        reply = self._reply(self._part(top, "reply", _REPLY))
        self._check_places(request)
        return Profile(
            name,
            self.word(top, "source", "the profile"),
            self.word(top, "confidence", "the profile"),
            self._capabilities(top, request),
            request,
            reply,
            tuple(
                sorted(
                    {
                        place.name.removeprefix("option.")
                        for place, _ in self._used
                        if place.name.startswith("option.") and not place.default
                    }
                )
            ),
        )

    def _part(self, top: Mapping, key: str, known: tuple[str, ...]) -> Mapping:
        node = top.get(key)
        if node is None:
            self.problem(top.at, "missing-key", f'the profile needs "{key}:"')
            return Mapping((), top.at)
        return self.mapping(node, f'"{key}:"', known)

    def _capabilities(self, top: Mapping, request: Request) -> Capabilities:
        kinds = {each.kind for each in request.ends}
        node = top.get("limits")
        limits = Mapping((), top.at) if node is None else self.mapping(node, '"limits:"', _LIMITS)
        return Capabilities(
            self.integer(limits, "septets_max", 160, 40, 182),
            self.integer(limits, "ucs2_max", 0, 0, 91),
            float(self.integer(limits, "reply_seconds", 5, 1, 120)),
            request.style,
            reports_cancel=Kind.CANCEL in kinds,
            reports_timeout=Kind.TIMEOUT in kinds,
            numbers_hops=request.position is not None or request.style is InputStyle.ACCUMULATED,
            auth=self.word(top, "auth", "the profile", "none"),
        )

    # The request.

    def _request(self, node: Mapping) -> Request:
        what = '"request:"'
        carrier = Carrier(self.one_of(node, "in", _CARRIERS, "query"))
        if "in" not in node.by_name:
            self.problem(node.at, "missing-key", f'{what} needs "in:"')
        self._carrier = carrier
        root = self.word(node, "root", what, None if carrier is Carrier.XML else "")
        if root and carrier is not Carrier.XML:
            at = node.by_name["root"].at
            self.problem(at, "wrong-shape", '"root:" is for fields in xml')
        styles = tuple(each.value for each in InputStyle)
        style = InputStyle(self.one_of(node, "style", styles, "last"))
        msisdn, msisdn_needed = self._needed(node, "msisdn", what)
        typed, input_needed = self._needed(node, "input", what)
        dialled, dialled_field = self._dialled(node, style)
        paths = self._paths(node)
        return Request(
            carrier,
            self._methods(node, carrier),
            paths,
            root,
            self.boolean(node, "any_case", default=False),
            style,
            self._fields(node, "session", needed=True),
            self._fields(node, "session_else", needed=False),
            msisdn,
            msisdn_needed,
            typed,
            input_needed,
            dialled,
            dialled_field,
            self._code(node),
            self._field(node.get("position"), '"position:"') if node.get("position") else None,
            self._mapped(node, "network"),
            self._mapped(node, "language"),
            self._begin(node, paths),
            self._ends(node, paths),
            self._also(node),
        )

    def _methods(self, node: Mapping, carrier: Carrier) -> tuple[str, ...]:
        inner = node.get("methods")
        if inner is None:
            return (METHOD.get(carrier, "POST"),)
        found = []
        for item in self.sequence(inner, '"methods:"', inner.at):
            typed = self.scalar(item, "a method")
            found.append(typed.value)
            if typed.value not in _METHODS:
                hint = did_you_mean(typed.value, _METHODS)
                self.problem(typed.at, "wrong-type", f'no method "{typed.value}"{hint}')
        return tuple(found)

    def _paths(self, node: Mapping) -> tuple[str, ...]:
        inner = node.get("paths")
        if inner is None:
            return ("",)
        found = []
        for item in self.sequence(inner, '"paths:"', inner.at):
            typed = self.scalar(item, "a path")
            found.append(typed.value)
            if not _PATH.match(typed.value):
                sentence = f'"{typed.value}" is no path such as "", /s or "/session/{{id}}/start"'
                self.problem(typed.at, "wrong-type", sentence)
        return tuple(found)

    def _field(self, node: Node | None, what: str) -> Field:
        if node is None:
            return _NOTHING
        scalar = self.scalar(node, what)
        match = _FIELD.match(scalar.value)
        if match is None:
            if isinstance(node, Scalar):
                sentence = f'{what} must be the name of a field, as "msisdn" or "header:user-entry"'
                self.problem(scalar.at, "wrong-type", sentence)
            return _NOTHING
        found = Field(Carrier(match[1]) if match[1] else self._carrier, match[2])
        if found.carrier is Carrier.PATH:
            self._parts.append((found.name, scalar.at))
        return found

    def _fields(self, node: Mapping, key: str, *, needed: bool) -> tuple[Field, ...]:
        inner = node.get(key)
        if inner is None:
            if needed:
                self.problem(node.at, "missing-key", f'"request:" needs "{key}:"')
            return ()
        items = inner.items if isinstance(inner, Sequence) else (inner,)
        if not items:
            self.problem(inner.at, "missing-key", f'"{key}:" is empty')
        return tuple(self._field(item, f'"{key}:"') for item in items)

    def _needed(self, node: Mapping, key: str, what: str) -> tuple[Field, bool]:
        """A field that must come, or `{field: …, optional: true}`."""
        inner = node.get(key)
        if inner is None:
            self.problem(node.at, "missing-key", f'{what} needs "{key}:"')
            return _NOTHING, True
        if not isinstance(inner, Mapping):
            return self._field(inner, f'"{key}:"'), True
        body = self.mapping(inner, f'"{key}:"', ("field", "optional"))
        optional = self.boolean(body, "optional", default=False)
        return self._of(body, f'"{key}:"'), not optional

    def _of(self, body: Mapping, what: str) -> Field:
        """The field under `field:`."""
        if "field" not in body.by_name:
            self.problem(body.at, "missing-key", f'{what} needs "field:"')
        return self._field(body.get("field"), '"field:"')

    def _dialled(self, node: Mapping, style: InputStyle) -> tuple[Dialled, Field | None]:
        grows = style is InputStyle.ACCUMULATED
        inner = node.get("dialled")
        if isinstance(inner, Mapping):
            found = Dialled.FIELD
            field = self._of(self.mapping(inner, '"dialled:"', ("field",)), '"dialled:"')
        else:
            words = (Dialled.EITHER.value, Dialled.AFTER.value, Dialled.NONE.value)
            default = Dialled.AFTER if grows else Dialled.EITHER
            found, field = Dialled(self.one_of(node, "dialled", words, default)), None
        if grows and inner is not None and found is not Dialled.AFTER:
            sentence = 'in accumulated input what was dialled comes first: "dialled: after"'
            self.problem(inner.at, "wrong-shape", sentence)
        return found, field

    def _code(self, node: Mapping) -> Code:
        inner = node.get("code")
        if inner is None:
            self.problem(node.at, "missing-key", '"request:" needs "code:"')
            return Code()
        if isinstance(inner, Scalar) and inner.value in {"dialled", "endpoint"}:
            return Code(dialled=inner.value == "dialled")
        if not isinstance(inner, Mapping):
            return Code(self._field(inner, '"code:"'), needed=True)
        body = self.mapping(inner, '"code:"', ("field", "else", "shared"))
        other = self.one_of(body, "else", ("dialled", "endpoint"), "")
        shared = self.word(body, "shared", '"code:"', "").strip("*#")
        return Code(self._of(body, '"code:"'), not other, other == "dialled", shared)

    def _mapped(self, node: Mapping, key: str) -> Mapped | None:
        inner = node.get(key)
        if inner is None:
            return None
        if not isinstance(inner, Mapping):
            return Mapped(self._field(inner, f'"{key}:"'))
        body = self.mapping(inner, f'"{key}:"', ("field", "values"))
        values = {}
        for name, value in self.mapping(body.get("values"), '"values:"', None).entries:
            typed = self.scalar(value, f'"{name.value}:"')
            values[name.value.lower()] = typed.value
            if key == "language" and not LANGUAGE.match(typed.value):
                sentence = f'"{typed.value}" is not the code of a language, as fr or en'
                self.problem(typed.at, "wrong-type", sentence)
        return Mapped(self._of(body, f'"{key}:"'), values)

    def _also(self, node: Mapping) -> tuple[tuple[Field, Sample], ...]:
        inner = node.get("also")
        if inner is None:
            return ()
        found = []
        for name, value in self.mapping(inner, '"also:"', None).entries:
            found.append((self._field(name, '"also:"'), self._sample(value)))
        return tuple(found)

    def _sample(self, node: Node) -> Sample:
        scalar = self.scalar(node, "a value")
        return Sample(scalar.value, scalar.plain and bool(_LITERAL.match(scalar.value)))

    # Conditions.

    def _begin(self, node: Mapping, paths: tuple[str, ...]) -> tuple[Condition, ...]:
        inner = node.get("begin")
        if inner is None:
            self.problem(node.at, "missing-key", '"request:" needs "begin:"')
            return ()
        found = []
        for item in inner.items if isinstance(inner, Sequence) else (inner,):
            if isinstance(item, Scalar):
                words = (Test.DIALLED.value, Test.UNKNOWN.value)
                if item.value in words:
                    found.append(Condition(Test(item.value)))
                else:
                    hint = did_you_mean(item.value, words)
                    self.problem(item.at, "wrong-type", f'no way to begin is "{item.value}"{hint}')
                continue
            keys = ("field", *_TESTS, "path", "later")
            body = self.mapping(item, "a way to begin", keys)
            found.append(self._condition(body, paths))
        return tuple(found)

    def _ends(self, node: Mapping, paths: tuple[str, ...]) -> tuple[End, ...]:
        inner = node.get("ends")
        if inner is None:
            return ()
        found = []
        for item in self.sequence(inner, '"ends:"', inner.at):
            body = self.mapping(item, "a notice", ("field", *_TESTS, "path", "means", "reason"))
            self.word(body, "means", "a notice")
            kind = _NOTICES[self.one_of(body, "means", tuple(_NOTICES), "cancel")]
            reason = self._template(body.get("reason") or Scalar(kind.value, body.at))
            found.append(End(self._condition(body, paths), kind, reason))
        return tuple(found)

    def _condition(self, body: Mapping, paths: tuple[str, ...]) -> Condition:
        later = self._sample(body.by_name["later"]) if "later" in body.by_name else None
        path = body.get("path")
        if path is not None:
            for place in (path, body.get("later")):
                if place is not None and self.scalar(place, "a path").value not in paths:
                    typed = self.scalar(place, "a path").value
                    hint = did_you_mean(typed, paths)
                    self.problem(place.at, "wrong-type", f'"{typed}" is none of "paths:"{hint}')
            return Condition(Test.PATH, None, (self._sample(path),), later=later)
        field = self._of(body, "a condition")
        tests = [name for name in _TESTS if name in body.by_name]
        if len(tests) != 1:
            sentence = f"a condition needs one of {', '.join(f'{each}:' for each in _TESTS)}"
            self.problem(body.at, "missing-key" if not tests else "wrong-shape", sentence)
            return Condition(Test.PRESENT, field, later=later)
        test, node = Test(tests[0]), body.by_name[tests[0]]
        if test is Test.PRESENT:
            wanted = self.boolean(body, "present", default=True)
            return Condition(test, field, wanted=wanted, later=later)
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.problem(node.at, "missing-key", f'"{tests[0]}:" is empty')
        return Condition(test, field, tuple(self._sample(each) for each in items), later=later)

    # The reply.

    def _reply(self, node: Mapping) -> Reply:
        formats = tuple(each.value for each in Format)
        kind = Format(self.one_of(node, "format", formats, "text"))
        if "format" not in node.by_name:
            self.problem(node.at, "missing-key", '"reply:" needs "format:"')
        newline = self._newline(node, kind)
        bodies = {action: self._body(node, action.value, kind) for action in Action}
        reply = Reply(
            self.integer(node, "status", 200, 200, 299),
            self.word(node, "content_type", '"reply:"', _CONTENT_TYPES[kind]),
            bodies,
            self._body(node, "notice", kind) if "notice" in node.by_name else None,
            self._headers(node),
            newline,
            self._replace(node),
        )
        if not self.problems:
            self._check_read(node, reply)
        return reply

    def _newline(self, node: Mapping, kind: Format) -> str:
        inner = node.get("newline")
        if inner is None:
            return "\n"
        typed = self.scalar(inner, '"newline:"').value
        readable = line_tag(typed) or typed in {"&#10;", "&#xA;", "&#xa;"} or "<" not in typed
        if "\n" in typed or (kind is Format.XML and not readable):
            sentence = '"newline:" is a text of one line; in xml an empty element as "<br/>"'
            self.problem(inner.at, "wrong-type", sentence)
        return typed

    def _replace(self, node: Mapping) -> tuple[tuple[str, str], ...]:
        inner = node.get("replace")
        if inner is None:
            return ()
        return tuple(
            (name.value, self.scalar(value, f'"{name.value}:"').value)
            for name, value in self.mapping(inner, '"replace:"', None).entries
        )

    def _headers(self, node: Mapping) -> tuple[tuple[str, Named[Action, Template]], ...]:
        inner = node.get("headers")
        if inner is None:
            return ()
        found = []
        for name, value in self.mapping(inner, '"headers:"', None).entries:
            if not _HEADER.match(name.value):
                self.problem(name.at, "bad-name", f'"{name.value}" is not the name of a header')
            if isinstance(value, Mapping):
                body = self.mapping(value, f'header "{name.value}"', tuple(Action))
                each = {action: self._header(body, action, name) for action in Action}
            else:
                each = dict.fromkeys(Action, self._template(value))
            found.append((name.value, each))
        return tuple(found)

    def _header(self, body: Mapping, action: Action, name: Scalar) -> Template:
        inner = body.get(action.value)
        if inner is None:
            sentence = f'header "{name.value}" needs "{action.value}:"'
            self.problem(body.at, "missing-key", sentence)
            return Template(())
        return self._template(inner)

    def _body(self, node: Mapping, key: str, kind: Format) -> Body:
        inner = node.get(key)
        if inner is None:
            self.problem(node.at, "missing-key", f'"reply:" needs "{key}:"')
            return Body(kind, Template(()))
        if kind is Format.JSON:
            return Body(kind, self._json(self.mapping(inner, f'"{key}:"', None)))
        body = Body(kind, self._template(inner))
        if kind is Format.XML:
            try:
                body.leaves()
            except ValueError as error:
                self.problem(inner.at, "wrong-type", f'"{key}:" is not XML: {error}')
        return body

    def _json(self, node: Node) -> Json:
        if isinstance(node, Sequence):
            return [self._json(item) for item in node.items]
        if isinstance(node, Mapping):
            if any(
                isinstance(each, Scalar) and each.value == "" and each.plain
                for _, each in node.entries
            ):
                sentence = "a member without a value; put quotes around a text with braces"
                self.problem(node.at, "yaml-trap", sentence)
            return {name.value: self._json(value) for name, value in node.entries}
        if not node.plain or not _LITERAL.match(node.value):
            return self._template(node)
        if node.value in {"true", "false", "null"}:
            return {"true": True, "false": False, "null": None}[node.value]
        return float(node.value) if "." in node.value else int(node.value)

    def _template(self, node: Node) -> Template:
        if isinstance(node, Mapping) and len(node.entries) == 1:
            self.problem(node.at, "yaml-trap", "put quotes around a text with braces")
            return Template(())
        scalar = self.scalar(node, "a text")
        try:
            found = parse_template(scalar.value)
        except BadPlace as error:
            at = place_at(self._source_lines, scalar.at, scalar.value, error.offset, error.length)
            self.problem(at, "bad-place", str(error))
            return Template(())
        self._used += [(place, scalar.at) for place in found.places()]
        return found

    # What holds between the parts.

    def _check_places(self, request: Request) -> None:
        """Every place names a field that the profile declares."""
        known = {str(each) for each in request.fields()}
        parts = {name for path in request.paths for name in _PLACE_NAME.findall(path)}
        for each, at in self._parts:
            if each not in parts:
                hint = did_you_mean(each, parts)
                self.problem(at, "unknown-field", f'"paths:" have no part "{each}"{hint}')
        known |= parts
        for place, at in self._used:
            name = place.name.removeprefix("request.")
            if name != place.name and name not in known:
                hint = did_you_mean(name, known) or '; name it under "also:"'
                self.problem(at, "unknown-field", f'"request:" names no field "{name}"{hint}')

    def _check_read(self, node: Mapping, reply: Reply) -> None:
        """A phone must find the screen in each body, and know whether it may answer."""
        values = {place.name: place.default or "7" for place, _ in self._used}
        values |= {"screen": _PROBE, "masked": "false"}
        for action, body in reply.bodies.items():
            at = node.by_name[action.value].at
            sent = body.render(values, reply.newline)
            if body.read(sent, reply.newline) != _PROBE:
                sentence = f'"{action.value}:" does not say where the screen stands: "{{screen}}"'
                self.problem(at, "unreadable-reply", sentence)
        told = any(each[Action.CONTINUE] != each[Action.END] for _, each in reply.headers)
        later = reply.bodies[Action.CONTINUE]
        ended = reply.bodies[Action.END].render(values, reply.newline)
        if not told and not self.problems and later.read(ended, reply.newline) is not None:
            sentence = 'an "end:" that reads as a "continue:": no phone could tell them apart'
            self.problem(node.by_name["end"].at, "unreadable-reply", sentence)
