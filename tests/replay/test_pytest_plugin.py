"""Pytest collects `*.dial.yaml` and shows what is wrong without Python's traceback."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.replay.shop import SHOP, counter, open_shop

pytest_plugins = ["pytester"]

DIALOG = """\
cassou: 1
transcript: eggs are bought
dial: "*11#"
steps:
  - send: "1"
  - see: Eggs, 900 F.
  - send: "1"
  - end: Paid.
"""
SHIPPED = """\
cassou: 1
transcript: the shipped flow
dial: "*789#"
steps:
  - see: "1. Acheter"
"""


@pytest.fixture(autouse=True)
def strict(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run in here is as strict as our own, on the settings' defaults."""
    monkeypatch.delenv("CASSOU_APPLICATION", raising=False)
    configured(pytester)


def configured(pytester: pytest.Pytester, *options: str) -> None:
    """Pytest's own configuration file, with options of ours."""
    pytester.makeini("\n".join(["[pytest]", "filterwarnings = error", *options]))


def written(pytester: pytest.Pytester, name: str, source: str) -> None:
    """A file in the directory of the run."""
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Pytest's in this process, where our modules stand already and are not rewritten."""
    options = ("--strict-config", "--assert=plain", "-p", "no:cacheprovider")
    return pytester.runpytest_inprocess(*options, *arguments)


def lines(result: pytest.RunResult) -> str:
    """All that was printed, without the blanks that end a line."""
    return "\n".join(line.rstrip() for line in result.outlines)


def test_transcripts_are_items_named_by_their_names(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path / "shop")
    written(pytester, "shop/dialogs/eggs.dial.yaml", DIALOG)

    result = run(pytester, "-v", "-k", "eggs")

    result.assert_outcomes(passed=1)
    result = run(pytester, "--collect-only", "-q")
    result.stdout.fnmatch_lines(["shop/dialogs/eggs.dial.yaml::eggs are bought"])


def test_a_table_of_examples_is_an_item_a_row(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path)
    table = "examples:\n  - {price: '900', name: right}\n  - {price: '800', name: wrong}\n"
    dialog = DIALOG.replace("see: Eggs, 900 F.", 'see: "{price} F."')
    written(pytester, "some.dial.yaml", dialog + table)

    result = run(pytester, "-v")

    result.assert_outcomes(passed=1, failed=1)
    assert "FAILED some.dial.yaml::eggs are bought [wrong]" in lines(result)


def test_a_failure_is_the_dialog_and_the_screen_and_no_traceback(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path)
    written(pytester, "shop.dial.yaml", DIALOG.replace("900", "800"))

    result = run(pytester)

    result.assert_outcomes(failed=1)
    shown = lines(result)
    assert "shop.dial.yaml:6:5: expected (contains)" in shown
    assert "  dial *11#        The shop" in shown
    assert "│ Eggs, 800 F." in shown
    assert "│ Eggs, 900 F." in shown
    assert ".py" not in shown
    assert "Traceback" not in shown


def test_a_file_with_mistakes_cannot_be_collected_and_shows_them(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path)
    written(pytester, "shop.dial.yaml", DIALOG.replace("send", "sent", 1))

    result = run(pytester)

    result.assert_outcomes(errors=1)
    expected = """\
    shop.dial.yaml:5:5: error: no step "sent"; did you mean "send"? [unknown-key]
      |
    5 |   - sent: "1"
      |     ^^^^"""
    assert textwrap.dedent(expected) in lines(result)
    assert ".py" not in lines(result)


def test_a_file_that_is_not_utf_8_is_told(pytester: pytest.Pytester) -> None:
    (pytester.path / "shop.dial.yaml").write_bytes(b"cassou: \xff")

    result = run(pytester)

    result.assert_outcomes(errors=1)
    assert "shop.dial.yaml: not UTF-8 text" in lines(result)


def test_a_dial_that_no_flow_answers_says_which_codes_there_are(pytester: pytest.Pytester) -> None:
    open_shop(pytester.path, counter=counter("*22#"))
    written(pytester, "shop.dial.yaml", DIALOG.replace("*11#", "*33#"))

    result = run(pytester)

    result.assert_outcomes(failed=1)
    told = f'nothing in {pytester.path} answers "*33#"; flows there answer *22#, *11#'
    assert f"shop.dial.yaml:3:7: {told}" in lines(result)
    assert ".py" not in lines(result)


