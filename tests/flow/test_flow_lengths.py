"""Screens are proven to fit: what the check lets pass, no value that a client can see breaks."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ussd_app.flow import layouts
from ussd_app.flow.assigned import Assigned
from ussd_app.flow.checks.lengths import PAGES_MAX, may_page, screens
from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.compiler import Library, examine
from ussd_app.flow.model import VISIBLE, Flow, Shape, Text, Type, When
from ussd_app.flow.names import LABEL, Names
from ussd_app.flow.values import Refused, cut, normalise, room, value_of
from ussd_app.messages import Budget
from ussd_app.render import gsm7
from ussd_app.render.pages import Layout
from ussd_app.render.texts import Place

TODAY = date(2026, 12, 28)
CATALOGUE = """
cassou: 1
backends:
  shop.find:
    outcomes:
      ok:
        fields:
          owner: {type: text, longest: Awa Ouedraogo}
          total: {type: integer, longest: "200000"}
          rate: {type: decimal, longest: "99.5"}
          lines:
            type: rows
            rows_max: 7
            fields:
              label: {type: text, longest: Savon de Marseille}
              price: {type: integer, longest: "9999"}
        sample: {owner: Awa, total: "1", rate: "1", lines: []}
"""
VARIABLES = """
  name: {type: text, lengths: [1, 18]}
  serial: {type: digits, lengths: [4, 13]}
  kwh: {type: decimal, min: -5, max: 500, places: 1}
  count: {type: integer, min: 1, max: 5000}
  day: {type: date}
  phone: {type: msisdn}
  kind: {type: choice, values: {a: {fr: Première, en: First}, b: "Œuvre d’art"}}
