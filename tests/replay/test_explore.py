"""Exploring: everything that can be met is, by dialogs that play, and nothing is written twice."""

from __future__ import annotations

from collections import deque
from datetime import date
from functools import cache
from itertools import permutations

import pytest

import wsgi
from tests.examples.phones import APPLICATIONS, BUDGETS, EXAMPLES
from tests.soundness.generator import made_menus
from tests.soundness.soundness import budgets_of
from ussd_app.flow.compiler import Library, all_edges, compile_source
from ussd_app.flow.model import VISIBLE, CallState
from ussd_app.messages import Budget
from ussd_app.programs import Directory
from ussd_app.replay.boundaries import boundaries
from ussd_app.replay.coverage import Coverage, Kind, Point, watched
from ussd_app.replay.explore import Explored, explore, wanted
from ussd_app.replay.player import play_in_process
from ussd_app.replay.reading import load, parse
from ussd_app.replay.reasons import why
from ussd_app.replay.studying import study
from ussd_app.replay.transcript import Transcript, Verb
from ussd_app.replay.writing import as_yaml
from ussd_app.screens import Program
from workers.settings import load as load_settings

#: What no values lead to: bounds that the flow's own conditions or the catalogue keep. An amount or
#: a count that never gets so high; a coupon that the check before has passed; a date that is one.
NEVER = {
    "buy-electricity": set(),
    "savings": {("balance_pin/count", "else"), ("pay_pin/count", "else")},
    "meeting": {("tick", "else")},
    "market": {
        ("weigh/worth", "else"),
        ("weigh_offer/worth", "else"),
        ("prize", "else"),
        ("discount", "else"),
        ("pay", "else"),
        ("open_on", "else"),
    },
}
SMALL = """\
cassou: 1
flow: small
service_codes: ["*123#"]
languages: {default: fr}
start: ask
home: ask
vars:
  VARIABLE
states:
  ask:
    input: Combien?
    save: it
    attempts: {max: 3, next: bye}
    next: done
  done: {end: "Noté: {it}"}
  bye: {end: Au revoir.}
"""


@cache
def programs() -> dict[str, tuple[Program, Budget]]:
    """The shipped flow and the examples, by name, each with the budget it is shown in."""
    shipped = wsgi.load_directory(load_settings()).flows.values()
    found = {each.flow.name: (each, Budget()) for each in shipped}
    for name, application in APPLICATIONS.items():
        budget = BUDGETS[name]
        for each in Directory(EXAMPLES / name, application, (budget,)).programs():
            found[each.flow.name] = (each, budget)
    return found


@cache
def explored(name: str) -> Explored:
    return explore(*programs()[name])


def again(transcript: Transcript) -> Transcript:
    """A transcript as it is read from the file that it is written to."""
    (found,) = parse(as_yaml(transcript), "x.dial.yaml")
    return found


def begins(one: Transcript, other: Transcript) -> bool:
    """Whether another dialog goes the same way and further."""
    way = other.steps[: len(one.steps)] == one.steps and other.dial == one.dial
    return way and one.backends == other.backends


def small(variable: str) -> Program:
    source = SMALL.replace("VARIABLE", f"it: {{{variable}}}")
    return Program.of(compile_source(source, "small.yaml", Library.of({})))


@pytest.mark.parametrize("name", NEVER)
def test_every_transcript_plays_as_it_is_written_and_together_they_meet_all(name: str) -> None:
    program, budget = programs()[name]
    found = explored(name)
    seen, coverage = watched(program)

    failures = [
        played.failure
        for transcript in found.transcripts
        if (played := play_in_process(again(transcript), seen, budget)).failure
    ]

    assert failures == []
    assert {each[1:] for each in found.unmet} == NEVER[name]
    counts = coverage.counts()
    assert counts == found.after.counts()
    met, every = counts.pop("transitions")
    assert every - met == len(NEVER[name])
    assert all(met == every for met, every in counts.values())


@pytest.mark.parametrize("name", NEVER)
def test_no_two_are_named_alike_and_none_only_begins_another(name: str) -> None:
    transcripts = explored(name).transcripts

    assert len({each.name for each in transcripts}) == len(transcripts)
    assert [
        (one.name, other.name) for one, other in permutations(transcripts, 2) if begins(one, other)
    ] == []


