"""A failing application made small: whatever can be left out and it still fails is left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from tests.soundness.made_files import Data, Menus
from tests.soundness.mutants import REMOVED, Path, changed, sites

#: Tries at one failing application: each is a run of the compiler and a few walks.
TRIES_MAX = 1500


def shrunk(menus: Menus, fails: Callable[[Menus], bool]) -> Menus:
    """The smallest found that still fails; `fails` raises nothing."""
    tries = 0
    again = True
    while again:
        again = False
        for path, new in _cuts(menus):
            tries += 1
            if tries > TRIES_MAX:
                return menus
            try:
                smaller = changed(menus, path, new)
            except (KeyError, IndexError, TypeError):
                continue  # what stood around it is gone already
            if fails(smaller):
                menus, again = smaller, True
    return menus


def _cuts(menus: Menus) -> Iterator[tuple[Path, Data]]:
    """What may be left out, the largest pieces first; jumps past a state; plain texts."""
    found = copy.deepcopy(menus)
    states = [path for path, _ in sites(found) if path[-2:-1] == ("states",)]
    for path in states:
        yield path, {"end": "."}
    for path, value in sorted(sites(found), key=lambda each: len(each[0])):
        if len(path) > 2:
            yield path, REMOVED
        if isinstance(value, dict) and "text" in value:
            yield path, value["text"]
        if isinstance(value, dict) and set(value) <= {"fr", "en", "mos"}:
            yield from ((path, each) for each in value.values())
        if isinstance(value, list) and len(value) == 1 and path[-1] != "options":
            yield path, value[0]
