"""What changes for clients between two versions, told in sentences; nothing else is."""

from __future__ import annotations

import json
import re

import pytest

from tests.designer.sheet_flows import RICH, SMALL, edited, flow, shipped
from ussd_app.designer.diff import Difference, Kind, as_json, as_text, differences
from ussd_app.flow.compiler import SYSTEM_FILE
from ussd_app.flow.model import Flow
from ussd_app.messages import Budget

BUDGET = Budget()
PINNED = "a session stays on the version it began on, and is never resumed on another"
HELP = "      - {label: {fr: Aide, en: Help}, next: help}\n"
QUIT = "      - {label: {fr: Quitter, en: Quit}, next: bye}\n"


def told(old: Flow, new: Flow, kind: Kind | None = None) -> list[str]:
    """The sentences of one kind, or of all but the one that every difference brings."""
    found = differences(old, new, BUDGET)
    return [
        each.sentence
        for each in found
        if (each.kind is kind if kind else each.kind is not Kind.SESSIONS)
    ]


def small(*changes: tuple[str, str]) -> Flow:
    return flow(edited(SMALL, *changes))


def rich(*changes: tuple[str, str]) -> Flow:
    return flow(edited(RICH, *changes))


@pytest.fixture(scope="module")
def small_before() -> Flow:
    return small()


@pytest.fixture(scope="module")
def rich_before() -> Flow:
    return rich()


@pytest.fixture(scope="module")
def shipped_before() -> Flow:
    return shipped()


def test_the_same_flow_has_no_differences(rich_before: Flow, shipped_before: Flow) -> None:
    assert differences(rich_before, rich(), BUDGET) == []
    assert differences(shipped_before, shipped(), BUDGET) == []
    assert as_text([]) == "Nothing changes for clients.\n"
    assert json.loads(as_json([])) == []


def test_comments_and_layout_are_no_differences(small_before: Flow) -> None:
    new = small(
        ("states:", "# what clients see\n\n\nstates:"),
        ("{fr: Bonjour, en: Hello}", "\n      en: \"Hello\"\n      fr: 'Bonjour'   # polite"),
    )

    assert new.hash != small_before.hash
    assert differences(small_before, new, BUDGET) == []


def test_the_order_of_states_is_no_difference(small_before: Flow) -> None:
    head, states = SMALL.split("states:\n")
    parts = re.split(r"(?m)^(?=  [a-z]+:\n)", states)

    new = flow(head + "states:\n" + "".join(reversed(parts)))

    assert list(new.states) == list(small_before.states)[::-1]
    assert differences(small_before, new, BUDGET) == []


def test_options_that_change_places_are_told_by_their_keys(small_before: Flow) -> None:
    new = small((HELP + QUIT, QUIT + HELP))

    assert told(small_before, new, Kind.OPTIONS) == [
        "in `home`, 2 was 'Aide', now is 'Quitter'",
        "in `home`, 3 was 'Quitter', now is 'Aide'",
    ]
    assert told(small_before, new, Kind.DIALLING) == [
        "*1*2# ended at `help` ('Appelez le 80 00.'), ends at `bye` ('Au revoir.')",
        "*1*3# ended at `bye` ('Au revoir.'), ends at `help` ('Appelez le 80 00.')",
    ]


def test_an_option_that_is_gone_moves_those_behind_it(small_before: Flow) -> None:
    new = small(
        (HELP, ""),
        ("  help:\n", ""),
        ('    show: {fr: "Appelez le 80 00.", en: "Call 80 00."}\n    next: home\n', ""),
    )

    assert told(small_before, new, Kind.OPTIONS) == [
        "in `home`, 2 was 'Aide', now is 'Quitter'",
        "in `home`, 'Aide' is gone",
        "in `home`, 3 was 'Quitter', which is 2 now; 3 is nothing",
    ]
    assert told(small_before, new, Kind.STATES) == ["`help` (show 'Appelez le 80 00.') is gone"]
    assert told(small_before, new, Kind.DIALLING) == [
        "*1*2# ended at `help` ('Appelez le 80 00.'), ends at `bye` ('Au revoir.')",
        "*1*3# ended at `bye` ('Au revoir.'), is not understood beyond `home` ('Bonjour')",
    ]
    assert told(small_before, new, Kind.SESSIONS) == [
        "`help` has no counterpart: who is there finishes on the old version",
        PINNED,
    ]


def test_an_option_that_comes_last_moves_nothing(small_before: Flow) -> None:
    new = small((QUIT, QUIT + "      - {label: {fr: Encore, en: Again}, next: ask}\n"))

    assert told(small_before, new)[0] == "in `home`, 'Encore' is new, under 4"
    assert told(small_before, new, Kind.DIALLING) == []


def test_an_options_own_key_is_its_number(small_before: Flow) -> None:
    new = small((QUIT, QUIT.replace("next:", 'key: "9", next:')))

    assert told(small_before, new, Kind.OPTIONS) == [
        "in `home`, 3 was 'Quitter', which is 9 now; 3 is nothing"
    ]


