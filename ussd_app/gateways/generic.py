"""An adapter that a YAML profile configures; those of a dozen gateways are shipped.

Confidence and source: each profile says its own. A profile tells where a callback's fields stand,
how it begins and ends a session, and what a reply looks like; the gateway's own side, for phones
and tests, follows from the same lines. How to write one: docs/gateways.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from ussd_app.flow.reader import LANGUAGE
from ussd_app.gateways import base
from ussd_app.gateways.generic_bodies import Body, Template
from ussd_app.gateways.generic_callback import Callback, dial_string, path_pattern
from ussd_app.gateways.generic_profile import (
    Carrier,
    Condition,
    Dialled,
    End,
    Field,
    How,
    Mapped,
    Profile,
    Request,
    Sample,
)
from ussd_app.gateways.generic_reader import parse_profile
from ussd_app.messages import (
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

PROFILES = Path(__file__).parent / "profiles"
_NUMBER_DIGITS_MAX = 9
#: What a header of ours may not hold, and what WSGI cannot send.
_NO_HEADER = re.compile(r"[^\x20-\x7e\xa0-\xff]")
_CONTENT_TYPES = {
    Carrier.FORM: "application/x-www-form-urlencoded",
    Carrier.JSON: "application/json",
    Carrier.XML: "text/xml; charset=utf-8",
}


def _besides(request: Request) -> frozenset[str]:
    """What a profile reads of a request besides its body."""
    carriers = {field.carrier for field in request.fields()} | {request.carrier}
    found = {"query"} if "GET" in request.methods or Carrier.QUERY in carriers else set()
    if Carrier.HEADER in carriers:
        found.add("headers")
    if Carrier.PATH in carriers or len(request.paths) > 1:
        found.add("path")
    return frozenset(found)


class Generic(base.Adapter):
    """The adapter of one profile.

    `options` are those that an endpoint must give it; `carries_extra` is whether the gateway tells
    what was dialled after the service code.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.name = profile.name
        self.confidence = profile.confidence
        self.methods = frozenset(profile.request.methods)
        self.capabilities = profile.capabilities
        self.options = frozenset(profile.options)
        self.reads_besides = _besides(profile.request)
        self.carries_extra = profile.request.dialled is not Dialled.NONE
        self._paths = [path_pattern(path) for path in profile.request.paths]
        bodies = [*profile.reply.bodies.values(), *filter(None, [profile.reply.notice])]
        places = [place for body in bodies for place in body.places()]
        for _, templates in profile.reply.headers:
            places += [place for each in templates.values() for place in each.places()]
        by_name = {field.name: field for field in profile.request.fields()}
        #: The fields that a reply gives back.
        self._echoed = {
            place.name: by_name[place.name.removeprefix("request.")]
            for place in places
            if place.name.removeprefix("request.") in by_name
        }

    def serves(self, path: str) -> bool:
        """See `Gateway.serves`."""
        return any(pattern.fullmatch(path) for pattern in self._paths)

    # Callbacks.

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        """See the profile; raises `BadCallback`."""
        spec = self.profile.request
        callback = Callback(spec, request, endpoint)
        found = ((name, callback.get(field)) for name, field in self._echoed.items())
        echo = {name: value for name, value in found if value is not None}
        typed = callback.get(spec.input)
        for end in spec.ends:
            if callback.holds(end.condition, typed or ""):
                return self._notice(callback, end, echo)
        if typed is None and spec.input_needed:
            raise BadCallback(f'"{spec.input}" is missing')
        typed = typed or ""
        kind = self._kind(callback, typed)
        code, after = callback.code(typed, kind)
        number = self._number(callback)
        grows = spec.style is base.InputStyle.ACCUMULATED
        shown = self._dialled(callback, typed, code, after) if kind is Kind.BEGIN else typed
        return UssdRequest(
            kind,
            self._session(callback),
            self._msisdn(callback),
            code,
            typed if grows else shown,
            base.fingerprint(kind, "" if number is None else str(number), typed),
            accumulated=grows,
            position=len(typed) if grows else number,
            language=self._language(callback),
            network=_mapped(callback, spec.network),
            echo=echo,
        )

    def _notice(self, callback: Callback, end: End, echo: Mapping[str, str]) -> UssdRequest:
        code, _ = callback.code("", end.kind)
        values = {
            place.name: callback.get(field) or ""
            for place in end.reason.places()
            for field in callback.spec.fields()
            if place.name == f"request.{field}"
        }
        return UssdRequest(
            end.kind,
            self._session(callback),
            self._msisdn(callback),
            code,
            "",
            base.fingerprint(end.kind),
            language=self._language(callback),
            network=_mapped(callback, callback.spec.network),
            reason=end.reason.render(values) or end.kind.value,
            echo=echo,
        )

    def _kind(self, callback: Callback, typed: str) -> Kind:
        ways = callback.spec.begin
        if any(callback.holds(way, typed) for way in ways):
            return Kind.BEGIN
        open_ = any(way.how is How.UNKNOWN for way in ways)
        return Kind.OPEN if open_ else Kind.CONTINUE

    def _session(self, callback: Callback) -> str:
        spec = callback.spec
        fields = spec.session
        if spec.session_else and not all(callback.get(field) for field in fields):
            fields = spec.session_else
        # A blank joins them: ids and numbers hold none.
        return " ".join(callback.need(field) for field in fields)

    def _msisdn(self, callback: Callback) -> str:
        spec = callback.spec
        if not spec.msisdn_needed and not (callback.get(spec.msisdn) or "").strip():
            return ""
        return base.msisdn(callback.need(spec.msisdn), callback.endpoint.country)

    def _number(self, callback: Callback) -> int | None:
        field = callback.spec.position
        if field is None:
            return None
        typed = callback.need(field)
        if not (typed.isascii() and typed.isdigit() and len(typed) <= _NUMBER_DIGITS_MAX):
            raise BadCallback(f'"{field}" must be a number')
        return int(typed)

    def _language(self, callback: Callback) -> str | None:
        found = (_mapped(callback, callback.spec.language) or "").lower()
        return found if LANGUAGE.match(found) else None

    def _dialled(self, callback: Callback, typed: str, code: str, after: str | None) -> str:
        """What was dialled after the code; `after` is what the dial string held after it."""
        spec = callback.spec
        bare = typed.strip().strip("*#")
        match spec.dialled:
            case Dialled.NONE:
                return ""
            case Dialled.FIELD if spec.dialled_field is not None:
                return (callback.get(spec.dialled_field) or "").strip().strip("*#")
            case Dialled.EITHER if after is not None:
                return after
            case Dialled.EITHER:
                known = code.strip("*#")
                return "" if bare == known else bare.removeprefix(f"{known}*")
        return bare

    # Replies.

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        """The body of the screen's action, its places filled in."""
        text = screen.text
        for unsendable, other in self.profile.reply.replace:
            text = text.replace(unsendable, other)
        values = {
            **request.echo,
            **{f"option.{name}": value for name, value in endpoint.options.items()},
            "screen": text,
            "code": request.service_code,
            "masked": "true" if screen.masked else "false",
        }
        return self._reply(self.profile.reply.bodies[screen.action], screen.action, values)

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        """The profile's `notice:`, or an empty 200."""
        body = self.profile.reply.notice
        if body is None:
            return super().acknowledge(request)
        return self._reply(body, Action.END, {**request.echo, "code": request.service_code})

    def _reply(self, body: Body, action: Action, values: Mapping[str, str]) -> UssdReply:
        reply = self.profile.reply
        headers = tuple(
            (name, _NO_HEADER.sub(" ", each[action].render(values))) for name, each in reply.headers
        )
        sent = body.render(values, reply.newline).encode("utf-8", "replace")
        return UssdReply(reply.status, reply.content_type, sent, headers)

    # The gateway's own side.

    def read(self, reply: UssdReply) -> Screen:
        """See `Gateway.read`: the screen where its body and headers have it."""
        text = reply.body.decode()
        given = {name.lower(): value for name, value in reply.headers}
        for action, body in self.profile.reply.bodies.items():
            if all(_says(each[action], given.get(name.lower())) for name, each in self._headers):
                shown = body.read(text, self.profile.reply.newline)
                if shown is not None:
                    return Screen(shown, action)
        raise ValueError(f"the reply is none that {self.name} reads")

    @property
    def _headers(self) -> tuple[tuple[str, Mapping[Action, Template]], ...]:
        return self.profile.reply.headers

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        """See `Gateway.example`."""
        return self._callback(*self._hop(request, history))

    def notice(
        self, request: UssdRequest, history: tuple[str, ...], kind: Kind
    ) -> HttpRequest | None:
        """See `Gateway.notice`: a hop without an input, on which the profile's condition holds."""
        spec = self.profile.request
        end = next((each for each in spec.ends if each.kind is kind), None)
        if end is None:
            return None
        extra, *inputs = history or ("",)
        path, fields = self._hop(request, (extra, *inputs, ""))
        if spec.style is base.InputStyle.ACCUMULATED:
            fields[spec.input] = Sample(self._input_sent(request.service_code, extra, inputs))
        if end.condition.how is How.PATH:
            path = end.condition.values[0].text
        elif end.condition.field is not None:
            _hold(fields, end.condition, end.condition.field)
        return self._callback(path, fields)

    def _hop(
        self, request: UssdRequest, history: tuple[str, ...]
    ) -> tuple[str, dict[Field, Sample]]:
        """The path and the fields of the callback at the end of `history`."""
        spec = self.profile.request
        extra, *inputs = history or ("",)
        first = not inputs
        fields: dict[Field, Sample] = dict(spec.also)
        for field in spec.session:
            fields[field] = Sample(request.session)
        fields[spec.msisdn] = Sample(request.msisdn.removeprefix("+"))
        if spec.position is not None:
            fields[spec.position] = Sample(str(1 + len(inputs)), bare=True)
        if spec.code.field is not None:
            fields[spec.code.field] = Sample(self._code_sent(request.service_code))
        for mapped, value in ((spec.network, request.network), (spec.language, request.language)):
            if mapped is not None and value:
                fields[mapped.field] = Sample(_sent(mapped, value))
        fields[spec.input] = Sample(self._input_sent(request.service_code, extra, inputs))
        if spec.dialled_field is not None:
            fields[spec.dialled_field] = Sample(extra if first else "")
        names = [f"{{{each.name}}}" for each in fields if each.carrier is Carrier.PATH]
        whole = (each for each in spec.paths if all(name in each for name in names))
        path = next(whole, spec.paths[0])
        for way in spec.begin:
            if way.how is How.PATH:
                path = self._path_sent(way, first=first)
            elif way.field is not None:
                _flag(fields, way, spec.input, first=first)
        return path, fields

    def _code_sent(self, code: str) -> str:
        shared = self.profile.request.code.shared
        return code.strip("*#").rpartition("*")[2] if shared else code

    def _input_sent(self, code: str, extra: str, inputs: list[str]) -> str:
        spec = self.profile.request
        if spec.style is base.InputStyle.ACCUMULATED:
            return "*".join([extra, *inputs] if extra else inputs)
        if inputs:
            return inputs[-1]
        match spec.dialled:
            case Dialled.EITHER:
                return dial_string(code, extra)
            case Dialled.AFTER:
                return extra
        return ""

    def _path_sent(self, way: Condition, *, first: bool) -> str:
        begun = way.values[0].text
        if first:
            return begun
        if way.later is not None:
            return way.later.text
        return next((path for path in self.profile.request.paths if path != begun), begun)

    def _callback(self, path: str, fields: Mapping[Field, Sample]) -> HttpRequest:
        spec = self.profile.request
        method = spec.methods[0]
        by: dict[Carrier, dict[str, Sample]] = {each: {} for each in Carrier}
        for field, sample in fields.items():
            form = field.carrier is Carrier.FORM and method == "GET"
            by[Carrier.QUERY if form else field.carrier][field.name] = sample
        for name, sample in by[Carrier.PATH].items():
            path = path.replace(f"{{{name}}}", sample.text)
        headers = {name.lower(): sample.text for name, sample in by[Carrier.HEADER].items()}
        body = ""
        for carrier in (Carrier.FORM, Carrier.JSON, Carrier.XML):
            if by[carrier]:
                headers["content-type"] = _CONTENT_TYPES[carrier]
                body = _WRITERS[carrier](by[carrier], spec.root)
        query = urlencode({name: sample.text for name, sample in by[Carrier.QUERY].items()})
        return HttpRequest(method, path, query, headers, body.encode())


