"""Files as designers write them: `ok/*.yaml` is silent, `err/x.yaml` prints exactly `x.out`.

A file `catalogue-*.yaml` is a catalogue of back-ends, `system-*.yaml` the framework's own texts,
any other a flow, compiled against the shipped catalogue and texts. To see what one prints now:
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
from ussd_app.flow.catalogue import parse_catalogue, parse_system
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError

HERE = Path(__file__).parent
APP = Path(engine.__file__).parent
GOOD = sorted((HERE / "ok").glob("*.yaml"))
BAD = sorted((HERE / "err").glob("*.yaml"))
_ID = re.compile(r"error: .* \[([a-z-]+)\]$", re.MULTILINE)


@cache
def library() -> Library:
    return Library.load(APP / "menus", {"kwh": lambda value, _language: f"{value} kWh"})


def printed(path: Path) -> str:
    """What a designer reads about one file; nothing where it is good."""
    source = path.read_text("utf-8")
    try:
        match path.name.split("-", maxsplit=1)[0]:
            case "catalogue":
                parse_catalogue(source, path.name)
            case "system":
                parse_system(source, path.name)
            case _:
                compile_source(source, path.name, library())
    except FlowError as error:
        return f"{error}\n"
    return ""


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


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_silent(path: Path) -> None:
    assert printed(path) == ""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_file_prints_exactly_what_is_wrong(path: Path) -> None:
    assert printed(path) == path.with_suffix(".out").read_text("utf-8")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_file_is_named_for_the_check_it_shows(path: Path) -> None:
    ids = _ID.findall(path.with_suffix(".out").read_text("utf-8"))
    named = path.stem.removeprefix("catalogue-").removeprefix("system-")

    assert ids
    assert named.startswith((*ids, "several"))


def test_every_check_has_a_broken_file() -> None:
    known = {name for path in (APP / "flow").glob("*.py") for name in ids_in(path)}
    shown = {name for path in BAD for name in _ID.findall(path.with_suffix(".out").read_text())}

    # A file too large to keep here: test_flow_compile.py makes it.
    assert known - shown == {"too-large"}
    assert shown - known == set()


def test_no_expectation_is_left_without_its_file() -> None:
    assert {path.stem for path in (HERE / "err").glob("*.out")} == {path.stem for path in BAD}


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(printed(Path(argument)))
