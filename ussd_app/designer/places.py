"""Where boxes stand and links run: rows of cells become points.

A link runs straight down through the rows and sideways only between them, so it never touches a
box. Links that leave one box share their way until they part, and so do those that come to one.
Sideways pieces that would lie over each other get tracks of their own. Across, each box and each
straight piece is pushed to where its links are shortest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from ussd_app.designer.layers import Box, Cell, Chain, Link, Rows, in_rows
from ussd_app.designer.mincut import Cut

Point = tuple[float, float]
#: A link's way from a cell to one in the row below, and whether the link runs upward.
_Piece = tuple[Cell, Cell, bool]

#: Room, in pixels, between two boxes; between two labels, or a label and a box; from a row to the
#: nearest track; between tracks.
BOX_GAP = 18.0
LABEL_GAP = 10.0
ROW_GAP = 13.0
TRACK_GAP = 8.0
#: How far right of a box's middle the links against the reading direction arrive and leave.
BACK_PORT = 34.0
#: What a pixel costs, where one of a shared piece of link costs the link's weight: so many times as
#: much for a piece that shares its way with no other; so much for the width of the whole drawing.
ALONE_WEIGHT = 3.0
WIDTH_WEIGHT = 3.0
#: How many blocks are weighed in all before the places are good enough. Maps of some hundred states
#: stay far below; a larger one is not worth minutes.
BLOCKS_WEIGHED = 60_000


@dataclass(frozen=True, slots=True)
class Layout:
    """The middle of every box, each link's corners from source to dest, the middle of its label."""

    boxes: Mapping[str, Point]
    routes: tuple[tuple[Point, ...], ...]
    labels: tuple[Point, ...]
    upward: tuple[bool, ...]
    width: float
    height: float


@dataclass(eq=False, slots=True)
class _Block:
    """Cells that stand exactly under each other: a box, or the straight piece of a link."""

    x: float = 0.0
    left: list[tuple[_Block, float]] = field(default_factory=list)
    right: list[tuple[_Block, float]] = field(default_factory=list)
    ties: list[_Tie] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class _Tie:
    """A piece of link between two blocks: straight if `upper` stands `offset` left of `lower`."""

    upper: _Block
    lower: _Block
    offset: float
    weight: float

    def cost(self, moved: float) -> float:
        """What the piece costs with its upper end so much farther right."""
        aside = abs(self.upper.x + moved + self.offset - self.lower.x)
        # Length decides; the square only centres a box between links that pull evenly.
        return self.weight * (aside + aside * aside / 5000)


@dataclass(eq=False, slots=True)
class _Net:
    """Pieces between two rows that share one way: from one end to many, or from many to one."""

    tops: list[float] = field(default_factory=list)
    bottoms: list[float] = field(default_factory=list)
    track: int = 0

    @property
    def span(self) -> Point:
        ends = self.tops + self.bottoms
        return min(ends), max(ends)


def lay_out(boxes: Mapping[str, Box], links: Sequence[Link], roots: Iterable[str]) -> Layout:
    """Places for `boxes` and ways for `links`; the left upper corner is (0, 0)."""
    rows = in_rows(boxes, links, roots)
    blocks = _blocks(rows)
    framed = _framed(rows, blocks)
    _pack(framed)
    _settle(framed)
    x = {cell: block.x for cell, block in blocks.items()}
    least = min((place - cell.left for cell, place in x.items()), default=0.0)
    x = {cell: place - least for cell, place in x.items()}
    nets, counts = _nets(rows, x)
    tops = _heights(rows.rows, counts)
    middles = [
        top + max((cell.height for cell in row), default=0.0) / 2
        for top, row in zip(tops, rows.rows, strict=True)
    ]
    routes = tuple(_route(chain, x, middles, tops, nets) for chain in rows.chains)
    return Layout(
        {name: (x[cell], middles[cell.row]) for name, cell in rows.boxes.items()},
        routes,
        tuple((x[chain.label], middles[chain.label.row]) for chain in rows.chains),
        tuple(chain.upward for chain in rows.chains),
        max((place + cell.right for cell, place in x.items()), default=0.0),
        max((2 * middle - top for middle, top in zip(middles, tops, strict=True)), default=0.0),
    )


# -- across ----------------------------------------------------------------------------------------