@pytest.mark.parametrize("name", ["buy-electricity", "savings"])
def test_what_is_known_is_not_written_again(name: str) -> None:
    program, budget = programs()[name]
    found = explored(name)
    known, _ = study(program, budget, map(again, found.transcripts))

    assert known.counts() == found.after.counts()
    assert found.after.met <= known.met
    assert explore(program, budget, known).transcripts == ()


def test_only_what_known_dialogs_miss_is_written() -> None:
    program, budget = programs()["savings"]
    files = sorted((EXAMPLES / "savings" / "dialogs").glob("*.dial.yaml"))
    dialled = tuple(program.flow.service_codes)
    those = [each for file in files for each in load(file) if each.dial.startswith(dialled)]
    known, played = study(program, budget, those)

    found = explore(program, budget, known)

    assert not [each.failure for each in played if each.failure]
    assert 0 < len(found.transcripts) < len(explored("savings").transcripts)
    assert found.after.counts() == explored("savings").after.counts()
    assert not {each.name for each in found.transcripts} & {"find_member comes to unknown"}


def test_a_transcript_says_every_screen_whole_and_orders_faults_before_they_happen() -> None:
    by_name = {each.name: each for each in explored("buy-electricity").transcripts}

    blocked = by_name["find_meter comes to blocked"]
    assert [(step.verb, step.text) for step in blocked.steps if step.verb is not Verb.SEE] == [
        (Verb.SEND, "1"),
        (Verb.SEND, "04246801379"),
        (Verb.END, "Ce compteur est bloqué. Contactez votre agence."),
    ]
    assert {name: [a.outcome for a in said] for name, said in blocked.backends.items()} == {
        "meters.find": ["blocked"]
    }
    late = by_name["quote comes to late"]
    held = (Verb.LATE, Verb.SEND, Verb.SEE)
    assert tuple(step.verb for step in late.steps[-12:-3]) == held * 3
    assert [step.verb for step in late.steps[-3:]] == [Verb.LATE, Verb.SEND, Verb.END]


def test_everything_of_the_shipped_flow_is_met_by_a_shortest_way() -> None:
    """As short as the graph allows: a dial, then an answer for every screen on the way."""
    program, budget = programs()["buy-electricity"]
    flow = program.flow
    away = {flow.start: 0}
    waiting = deque([flow.start])
    while waiting:
        here = waiting.popleft()
        screen = isinstance(flow.states[here], VISIBLE)
        for edge in all_edges(flow):
            if edge.source == here and edge.dest not in away:
                away[edge.dest] = away[here] + screen
                (waiting.append if screen else waiting.appendleft)(edge.dest)

    shortest: dict[Point, int] = {}
    for transcript in explored("buy-electricity").transcripts:
        seen, coverage = watched(program)
        sends = 0
        for number, step in enumerate(transcript.steps):
            if step.verb in {Verb.SEE, Verb.END}:
                part = Transcript(
                    "", "", transcript.msisdn, transcript.dial, transcript.backends,
                    transcript.steps[: number + 1],
                )  # fmt: skip
                coverage.noted.clear()
                assert play_in_process(part, seen, budget).failure == ""
                for point in coverage.met:
                    shortest[point] = min(shortest.get(point, sends), sends)
                sends += 1
    longer = {
        (point.state, point.word): shortest[point] - away[point.state]
        for point in wanted(flow)
        if point.kind is Kind.STATE
    }
    # The graph does not know that tries run out with the third, nor late calls with the fourth.
    assert {name: more for name, more in longer.items() if more} == {
        ("give_up", ""): 2,
        ("done_late", ""): 3,
    }
    for name, state in flow.states.items():
        if isinstance(state, CallState):
            for outcome in state.outcomes:
                held = state.waits_max if outcome == "late" and away[name] else 0
                point = Point(Kind.TRANSITION, name, f"outcome:{outcome}")
                assert shortest[point] == away[name] + held


def test_every_language_of_every_screen_is_met_where_it_is_asked_for() -> None:
    program, budget = programs()["savings"]

    found = explore(program, budget, languages=True)

    assert {each[1:] for each in found.unmet} == NEVER["savings"]
    assert all(play_in_process(again(t), program, budget).failure == "" for t in found.transcripts)


