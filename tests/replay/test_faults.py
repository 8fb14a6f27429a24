"""Every fault at every hop of the shipped dialogs holds; planted bugs of ours do not."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from ussd_app import engine, hop
from ussd_app.messages import Budget, UssdReply
from ussd_app.replay import reading
from ussd_app.replay.faults import Broken, Fault, break_all
from ussd_app.replay.player import play_in_process
from ussd_app.replay.transcript import Transcript
from ussd_app.screens import Program
from ussd_app.standing import Standing

DIALOGS = sorted((Path(__file__).parents[1] / "dialogs").glob("*.dial.yaml"))
TRANSCRIPTS = [transcript for path in DIALOGS for transcript in reading.load(path)]
BUYS = next(each for each in TRANSCRIPTS if "bought in French" in each.name)


def broken(transcript: Transcript, program: Program) -> list[Broken]:
    return [found for _, _, found in break_all(transcript, program, Budget()) if found]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda each: each.name)
def test_no_single_fault_breaks_a_dialog(transcript: Transcript, program: Program) -> None:
    assert [f"{each.fault}: {each.sentence}" for each in broken(transcript, program)] == []


def test_every_fault_is_planted(program: Program) -> None:
    planted = Counter(fault for _, fault, _ in break_all(BUYS, program, Budget()))

    assert set(planted) == set(Fault)
    assert planted[Fault.REPEATED] == 5
    assert planted[Fault.KILLED] == 4


def told(program: Program) -> set[Fault]:
    return {each.fault for each in broken(BUYS, program)}


def test_a_hop_that_does_not_know_its_repeat_is_found(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(Standing):
        is_repeat = False
        is_older = False

    monkeypatch.setattr(hop, "Standing", Forgetful)

    assert {Fault.REPEATED, Fault.DOUBLED} & told(program)


def test_a_wish_that_is_another_every_time_is_found(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops = itertools.count()
    now = [0]
    real_id, real_run = engine._call_id, hop._Hop.run

    def run(one: hop._Hop) -> UssdReply:
        now[0] = next(hops)
        return real_run(one)

    monkeypatch.setattr(hop._Hop, "run", run)
    monkeypatch.setattr(engine, "_call_id", lambda *given: f"{real_id(*given)}-{now[0]}")

    assert Fault.KILLED in told(program)


def test_a_fault_that_is_found_is_told_as_a_transcript(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hop._Hop, "_drop", lambda *_arguments: None)
    found = [each for each in broken(BUYS, program) if each.fault is Fault.DROPPED]

    assert found
    assert found[0].transcript.name.endswith("the client leaves at hop 1")
    assert play_in_process(found[0].transcript, program, Budget()).failure == ""
