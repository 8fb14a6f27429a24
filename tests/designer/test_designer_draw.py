"""The map's boxes and lines, and their Mermaid text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.designer.draw_flows import AT, asked, body, call, end, flow, menu, option, show, text
from ussd_app.designer.draw import (
    Drawing,
    Kind,
    Line,
    Mark,
    Met,
    Node,
    drawing,
    mermaid,
)
from ussd_app.flow.model import (
    Assignment,
    Body,
    Branch,
    Case,
    Condition,
    Dial,
    End,
    FlowState,
    How,
    Listing,
    Operator,
    Otherwise,
    Part,
    Resume,
    SetState,
    Wait,
)
from ussd_app.render.texts import Place

KWH = Place("kwh", None, ("kwh",), 0)


def labels(found: Drawing) -> dict[tuple[str, str], str]:
    return {(line.source, line.dest): line.label for line in found.lines}


def test_boxes_stand_in_the_order_of_the_flow_with_their_kind_and_first_line() -> None:
    found = drawing(
        flow(
            menu("home", option("Acheter", "find"), option("Quitter", "bye")),
            call("find", {"ok": "bye"}),
            end("bye", "\n Merci {kwh|kwh} {{!}}\nà bientôt"),
        ),
        "fr",
    )

    assert [(node.name, node.kind, node.title) for node in found.nodes] == [
        ("home", Kind.MENU, "Menu home"),
        ("find", Kind.CALL, "shop.find"),
        ("bye", Kind.END, "Merci {kwh} {!}"),
    ]


def test_the_title_is_in_the_language_asked_for() -> None:
    words = Body((Part(text("Bonjour", "Hello")),), AT)
    found = flow(End("bye", AT, words))

    assert drawing(found, "fr").nodes[0].title == "Bonjour"
    assert drawing(found, "en").nodes[0].title == "Hello"


def test_a_language_that_the_flow_has_not_is_named_with_those_it_has() -> None:
    with pytest.raises(ValueError, match='flow "made" has no language "de"; it has fr, en'):
        drawing(flow(end("bye")), "de")


def test_a_text_that_begins_with_an_empty_part_has_its_first_words_as_title() -> None:
    assert drawing(flow(end("bye", " ", "Merci")), "fr").nodes[0].title == "Merci"


def test_an_option_shows_its_key_or_its_number_among_those_without_one() -> None:
    one = (Condition(KWH, Operator.MORE, "5", AT),)
    found = drawing(
        flow(
            menu(
                "home",
                option("Reprendre", "", resume=True),
                option("Acheter", "one"),
                option("Aide", "two", key="9"),
                option("Vider", "three", when=one),
            ),
            end("one"),
            end("two"),
            end("three"),
        ),
        "fr",
    )

    assert labels(found) == {
        ("home", "one"): "1 Acheter",
        ("home", "two"): "9 Aide",
        ("home", "three"): "2 Vider, if {kwh} > 5",
    }


def test_all_that_leads_from_one_state_to_another_is_one_line() -> None:
    found = drawing(
        flow(
            call("find", {"ok": "bye", "none": "bye", "late": "bye", "failed": "bye"}), end("bye")
        ),
        "fr",
    )

    assert found.lines == (
        Line(
            "find",
            "bye",
            "ok\nnone\nlate\nfailed",
            ("outcome:ok", "outcome:none", "outcome:late", "outcome:failed"),
        ),
    )
    assert not found.lines[0].faint


def test_a_line_is_faint_when_only_trouble_leads_that_way() -> None:
    found = drawing(
        flow(
            call("find", {"ok": "bye", "late": "sorry", "failed": "sorry"}),
            end("bye"),
            end("sorry"),
        ),
        "fr",
    )

    assert [line.faint for line in found.lines] == [False, True]


def test_the_ordinary_way_on_needs_no_words_and_the_others_say_theirs() -> None:
    both = (
        Condition(KWH, Operator.SET, None, AT),
        Condition(Place("meter", "kind", (), 0), Operator.EQUAL, KWH, AT),
    )
    other = Otherwise("kwh", "branch", (), AT, AT)
    rows = Place("found", "rows", (), 0)
    found = drawing(
        flow(
            asked("pin", "home", attempts_max=3, attempts_next="bye", keep=True),
            menu("home", option("Voir", "show"), otherwise=other),
            show("show", "wait"),
            Wait("wait", AT, body("Attendez"), "list", AT),
            Listing(
                "list", AT, body("Choix"), rows, text("{row.a}"), "kwh", "set", AT,
                (option("Autre", "pin"),), "bye", AT,
            ),
            SetState("set", AT, (Assignment("kwh", None, AT),), ("pin",), "flow", AT, "bye", AT),
            FlowState(
                "flow", AT, "login", AT, {}, {"done": "branch"}, AT, {"done": AT}, "", 2, "bye",
            ),
            Branch("branch", AT, (Case(both, "home", AT),), "bye", AT),
            end("bye"),
        ),
        "fr",
    )  # fmt: skip

    assert labels(found) == {
        ("pin", "home"): "pin is set already",
        ("pin", "bye"): "3 wrong tries",
        ("home", "show"): "1 Voir",
        ("home", "branch"): "any other: kwh",
        ("show", "wait"): "",
        ("wait", "list"): "",
        ("list", "set"): "a row",
        ("list", "pin"): "1 Autre",
        ("list", "bye"): "no rows",
        ("set", "flow"): "",
        ("set", "bye"): "does not fit",
        ("flow", "branch"): "done",
        ("flow", "bye"): "deeper than 2",
        ("branch", "home"): "{kwh} is set and {meter.kind} == {kwh}",
        ("branch", "bye"): "else",
    }
    titles = {node.name: node.title for node in found.nodes}
    assert (titles["set"], titles["flow"], titles["branch"]) == ("kwh, forget pin", "login", "")


def test_marks_tell_what_a_designer_must_not_miss() -> None:
    found = drawing(
        flow(
            call("pay", {"ok": "home"}, once="session"),
            menu("home", option("Code", "pin"), shortcut=False),
            asked("pin", "amount"),
            asked("amount", "bye", save="kwh", shortcut=False),
            end("bye"),
            dials={"*1#": Dial("*1#", AT), "*2#": Dial("*2#", AT, "en", "amount")},
        ),
        "fr",
    )

    assert {node.name: node.marks for node in found.nodes} == {
        "pay": (Mark.START, Mark.SPENDS),
        "home": (Mark.HOME, Mark.NO_SHORTCUT),
        "pin": (Mark.SENSITIVE,),
        "amount": (Mark.START, Mark.NO_SHORTCUT),
        "bye": (),
    }


def test_what_is_no_line_is_a_note() -> None:
    found = drawing(
        flow(
            menu("first", option("Finir", "home")),
            show("home", "first"),
            dials={"*1#": Dial("*1#", AT), "*2#": Dial("*2#", AT, "en", "home")},
            resume=Resume(600, How.ASK, {}, AT),
        ),
        "fr",
    )

    assert len(found.lines) == 2
    keys = (
        "On every screen, not drawn: 0 goes back (never over a call that spends), 00 goes to home, "
        "98 shows more of a long text."
    )
    assert found.notes == (
        "*1# begins at first.",
        "*2# begins at home in en.",
        keys,
        "Dialling again within 10 min goes on where the client was; not drawn.",
    )


def test_the_exits_of_a_sub_flow_are_boxes_and_so_are_those_that_linking_left() -> None:
    entered = SetState(
        "login", AT, (Assignment("login/try", None, AT),), (), "login/ask", AT, linked=True
    )
    left = SetState("login/ok", AT, (), (), "bye", AT, linked=True)
    linked = drawing(flow(entered, show("login/ask", "login/ok"), left, end("bye")), "fr")
    alone = drawing(flow(show("ask", "ok"), returns={"ok": {}}), "fr")

    assert [(node.kind, node.title) for node in linked.nodes] == [
        (Kind.FLOW, "try"),
        (Kind.SHOW, "Voir login/ask"),
        (Kind.EXIT, ""),
        (Kind.END, "Fin bye"),
    ]
    assert alone.nodes[-1] == Node("ok", Kind.EXIT, "")
    assert [(line.source, line.dest) for line in alone.lines] == [("ask", "ok")]


def test_mermaid_says_boxes_lines_notes_and_looks() -> None:
    found = drawing(
        flow(call("pay", {"ok": "end", "failed": "end2"}, once="session"), end("end"), end("end2")),
        "fr",
    )
    rows = mermaid(found).splitlines()

    assert rows[:6] == [
        "flowchart TD",
        '  s_pay[("pay<br/>shop.pay<br/>#40;start, spends#41;")]:::k_call',
        '  s_end(["end<br/>Fin end<br/>#40;home#41;"]):::k_end',
        '  s_end2(["end2<br/>Fin end2"]):::k_end',
        '  s_pay -->|"ok"| s_end',
        '  s_pay -.->|"failed"| s_end2',
    ]
    assert rows[6].startswith('  notes["#42;789#35; begins at pay#46;<br/>On every screen')
    assert "  class s_pay spends" in rows


NODE = re.compile(r'  (s_[A-Za-z0-9_]+)\W{1,2}"((?:[^"#;<>]|#\d+;|<br/>)+)"\W{1,2}:::k_[a-z]+')
LINE = re.compile(r'  (s_\w+) (?:-->|-\.->)(?:\|"(?:[^"#;<>|]|#\d+;|<br/>)+"\|)? (s_\w+)')
NOTES = re.compile(r'  notes\["(?:[^"#;<>]|#\d+;|<br/>)+"\]:::notes')


@given(
    st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=5), st.sampled_from(Kind)
)
def test_mermaid_holds_every_name_and_label_and_no_sign_of_its_own_grammar(
    words: dict[str, str], kind: Kind
) -> None:
    nodes = tuple(Node(name, kind, title) for name, title in words.items())
    lines = tuple(Line(name, nodes[0].name, title, ("next",)) for name, title in words.items())
    rows = mermaid(Drawing("f", nodes, lines, ("a\nnote",))).splitlines()

    boxes = [match for row in rows if (match := NODE.fullmatch(row))]
    assert len({match[1] for match in boxes}) == len(nodes)
    assert sum(bool(LINE.fullmatch(row)) for row in rows) == len(lines)
    assert sum(bool(NOTES.fullmatch(row)) for row in rows) == 1
    assert len(rows) == 1 + 2 * len(nodes) + 1 + len(Kind) + 2
    for match, node in zip(boxes, nodes, strict=True):
        coded = match[2].split("<br/>")[0].replace("#36;#8203;", "#36;")
        assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), coded) == node.name


@pytest.mark.parametrize("name", ["end", "graph", "subgraph", "class", "click", "style", "x", "o"])
def test_words_of_mermaid_are_no_ids(name: str) -> None:
    rows = mermaid(Drawing("f", (Node(name, Kind.END, ""),), (Line(name, name, ""),))).splitlines()

    assert rows[1:3] == [f'  s_{name}(["{name}"]):::k_end', f"  s_{name} --> s_{name}"]


def covering(*transitions: tuple[str, str], states: str = "") -> Met:
    return Met(frozenset(states.split()), frozenset(transitions))


def test_what_no_dialog_has_met_is_marked() -> None:
    made = flow(
        menu("home", option("Acheter", "find"), option("Quitter", "bye")),
        call("find", {"ok": "bye", "late": "bye", "failed": "home"}),
        end("bye"),
    )
    met = covering(("home", "option:1"), ("find", "outcome:ok"), states="home find")
    found = drawing(made, "fr", met)

    marks = {node.name: Mark.NEVER in node.marks for node in found.nodes}
    assert marks == {"home": False, "find": False, "bye": True}
    assert {
        (line.source, line.dest): (line.label, line.never, line.unmet) for line in found.lines
    } == {
        ("home", "find"): ("1 Acheter", (), False),
        ("home", "bye"): ("× 2 Quitter", ("option:2",), True),
        ("find", "bye"): ("ok\n× late", ("outcome:late",), False),
        ("find", "home"): ("× failed", ("outcome:failed",), True),
    }
    told = mermaid(found)
    assert "  class s_bye never\n" in told
    assert "  linkStyle 1,3 stroke:#d55e00,stroke-width:2px,stroke-dasharray:2 4\n" in told
    assert found.notes[-1] == "Dotted and marked ×: never met by the dialogs that were given."


def test_a_way_without_words_has_a_sign_only_beside_others() -> None:
    made = flow(asked("pin", "bye", attempts_max=3, attempts_next="bye"), end("bye"))
    both, one = (
        drawing(made, "fr", covering(*ways)).lines[0] for ways in ((), (("pin", "attempts"),))
    )

    assert (both.label, both.unmet) == ("× 3 wrong tries", True)
    assert (one.label, one.unmet) == ("× typed\n3 wrong tries", False)


def test_without_dialogs_nothing_is_marked() -> None:
    found = drawing(flow(menu("home", option("Quitter", "bye")), end("bye")), "fr")

    assert not any(line.never for line in found.lines)
    assert "never met" not in mermaid(found)
