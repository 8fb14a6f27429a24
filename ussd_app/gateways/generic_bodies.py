"""Bodies with places: filled in for a reply, and matched against one to read it back.

A body is text, XML or a JSON object. Places stand in it between braces; a doubled brace stands for
itself:

    {screen}              the screen's text
    {code}                the service code, with its star and hash
    {masked}              true or false: whether what is typed next is to be hidden
    {request.NAME}        a field of the callback, as it came
    {option.NAME}         an option of the endpoint

`{… as value}` puts a number, true or false into JSON without quotes; `{… as url}` escapes for a
query; `{… or WORD}` stands in where there is nothing. Whatever the format needs escaped is escaped.

Reading back uses no second description: a body is taken apart into leaves (the texts of an XML
tree, the values of a JSON object, a text as a whole), and so is a reply; it is a reply made of that
body if it has the same leaves, each matching.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from ussd_app.flow.diagnostics import meant
from ussd_app.gateways.base import xml_text

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_PLACE = re.compile(
    r"(?P<name>screen|code|masked|(?:request|option)\.[^\s{}]+)"
    r"(?: as (?P<kind>value|url))?(?: or (?P<default>[^{}]*))?\Z"
)
#: What JSON may hold without quotes (RFC 8259, 3 and 6), of a length that no reader refuses.
_VALUE = re.compile(r"true\Z|false\Z|-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,10})?\Z")

_NAMES = ("screen", "code", "masked", "request.NAME", "option.NAME")
_KNOWN = "{screen}, {code}, {masked}, {request.NAME} and {option.NAME}, as value or as url"

Values = Mapping[str, str]


class Format(StrEnum):
    """What a reply's body is."""

    TEXT = "text"
    JSON = "json"
    XML = "xml"


class BadPlace(ValueError):  # noqa: N818  # names the thing
    """A text whose places cannot be read: `length` characters at `offset`, from 0."""

    def __init__(self, message: str, offset: int, length: int) -> None:
        super().__init__(message)
        self.offset = offset
        self.length = length


@dataclass(frozen=True, slots=True)
class Place:
    """One `{name as kind or default}`; `kind` is "" where it says none."""

    name: str
    kind: str = ""
    default: str = ""

    def value(self, values: Values) -> str:
        """What stands here; the default where there is nothing."""
        found = values.get(self.name, "") or self.default
        return quote(found, safe="") if self.kind == "url" else found


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places: literal pieces and places, in order."""

    parts: tuple[str | Place, ...]

    def places(self) -> Iterator[Place]:
        """Its places, in order."""
        return (part for part in self.parts if isinstance(part, Place))

    def render(self, values: Values, escape: Callable[[str], str] = str) -> str:
        """The text with its places filled in, every value escaped."""
        return "".join(
            part if isinstance(part, str) else escape(part.value(values)) for part in self.parts
        )

    def read(self, text: str) -> str | None:
        """What stands for the screen in `text`: "" where this holds none, None without a match."""
        pattern, screens = "", 0
        for part in self.parts:
            if isinstance(part, str):
                pattern += re.escape(part)
            elif part.name == "screen" and not screens:
                pattern, screens = f"{pattern}(.*)", 1
            else:
                pattern += ".*?"
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match is None:
            return None
        return match[1] if screens else ""


def parse_template(source: str) -> Template:
    """The pieces of a text with places; raises `BadPlace`."""
    parts: list[str | Place] = []
    end = 0
    for match in _BRACES.finditer(source):
        parts.append(source[end : match.start()])
        end = match.end()
        if match[0] in {"{{", "}}"}:
            parts.append(match[0][0])
            continue
        inner = _PLACE.match(match[1] or "")
        if inner is None:
            name = (match[1] or "").partition(" ")[0]
            near = meant(name, _NAMES) if not _PLACE.match(name) else ""
            hint = f"did you mean {{{near}}}?" if near else f"known are {_KNOWN}"
            sentence = f'"{match[0]}" is no place; a brace itself is doubled; {hint}'
            raise BadPlace(sentence, match.start(), len(match[0]))
        parts.append(Place(inner["name"], inner["kind"] or "", inner["default"] or ""))
    parts.append(source[end:])
    return Template(tuple(part for part in parts if part))


#: A JSON body: members in order, leaves that are texts with places, and literals.
Json = dict[str, "Json"] | list["Json"] | Template | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Body:
    """One body: a JSON object with templates as its texts, or one template of XML or text."""

    format: Format
    content: Json

    def places(self) -> Iterator[Place]:
        """Every place in it."""
        for leaf in _json_leaves(self.content, ()).values():
            if isinstance(leaf, Template):
                yield from leaf.places()

    def render(self, values: Values, newline: str = "\n") -> str:
        """The body with its places filled in; a newline of the screen is written as `newline`."""
        if self.format is Format.JSON:
            shown = {**values, "screen": values.get("screen", "").replace("\n", newline)}
            return json.dumps(
                _filled(self.content, shown), ensure_ascii=False, separators=(",", ":")
            )
        assert isinstance(self.content, Template)  # noqa: S101  # so the profile makes it

        def escaped(value: str) -> str:
            if self.format is Format.TEXT:
                return value.replace("\n", newline)
            return xml_text(value).replace('"', "&quot;").replace("\n", newline)

        return self.content.render(values, escaped)

    def leaves(self, newline: str = "\n") -> Mapping[Path, Leaf]:
        """What a reply made of it must match, leaf by leaf; raises ValueError, `BadPlace`."""
        match self.format:
            case Format.TEXT:
                return {(): self.content} if isinstance(self.content, Template) else {}
            case Format.JSON:
                return _json_leaves(self.content, ())
            case Format.XML:
                assert isinstance(self.content, Template)  # noqa: S101  # so the profile makes it
                # Places are text to XML: the tree is taken of the body as it was written.
                found = leaves_of(written(self.content), Format.XML, newline)
                return {path: parse_template(str(leaf)) for path, leaf in found.items()}

    def read(self, body: str, newline: str = "\n") -> str | None:
        """The screen in `body` if it is made of this one, else None."""
        try:
            found = leaves_of(body, self.format, newline)
        except ValueError:
            return None
        wanted = self.leaves(newline)
        if set(found) != set(wanted):
            return None
        screen = ""
        for path, leaf in wanted.items():
            read = _read_leaf(leaf, found[path])
            if read is None:
                return None
            screen = screen or read
        # A blank could be anything; what stands for a newline and nothing else is one.
        foreign = newline.strip() and self.format is not Format.XML
        return screen.replace(newline, "\n") if foreign else screen


Path = tuple[str | int, ...]
Leaf = Template | str | bool | int | float | None


def leaves_of(body: str, kind: Format, newline: str = "\n") -> dict[Path, Leaf]:
    """A reply's leaves by their path; raises ValueError where it is not of its format."""
    match kind:
        case Format.TEXT:
            return {(): body}
        case Format.JSON:
            try:
                found = json.loads(body)
            except RecursionError:
                raise ValueError("nested too deep") from None
            return _json_leaves(found, ())
        case Format.XML:
            try:
                root = ElementTree.fromstring(body.encode(), forbid_dtd=True)
            except (ParseError, DefusedXmlException) as error:
                raise ValueError(str(error)) from None
            return dict(_xml_leaves(root, (root.tag,), line_tag(newline)))


