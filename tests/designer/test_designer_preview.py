"""Sheets: what a client signs is what phones show, whatever the texts of the flow say."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser

import pytest

from tests.designer.sheet_flows import CONFIRM, RICH, SMALL, edited, flow, shipped
from ussd_app.designer.preview import sheet
from ussd_app.designer.preview_screens import Camera, View
from ussd_app.designer.preview_states import cards
from ussd_app.designer.walks import visits
from ussd_app.effects import Call, CallResult
from ussd_app.flow.model import VISIBLE, Flow
from ussd_app.flow.names import Names
from ussd_app.handset import Handset
from ussd_app.messages import Budget
from ussd_app.replay.player import ScriptedBackends
from ussd_app.screens import Program

BUDGETS = (Budget(),)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
VOID = frozenset({"meta", "meter", "link", "img", "br"})


class Page(HTMLParser):
    """What a browser makes of a page: its elements with their attributes, and its texts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.phones: list[str] = []
        self._phone: list[str] | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if given.get("class") == "text":
            self._phone = []

    def handle_endtag(self, tag: str) -> None:
        if self._phone is not None:
            self.phones.append("".join(self._phone))
            self._phone = None

    def handle_data(self, data: str) -> None:
        if self._phone is not None:
            self._phone.append(data)

    def attributes(self, name: str) -> Iterator[str]:
        return (value for _, given in self.elements if (value := given.get(name)) is not None)


def view(found: Flow, state: str, language: str, budgets: tuple[Budget, ...] = BUDGETS) -> View:
    names = Names(found)
    shown = found.states[state]
    assert isinstance(shown, VISIBLE)
    return Camera(found, names, budgets).view(shown, visits(found, names)[state], language)


def pages(shown: View) -> list[str]:
    return [phone.text for shot in shown.sample for phone in shot.phones]


@pytest.fixture(scope="module")
def rich() -> Flow:
    return flow(RICH)


def test_every_screen_stands_in_every_language_at_a_place_of_its_own(rich: Flow) -> None:
    source = sheet(rich, BUDGETS, "today")
    page = Page(source)

    ids = list(page.attributes("id"))
    assert ids == [f"state-{name}" for name in rich.states]
    seen = [name for name, state in rich.states.items() if isinstance(state, VISIBLE)]
    assert source.count("<h4>fr</h4>") == source.count("<h4>en</h4>") == len(seen)


def test_every_link_leads_to_a_place_on_the_page(rich: Flow) -> None:
    page = Page(sheet(rich, BUDGETS, "today"))

    links = set(page.attributes("href"))
    assert links
    assert links <= {f"#{each}" for each in page.attributes("id")}


def test_it_runs_nothing_and_asks_for_nothing_outside(rich: Flow) -> None:
    page = Page(sheet(rich, BUDGETS, "today"))

    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not any(page.attributes("src"))
    assert not any(name.startswith("on") for _, given in page.elements for name in given)
    assert not any(page.attributes("style"))


def test_its_policy_allows_its_own_style_alone(rich: Flow) -> None:
    source = sheet(rich, BUDGETS, "today")

    style = source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(each for each in Page(source).attributes("content") if "src" in each)
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "url(" not in style
    assert "@import" not in style
    assert "&#" not in style


def test_a_hostile_text_is_shown_as_it_is() -> None:
    hostile = HOSTILE.replace('"', '\\"')
    found = flow(
        edited(
            SMALL,
            ("fr: Bonjour", f'fr: "{hostile}"'),
            ("fr: Aide", f'fr: "{hostile}"'),
            ('end: {fr: "Au revoir."', f'end: {{fr: "{hostile}"'),
        )
    )

    source = sheet(found, BUDGETS, HOSTILE)

    assert "<script" not in source
    assert "<img" not in source
    assert source.count(escape(HOSTILE, quote=False)[:20]) > 3
    assert any(HOSTILE in phone for phone in Page(source).phones)


def test_a_phone_on_paper_shows_what_a_phone_shows() -> None:
    found = shipped()
    backends = ScriptedBackends(found.backends, {})

    def answer(call: Call) -> CallResult | None:
        none = call.backend == "purchases.open"
        return CallResult(call.id, "none") if none else backends.answer(call)

    handset = Handset(Program.of(found), answer, "+22670123456")
    screens = [handset.dial("*789#"), *map(handset.send, ("1", "04246801379", "10"))]
    states = ("home", "serial", "kwh", "confirm")

    for screen, state in zip(screens, states, strict=True):
        assert pages(view(found, state, "fr")) == [screen.text]


def test_values_are_those_of_the_way_that_leads_there() -> None:
    found = shipped()

    assert pages(view(found, "too_little", "en"))[0].startswith("Smallest purchase: 0.5 kWh.")
    assert pages(view(found, "too_much", "en"))[0].startswith("Largest purchase: 500 kWh.")


def test_rows_and_chosen_rows_are_the_samples(rich: Flow) -> None:
    goods = pages(view(rich, "goods", "fr"))[0].splitlines()
    basket = pages(view(rich, "basket", "fr"))[0].splitlines()

    assert goods[:4] == [
        "Nourriture: que prendre?",
        "1. Riz 5 kg 3 500 F",
        "2. Huile 1 l 1 200 F",
        "3. Rien",
    ]
    assert basket[:2] == ["Panier:", "1 Riz 5 kg"]


def test_what_is_shown_to_few_is_told_and_shown_at_its_longest(rich: Flow) -> None:
    shown = view(rich, "home", "fr")
    notes = [way.note for way in cards(rich)["home"].ways]

    assert "Un panier vous attend" not in pages(shown)[0]
    assert "Un panier vous attend" in shown.longest[0].phones[0].text
    assert "Mon panier / My basket (only if {basket} is set and {total} is set)" in notes
    assert ("only if {basket} is set", "Un panier vous attend") in cards(rich)["home"].facts


