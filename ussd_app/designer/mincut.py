"""The minimum cut of a small network: Dinic's algorithm, on numbers that need not be whole."""

from __future__ import annotations

from collections import deque

#: Capacity below this is a rounding error.
_NOTHING = 1e-9


class Cut:
    """A network of `count` points, numbered from 0, whose links have capacities."""

    def __init__(self, count: int) -> None:
        self._heads: list[int] = []
        self._left: list[float] = []
        self._out: list[list[int]] = [[] for _ in range(count)]

    def join(self, tail: int, head: int, capacity: float) -> None:
        """Adds a link; infinite ones are never cut."""
        if capacity > _NOTHING:
            for start, end, room in ((tail, head, capacity), (head, tail, 0.0)):
                self._out[start].append(len(self._heads))
                self._heads.append(end)
                self._left.append(room)

    def source_side(self, source: int, sink: int) -> set[int]:
        """The points on the source's side of a minimum cut, the smallest such set.

        What cuts the links from them to all others has the least capacity of all ways to part
        `source` from `sink`.
        """
        while sink in (levels := self._levels(source)):
            tried = [0] * len(self._out)
            while self._send(source, sink, levels, tried):
                pass
        return set(levels)

    def _levels(self, source: int) -> dict[int, int]:
        """Links from `source` to every point that still has room on the way."""
        levels = {source: 0}
        queue = deque([source])
        while queue:
            point = queue.popleft()
            for link in self._out[point]:
                head = self._heads[link]
                if head not in levels and self._left[link] > _NOTHING:
                    levels[head] = levels[point] + 1
                    queue.append(head)
        return levels

    def _send(self, source: int, sink: int, levels: dict[int, int], tried: list[int]) -> bool:
        """Fills one shortest way to the sink, if there is one; `tried` are links known in vain."""
        path: list[int] = []
        point = source
        while point != sink:
            out = self._out[point]
            while tried[point] < len(out):
                link = out[tried[point]]
                head = self._heads[link]
                if self._left[link] > _NOTHING and levels.get(head) == levels[point] + 1:
                    path.append(link)
                    point = head
                    break
                tried[point] += 1
            else:
                if not path:
                    return False
                point = self._heads[path.pop() ^ 1]
                tried[point] += 1
        room = min(self._left[link] for link in path)
        for link in path:
            self._left[link] -= room
            self._left[link ^ 1] += room
        return True