def line_tag(newline: str) -> str:
    """The name of the element that stands for a new line, "" where none does."""
    match = re.match(r"<\s*([A-Za-z][\w.-]*)\s*/>\Z", newline)
    return match[1] if match else ""


def written(template: Template) -> str:
    """A template as it was written, its defaults and kinds left out."""
    return "".join(
        part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{part.name}}}"
        for part in template.parts
    )


def _xml_leaves(element: Element, path: Path, line: str) -> Iterator[tuple[Path, str]]:
    text, children = element.text or "", []
    for child in element:
        if line and child.tag == line:
            # Only lines of a text: what stands before the first other element.
            text += "\n" + (child.tail or "")
        else:
            children.append(child)
    yield (*path, "text"), text
    for name, value in sorted(element.attrib.items()):
        yield (*path, f"@{name}"), value
    for place, child in enumerate(children):
        inner = (*path, place, child.tag)
        yield from _xml_leaves(child, inner, line)
        yield (*inner, "tail"), child.tail or ""


def _json_leaves(value: Json | str, path: Path) -> dict[Path, Leaf]:
    found: dict[Path, Leaf] = {}
    if isinstance(value, dict):
        found[*path, "{}"] = None
        for name, inner in value.items():
            found |= _json_leaves(inner, (*path, name))
    elif isinstance(value, list):
        found[*path, "[]"] = None
        for place, inner in enumerate(value):
            found |= _json_leaves(inner, (*path, place))
    else:
        found[path] = value
    return found


def _filled(value: Json, values: Values) -> object:
    if isinstance(value, dict):
        return {name: _filled(inner, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    if not isinstance(value, Template):
        return value
    text = value.render(values)
    bare = any(place.kind == "value" for place in value.places())
    return json.loads(text) if bare and _VALUE.match(text) else text


def _read_leaf(wanted: Leaf, found: Leaf) -> str | None:
    """The screen in one leaf, "" where it holds none, None where it does not match."""
    if isinstance(wanted, Template):
        if isinstance(found, str):
            return wanted.read(found)
        bare = any(place.kind == "value" for place in wanted.places())
        return "" if bare else None
    return "" if type(wanted) is type(found) and wanted == found else None
