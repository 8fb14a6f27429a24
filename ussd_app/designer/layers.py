"""Boxes and links in rows: who stands above whom, and in which order from left to right.

A layered drawing after Sugiyama: links against the reading direction are turned round, every box
takes the row below all that lead to it, and rows are sorted until few links cross. Box rows (even)
take turns with label rows (odd): a link's label has a cell of its own next to where the link comes
from, so no label ever lies over a box or another label. Where a link passes a row, it has a narrow
cell, so no link ever runs over a box; links to the same box pass in one cell.

Everything is decided by the order of what comes in: the same boxes give the same rows.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isqrt

#: Sweeps over all rows: crossings hardly fall after the first dozen, and a map too large to read is
#: not worth so many.
SWEEPS_MAX = 24
CELLS_SWEPT = 100_000
#: Rows of no more boxes than this are left as they are; a large map has longer rows.
ROW_BOXES_MIN = 6
#: Half the room that a passing link takes.
PASSING = 6.0


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn: how far it reaches to the left and right of its middle, and its height."""

    left: float
    right: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """A directed link between two different boxes, and the room for its label (0: none).

    The greater the weight, the more its two ends are drawn to each other.
    """

    source: str
    dest: str
    width: float = 0.0
    height: float = 0.0
    weight: float = 1.0


