"""Files as designers write them: `ok/*.yaml` is silent, `err/x.yaml` prints exactly `x.out`.

A file `catalogue-*.yaml` is a catalogue of back-ends, `system-*.yaml` the framework's own texts,
any other a flow, compiled against the shipped catalogue and texts. A directory holds `flow.yaml`
and the files beside it: sub-flows, a catalogue of its own. To see what one prints now:
`python tests/flow/test_flow_files.py tests/flow/err/x.yaml`.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from ussd_app import engine
from ussd_app.application import Application
from ussd_app.flow.catalogue import parse_catalogue, parse_system
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError

HERE = Path(__file__).parent
APP = Path(engine.__file__).parent
GOOD = sorted(path for path in (HERE / "ok").iterdir() if path.suffix in {".yaml", ""})
BAD = sorted(path for path in (HERE / "err").iterdir() if path.suffix in {".yaml", ""})
APPLICATION = Application(
    filters={"kwh": lambda value, _language: f"{value} kWh"},
    functions={"shop.discount": lambda total, code: total // 10 if code else 0},
)
_ERROR = re.compile(r"^(\S+:\d+:\d+): error: .* \[([a-z0-9-]+)\]$", re.MULTILINE)


@cache
def library() -> Library:
    return Library.load(APP / "menus", APPLICATION)


def printed(path: Path) -> str:
    """What a designer reads about one file, or one directory; nothing where it is good."""
    try:
        if path.is_dir():
            sources = {each.name: text_of(each) for each in sorted(path.glob("*.yaml"))}
            compile_source(sources["flow.yaml"], "flow.yaml", Library.of(sources, APPLICATION))
            return ""
        match path.name.split("-", maxsplit=1)[0]:
            case "catalogue":
                parse_catalogue(text_of(path), path.name, APPLICATION.functions)
            case "system":
                parse_system(text_of(path), path.name)
            case _:
                compile_source(text_of(path), path.name, library())
    except FlowError as error:
        return f"{error}\n"
    return ""


def text_of(path: Path) -> str:
    """A file as it is: its line ends are part of it."""
    return path.read_bytes().decode()


def expected(path: Path) -> str:
    return path.with_suffix(".out").read_text("utf-8")


def ids_in(path: Path) -> set[str]:
    """The check ids a module can give: second arguments of what makes a diagnostic."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            check = node.args[1]
            if name in {"Diagnostic", "problem", "_problem"} and isinstance(check, ast.Constant):
                found.add(str(check.value))
    return found


@cache
def known_ids() -> frozenset[str]:
    return frozenset(name for path in (APP / "flow").rglob("*.py") for name in ids_in(path))


def named(path: Path) -> str:
    return path.stem.removeprefix("catalogue-").removeprefix("system-")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_silent(path: Path) -> None:
    assert printed(path) == ""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_file_prints_exactly_what_is_wrong(path: Path) -> None:
    assert printed(path) == expected(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_file_is_named_for_the_check_it_shows(path: Path) -> None:
    ids = {check for _, check in _ERROR.findall(expected(path))}

    assert ids
    assert named(path).startswith((*ids, "several"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_problem_is_told_once(path: Path) -> None:
    told = _ERROR.findall(expected(path))

    assert len(told) == len(set(told))
    assert len(told) == 1 or named(path).startswith("several") or path.stem.endswith("-many")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_sentence_begins_low_and_blames_nobody(path: Path) -> None:
    sentences = re.findall(r"error: (.*) \[", expected(path))

    for sentence in sentences:
        assert sentence[0] in "\"'{" or sentence[0].islower() or sentence.startswith("U+")
        assert not re.search(r"\b(you must|invalid|illegal|bad|wrong)\b", sentence, re.IGNORECASE)


def test_every_check_has_a_broken_file() -> None:
    shown = {check for path in BAD for _, check in _ERROR.findall(expected(path))}

    assert known_ids() - shown == set()
    assert shown - known_ids() == set()


def test_every_check_has_a_near_miss_that_is_silent() -> None:
    silent = {check for check in known_ids() for path in GOOD if named(path).startswith(check)}

    assert known_ids() - silent == set()


def test_every_check_has_a_section_in_the_docs() -> None:
    page = (APP.parent / "docs" / "checks.md").read_text("utf-8")

    assert set(re.findall(r"^## (\S+)$", page, re.MULTILINE)) == known_ids()


def test_no_expectation_is_left_without_its_file() -> None:
    assert {path.stem for path in (HERE / "err").glob("*.out")} == {path.stem for path in BAD}


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(printed(Path(argument)))