def test_a_bound_that_is_reached_is_told_with_what_stayed_unmet() -> None:
    program, budget = programs()["savings"]

    few = explore(program, budget, sessions_max=50)
    shallow = explore(program, budget, hops_max=2)

    assert few.limit == "50 sessions"
    assert shallow.limit == "2 answers in one dialog"
    point = Point(Kind.TRANSITION, "since", "typed")
    assert point in few.unmet
    assert point in shallow.unmet
    assert why(program.flow, point, few) == (
        "since takes an answer: no way led there, within 50 sessions"
    )


def test_texts_of_known_dialogs_are_tried_where_nothing_else_is_accepted() -> None:
    source = SMALL.replace("VARIABLE", "it: {type: text, lengths: [6, 6]}").replace(
        "    attempts:", '    check: [{when: "{it} == sesame", error: Non.}]\n    attempts:'
    )
    locked = Program.of(compile_source(source, "small.yaml", Library.of({})))
    typed = Point(Kind.TRANSITION, "ask", "typed")

    assert typed in explore(locked, Budget()).unmet
    assert typed not in explore(locked, Budget(), words=["sesame"]).unmet


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("type: digits, lengths: [11, 13]", {
            "11 digits": 11, "13 digits": 13, "10 digits": 10, "14 digits": 14, "no digits": 3,
        }),
    ],
)  # fmt: skip
def test_the_bounds_of_digits_are_lengths(variable: str, told: dict[str, int]) -> None:
    flow = small(variable).flow
    found = boundaries(flow, flow.states["ask"], date(2026, 11, 23))

    assert {each.name: len(each.texts[0]) for each in found} == told


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("type: integer, min: 100, max: 500", "100 500 501 99 101.1 abc"),
        ("type: decimal, min: 1, max: 500, places: 1", "1 500 500.1 0.9 1.11 abc"),
        ("type: integer, min: 1", "1 2.1 abc"),  # 0 is the back key
        ("type: text, lengths: [3, 5]", "abc abcde ab abcdef"),
        ("type: date, min: today, max: today+9d", "23112026 22112026 02122026 03122026 abc"),
        ("type: date", "23112026 abc"),
        ("type: choice, values: [a, b]", "1 2 3"),
        ("type: msisdn, country: BF", "70123456 123"),
    ],
)
def test_bounds_are_tried_and_what_lies_just_beyond(variable: str, told: str) -> None:
    flow = small(variable).flow
    found = boundaries(flow, flow.states["ask"], date(2026, 11, 23))

    assert " ".join(each.texts[0] for each in found) == told


@pytest.mark.parametrize(
    "variable",
    [
        "type: digits, lengths: [11, 13]",
        "type: integer, min: 100, max: 500",
        "type: decimal, min: 1, max: 500, places: 1",
        "type: text, lengths: [3, 5]",
        "type: date, min: today, max: today+9d",
        "type: choice, values: [a, b]",
        "type: msisdn, country: BF",
    ],
)
def test_every_bound_is_met_and_known_again(variable: str) -> None:
    program = small(variable)

    found = explore(program, Budget())
    known, _ = study(program, Budget(), found.transcripts)

    assert found.unmet == ()
    assert set(wanted(program.flow)) <= known.met
    assert explore(program, Budget(), known).transcripts == ()


def test_whatever_flow_check_passes_the_transcripts_play_and_meet_what_was_said() -> None:
    tried = 0
    for number in range(60):
        menus = made_menus(number)
        budgets = budgets_of(menus, number)
        examined = menus.examined(budgets)
        if examined.diagnostics or examined.flow is None or examined.flow.returns is not None:
            continue
        tried += 1
        program = Program.of(examined.flow)
        found = explore(program, budgets[0], sessions_max=2000)
        coverage, played = study(program, budgets[0], map(again, found.transcripts))

        assert [each.failure for each in played if each.problem is not None] == []
        assert len(played) == len(found.transcripts)
        assert found.after.met <= coverage.met
    assert tried > 20


def test_what_is_known_is_not_touched() -> None:
    program, budget = programs()["buy-electricity"]
    known = Coverage(program.flow)

    explore(program, budget, known)

    assert known.noted == set()