@dataclass(eq=False, slots=True)
class Cell:
    """What takes room in a row: a box (it has a name), a link's label, or a link that passes."""

    row: int
    left: float
    right: float
    height: float
    name: str = ""
    place: int = 0
    above: list[Cell] = field(default_factory=list)
    below: list[Cell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chain:
    """A link's cells from the upper box down to the lower one; `upward` links run against it."""

    cells: tuple[Cell, ...]
    label: Cell
    upward: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows from the top down, and each link's chain, in the order of the links."""

    rows: tuple[list[Cell], ...]
    boxes: Mapping[str, Cell]
    chains: tuple[Chain, ...]


def in_rows(boxes: Mapping[str, Box], links: Sequence[Link], roots: Iterable[str]) -> Rows:
    """`boxes` in rows; reading begins at `roots`, then at whatever they do not reach."""
    upward = _against(boxes, links, roots)
    downward = [
        (link.dest, link.source) if turned else (link.source, link.dest)
        for link, turned in zip(links, upward, strict=True)
    ]
    ranks = _ranks(list(boxes), downward)
    cells = {
        name: Cell(2 * ranks[name], box.left, box.right, box.height, name)
        for name, box in boxes.items()
    }
    rows: tuple[list[Cell], ...] = tuple([] for _ in range(2 * max(ranks.values(), default=0) + 1))
    made = _Chains(cells)
    chains = tuple(
        made.chain(link, upward=turned) for link, turned in zip(links, upward, strict=True)
    )
    for cell in _reading_order(cells, roots):
        rows[cell.row].append(cell)
    _number(rows)
    _sort(rows)
    return Rows(rows, cells, chains)


def _against(boxes: Mapping[str, Box], links: Sequence[Link], roots: Iterable[str]) -> list[bool]:
    """Which links lead back: on a circle, and not away from where reading begins."""
    after: dict[str, list[str]] = {name: [] for name in boxes}
    for link in links:
        after[link.source].append(link.dest)
    depths: dict[str, tuple[int, int]] = {}
    for root in (*roots, *boxes):
        for name, depth in _depths(root, after, depths).items():
            depths[name] = (depth, len(depths))
    reached: dict[str, set[str]] = {}
    against = []
    for link in links:
        back = depths[link.dest] < depths[link.source]
        if back:
            if link.dest not in reached:
                reached[link.dest] = set(_depths(link.dest, after, {}))
            back = link.source in reached[link.dest]
        against.append(back)
    return against


def _depths(
    root: str, after: Mapping[str, list[str]], known: Mapping[str, object]
) -> dict[str, int]:
    """The links from `root` to all that it reaches, the known left out; nearest first."""
    if root in known:
        return {}
    depths = {root: 0}
    queue = deque([root])
    while queue:
        name = queue.popleft()
        for dest in after[name]:
            if dest not in depths and dest not in known:
                depths[dest] = depths[name] + 1
                queue.append(dest)
    return depths


def _ranks(names: Sequence[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Each box's row among box rows: below all that lead to it, and not far above what follows."""
    above: dict[str, list[str]] = {name: [] for name in names}
    below: dict[str, list[str]] = {name: [] for name in names}
    for upper, lower in links:
        below[upper].append(lower)
        above[lower].append(upper)
    waiting = {name: len(above[name]) for name in names}
    ready = deque(name for name in names if not waiting[name])
    ranks: dict[str, int] = {}
    while ready:
        name = ready.popleft()
        ranks[name] = max((ranks[upper] + 1 for upper in above[name]), default=0)
        for lower in below[name]:
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    for name in reversed(list(ranks)):
        if len(below[name]) > len(above[name]):
            ranks[name] = min(ranks[lower] for lower in below[name]) - 1
    _break_rows(ranks, [name for name in names if not below[name]])
    return ranks


def _break_rows(ranks: dict[str, int], last: Sequence[str]) -> None:
    """Where a row has too many boxes, every second of its `last` ones goes a row down."""
    most = max(ROW_BOXES_MIN, isqrt(len(ranks)))
    rank = 0
    while rank <= max(ranks.values(), default=-1):
        there = sum(each == rank for each in ranks.values())
        for name in [name for name in last if ranks[name] == rank][1::2][: max(there - most, 0)]:
            ranks[name] += 1
        rank += 1


class _Chains:
    """Makes the chains of links. Links to one box share their cells from their labels on."""

    def __init__(self, boxes: Mapping[str, Cell]) -> None:
        self._boxes = boxes
        self._shared: dict[tuple[str, bool, int], Cell] = {}

    def chain(self, link: Link, *, upward: bool) -> Chain:
        ends = self._boxes[link.source], self._boxes[link.dest]
        upper, lower = reversed(ends) if upward else ends
        half = max(PASSING, link.width / 2)
        label = Cell(lower.row - 1 if upward else upper.row + 1, half, half, link.height)
        cells = [upper]
        for row in range(upper.row + 1, lower.row):
            key = (link.dest, upward, row)
            shared = self._shared.setdefault(key, Cell(row, PASSING, PASSING, 0.0))
            cells.append(label if row == label.row else shared)
        cells.append(lower)
        for above, below in pairwise(cells):
            if below not in above.below:
                above.below.append(below)
                below.above.append(above)
        return Chain(tuple(cells), label, upward, link.weight)


def _reading_order(boxes: Mapping[str, Cell], roots: Iterable[str]) -> list[Cell]:
    """Every cell once, depth first: what follows the first option stands left of the second's."""
    order: list[Cell] = []
    seen: set[int] = set()
    for root in (*(boxes[name] for name in roots), *boxes.values()):
        stack = [root]
        while stack:
            cell = stack.pop()
            if id(cell) in seen:
                continue
            seen.add(id(cell))
            order.append(cell)
            stack.extend(reversed(cell.below))
    return order


def _sort(rows: tuple[list[Cell], ...]) -> None:
    """Rows sorted by where their neighbours stand, the best order found kept."""
    best = [list(row) for row in rows]
    fewest = _crossings(rows)
    cells = sum(map(len, rows))
    for sweep in range(min(SWEEPS_MAX, max(2, CELLS_SWEPT // max(cells, 1)))):
        if not fewest:
            break
        downward = sweep % 2 == 0
        for row in rows if downward else reversed(rows):
            middles = {id(cell): _middle(cell, downward=downward) for cell in row}
            row.sort(key=lambda cell: middles[id(cell)])
            _number([row])
        _swap(rows)
        found = _crossings(rows)
        if found < fewest:
            fewest = found
            best = [list(row) for row in rows]
    for row, kept in zip(rows, best, strict=True):
        row[:] = kept
    _number(rows)


def _middle(cell: Cell, *, downward: bool) -> float:
    neighbours = cell.above if downward else cell.below
    if not neighbours:
        return cell.place
    return sum(each.place for each in neighbours) / len(neighbours)


def _swap(rows: tuple[list[Cell], ...]) -> None:
    """Neighbours in a row change places while that makes fewer crossings."""
    better = True
    while better:
        better = False
        for row in rows:
            for place in range(len(row) - 1):
                one, other = row[place], row[place + 1]
                if _gained(one, other) > 0:
                    row[place], row[place + 1] = other, one
                    other.place, one.place = place, place + 1
                    better = True


def _gained(left: Cell, right: Cell) -> int:
    """How many fewer crossings the links of two neighbours had if they changed places."""
    gained = 0
    for ours, theirs in ((left.above, right.above), (left.below, right.below)):
        for one in ours:
            for other in theirs:
                gained += (one.place > other.place) - (one.place < other.place)
    return gained


def _crossings(rows: Sequence[Sequence[Cell]]) -> int:
    crossings = 0
    for row in rows:
        seen: list[int] = []
        for cell in row:
            places = [lower.place for lower in cell.below]
            crossings += sum(len(seen) - bisect_right(seen, place) for place in places)
            for place in places:
                insort(seen, place)
    return crossings


def _number(rows: Iterable[Sequence[Cell]]) -> None:
    for row in rows:
        for place, cell in enumerate(row):
            cell.place = place