"""
ASKED = ("name", "serial", "kwh", "count", "day", "phone", "kind")
PLACES = (
    "{name}",
    "{name|upper}",
    "{name|masked}",
    "{name|groups4}",
    "{name|last4}",
    "{serial|groups4}",
    "{kwh}",
    "{count|money}",
    "{day|date}",
    "{phone}",
    "{kind}",
    "{found.owner|masked}",
    "{found.owner}",
    "{found.total|money}",
    "{found.rate}",
)
ROW_PLACES = ("{row.number}", "{row.label}", "{row.price|money}", "{row.label|upper}")
WORDS = ("Bonjour", "à", "l’étage", "€", "{{1}}", "ça", "…", "œufs", "dix-sept", "Ouagadougou")


def library() -> Library:
    return Library.of({"catalogue.yaml": CATALOGUE})


LIBRARY = library()


def source(screen: str, alphabet: str) -> str:
    """A flow that asks for every variable, calls, and shows `screen`."""
    follows = dict(zip(ASKED, (*ASKED[1:], "find"), strict=True))
    asked = "".join(
        f"  ask_{name}:\n    input: '?'\n    save: {name}\n    attempts: {{max: 3, next: bye}}\n"
        f"    next: {'find' if follows[name] == 'find' else f'ask_{follows[name]}'}\n"
        for name in ASKED
    )
    return (
        'cassou: 1\nflow: lengths\nservice_codes: ["*1#"]\nlanguages: {default: fr, also: [en]}\n'
        f"start: ask_name\nalphabet: {alphabet}\nvars:{VARIABLES}states:\n{asked}"
        "  find: {call: shop.find, save: found, outcomes: {ok: shown, late: bye, failed: bye}}\n"
        f"{screen}  bye: {{end: Fin}}\n"
    )


def subject_of(text: str, *budgets: Budget) -> Subject:
    flow = examine(text, "f", LIBRARY, budgets).flow
    assert flow is not None
    names = Names(flow)
    return Subject(flow, names, Assigned(flow, names), {}, budgets, {"f": text})


class Real:
    """The values of one session."""

    def __init__(
        self, flow: Flow, language: str, values: Mapping[str, object], hidden: frozenset[int]
    ) -> None:
        self.flow, self.language, self.values, self.hidden = flow, language, values, hidden
        self.asked = 0

    def text(self, text: Text, row: layouts.Row | None = None) -> str:
        values = self.values if row is None else {**self.values, "row": row}
        return text.by_language[self.language].render(values, self.language, self.flow.filters)

    def rows(self, place: Place) -> Sequence[layouts.Row]:
        record = self.values[place.name]
        assert isinstance(record, Mapping)
        rows = record[place.field]
        assert isinstance(rows, tuple)
        return [{**row, "number": number} for number, row in enumerate(rows, 1)]

    def holds(self, when: When) -> bool:
        self.asked += 1
        return not when or self.asked not in self.hidden

    def system(self, name: str) -> str:
        return self.flow.system[name].by_language[self.language].render({}, self.language, {})

    def choices(self, name: str) -> Sequence[str]:
        label = self.flow.filters[LABEL + name]
        return [label(each, self.language) for each in self.flow.variables[name].shape.choices]

    def resumable(self) -> bool:
        return True


def typed(shape: Shape, alphabet: str) -> st.SearchStrategy[object]:
    """Values that a client can type."""
    anything = st.text(st.characters() | st.sampled_from("mß{€é’\u0301ΐŉ 😀"), max_size=25)
    decimal = st.decimals(0, 500, places=1).map(str)
    digits = st.sampled_from(shape.lengths or (4,)).flatmap(
        lambda count: st.text("0123456789", min_size=count, max_size=count)
    )
    days = st.dates(date(1900, 1, 1), date(2999, 1, 1)).map(lambda each: f"{each:%d/%m/%Y}")
    known = {
        Type.TEXT: anything | st.sampled_from(["a a a a a a a a a", "m" * 18, "a" + "\u0301" * 99]),
        Type.DIGITS: digits,
        Type.DECIMAL: decimal | st.sampled_from(["499.9", "-4.9"]),
        Type.INTEGER: st.integers(1, 5000).map(str),
        Type.DATE: days,
        Type.MSISDN: st.sampled_from(["70123456", "+22670123456", "+4915112345678"]),
        Type.CHOICE: st.sampled_from(["1", "2"]),
    }

    def kept(given: str) -> object:
        try:
            return value_of(shape, normalise(given), TODAY, "fr")
        except Refused:
            return None

    real = known[shape.type].map(kept).filter(lambda each: each is not None)
    return real | st.sampled_from(extremes(shape))


def extremes(shape: Shape) -> list[object]:
    """Values that some filter or other makes as wide as any."""
    if shape.type is Type.TEXT:
        most = room(shape.longest) if shape.longest else shape.lengths[1]
        letters = ("a " * most)[:most].strip()
        return ["m" * most, letters, "ß" * most, "ΐ" * most, "a" + "\u0301" * (most - 1)]
    known: dict[Type, list[object]] = {
        Type.DIGITS: ["8" * max(shape.lengths, default=4)],
        Type.DECIMAL: ["-9.9"] if shape.longest else ["499.9"],
        Type.INTEGER: [-(10 ** (len(shape.longest) - 1)) + 1, 10 ** len(shape.longest) - 1],
        Type.DATE: ["2026-12-28"],
        Type.MSISDN: ["+491511234567890"],
        Type.CHOICE: list(shape.choices),
    }
    if shape.type is Type.INTEGER and not shape.longest:
        return [5000]
    return known[shape.type]


def returned(shape: Shape) -> st.SearchStrategy[object]:
    """Values that a back-end can return, as the session keeps them."""
    if shape.type is Type.ROWS:
        row = st.fixed_dictionaries({name: returned(each) for name, each in shape.fields.items()})
        full = st.lists(row, min_size=shape.rows_max, max_size=shape.rows_max)
        return (full | st.lists(row, max_size=shape.rows_max)).map(tuple)
    known: dict[Type, st.SearchStrategy[object]] = {
        Type.TEXT: st.text(max_size=60).map(lambda each: cut(each, shape)),
        Type.INTEGER: st.integers(0, 10 ** len(shape.longest) - 1),
        Type.DECIMAL: st.decimals(-9, 99, places=1).map(lambda each: f"{each.normalize():f}"),
    }
    return st.sampled_from(extremes(shape)) | known[shape.type]


def phrases(places: tuple[str, ...]) -> st.SearchStrategy[str]:
    piece = st.sampled_from(WORDS) | st.sampled_from(places)
    joined = st.lists(st.tuples(piece, st.sampled_from([" ", "", "\\n"])), min_size=1, max_size=9)
    return joined.map(lambda pairs: "".join(word + gap for word, gap in pairs).strip() or "x")


@st.composite
def shown(draw: st.DrawFn) -> str:
    """A screen of some kind with texts of some kind."""
    parts = "".join(
        f'      - {{text: "{text}"{when}}}\n'
        for text, when in draw(
            st.lists(
                st.tuples(phrases(PLACES), st.sampled_from(["", ", when: '{count} > 3'"])),
                min_size=1,
                max_size=3,
            )
        )
    )
    loop = f'      - {{rows: "{{found.lines}}", text: "{draw(phrases(ROW_PLACES))}"}}\n'
    parts += loop * draw(st.integers(0, 1))
    options = "".join(
        f'      - {{label: "{text}", next: bye{when}}}\n'
        for text, when in draw(
            st.lists(
                st.tuples(phrases(PLACES), st.sampled_from(["", ", when: '{count} > 3'"])),
                max_size=6,
            )
        )
    )
    options += "      - {label: Fin, next: bye}\n"
    paged = draw(st.sampled_from(["", "", "    paged: never\n"]))
    kinds = {
        "show": f"  shown:\n    show:\n{parts}{paged}    next: bye\n",
        "end": f"  shown:\n    end:\n{parts}{paged}",
        "menu": f"  shown:\n    menu:\n{parts}{paged}    options:\n{options}",
        "list": f'  shown:\n    list:\n{parts}{paged}    rows: "{{found.lines}}"\n'
        f'    row: "{draw(phrases(ROW_PLACES))}"\n    save: line\n    next: bye\n'
        f"    options:\n{options}",
        "input": f"  shown:\n    input:\n{parts}{paged}    save: kind\n    next: bye\n"
        f'    attempts: {{max: 3, next: bye}}\n    check:\n      - {{when: "{{kind}} == a",'
        f' error: "{draw(phrases(PLACES))}"}}\n',
    }
    return kinds[draw(st.sampled_from(sorted(kinds)))]


def tightest(subject: Subject) -> Budget | None:
    """The least budget that the flow's own screens fit; those of the framework need more."""

    def budget(septets: int) -> Budget:
        return Budget(septets, ucs2_max=septets // 2)

    def passes(septets: int) -> int:
        found = screens(dataclasses.replace(subject, budgets=(budget(septets),)))
        return int(all("the framework" in each.message for each in found))

    least = bisect.bisect_left(range(400), 1, key=passes)
    return budget(least) if least < 400 else None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    shown(),
    st.sampled_from(["transliterate", "ucs2"]),
    st.sampled_from(["fr", "en"]),
    st.data(),
)
def test_what_passes_fits_with_all_values(
    screen: str, alphabet: str, language: str, data: st.DataObject
) -> None:
    wide = subject_of(source(screen, alphabet), Budget())
    budget = tightest(wide)
    assume(budget is not None)
    assert budget is not None
    subject = dataclasses.replace(wide, budgets=(budget,))
    flow = subject.flow
    values: dict[str, object] = {
        name: data.draw(typed(flow.variables[name].shape, alphabet), name) for name in ASKED
    }
    fields = flow.backends["shop.find"].outcomes["ok"].fields
    values["found"] = {name: data.draw(returned(each), name) for name, each in fields.items()}
    hidden = data.draw(st.just(frozenset[int]()) | st.frozensets(st.integers(1, 10)))
    real = Real(flow, language, values, hidden)
    state = flow.states["shown"]
    assert isinstance(state, VISIBLE)
    keys = ((flow.keys.back, real.system("back")), (flow.keys.home, real.system("home")))
    footer = tuple(key for key in keys if data.draw(st.booleans()))

    pages = layouts.pages(flow, layouts.layout(flow, state, real, footer, ""), budget)

    assert len(pages) <= PAGES_MAX
    assert len(pages) == 1 or (state.paged and may_page(subject, state))
    for check in getattr(state, "checks", ()):
        real.asked = 0
        notice = real.text(check.error)
        above = layouts.pages(flow, layouts.layout(flow, state, real, footer, notice), budget)
        more = (flow.keys.more, real.system("more"))
        assert len(above) == 1 or len(layouts.pages(flow, Layout(notice, (more,)), budget)) == 1


