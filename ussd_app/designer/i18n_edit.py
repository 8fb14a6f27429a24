"""Puts texts into a YAML source and leaves every other octet of it as it is.

A text that is replaced keeps the style it was written in, where the new text can be written so and
read back exactly; else it stands between double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ussd_app.designer.i18n_texts import Document, Found
from ussd_app.flow import syntax
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.syntax import Node, Scalar

#: What YAML 1.1 takes for the end of a line; the marks of the parser count these.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LAST_BREAK = re.compile("(?:\r\n|[\n\r\x85\u2028\u2029])\\Z")
#: What a line that is added ends with, as the file's others do.
_LINE_END = re.compile("\r\n|[\n\r]")
_COLON = re.compile(r"\s*:")
#: What may not stand as it is in any scalar (YAML 1.2.2, 5.1), or would end a line there.
_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
#: A text that reads back without quotes wherever it stands, and to any YAML reader as a text.
_PLAIN = re.compile(r"""[^\W\d_](?:[^:?#,\[\]{}"'&*!|>%@`\\]*[^:?#,\[\]{}"'&*!|>%@`\\\s])?\Z""")
_TRAPS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HEADER = re.compile(r"([|>])([-+0-9]*)(.*)")


def _double(text: str) -> str:
    def code(match: re.Match[str]) -> str:
        number = ord(match[0])
        return _SHORT.get(match[0]) or (f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}")

    quoted = text.replace("\\", _SHORT["\\"]).replace('"', _SHORT['"'])
    return f'"{_ESCAPED.sub(code, quoted)}"'


def _inline(text: str, style: str) -> str:
    """`text` on one line, in the style that begins with the character `style` if it can be."""
    if _ESCAPED.search(text) or style in {"", '"', "|", ">"}:
        return _double(text)
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    return text if _PLAIN.match(text) and text.lower() not in _TRAPS else _double(text)


def _word(language: str) -> str:
    return _inline(language, language[0])


def _block(text: str, header: str, indent: str, line_end: str) -> str | None:
    """`text` as a block under a header such as `|-`, or None if it cannot be written so."""
    match = _HEADER.match(header)
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if match is None or any(digit.isdigit() for digit in match[2]) or not indent:
        return None
    if not lines[0] or not lines[-1] or _ESCAPED.search(body.replace("\n", "")):
        return None
    if any(line.startswith((" ", "\t")) for line in lines):
        return None
    if match[1] == ">":
        # Folding takes one line break of each run away.
        lines = re.sub("\n+", lambda run: run[0] + "\n", body).split("\n")
    chomp = "" if text.endswith("\n") else "-"
    head = f"{match[1]}{chomp}{match[3]}"
    return line_end.join((head, *(indent + line if line else "" for line in lines)))


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
        self._pairs = frozenset(self._pairs_in(document.root, inside=False))

    def put(self, found: Found, language: str, text: str) -> None:
        """`text` as what `found` says in `language`, in place of what it says there now."""
        keys = {key.value: key for key, _ in found.node.entries if key.value in found.by_language}
        last = keys.get(language) or list(keys.values())[-1]
        written = self._written(found.node, last, found.by_language[last.value])
        block = _block(text, written.header, written.indent, self._line_end)
        value = _inline(text, written.style) if block is None else block
        # At the end of a file nothing else would end the last line of a block.
        ending = self._line_end if block is not None and text.endswith("\n") else ""
        if language not in keys:
            self._append(found.node, last, written, f"{_word(language)}: {value}", ending)
            return
        if block is None:
            value += _comment(written.header)
        if written.end == len(self._source):
            value += ending
        self._changes.append((written.start, written.end, written.before + value))

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
                    self._append(declared, key, written, f"also: [{_word(language)}]")

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

    def _pairs_in(self, node: Node, *, inside: bool) -> Iterator[Position]:
        """Mappings of one entry without braces, in a list in brackets: `[fr: Oui]`."""
        first = self._source[self._start(node.at) : self._start(node.at) + 1]
        if isinstance(node, syntax.Mapping):
            if inside and first != "{":
                yield node.at
            for _, value in node.entries:
                yield from self._pairs_in(value, inside=inside or first == "{")
        elif isinstance(node, syntax.Sequence):
            for item in node.items:
                yield from self._pairs_in(item, inside=inside or first == "[")

    def _is_block(self, node: syntax.Mapping) -> bool:
        return node.at not in self._pairs and self._source[self._start(node.at)] != "{"

    def _written(self, parent: syntax.Mapping, key: Scalar, value: Scalar) -> _Written:
        at = value.at
        start, end = self._start(at), self._end(at)
        first = self._source[start : start + 1]
        # A position is never narrower than one column, so nothing at all looks one column wide.
        wide = at.end_line > at.line or at.end_column > at.column + 1
        if first in {"|", ">"}:
            return self._block_at(start, end, value)
        if value.value or wide:
            return _Written(start, end, first)
        colon = _COLON.match(self._source, self._end(key.at))
        if colon:
            return _Written(colon.end(), colon.end(), "", " ")
        place = self._end(key.at)
        if not self._is_block(parent):
            return _Written(place, place, "", ": ")
        place = self._line_behind(place)
        return _Written(place, place, "", f"{self._line_end}{' ' * (parent.at.column - 1)}: ")

    def _block_at(self, start: int, end: int, value: Scalar) -> _Written:
        header = self._source[start : self._line_behind(start)]
        chomp = _HEADER.match(header)
        kept = chomp is not None and "+" in chomp[2]
        written = self._source[start:end]
        if kept:
            # Blank lines behind are part of the value, all but the break before the next key.
            written = _LAST_BREAK.sub("", written.rstrip(" "))
            end = start + max(len(written), len(header))
        else:
            end = self._line_behind(start + len(written.rstrip()))
        lines = _BREAK.split(self._source[start:end])[1:]
        first = next((line for line in lines if line.strip()), "")
        indent = first[: len(first) - len(first.lstrip(" "))]
        stripped = chomp is not None and "-" in chomp[2]
        breaks = bool(value.value) and not stripped and not value.value.endswith("\n")
        return _Written(start, end, header[0], "", header, indent, breaks)

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

    def _append_item(self, parent: syntax.Sequence, word: str) -> None:
        item = _word(word)
        start = self._start(parent.at)
        if self._source[start] == "[":
            place = self._end(parent.items[-1].at) if parent.items else start + 1
            self._insert(place, f", {item}" if parent.items else item)
            return
        place = self._line_behind(self._end(parent.items[-1].at))
        indent = " " * (parent.at.column - 1)
        self._insert(place, f"{self._line_end}{indent}- {item}")


def _comment(header: str) -> str:
    """What stands behind the header of a block on its line."""
    match = _HEADER.match(header)
    return match[3] if match else ""
