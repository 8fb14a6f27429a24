"""`cassou replay` and `cassou dial --record`, as QA calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cassou.cli import main
from ussd_app.replay import reading, writing

ROOT = Path(__file__).parents[2]
FLOW = ROOT / "ussd_app" / "menus" / "buy-electricity.yaml"
GOOD = 'cassou: 1\ntranscript: dial\ndial: "*789#"\nsteps:\n  - see: Acheter\n'


def run(*words: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=typed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.dial.yaml"
    path.write_text(GOOD)
    return path


def test_directories_are_searched(file: Path) -> None:
    (file.parent / "deep").mkdir()
    (file.parent / "deep" / "b.dial.yaml").write_text(GOOD)
    result = run("replay", file.parent)

    assert result.output == "..\n2 of 2 as written; 2 hops\n"
    assert result.exit_code == 0


def test_a_difference_is_shown_and_counts(file: Path) -> None:
    file.write_text(GOOD.replace("Acheter", "Vendre"))
    result = run("replay", file)

    assert result.output.startswith(f"F\n{file}:5:5: expected (contains), and something else")
    assert result.output.endswith("0 of 1 as written; 1 hops\n")
    assert result.exit_code == 1


@pytest.mark.parametrize("kind", ["json", "junit", "html"])
def test_a_report_is_written(file: Path, kind: str) -> None:
    target = file.parent / "report"
    result = run("replay", file, "--format", kind, "--output", target)

    assert result.exit_code == 0
    assert result.output.strip() == ""
    text = target.read_text()
    assert {"json": '"failed": 0', "junit": 'failures="0"', "html": "1 of 1"}[kind] in text


def test_expectations_are_rewritten(file: Path) -> None:
    file.write_text(GOOD.replace("Acheter", "Vendre"))
    assert run("replay", "--update", file).output == f"{file} rewritten: review what changed\n"

    assert run("replay", file).exit_code == 0
    assert run("replay", "--update", file).output == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--against", "http://x/"), "--against and --gateway go together"),
        (("--gateway", "arkesel"), "--against and --gateway go together"),
        (("--against", "http://x/", "--gateway", "arkesl"), 'did you mean "arkesel"?'),
        (("--against", "http://x/", "--gateway", "junebug"), "junebug is asynchronous"),
        (("--against", "http://x/", "--gateway", "arkesel", "--update"), "play in this process"),
    ],
)
def test_what_does_not_go_together_is_a_question_of_usage(
    file: Path, words: tuple[str, ...], sentence: str
) -> None:
    result = run("replay", file, *words)

    assert sentence in result.output
    assert result.exit_code == 2


def test_mistakes_in_a_file_are_told(file: Path) -> None:
    file.write_text(GOOD.replace("see", "sea"))
    result = run("replay", file)

    assert f'{file}:5:5: error: no step "sea"' in result.output
    assert result.exit_code == 2


def test_an_empty_directory_is_told(tmp_path: Path) -> None:
    result = run("replay", tmp_path)

    assert "no .dial.yaml or .dial.jsonl file in" in result.output
    assert result.exit_code == 2


def test_nobody_who_answers_is_told(file: Path) -> None:
    file.write_text(GOOD.replace("*789#", "*999#"))
    result = run("replay", file)

    assert 'answers "*999#"; flows there answer *789#' in result.output
    assert result.exit_code == 1


def test_what_is_dialled_is_written_and_plays_again(tmp_path: Path) -> None:
    target = tmp_path / "bug.dial.yaml"
    typed = "1\n04246801379\n10\n1\nq\n"
    written = run("dial", "--flow", FLOW, "--record", target, typed=typed)

    assert f"{target} written; cassou replay {target} plays it" in written.output
    played = run("replay", target, "--format", "json")
    found = json.loads(played.output)["transcripts"][0]
    assert (found["failure"], len(found["screens"])) == ("", 5)


def test_late_and_failed_back_ends_are_written_too(tmp_path: Path) -> None:
    target = tmp_path / "late.dial.yaml"
    # none, then a serial whose look-up is late, then the holding screen goes on to `failed`.
    typed = "1\n1\n04246801379\nlate\n1\nfailed\nq\n"
    run("dial", "--flow", FLOW, "--ask", "--record", target, typed=typed)

    text = target.read_text()
    assert "- late: meters.find" in text
    assert "- failed: meters.find" in text
    assert run("replay", target).exit_code == 0


def test_a_transcript_is_never_written_over(file: Path) -> None:
    assert run("dial", "--flow", FLOW, "--record", file, typed="q\n").exit_code == 2
    other = file.parent / "x.yaml"
    assert "ends in .dial.yaml" in run("dial", "--flow", FLOW, "--record", other).output


def test_what_would_change_is_grouped_with_an_example(tmp_path: Path) -> None:
    target = tmp_path / "one.dial.yaml"
    run("dial", "--flow", FLOW, "--record", target, typed="1\n04246801379\nq\n")
    (recorded,) = reading.load(target)
    (tmp_path / "all.dial.jsonl").write_text(f"{writing.as_json(recorded)}\n" * 1200)
    changed = tmp_path / "menus" / FLOW.name
    shutil.copytree(FLOW.parent, changed.parent)
    changed.write_text(FLOW.read_text().replace("Combien de kWh?", "Combien de kWh au juste?"))

    same = run("replay", "--flow", FLOW, tmp_path / "all.dial.jsonl")
    other = run("replay", "--flow", changed, tmp_path / "all.dial.jsonl")
    as_json = run("replay", "--flow", changed, "--format", "json", tmp_path / "all.dial.jsonl")

    assert same.stdout.lstrip("\n") == "1,200 of 1,200 sessions see no difference\n"
    assert '1,200 of 1,200 sessions see other words at "kwh"' in other.output
    assert "│ Combien de kWh?" in other.output
    assert json.loads(as_json.stdout)["groups"][0]["count"] == 1200
    assert [each.exit_code for each in (same, other, as_json)] == [0, 1, 1]


def test_the_dialogs_of_the_shipped_flow_meet_all_of_it() -> None:
    result = run("replay", ROOT / "tests" / "dialogs", "--coverage")

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == (
        "buy-electricity: states 32 of 32, transitions 68 of 68, outcomes 32 of 32, "
        "languages 2 of 2"
    )


def test_a_flow_with_mistakes_is_told_and_no_traceback(tmp_path: Path) -> None:
    shutil.copytree(FLOW.parent, tmp_path / "menus")
    broken = tmp_path / "menus" / FLOW.name
    broken.write_text(FLOW.read_text().replace("next: serial", "next: sreial", 1))
    (tmp_path / "menus" / "a.dial.yaml").write_text(GOOD)

    for words in ((), ("--update",), ("--faults", "all"), ("--coverage",)):
        result = run("replay", tmp_path / "menus", *words)
        assert "sreial" in result.output
        assert result.exit_code in {1, 2}
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_coverage_leaves_a_machines_report_alone(file: Path) -> None:
    result = run("replay", file, "--format", "json", "--coverage")

    assert json.loads(result.stdout)["failed"] == 0
    assert "buy-electricity: states" in result.stderr
