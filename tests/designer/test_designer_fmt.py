"""The formatter: `fmt/NAME.in.yaml` becomes exactly `fmt/NAME.out.yaml`, and no tree is harmed.

What one becomes now is written by `python tests/designer/test_designer_fmt.py NAME.in.yaml`.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ussd_app import menus
from ussd_app.designer.fmt import CannotFormat, format_source
from ussd_app.designer.fmt_lines import COLUMNS_MAX
from ussd_app.flow import syntax
from ussd_app.flow.diagnostics import FlowError

HERE = Path(__file__).parent
CASES = sorted((HERE / "fmt").glob("*.in.yaml"))
SHIPPED = sorted((Path(menus.__file__).parent).glob("*.yaml"))

Tree = str | list["Tree"] | dict[str, "Tree"]


def tree_of(source: str) -> Tree:
    node, problems = syntax.read(source, "x.yaml")
    assert node is not None
    assert not problems
    return _tree(node)


def _tree(node: syntax.Node) -> Tree:
    if isinstance(node, syntax.Scalar):
        return node.value
    if isinstance(node, syntax.Sequence):
        return [_tree(item) for item in node.items]
    return {key.value: _tree(value) for key, value in node.entries}


def behind_plain_texts(source: str) -> set[str]:
    """Comments that seem to be the rest of the plain text before them."""
    node, _ = syntax.read(source, "x.yaml")
    assert node is not None
    found = set()
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", source.removeprefix("\ufeff"))
    for scalar in _scalars(node):
        at = scalar.at
        if scalar.plain and at.line == at.end_line and at.line <= len(lines):
            end = at.end_column if scalar.value else at.column
            behind = re.match(r"\s*(#.*)", lines[at.line - 1][end - 1 :])
            found |= {behind[1].rstrip(" \t")} if behind else set()
    return found


def _scalars(node: syntax.Node) -> Iterator[syntax.Scalar]:
    if isinstance(node, syntax.Scalar):
        yield node
    elif isinstance(node, syntax.Sequence):
        for item in node.items:
            yield from _scalars(item)
    else:
        for _, value in node.entries:
            yield from _scalars(value)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_a_file_comes_out_as_the_one_beside_it(path: Path) -> None:
    source = path.read_bytes().decode()

    laid = format_source(source, path.name)

    assert laid == path.with_name(path.name.replace(".in.", ".out.")).read_bytes().decode()
    assert format_source(laid) == laid


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_files_say_the_same_laid_out_anew(path: Path) -> None:
    source = path.read_text("utf-8")

    laid = format_source(source)

    assert tree_of(laid) == tree_of(source)
    assert format_source(laid) == laid


def test_what_is_no_yaml_is_told_with_its_place() -> None:
    with pytest.raises(FlowError) as caught:
        format_source("cassou: 1\nflow: [a\n", "menu.yaml")

    assert caught.value.diagnostics[0].at.file == "menu.yaml"


@pytest.mark.parametrize("source", ["", "# only a comment\n", "a: 1\na: 2\n", "a: &x 1\n"])
def test_what_the_language_refuses_is_not_formatted(source: str) -> None:
    with pytest.raises(FlowError):
        format_source(source)


def test_a_directive_is_left_alone() -> None:
    with pytest.raises(CannotFormat, match="begins with %"):
        format_source("%YAML 1.1\n---\na: b\n")


def test_line_ends_and_byte_order_mark_go() -> None:
    assert format_source("\ufeff# c\t\r\na: b  \r\n\r\n\r\nc: d\re: f") == (
        "# c\na: b\n\nc: d\ne: f\n"
    )


def test_order_of_the_top_keeps_comments_with_their_keys() -> None:
    laid = format_source(
        "# The file.\n\n# of states\nstates: {}\n# of x\nx: 1\nflow: a  # name\ncassou: 1\n"
    )

    assert laid == (
        "# The file.\n\ncassou: 1\nflow: a  # name\n\n# of states\nstates: {}\n# of x\nx: 1\n"
    )


def test_files_without_a_version_keep_their_order() -> None:
    assert format_source("states: b\nflow: a\n") == "states: b\nflow: a\n"


def test_braces_reach_to_the_last_column_and_no_further() -> None:
    fits = f'a: {{b: "{"x" * (COLUMNS_MAX - 10)}"}}\n'
    assert len(fits) == COLUMNS_MAX + 1
    assert format_source(fits) == fits

    over = fits.replace("xx", "xxx", 1)
    assert format_source(over) == "a:\n  b: " + over[7:-2] + "\n"


# --- any tree, written by a careless hand

_TEXT = st.text(st.sampled_from("ab #'\"\\:,-?{}[]|>&*!%@`~0é’\u2028\x85\ufeff😀\n\t"), max_size=12)
_VALUE = st.one_of(
    _TEXT, st.sampled_from(["00", "no", "012", "12:30", "*789#", "", " ", "{a.b|c} # d", "~"])
)
_KEY = st.one_of(
    st.sampled_from(["cassou", "flow", "states", "menu", "next", "vars", "languages", "start"]),
    st.text(st.sampled_from("abé #:-'\""), max_size=5),
)
TREES = st.recursive(
    _VALUE,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEY, inner, max_size=5)),
    max_leaves=14,
)
_PLAIN = re.compile(r"[a-z0-9é][a-z0-9é:]*[a-z0-9é]\Z")
_NOTES = ("# {}", "#{}", "#\t{}\t#", "#   é {} ’  ", '# "{}: [', "# {} # '")


class Hand:
    """Writes a tree as YAML in one of many ways, with comments wherever YAML allows one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.notes: list[str] = []
        #: The last text was one after `|`: a deeper line would be part of it.
        self.open = False

    def document(self, tree: Tree) -> str:
        lines = [*self._above(0), *(["---"] if self._maybe() else [])]
        lines += self._block(tree, self.rng.choice([0, 0, 3]))
        lines += self._above(0)
        end = self.rng.choice(["\n", "\r\n", "\r"])
        return ("\ufeff" if self._maybe() else "") + end.join(lines) + end

    def _maybe(self, odds: int = 4) -> bool:
        return self.rng.randrange(odds) == 0

    def _note(self) -> str:
        note = self.rng.choice(_NOTES).format(f"n{len(self.notes)}")
        self.notes.append(note.rstrip(" \t"))
        return note

    def _above(self, indent: int) -> list[str]:
        lines = []
        while self._maybe(3):
            deep = 0 if self.open else self.rng.choice([indent, indent, 0, indent + 1, 9])
            lines.append("" if self._maybe(2) else " " * deep + self._note())
        return lines

    def _eol(self, *more: str) -> str:
        """Perhaps a comment; YAML wants no tab behind an indicator of a block."""
        return self.rng.choice([" ", "  ", "      ", *more]) + self._note() if self._maybe() else ""

    def _scalar(self, value: str, indent: int, *, braces: bool = False) -> list[str]:
        """Lines, the further ones with their indentation."""
        self.open = False
        if _PLAIN.match(value) and self._maybe(2):
            return [value]
        held = re.fullmatch(r"[ab0#'\"{}é]+(\n[ab0#'\" é]*[ab0])*\n?", value)
        if held and not braces and self._maybe(2):
            first, *others = value.rstrip("\n").split("\n")
            chomp = "" if value.endswith("\n") else "-"
            header = self.rng.choice(["|", "|2"]) if indent >= 0 else "|"
            pad = " " * (indent + 2 if header == "|2" else max(indent, 0) + self.rng.choice([1, 4]))
            lines = [pad + each if each else "" for each in (first, *others)]
            self.open = True
            return [header + chomp + (" " + self._note() if self._maybe() else ""), *lines]
        pad = " " * self.rng.choice([max(indent, 0) + 1, max(indent, 0) + 5])
        if re.fullmatch(r"[ab0#'\":,{}é]+( [ab0#'\":,{}é]+)*", value) and self._maybe(2):
            first, *others = value.replace("'", "''").split(" ")
            if self._maybe(2):
                return [f"'{' '.join((first, *others))}'"]
            lines = [f"'{first}", *(pad + each for each in others)]
            return [*lines[:-1], lines[-1] + "'"]
        quoted = json.dumps(value, ensure_ascii=False)
        for odd in "\u2028\x85":
            quoted = quoted.replace(odd, f"\\u{ord(odd):04x}")
        if " " in value and "\\" not in quoted and self._maybe(2):
            cut = quoted.index(" ")
            return [quoted[:cut] + "\\", f"{pad}\\{quoted[cut:]}"]
        return [quoted]

    def _block(self, tree: Tree, indent: int, *, braces: bool = True) -> list[str]:
        """`tree` on lines of its own."""
        if isinstance(tree, str):
            first, *others = self._scalar(tree, -1)
            held = first[0] in "|>"
            eol = "" if held else self._eol("\t")
            lines = [" " * indent + first, *others]
            return [*lines[:-1], lines[-1] + eol]
        if not tree or (braces and self._maybe()):
            first, *others = self._flow(tree, indent + 1)
            return [" " * indent + first, *others]
        lines = []
        if isinstance(tree, dict):
            for key, value in tree.items():
                lines += [*self._above(indent), *self._entry(f"{self._key(key)}:", value, indent)]
            return lines
        for value in tree:
            lines += self._above(indent)
            if isinstance(value, dict) and value and self._maybe(2):
                lines += self._compact(value, indent)
            else:
                lines += self._entry("-", value, indent)
        return lines

    def _compact(self, value: dict[str, Tree], indent: int) -> list[str]:
        """`- key: value` with the other keys under the first one."""
        deeper = indent + 2
        lines: list[str] = []
        for key, inner in value.items():
            above = self._above(deeper) if lines else []
            lines += [*above, *self._entry(f"{self._key(key)}:", inner, deeper)]
        return [f"{' ' * indent}- {lines[0].lstrip(' ')}", *lines[1:]]

    def _key(self, key: str) -> str:
        if _PLAIN.match(key) and not self._maybe():
            return key
        return json.dumps(key, ensure_ascii=False)

    def _entry(self, head: str, value: Tree, indent: int) -> list[str]:
        start = " " * indent + head
        if isinstance(value, str):
            if value == "" and self._maybe(2):
                return [start + self._eol()]
            first, *others = self._scalar(value, indent)
            if first[0] in "|>":
                return [f"{start} {first}", *others]
            if self._maybe():
                deeper = " " * (indent + 3)
                lines = [start + self._eol(), *self._above(indent + 3), deeper + first, *others]
            else:
                lines = [f"{start} {first}", *others]
            return [*lines[:-1], lines[-1] + self._eol("\t")]
        if not value or self._maybe():
            first, *others = self._flow(value, indent + 1)
            return [f"{start} {first}", *others]
        step = self.rng.choice([1, 2, 2, 4])
        if isinstance(value, list) and head != "-" and self._maybe(2):
            step = 0
        body = self._block(value, indent + step, braces=step > 0)
        return [start + self._eol(), *body]

    def _flow(self, tree: Tree, indent: int) -> list[str]:
        """Inside braces: lines may break and hold comments between any two parts."""
        lines = [""]
        self._flow_into(tree, lines, " " * indent)
        lines[-1] += self._eol("\t")
        return lines

    def _flow_into(self, tree: Tree, lines: list[str], pad: str) -> None:
        if isinstance(tree, str):
            first, *others = self._scalar(tree, len(pad), braces=True)
            lines[-1] += first
            lines += others
            return
        lines[-1] += "{" if isinstance(tree, dict) else "["
        parts: list[tuple[str, Tree]] = (
            list(tree.items()) if isinstance(tree, dict) else [("", item) for item in tree]
        )
        for number, (key, value) in enumerate(parts):
            if number:
                lines[-1] += ","
            self._break(lines, pad)
            if isinstance(tree, dict):
                lines[-1] += self._key(key) + ": "
            self._flow_into(value, lines, pad)
        self._break(lines, pad)
        lines[-1] += "}" if isinstance(tree, dict) else "]"

    def _break(self, lines: list[str], pad: str) -> None:
        if self._maybe(5):
            lines[-1] += self._eol("\t")
            lines += [*self._above(len(pad)), pad]
        else:
            lines[-1] += " "


