"""What the schemas accept, all of the language, and where they refuse what is not of it."""

from __future__ import annotations

import pytest

from tests.designer.schema_files import errors, flow

ACCEPTED_STATES = [
    "home: {menu: x, options: [{label: x, next: a}]}",
    "home: {menu: x, options: [{label: x, next: a}], shortcut: never, paged: never}",
    "home: {menu: 12, options: [{label: 50, next: a, key: 9}, {label: true, next: a, key: '*#'}]}",
    "home: {menu: x, options: [{label: x, resume: true}, {label: x, next: a, language: toggle}]}",
    "home: {menu: x, options: [{label: x, next: a, when: '{a} > 1'}]}",
    "home: {menu: x, options: [{label: x, next: a}], otherwise: {save: b, next: c}}",
    "home: {list: x, rows: '{a.b}', row: '{row.c}', save: d, next: e, empty: f}",
    "home: {list: x, rows: '{a}', row: x, save: d, next: e, options: [{label: x, next: a}]}",
    "home: {input: x, save: a, next: b}",
    "home: {input: x, save: a, next: b, keep: 'true', attempts: {max: '3', next: c}}",
    "home: {input: x, save: a, next: b, check: [{rule: luhn, error: x}]}",
    "home: {input: x, save: a, next: b, check: [{when: ['{a} is set', '{a|b} != 1'], error: x}]}",
    "home: {show: {fr: x, eng: 'y\n{a.b|c|d}'}, next: a}",
    "home: {show: [x, 5, {fr: x, en: y}, {text: x, rows: '{a.b}'}], next: a}",
    "home: {show: [{fr: x, when: '{a} <= {b.c}'}, {text: {fr: x}, when: ['{a} is set']}], next: a}",
    "home: {wait: x, next: a}",
    "home: {end: x}",
    "home: {call: a.b, outcomes: {ok: a, late: b, failed: c}}",
    "home: {call: a, with: {b: 5, c: {fr: x, en: y}, d: true}, in: fr, save: e, outcomes: {ok: a}}",
    "home: {call: a.b, deadline: 0.5s, waits: 0, once_per: visit, outcomes: {ok: a}}",
    "home: {branch: [{when: '{a} == 1', next: b}], else: c}",
    "home: {set: {a: 5, b: '{c}', d: {function: rows.none}}, next: e, else: f}",
    "home: {set: {a: {function: f.g, with: {x: {function: h, with: {y: 1}}}}}, next: e}",
    "home: {set: {}, forget: [a], next: e}",
    "home: {flow: pick-meter, with: {a: '{b}'}, save: c, outcomes: {ok: d}}",
    "home: {flow: p, outcomes: {ok: d}, depth: 5, too_deep: e}",
]


@pytest.mark.parametrize("states", ACCEPTED_STATES)
def test_every_construct_of_a_state_is_accepted(states: str) -> None:
    assert errors(flow(states)) == []


ACCEPTED_TOPS = [
    "home: a",
    "keys: {back: 0, home: 00, more: '#'}",
    "alphabet: ucs2",
    "resume: {within: 10m}",
    "resume: {within: 250ms, how: at_once, never_into: [a, b]}",
    "on_drop: [{states: [a], text: {fr: x, en: y}}]",
    "vars: {}",
    "vars: {a: {type: digits}, b: {type: digits, lengths: [11, '13'], sensitive: 'false'}}",
    "vars: {a: {type: pin, lengths: [4], label: x}}",
    "vars: {a: {type: integer, min: -5, max: '10'}, b: {type: integer}}",
    "vars: {a: {type: decimal, min: 0.5, max: '99.5', places: 2}}",
    "vars: {a: {type: text, lengths: [2, 40], remember: 90d}}",
    "vars: {a: {type: choice, values: [a, 2, no]}, b: {type: choice, values: {a: x, b: {fr: y}}}}",
    "vars: {a: {type: msisdn}, b: {type: msisdn, country: NO}}",
    "vars: {a: {type: date, min: 2026-01-31, max: today+30d}, b: {type: date, min: today-18y}}",
    "vars: {a: {type: boolean}}",
    "vars: {a: {type: rows, rows_max: 50, fields: {b: {type: digits, lengths: [3]}}}}",
    "vars: {a: {type: row, fields: {b: {type: integer, min: 1, max: 5}}}}",
]


