"""`cassou explore` and `cassou draw --coverage`, as they are typed: what they write and say."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cassou.design import draw_command
from cassou.explore import explore_command
from tests.whole_system import MENUS
from ussd_app.replay.reading import load

SHIPPED = MENUS / "buy-electricity.yaml"
ALL = Path(__file__).parent.parent / "dialogs"
STUCK = """\
cassou: 1
flow: stuck
service_codes: ["*123#"]
languages: {default: fr}
start: ask
vars:
  it: {type: text, lengths: [6, 6]}
states:
  ask:
    input: "Le mot:"
    save: it
    check: [{when: "{it} == sesame", error: Non.}]
    attempts: {max: 3, next: bye}
    next: done
  done: {end: "Bien: {it}"}
  bye: {end: Au revoir.}
"""


@pytest.fixture
def some(tmp_path: Path) -> Path:
    """The dialogs that people wrote, which meet a part of the flow."""
    directory = tmp_path / "some"
    directory.mkdir()
    for path in ALL.glob("*.dial.yaml"):
        (directory / path.name).write_bytes(path.read_bytes())
    return directory


@pytest.fixture(autouse=True)
def own_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the checkout's own data is touched."""
    monkeypatch.setenv("CASSOU_VAR_DIR", str(tmp_path / "var"))


def run(command: click.Command, *arguments: object) -> Result:
    """One command; whatever escapes it fails the test."""
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)


def rows(result: Result) -> dict[str, str]:
    """The table's lines: measure → before and after."""
    measures = ("states", "transitions", "outcomes", "languages", "typed bounds", "screens by")
    return {
        measure: " ".join(line.split())
        for line in result.output.splitlines()
        for measure in measures
        if line.startswith(measure)
    }


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """A flow whose only input takes one word."""
    path = tmp_path / "stuck.yaml"
    path.write_text(STUCK, "utf-8")
    return path


def test_the_missing_transcripts_are_written_and_told_before_and_after(tmp_path: Path) -> None:
    out = tmp_path / "dialogs"

    result = run(explore_command, SHIPPED, "--out", out)

    files = sorted(out.iterdir())
    assert result.exit_code == 0
    assert f"{len(files)} transcripts written to {out}" in result.output
    assert rows(result) == {
        "states": "states 0 of 32 (0 %) 32 of 32 (100 %)",
        "transitions": "transitions 0 of 68 (0 %) 68 of 68 (100 %)",
        "outcomes": "outcomes 0 of 32 (0 %) 32 of 32 (100 %)",
        "languages": "languages 0 of 2 (0 %) 2 of 2 (100 %)",
        "typed bounds": "typed bounds 0 of 19 (0 %) 19 of 19 (100 %)",
    }
    (blocked,) = load(out / "find-meter-comes-to-blocked.dial.yaml")
    assert blocked.name == "find_meter comes to blocked"
    assert all(load(file) for file in files)


