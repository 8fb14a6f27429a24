"""One callback as a profile reads it: its fields by name, its conditions, its service code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from xml.etree.ElementTree import Element

from ussd_app.gateways import base
from ussd_app.gateways.generic_profile import Carrier, Condition, Field, How, Request
from ussd_app.messages import NOTICES, BadCallback, HttpRequest, Kind

#: A whole dial string, where the endpoint has no service code to know it by.
_DIAL_STRING = re.compile(r"\*[0-9][0-9*]*#\Z")
_PART = re.compile(r"\\\{([a-z][a-z0-9_]*)\\\}")


@cache
def path_pattern(path: str) -> re.Pattern[str]:
    """What a path of a profile matches; each part in braces is a group of its name."""
    return re.compile(_PART.sub(r"(?P<\1>[^/]+)", re.escape(path)))


def dial_string(code: str, extra: str) -> str:
    """`*789*extra#`."""
    return f"*{code.strip('*#')}{f'*{extra}' if extra else ''}#"


class Callback:
    """One callback and the profile's request part it is read by."""

    def __init__(self, spec: Request, request: HttpRequest, endpoint: base.Endpoint) -> None:
        self.spec = spec
        self.endpoint = endpoint
        self._request = request

    def get(self, field: Field) -> str | None:
        """A field's value, None where it did not come; raises `BadCallback`."""
        match field.carrier:
            case Carrier.JSON:
                return self._json_value(field)
            case Carrier.XML:
                return self._bounded(field, self._xml_value(field))
            case Carrier.HEADER:
                return self._bounded(field, self._request.headers.get(field.name.lower()))
            case Carrier.PATH:
                return self._bounded(field, self._path_parts.get(field.name))
            case Carrier.FORM if self._request.method != "GET":
                return self._form.get(self._named(field.name))
        return self._query.get(self._named(field.name))

    def need(self, field: Field) -> str:
        """A field's value without outer blanks, which must be there; raises `BadCallback`."""
        value = (self.get(field) or "").strip()
        if not value:
            raise BadCallback(f'"{field}" is missing')
        return value

    def holds(self, condition: Condition, typed: str) -> bool:
        """Whether a condition is so; `typed` is the input."""
        match condition.how:
            case How.DIALLED:
                return self._dialled(typed)
            case How.UNKNOWN:
                return False
            case How.PATH:
                wanted = path_pattern(condition.values[0].text)
                return wanted.fullmatch(self._request.path) is not None
        if condition.field is None:
            return False
        value = (self.get(condition.field) or "").strip().lower()
        values = [each.text.lower() for each in condition.values]
        match condition.how:
            case How.IS:
                return value in values
            case How.NOT:
                return bool(value) and value not in values
            case How.STARTS:
                return value.startswith(tuple(values))
        return bool(value) is condition.wanted

    def code(self, typed: str, kind: Kind) -> tuple[str, str | None]:
        """The service code; and what came after it, if it came in the input.

        "" where one of several codes was dialled on an earlier hop. Raises `BadCallback`.
        """
        spec, codes = self.spec.code, self.endpoint.service_codes
        told = (self.get(spec.field) or "").strip().strip("*#") if spec.field else ""
        if told:
            return self._shared(told) if spec.shared else base.service_code(told), None
        if spec.field is not None and spec.needed and kind not in NOTICES:
            raise BadCallback(f'"{spec.field}" is missing')
        if spec.dialled and (kind is Kind.BEGIN or self._dialled(typed)):
            bare = typed.strip().strip("*#")
            known = self._known(bare)
            if known is not None:
                return known, bare[len(known.strip("*#")) + 1 :]
            if bare:
                return base.service_code(bare), ""
        earlier = spec.dialled and kind not in {Kind.BEGIN, Kind.OPEN}
        return codes[0] if len(codes) == 1 or (codes and not earlier) else "", None

    def _shared(self, told: str) -> str:
        """The code of an application that has one part of a shared one."""
        for each in self.endpoint.service_codes:
            if f"*{each.strip('*#')}".endswith(f"*{told}"):
                return each
        return base.service_code(f"{self.spec.code.shared}*{told}")

    def _dialled(self, typed: str) -> bool:
        """Whether the input is a dial string of this endpoint."""
        bare = typed.strip()
        if not (len(bare) > 2 and bare.startswith("*") and bare.endswith("#")):
            return False
        if not self.endpoint.service_codes:
            return _DIAL_STRING.match(bare) is not None
        return self._known(bare.strip("*#")) is not None

    def _known(self, bare: str) -> str | None:
        """The endpoint's longest code that a dial string, bare of its ends, begins with."""
        for code in sorted(self.endpoint.service_codes, key=len, reverse=True):
            if f"{bare}*".startswith(f"{code.strip('*#')}*"):
                return code
        return None

    # Where fields stand.

    def _named(self, name: str) -> str:
        return name.lower() if self.spec.any_case else name

    def _cased(self, found: Mapping[str, str]) -> Mapping[str, str]:
        if not self.spec.any_case:
            return found
        lowered: dict[str, str] = {}
        for name, value in found.items():
            lowered.setdefault(name.lower(), value)
        return lowered

    def _bounded(self, field: Field, value: str | None) -> str | None:
        if value is not None and len(value) > base.PARAMETER_MAX:
            raise BadCallback(f'"{field}" is over {base.PARAMETER_MAX} characters long')
        return value

    @cached_property
    def _query(self) -> Mapping[str, str]:
        return self._cased(base.form(self._request.query, "query"))

    @cached_property
    def _form(self) -> Mapping[str, str]:
        return self._cased(base.form(base.utf8(self._request.body), "body"))

    @cached_property
    def _json(self) -> Mapping[str, object]:
        return base.json_object(self._request.body)

    @cached_property
    def _root(self) -> Element:
        root = base.xml_root(self._request.body)
        if self._local(root) != self._named(self.spec.root):
            raise BadCallback(f"the document is no <{self.spec.root}>")
        return root

    @cached_property
    def _path_parts(self) -> Mapping[str, str]:
        for path in self.spec.paths:
            match = path_pattern(path).fullmatch(self._request.path)
            if match is not None:
                return match.groupdict()
        return {}

    def _local(self, element: Element) -> str:
        """An element's name without its namespace."""
        return self._named(element.tag.rpartition("}")[2])

    def _xml_value(self, field: Field) -> str | None:
        element = self._root
        for part in field.name.split("."):
            wanted = self._named(part)
            inner = next((each for each in element if self._local(each) == wanted), None)
            if inner is None:
                return None
            element = inner
        return (element.text or "").strip()

    def _json_value(self, field: Field) -> str | None:
        found: object = self._json
        *outer, last = field.name.split(".")
        for part in outer:
            found = self._member(found, part)
        if not isinstance(found, Mapping):
            return None
        name = self._own_name(found, last)
        return None if found.get(name) is None else base.text_of(found, name)

    def _member(self, found: object, name: str) -> object:
        if not isinstance(found, Mapping):
            return None
        return found.get(self._own_name(found, name))

    def _own_name(self, found: Mapping[str, object], name: str) -> str:
        if not self.spec.any_case or name in found:
            return name
        return next((each for each in found if each.lower() == name.lower()), name)