def test_an_option_that_leads_elsewhere_is_told(small_before: Flow) -> None:
    new = small(
        (HELP, HELP.replace("next: help", "next: bye")), (QUIT, QUIT.replace("bye", "help"))
    )

    assert told(small_before, new, Kind.WAYS) == [
        "in `home`, 'Aide' led to `help`, leads to `bye`",
        "in `home`, 'Quitter' led to `bye`, leads to `help`",
    ]
    assert len(told(small_before, new, Kind.DIALLING)) == 2


def test_a_state_under_another_name_is_the_same(small_before: Flow) -> None:
    new = small(
        ("help}", "aid}"),
        ("  help:", "  aid:"),
        ("bye}", "end_of_it}"),
        ("next: bye\n", "next: end_of_it\n"),
        ("  bye:", "  end_of_it:"),
    )

    assert told(small_before, new) == [
        "`help` is called `aid` now; clients see no difference",
        "`bye` is called `end_of_it` now; clients see no difference",
    ]


def test_states_that_lead_to_each_other_are_known_again(rich_before: Flow) -> None:
    new = rich(
        ("first_basket", "any_basket"),
        ("start_basket", "new_basket"),
        ("add\n", "put\n"),
        ("next: add}", "next: put}"),
        ("  add:", "  put:"),
    )

    renamed = told(rich_before, new)

    assert len(renamed) == 3
    assert all("clients see no difference" in each for each in renamed)


def test_a_value_under_another_name_is_no_difference(shipped_before: Flow) -> None:
    new = shipped(
        ("save: serial", "save: number"),
        ("  serial: {type", "  number: {type"),
        ("{serial}", "{number}"),
        ("save: quote", "save: offer"),
        ("{quote.", "{offer."),
    )

    assert differences(shipped_before, new, BUDGET) == []


def test_a_text_is_told_in_the_language_it_changes_in(small_before: Flow) -> None:
    new = small(("Call 80 00.", "Call 80 01."))

    (only, _) = differences(small_before, new, BUDGET)
    assert only.kind is Kind.TEXTS
    assert only.state == "help"
    assert only.sentence == "`help` in en was 'Call 80 00.', is 'Call 80 01.'"
    assert only.at is not None
    assert (only.at.file, only.at.line) == (
        "flow.yaml",
        SMALL[: SMALL.index('80 00.",')].count("\n") + 1,
    )


def test_a_longer_text_makes_its_screen_grow(small_before: Flow) -> None:
    longer = small(("Appelez le 80 00.", "Appelez le 80 00. " + "m" * 20))
    paged = small(("Appelez le 80 00.", "mot " * 50))

    assert told(small_before, longer, Kind.LENGTHS) == [
        "`help` in fr grows by 21 septets at its longest, from 50 to 71"
    ]
    assert told(small_before, paged, Kind.LENGTHS) == [
        "`help` in fr took 1 page at its longest, takes 2 pages"
    ]
    assert told(paged, small_before, Kind.LENGTHS) == [
        "`help` in fr took 2 pages at its longest, takes 1 page"
    ]


def test_keys_that_lose_their_room_are_told(small_before: Flow) -> None:
    new = small(("Appelez le 80 00.", "m" * 140))

    assert told(small_before, new, Kind.LENGTHS)[1:] == [
        (
            "`help` in fr has no room at its longest to show the keys for back and home, "
            "which still work"
        )
    ]


def test_a_wider_value_makes_every_screen_grow_that_shows_it(small_before: Flow) -> None:
    new = small(("max: 99}", "max: 1000}"))

    assert told(small_before, new, Kind.LENGTHS) == [
        "`told` in fr grows by 2 septets at its longest, from 50 to 52",
        "`told` in en grows by 2 septets at its longest, from 38 to 40",
    ]
    assert told(small_before, new, Kind.VALUES) == [
        (
            "`age` took a whole number from 18 to 99, takes a whole number from 18 to 1000; "
            "100 was refused and is accepted now"
        )
    ]


@pytest.mark.parametrize(
    ("before", "after", "refused", "accepted"),
    [
        ("{type: integer, min: 18, max: 99}", "{type: integer, min: 21, max: 99}", "18", ""),
        ("{type: integer, min: 18, max: 99}", "{type: integer, min: 16, max: 60}", "99", "17"),
        (
            "{type: decimal, min: 1, max: 9, places: 2}",
            "{type: decimal, min: 1, max: 9}",
            "1.01",
            "",
        ),
        ("{type: digits, lengths: [8]}", "{type: digits, lengths: [9]}", "12345678", "123456789"),
        ("{type: text, lengths: [2, 9]}", "{type: text, lengths: [2, 5]}", "mmmmmmmmm", ""),
        ("{type: date, max: today}", "{type: date, max: today-18y}", "28122026", ""),
        ("{type: digits, lengths: [4]}", "{type: date}", "1234", "28122026"),
        ("{type: msisdn}", "{type: msisdn, country: CI}", "70123456", "0123456789"),
    ],
)
def test_what_is_refused_now_and_what_is_accepted_is_told_by_example(
    before: str, after: str, refused: str, accepted: str
) -> None:
    declared = "{type: integer, min: 18, max: 99}"

    (sentence,) = told(small((declared, before)), small((declared, after)), Kind.VALUES)

    assert (f"; {refused} was accepted and is refused now" in sentence) is bool(refused)
    assert (f"; {accepted} was refused and is accepted now" in sentence) is bool(accepted)


def test_a_dial_string_with_an_answer_that_is_refused_now_is_told(shipped_before: Flow) -> None:
    new = shipped(("lengths: [11, 13]", "lengths: [13]"))

    assert told(shipped_before, new, Kind.DIALLING)[0] == (
        "*789*1*04246801379# ended at `kwh` ('A** O********'), is not understood beyond `serial` "
        "('Numéro de série du compteur (sur la carte ou le compteur):')"
    )


def test_a_screen_put_before_another_changes_longer_dial_strings_once(shipped_before: Flow) -> None:
    new = shipped(
        ("Acheter, en: Buy}, next: serial", "Acheter, en: Buy}, next: sure"),
        (
            "  serial:\n    input:",
            (
                "  sure:\n    menu: {fr: Sûr?, en: Sure?}\n    options:\n"
                "      - {label: {fr: Oui, en: Yes}, next: serial}\n\n  serial:\n    input:"
            ),
        ),
    )

    assert [each.partition(" ")[0] for each in told(shipped_before, new, Kind.DIALLING)] == [
        "*789*1#",
        "*789*4*1#",
    ]
    assert told(shipped_before, new, Kind.STATES) == ["`sure` (menu 'Sûr?') is new"]


def test_service_codes_that_come_and_go_are_told(rich_before: Flow) -> None:
    new = rich(('"*2#", {code: "*3#", language: en, start: ask_kind}', '"*3#", "*4#"'))

    assert told(rich_before, new, Kind.DIALLING)[:4] == [
        "*2# is in service no more",
        "*3# began at `ask_kind`, begins at `known`",
        "*3# spoke en at first, speaks fr",
        "*4# is in service now",
    ]


def test_a_shortcut_that_is_closed_is_told(rich_before: Flow) -> None:
    new = rich(("shortcut: allow", "shortcut: never"))

    found = told(rich_before, new, Kind.DIALLING)
    assert any(each.startswith("*3*1# ended at `goods` ('Food: wh") for each in found)
    assert "a dial string never answers `ask_kind` now" in found


def test_languages_that_come_and_go_are_told(small_before: Flow) -> None:
    alone = flow(
        re.sub(r'\{fr: (".*?"|\w+), en: (".*?"|\w+)\}', r"\1", SMALL).replace(", also: [en]", "")
    )

    assert told(small_before, alone, Kind.FLOW) == ["the flow speaks en no more"]
    assert told(alone, small_before, Kind.FLOW) == ["the flow speaks en now"]
    assert told(small_before, alone) == ["the flow speaks en no more"]


def test_another_first_language_is_told(small_before: Flow) -> None:
    new = small(("{default: fr, also: [en]}", "{default: en, also: [fr]}"))

    assert "its first language was fr, is en" in told(small_before, new)


def test_the_frameworks_texts_are_texts_too(small_before: Flow) -> None:
    system = edited(SYSTEM_FILE.read_text("utf-8"), ("fr: Suite", "fr: Encore"))

    assert told(small_before, flow(SMALL, system)) == [
        "the framework's text `more` in fr was 'Suite', is 'Encore'"
    ]


def test_resuming_over_a_change_is_told_to_be_impossible_once(rich_before: Flow) -> None:
    new = rich(("Aide: appelez.", "Aide: venez."))

    assert told(rich_before, new, Kind.SESSIONS) == [
        f"{PINNED}: who dials again after the change starts anew"
    ]


def test_differences_are_the_same_every_time_in_the_order_of_the_new_flow() -> None:
    changes = (("Boutique", "Magasin"), ("Aide: appelez.", "Venez."), ("Panier plein.", "Plein."))
    first = differences(rich(), rich(*changes), BUDGET)

    assert first == differences(rich(), rich(*changes), BUDGET)
    texts = [each.state for each in first if each.kind is Kind.TEXTS]
    assert texts == ["home", "too_many", "help"]


def test_the_text_has_a_heading_for_each_kind(small_before: Flow) -> None:
    found = differences(
        small_before, small((HELP + QUIT, QUIT + HELP), ("Bonjour", "Salut")), BUDGET
    )

    text = as_text(found)
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings == ["Dialling", "Options", "Texts", "Sessions under way"]
    assert "  `home` in fr was 'Bonjour', is 'Salut' (flow.yaml:10)\n" in text


def test_the_json_says_where(small_before: Flow) -> None:
    found = [
        *differences(small_before, small(("Bonjour", "Salut")), BUDGET),
        Difference(Kind.FLOW, "", "x", None),
    ]

    items = json.loads(as_json(found))
    assert items[0] == {
        "kind": "texts",
        "state": "home",
        "sentence": "`home` in fr was 'Bonjour', is 'Salut'",
        "file": "flow.yaml",
        "line": 10,
        "column": 16,
    }
    assert (items[-1]["file"], items[-1]["line"], items[-1]["column"]) == (None, None, None)
