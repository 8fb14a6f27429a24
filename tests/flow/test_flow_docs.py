"""docs/checks.md cannot lie: every example on the page prints what the page says it prints.

An example is a fenced block after `<!-- err -->`, with what is printed in the block behind it, or
after `<!-- ok -->`, which prints nothing. `<!-- file NAME -->` is a file beside those behind it in
its section; `<!-- err catalogue.yaml -->` is a catalogue. What examples leave out is added below
them, so that their lines keep their numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ussd_app import engine
from ussd_app.flow.catalogue import parse_catalogue
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError

APP = Path(engine.__file__).parent
PAGE = APP.parent / "docs" / "checks.md"
_BLOCK = re.compile(
    r"<!-- (err|ok|file) ?(\S*) -->\n\n```yaml\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL
)
_LEFT_OUT = {
    "cassou": "cassou: 1",
    "flow": "flow: example",
    "service_codes": 'service_codes: ["*1#"]',
    "languages": "languages: {default: en}",
    "start": "start: home",
}
_CATALOGUE = (APP / "menus" / "catalogue.yaml").read_text("utf-8")


@dataclass(frozen=True)
class Example:
    """One example: its section, whether it is `err` or `ok`, its file, what it should print."""

    check: str
    kind: str
    file: str
    source: str
    output: str
    beside: dict[str, str]


def whole(source: str, file: str) -> str:
    """An example with what the page leaves out."""
    if file == "catalogue.yaml":
        return f"{source}cassou: 1\n"
    sub = "\nreturns:" in source
    if "\n  bye:" not in source and not sub:
        source += "  bye: {end: Goodbye.}\n"
    given = set(re.findall(r"^(\w+):", source, re.MULTILINE))
    given |= {"service_codes"} if sub else set()
    return source + "".join(f"{line}\n" for key, line in _LEFT_OUT.items() if key not in given)


def examples() -> list[tuple[str, Example]]:
    """Every example of the page, by what the tests call it."""
    found = []
    for section in re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        check = section.partition("\n")[0]
        beside: dict[str, str] = {"catalogue.yaml": _CATALOGUE}
        for number, (kind, name, source, output) in enumerate(_BLOCK.findall(section), 1):
            file = name or "flow.yaml"
            text = whole(source, file)
            if kind == "file":
                beside = {**beside, file: text}
            else:
                found.append(
                    (f"{check}-{number}", Example(check, kind, file, text, output, beside))
                )
    return found


def printed(example: Example) -> str:
    """What a designer reads about it."""
    try:
        if example.file == "catalogue.yaml":
            parse_catalogue(example.source, example.file)
        else:
            library = Library.of(example.beside)
            compile_source(example.source, example.file, library)
    except FlowError as error:
        return f"{error}\n"
    return ""


EXAMPLES = examples()


@pytest.mark.parametrize(
    "example", [each for _, each in EXAMPLES], ids=[name for name, _ in EXAMPLES]
)
def test_an_example_prints_what_the_page_says(example: Example) -> None:
    assert printed(example) == example.output
    assert bool(example.output) is (example.kind == "err")


def test_every_block_of_the_page_is_an_example_or_its_output() -> None:
    text = PAGE.read_text("utf-8")

    assert text.count("```yaml") == len(_BLOCK.findall(text))
    assert text.count("```text") == sum(1 for _, each in EXAMPLES if each.output)


def test_every_section_shows_what_is_wrong_and_how_it_is_mended() -> None:
    wrong = {each.check for _, each in EXAMPLES if f"[{each.check}]" in each.output}
    mended = {each.check for _, each in EXAMPLES if each.kind == "ok"}

    assert wrong == mended
    assert wrong == set(re.findall(r"^## (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE))


def test_the_contents_name_every_section_once() -> None:
    text = PAGE.read_text("utf-8")
    named = re.findall(r"\[([a-z0-9-]+)\]\(#([a-z0-9-]+)\)", text)

    assert [name for name, _ in named] == [anchor for _, anchor in named]
    assert sorted(name for name, _ in named) == sorted(
        re.findall(r"^## (\S+)$", text, re.MULTILINE)
    )
