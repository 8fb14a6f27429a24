"""The walker itself: a flow that `check` refuses for a reason breaks for it when walked."""

from __future__ import annotations

import pytest

from tests.soundness.made_files import Menus, read
from tests.soundness.shrinking import shrunk
from tests.soundness.soundness import walked
from tests.soundness.tally import Tally
from ussd_app.messages import Budget

BUDGETS = (Budget(),)
HEAD = 'cassou: 1\nflow: main\nservice_codes: ["*789#"]\nlanguages: {default: fr}\nstart: home\n'
CATALOGUE = read("""\
cassou: 1
backends:
  pay: {once: true, outcomes: {ok: {}}}
""")
WORDS = " ".join(["mot"] * 60)
FLOWS = {
    ("unset-variable", "raised KeyError('v')"): """\
vars: {v: {type: text}}
states:
  home: {menu: Bonjour, options: [{label: Oui, next: ask}, {label: Non, next: bye}]}
  ask: {input: "Nom?", save: v, next: bye}
  bye: {end: "{v}"}
""",
    ("too-long", "raised Warning('state bye does not fit"): f"""\
states:
  home: {{menu: Bonjour, options: [{{label: Oui, next: bye}}]}}
  bye: {{end: {"m" * 200}}}
""",
    ("too-long", "a screen that is never paged has a second page"): f"""\
states:
  home: {{menu: {WORDS}, paged: never, options: [{{label: Oui, next: bye}}]}}
  bye: {{end: Fin}}
""",
    ("sensitive-shown", "a sensitive value is shown"): """\
vars: {v: {type: pin, lengths: [6]}}
states:
  home: {input: "Code?", save: v, attempts: {max: 3, next: home}, next: told}
  told: {show: "{v}", next: bye}
  bye: {end: Fin}
""",
    ("no-way-out", "raised FlowStuck"): """\
states:
  home: {menu: Bonjour, options: [{label: Oui, next: one}, {label: Fin, next: bye}]}
  one: {branch: [{when: "{msisdn} is not set", next: bye}], else: two}
  two: {branch: [{when: "{msisdn} is not set", next: bye}], else: one}
  bye: {end: Fin}
""",
    ("missing-else", "raised NoSuchMove"): """\
vars: {n: {type: integer, min: 1, max: 9}, m: {type: integer, min: 1, max: 3}}
states:
  home: {input: "Combien?", save: n, attempts: {max: 3, next: bye}, next: less}
  less: {set: {m: "{n}"}, next: told}
  told: {show: "{m}", next: bye}
  bye: {end: Fin}
""",
}


def menus_of(states: str) -> Menus:
    """A small application."""
    return Menus(read(HEAD + states), {}, CATALOGUE)


@pytest.mark.parametrize(("refused", "states"), FLOWS.items())
def test_what_check_refuses_breaks_as_it_says(refused: tuple[str, str], states: str) -> None:
    check, what = refused
    compiled = menus_of(states).examined(BUDGETS)
    assert check in {each.id for each in compiled.diagnostics}
    assert compiled.flow is not None
    broken = walked(compiled.flow, BUDGETS, 1, Tally(), 40)

    assert broken is not None
    assert broken.what.startswith(what)
    assert broken.trail


def test_what_breaks_is_made_small() -> None:
    check = "unset-variable"
    states = """\
vars: {v: {type: text}}
states:
  home: {menu: [Bonjour, {text: Salut, when: "{v} is set"}], options: [{label: Oui, next: bye}]}
  bye: {end: [Fin, {text: "{v}", when: "{msisdn} is set"}]}
"""

    def fails(menus: Menus) -> bool:
        compiled = menus.examined(BUDGETS)
        if compiled.flow is None or {each.id for each in compiled.diagnostics} != {check}:
            return False
        broken = walked(compiled.flow, BUDGETS, 1, Tally(), 8)
        return broken is not None and broken.what == "raised KeyError('v')"

    small = shrunk(menus_of(states), fails)

    assert fails(small)
    assert small.flow["states"] == {
        "home": {"menu": "Salut", "options": [{"label": "Oui", "next": "bye"}]},
        "bye": {"end": "{v}"},
    }
