"""A YAML source as a tree that keeps every scalar as typed, with each comment at its entry.

YAML's own reader says at which offsets scalars stand. All that stands between them is blanks,
indicators and comments, so no comment can be missed. A comment on a line of its own belongs to what
it precedes; if it stands deeper than that, to the end of the block it stands in.
"""

from __future__ import annotations

import json
import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

#: Blanks a block is indented by, deeper than what it belongs to.
STEP = 2
#: What ends a line for YAML 1.1, once CR LF and CR have become LF.
_BREAK = re.compile("[\n\x85\u2028\u2029]")
_COMMENT = re.compile("#[^\n\x85\u2028\u2029]*|^%", re.MULTILINE)
#: Characters of a text that YAML takes for layout elsewhere: escaped, they survive a new one.
_FRAGILE = re.compile("[\x85\u2028\u2029\ufeff]")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_HEADER = re.compile(r"[|>][-+0-9]*")
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\([ \t])[ \t]*\Z")
_BLANKS = " \t\ufeff"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class CannotFormat(Exception):  # noqa: N818  # the file is left alone; nobody erred
    """The new layout would not say the same, so there is none; the sentence says why."""


@dataclass(slots=True)
class Comment:
    """A comment from its `#` on, and where it stood.

    `code` stands before it on its line, at `distance`; `blank` says that a blank line is above it.
    """

    text: str
    at: int
    line: int
    column: int
    code: str
    distance: int
    blank: bool


@dataclass(slots=True)
class Scalar:
    """A text as typed: its first line, then further ones without their indentation.

    `block` says that it stands after `|` or `>`.
    """

    lines: list[str]
    block: bool = False


@dataclass(slots=True, eq=False)
class Entry:
    """A key (None: an item of a list) with its value, and its comments.

    `name` is what the key says, `eol` the comment at the end of its line. `lead` says that a blank
    line is above it and its comments, `gap` that one is between them and it.
    """

    name: str
    key: str | None
    value: Scalar | Group
    before: list[Comment] = field(default_factory=list)
    eol: Comment | None = None
    lead: bool = False
    gap: bool = False

    def raise_comments(self, comments: list[Comment]) -> None:
        """Put comments that have no other place above it."""
        comments[0].blank = self.gap
        self.before += comments
        self.gap = False

    def raise_eol(self) -> None:
        """Put the comment at the end of its line above it, if there is one."""
        if self.eol:
            self.raise_comments([self.eol])
            self.eol = None


@dataclass(slots=True)
class Group:
    """A mapping, or a list if `listed`.

    `column` is where its block stood, -1 if it was in `{…}` or `[…]`. `flow` says that it may stand
    there again: it holds no comment. `after` are the comments at its end.
    """

    listed: bool
    column: int
    flow: bool
    entries: list[Entry] = field(default_factory=list)
    after: list[Comment] = field(default_factory=list)


