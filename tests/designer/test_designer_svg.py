"""The map as a picture: whole, well-formed, and nothing lies over anything."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.designer.draw_flows import graph
from ussd_app import menus
from ussd_app.application import Application
from ussd_app.designer.draw import Drawing, Kind, Line, Mark, Node, drawing
from ussd_app.designer.layers import Box, Link
from ussd_app.designer.lettering import cut, number, text_width, wrapped
from ussd_app.designer.mincut import Cut
from ussd_app.designer.places import Layout, lay_out
from ussd_app.designer.svg import svg
from ussd_app.flow.compiler import Library, compile_file

SVG = "{http://www.w3.org/2000/svg}"
MENUS = Path(menus.__file__).parent

#: (left, top, right, bottom)
Area = tuple[float, float, float, float]

joins = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30),
    )
)


def shipped() -> Drawing:
    library = Library.load(MENUS, Application({"kwh": lambda value, _language: f"{value} kWh"}))
    return drawing(compile_file(MENUS / "buy-electricity.yaml", library), "fr")


def large() -> Drawing:
    """Forty states: a purchase of many steps, each with its trouble and ways back."""
    steps = [(each, each + 1) for each in range(30)]
    back = [(each, each - 3) for each in range(3, 30, 4)]
    trouble = [(each, 38 + each % 2) for each in range(0, 30, 2)]
    fan = [(20, each) for each in range(31, 38)]
    return graph(40, [*steps, *back, *trouble, *fan, (0, 0), (31, 0)])


def states_of(root: Element) -> list[Element]:
    return [each for each in root.iter(f"{SVG}g") if each.get("data-state") is not None]


def lines_of(root: Element) -> list[Element]:
    return [each for each in root.iter(f"{SVG}g") if each.get("data-source") is not None]


def words_of(element: Element) -> str:
    return " ".join(each.text or "" for each in element.iter(f"{SVG}text"))


def lie_over(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def areas(layout: Layout, boxes: dict[str, Box], links: list[Link]) -> dict[str, Area]:
    """Where boxes and labels are."""
    found = {}
    for name, (x, y) in layout.boxes.items():
        box = boxes[name]
        found[name] = (x - box.left, y - box.height / 2, x + box.right, y + box.height / 2)
    for place, (link, (x, y)) in enumerate(zip(links, layout.labels, strict=True)):
        if link.height:
            wide, high = link.width / 2, link.height / 2
            found[f"label {place}"] = (x - wide, y - high, x + wide, y + high)
    return found


def laid_out(count: int, pairs: list[tuple[int, int]]) -> tuple[Layout, dict[str, Box], list[Link]]:
    boxes = {
        str(each): Box(70 + each % 3 * 10, 70 + each % 4 * 20, 40 + each % 2 * 20)
        for each in range(count)
    }
    links = [
        Link(str(one), str(other), *((60.0, 18.0) if (one + other) % 3 else (0.0, 0.0)))
        for one, other in dict.fromkeys(pairs)
        if one != other
    ]
    return lay_out(boxes, links, ["0"]), boxes, links


@given(joins)
@settings(deadline=None)
def test_no_box_and_no_label_lies_over_another(made: tuple[int, list[tuple[int, int]]]) -> None:
    layout, boxes, links = laid_out(*made)
    found = areas(layout, boxes, links)

    assert set(boxes) <= set(found)
    assert not [
        (one, other) for one, other in combinations(found, 2) if lie_over(found[one], found[other])
    ]
    assert all(
        area[0] >= 0 and area[1] >= 0 and area[2] <= layout.width and area[3] <= layout.height
        for area in found.values()
    )


@given(joins)
@settings(deadline=None)
def test_lines_run_level_or_upright_and_never_over_a_box_or_another_lines_label(
    made: tuple[int, list[tuple[int, int]]],
) -> None:
    layout, boxes, links = laid_out(*made)
    found = areas(layout, boxes, links)

    for place, route in enumerate(layout.routes):
        others = {name: area for name, area in found.items() if name != f"label {place}"}
        for (x1, y1), (x2, y2) in pairwise(route):
            assert x1 == x2 or y1 == y2
            # A hair's breadth less: a line touches the boxes it joins.
            piece = (min(x1, x2) - 0.1, min(y1, y2) + 0.1, max(x1, x2) + 0.1, max(y1, y2) - 0.1)
            if y1 == y2:
                piece = (min(x1, x2), y1 - 0.1, max(x1, x2), y1 + 0.1)
            assert not [name for name, area in others.items() if lie_over(piece, area)]


def test_links_to_one_box_pass_in_one_line_behind_their_labels() -> None:
    ways_on = [(each, each + 1) for each in range(6)]
    layout, _, links = laid_out(8, [*ways_on, *((each, 7) for each in range(5))])
    height = layout.boxes["4"][1]
    passed = [
        x1
        for link, route in zip(links, layout.routes, strict=True)
        for (x1, y1), (_, y2) in pairwise(route)
        if link.dest == "7" and y1 < height < y2
    ]

    assert len(passed) == 4
    assert len(set(passed)) == 1


@given(joins)
@settings(deadline=None)
def test_every_line_begins_and_ends_at_its_boxes_and_passes_its_label(
    made: tuple[int, list[tuple[int, int]]],
) -> None:
    layout, boxes, links = laid_out(*made)

    for link, route, (x, y), upward in zip(
        links, layout.routes, layout.labels, layout.upward, strict=True
    ):
        for (end_x, end_y), name, side in (
            (route[0], link.source, -1 if upward else 1),
            (route[-1], link.dest, 1 if upward else -1),
        ):
            box_x, box_y = layout.boxes[name]
            assert box_x - boxes[name].left < end_x < box_x + boxes[name].right
            assert end_y == box_y + side * boxes[name].height / 2
        assert any(
            x1 == x2 == x and min(y1, y2) <= y <= max(y1, y2)
            for (x1, y1), (x2, y2) in pairwise(route)
        )


def test_reading_goes_down_and_only_ways_back_go_up() -> None:
    layout, _, links = laid_out(5, [(0, 1), (1, 2), (2, 1), (2, 3), (3, 0), (1, 4)])

    assert [
        (link.source, link.dest) for link, up in zip(links, layout.upward, strict=True) if up
    ] == [("2", "1"), ("3", "0")]
    heights = {name: y for name, (_, y) in layout.boxes.items()}
    assert heights["0"] < heights["1"] < heights["2"] < heights["3"]


@pytest.mark.parametrize("map_of", [large, shipped])
def test_the_picture_is_well_formed_and_holds_every_state_and_every_line(
    map_of: Callable[[], Drawing],
) -> None:
    drawn = map_of()
    root = fromstring(svg(drawn))

    states = {str(each.get("data-state")): each for each in states_of(root)}
    lines = {(each.get("data-source"), each.get("data-dest")) for each in lines_of(root)}
    assert list(states) == [node.name for node in drawn.nodes]
    assert lines == {(line.source, line.dest) for line in drawn.lines}
    for node in drawn.nodes:
        assert words_of(states[node.name]).startswith(node.name)
        assert all(mark in words_of(states[node.name]) for mark in node.marks)
    assert all(note.split()[0] in words_of(root) for note in drawn.notes)


def test_a_map_of_forty_states_fits_a_sheet() -> None:
    root = fromstring(svg(large()))

    # On A3, 404 mm by 281 mm within its margins, the letters of a label are then 1.2 mm or more.
    assert float(root.get("width", "0")) < 3600
    assert float(root.get("height", "0")) < 4400


def test_the_same_map_gives_the_same_picture() -> None:
    assert svg(large()) == svg(large())


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    picture = svg(large()).replace('xmlns="http://www.w3.org/2000/svg"', "")

    assert not [
        word for word in ("http", "<script", "<image", "@import", "href") if word in picture
    ]


def test_every_kind_and_mark_is_drawn_and_explained() -> None:
    nodes = tuple(Node(kind, kind, "", tuple(Mark)) for kind in Kind)
    root = fromstring(svg(Drawing("kinds", nodes, ())))

    # Once in the legend, once as the state's name.
    names = [each.text for each in root.iter(f"{SVG}text")]
    assert all(names.count(kind) >= 2 for kind in Kind)
    outlines = {
        tuple(part.tag for part in each[1])
        + tuple(part.get("rx", "") for part in each[1])
        + (each[1][0].get("points", ""), each[1].get("fill", ""))
        for each in states_of(root)
    }
    assert len(outlines) == len(Kind)


def test_trouble_ways_back_and_ways_to_itself_look_their_own_way() -> None:
    nodes = tuple(Node(name, Kind.MENU, "") for name in "abc")
    lines = (
        Line("a", "b", "1 On", ("option:1",)),
        Line("b", "a", "1 Back", ("option:1",)),
        Line("b", "c", "failed", ("outcome:failed",)),
        Line("c", "c", "2 Again", ("option:2",)),
    )
    root = fromstring(svg(Drawing("looks", nodes, lines)))

    looks = {
        (each.get("data-source"), each.get("data-dest")): (each.get("class"), words_of(each))
        for each in lines_of(root)
    }
    assert looks == {
        ("a", "b"): ("line on", "1 On"),
        ("b", "a"): ("line back", "1 Back"),
        ("b", "c"): ("line faint", "failed"),
        ("c", "c"): ("line on", "2 Again"),
    }


def test_what_was_never_met_has_dots_a_mark_a_legend_and_a_word() -> None:
    nodes = (Node("a", Kind.MENU, ""), Node("b", Kind.END, "", (Mark.NEVER,)))
    lines = (
        Line("a", "b", "ok\n× late", ("outcome:ok", "outcome:late"), ("outcome:late",)),
        Line("a", "a", "× 2 Again", ("option:2",), ("option:2",)),
    )
    root = fromstring(
        svg(Drawing("never", nodes, (lines[0], Line("b", "a", "", ("x",), ("x",)), lines[1])))
    )

    looks = {
        (each.get("data-source"), each.get("data-dest")): each.get("class")
        for each in lines_of(root)
    }
    assert looks == {("a", "b"): "line on", ("b", "a"): "line never", ("a", "a"): "line never"}
    told = [each.text for each in root.iter(f"{SVG}title")]
    assert "a → b: ok, × late [never met: outcome:late]" in told
    assert "b (end) [never met]" in told
    assert "never met" in words_of(root)
    (dotted,) = [each for each in states_of(root) if each[1].get("stroke-dasharray")]
    assert dotted.get("data-state") == "b"


def test_resting_on_a_thing_tells_the_whole_of_it() -> None:
    long = "Une phrase que personne ne pourrait loger dans une boîte " * 4
    nodes = (Node("a", Kind.INPUT, long, (Mark.SENSITIVE,)), Node("b", Kind.END, ""))
    lines = (Line("a", "b", "", ("typed",)),)
    root = fromstring(svg(Drawing("told", nodes, lines)))

    told = [each.text for each in root.iter(f"{SVG}title")]
    assert told == ["told", "a → b: typed", f"a (input): {long} [sensitive]", "b (end)"]


def test_a_label_of_many_rows_says_how_many_are_left_out() -> None:
    nodes = (Node("a", Kind.MENU, ""), Node("b", Kind.END, ""))
    label = "\n".join(f"{each} Choix" for each in range(1, 12))
    root = fromstring(svg(Drawing("rows", nodes, (Line("a", "b", label, ("option:1",)),))))

    assert words_of(lines_of(root)[0]).endswith("7 Choix … 4 more rows")


@given(st.text(min_size=1), st.text(), st.text())
@settings(max_examples=50)
def test_any_words_make_a_well_formed_picture(name: str, title: str, label: str) -> None:
    nodes = (Node(name, Kind.BRANCH, title, (Mark.START,)), Node(f"{name}2", Kind.END, title))
    lines = (Line(name, f"{name}2", label), Line(f"{name}2", name, label))
    root = fromstring(svg(Drawing(name, nodes, lines, (title,))))

    assert len(states_of(root)) == 2


@given(st.text(), st.integers(20, 200))
def test_rows_are_no_wider_than_their_room(words: str, room: int) -> None:
    rows = wrapped(words, room, 12, 3)

    assert len(rows) <= 3
    assert all(text_width(row, 12) <= room for row in rows)


def test_what_fits_is_not_cut() -> None:
    assert cut("court", 200, 12) == "court"
    assert cut("beaucoup trop long", 60, 12).endswith("…")


@pytest.mark.parametrize(
    ("value", "said"), [(1.0, "1"), (1.25, "1.2"), (-0.01, "0"), (-3.07, "-3.1"), (100.0, "100")]
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert number(value) == said


def test_a_cut_is_the_least_that_parts_source_from_sink() -> None:
    cut_of = Cut(6)
    for tail, head, capacity in (
        (0, 1, 16), (0, 2, 13), (1, 3, 12), (2, 1, 4), (2, 4, 14), (3, 2, 9), (3, 5, 20),
        (4, 3, 7), (4, 5, 4),
    ):  # fmt: skip
        cut_of.join(tail, head, capacity)

    # The network of many textbooks: 12 + 7 + 4 is its greatest flow.
    assert cut_of.source_side(0, 5) == {0, 1, 2, 4}