def test_a_flow_with_mistakes_fails_its_transcripts_and_shows_them(
    pytester: pytest.Pytester,
) -> None:
    open_shop(pytester.path)
    written(pytester, "shop.yaml", SHOP.replace("next: bye", "next: by"))
    written(pytester, "shop.dial.yaml", DIALOG)

    result = run(pytester)

    result.assert_outcomes(failed=1)
    assert "[unknown-state]" in lines(result)
    assert ".py" not in lines(result)


def test_without_options_the_shipped_flow_answers(pytester: pytest.Pytester) -> None:
    written(pytester, "dialogs/buy.dial.yaml", SHIPPED)

    run(pytester).assert_outcomes(passed=1)


def test_an_option_names_the_default_menus(pytester: pytest.Pytester) -> None:
    configured(pytester, "cassou_menus = menus/shop")
    open_shop(pytester.path / "menus" / "shop")
    written(pytester, "dialogs/shop.dial.yaml", DIALOG)

    run(pytester).assert_outcomes(passed=1)


def test_an_option_names_the_application_of_all_menus_or_of_some(pytester: pytest.Pytester) -> None:
    configured(
        pytester,
        "cassou_application =",
        "  quiet:APPLICATION",
        "  menus/loud shouting:APPLICATION",
    )
    application = "from ussd_app.application import Application\nAPPLICATION = Application({0})\n"
    loud = "{'loud': lambda value, language: str(value).upper()}"
    pytester.makepyfile(quiet=application.format(""), shouting=application.format(loud))
    for name, word in (("loud", "EGGS"), ("quiet", "Eggs")):
        open_shop(pytester.path / "menus" / name)
        written(pytester, f"menus/{name}/x.dial.yaml", DIALOG.replace("Eggs", word))
    written(pytester, "menus/loud/shop.yaml", SHOP.replace("{good.name},", "{good.name|loud},"))

    run(pytester).assert_outcomes(passed=2)


def test_without_that_option_the_setting_names_the_application(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASSOU_APPLICATION", "nowhere:APPLICATION")
    written(pytester, "buy.dial.yaml", SHIPPED)

    result = run(pytester)

    result.assert_outcomes(errors=1)
    assert "cassou_application: nowhere:APPLICATION: No module named 'nowhere'" in lines(result)
    assert ".py" not in lines(result)


def test_options_say_what_a_screen_holds(pytester: pytest.Pytester) -> None:
    configured(pytester, "cassou_septets = 100", "cassou_ucs2 = 60")
    open_shop(pytester.path)
    accents = SHOP.replace("Goodbye.", "Até já.").replace("start:", "alphabet: ucs2\nstart:")
    written(pytester, "shop.yaml", accents)
    bye = (
        DIALOG.split("steps:", maxsplit=1)[0] + 'steps:\n  - send: "2"\n  - end: {exact: Até já.}\n'
    )
    written(pytester, "bye.dial.yaml", bye)
    written(pytester, "wrong.dial.yaml", DIALOG.replace("900", "800"))

    result = run(pytester)

    result.assert_outcomes(passed=1, failed=1)
    assert "/100 " in lines(result)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("cassou_septets = many", "many"),
        ("cassou_menus = nowhere", "nowhere"),
    ],
)
def test_an_option_that_is_none_is_told(
    pytester: pytest.Pytester, option: str, sentence: str
) -> None:
    configured(pytester, option)
    written(pytester, "shop.dial.yaml", DIALOG)

    result = run(pytester)

    assert result.ret != 0
    assert sentence in lines(result)
    assert ".py" not in lines(result)


def test_every_option_has_its_help(pytester: pytest.Pytester) -> None:
    helped = lines(run(pytester, "--help"))

    for option in ("cassou_menus", "cassou_application", "cassou_septets", "cassou_ucs2"):
        assert f"  {option} (" in helped


def test_nothing_is_imported_where_no_transcript_lies(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('ussd_app')}\n"
        "    plugin = 'ussd_app.replay.pytest_plugin'\n"
        "    assert ours == {'ussd_app', 'ussd_app.replay', plugin}\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "pytest", "--strict-config"]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_our_own_dialogs_are_played_by_it(request: pytest.FixtureRequest) -> None:
    assert request.config.pluginmanager.has_plugin("cassou")
    assert "examples" in request.config.getini("testpaths")