def told(screen: str, *budgets: Budget, alphabet: str = "transliterate") -> list[str]:
    subject = subject_of(source(screen, alphabet), *(budgets or (Budget(),)))
    return [each.message for each in screens(subject)]


def menu(text: str, more: str = "    paged: never\n") -> str:
    return f'  shown:\n    menu: "{text}"\n{more}    options:\n      - {{label: Fin, next: bye}}\n'


def test_one_septet_decides() -> None:
    line = len("\n1. Fin")

    assert told(menu("m" * (160 - line))) == []
    assert len(told(menu("m" * (161 - line)))) == 2
    assert "can take 161 of 160 septets" in told(menu("m" * (161 - line)))[0]


def test_an_extension_character_costs_two() -> None:
    assert told(menu("€" * 76)) == []
    assert "161 of 160" in told(menu("€" * 77))[0]


def test_the_tightest_gateway_decides() -> None:
    screen = menu("m" * 150)

    assert told(screen, Budget(160), Budget(182)) == []
    assert "157 of 140 septets" in told(screen, Budget(182), Budget(140))[0]


def test_one_character_outside_gsm7_makes_a_screen_ucs2() -> None:
    carries, carries_not = Budget(160, ucs2_max=80), Budget(160)

    assert told(menu("ê" * 90), carries, alphabet="transliterate") == []
    assert "97 of 80 characters" in told(menu("ê" * 90), carries, alphabet="ucs2")[0]
    assert told(menu("é" * 90), carries, alphabet="ucs2") == []
    assert told(menu("ê" * 90), carries_not, alphabet="ucs2") == []


