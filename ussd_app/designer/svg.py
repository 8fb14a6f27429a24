"""The map as one SVG file: no script, no font of its own, dark on light, fit for a sheet of A3.

Where things stand is `places.py`; what they look like is here. A kind of state is told by its shape
and its colour, trouble (a call that was late or failed) by broken lines, ways back by their colour,
what no dialog has met, where that is asked, by dots;
resting the pointer on anything tells the whole of it. The same drawing gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from ussd_app.designer.draw import (
    COLOURS,
    NEVER_COLOUR,
    SPENDS_COLOUR,
    Drawing,
    Kind,
    Line,
    Mark,
    Node,
)
from ussd_app.designer.layers import Box, Link
from ussd_app.designer.lettering import at, cut, number, text_width, wrapped, xml
from ussd_app.designer.places import Layout, Point, lay_out
from ussd_app.designer.shapes import LEAN, outline

#: Sizes of letters, in pixels, and the height of a row of them.
NAME_SIZE, TITLE_SIZE, LABEL_SIZE, MARK_SIZE = 14, 11.5, 11.5, 9.5
NAME_ROW, TITLE_ROW, LABEL_ROW, MARK_ROW = 18, 14, 14, 16
#: Widths of boxes; a name that is wider still is cut, a title takes at most so many rows.
BOX_WIDTH_MIN, BOX_WIDTH_MAX, TITLE_ROWS_MAX = 140, 240, 3
#: A line's label is broken at this width; beyond so many rows it says how much is missing.
LABEL_WIDTH, LABEL_ROWS_MAX = 150, 8
#: Room round the drawing, and the least width of what is in it: the legend needs some.
MARGIN, WIDTH_MIN = 24, 640.0
#: How far a line from a box to itself reaches out.
LOOP = 18

_MARK_COLOURS: Mapping[Mark, str] = {
    Mark.START: "#2e7d32",
    Mark.HOME: "#1565c0",
    Mark.SPENDS: SPENDS_COLOUR,
    Mark.SENSITIVE: "#6a1b9a",
    Mark.NO_SHORTCUT: "#546e7a",
    Mark.NEVER: "#a84a00",
}

#: How much higher a box must be because its outline takes room from its text.
_CROWN: Mapping[Kind, int] = {Kind.BRANCH: 14, Kind.CALL: 8}

_STYLE = """\
text { font-family: Arial, Helvetica, "Liberation Sans", sans-serif; fill: #111 }
.name { font-weight: bold; font-size: 14px; text-anchor: middle }
.title { font-size: 11.5px; text-anchor: middle; fill: #333 }
.mark { font-size: 9.5px; text-anchor: middle; fill: #fff }
.label { font-size: 11.5px; text-anchor: middle }
.note { font-size: 12px; fill: #333 }
.flow { font-size: 22px; font-weight: bold }
.line path { fill: none; stroke: #333; stroke-width: 1.3 }
.back path { stroke: #3949ab }
.back .label { fill: #283593 }
.faint path { stroke: #8a8a8a; stroke-dasharray: 5 3 }
.faint .label { fill: #616161 }
.never path { stroke: #d55e00; stroke-width: 2.2; stroke-dasharray: 0.1 5; stroke-linecap: round }
.never .label { fill: #a84a00 }
.paper { fill: #fff }
@media print { svg { width: 100%; height: 100% } }
"""


@dataclass(frozen=True, slots=True)
class _Card:
    """A box as it is drawn."""

    node: Node
    width: float
    height: float
    name: str
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stand:
    """A box and where its middle is."""

    card: _Card
    middle: Point


def svg(drawing: Drawing) -> str:
    """The map as an SVG document; ends with a line break."""
    cards = {node.name: _card(node) for node in drawing.nodes}
    loops = {line.source: line for line in drawing.lines if line.source == line.dest}
    lines = [line for line in drawing.lines if line.source != line.dest]
    boxes = {
        name: Box(card.width / 2, card.width / 2 + _loop_width(loops.get(name)), card.height)
        for name, card in cards.items()
    }
    roots = [node.name for node in drawing.nodes if Mark.START in node.marks]
    layout = lay_out(boxes, _links(lines), roots)
    width = max(layout.width, WIDTH_MIN) + 2 * MARGIN
    head, top = _head(drawing, lines, layout, width)
    height = top + layout.height + MARGIN
    stands = {name: _Stand(card, layout.boxes[name]) for name, card in cards.items()}
    body = _lines(lines, layout, stands)
    body += [_card_svg(stand) for stand in stands.values()]
    body += [_loop(line, stands[name]) for name, line in loops.items()]
    shift = MARGIN + max(WIDTH_MIN - layout.width, 0.0) / 2
    size = f'width="{number(width)}" height="{number(height)}"'
    sheet = "landscape" if width > height else "portrait"
    view = f"0 0 {at((width, height))}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="{view}">',
            f"<title>{xml(drawing.name)}</title>",
            f"<style>\n{_STYLE}@page {{ size: A3 {sheet}; margin: 8mm }}\n</style>",
            "<defs>",
            *(_arrow(look, colour) for look, (colour, _) in _LOOKS.items()),
            "</defs>",
            '<rect class="paper" width="100%" height="100%"/>',
            *head,
            f'<g transform="translate({at((shift, top))})">',
            *body,
            "</g>",
            "</svg>",
            "",
        ]
    )


# -- boxes -----------------------------------------------------------------------------------------


def _card(node: Node) -> _Card:
    lean = 2 * LEAN + 6
    wide = text_width(node.name, NAME_SIZE) * 1.08 + lean
    if node.kind is Kind.BRANCH:
        # Half of a rhombus is outside it.
        wide = wide * 1.3 + 20
    marks = sum(_mark_width(mark) + 4 for mark in node.marks) + lean
    width = 2 * ceil(max(min(wide, BOX_WIDTH_MAX), marks, BOX_WIDTH_MIN) / 2)
    rows = wrapped(node.title, width - lean, TITLE_SIZE, TITLE_ROWS_MAX)
    height = 18 + NAME_ROW + TITLE_ROW * len(rows) + MARK_ROW * bool(node.marks)
    height += _CROWN.get(node.kind, 0)
    name = cut(node.name, (width - lean) / 1.08, NAME_SIZE)
    return _Card(node, width, 2 * ceil(height / 2), name, tuple(rows))


def _card_svg(stand: _Stand) -> str:
    card, node = stand.card, stand.card.node
    about = ": ".join(filter(None, (f"{node.name} ({node.kind})", node.title)))
    marks = f" [{', '.join(node.marks)}]" if node.marks else ""
    fill, border = COLOURS[node.kind]
    thick = 3 if Mark.SPENDS in node.marks else 1.4
    stroke = SPENDS_COLOUR if Mark.SPENDS in node.marks else border
    dots = ""
    if Mark.NEVER in node.marks:
        fill, stroke, thick = "#fff", NEVER_COLOUR, 3
        dots = ' stroke-dasharray="0.1 6" stroke-linecap="round"'
    shape = outline(node.kind, card.width, card.height)
    moved = f"translate({at(stand.middle)})"
    rows = [
        f'<g class="state" data-state="{xml(node.name)}" transform="{moved}">',
        f"<title>{xml(about + marks)}</title>",
        f'<g fill="{fill}" stroke="{stroke}" stroke-width="{thick}"{dots}>{shape}</g>',
    ]
    marked = MARK_ROW * bool(node.marks)
    y = -(NAME_ROW + TITLE_ROW * len(card.rows) + marked) / 2 + NAME_ROW - 4
    if node.kind is Kind.CALL:
        y += _CROWN[Kind.CALL] / 2
    rows.append(f'<text class="name" y="{number(y)}">{xml(card.name)}</text>')
    for row in card.rows:
        y += TITLE_ROW
        rows.append(f'<text class="title" y="{number(y)}">{xml(row)}</text>')
    rows += _marks_svg(node.marks, y + 6)
    rows.append("</g>")
    return "\n".join(rows)


def _marks_svg(marks: Sequence[Mark], top: float) -> Iterable[str]:
    x = -sum(_mark_width(mark) + 4 for mark in marks) / 2 + 2
    for mark in marks:
        width = _mark_width(mark)
        yield (
            f'<rect x="{number(x)}" y="{number(top)}" width="{number(width)}" height="13" rx="6.5" '
            f'fill="{_MARK_COLOURS[mark]}"/>'
            f'<text class="mark" x="{number(x + width / 2)}" y="{number(top + 9.8)}">{mark}</text>'
        )
        x += width + 4


def _mark_width(mark: Mark) -> float:
    return text_width(mark, MARK_SIZE) + 12


# -- lines -----------------------------------------------------------------------------------------

#: Looks of lines: their colour, which the style sheet above says as well, and their meaning.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "on": ("#333", "leads on"),
    "back": ("#3949ab", "leads back"),
    "faint": ("#8a8a8a", "late or failed"),
    "never": (NEVER_COLOUR, "never met"),
}


def _arrow(look: str, colour: str) -> str:
    shape, tip = ("M8 0.8L0 4L8 7.2z", 0.5) if look == "faint" else ("M0 0.8L8 4L0 7.2z", 7.5)
    return (
        f'<marker id="{look}" viewBox="0 0 8 8" refX="{tip}" refY="4" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="{shape}" fill="{colour}"/></marker>'
    )


def _way(points: Sequence[Point], look: str) -> str:
    """A line along the corners, each corner rounded, with its arrow."""
    # Broken lines begin at the arrow: where two share their way, their gaps fall together.
    end = "end"
    if look == "faint":
        points, end = list(reversed(points)), "start"
    steps = [f"M{at(points[0])}"]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        steps.append(f"L{at(_toward(corner, before))}Q{at(corner)} {at(_toward(corner, after))}")
    steps.append(f"L{at(points[-1])}")
    return f'<path d="{"".join(steps)}" marker-{end}="url(#{look})"/>'


def _links(lines: Sequence[Line]) -> list[Link]:
    """Room for each label. A state's first way on counts most, trouble least."""
    links = []
    sources: set[str] = set()
    for line in lines:
        weight = 0.3 if line.faint else 1.0 if line.source in sources else 2.0
        sources.add(line.source)
        links.append(Link(line.source, line.dest, *_label_room(line), weight))
    return links


def _label_rows(line: Line) -> list[str]:
    rows = [
        part
        for row in line.label.splitlines()
        for part in wrapped(row, LABEL_WIDTH, LABEL_SIZE, LABEL_ROWS_MAX)
    ]
    if len(rows) > LABEL_ROWS_MAX:
        hidden = len(rows) - LABEL_ROWS_MAX + 1
        rows[LABEL_ROWS_MAX - 1 :] = [f"… {hidden} more rows"]
    return rows


def _label_room(line: Line) -> tuple[float, float]:
    rows = _label_rows(line)
    if not rows:
        return 0.0, 0.0
    width = max(text_width(row, LABEL_SIZE) for row in rows) + 6
    return 2 * ceil(width / 2), LABEL_ROW * len(rows) + 4.0


def _lines(lines: Sequence[Line], layout: Layout, stands: Mapping[str, _Stand]) -> list[str]:
    """Every line but those from a box to itself; where lines lie together, trouble lies below."""
    drawn = []
    ways = zip(lines, layout.routes, layout.labels, layout.upward, strict=True)
    for line, route, label, upward in sorted(ways, key=lambda way: not way[0].faint):
        ends = stands[line.source], stands[line.dest]
        drawn.append(_line(line, route, label, ends, upward=upward))
    return drawn


def _line(
    line: Line, route: Sequence[Point], label: Point, ends: Sequence[_Stand], *, upward: bool
) -> str:
    points = list(route)
    points[0], points[-1] = _touching(points[0], ends[0]), _touching(points[-1], ends[1])
    return _line_svg(line, _look(line, upward=upward), points, label)


def _look(line: Line, *, upward: bool) -> str:
    if line.unmet:
        return "never"
    return "faint" if line.faint else "back" if upward else "on"


def _touching(end: Point, stand: _Stand) -> Point:
    """The end of a line on the outline of its box: beside its middle a rhombus is less high."""
    (x, y), card = stand.middle, stand.card
    if card.node.kind is not Kind.BRANCH:
        return end
    half = card.height / 2 * (1 - abs(end[0] - x) / (card.width / 2))
    return end[0], y + half if end[1] > y else y - half


def _line_svg(line: Line, look: str, points: Sequence[Point], label: Point) -> str:
    told = line.label.replace("\n", ", ") or ", ".join(line.triggers)
    if line.never:
        told += f" [never met: {', '.join(line.never)}]"
    rows = [
        f'<g class="line {look}" data-source="{xml(line.source)}" data-dest="{xml(line.dest)}">',
        f"<title>{xml(f'{line.source} → {line.dest}: {told}')}</title>",
        _way(points, look),
    ]
    labels = _label_rows(line)
    if labels:
        width, height = _label_room(line)
        x, top = label[0], label[1] - height / 2
        rows.append(
            f'<rect class="paper" x="{number(x - width / 2)}" y="{number(top)}" '
            f'width="{number(width)}" height="{number(height)}"/>'
        )
        for place, row in enumerate(labels):
            y = top + 2 + LABEL_ROW * place + 10.5
            rows.append(f'<text class="label" x="{number(x)}" y="{number(y)}">{xml(row)}</text>')
    rows.append("</g>")
    return "\n".join(rows)


def _toward(corner: Point, end: Point) -> Point:
    """A point up to 5 pixels from a corner toward the next; all ways are level or upright."""
    dx, dy = end[0] - corner[0], end[1] - corner[1]
    length = abs(dx) + abs(dy)
    share = min(5.0, length / 2) / length if length else 0.0
    return corner[0] + dx * share, corner[1] + dy * share


def _loop_width(line: Line | None) -> float:
    return LOOP + 4 + _label_room(line)[0] if line else 0.0


def _loop(line: Line, stand: _Stand) -> str:
    """A line from a box to itself: out and in again at its right side, the label beside it."""
    leaning = stand.card.node.kind in {Kind.LIST, Kind.INPUT, Kind.SET}
    x = stand.middle[0] + stand.card.width / 2 - leaning * LEAN / 2
    y = stand.middle[1]
    corners = [(x - 4, y - 9), (x + LOOP, y - 9), (x + LOOP, y + 9), (x, y + 9)]
    return _line_svg(
        line, "never" if line.unmet else "on", corners, (x + LOOP + 3 + _label_room(line)[0] / 2, y)
    )


# -- words -----------------------------------------------------------------------------------------


def _head(
    drawing: Drawing, lines: Sequence[Line], layout: Layout, width: float
) -> tuple[list[str], float]:
    """Name, notes and what the shapes mean; and where the map begins."""
    y = MARGIN + 18.0
    rows = [f'<text class="flow" x="{MARGIN}" y="{number(y)}">{xml(drawing.name)}</text>']
    for note in drawing.notes:
        for row in wrapped(note, width - 2 * MARGIN, 12, 4):
            y += 17
            rows.append(f'<text class="note" x="{MARGIN}" y="{number(y)}">{xml(row)}</text>')
    y += 26
    x = float(MARGIN)
    looks = {_look(line, upward=upward) for line, upward in zip(lines, layout.upward, strict=True)}
    kinds = {node.kind for node in drawing.nodes}
    keys = [(kind.value, _shape_key(kind)) for kind in Kind if kind in kinds]
    keys += [(word, _line_key(look)) for look, (_, word) in _LOOKS.items() if look in looks]
    for word, picture in keys:
        room = 40 + text_width(word, 12) + 18
        if x + room > width - MARGIN:
            x, y = float(MARGIN), y + 26
        rows.append(
            f'<g transform="translate({at((x, y))})">{picture}'
            f'<text class="note" x="40" y="4">{word}</text></g>'
        )
        x += room
    return rows, y + 38


def _shape_key(kind: Kind) -> str:
    fill, border = COLOURS[kind]
    shape = outline(kind, 34, 18)
    return f'<g fill="{fill}" stroke="{border}" transform="translate(17 0)">{shape}</g>'


def _line_key(look: str) -> str:
    return f'<g class="line {look}">{_way([(0, 0), (34, 0)], look)}</g>'
