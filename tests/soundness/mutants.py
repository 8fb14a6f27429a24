"""Flows with one thing changed: each must be refused by `check`, or behave."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.soundness.made_files import Data, Menus, Table
from tests.soundness.tally import KINDS
from ussd_app.messages import Budget

#: Where a key or item stands: the file, then keys and places down to it.
Path = tuple[str | int, ...]
_FILES = ("flow", "subs", "catalogue")
_TARGETS = frozenset({"next", "else", "empty", "too_deep", "start", "home"})
_OPTIONAL = frozenset({
    "attempts", "check", "otherwise", "empty", "else", "when", "save", "with", "once_per",
    "once", "nothing_done", "resume", "never_into", "on_drop", "options", "depth", "too_deep",
    "vars", "args", "keep", "min", "max", "lengths", "values", "fields", "rows", "longest", "set",
    "forget", "shortcut", "home", "key", "language", "next", "outcomes", "sample", "sensitive",
})  # fmt: skip
_TYPES = (
    "digits", "pin", "integer", "decimal", "text", "choice", "msisdn", "date", "row", "rows",
    "boolean",
)  # fmt: skip
_FUNCTIONS = (
    "rows.none", "rows.add", "rows.first", "rows.at", "rows.count", "rows.sum", "number.add",
    "number.multiply", "number.pick", "date.of", "shop.discount", "shop.ladder",
)  # fmt: skip
_PLACE = re.compile(r"\{[a-z][a-z0-9_.]*(\|[a-z0-9_|]+)?\}")

#: A change of one site: None where it does not apply there; REMOVED to take it out.
Change = Callable[[Random, Menus, Path, Data], "Data | None"]
REMOVED: Data = "\x00removed"


def mutants(menus: Menus, number: int, each_max: int) -> Iterator[tuple[str, Menus]]:
    """At most so many mutants of each sort, the same for the same number, with their names."""
    random = Random(number)  # chance, not secrecy
    places = list(sites(menus))
    for name, change in _CHANGES.items():
        random.shuffle(places)
        made = 0
        for path, value in places:
            new = change(random, menus, path, value)
            if new is None or new == value:
                continue
            yield f"{name} at {'.'.join(map(str, path))}", changed(menus, path, new)
            made += 1
            if made >= each_max:
                break


def tightened(menus: Menus, number: int, budgets: tuple[Budget, ...]) -> Menus | None:
    """A passing application with one text as long as `check` lets it be; None if none grows."""
    random = Random(number)  # chance, not secrecy
    texts = [(path, value) for path, value in sites(menus) if _is_text(path, value)]
    if not texts:
        return None
    path, value = random.choice(texts)
    base = menus
    where = next((at for at, each in enumerate(path) if each == "states"), None)
    if where is not None and random.random() < 0.6:
        base = changed(menus, (*path[: where + 2], "paged"), "never")
    ahead = random.random() < 0.5
    filler = random.choice(["x", "x", "x", "é", " y", "€"])
    low, high, found = 0, 200, None
    while low <= high:
        middle = (low + high) // 2
        pad = filler * middle
        grown = changed(base, path, pad + str(value) if ahead else str(value) + pad)
        if grown.examined(budgets).diagnostics:
            high = middle - 1
        else:
            low, found = middle + 1, grown
    return found


def sites(menus: Menus) -> Iterator[tuple[Path, Data]]:
    """Everything below the tops of the files, with where it stands."""
    for file in _FILES:
        yield from _below((file,), getattr(menus, file))


def _below(path: Path, data: Data) -> Iterator[tuple[Path, Data]]:
    if len(path) > 1:
        yield path, data
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from _below((*path, key), inner)
    elif isinstance(data, list):
        for place, inner in enumerate(data):
            yield from _below((*path, place), inner)


def changed(menus: Menus, path: Path, new: Data) -> Menus:
    """A copy with one site changed, or taken out."""
    found = copy.deepcopy(menus)
    # Whatever stands at the steps of a path: it was read off the same data.
    parent: Any = getattr(found, str(path[0]))
    for key in path[1:-1]:
        parent = parent[key]
    if new == REMOVED:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return found


def _is_text(path: Path, value: Data) -> bool:
    """Whether a site is words that a client reads."""
    if not isinstance(value, str) or "states" not in path:
        return False
    names = [each for each in path[3:] if isinstance(each, str)]
    if {"with", "set", "when", "outcomes"} & set(names):
        return False
    last = [each for each in names if not re.fullmatch("[a-z]{2,3}", each) or each in KINDS]
    return bool(last) and last[-1] in {*KINDS, "text", "label", "error", "row"} - {"call", "flow"}


def _is_target(path: Path) -> bool:
    return path[-1] in _TARGETS or "outcomes" in path[-2:-1]


def _states(menus: Menus, path: Path) -> list[str]:
    """The names of the states of the file that a site is in."""
    top: Data = menus.flow if path[0] == "flow" else menus.subs.get(str(path[1]), {})
    states = top.get("states", {}) if isinstance(top, dict) else {}
    return list(states) if isinstance(states, dict) else []


def _rename(_random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    return "nowhere" if _is_target(path) and isinstance(value, str) else None


def _redirect(random: Random, menus: Menus, path: Path, value: Data) -> Data | None:
    states = _states(menus, path)
    return random.choice(states) if _is_target(path) and isinstance(value, str) and states else None


def _drop(_random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    return REMOVED if path[-1] in _OPTIONAL else None


def _drop_entry(_random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    """Drop a state, a variable, an outcome, a field, an argument."""
    holders = {"states", "vars", "args", "outcomes", "fields", "with", "set", "inputs", "returns"}
    return REMOVED if path[-2] in holders else None


def _drop_item(_random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    return REMOVED if isinstance(path[-1], int) else None


def _drop_language(_random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    name = str(path[-1])
    if name in {"fr", "en", "mos"} and isinstance(value, str):
        return REMOVED
    return REMOVED if name == "also" else None


def _lengthen(random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    if not _is_text(path, value):
        return None
    return str(value) + random.choice([" mot" * 50, "x" * 150, " mot" * 900, "x" * 100])


def _retype(random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    return random.choice(_TYPES) if path[-1] == "type" else None


def _rebound(random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    bounds: dict[str, Data] = {
        "min": random.choice(["0", "-5", "1", "today", "-1e99999"]),
        "max": random.choice(["98", "5", "999999999", "today+1d"]),
        "places": random.choice(["0", "6"]),
        "rows_max": random.choice(["1", "50"]),
        "lengths": list[Data](random.choice([["1"], ["2", "40"], ["160"]])),
        "longest": random.choice(["m" * 100, "1", "9" * 11, "9" * 40, "1e9999"]),
        "deadline": "9s",
        "waits": "3",
        "depth": "3",
        "once_per": "visit",
        "remember": "9d",
        "alphabet": random.choice(["ucs2", "error", "transliterate"]),
        "how": random.choice(["ask", "at_once", "entry"]),
    }
    return bounds.get(str(path[-1]))


def _rekey(random: Random, _menus: Menus, path: Path, _value: Data) -> Data | None:
    if path[-1] == "key" or (len(path) > 1 and path[-2] == "keys"):
        return random.choice(["1", "2", "0", "00", "98", "*"])
    return None


def _insert(random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    """Something more in a state, an option or a variable."""
    if not isinstance(value, dict):
        return None
    more: list[tuple[str, Data]] = []
    if path[-2] == "states":
        more = [("paged", "never"), ("keep", "true"), ("shortcut", "allow"), ("waits", "0")]
        more += [("once_per", "session"), ("forget", ["v0"]), ("empty", str(path[-1]))]
    elif path[-2] == "options":
        more = [("key", "1"), ("when", "{msisdn} is not set"), ("language", "toggle")]
        more += [("resume", "true")]
    elif path[-2] == "vars":
        more = [("sensitive", "true"), ("remember", "9d"), ("min", "1"), ("max", "9")]
    elif len(path) > 2 and path[-2] == "backends":
        more = [("once", "true")]
    able = [each for each in more if each[0] not in value]
    return {**value, **dict([random.choice(able)])} if able else None


def _other_place(random: Random, menus: Menus, path: Path, value: Data) -> Data | None:
    """Another name, or one more filter, in a place of a text or condition."""
    if not isinstance(value, str) or not _PLACE.search(value):
        return None
    names = [str(p[-1]) for p, _ in sites(menus) if p[-2:-1] == ("vars",) and p[0] == path[0]]
    filters = ["|money", "|date", "|last4", "|masked"]
    if names and random.random() < 0.6:
        return _PLACE.sub("{" + random.choice(names) + "}", value, count=1)
    return _PLACE.sub(lambda found: found[0][:-1] + random.choice(filters) + "}", value, count=1)


def _other_condition(random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    if "when" not in path[-2:] or not isinstance(value, str):
        return None
    left = value.partition("}")[0] + "}"
    return random.choice([f"{left} is set", f"{left} is not set", f"{left} > 5", f"{left} == abc"])


def _other_function(random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    if path[-1] == "function":
        return random.choice(_FUNCTIONS)
    if len(path) > 3 and path[-2] == "set" and isinstance(value, dict):
        return random.choice(["5", "abc", "{msisdn}"])
    return None


def _other_kind(random: Random, _menus: Menus, path: Path, value: Data) -> Data | None:
    """A screen of another kind."""
    if path[-2] != "states" or not isinstance(value, dict):
        return None
    kind = next((each for each in ("show", "wait", "end", "input") if each in value), None)
    if kind is None:
        return None
    other = random.choice([each for each in ("show", "wait", "end") if each != kind])
    kept: Table = {key: inner for key, inner in value.items() if key in {"next", "paged"}}
    if other == "end":
        kept.pop("next", None)
    return {other: value[kind], **kept}


_CHANGES: dict[str, Change] = {
    "rename a target": _rename,
    "redirect an edge": _redirect,
    "drop a key": _drop,
    "drop an entry": _drop_entry,
    "drop an item": _drop_item,
    "drop a language": _drop_language,
    "lengthen a text": _lengthen,
    "change a type": _retype,
    "change a bound": _rebound,
    "change a key": _rekey,
    "insert a key": _insert,
    "change a place": _other_place,
    "change a condition": _other_condition,
    "change a function": _other_function,
    "change a kind": _other_kind,
}
