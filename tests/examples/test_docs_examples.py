"""What the tutorial and the reference show is true: their files pass, their dialogs go like that.

A comment before a fenced block says what it is:

`file: NAME`           the block is the whole file NAME; the folder in NAME is its menus directory
`change: NAME`         entries of the block take the place of those in NAME, or are added at the end
`edit: NAME: A => B`   NAME with A made B once, for this block alone
`err`                  it has mistakes; the next block is what `cassou check` prints
`play: NAME b.x=o`     the block is a dialog on NAME; back-end b.x comes to o, others to a sample
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import click
import pytest
import yaml

from cassou.cli import main
from cassou.design import COMMANDS
from examples.market.application import APPLICATION
from tests.examples.phones import known_keys
from ussd_app.designer.schema import catalogue_schema, flow_schema, system_schema
from ussd_app.designer.starter import starter
from ussd_app.flow import compiler, declarations, graph, languages, parser, values
from ussd_app.flow.checks.lengths import PAGES_MAX
from ussd_app.flow.compiler import Compiled, Library, examine
from ussd_app.flow.diagnostics import describe
from ussd_app.flow.functions import FUNCTIONS
from ussd_app.flow.linker import STATES_MAX
from ussd_app.flow.model import How, Operator, Type
from ussd_app.flow.rules import RULES
from ussd_app.handset import Handset
from ussd_app.messages import Action, Budget
from ussd_app.render.texts import FILTERS
from ussd_app.replay.player import ScriptedBackends
from ussd_app.replay.transcript import Scripted
from ussd_app.screens import Program
from ussd_app.session import TRAIL_MAX

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = [DOCS / "tutorial.md", DOCS / "reference.md"]
_COMMENT = re.compile(r"<!-- (.*) -->\Z")
_FENCE = re.compile(r"```(\w*)\Z")
_NO_FLOWS = {"catalogue.yaml", "system.yaml"}
Files = dict[str, str]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the comments before it, where it stands."""

    language: str
    text: str
    comments: tuple[str, ...]
    place: str

    def says(self, word: str) -> str | None:
        """What a comment of this kind says, None if there is none."""
        for comment in self.comments:
            if comment == word or comment.startswith(f"{word}: "):
                return comment.removeprefix(word).removeprefix(": ")
        return None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    found: list[Block] = []
    comments: list[str] = []
    lines = iter(enumerate(page.read_text("utf-8").splitlines(), 1))
    for number, line in lines:
        comment, fence = _COMMENT.match(line), _FENCE.match(line)
        if comment:
            comments.append(comment[1])
        elif fence:
            inner = []
            for _, text in lines:
                if text == "```":
                    break
                inner.append(text)
            place = f"{page.name}:{number}"
            found.append(Block(fence[1], "\n".join(inner) + "\n", tuple(comments), place))
            comments = []
        elif line:
            comments = []
    return found


def sections(text: str) -> dict[str, list[str]]:
    """Lines by the key at the left margin that they stand under."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key = re.match(r"([a-z_]+):", line)
        name = key[1] if key else next(reversed(found), "")
        found.setdefault(name, []).append(line)
    return found


def entries(lines: list[str]) -> dict[str, list[str]]:
    """The lines of a section by the name, two blanks in, that they stand under."""
    found: dict[str, list[str]] = {"": []}
    for line in lines[1:]:
        key = re.match(r"  ([a-z][a-z0-9_]*):", line)
        if key:
            found[key[1]] = []
        found[next(reversed(found))].append(line)
    return found


def changed(text: str, change: str) -> str:
    """`text` as a designer changes it by hand: an entry in the place of its namesake, or last."""
    whole = sections(text)
    for name, lines in sections(change).items():
        if not name:
            continue
        old, new = entries(whole[name]), entries(lines)
        for entry, own in new.items():
            body = own if own[-1:] == [""] or not own else [*own, ""]
            if entry in old:
                # Comments behind an entry belong to the next one.
                tail = old[entry][len(trimmed(old[entry])) :]
                old[entry] = [*trimmed(own), *tail]
            else:
                last = next(reversed(old))
                rest = old[last][len(trimmed(old[last])) :]
                old[last] = trimmed(old[last])
                gap = [] if name == "vars" else [""]
                old[entry] = [*gap, *trimmed(body), *rest]
        whole[name] = [whole[name][0], *(line for each in old.values() for line in each)]
    return "\n".join(line for lines in whole.values() for line in lines) + "\n"


def trimmed(lines: list[str]) -> list[str]:
    """Lines without empty ones and comments at their end."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return lines[:end]