@pytest.mark.parametrize("more", ACCEPTED_TOPS)
def test_every_construct_of_the_top_is_accepted(more: str) -> None:
    assert errors(flow(more=more)) == []


REFUSED_STATES = [
    ("home: {}", "$.states.home"),
    ("home:", "$.states.home"),
    ("home: x", "$.states.home"),
    ("home: [a]", "$.states.home"),
    ("Home: {end: x}", "$.states"),
    ("home: {nope: x}", "$.states.home"),
    ("home: {end: x, show: y, next: a}", "$.states.home"),
    ("home: {show: x}", "$.states.home"),
    ("home: {show: '', next: a}", "$.states.home.show"),
    ("home: {show: {}, next: a}", "$.states.home.show"),
    ("home: {show: {french: x}, next: a}", "$.states.home.show"),
    ("home: {show: {fr: [x]}, next: a}", "$.states.home.show.fr"),
    ("home: {show: [], next: a}", "$.states.home.show"),
    ("home: {show: [{text: x, fr: y}], next: a}", "$.states.home.show[0]"),
    ("home: {show: [{when: '{a} is set'}], next: a}", "$.states.home.show[0]"),
    ("home: {show: [{text: x, rows: a.b}], next: a}", "$.states.home.show[0].rows"),
    ("home: {show: x, next: a b}", "$.states.home.next"),
    ("home: {show: x, next: [a]}", "$.states.home.next"),
    ("home: {show: x, next: a, paged: yes}", "$.states.home.paged"),
    ("home: {menu: x}", "$.states.home"),
    ("home: {menu: x, options: []}", "$.states.home.options"),
    ("home: {menu: x, options: {label: x, next: a}}", "$.states.home.options"),
    ("home: {menu: x, options: [{label: x}]}", "$.states.home.options[0]"),
    ("home: {menu: x, options: [{next: a}]}", "$.states.home.options[0]"),
    ("home: {menu: x, options: [{label: x, next: a, key: A}]}", "$.states.home.options[0].key"),
    ("home: {menu: x, options: [{label: x, next: a, key: 1234}]}", "$.states.home.options[0].key"),
    (
        "home: {menu: x, options: [{label: x, next: a, resume: true}]}",
        "$.states.home.options[0]",
    ),
    ("home: {list: x, rows: '{a}', row: x, next: e}", "$.states.home"),
    ("home: {input: x, save: a, next: b, attempts: 3}", "$.states.home.attempts"),
    (
        "home: {input: x, save: a, next: b, attempts: {max: 0, next: c}}",
        "$.states.home.attempts.max",
    ),
    ("home: {input: x, save: a, next: b, attempts: {max: 3}}", "$.states.home.attempts"),
    ("home: {input: x, save: a, next: b, keep: yes}", "$.states.home.keep"),
    ("home: {input: x, save: a, next: b, check: [{rule: luhn}]}", "$.states.home.check[0]"),
    ("home: {input: x, save: a, next: b, check: [{error: x}]}", "$.states.home.check[0]"),
    (
        "home: {input: x, save: a, next: b, check: [{when: a, error: x}]}",
        "$.states.home.check[0].when",
    ),
    ("home: {wait: x, next: a, save: b}", "$.states.home"),
    ("home: {end: x, next: a}", "$.states.home"),
    ("home: {call: a.b}", "$.states.home"),
    ("home: {call: a b, outcomes: {ok: a}}", "$.states.home.call"),
    ("home: {call: a, outcomes: [a]}", "$.states.home.outcomes"),
    ("home: {call: a, outcomes: {ok: [a]}}", "$.states.home.outcomes.ok"),
    ("home: {call: a, outcomes: {ok: a}, deadline: 3}", "$.states.home.deadline"),
    ("home: {call: a, outcomes: {ok: a}, deadline: 3 s}", "$.states.home.deadline"),
    ("home: {call: a, outcomes: {ok: a}, waits: 4}", "$.states.home.waits"),
    ("home: {call: a, outcomes: {ok: a}, once_per: week}", "$.states.home.once_per"),
    ("home: {branch: [{when: '{a} == 1', next: b}]}", "$.states.home"),
    ("home: {branch: [{when: '{a} = 1', next: b}], else: c}", "$.states.home.branch[0].when"),
    ("home: {branch: {when: '{a} == 1', next: b}, else: c}", "$.states.home.branch"),
    ("home: {set: {}, next: a}", "$.states.home"),
    ("home: {set: {a: 1}}", "$.states.home"),
    ("home: {set: {a: [1]}, next: b}", "$.states.home.set.a"),
    ("home: {set: {a: {function: f, args: {}}}, next: b}", "$.states.home.set.a"),
    ("home: {flow: p, outcomes: {ok: d}, depth: 2}", "$.states.home"),
    ("home: {flow: p, outcomes: {ok: d}, too_deep: a}", "$.states.home"),
    ("home: {flow: P, outcomes: {ok: d}}", "$.states.home.flow"),
]


