"""Puts texts into a YAML source and leaves every other octet of it as it is.

A text that is replaced keeps the style it was written in, where the new text can be written so and
read back exactly; else it stands between double quotes. One text for all languages becomes one for
each on one line, or one under the other where that line would be too long or could not hold it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ussd_app.designer import i18n_scalars as scalars
from ussd_app.designer.i18n_texts import Document, Found
from ussd_app.flow import syntax
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.syntax import Node, Scalar

#: What YAML 1.1 takes for the end of a line; the marks of the parser count these.
_BREAK = re.compile("(?:\r\n|[\n\r\x85\u2028\u2029])")
#: The last break and the indent of the next key.
_LAST_BREAK = re.compile(f"{_BREAK.pattern}[ ]*\\Z")
#: Where a line begins that is not empty, behind the first.
_LINE_START = re.compile(f"{_BREAK.pattern}(?=[^\n\r\x85\u2028\u2029])")
#: What a line that is added ends with, as the file's others do.
_LINE_END = re.compile("\r\n|[\n\r]")
_COLON = re.compile(r"\s*:")
#: Columns of the longest line that a text is made into languages on.
_COLUMNS_MAX = 100


@dataclass(frozen=True, slots=True)
class _Written:
    """How a value stands in the source: from offset `start` to just before offset `end`.

    `style` is its first character, "" where nothing stands. A new value goes behind `before`.
    `header` and `indent` are those of a block. `breaks` says that a line break put behind it would
    become part of it.
    """

    start: int
    end: int
    style: str
    before: str = ""
    header: str = ""
    indent: str = ""
    breaks: bool = False


class Editor:
    """Gathers changes to one source, then makes them all at once."""

    def __init__(self, source: str, document: Document) -> None:
        self._source = source
        self._document = document
        self._changes: list[tuple[int, int, str]] = []
        # Columns do not count a byte order mark; a file may end a line behind its last break.
        mark = 1 if source.startswith("\ufeff") else 0
        ends = (match.end() for match in _BREAK.finditer(source))
        self._starts = [mark, *ends, len(source)]
        found = _LINE_END.search(source)
        self._line_end = found[0] if found else "\n"
        self._pairs: set[Position] = set()
        self._around: dict[Position, tuple[Node, bool]] = {}
        self._survey(document.root, document.root, inside=False)

    def put(self, found: Found, language: str, text: str) -> None:
        """`text` as what `found` says in `language`, in place of what it says there now.

        One text for all languages becomes one for each; the others keep what it said.
        """
        if isinstance(found.node, Scalar):
            if self._document.languages == (language,):
                self._replace(self._scalar_at(found.node), text)
            else:
                self._split(found.node, language, text)
            return
        keys = {key.value: key for key, _ in found.node.entries if key.value in found.by_language}
        last = keys.get(language) or list(keys.values())[-1]
        written = self._written(found.node, last, found.by_language[last.value])
        if language in keys:
            self._replace(written, text)
            return
        value, ending = self._value(written, text)
        self._append(found.node, last, written, f"{scalars.word(language)}: {value}", ending)

    def _value(self, written: _Written, text: str) -> tuple[str, str]:
        """`text` as it is written beside `written`, and what a file that ends there ends with."""
        block = scalars.block(text, written.header, written.indent, self._line_end)
        if block is None:
            return scalars.inline(text, written.style), ""
        # At the end of a file nothing else would end the last line of a block.
        return block, self._line_end if text.endswith("\n") else ""

    def _replace(self, written: _Written, text: str) -> None:
        value, ending = self._value(written, text)
        if value[0] not in {"|", ">"}:
            value += scalars.comment(written.header)
        if written.end == len(self._source):
            value += ending
        self._changes.append((written.start, written.end, written.before + value))

    def _split(self, scalar: Scalar, language: str, text: str) -> None:
        """A text in each language for one for all, on one line where it can be."""
        written = self._scalar_at(scalar)
        languages = tuple(dict.fromkeys((*self._document.languages, language)))
        before = self._source[self._starts[scalar.at.line - 1] : written.start]
        old = self._source[written.start : written.end]
        inside = self._around[scalar.at][1]
        tabbed = "\t" in before
        flat = not written.header and not _BREAK.search(old) and scalars.stands_inside(old)
        if tabbed and not inside and not flat:
            # Nothing can be put under what stands behind a tab: it has no column.
            old, flat = scalars.inline(scalar.value, written.style), True
        new = scalars.inline(text, written.style)
        entries = (
            f"{scalars.word(each)}: {new if each == language else old}" for each in languages
        )
        pairs = f"{{{', '.join(entries)}}}{scalars.comment(written.header)}"
        behind = self._source[written.end : self._line_behind(written.end)]
        short = len(before) + len(pairs) + len(behind) <= _COLUMNS_MAX
        if inside or tabbed or (flat and short):
            self._changes.append((written.start, written.end, pairs))
        else:
            self._stack(scalar, languages, language, text)

    def _stack(self, scalar: Scalar, languages: Sequence[str], language: str, text: str) -> None:
        """A text in each language, one under the other, for one for all."""
        written = self._scalar_at(scalar)
        parent = self._around[scalar.at][0]
        outer, column = parent.at.column - 1, scalar.at.column - 1
        before = self._source[self._starts[scalar.at.line - 1] : written.start]
        start, lead = written.start, ""
        if column <= outer or (before.strip() and not isinstance(parent, syntax.Sequence)):
            column = outer + 2
            start -= len(before) - len(before.rstrip())
            lead = f"{self._line_end}{' ' * column}"
        deeper = " " * (column - outer)
        old = _LINE_START.sub(lambda found: found[0] + deeper, self._source[start : written.end])
        old = old.lstrip(" ")
        header = written.header.removesuffix(scalars.comment(written.header))
        beside = replace(written, header=header, indent=written.indent + deeper)
        again = header + old[len(written.header) :]
        stays = next(each for each in languages if each != language)
        above: list[str] = []
        below: list[str] = []
        ending = ""
        for each in languages:
            if each == stays:
                continue
            value, ending = again, ""
            if each == language or written.breaks:
                value, ending = self._value(beside, text if each == language else scalar.value)
            first = written.breaks or languages.index(each) < languages.index(stays)
            (above if first else below).append(f"{scalars.word(each)}: {value}")
        between = f"{self._line_end}{' ' * column}"
        stacked = between.join((*above, f"{scalars.word(stays)}: {old}"))
        self._changes.append((start, written.end, lead + stacked))
        if below:
            place = self._line_behind(written.end)
            closing = ending if place == len(self._source) else ""
            self._insert(place, between + between.join(below) + closing)

    def declare(self, language: str) -> None:
        """Add `language` to those the file declares; messages declare none."""
        declared = self._document.declared
        if isinstance(declared, syntax.Sequence):
            self._append_item(declared, language)
        elif isinstance(declared, syntax.Mapping):
            also = declared.get("also")
            if isinstance(also, syntax.Sequence):
                self._append_item(also, language)
                return
            for key, value in declared.entries:
                if key.value == "default" and isinstance(value, Scalar):
                    written = self._written(declared, key, value)
                    self._append(declared, key, written, f"also: [{scalars.word(language)}]")

    def result(self) -> str:
        """The source with all changes."""
        pieces = []
        end = 0
        for start, behind, text in sorted(self._changes):
            pieces += [self._source[end:start], text]
            end = behind
        return "".join((*pieces, self._source[end:]))

    def _insert(self, place: int, text: str) -> None:
        self._changes.append((place, place, text))

    def _start(self, at: Position) -> int:
        return self._starts[at.line - 1] + at.column - 1

    def _end(self, at: Position) -> int:
        return min(self._starts[at.end_line - 1] + at.end_column - 1, len(self._source))

    def _line_behind(self, offset: int) -> int:
        """Where the line of `offset` ends."""
        found = _BREAK.search(self._source, offset)
        return found.start() if found else len(self._source)

    def _survey(self, node: Node, parent: Node, *, inside: bool) -> None:
        """What stands around each scalar: its parent, and whether braces or brackets.

        And each mapping of one entry without braces, in a list in brackets: `[fr: Oui]`.
        """
        if isinstance(node, Scalar):
            self._around[node.at] = (parent, inside)
            return
        first = self._source[self._start(node.at) : self._start(node.at) + 1]
        if isinstance(node, syntax.Mapping):
            if inside and first != "{":
                self._pairs.add(node.at)
            for _, value in node.entries:
                self._survey(value, node, inside=inside or first == "{")
        else:
            for item in node.items:
                self._survey(item, node, inside=inside or first == "[")

    def _is_block(self, node: syntax.Mapping) -> bool:
        return node.at not in self._pairs and self._source[self._start(node.at)] != "{"

    def _written(self, parent: syntax.Mapping, key: Scalar, value: Scalar) -> _Written:
        at = value.at
        start = self._start(at)
        # A position is never narrower than one column, so nothing at all looks one column wide.
        wide = at.end_line > at.line or at.end_column > at.column + 1
        if value.value or wide or self._source[start : start + 1] in {"|", ">"}:
            return self._scalar_at(value)
        colon = _COLON.match(self._source, self._end(key.at))
        if colon:
            return _Written(colon.end(), colon.end(), "", " ")
        place = self._end(key.at)
        if not self._is_block(parent):
            return _Written(place, place, "", ": ")
        place = self._line_behind(place)
        return _Written(place, place, "", f"{self._line_end}{' ' * (parent.at.column - 1)}: ")

    def _scalar_at(self, value: Scalar) -> _Written:
        """How a scalar stands there that is something, be it two quotes."""
        start, end = self._start(value.at), self._end(value.at)
        first = self._source[start : start + 1]
        if first not in {"|", ">"}:
            return _Written(start, end, first)
        header = self._source[start : self._line_behind(start)]
        chomp = scalars.chomping(header)
        written = self._source[start:end]
        lines = _BREAK.split(written)[1:]
        filled = next((line for line in lines if line.strip(" ")), "")
        indent = filled[: len(filled) - len(filled.lstrip(" "))]
        if chomp == "+":
            # Blank lines behind are part of the value, all but the break before the next key.
            written = _LAST_BREAK.sub("", written)
            end = start + max(len(written), len(header))
        else:
            # A blank line that is longer than the indent is a text of blanks.
            most = "" if not indent else 0 if scalars.is_indent_told(header) else len(indent)
            blank = re.search(f"(?:{_BREAK.pattern}[ ]{{0,{most}}})*\\Z", written)
            end -= len(blank[0]) if blank else 0
        breaks = bool(value.value) and chomp != "-" and not value.value.endswith("\n")
        return _Written(start, end, first, "", header, indent, breaks)

    def _append(
        self, parent: syntax.Mapping, last: Scalar, written: _Written, entry: str, ending: str = ""
    ) -> None:
        """`entry` behind the entry of `last`, as `parent` is written."""
        indent = " " * (parent.at.column - 1)
        if parent.at in self._pairs:
            self._insert(self._start(parent.at), "{")
            self._insert(written.end, f", {entry}}}")
        elif not self._is_block(parent):
            self._insert(written.end, f", {entry}")
        elif written.breaks:
            self._insert(self._start(last.at), f"{entry}{self._line_end}{indent}")
        else:
            place = self._line_behind(written.end)
            closing = ending if place == len(self._source) else ""
            self._insert(place, f"{self._line_end}{indent}{entry}{closing}")

    def _append_item(self, parent: syntax.Sequence, language: str) -> None:
        item = scalars.word(language)
        start = self._start(parent.at)
        if self._source[start] == "[":
            place = self._end(parent.items[-1].at) if parent.items else start + 1
            self._insert(place, f", {item}" if parent.items else item)
            return
        place = self._line_behind(self._end(parent.items[-1].at))
        indent = " " * (parent.at.column - 1)
        self._insert(place, f"{self._line_end}{indent}- {item}")
