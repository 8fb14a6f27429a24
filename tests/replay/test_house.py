"""The program that answers a transcript: by where its file lies, and by what it dials."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.replay.shop import counter, open_shop
from ussd_app.application import Application
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import Budget
from ussd_app.replay.house import House, NoProgram
from ussd_app.replay.reading import parse
from ussd_app.replay.transcript import Transcript


def dialling(code: str, file: Path) -> Transcript:
    """A transcript in a file that need not be there."""
    return parse(f'cassou: 1\ntranscript: a dialog\ndial: "{code}"\nsteps: []\n', str(file))[0]


def house(menus: Path) -> House:
    """One whose default menus are these."""
    return House(menus, Application(), Budget())


def answering(asked: House, code: str, file: Path) -> str:
    """The name of the flow that answers."""
    return asked.program(dialling(code, file)).flow.name


def test_the_nearest_catalogue_above_a_transcript_says_which_flows(tmp_path: Path) -> None:
    asked = house(open_shop(tmp_path / "default"))
    open_shop(tmp_path / "far", counter=counter("*22#", "far"))
    open_shop(tmp_path / "far" / "near", counter=counter("*22#", "near"))

    assert answering(asked, "*22#", tmp_path / "far" / "x.dial.yaml") == "far"
    assert answering(asked, "*22#", tmp_path / "far" / "near" / "dialogs" / "x.dial.yaml") == "near"


def test_without_a_catalogue_above_the_default_menus_answer(tmp_path: Path) -> None:
    asked = house(open_shop(tmp_path / "default"))

    assert answering(asked, "*11#", tmp_path / "elsewhere" / "x.dial.yaml") == "shop"


def test_a_relative_file_lies_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(tmp_path / "shop", counter=counter("*22#"))
    (tmp_path / "shop" / "dialogs").mkdir()
    monkeypatch.chdir(tmp_path / "shop" / "dialogs")

    assert answering(house(tmp_path / "default"), "*22#", Path("x.dial.yaml")) == "counter"


def test_the_longest_service_code_of_all_flows_answers(tmp_path: Path) -> None:
    asked = house(open_shop(tmp_path, counter=counter("*11*5#")))

    assert answering(asked, "*11*5*1#", tmp_path / "x.dial.yaml") == "counter"
    assert answering(asked, "*11*4#", tmp_path / "x.dial.yaml") == "shop"


def test_a_code_that_no_flow_answers_is_told_with_the_codes_there_are(tmp_path: Path) -> None:
    asked = house(open_shop(tmp_path, counter=counter("*22#")))
    file = tmp_path / "x.dial.yaml"

    with pytest.raises(NoProgram) as told:
        asked.program(dialling("*33#", file))

    assert str(told.value) == (
        f'{file}:3:7: nothing in {tmp_path} answers "*33#"; flows there answer *22#, *11#'
    )


def test_a_directory_without_flows_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NoProgram, match="it holds no flow"):
        house(tmp_path).program(dialling("*33#", tmp_path / "x.dial.yaml"))


def test_a_directory_is_compiled_once_with_the_application_that_is_its_own(tmp_path: Path) -> None:
    asked_for = []

    def application(menus: Path) -> Application:
        asked_for.append(menus)
        return Application({"loud": lambda value, _: str(value).upper()} if menus == loud else {})

    open_shop(tmp_path / "quiet")
    loud = open_shop(tmp_path / "loud")
    shop = loud / "shop.yaml"
    shop.write_text(shop.read_text("utf-8").replace("{good.name},", "{good.name|loud},"), "utf-8")
    asked = House(tmp_path / "quiet", application, Budget())

    first, again = (asked.program(dialling("*11#", loud / "x.dial.yaml")) for _ in range(2))

    assert first is again
    assert answering(asked, "*11#", tmp_path / "x.dial.yaml") == "shop"
    assert asked_for == [loud, tmp_path / "quiet"]


def test_flows_with_mistakes_are_told_every_time_and_compiled_once(tmp_path: Path) -> None:
    asked = house(open_shop(tmp_path, counter="cassou: 1\nflow: counter\n"))
    transcript = dialling("*11#", tmp_path / "x.dial.yaml")
    with pytest.raises(FlowError) as first:
        asked.program(transcript)
    (tmp_path / "counter.yaml").unlink()

    with pytest.raises(FlowError) as again:
        asked.program(transcript)

    assert "counter.yaml" in str(first.value)
    assert str(first.value) == str(again.value)
