"""The words that gateway profiles are read with, beside those of all our files."""

from __future__ import annotations

import re

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.reader import Reader, lines_of, place_at
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence
from ussd_app.gateways.generic_bodies import BadPlace, Place, Template, parse_template
from ussd_app.gateways.generic_profile import Carrier, Field, Sample

_FIELD = re.compile(r"(?:(query|form|json|xml|header|path):)?([^\s{}:]+)\Z")
#: What YAML writes without quotes and JSON knows.
LITERAL = re.compile(r"true\Z|false\Z|null\Z|-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,10})?\Z")
#: Stands in for a field that could not be read.
NOTHING = Field(Carrier.QUERY, "")


class Words(Reader):
    """Typed access to a profile's nodes, and what of it must hold together.

    `carrier` is where fields stand that do not say it. `used` is where each place of a body, header
    or reason stands; `parts` where each field stands that is a part of the path.
    """

    def __init__(self, file: str, source: str) -> None:
        super().__init__(file, source)
        self._source_lines = lines_of(source)
        self.carrier = Carrier.QUERY
        self.used: list[tuple[Place, Position]] = []
        self.parts: list[tuple[str, Position]] = []

    def section(self, top: Mapping, key: str, known: tuple[str, ...]) -> Mapping | None:
        """A part of the profile that must be there."""
        node = top.get(key)
        if node is None:
            self.problem(top.at, "missing-key", f'the profile needs "{key}:"')
            return None
        return self.mapping(node, f'"{key}:"', known)

    def field(self, node: Node | None, what: str) -> Field:
        """The field that `node` names, with or without its carrier before a colon."""
        if node is None:
            return NOTHING
        scalar = self.scalar(node, what)
        match = _FIELD.match(scalar.value)
        if match is None:
            if isinstance(node, Scalar):
                sentence = f'{what} must be the name of a field, as "msisdn" or "header:user-entry"'
                self.problem(scalar.at, "wrong-type", sentence)
            return NOTHING
        found = Field(Carrier(match[1]) if match[1] else self.carrier, match[2])
        if found.carrier is Carrier.PATH:
            self.parts.append((found.name, scalar.at))
        return found

    def fields(self, node: Mapping, key: str, *, needed: bool) -> tuple[Field, ...]:
        """The fields under `key`: one, or a list."""
        inner = node.get(key)
        if inner is None:
            if needed:
                self.problem(node.at, "missing-key", f'"request:" needs "{key}:"')
            return ()
        items = inner.items if isinstance(inner, Sequence) else (inner,)
        if not items:
            self.problem(inner.at, "missing-key", f'"{key}:" is empty')
        return tuple(self.field(item, f'"{key}:"') for item in items)

    def needed(self, node: Mapping, key: str, what: str) -> tuple[Field, bool]:
        """A field that must come, or `{field: …, optional: true}`."""
        inner = node.get(key)
        if inner is None:
            self.problem(node.at, "missing-key", f'{what} needs "{key}:"')
            return NOTHING, True
        if not isinstance(inner, Mapping):
            return self.field(inner, f'"{key}:"'), True
        body = self.mapping(inner, f'"{key}:"', ("field", "optional"))
        optional = self.boolean(body, "optional", default=False)
        return self.of(body, f'"{key}:"'), not optional

    def of(self, body: Mapping, what: str) -> Field:
        """The field under `field:`."""
        if "field" not in body.by_name:
            self.problem(body.at, "missing-key", f'{what} needs "field:"')
        return self.field(body.get("field"), '"field:"')

    def sample(self, node: Node) -> Sample:
        """A value, and whether JSON writes it without quotes."""
        scalar = self.scalar(node, "a value")
        return Sample(scalar.value, scalar.plain and bool(LITERAL.match(scalar.value)))

    def with_places(self, node: Node) -> Template:
        """A text with places."""
        if isinstance(node, Mapping) and len(node.entries) == 1:
            self.problem(node.at, "yaml-trap", "put quotes around a text with braces")
            return Template(())
        scalar = self.scalar(node, "a text")
        self._whole(scalar)
        try:
            found = parse_template(scalar.value)
        except BadPlace as error:
            at = place_at(self._source_lines, scalar.at, scalar.value, error.offset, error.length)
            self.problem(at, "bad-place", str(error))
            return Template(())
        self.used += [(place, scalar.at) for place in found.places()]
        return found