@given(TREES, st.integers(0, 2**32))
def test_no_text_and_no_comment_gets_lost(tree: Tree, seed: int) -> None:
    hand = Hand(random.Random(seed))
    source = hand.document(tree)
    assert tree_of(source) == tree, source

    laid = format_source(source)

    assert tree_of(laid) == tree
    assert Counter(note for note in hand.notes if note in laid) == Counter(hand.notes)
    assert format_source(laid) == laid
    assert behind_plain_texts(laid) <= behind_plain_texts(source)
    assert "\r" not in laid
    assert laid.endswith("\n")
    assert not laid.startswith(("\ufeff", "\n"))


_PIECES = (
    *("a: ", "b: ", "c:", "- ", "- ", "{", "}", "[", "]", ", ", "# c", " # d\t", "\n", "\n"),
    *(
        "\n  ",
        "\n    ",
        "  ",
        '"x # y"',
        "'z'",
        "x",
        "00",
        "|\n  l\n   m\n",
        ">-\n    f\n\n    g\n",
    ),
    *("|+\n  k\n\n", "? ", ": ", "---\n", "\u2028", "\x85", '"q\\\n   r \\ \n s"', "é #", "\t"),
    *("cassou: 1\n", "states:\n", "  s: {next: a, show: b}\n", "\ufeff", "-", "?", "\r\n", "%"),
    *('"m\n\n   n"', "\n# top\n", "\n   # odd\n", "|2\n   z\n", "flow: x\n"),
)


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=16).map("".join))
@example("a: |\n  x\n\n\n# k\nb: c")
@example("a: {  # open\n  }\nb: d")
@example("a: # one\n\n  # two\n  x # three\nb: 1")
@example("? a # key\n: b # value\n")
@example("a:  # c\ufeff}\n\n|2\n   z\n\n    -")
@example("- # c\n  a: 1\n# d\n-\n  - - b # e\n")
def test_scraps_of_yaml_are_refused_or_mean_the_same(source: str) -> None:
    try:
        laid = format_source(source)
    except (FlowError, CannotFormat):
        return

    assert tree_of(laid) == tree_of(source)
    assert format_source(laid) == laid


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        laid_out = format_source(path.read_bytes().decode(), path.name)
        path.with_name(path.name.replace(".in.", ".out.")).write_bytes(laid_out.encode())
