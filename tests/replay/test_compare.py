"""Recorded sessions on another version: each change is told as what it is, at its state, once."""

from __future__ import annotations

import dataclasses
import json
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.designer.sheet_flows import MENUS, shipped
from tests.examples.phones import APPLICATIONS, BUDGETS, EXAMPLES
from tests.replay.flow_changes import CHANGES, DIALOGS, METER, SURE, Edits
from tests.replay.recordings import dialog, recorded
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.messages import Budget
from ussd_app.programs import Directory
from ussd_app.replay.compare import Comparison, Kind, changes
from ussd_app.replay.compare_kinds import sentence
from ussd_app.replay.reading import load
from ussd_app.replay.transcript import Transcript, Verb
from ussd_app.screens import Program
from workers.application import APPLICATION


@cache
def version(edits: Edits = ()) -> Program:
    return Program.of(shipped(*edits))


@cache
def recording(name: str, edits: Edits = ()) -> Transcript:
    return recorded(DIALOGS[name], version(edits))


def told(found: Comparison) -> list[tuple[Kind, str, int]]:
    return [(each.kind, each.state, each.count) for each in found.groups]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told_as_what_it_is(change: str) -> None:
    names, edits, groups = CHANGES[change]
    recordings = [recording(name) for name in names.split(", ")]

    found = changes(recordings, version(edits), Budget())

    assert told(found) == groups
    assert found.sessions == len(recordings)


#: Changes whose recordings are of the new version, and what undoing them is told as.
UNDONE = {
    "an option before another: what was chosen is, by its label": [(Kind.REMOVED, "home", 3)],
    "a text that takes two pages": [(Kind.PAGES, "confirm", 1)],
    "a screen fewer, and who left there pays now": [(Kind.MORE, "confirm", 4)],
    "a call more that changes nothing": [(Kind.UNCALLED, "done_token", 2)],
    "another first language": [
        (Kind.WORDS, "home", 1),
        (Kind.WORDS, "tariff_rows", 1),
        (Kind.WORDS, "codes", 1),
    ],
}


@pytest.mark.parametrize("change", UNDONE)
def test_undoing_a_change_is_told_too(change: str) -> None:
    names, edits, _ = CHANGES[change]
    recordings = [recording(name, edits) for name in names.split(", ")]

    assert told(changes(recordings, version(), Budget())) == UNDONE[change]


def test_pages_that_were_turned_are_one_screen_now() -> None:
    long = CHANGES["an end that takes two pages"][1]
    turned = recorded(dialog("*789#", "1", METER, "10", "1", "98"), version(long))

    found = changes([turned], version(), Budget())

    assert told(found) == [(Kind.PAGES, "done_token", 1)]


def test_the_same_words_with_another_action_are_a_kind_of_their_own() -> None:
    # A text that leaves no room for the keys looks the same with and without them.
    text = f'fr: "Ce compteur est bloqué. Contactez votre agence. {"Merci. " * 15}"'
    ends: Edits = (('fr: "Ce compteur est bloqué. Contactez votre agence."', text),)
    asking = "save: serial\n    attempts: {max: 3, next: give_up}\n    next: find_meter\n"
    asks: Edits = (
        *ends,
        ("  blocked:\n    end:\n", "  blocked:\n    input:\n"),
        ('blocked. Contact your agency."\n', f'blocked. Contact your agency."\n    {asking}'),
    )

    found = changes([recording("blocked", ends)], version(asks), Budget())

    assert told(found) == [(Kind.ACTION, "blocked", 1)]


def test_an_outcome_that_is_not_declared_any_more_is_told_with_its_back_end() -> None:
    sources = {each.name: each.read_text("utf-8") for each in MENUS.glob("*.yaml")}
    catalogue = sources["catalogue.yaml"].replace("      blocked: {}\n", "")
    flow = sources["buy-electricity.yaml"].replace("      blocked: blocked\n", "")
    gone = flow[flow.index("  blocked:\n") : flow.index("  try_later:\n")]
    library = Library.of({**sources, "catalogue.yaml": catalogue}, APPLICATION)
    program = Program.of(compile_source(flow.replace(gone, ""), "flow.yaml", library))

    found = changes([recording("blocked"), recording("bought")], program, Budget())

    (group,) = found.groups
    assert group.sentence == (
        "1 of 2 sessions gets an outcome of meters.find that is not declared any more, "
        'at "find_meter"'
    )


_INPUTS = st.sampled_from(
    [
        *("0", "00", "1", "2", "3", "4", "7", "98", "", "10", "0,5", "9999", "acheter", "English"),
        *(METER, METER, METER, "04246801378", "1\n2", "٣", "oui", " 1 "),
        *(
            "late: meters.find",
            "late: purchase.start",
            "failed: tariffs.quote",
            "failed: purchases.open",
        ),
        *(
            "wait: 90s",
            "drop: cancel",
            "dial: *789#",
            f"dial: *789*1*{METER}*10#",
            "late: purchases.open",
        ),
    ]
)
_OUTCOMES = st.fixed_dictionaries(
    {
        "meters_find": st.sampled_from(["found", "unknown found", "blocked"]),
        "tariffs_quote": st.sampled_from(["ok", "below_minimum ok", "refused", "above_maximum"]),
        "purchases_open": st.sampled_from(["none", "open none", "open"]),
        "purchases_recent": st.sampled_from(["found", "none"]),
        "purchase_start": st.sampled_from(["vended", "quote_expired vended", "declined"]),
    }
)


