"""What is wrong in a flow, where, and what to do: values, not exceptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache

#: Problems that are told at once.
TOLD_MAX = 100
#: Characters of a source line that are shown.
LINE_MAX = 200


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A range in a file; lines and columns count from 1, the end is just behind the last one."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One problem: where, the check's id, a plain sentence."""

    at: Position
    id: str
    message: str


class FlowError(Exception):
    """A file that cannot be compiled; `diagnostics` says all that is wrong with it.

    `sources` are the texts of the files they stand in.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], sources: Mapping[str, str]) -> None:
        self.diagnostics = capped(diagnostics)
        self.sources = sources
        super().__init__(
            "\n".join(describe(each, sources.get(each.at.file, "")) for each in self.diagnostics)
        )


def describe(diagnostic: Diagnostic, source: str) -> str:
    """`file:line:column: error: sentence [id]`, then the line with a caret under the place."""
    at = diagnostic.at
    head = f"{at.file}:{at.line}:{at.column}: error: {diagnostic.message} [{diagnostic.id}]"
    lines = source.splitlines()
    if not 0 < at.line <= len(lines):
        return head
    line = lines[at.line - 1].expandtabs(1)
    end = at.end_column if at.end_line == at.line else len(line) + 1
    line, before, count = _clipped(line, at.column - 1, max(end - at.column, 1))
    number = str(at.line)
    gutter = " " * len(number)
    return f"{head}\n{gutter} |\n{number} | {line}\n{gutter} | {' ' * before}{'^' * count}"


def _clipped(line: str, before: int, count: int) -> tuple[str, int, int]:
    """A line, the characters before its carets and the carets: of a long one what is around."""
    if len(line) <= LINE_MAX:
        return line, before, count
    start = max(min(before - LINE_MAX // 4, len(line) - LINE_MAX), 0)
    end = start + LINE_MAX
    left, right = "…" if start else "", "…" if end < len(line) else ""
    count = max(min(count, end - before), 1)
    return f"{left}{line[start:end]}{right}", before - start + len(left), count


def capped(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Problems in order, each once; of very many the first, and how many more there are."""
    found = sorted(set(diagnostics))
    rest = found[TOLD_MAX:]
    if len(rest) < 2:
        return found
    more = f"{rest[0].message}; and {len(rest) - 1} more, told once these are mended"
    return [*found[:TOLD_MAX], replace(rest[0], message=more)]


def described(diagnostic: Diagnostic, sources: Mapping[str, str], *, colour: bool) -> str:
    """As `describe`; in `colour`, for a terminal, the place is bold and the word and caret red."""
    text = describe(diagnostic, sources.get(diagnostic.at.file, ""))
    if not colour:
        return text
    head, *rest = text.split("\n")
    place, _, sentence = head.partition(": error: ")
    lines = [f"\x1b[1m{place}:\x1b[0m \x1b[1;31merror:\x1b[0m {sentence}", *rest]
    if rest:
        lines[-1] = lines[-1].replace("^", "\x1b[1;31m^", 1) + "\x1b[0m"
    return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` if one of `known` is near `word`, else what is known, if it is few."""
    names = sorted(set(known))
    near = meant(word, names)
    if near:
        return f'; did you mean "{near}"?'
    if 0 < len(names) <= 12:
        return "; known are " + ", ".join(names)
    return ""


def meant(word: str, known: Iterable[str]) -> str:
    """The one of `known` that is near `word`, "" if none is."""
    return _near(word, tuple(sorted(set(known))))


# The same slip may stand in a thousand places.
@lru_cache(maxsize=64)
def _near(word: str, names: tuple[str, ...]) -> str:
    return next(iter(get_close_matches(word, names, n=1, cutoff=0.6)), "")