@pytest.mark.parametrize(("states", "place"), REFUSED_STATES)
def test_a_wrong_state_is_refused_at_its_place(states: str, place: str) -> None:
    assert errors(flow(states)) == [place]


REFUSED_TOPS = [
    ("nope: 1", "$"),
    ("args: {a: {type: text}}", "$"),
    ("home: [a]", "$.home"),
    ("keys: {next: 9}", "$.keys"),
    ("keys: {back: 1000}", "$.keys.back"),
    ("alphabet: utf8", "$.alphabet"),
    ("resume: {how: ask}", "$.resume"),
    ("resume: {within: 10m, how: maybe}", "$.resume.how"),
    ("on_drop: {states: [a], text: x}", "$.on_drop"),
    ("on_drop: [{states: [], text: x}]", "$.on_drop[0].states"),
    ("vars: {A: {type: text}}", "$.vars"),
    ("vars: {a: text}", "$.vars.a"),
    ("vars: {a: {}}", "$.vars.a"),
    ("vars: {a: {type: string}}", "$.vars.a.type"),
    ("vars: {a: {type: integer, lengths: [3]}}", "$.vars.a"),
    ("vars: {a: {type: integer, min: 0.5}}", "$.vars.a.min"),
    ("vars: {a: {type: digits, lengths: 11}}", "$.vars.a.lengths"),
    ("vars: {a: {type: digits, lengths: [0]}}", "$.vars.a.lengths[0]"),
    ("vars: {a: {type: text, lengths: [1, 2, 3]}}", "$.vars.a.lengths"),
    ("vars: {a: {type: decimal, places: 7}}", "$.vars.a.places"),
    ("vars: {a: {type: choice}}", "$.vars.a"),
    ("vars: {a: {type: choice, values: a}}", "$.vars.a.values"),
    ("vars: {a: {type: msisdn, country: Burkina}}", "$.vars.a.country"),
    ("vars: {a: {type: date, min: tomorrow}}", "$.vars.a.min"),
    ("vars: {a: {type: text, remember: forever}}", "$.vars.a.remember"),
    ("vars: {a: {type: rows}}", "$.vars.a"),
    ("vars: {a: {type: rows, rows_max: 51, fields: {b: {type: text}}}}", "$.vars.a.rows_max"),
    ("vars: {a: {type: rows, fields: {number: {type: text}}}}", "$.vars.a.fields"),
    ("vars: {a: {type: rows, fields: {b: {type: rows}}}}", "$.vars.a.fields.b.type"),
]