@given(
    dial=st.sampled_from(["*789#", f"*789*1*{METER}*10#", "*789*9#", "*789*1*1#"]),
    inputs=st.lists(_INPUTS, max_size=14),
    outcomes=_OUTCOMES,
)
def test_the_same_flow_shows_the_same(
    dial: str, inputs: list[str], outcomes: dict[str, str]
) -> None:
    played = recorded(dialog(dial, *inputs, **outcomes), version())

    found = changes([played], version(), Budget())

    assert told(found) == []
    assert found.same == 1


@given(
    change=st.sampled_from(sorted(CHANGES)),
    inputs=st.lists(_INPUTS, max_size=14),
    outcomes=_OUTCOMES,
)
def test_any_recording_is_compared_to_an_end(
    change: str, inputs: list[str], outcomes: dict[str, str]
) -> None:
    """No error comes out; nothing breaks off, but for a code that is served no more."""
    played = recorded(dialog("*789#", *inputs, **outcomes), version())

    found = changes([played], version(CHANGES[change][1]), Budget())

    assert found.sessions == 1
    if change != "another service code":
        assert all(each.kind is not Kind.STUCK for each in found.groups)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_examples_show_the_same(name: str) -> None:
    found = Directory(EXAMPLES / name, APPLICATIONS[name], (BUDGETS[name],))
    dialogs = [
        (each, program)
        for path in sorted((EXAMPLES / name).glob("dialogs/*.dial.yaml"))
        for each in load(path)
        for program in found.programs()
        if any(each.dial.startswith(code[:-1]) for code in program.flow.service_codes)
    ]

    for each, program in dialogs:
        compared = changes([recorded(each, program, BUDGETS[name])], program, BUDGETS[name])

        assert told(compared) == [], each.name


def test_a_thousand_recordings_are_counted_once_each() -> None:
    many = {"bought": 500, "changed": 200, "tariff": 250, "left": 49, "English": 1}
    recordings = [recording(name) for name, count in many.items() for _ in range(count)]
    done: list[int] = []
    edits = (*SURE, ("Mes derniers codes, en: My", "Mes codes, en: My"))

    found = changes(iter(recordings), version(edits), Budget(), done.append)

    # Who saw a screen twice counts once.
    assert [each.sentence for each in found.groups] == [
        '1,000 of 1,000 sessions see other words at "home"',
        '750 of 1,000 sessions see one more screen at "sure"',
    ]
    assert found.same == 0
    assert done == list(range(1, 1001))


def test_a_fault_of_the_first_dial_stands_before_the_screen_it_led_to() -> None:
    (home, *_) = (step for step in recording("tariff").steps if step.verb is Verb.SEE)
    asked = dialog("*789#", "late: purchases.open", purchases_open="open")
    late = dataclasses.replace(asked, steps=(*asked.steps, home))

    assert told(changes([late], version(), Budget())) == []


def test_a_sentence_groups_thousands() -> None:
    told_as = sentence(Kind.MORE, "confirm", "", 312, 10_000)

    assert told_as == '312 of 10,000 sessions see one more screen at "confirm"'
    assert sentence(Kind.STUCK, "", "", 1, 1) == "1 of 1 sessions breaks off at the dial"


def test_every_kind_has_a_sentence_and_a_change_that_brings_it() -> None:
    brought = {kind for _, _, groups in CHANGES.values() for kind, _, _ in groups}

    assert {sentence(kind, "home", "meters.find", 2, 3) for kind in Kind}
    # These two have tests of their own above.
    assert brought | {Kind.ACTION, Kind.UNDECLARED} == set(Kind)


def test_what_is_not_recorded_exactly_is_held_to_what_it_says() -> None:
    written = dialog("*789#", "see: Énergie", "1", "see: Numéro", METER, "see: Quelle couleur?")

    found = changes([written], version(), Budget())

    assert (Kind.ANOTHER, "kwh", 1) in told(found)


def test_an_example_is_told_with_its_place_and_both_screens() -> None:
    found = changes([recording("tariff"), recording("bought")], version(SURE), Budget())

    told_as = json.loads(found.as_json())
    assert told_as == {
        "sessions": 2,
        "same": 1,
        "groups": [
            {
                "state": "sure",
                "kind": "more",
                "about": "",
                "count": 1,
                "sentence": '1 of 2 sessions sees one more screen at "sure"',
                "example": {
                    "transcript": "a dialog",
                    "file": "recordings.dial.jsonl",
                    "line": 1,
                    "before": "kwh",
                    "expected": found.groups[0].example.difference.expected,
                    "shown": "Continuer?\n1. Non\n2. Oui\n0.Retour 00.Accueil",
                },
            }
        ],
    }
    assert found.groups[0].example.difference.expected.startswith("10 kWh\nCompteur")
    assert found.groups[0].example.transcript is recording("bought")
