"""How two bodies differ: to the letter, by the value of JSON, by the structure of XML. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

#: Lines shown around what differs.
_AROUND = 2


class UnreadableBody(ValueError):  # noqa: N818  # names the thing
    """A body that is not of the format it is compared in: the sentence says whose, and why."""


def changed_lines(compare: str, wanted: str, got: str) -> tuple[str, ...]:
    """What to take away from `wanted` and what to add to get `got`, line by line.

    `compare` is exact, json or xml; an empty body is compared to the letter. Nothing where the two
    agree. Raises `UnreadableBody`.
    """
    if compare == "exact" or not wanted or not got:
        one, other = wanted.split("\n"), got.split("\n")
    else:
        one, other = _lines(compare, "the fixture's", wanted), _lines(compare, "the reply's", got)
    return tuple(_delta(one, other)) if one != other else ()


def _lines(compare: str, whose: str, body: str) -> list[str]:
    try:
        return _json_lines(body) if compare == "json" else _xml_lines(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(f"{whose} body, which is none: {error}") from None


def _delta(wanted: list[str], got: list[str]) -> Iterator[str]:
    """What to take away and what to add, with what is around it; … for what is left out."""
    matcher = difflib.SequenceMatcher(None, wanted, got, autojunk=False)
    end = 0
    for group in matcher.get_grouped_opcodes(_AROUND):
        if group[0][1] > end:
            yield "…"
        for what, i, j, k, m in group:
            if what == "equal":
                yield from (f"  {line}" for line in wanted[i:j])
            else:
                yield from (f"- {_seen(line)}" for line in wanted[i:j])
                yield from (f"+ {_seen(line)}" for line in got[k:m])
            end = j
    if end < len(wanted):
        yield "…"


def _seen(line: str) -> str:
    """A line whose end or characters cannot be seen, as Python writes it."""
    return line if line == line.rstrip() and line.isprintable() else repr(line)


def _json_lines(text: str) -> list[str]:
    """A JSON value, one member a line, in the order of names; raises ValueError."""
    found = json.loads(text, parse_float=_number)
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False).split("\n")


def _number(typed: str) -> float | int:
    """1.0 is 1 by value, and a long whole number stays exact."""
    number = float(typed)
    return int(number) if number.is_integer() else number


def _xml_lines(text: str) -> list[str]:
    """An XML tree, one element a line; blanks between elements do not count. Raises ValueError."""
    try:
        root = ElementTree.fromstring(text.lstrip("\ufeff").encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from None
    return list(_element_lines(root, ""))


def _element_lines(element: Element, indent: str) -> Iterator[str]:
    attributes = "".join(f" {name}={value!r}" for name, value in sorted(element.attrib.items()))
    text = element.text or ""
    yield (
        f"{indent}<{element.tag}{attributes}> {text!r}"
        if text.strip()
        else (f"{indent}<{element.tag}{attributes}>")
    )
    for child in element:
        yield from _element_lines(child, f"{indent}  ")
        if (child.tail or "").strip():
            yield f"{indent}  {child.tail!r}"
