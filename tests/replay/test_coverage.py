"""What of a flow dialogs have met, noted by the flow itself while it is dialled."""

from __future__ import annotations

import pytest

from ussd_app.messages import Budget
from ussd_app.replay.coverage import Coverage, Kind, Point, countable, watched
from ussd_app.replay.player import Played, play_in_process
from ussd_app.replay.reading import parse
from ussd_app.screens import Program

BUY = """\
cassou: 1
transcript: to the meter's owner, back, and home
dial: "*789#"
steps:
  - send: "1"
  - send: "12"
  - send: "04246801379"
  - send: "0"
  - send: "00"
  - see: Énergie prépayée
"""
ENGLISH = """\
cassou: 1
transcript: in English
dial: "*789#"
steps:
  - send: "4"
  - see: Prepaid electricity
"""


def played(program: Program, source: str) -> Played:
    (transcript,) = parse(source, "x.dial.yaml")
    return play_in_process(transcript, program, Budget())


def met_by(program: Program, *sources: str) -> Coverage:
    """What dialogs that play to their end meet."""
    seen, coverage = watched(program)
    for source in sources:
        assert played(seen, source).failure == ""
    return coverage


def test_a_watched_program_shows_what_the_other_shows(program: Program) -> None:
    seen, _ = watched(program)

    assert played(seen, BUY).screens == played(program, BUY).screens


def test_states_transitions_and_outcomes_that_a_dialog_makes_are_met(program: Program) -> None:
    coverage = met_by(program, BUY)

    assert coverage.states == {"welcome", "home", "serial", "find_meter", "kwh"}
    # The refused number moves nothing, nor is the back key an edge.
    assert coverage.transitions == {
        ("welcome", "outcome:none"),
        ("home", "option:1"),
        ("serial", "typed"),
        ("find_meter", "outcome:found"),
        ("serial", "home"),
    }
    assert coverage.counts() == {
        "states": (5, 32),
        "transitions": (5, 68),
        "outcomes": (2, 32),
        "languages": (1, 2),
    }


def test_an_option_that_only_changes_the_language_is_met_by_the_screen_in_both(
    program: Program,
) -> None:
    toggle = ("home", "option:4")

    assert toggle not in met_by(program, BUY).transitions
    english = met_by(program, ENGLISH)
    assert toggle in english.transitions
    assert english.counts()["languages"] == (2, 2)


def test_what_is_missing_stands_in_the_order_of_the_flow(program: Program) -> None:
    missing = met_by(program, BUY).missing()

    assert missing["languages"] == (Point(Kind.LANGUAGE, "", "en"),)
    assert [each.word for each in missing["outcomes"]][:5] == [
        "outcome:open",
        "outcome:late",
        "outcome:failed",
        "outcome:unknown",
        "outcome:blocked",
    ]
    assert missing["states"][0] == Point(Kind.STATE, "in_progress")
    assert Point(Kind.TRANSITION, "kwh", "home") in missing["transitions"]


def test_two_coverages_make_one(program: Program) -> None:
    apart = met_by(program, BUY).merge(met_by(program, ENGLISH))

    assert apart.met == met_by(program, BUY, ENGLISH).met
    everything = Coverage(
        program.flow, {each for of in countable(program.flow).values() for each in of}
    )
    assert not any(everything.missing().values())


@pytest.mark.parametrize("measure", ["states", "transitions", "outcomes", "languages"])
def test_nothing_is_met_before_anybody_dials(program: Program, measure: str) -> None:
    met, every = watched(program)[1].counts()[measure]

    assert met == 0 < every