def load_profile(source: str, file: str) -> Generic:
    """The adapter that the profile in `source` describes; raises `FlowError` with positions."""
    return Generic(parse_profile(source, file))


@cache
def shipped() -> dict[str, Generic]:
    """The adapters whose profiles come with Cassou, by name."""
    found = {}
    for path in sorted(PROFILES.glob("*.yaml")):
        found[path.stem] = load_profile(path.read_text("utf-8"), path.name)
    return found


def _mapped(callback: Callback, mapped: Mapped | None) -> str | None:
    if mapped is None:
        return None
    value = (callback.get(mapped.field) or "").strip()
    return mapped.values.get(value.lower(), value) or None


def _sent(mapped: Mapped, value: str) -> str:
    """How the gateway writes what is `value` here."""
    return next((theirs for theirs, ours in mapped.values.items() if ours == value), value)


def _says(template: Template, value: str | None) -> bool:
    return value is not None and template.read(value) is not None


def _flag(fields: dict[Field, Sample], way: Condition, typed: Field, *, first: bool) -> None:
    """Make one way to begin hold on the first hop and on no later one."""
    field = way.field
    assert field is not None  # noqa: S101  # the caller asked
    stands = fields.get(field)
    clashes = stands is None or stands.text in {each.text for each in way.values}
    if way.how is How.PRESENT:
        if first is way.wanted:
            fields.setdefault(field, way.later or Sample("1"))
        elif field == typed:
            fields[field] = Sample("")
        else:
            fields.pop(field, None)
    elif first is (way.how is not How.NOT):
        fields[field] = way.values[0]
    elif clashes:
        fields[field] = way.later or Sample("" if way.how is not How.NOT else "1")
    elif way.later is not None:
        fields[field] = way.later