def test_counters_count_septets_of_what_is_sent() -> None:
    found = flow(edited(SMALL, ("fr: Bonjour", 'fr: "Forêt €"')))

    phone = view(found, "home", "fr").sample[0].phones[0]

    assert phone.text.startswith("Foret €")
    assert (phone.used, phone.most, phone.unit) == (len(phone.text) + 1, 160, "septets")
    assert f"{phone.used}/160 septets" in sheet(found, BUDGETS, "today")


def test_characters_that_are_sent_as_others_are_told() -> None:
    found = flow(edited(SMALL, ("fr: Bonjour", 'fr: "Forêt ç é"')))

    assert view(found, "home", "fr").warnings == ("sent as ê → e, ç → c",)
    assert view(found, "home", "en").warnings == ()
    assert "fr: sent as ê → e, ç → c" in sheet(found, BUDGETS, "today")


def test_a_long_screen_stands_on_several_phones() -> None:
    found = flow(edited(SMALL, ("Appelez le 80 00.", "mot " * 60)))

    shown = view(found, "help", "fr")
    source = sheet(found, BUDGETS, "today")

    assert len(shown.sample[0].phones) == 2
    assert "98. Suite" in shown.sample[0].phones[0].text
    assert shown.warnings == ("2 pages",)
    assert shown.longest == ()
    assert "page 2 of 2" in source
    assert "fr: 2 pages" in source


def test_keys_that_find_no_room_are_told() -> None:
    found = flow(edited(SMALL, ("Appelez le 80 00.", "m" * 140)))

    shown = view(found, "help", "fr")

    assert "0.Retour" not in shown.sample[0].phones[0].text
    assert shown.warnings == ("no room for 0 Retour, 00 Accueil; the keys work all the same",)


def test_gateways_with_other_pages_have_phones_of_their_own() -> None:
    found = flow(edited(SMALL, ("Appelez le 80 00.", "mot " * 40)))
    budgets = (Budget(182), Budget(160), Budget(182))

    shown = view(found, "help", "fr", budgets)

    assert [(each.gateways, len(each.phones)) for each in shown.sample] == [
        ("160 septets", 2),
        ("182 septets", 1),
    ]
    assert [each.gateways for each in view(found, "home", "fr", budgets).sample] == [""]


def test_a_page_in_ucs2_is_counted_in_characters() -> None:
    source = edited(
        SMALL, ("fr: Bonjour", 'fr: "Forêt"'), ("start: home", "start: home\nalphabet: ucs2")
    )
    shown = view(flow(source), "home", "fr", (Budget(160, ucs2_max=70),))

    phone = shown.sample[0].phones[0]
    assert phone.text.startswith("Forêt")
    assert (phone.used, phone.most, phone.unit) == (len(phone.text), 70, "characters")
    assert shown.warnings == ("with ê a message holds 70 characters",)


def test_what_never_differs_is_shown_once() -> None:
    found = shipped()

    assert view(found, "goodbye", "fr").longest == ()
    assert view(found, "home", "fr").longest == ()
    assert view(found, "confirm", "fr").longest_label == "151 of 160 septets"


def test_refusals_of_the_flow_stand_with_their_screen(rich: Flow) -> None:
    assert view(shipped(), "serial", "en").notices == (
        ("it passes luhn", "Wrong number, check your card."),
    )
    assert view(rich, "home", "fr").notices == (("{note} != xyz", "Pas xyz."),)


def test_unseen_states_are_cards_that_say_what_they_do(rich: Flow) -> None:
    found = cards(rich)

    assert [(way.what, way.note, way.dest) for way in found["find"].ways] == [
        ("found", "goods: 2 rows", "goods"),
        ("none", "", "nothing"),
        ("late", "no answer in time", "sorry"),
        ("failed", "proven: nothing was done", "sorry"),
    ]
    assert found["known"].ways[0].note == "{born} is set"
    assert ("asks", "goods.order") in found["order"].facts
    assert any(what == "once per" for what, _ in found["order"].facts)
    assert found["empty_basket"].facts == (("basket", "= rows.none()"), ("total", "= 0"))
    assert found["sure/ask"].where == "confirm.yaml:11"


def test_options_stand_with_their_keys_in_order(rich: Flow) -> None:
    found = [(way.what, way.dest) for way in cards(rich)["home"].ways]

    assert found == [
        ("1", ""),
        ("2", "empty_basket"),
        ("3", "basket"),
        ("9", "help"),
        ("4", "home"),
        ("any other answer", "noted"),
    ]


def test_the_head_says_what_is_signed(rich: Flow) -> None:
    source = re.sub(r"<[^>]+>", "", sheet(rich, BUDGETS, "1 March 2026"))
    seen = sum(isinstance(state, VISIBLE) for state in rich.states.values())

    for said in (
        "*2#",
        "*3#",
        rich.hash,
        "1 March 2026",
        f"{seen} screens in 2 languages",
        "Basket kept.",
    ):
        assert said in source


def test_a_sheet_is_the_same_every_time(rich: Flow) -> None:
    assert sheet(rich, BUDGETS, "today") == sheet(flow(RICH), BUDGETS, "today")


def test_a_sub_flow_has_a_sheet_too() -> None:
    source = sheet(flow(CONFIRM), BUDGETS, "today")

    assert 'id="state-yes/"' in source
    assert Page(source).phones[0] == "Awa Ouedraogo. Sur?\n1. Oui\n2. Non"