def test_what_is_known_is_not_written_again_and_no_file_is_overwritten(
    some: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dialogs"
    first = run(explore_command, SHIPPED, "--known", some, "--out", out)
    written = {file.name: file.read_bytes() for file in out.iterdir()}

    refused = run(explore_command, SHIPPED, "--known", some, "--out", out)
    nothing = run(explore_command, SHIPPED, "--known", some, "--known", out, "--out", out)
    forced = run(explore_command, SHIPPED, "--known", some, "--out", out, "--force")

    assert rows(first)["states"] == "states 17 of 32 (53 %) 32 of 32 (100 %)"
    assert refused.exit_code == 2
    assert f"give --known {out}, or --force to overwrite" in refused.output
    assert "0 transcripts written" in nothing.output
    assert (nothing.exit_code, forced.exit_code) == (0, 0)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == written


def test_without_a_directory_the_missing_are_only_named() -> None:
    result = run(explore_command, SHIPPED)

    assert result.exit_code == 0
    assert "missing: find_meter comes to blocked\n" in result.output


def test_what_stays_unmet_is_told_with_the_reason(stuck: Path, tmp_path: Path) -> None:
    result = run(explore_command, stuck)

    assert result.exit_code == 1
    assert "unmet: done is reached: no way led there\n" in result.output
    assert (
        "unmet: ask takes an answer: no text was found that is accepted; a known transcript may "
        "hold one\n"
    ) in result.output
    known = tmp_path / "open.dial.yaml"
    known.write_text(
        'cassou: 1\ntranscript: open\ndial: "*123#"\nsteps:\n  - send: sesam\n  - send: sesame\n',
        "utf-8",
    )
    assert run(explore_command, stuck, "--known", known).exit_code == 0


def test_a_bound_is_told(tmp_path: Path) -> None:
    result = run(explore_command, SHIPPED, "--sessions", 20, "--out", tmp_path)

    assert result.exit_code == 1
    assert "stopped at a bound: 20 sessions\n" in result.output
    assert ", within 20 sessions\n" in result.output


def test_every_screen_in_every_language(tmp_path: Path) -> None:
    result = run(explore_command, SHIPPED, "--languages", "--out", tmp_path / "all")

    # A purchase under way is told before a language can be chosen: only a gateway may set another.
    assert rows(result)["screens by"] == ("screens by language 0 of 52 (0 %) 51 of 52 (98 %)")
    assert result.output.splitlines()[-1].startswith("unmet: in_progress in en: ")
    assert result.exit_code == 1


def test_a_known_transcript_that_fails_counts_until_then(tmp_path: Path) -> None:
    path = tmp_path / "x.dial.yaml"
    path.write_text(
        'cassou: 1\ntranscript: x\ndial: "*789#"\nsteps:\n  - send: "1"\n  - see: Nonsense\n',
        "utf-8",
    )

    result = run(explore_command, SHIPPED, "--known", path)

    assert f"does not play to its end: {path}:6:5: expected" in result.output
    assert rows(result)["states"].startswith("states 3 of 32 (9 %)")


@pytest.mark.parametrize("known", ["cassou: 1\n", "steps: [\n"])
def test_what_is_no_transcript_is_usage(known: str, tmp_path: Path) -> None:
    path = tmp_path / "x.dial.yaml"
    path.write_text(known, "utf-8")

    assert run(explore_command, SHIPPED, "--known", path).exit_code == 2


def test_a_flow_that_is_wrong_or_only_entered_is_told(stuck: Path, tmp_path: Path) -> None:
    stuck.write_text(STUCK.replace("next: done", "next: gone"), "utf-8")
    sub = Path(__file__).parents[2] / "examples" / "savings" / "ask-pin.yaml"

    wrong, entered = run(explore_command, stuck), run(explore_command, sub)

    assert (wrong.exit_code, 'goes to "gone"' in wrong.output) == (1, True)
    assert (entered.exit_code, "explore a flow that enters it" in entered.output) == (2, True)


def test_coverage_shows_on_the_map(some: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.svg"

    plain = run(draw_command, SHIPPED)
    marked = run(draw_command, SHIPPED, "--coverage", some)
    picture = run(draw_command, SHIPPED, "--coverage", some, "--format", "svg", "-o", out)

    assert "never met" not in plain.output
    assert "  class s_too_little never\n" in marked.output
    assert "  class s_blocked never\n" not in marked.output
    assert picture.exit_code == 0
    assert (
        "<title>find_meter → try_later: × late, × failed "
        "[never met: outcome:late, outcome:failed]</title>"
    ) in out.read_text("utf-8")


def test_a_map_of_all_that_explore_wrote_has_nothing_unmet(tmp_path: Path) -> None:
    run(explore_command, SHIPPED, "--out", tmp_path)

    result = run(draw_command, SHIPPED, "--coverage", tmp_path)

    assert not [line for line in result.output.splitlines() if line.endswith(" never")]
    assert "linkStyle" not in result.output
