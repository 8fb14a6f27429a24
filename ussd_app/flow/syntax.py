"""YAML as nodes that keep their place, without YAML's traps.

Every scalar is the text that was typed (`00`, `0123`, `no`, `12:30` stay so). Duplicate keys,
anchors, aliases, tags, several documents and more than the stated size or depth are problems, told
with line and column. Nothing is ever made into an object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ussd_app.flow.diagnostics import Diagnostic, Position

#: One flow with a thousand states and four languages stays well below.
OCTETS_MAX = 2_000_000
DEPTH_MAX = 20

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_QUOTED = re.compile(r"(?<=[\s,{\[])(?:\"[^\"]*\"|'[^']*')")
#: A comment, or the second colon of one entry, in the line of a mapping between braces.
_CUT = re.compile(r"[^\s,{\[]\s+#|:\s[^,:{}\[\]]*:(?=\s)")
_BETWEEN_BRACES = "; put quotes around a text that holds # or a colon and a blank"
_ALIAS = "an alias (*name) is not part of the language; put quotes around a text that begins with *"
_ANCHOR = (
    "an anchor (&name) is not part of the language; put quotes around a text that begins with &"
)
_TAG = "a tag (!name) is not part of the language; put quotes around a text that begins with !"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as typed; `plain` where no quotes stand around it."""

    value: str
    at: Position
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys with nodes, in the order written."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: Position
    by_name: dict[str, Node] = field(default_factory=dict, compare=False)

    def get(self, name: str) -> Node | None:
        """The node under `name`, or None."""
        return self.by_name.get(name)


Node = Scalar | Sequence | Mapping


class _Stop(Exception):  # noqa: N818  # leaves the recursive reader, never this module
    def __init__(self, problem: Diagnostic) -> None:
        self.problem = problem


def read(source: str, file: str) -> tuple[Node | None, list[Diagnostic]]:
    """`source` as one node, and every problem met; the node is None if it could not be read."""
    start = Position(file, 1, 1, 1, 2)
    if len(source.encode()) > OCTETS_MAX:
        return None, [Diagnostic(start, "too-large", f"the file has over {OCTETS_MAX} octets")]
    problems: list[Diagnostic] = []
    try:
        events = yaml.parse(source.removeprefix("\ufeff"), Loader=_Loader)
        node = _Reader(file, problems).document(iter(events))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        first = error.context_mark if _quotable(error) else mark
        at = _at(file, first or mark, mark) if mark else start
        sentence = " ".join(filter(None, (error.context, error.problem)))
        trap = _trap_between_braces(source, file, error)
        at = trap or at
        sentence += _BETWEEN_BRACES if trap else _hint(source, error)
        return None, [*problems, Diagnostic(at, "yaml", f"not YAML: {sentence}")]
    except yaml.YAMLError:
        at = _control_at(source, file) or start
        return None, [
            *problems,
            Diagnostic(at, "yaml", "not YAML: a control character stands here"),
        ]
    except _Stop as stop:
        return None, [*problems, stop.problem]
    if node is None:
        problems.append(Diagnostic(start, "yaml", "the file is empty"))
    return node, problems


def _at(file: str, start: Any, end: Any) -> Position:
    same = (start.line, start.column) == (end.line, end.column)
    return Position(
        file, start.line + 1, start.column + 1, end.line + 1, end.column + (2 if same else 1)
    )


def _quotable(error: yaml.MarkedYAMLError) -> bool:
    """Whether a text that begins with * or & was read as a mark of YAML's own."""
    return any(each in (error.context or "") for each in ("alias", "anchor"))


def _trap_between_braces(source: str, file: str, error: yaml.MarkedYAMLError) -> Position | None:
    """Where a text between braces was cut: by a `#`, or by a second colon."""
    start = error.context_mark
    if start is None or not (error.context or "").startswith("while parsing a flow"):
        return None
    lines = source.removeprefix("\ufeff").splitlines()
    line = lines[start.line] if start.line < len(lines) else ""
    # What stands in quotes is whole.
    bare = _QUOTED.sub(lambda found: "x" * len(found[0]), line)
    found = _CUT.search(bare, start.column)
    if found is None:
        return None
    column = found.end()
    return Position(file, start.line + 1, column, start.line + 1, column + 1)


def _hint(source: str, error: yaml.MarkedYAMLError) -> str:
    """What was probably meant, where YAML's own words do not say."""
    if _quotable(error):
        return "; put quotes around a text that begins with * or &"
    if error.problem == "mapping values are not allowed in this context":
        return "; put quotes around a text that holds a colon and a blank"
    if "cannot start any token" in (error.problem or ""):
        at = error.problem_mark
        start = source.splitlines()[at.line][at.column :] if at is not None else ""
        if start[:1] in {"@", "`", "%"}:
            return f"; put quotes around a text that begins with {start[0]}"
    mark = error.problem_mark
    line = source.splitlines()[mark.line : mark.line + 1] if mark else []
    if line and mark and line[0][mark.column : mark.column + 1] == "\t":
        return "; indent with blanks, not with tabs"
    return ""


def _control_at(source: str, file: str) -> Position | None:
    """Where the first character stands that no YAML stream may hold (YAML 1.2.2, 5.1)."""
    found = _UNPRINTABLE.search(source)
    if found is None:
        return None
    line = source.count("\n", 0, found.start()) + 1
    column = found.start() - (source.rfind("\n", 0, found.start()) + 1) + 1
    return Position(file, line, column, line, column + 1)


class _Reader:
    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self._file = file
        self._problems = problems

    def document(self, events: Iterator[yaml.Event]) -> Node | None:
        documents = 0
        node: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._problem(event, "yaml-trap", "a second document begins; a file is one")
                    return node
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, events, 0)
        return node

    def _node(self, event: Any, events: Iterator[yaml.Event], depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            raise _Stop(self._trap(event, _ALIAS))
        if depth > DEPTH_MAX:
            raise _Stop(self._trap(event, f"nested deeper than {DEPTH_MAX} levels"))
        if event.anchor is not None:
            self._problem(event, "yaml-trap", _ANCHOR)
        if event.tag is not None:
            self._problem(event, "yaml-trap", _TAG)
        if isinstance(event, yaml.ScalarEvent):
            at = _at(self._file, event.start_mark, event.end_mark)
            return Scalar(event.value, at, event.style in {None, ""})
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, events, depth)
        return self._mapping(event, events, depth)

    def _sequence(self, start: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Sequence:
        items: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return Sequence(tuple(items), _at(self._file, start.start_mark, event.end_mark))
            items.append(self._node(event, events, depth + 1))
        raise AssertionError("the parser ends every sequence")

    def _mapping(self, start: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        by_name: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                at = _at(self._file, start.start_mark, event.end_mark)
                return Mapping(tuple(entries), at, by_name)
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self._problems.append(Diagnostic(key.at, "yaml-trap", "a key must be a word"))
            elif key.value in by_name:
                sentence = f'"{key.value}" stands twice; first at line {lines[key.value]}'
                self._problems.append(Diagnostic(key.at, "duplicate-key", sentence))
            else:
                entries.append((key, value))
                by_name[key.value] = value
                lines[key.value] = key.at.line
        raise AssertionError("the parser ends every mapping")

    def _trap(self, event: yaml.Event, sentence: str) -> Diagnostic:
        return Diagnostic(_at(self._file, event.start_mark, event.end_mark), "yaml-trap", sentence)

    def _problem(self, event: yaml.Event, check: str, sentence: str) -> None:
        self._problems.append(
            Diagnostic(_at(self._file, event.start_mark, event.end_mark), check, sentence)
        )
