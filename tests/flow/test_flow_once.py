"""One mistake is told once, however much stands on it; of very many, the first are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ussd_app import engine
from ussd_app.flow import diagnostics
from ussd_app.flow.compiler import Library, examine
from ussd_app.flow.diagnostics import Diagnostic, FlowError, Position, describe
from ussd_app.flow.linker import NESTED_MAX
from workers.application import APPLICATION

MENUS = Path(engine.__file__).parent / "menus"
SHIPPED = (MENUS / "buy-electricity.yaml").read_text("utf-8")
HEAD = 'cassou: 1\nflow: many\nservice_codes: ["*1#"]\nlanguages: {default: fr}\nstart: home\n'


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.load(MENUS, APPLICATION)


def told(source: str, library: Library) -> list[Diagnostic]:
    return list(examine(source, "f", library).diagnostics)


def shortened(source: str, found: re.Match[str]) -> str:
    """A file with one letter of one word left out."""
    middle = (found.start(1) + found.end(1)) // 2
    return source[:middle] + source[middle + 1 :]


WORDS = [
    "languages",
    "default",
    "also",
    "start",
    "home",
    "keys",
    "vars",
    "states",
    "flow",
    "service_codes",
    "type",
    "lengths",
    "places",
    "call",
    "list",
    "menu",
    "input",
    "end",
    "show",
    "wait",
    "save",
    "next",
    "options",
    "label",
    "check",
    "rule",
    "error",
    "attempts",
    "with",
    "outcomes",
    "rows",
    "row",
    "empty",
    "text",
    "once_per",
    "deadline",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_misspelt_key_is_one_mistake(word: str, library: Library) -> None:
    found = next(re.finditer(rf"(?:^|(?<=[ {{])){word}()(?=: |:\n)", SHIPPED, re.MULTILINE))
    start = found.start() + len(word) // 2

    assert len(told(SHIPPED[:start] + SHIPPED[start + 1 :], library)) == 1


@pytest.mark.parametrize("name", re.findall(r"^  ([a-z_]+):(?=\s)", SHIPPED, re.MULTILINE))
def test_a_name_that_was_changed_is_one_mistake(name: str, library: Library) -> None:
    found = re.search(rf"^  ({name}):", SHIPPED, re.MULTILINE)
    assert found is not None

    assert len(told(shortened(SHIPPED, found), library)) == 1


def test_of_very_many_problems_the_first_hundred_are_told(library: Library) -> None:
    options = "".join(f"      - {{label: Plus, next: gone{n}}}\n" for n in range(40))
    states = "".join(
        f"  s{n}:\n    menu: Plus\n    options:\n{options.replace('gone', f'gone{n}x')}"
        for n in range(10)
    )
    source = f"{HEAD}states:\n  home: {{show: Plus, next: s0}}\n{states}"
    found = told(source, library)

    assert len(found) == diagnostics.TOLD_MAX + 1
    assert found[-1].message.endswith("; and 299 more, told once these are mended")
    assert diagnostics.capped(found) == found


def test_sub_flows_nest_to_a_bounded_depth() -> None:
    files = {
        f"f{n}.yaml": f"cassou: 1\nflow: f{n}\nlanguages: {{default: fr}}\nstart: go\n"
        f"returns: {{ok: {{}}}}\nstates:\n  go: {{flow: f{n + 1}, outcomes: {{ok: ok}}}}\n"
        for n in range(600)
    }
    root = f"{HEAD}states:\n  home: {{menu: Plus, options: [{{label: Plus, next: go}}]}}\n"
    root += "  go: {flow: f0, outcomes: {ok: bye}}\n  bye: {end: Fin}\n"
    (found,) = examine(root, "flow.yaml", Library.of({**files, "flow.yaml": root})).diagnostics

    assert (found.id, found.at.file) == ("too-large", f"f{NESTED_MAX - 1}.yaml")
    assert found.message == "sub-flows nest 20 deep at most"


def test_a_filter_in_a_text_of_the_framework_is_told_and_breaks_nothing() -> None:
    system = (MENUS / "system.yaml").read_text("utf-8").replace("{low}", "{low|date}")

    with pytest.raises(FlowError, match="unknown-filter"):
        Library.of({"system.yaml": system})


@pytest.mark.parametrize("column", [1, 150, 900, 1000])
def test_of_a_long_line_what_is_around_the_caret_is_shown(column: int) -> None:
    line = "".join(chr(0x4E00 + n) for n in range(1000))
    shown = describe(Diagnostic(Position("f", 1, column, 1, column + 1), "yaml", "this"), line)
    _, _, clipped, caret = shown.split("\n")

    assert len(clipped) <= diagnostics.LINE_MAX + 6
    assert clipped[caret.index("^")] == line[column - 1]