class Document:
    """A readable source: `root` holds its tree and the file's own comments, `tail` is its end.

    Raises `CannotFormat` for what no file of ours holds.
    """

    def __init__(self, source: str) -> None:
        self._text = source.replace("\r\n", "\n").replace("\r", "\n")
        self._lines = _BREAK.split(self._text)
        self._starts = [0, *(match.end() for match in _BREAK.finditer(self._text))]
        node = yaml.compose(self._text, Loader=_Loader)
        if node is None:
            raise CannotFormat("the file is empty")
        self._comments = list(self._found_comments(node))
        self._offsets = [each.at for each in self._comments]
        self._next = 0
        #: What a comment on this line belongs to; where its text ends if it is a plain one.
        self._last: tuple[Entry, int, int] | None = None
        self.root = Entry("", None, Scalar([]), self._take(node.start_mark.index))
        self._fill(self.root, node, -1)
        self.tail = self._take(len(self._text))
        self._finish(above=self._blank_above(node.start_mark.line))

    @property
    def notes(self) -> list[str]:
        """The texts of all comments."""
        return [each.text for each in self._comments]

    def _finish(self, *, above: bool) -> None:
        """Divide the comments at both ends between the file and its first and last entries."""
        root = self.root
        root.gap = above
        if not isinstance(root.value, Group) or root.value.flow:
            return
        first = root.value.entries[0]
        own = root.before + first.before
        # The first paragraph of comments is the file's own, whatever key comes first.
        paragraph = next((i for i, each in enumerate(own) if i and each.blank), len(own))
        root.before, first.before = own[:paragraph], own[paragraph:]
        root.gap = above or bool(first.before)
        first.lead, first.gap = bool(first.before), bool(first.before) and above
        if root.value.column >= 0:
            root.value.after += _settle(root.value, self.tail, -1)
            self.tail = []

    def _found_comments(self, node: yaml.Node) -> Iterator[Comment]:
        start = 0
        for low, high in [*self._spans(node), (len(self._text), 0)]:
            for match in _COMMENT.finditer(self._text, start, low):
                if match[0] == "%":
                    raise CannotFormat("a line that begins with % is for YAML only; remove it")
                yield self._comment(match[0].rstrip(" \t"), match.start())
            start = high

    def _comment(self, text: str, at: int) -> Comment:
        line = bisect(self._starts, at) - 1
        column = at - self._starts[line]
        code = self._lines[line][:column].rstrip(_BLANKS)
        blank = self._blank_above(line)
        return Comment(text, at, line, column, code.lstrip(_BLANKS), column - len(code), blank)

    def _blank_above(self, line: int) -> bool:
        return line > 0 and not self._lines[line - 1].strip(_BLANKS)

    def _spans(self, node: yaml.Node) -> Iterator[tuple[int, int]]:
        """Where scalars stand; the line of a `|` is free behind it, for it may hold a comment."""
        low, high = node.start_mark.index, node.end_mark.index
        if not isinstance(node, yaml.ScalarNode):
            for key, value in _pairs(node):
                if key:
                    yield from self._spans(key)
                yield from self._spans(value)
        elif header := _HEADER.match(self._text, low) if node.style in {"|", ">"} else None:
            stop = _BREAK.search(self._text, low, high)
            yield low, header.end()
            yield stop.start() if stop else high, high
        else:
            yield low, high

    def _take(self, before: int) -> list[Comment]:
        """The comments up to an offset, but for those at the end of the last scalar's line."""
        own = []
        while self._next < len(self._comments) and self._comments[self._next].at < before:
            comment = self._comments[self._next]
            self._next += 1
            if self._last is None or self._last[1] != comment.line:
                own.append(comment)
                continue
            entry, _, end = self._last
            if end >= 0 and self._text[end : comment.at].strip(_BLANKS):
                # Right behind a plain text it would seem to be the rest of that.
                entry.raise_comments([comment])
            else:
                entry.raise_eol()
                entry.eol = comment
        return own

    def _fill(self, entry: Entry, node: yaml.Node, column: int) -> None:
        """Give `entry` its value; `column` is that of the block around it."""
        low, high = node.start_mark, node.end_mark
        quiet = bisect(self._offsets, low.index) == bisect(self._offsets, high.index)
        if isinstance(node, yaml.CollectionNode) and node.value and not (node.flow_style and quiet):
            entry.value = self._group(node, column)
            if node.flow_style:
                entry.value.after += self._take(high.index)
            if node.flow_style and self._last:
                self._last = (self._last[0], high.line, self._last[2])
            return
        own = self._take(low.index)
        if own or _is_plain(node):
            entry.raise_eol()
        if own:
            entry.raise_comments(own)
        entry.value = self._quiet(node, column)
        ends_above = node.style in {"|", ">"} if isinstance(node, yaml.ScalarNode) else not quiet
        line = low.line if ends_above else high.line
        self._last = (entry, line, high.index if _is_plain(node) else -1)

    def _group(self, node: yaml.CollectionNode, outer: int) -> Group:
        """A block, or a `{…}` or `[…]` that must become one for the comments in it."""
        column = -1 if node.flow_style else node.start_mark.column
        group = Group(isinstance(node, yaml.SequenceNode), column, flow=False)
        for key, value in _pairs(node):
            mark = (key or value).start_mark
            own = self._take(mark.index)
            if group.entries and column >= 0:
                own = _settle(group.entries[-1].value, own, column)
            indent = self._lines[mark.line][: mark.column]
            above = self._blank_above(mark.line) and not indent.strip(_BLANKS + "-?")
            entry = Entry(key.value if key else "", self._key(key), Scalar([]), own)
            entry.lead, entry.gap = (own[0].blank, above) if own else (above, False)
            if key:
                self._last = (entry, key.end_mark.line, -1)
            group.entries.append(entry)
            self._fill(entry, value, max(column, outer))
        return group

    def _quiet(self, node: yaml.Node, column: int) -> Scalar | Group:
        """A value that holds no comment."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, column)
        group = Group(isinstance(node, yaml.SequenceNode), -1, flow=True)
        for key, value in _pairs(node):
            name = key.value if key else ""
            group.entries.append(Entry(name, self._key(key), self._quiet(value, column)))
        return group

    def _key(self, node: yaml.ScalarNode | None) -> str | None:
        if node is None:
            return None
        scalar = self._scalar(node, 0)
        if scalar.block or scalar.lines[1:] or scalar.lines == [""]:
            return _quoted(node.value)
        return scalar.lines[0]

    def _scalar(self, node: yaml.ScalarNode, column: int) -> Scalar:
        raw = self._text[node.start_mark.index : node.end_mark.index]
        if node.style in {"|", ">"}:
            return _block_scalar(raw, node.value, column)
        # A lone indicator is a text inside [] only, `---` anywhere but at the start of a line.
        if _FRAGILE.search(raw) or raw in {"-", "?", ":"} or raw[:3] in {"---", "..."}:
            return Scalar([_quoted(node.value)])
        first, *others = raw.split("\n")
        if not others:
            return Scalar([raw])
        lines = [first, *(each.lstrip(" \t") for each in others)]
        double = node.style == '"'
        return Scalar([*(_line_end(each, double=double) for each in lines[:-1]), lines[-1]])


def _is_plain(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style not in {'"', "'", "|", ">"}


def _pairs(node: yaml.Node) -> list[tuple[yaml.ScalarNode | None, yaml.Node]]:
    """Keys with values; items of a list have no key."""
    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    return [(None, item) for item in node.value]


def _quoted(value: str) -> str:
    """A text on one line in double quotes."""
    quoted = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def _line_end(line: str, *, double: bool) -> str:
    """A line of a quoted text without trailing blanks; an escaped one is part of the text."""
    found = _CUT_ESCAPE.search(line) if double else None
    if found:
        return line[: found.start()] + found[1] + ("\\t" if found[2] == "\t" else "\\x20")
    return line.rstrip(" \t")


def _block_scalar(raw: str, value: str, column: int) -> Scalar:
    """A text after `|` or `>`; quoted where blank lines that belong to it would end it."""
    first, *body = _BREAK.split(raw)
    header = first.split("#")[0]
    fragile = raw.count("\n") < len(body) or any("\ufeff" in each for each in body)
    filled = next((each for each in body if each.strip(" ")), None)
    if filled is None or fragile or value.endswith("\n\n"):
        return Scalar([_quoted(value)])
    digit = re.sub(r"[^0-9]", "", header)
    indent = max(column, 0) + int(digit) if digit else len(filled) - len(filled.lstrip(" "))
    lines = [each[indent:] for each in body]
    while not lines[-1]:
        lines.pop()
    chomp = "" if value.endswith("\n") else "-"
    return Scalar([header[0] + (str(STEP) if digit else "") + chomp, *lines], block=True)


def _settle(value: Scalar | Group, comments: list[Comment], column: int) -> list[Comment]:
    """Put comments that stand deeper than `column` at the ends of the blocks in `value`.

    The answer is those that belong to what follows.
    """
    blocks = []
    while isinstance(value, Group) and value.column >= 0:
        blocks.append(value)
        value = value.entries[-1].value
    for number, comment in enumerate(comments):
        inner = [each for each in blocks if each.column <= comment.column]
        if comment.code or comment.column <= column or not inner:
            return comments[number:]
        place = max(inner, key=lambda each: each.column)
        place.after.append(comment)
        blocks = blocks[: blocks.index(place) + 1]
    return []