def _blocks(rows: Rows) -> dict[Cell, _Block]:
    """Each cell's block, its neighbours and ties known, nothing placed yet."""
    over = _straight(rows)
    blocks: dict[Cell, _Block] = {}
    for row in rows.rows:
        for cell in row:
            blocks[cell] = blocks[over[cell]] if cell in over else _Block()
    _tie(rows, blocks)
    for row in rows.rows:
        for left, right in pairwise(row):
            _stand(blocks[left], blocks[right], _gap(left, right))
    return blocks


def _straight(rows: Rows) -> dict[Cell, Cell]:
    """The cell that each cell stands exactly under, if any: the longest links go straight first."""
    over: dict[Cell, Cell] = {}
    under: dict[Cell, Cell] = {}
    for chain in sorted(rows.chains, key=lambda each: -len(each.cells)):
        for above, below in pairwise(chain.cells[1:-1]):
            if above not in under and below not in over:
                over[below], under[above] = above, below
    for row in rows.rows:
        farthest = -1
        for cell in row:
            if cell in under:
                # Of two pieces that cross, both cannot be straight.
                if under[cell].place < farthest:
                    del over[under[cell]]
                farthest = max(farthest, under[cell].place)
    return over


def _tie(rows: Rows, blocks: Mapping[Cell, _Block]) -> None:
    weights: dict[_Piece, float] = {}
    for chain in rows.chains:
        for piece in _pieces(chain):
            weights[piece] = max(weights.get(piece, 0.0), chain.weight)
    spread = Counter((above, upward) for above, _, upward in weights)
    gathered = Counter((below, upward) for _, below, upward in weights)
    for (above, below, upward), weight in weights.items():
        if blocks[above] is blocks[below]:
            continue
        alone = spread[above, upward] == gathered[below, upward] == 1
        tie = _Tie(
            blocks[above],
            blocks[below],
            _port(above, upward=upward) - _port(below, upward=upward),
            weight * (ALONE_WEIGHT if alone else 1.0),
        )
        tie.upper.ties.append(tie)
        tie.lower.ties.append(tie)


def _pieces(chain: Chain) -> Iterator[_Piece]:
    for above, below in pairwise(chain.cells):
        yield above, below, chain.upward


def _stand(left: _Block, right: _Block, gap: float) -> None:
    left.right.append((right, gap))
    right.left.append((left, gap))


def _framed(rows: Rows, blocks: Mapping[Cell, _Block]) -> list[_Block]:
    """The blocks between two more, which hold the whole drawing together."""
    left, right = _Block(), _Block()
    for row in filter(None, rows.rows):
        _stand(left, blocks[row[0]], 0.0)
        _stand(blocks[row[-1]], right, 0.0)
    tie = _Tie(left, right, 0.0, WIDTH_WEIGHT)
    left.ties.append(tie)
    right.ties.append(tie)
    return [left, *dict.fromkeys(blocks.values()), right]


def _port(cell: Cell, *, upward: bool) -> float:
    return BACK_PORT if cell.name and upward else 0.0


def _gap(left: Cell, right: Cell) -> float:
    room = left.right + right.left
    if left.name and right.name:
        return room + BOX_GAP
    return room + (LABEL_GAP if left.height or right.height else 0.0)


def _pack(blocks: Sequence[_Block]) -> None:
    """Every block as far left as its neighbours allow."""
    waiting = {block: len(block.left) for block in blocks}
    ready = deque(block for block in blocks if not waiting[block])
    while ready:
        block = ready.popleft()
        block.x = max((other.x + gap for other, gap in block.left), default=0.0)
        for other, _ in block.right:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)


def _settle(blocks: Sequence[_Block]) -> None:
    """Blocks moved to where their ties cost least, by steps that get finer.

    The cost is convex, so a place that no set of blocks can better by one common step is the best
    one. The set that gains most by a step is a minimum cut.
    """
    ties = list(dict.fromkeys(tie for block in blocks for tie in block.ties))
    left = BLOCKS_WEIGHED
    step = 1 << int(max((block.x for block in blocks), default=0)).bit_length()
    while step := step // 2:
        for signed in (step, -step):
            while left > 0 and (moving := _gainers(blocks, ties, signed)):
                left -= len(blocks)
                for block in moving:
                    block.x += signed


