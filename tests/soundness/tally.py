"""What the passed flows and the walks through them have reached, counted by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.soundness.made_files import Data, Menus
from ussd_app.flow.model import Flow
from ussd_app.states import Moves

KINDS = ("menu", "list", "input", "show", "wait", "end", "call", "branch", "set", "flow")
KEYS: dict[str, tuple[str, ...]] = {
    "menu": ("options", "otherwise", "shortcut", "paged"),
    "list": ("rows", "row", "save", "next", "options", "empty", "paged"),
    "input": ("save", "check", "attempts", "next", "shortcut", "keep", "paged"),
    "show": ("next", "paged"),
    "wait": ("next", "paged"),
    "end": ("paged",),
    "call": ("with", "in", "save", "deadline", "outcomes", "once_per", "waits"),
    "branch": ("else",),
    "set": ("forget", "next", "else"),
    "flow": ("with", "save", "outcomes", "depth", "too_deep"),
    "option": ("label", "next", "key", "language", "when", "resume"),
    "part": ("text", "when", "rows"),
    "check": ("rule", "when", "error"),
    "otherwise": ("save", "check", "next"),
    "variable": (
        "type", "label", "sensitive", "remember", "lengths", "min", "max", "places", "values",
        "country", "fields", "rows_max",
    ),
    "file": (
        "service_codes", "home", "keys", "alphabet", "resume", "on_drop", "vars", "args", "returns",
    ),
}  # fmt: skip
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "is set", "is not set")
TYPES = (
    "digits", "pin", "integer", "decimal", "text", "choice", "msisdn", "date", "row", "rows",
    "boolean",
)  # fmt: skip
FUNCTIONS = (
    "rows.none", "rows.add", "rows.drop_last", "rows.remove", "rows.minus", "rows.first",
    "rows.at", "rows.count", "rows.sum", "number.add", "number.subtract", "number.multiply",
    "number.pick", "date.of", "shop.discount", "shop.initials", "shop.ladder",
)  # fmt: skip
FILTERS = ("money", "masked", "groups4", "last4", "upper", "date", "unit", "reversed")
TRIGGERS = (
    "option", "row", "empty", "typed", "kept", "otherwise", "attempts", "next", "outcome", "case",
    "else", "set", "home", "back",
)  # fmt: skip
ALPHABETS = ("transliterate", "ucs2", "error")
HOWS = ("ask", "at_once", "entry")
#: What happens in walks beside moves.
EVENTS = (
    "answer", "result", "hold", "drop", "dial", "late", "failed", "junk", "shortcut", "fact",
    "remembered", "resumed", "paged", "notice", "alone", "message", "ended", "once", "sensitive",
)  # fmt: skip

#: Everything there is, by the group it is counted under.
GROUPS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    **{f"{kind} key": keys for kind, keys in KEYS.items()},
    "type": TYPES,
    "operator": OPERATORS,
    "function": FUNCTIONS,
    "filter": FILTERS,
    "alphabet": ALPHABETS,
    "how": HOWS,
    "languages": ("1", "2", "3"),
    "trigger": TRIGGERS,
    "event": EVENTS,
}


@dataclass
class Tally:
    """Counts, by (group, name)."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    flows: int = 0
    passed: int = 0
    steps: int = 0

    def note(self, group: str, *names: str) -> None:
        """Count these once."""
        self.counts.update((group, name) for name in names)

    def missing(self) -> list[str]:
        """What was never reached."""
        return [
            f"{group}: {name}"
            for group, names in GROUPS.items()
            for name in names
            if not self.counts[group, name]
        ]

    def table(self) -> str:
        """All counts, a line for a group."""
        share = 100 * self.passed // max(self.flows, 1)
        lines = [f"{self.passed} of {self.flows} flows pass ({share} %); {self.steps} steps"]
        for group, names in GROUPS.items():
            counts = ", ".join(f"{name} {self.counts[group, name]}" for name in names)
            lines.append(f"{group}: {counts}")
        return "\n".join(lines)

    def flow(self, menus: Menus, flow: Flow) -> None:
        """Count what a passed application is made of."""
        for top in (menus.flow, *menus.subs.values()):
            self.note("file key", *top)
            for name in ("states", "vars", "args"):
                entries = top.get(name, {})
                for each in entries.values() if isinstance(entries, dict) else ():
                    self._entry("variable" if name != "states" else "", each)
            self._words(top)
        self.note("alphabet", flow.alphabet)
        self.note("languages", str(len(flow.languages)))
        if flow.resume is not None:
            self.note("how", flow.resume.how)

    def _entry(self, what: str, data: Data) -> None:
        if not isinstance(data, dict):
            return
        kind = what or next(each for each in KINDS if each in data)
        if not what:
            self.note("kind", kind)
        self.note(f"{kind} key", *data)
        if what:
            self.note("type", str(data["type"]))
            return
        for inner, key in (("option", "options"), ("check", "check"), ("part", kind)):
            items = data.get(key)
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):
                    self.note(f"{inner} key", *item)
        other = data.get("otherwise")
        if isinstance(other, dict):
            self.note("otherwise key", *other)

    def _words(self, data: Data) -> None:
        if isinstance(data, str):
            for each in OPERATORS:
                if f"}} {each}" in data:
                    self.note("operator", each)
            for each in FILTERS:
                if f"|{each}" in data:
                    self.note("filter", each)
            return
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            if key == "function":
                self.note("function", str(inner))
            self._words(inner)


class NotingMoves(Moves):
    """The moves of a flow that count what triggers them; `taken` are those of the running turn."""

    def __init__(self, flow: Flow, tally: Tally) -> None:
        super().__init__(flow)
        self._tally = tally
        self.taken: list[tuple[str, str]] = []

    def move(self, state: str, trigger: str) -> str:
        """See `Moves.move`."""
        self._tally.note("trigger", trigger.partition(":")[0])
        self.taken.append((state, trigger))
        return super().move(state, trigger)

    def back(self, state: str, before: str) -> str:
        """See `Moves.back`."""
        self._tally.note("trigger", "back")
        self.taken.append((state, "back"))
        return super().back(state, before)
