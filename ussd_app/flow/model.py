"""A compiled flow: what the client sees and what may follow what. Data, immutable, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ussd_app.flow.diagnostics import Position
from ussd_app.render.texts import Filter, Place, Template


@dataclass(frozen=True, slots=True)
class Text:
    """A text in each of the flow's languages."""

    by_language: Mapping[str, Template]
    at: Position


class Type(StrEnum):
    """Types of a variable that the client types in."""

    DIGITS = "digits"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that an input fills.

    `lengths` bound digits (exact numbers of digits) or text (least and most characters); `low` and
    `high` bound numbers, as typed; `places` is the most decimals.
    """

    name: str
    type: Type
    at: Position
    lengths: tuple[int, ...] = ()
    low: str | None = None
    high: str | None = None
    places: int = 0
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a menu: its key, its label, where it leads, and the language it switches to."""

    key: str
    label: Text
    next: str
    at: Position
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A registered rule that a typed value must pass, and what to say when it does not."""

    rule: str
    error: Text
    at: Position


@dataclass(frozen=True, slots=True)
class Menu:
    """A fixed choice."""

    name: str
    at: Position
    text: Text
    options: tuple[Option, ...]
    shortcut: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """A choice from rows of data: each is an option, the chosen one is saved."""

    name: str
    at: Position
    text: Text
    rows: Place
    row: Text
    save: str
    next: str


@dataclass(frozen=True, slots=True)
class Input:
    """A value the client types."""

    name: str
    at: Position
    text: Text
    save: str
    next: str
    checks: tuple[Check, ...] = ()
    attempts_max: int = 0
    attempts_next: str = ""
    shortcut: bool = True


@dataclass(frozen=True, slots=True)
class Show:
    """A text to read, then on; with `rows`, one more line per row of data."""

    name: str
    at: Position
    text: Text
    next: str
    rows: Place | None = None
    row: Text | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A holding screen: the client asks again and goes on at `next`."""

    name: str
    at: Position
    text: Text
    next: str


@dataclass(frozen=True, slots=True)
class End:
    """The last screen."""

    name: str
    at: Position
    text: Text


@dataclass(frozen=True, slots=True)
class CallState:
    """A back-end is called; its outcome decides what follows.

    `places` is where the flow says each outcome's target, and under "" the back-end's name.

    `once` is "" for a look-up, "session" or "visit" for a call that moves money or tells someone
    something. `waits_max` bounds the holding screens before the outcome is late.
    """

    name: str
    at: Position
    backend: str
    arguments: Mapping[str, Template]
    outcomes: Mapping[str, str]
    places: Mapping[str, Position]
    deadline_seconds: float
    save: str = ""
    once: str = ""
    waits_max: int = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """`{left} operator right`: numbers compare as numbers, all else as text."""

    left: Place
    operator: str
    right: str


@dataclass(frozen=True, slots=True)
class Branch:
    """The first condition that holds decides; else `otherwise`."""

    name: str
    at: Position
    cases: tuple[tuple[Condition, str], ...]
    otherwise: str


State = Menu | Listing | Input | Show | Wait | End | CallState | Branch
#: Kinds that stop a turn and show a screen.
VISIBLE = (Menu, Listing, Input, Show, Wait, End)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that work on every screen without wiring."""

    back: str = "0"
    home: str = "00"
    more: str = "98"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a back-end's result. `longest` is the longest value it can take, as text."""

    name: str
    type: str
    longest: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    rows_max: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a back-end: its fields, and a sample result."""

    name: str
    fields: Mapping[str, Field]
    sample: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Backend:
    """A declared back-end: what goes in, what may come out, how long a client waits for it."""

    name: str
    inputs: tuple[str, ...]
    outcomes: Mapping[str, Outcome]
    deadline_seconds: float
    once: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Flow:
    """One compiled flow. `hash` is that of its sources: a session is pinned to it."""

    name: str
    hash: str
    service_codes: tuple[str, ...]
    languages: tuple[str, ...]
    start: str
    home: str
    keys: Keys
    variables: Mapping[str, Variable]
    states: Mapping[str, State]
    system: Mapping[str, Text]
    backends: Mapping[str, Backend]
    filters: Mapping[str, Filter]