@dataclass(frozen=True)
class Step:
    """One block of a page, and the files as they are once it was read."""

    block: Block
    files: Mapping[str, str]
    name: str
    output: str | None = None


def steps(page: Path) -> Iterator[Step]:
    """What a page shows, in order."""
    files: Files = {}
    found = blocks(page)
    for number, block in enumerate(found):
        output = None
        if block.says("err") is not None:
            assert number + 1 < len(found), f"{block.place}: no output follows"
            output = found[number + 1].text
        if (name := block.says("file")) is not None:
            shown = {**files, name: block.text}
        elif (name := block.says("change")) is not None:
            shown = {**files, name: changed(files[name], block.text)}
        elif (edit := block.says("edit")) is not None:
            name, _, words = edit.partition(": ")
            before, _, after = words.partition(" => ")
            assert before in files[name], f"{block.place}: {before!r} is not there"
            assert after in block.text, f"{block.place}: the block does not show the edit"
            yield Step(block, {**files, name: files[name].replace(before, after, 1)}, name, output)
            continue
        elif (play := block.says("play")) is not None:
            yield Step(block, dict(files), play.split()[0])
            continue
        else:
            continue
        if output is None:
            files = shown
        yield Step(block, shown, name, output)


def compiled(files: Mapping[str, str], name: str) -> Compiled:
    """A file of a page with all that stands in its folder."""
    folder = PurePosixPath(name).parent
    beside = {file: text for file, text in files.items() if PurePosixPath(file).parent == folder}
    return examine(files[name], name, Library.of(beside, APPLICATION))


STEPS = [step for page in PAGES for step in steps(page)]
CHECKED = [
    step
    for step in STEPS
    if step.block.language == "yaml" and PurePosixPath(step.name).name not in _NO_FLOWS
]
PLAYED = [step for step in STEPS if step.block.says("play") is not None]


@pytest.mark.parametrize("step", CHECKED, ids=[step.block.place for step in CHECKED])
def test_a_file_of_the_docs_is_as_the_docs_say(step: Step) -> None:
    found = compiled(step.files, step.name)

    told = "\n".join(
        describe(each, found.sources.get(each.at.file, "")) for each in found.diagnostics
    )
    assert told == (step.output or "").rstrip("\n")