def _gainers(blocks: Sequence[_Block], ties: Sequence[_Tie], step: float) -> list[_Block]:
    """The blocks whose common step lowers the cost most; none if no step lowers it."""
    number = {block: place for place, block in enumerate(blocks)}
    pulls = [0.0] * len(blocks)
    cut = Cut(len(blocks) + 2)
    for tie in ties:
        upper, lower = number[tie.upper], number[tie.lower]
        now, alone, left = (tie.cost(moved) for moved in (0.0, step, -step))
        pulls[upper] += alone - now
        pulls[lower] += now - alone
        cut.join(lower, upper, alone + left - 2 * now)
    for block, place in number.items():
        for other, gap in block.right if step > 0 else block.left:
            if abs(other.x - block.x) < gap + abs(step):
                cut.join(place, number[other], inf)
    source, sink = len(blocks), len(blocks) + 1
    for place, pull in enumerate(pulls):
        cut.join(source, place, max(-pull, 0.0))
        cut.join(place, sink, max(pull, 0.0))
    side = cut.source_side(source, sink)
    return [block for block in blocks if number[block] in side]


# -- between rows ----------------------------------------------------------------------------------


def _nets(rows: Rows, x: Mapping[Cell, float]) -> tuple[dict[tuple[Cell, Cell], _Net], list[int]]:
    """The net of every piece of link, with its track, and how many tracks each gap has."""
    nets: list[dict[object, _Net]] = [{} for _ in rows.rows]
    by_piece: dict[tuple[Cell, Cell], _Net] = {}
    for chain in rows.chains:
        for above, below, _ in _pieces(chain):
            # Boxes spread or gather links; between boxes, links to one box come together.
            ends = above if above.name or (chain.upward and not below.name) else below
            net = nets[above.row].setdefault((ends, chain.upward), _Net())
            net.tops.append(x[above] + _port(above, upward=chain.upward))
            net.bottoms.append(x[below] + _port(below, upward=chain.upward))
            by_piece[above, below] = net
    return by_piece, [_tracks(list(each.values())) for each in nets]


def _tracks(nets: Sequence[_Net]) -> int:
    """Gives each net that runs sideways a track, from the top; returns their number."""
    waiting = [net for net in nets if net.span[1] - net.span[0] > 0.5]
    for net in waiting:
        net.tops = sorted(set(net.tops))
        net.bottoms = sorted(set(net.bottoms))
    against = {
        one: {other: _meetings(one, other) - _meetings(other, one) for other in waiting}
        for one in waiting
    }
    placed: list[_Net] = []
    while waiting:
        net = min(waiting, key=lambda one: sum(against[one][other] for other in waiting))
        waiting.remove(net)
        low, high = net.span
        beside = (
            other.track + 1
            for other in placed
            if other.span[0] - TRACK_GAP < high and low < other.span[1] + TRACK_GAP
        )
        net.track = max(beside, default=0)
        placed.append(net)
    return max((net.track + 1 for net in placed), default=0)


def _meetings(upper: _Net, lower: _Net) -> int:
    """What it costs if one net runs above another: crossings, and above all shared verticals."""
    shared = sum(
        bisect_right(lower.tops, x + 2) - bisect_left(lower.tops, x - 2) for x in upper.bottoms
    )
    return 100 * shared + _within(lower.tops, upper.span) + _within(upper.bottoms, lower.span)


def _within(places: Sequence[float], span: Point) -> int:
    return bisect_left(places, span[1]) - bisect_right(places, span[0])


def _heights(rows: Sequence[Sequence[Cell]], tracks: Sequence[int]) -> list[float]:
    """The top of every row."""
    tops = []
    top = 0.0
    for row, count in zip(rows, tracks, strict=True):
        tops.append(top)
        height = max((cell.height for cell in row), default=0.0)
        top += height + 2 * ROW_GAP + max(count - 1, 0) * TRACK_GAP
    return tops


def _route(
    chain: Chain,
    x: Mapping[Cell, float],
    middles: Sequence[float],
    tops: Sequence[float],
    nets: Mapping[tuple[Cell, Cell], _Net],
) -> tuple[Point, ...]:
    """The link's corners from source to dest."""
    first, last = chain.cells[0], chain.cells[-1]
    port = _port(first, upward=chain.upward)
    points = [(x[first] + port, middles[first.row] + first.height / 2)]
    for above, below in pairwise(chain.cells):
        port = _port(below, upward=chain.upward)
        here, there = points[-1][0], x[below] + port
        if abs(here - there) > 0.5:
            bottom = 2 * middles[above.row] - tops[above.row]
            y = bottom + ROW_GAP + nets[above, below].track * TRACK_GAP
            points += [(here, y), (there, y)]
    points.append((points[-1][0], middles[last.row] - last.height / 2))
    return tuple(reversed(points) if chain.upward else points)