def test_a_language_is_told_by_its_name() -> None:
    screen = menu("x").replace('"x"', f'{{fr: Bonjour, en: "{"m " * 90}"}}')

    assert [each[:8] for each in told(screen)] == ['in "en" ']


@pytest.mark.parametrize(("septets", "pages"), [(160, False), (24, True)])
def test_whether_a_screen_may_page_is_known(septets: int, pages: bool) -> None:  # noqa: FBT001  # a table
    subject = subject_of(source(menu("Bonjour, ça va?", ""), "transliterate"), Budget(septets))

    assert may_page(subject, subject.flow.states["shown"]) is pages
    assert not may_page(subject, subject.flow.states["find"])


def test_a_notice_may_take_a_page_of_its_own() -> None:
    text = '  shown:\n    input: "' + "m" * 140 + '"\n    save: count\n    next: bye\n'
    subject = subject_of(source(text, "transliterate"), Budget())

    assert may_page(subject, subject.flow.states["shown"])
    assert list(screens(subject)) == []


def test_twenty_pages_are_the_most() -> None:
    words = [("m" * 60) for _ in range(PAGES_MAX + 1)]
    budget = Budget(100)

    assert told(menu(" ".join(words[1:]), ""), budget) == []
    assert "can take 21 pages, and 20 are the most" in told(menu(" ".join(words), ""), budget)[0]


def test_texts_of_the_framework_fit_one_page() -> None:
    assert "the framework's screen" in told(menu("Oui", ""), Budget(60))[0]


def test_the_widest_values_take_all_the_room_there_is() -> None:
    subject = subject_of(source(menu("{name|groups4}", ""), "transliterate"), Budget())
    place = Place("name", None, ("groups4",), 0, 0)

    assert len(subject.names.widest_place(place, "fr")) == 22
    assert gsm7.septets(subject.names.widest_place(place, "fr")) == 22