def parse_dialog(text: str) -> list[tuple[str, str]]:
    """(what is dialled or typed, the screen that follows) of a ```dialog block."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith(("dial ", "> ")):
            found.append((line.partition(" ")[2], []))
        else:
            assert line.startswith("    "), f"neither typed nor shown: {line!r}"
            found[-1][1].append(line[4:])
    return [(typed, "\n".join(shown)) for typed, shown in found]


@pytest.mark.parametrize("step", PLAYED, ids=[step.block.place for step in PLAYED])
def test_a_dialog_of_the_docs_goes_like_that(step: Step) -> None:
    flow = compiled(step.files, step.name).flow
    assert flow is not None
    said = (step.block.says("play") or "").split()[1:]
    scripted = {
        backend: tuple(Scripted(outcome, {}) for outcome in outcomes.split(","))
        for backend, _, outcomes in (each.partition("=") for each in said)
    }
    backends = ScriptedBackends(flow.backends, scripted)
    handset = Handset(Program.of(flow), backends.answer, "+22670120001", Budget())
    ended = False
    for number, (typed, expected) in enumerate(parse_dialog(step.block.text)):
        assert not ended, f"{typed!r} is typed after the end"
        screen = handset.send(typed) if number else handset.dial(typed)
        assert screen.text == expected
        ended = screen.action is Action.END


def test_the_tutorial_begins_with_what_the_command_writes() -> None:
    first = next(step for step in STEPS if step.block.place.startswith("tutorial"))

    assert first.block.text == starter("bus", "*321#", ("en",))


# The reference names everything.


def named(page: Path) -> set[str]:
    """Every word of a page between backticks, blocks left out; bare of colon and braces."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {each.strip("{}").removesuffix(":") for each in re.findall(r"`([^`\n]+)`", text)}


@pytest.mark.parametrize(
    "schema",
    [flow_schema(), catalogue_schema(), system_schema()],
    ids=["flow", "catalogue", "system"],
)
def test_the_reference_names_every_key(schema: object) -> None:
    assert sorted(known_keys(schema) - named(DOCS / "reference.md")) == []


def test_the_reference_names_every_word() -> None:
    words = {
        *Type,
        *Operator,
        *How,
        *FILTERS,
        *FUNCTIONS,
        *RULES,
        *compiler.ALPHABETS,
        "session",
        "visit",
        "allow",
        "never",
        "toggle",
        "late",
        "failed",
        "msisdn",
        "service_code",
        "row",
        "row.number",
    }

    assert sorted(words - named(DOCS / "reference.md")) == []


def test_the_reference_knows_no_filter_function_or_rule_that_is_none() -> None:
    text = (DOCS / "reference.md").read_text("utf-8")
    shown = set(re.findall(r"\|([a-z0-9_]+)[}|]", "".join(re.findall(r"\{[^{}]*\}", text))))

    assert shown <= {*FILTERS, "filter"}
    assert set(re.findall(r"\b(?:rows|number|date)\.[a-z_]+", text)) <= {*FUNCTIONS, "row.number"}


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("states of a flow with its sub-flows", STATES_MAX),
        ("languages", languages.LANGUAGES_MAX),
        ("options of a menu", parser.OPTIONS_MAX),
        ("values of a choice", declarations.CHOICES_MAX),
        ("rows of a list", declarations.ROWS_MAX),
        ("depth of a sub-flow in itself", parser.DEPTH_MAX),
        ("pages of a screen", PAGES_MAX),
        ("states that show nothing, in a row", graph.INVISIBLE_MAX),
        ("calls in a row", graph.CALLS_IN_A_ROW_MAX),
        ("screens that the back key returns over", TRAIL_MAX),
        ("septets a client can type at once", values.INPUT_MAX),
    ],
)
def test_the_reference_gives_every_limit(what: str, limit: int) -> None:
    assert f"| {what} | {limit} |" in (DOCS / "reference.md").read_text("utf-8")


# The tools.


def shown_commands() -> list[list[str]]:
    """Every command line of the docs, in words."""
    return [
        shlex.split(line.strip().partition(" < ")[0])[1:]
        for name in ("tools.md", "tutorial.md", "reference.md")
        for line in (DOCS / name).read_text("utf-8").splitlines()
        if line.startswith("    cassou ")
    ]


@pytest.mark.parametrize("words", shown_commands(), ids=" ".join)
def test_a_command_of_the_docs_exists_with_its_options(words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group):
        assert words[0] in command.commands
        command, words = command.commands[words[0]], words[1:]
    known = {each for option in command.params for each in option.opts}

    assert {word for word in words if word.startswith("-") and word != "-"} <= known


def test_every_command_of_designers_is_in_the_docs() -> None:
    shown = {words[0] for words in shown_commands()}

    assert {command.name for command in COMMANDS} <= shown


def test_the_yaml_of_the_tools_page_is_yaml_and_names_hooks_that_exist() -> None:
    pages = [yaml.safe_load(each.text) for each in blocks(DOCS / "tools.md") if each.language]
    hooks = yaml.safe_load((DOCS.parent / ".pre-commit-hooks.yaml").read_text("utf-8"))
    named = [
        hook["id"] for page in pages for repo in page.get("repos", ()) for hook in repo["hooks"]
    ]

    assert {hook["id"] for hook in hooks} == set(named)
    assert any("jobs" in page for page in pages)


def test_links_of_the_docs_lead_somewhere() -> None:
    for name in ("tools.md", "tutorial.md", "reference.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (DOCS / name).read_text("utf-8")):
            if not target.startswith("https://"):
                assert (DOCS / target).exists(), f"{name}: {target}"
        text = (DOCS / name).read_text("utf-8")
        anchors = {
            re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors
