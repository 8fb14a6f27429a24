"""What may follow what: only the flow's own edges, and calls known by derived ids."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ussd_app import engine
from ussd_app.engine import Answer, Begin, Hold
from ussd_app.flow.compiler import Library, all_edges, examine
from ussd_app.messages import Budget
from ussd_app.screens import FlowStuck, Program
from ussd_app.session import FORMAT, UnknownFormat, dump, load
from ussd_app.states import Moves, NoSuchMove

if TYPE_CHECKING:
    from tests.engine.conftest import Dialog

SERIAL = "04246801379"

HEAD = """\
cassou: 1
flow: special
service_codes: ["*789#"]
languages: {default: fr}
start: home
vars:
  word: {type: text}
  amount: {type: integer, min: 1, max: 9}
  pin: {type: digits, lengths: [4], sensitive: true}
  count: {type: integer, min: 1, max: 99}
states:
"""
PAYING = """\
  paying:
    call: purchase.start
    with: {serial: "1", kwh: "1", quote: "1", total: "1", valid_until: "1"}
    once_per: session
    outcomes: {vended: bye, paid: bye, prompted: bye, pending: bye,
               refunded: bye, insufficient_funds: bye,
               declined: bye, quote_expired: home, late: bye, failed: bye}
  bye: {end: Fini.}
"""


def special(program: Program, states: str, keys: str = "{}") -> Program:
    """A small flow of its own against the shipped catalogue and texts."""
    flow = program.flow
    library = Library(flow.backends, flow.functions, flow.system, flow.filters, flow.rules, {}, {})
    compiled = examine(f"keys: {keys}\n{HEAD}{states}", "special.yaml", library).flow
    assert compiled is not None
    return Program.of(compiled)


def test_every_edge_moves_and_nothing_else_does(program: Program) -> None:
    edges = all_edges(program.flow)
    known = {(edge.source, edge.trigger): edge.dest for edge in edges}
    triggers = {edge.trigger for edge in edges}

    for state in program.flow.states:
        for trigger in triggers:
            if (state, trigger) in known:
                assert program.moves.can(state, trigger)
                assert program.moves.move(state, trigger) == known[state, trigger]
            else:
                assert not program.moves.can(state, trigger)
                with pytest.raises(NoSuchMove, match=f'no edge "{trigger}" at state "{state}"'):
                    program.moves.move(state, trigger)


@pytest.mark.parametrize("trigger", ["to_bye", "done_token", "", "option:99"])
def test_a_trigger_of_no_edge_is_refused(program: Program, trigger: str) -> None:
    with pytest.raises(NoSuchMove, match="anywhere"):
        program.moves.move("home", trigger)


def test_one_machine_serves_many_threads(program: Program) -> None:
    moves = Moves(program.flow)
    edges = [edge for edge in all_edges(program.flow) for _ in range(20)]
    with ThreadPoolExecutor(8) as pool:
        moved = pool.map(lambda edge: moves.move(edge.source, edge.trigger), edges)
    assert list(moved) == [edge.dest for edge in edges]


def test_a_payment_has_one_id_in_its_session_and_another_in_the_next(
    new_dialog: Callable[..., Dialog],
) -> None:
    ids = []
    for instance in ("one", "two"):
        dialog = new_dialog(instance=instance, answers={"purchase.start": "quote_expired"})
        dialog.dial()
        dialog.send("1", SERIAL, "10", "1")
        dialog.send("1", "1")
        ids.append([call.id for call in dialog.calls if call.backend == "purchase.start"])
    assert [len(each) for each in ids] == [2, 2]
    assert [len(set(each)) for each in ids] == [1, 1]
    assert ids[0][0] != ids[1][0]


def test_a_look_up_has_one_id_per_visit(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", SERIAL, "10", "2", "20", "2", "20")
    quotes = [call.id for call in dialog.calls if call.backend == "tariffs.quote"]

    assert len(quotes) == len(set(quotes)) == 3


def test_a_shortcut_does_not_pay_behind_an_input(
    program: Program, new_dialog: Callable[..., Dialog]
) -> None:
    states = "  home: {input: Combien?, save: amount, next: paying}\n" + PAYING
    dialog = new_dialog(special(program, states))

    assert dialog.dial("5") == "Combien?"
    assert dialog.calls == []
    assert dialog.send("5").startswith("Fini")


def test_a_shortcut_does_not_pay_behind_a_look_up_or_a_branch(
    program: Program, new_dialog: Callable[..., Dialog]
) -> None:
    states = """\
  home:
    menu: Bonjour
    options:
      - {label: Acheter, next: open}
      - {label: Lire, next: amount}
  amount: {input: Combien?, save: amount, next: size}
  size:
    branch: [{when: "{amount} > 3", next: home}]
    else: open
  open:
    call: purchases.open
    outcomes: {none: paying, open: bye, late: bye, failed: bye}
"""
    paths = {"1": "home", "2*2": "amount", "2*5": "amount"}
    for dialled, stops in paths.items():
        dialog = new_dialog(special(program, states + PAYING))
        dialog.dial(dialled)
        assert (dialog.at(), dialog.calls) == (stops, [])


def test_a_shortcut_never_fills_a_sensitive_input(
    program: Program, new_dialog: Callable[..., Dialog]
) -> None:
    states = "  home: {input: Code?, save: pin, next: bye}\n  bye: {end: Fini.}\n"
    dialog = new_dialog(special(program, states))

    assert dialog.dial("1234") == "Code?"


def test_a_state_may_refuse_shortcuts(program: Program, new_dialog: Callable[..., Dialog]) -> None:
    states = "  home: {input: Mot?, save: word, next: bye, shortcut: never}\n  bye: {end: Fini.}\n"
    dialog = new_dialog(special(program, states))

    assert dialog.dial("abc") == "Mot?"
    assert dialog.send("abc") == "Fini."


@pytest.mark.parametrize(
    ("variable", "typed", "text"),
    [
        ("count", "9", "petit"),
        ("count", "10", "petit"),
        ("count", "11", "grand"),
        ("word", "9", "grand"),
        ("word", "nan", "grand"),
        ("word", "0", "petit"),
    ],
)
def test_conditions_compare_numbers_as_numbers_and_all_else_as_text(
    program: Program, new_dialog: Callable[..., Dialog], variable: str, typed: str, text: str
) -> None:
    states = f"""\
  home: {{input: Mot?, save: {variable}, next: size}}
  size:
    branch: [{{when: "{{{variable}}} > 10", next: big}}]
    else: small
  big: {{end: grand}}
  small: {{end: petit}}
"""
    dialog = new_dialog(special(program, states, keys='{back: "*"}'))
    dialog.dial()

    assert dialog.send(typed) == text


@pytest.mark.parametrize("typed", ["nan", "-nan", "snan", "inf", "1e999999", "٣", "'"])
@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_no_word_a_client_types_breaks_a_condition(
    program: Program, new_dialog: Callable[..., Dialog], typed: str, operator: str
) -> None:
    states = f"""\
  home: {{input: Mot?, save: word, next: size}}
  size:
    branch: [{{when: "{{word}} {operator} 10", next: bye}}]
    else: bye
  bye: {{end: Fini.}}
"""
    dialog = new_dialog(special(program, states))
    dialog.dial()

    assert dialog.send(typed) == "Fini."


def test_a_circle_of_invisible_states_is_left(
    program: Program, new_dialog: Callable[..., Dialog]
) -> None:
    states = """\
  home: {input: Mot?, save: word, next: one}
  one:
    branch: [{when: "{word} == x", next: bye}]
    else: two
  two:
    branch: [{when: "{word} == x", next: bye}]
    else: one
  bye: {end: Fini.}
"""
    dialog = new_dialog(special(program, states))
    dialog.dial()

    with pytest.raises(FlowStuck, match="shows nothing after state"):
        dialog.send("y")


def test_a_hold_where_nothing_is_awaited_is_refused(dialog: Dialog) -> None:
    dialog.dial()
    with pytest.raises(FlowStuck, match="waits for nothing"):
        dialog.step(Hold())


@pytest.mark.parametrize("values", [[], [FORMAT], [FORMAT + 1, *range(18)], ["x"]])
def test_a_session_of_another_format_is_told_apart(values: list[object]) -> None:
    with pytest.raises(UnknownFormat):
        load(values)


def test_a_stored_session_is_small(dialog: Dialog) -> None:
    dialog.dial()
    dialog.send("1", SERIAL, "10")

    assert dialog.session is not None
    assert len(str(dump(dialog.session))) < 1000


def test_a_filter_that_shows_more_than_it_did_when_tried_ends_no_dialog(program: Program) -> None:
    states = "  home: {input: Mot?, save: word, next: said}\n  said: {end: '{word|odd}'}\n"
    flow = program.flow
    odd = {**flow.filters, "odd": lambda value, _language: "x" * 400 if value == "boo" else "y"}
    library = Library(flow.backends, flow.functions, flow.system, odd, flow.rules, {}, {})
    compiled = examine(HEAD + states, "odd.yaml", library).flow
    assert compiled is not None
    built = Program.of(compiled)
    begun = engine.begin(built, Begin("one", "+22670123456", "*789#"), 0.0, Budget())

    shown = engine.step(built, begun.session, Answer("boo"), 1.0, Budget()).screen

    assert shown is not None
    assert shown.text.startswith("x" * 20 + " " + "x" * 20)
