"""One-line edits of a flow with every kind of state: none that counts is passed over."""

from __future__ import annotations

import pytest

from tests.designer.sheet_flows import RICH, edited, examined, flow
from ussd_app.designer.diff import differences
from ussd_app.flow.model import Flow
from ussd_app.messages import Budget


@pytest.fixture(scope="module")
def rich_before() -> Flow:
    return flow(RICH)


#: One-line edits of the rich flow, and a sentence that each must bring.
EDITS = [
    ("start: known", "start: ask_born", "the first state was `known`, is `ask_born`"),
    ("home: home", "home: basket", "home was `home`, is `basket`"),
    ("home: home", 'home: home\nkeys: {back: "#"}', "the key for back was 0, is #"),
    ("home: home", "home: home\nalphabet: ucs2", "the alphabet was transliterate, is ucs2"),
    ("remember: 90d}\n", "remember: 30d}\n", "remembered 90 days, is remembered 30 days"),
    ("within: 10m", "within: 1h", "within 10 minutes (entry), never into `ask_secret`, is going"),
    ('{fr: "Panier gardé."', '{fr: "Panier oublié."', "the SMS after a drop at `basket` in fr"),
    ("states: [basket]", "states: [goods]", "a session that drops at `goods` gets an SMS now"),
    (
        "food: {fr: Nourriture, en: Food}, ",
        "",
        "in `ask_kind`, 1 was 'Nourriture', now is 'Outils'",
    ),
    ("today-18y, remember: 30d", "today-18y", "was remembered as rich.born, is so no more"),
    ("today-18y, remember: 30d", "today-18y, remember: 60d", "was 30 days, is 60 days"),
    ("phone: {type: msisdn}", "phone: {type: msisdn, sensitive: true}", "`phone` is a secret now"),
    ("rows_max: 9\n", "rows_max: 8\n", "`basket` was up to 9 rows of name and price, is up to 8"),
    ("    keep: true\n", "", "`ask_born` is always asked now"),
    (
        '- {when: "{basket} is set", text: ',
        "- {text: ",
        "'Boutique\\n[if {basket} is set] Un panier",
    ),
    (
        "        when: [",
        '        when: ["{born} is set", ',
        "'Mon panier' was shown if {basket} is",
    ),
    ("resume: true}", "next: help}", "is an option as any other now"),
    ("language: toggle", "language: en", "as to the language was the next one, is en"),
    ("      save: note", "      save: phone", "what `home` saves was `note`, is `phone`"),
    (
        "      next: noted",
        "      next: help",
        "an answer that is no option led to `noted`, leads to",
    ),
    ('when: "{note} != xyz"', 'when: "{note} != abc"', "what is not {note} != abc is refused now"),
    ('fr: "Pas xyz."', 'fr: "Surtout pas."', "the refusal of what is not {note} != xyz in fr was"),
    (
        'branch:\n      - {when: "{born} is set"',
        'branch:\n      - {when: "{born} is not set"',
        "what `known` decides was {born} is set: `home`, is {born} is not set: `home`",
    ),
    ("    else: ask_born", "    else: home", "in `known`, else the way led to `ask_born`"),
    (
        "attempts: {max: 3, next: bye}\n    shortcut",
        "attempts: {max: 5, next: bye}\n    shortcut",
        "in `ask_kind`, the number of wrong tries was 3, is 5",
    ),
    (
        "attempts: {max: 3, next: bye}\n    shortcut",
        "attempts: {max: 3, next: help}\n    shortcut",
        "in `ask_kind`, the last wrong try led to `bye`, leads to `help`",
    ),
    (
        "    next: find\n",
        "    next: help\n",
        "in `ask_kind`, an answer led to `find`, leads to `help`",
    ),
    (
        'with: {kind: "{kind}"}',
        'with: {kind: "any"}',
        "`kind` for goods.show was '{kind}', is 'any'",
    ),
    (
        "    save: found\n",
        "    save: found\n    deadline: 5s\n",
        "the wait was 2 seconds, is 5 seconds",
    ),
    (
        "    save: found\n",
        "    save: found\n    waits: 1\n",
        "the most holding screens was 3, is 1",
    ),
    ("    save: found\n", "    save: found\n    in: fr\n", "its request was the client's, is fr"),
    ("none: nothing, late: sorry", "none: help, late: sorry", "outcome `none` led to `nothing`"),
    (
        '"{row.name} {row.price|money}"',
        '"{row.name}"',
        "in `goods`, a row in fr was '{row.name} {row",
    ),
    ("    empty: nothing\n", "    empty: help\n", "a list without rows led to `nothing`, leads to"),
    ("    next: first_basket\n", "    next: home\n", "in `goods`, a row led to `first_basket`"),
    (
        "{fr: Rien, en: Nothing}, next: home",
        "{fr: Rien, en: Nothing}, next: help",
        "in `goods`, 'Rien' led to `home`, leads to `help`",
    ),
    ("field: price", "field: price\n      note: abc", "what `add` stores was basket = rows.add"),
    ("    else: too_many", "    else: sorry", "a value that does not fit led to `too_many`"),
    ("once_per: session", "once_per: visit", "what it does once was per session, is per visit"),
    ('what: "Commander"', 'what: "Payer"', "what `sure` stores was sure/what = Commander"),
    ('{"yes": order, "no": home}', '{"yes": order, "no": bye}', "`sure/no`, then the way led to"),
    (
        '    show: {fr: "Rien trouvé."',
        '    wait: {fr: "Rien trouvé."',
        "`nothing` was a show, is a",
    ),
]


@pytest.mark.parametrize(("before", "after", "sentence"), EDITS, ids=[each[1] for each in EDITS])
def test_no_edit_that_a_client_may_notice_is_passed_over(
    before: str, after: str, sentence: str, rich_before: Flow
) -> None:
    new = examined(edited(RICH, (before, after)))

    found = differences(rich_before, new, Budget())
    assert any(sentence in each.sentence for each in found)