def _hold(fields: dict[Field, Sample], condition: Condition, field: Field) -> None:
    """Make a condition on `field` hold."""
    stands = fields.get(field)
    match condition.how:
        case How.IS | How.STARTS:
            fields[field] = condition.values[0]
        case How.NOT:
            refused = {each.text.lower() for each in condition.values}
            others = (str(number) for number in range(1, len(refused) + 2))
            fields[field] = Sample(next(each for each in others if each not in refused))
        case _ if not condition.wanted:
            fields.pop(field, None)
        case _ if stands is None or not stands.text:
            fields[field] = Sample("1")


def _form(fields: Mapping[str, Sample], _root: str) -> str:
    return urlencode({name: sample.text for name, sample in fields.items()})


def _json(fields: Mapping[str, Sample], _root: str) -> str:
    top: dict[str, object] = {}
    for name, sample in fields.items():
        *outer, last = name.split(".")
        inner: dict[str, object] = top
        for part in outer:
            found = inner.setdefault(part, {})
            inner = found if isinstance(found, dict) else {}
        inner[last] = json.loads(sample.text) if sample.bare else sample.text
    return json.dumps(top, ensure_ascii=False)


def _xml(fields: Mapping[str, Sample], root: str) -> str:
    tree: dict[str, object] = {}
    for name, sample in fields.items():
        *outer, last = name.split(".")
        inner: dict[str, object] = tree
        for part in outer:
            found = inner.setdefault(part, {})
            inner = found if isinstance(found, dict) else {}
        inner[last] = sample.text
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, tree)}'


def _element(name: str, content: object) -> str:
    if isinstance(content, dict):
        inner = "".join(_element(each, value) for each, value in content.items())
    else:
        inner = base.xml_text(str(content))
    return f"<{name}>{inner}</{name}>"


_WRITERS = {Carrier.FORM: _form, Carrier.JSON: _json, Carrier.XML: _xml}