@pytest.mark.parametrize(("more", "place"), REFUSED_TOPS)
def test_a_wrong_top_is_refused_at_its_place(more: str, place: str) -> None:
    assert errors(flow(more=more)) == [place]


CATALOGUE = "cassou: 1\nbackends: {{a.b: {{outcomes: {{ok: {0}}}}}}}"
REFUSED_OUTCOMES = [
    ("", "$.backends['a.b'].outcomes.ok"),
    ("{field: {}}", "$.backends['a.b'].outcomes.ok"),
    ("{fields: {a: {type: text, longest: x}}}", "$.backends['a.b'].outcomes.ok"),
    ("{fields: {a: {type: text}}, sample: {a: x}}", "$.backends['a.b'].outcomes.ok.fields.a"),
    (
        "{fields: {a: {longest: [x]}}, sample: {a: x}}",
        "$.backends['a.b'].outcomes.ok.fields.a.longest",
    ),
    ("{fields: {a: {type: pin}}, sample: {a: x}}", "$.backends['a.b'].outcomes.ok.fields.a"),
    ("{nothing_done: perhaps}", "$.backends['a.b'].outcomes.ok.nothing_done"),
]


@pytest.mark.parametrize(("outcome", "place"), REFUSED_OUTCOMES)
def test_a_wrong_outcome_is_refused_at_its_place(outcome: str, place: str) -> None:
    assert place in errors(CATALOGUE.format(outcome), "catalogue")


@pytest.mark.parametrize(
    "outcome",
    [
        "{}",
        "{nothing_done: true}",
        "{fields: {a: {longest: 12}, b: {type: boolean}}, sample: {a: 1, b: true}}",
        "{fields: {a: {type: date, longest: 2026-01-31}}, sample: {a: 2026-01-31}}",
        "{fields: {a: {type: rows, fields: {b: {longest: x}}}}, sample: {a: [{b: x}]}}",
    ],
)
def test_every_outcome_of_the_language_is_accepted(outcome: str) -> None:
    assert errors(CATALOGUE.format(outcome), "catalogue") == []


def test_functions_alone_make_a_catalogue() -> None:
    result = "{type: integer, min: 0, max: 9}"
    functions = f"functions: {{a.b: {{inputs: {{c: text, d: rows}}, result: {result}}}}}"

    assert errors(f"cassou: 1\n{functions}", "catalogue") == []
    assert errors("cassou: 1", "catalogue") == ["$"]


def test_a_text_the_framework_does_not_know_is_refused() -> None:
    assert errors("cassou: 1\nlanguages: [fr]\ntexts: {hello: x}", "system") == ["$.texts"]


def test_a_sub_flow_has_its_own_keys() -> None:
    sub_flow = "cassou: 1\nflow: a\nlanguages: {default: fr}\nstart: b\nstates: {b: {end: x}}\n"

    assert errors(f"{sub_flow}returns: {{ok: {{a: '{{b}}', c: 5}}, no: {{}}}}") == []
    assert errors(f"{sub_flow}returns: {{ok: {{}}}}\nargs: {{a: {{type: text}}}}") == []
    assert errors(f"{sub_flow}returns: {{}}") == ["$.returns"]
    assert errors(f"{sub_flow}returns: {{ok: {{}}}}\nservice_codes: ['*1#']") == ["$"]
    assert errors(sub_flow) == ["$"]


@pytest.mark.parametrize("code", ["'*1'", "789", "[a]", "{start: b}", "{code: '*1#', begin: b}"])
def test_a_wrong_service_code_is_refused(code: str) -> None:
    found = errors(flow().replace("'*1#'", code).replace('"*1#"', code))

    assert [place.startswith("$.service_codes[0]") for place in found] == [True]
