"""A compiled flow: what the client sees and what may follow what. Data, immutable, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ussd_app.flow.diagnostics import Position
from ussd_app.render.texts import Filter, Place, Template


@dataclass(frozen=True, slots=True)
class Text:
    """A text in each of the flow's languages; `places` is where each language's text stands."""

    by_language: Mapping[str, Template]
    at: Position
    places: Mapping[str, Position] = field(default_factory=dict)


class Type(StrEnum):
    """Types of values."""

    DIGITS = "digits"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    CHOICE = "choice"
    MSISDN = "msisdn"
    DATE = "date"
    PIN = "pin"
    BOOLEAN = "boolean"
    ROWS = "rows"
    ROW = "row"


#: Types whose values compare as numbers.
NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL})


@dataclass(frozen=True, slots=True)
class Shape:
    """What values a variable, a field or an input can take.

    `lengths` are exact numbers of digits (digits, pin), or least characters and most septets
    (text). `low` and `high` bound numbers, as typed, and dates, as YYYY-MM-DD or `today±N(d|m|y)`.
    `places` is the most decimals. `choices` are the values of a choice with their labels. `longest`
    is the longest value of a back-end's field, as text. A row has `fields`; rows have at
    most `rows_max` of them.
    """

    type: Type
    lengths: tuple[int, ...] = ()
    low: str | None = None
    high: str | None = None
    places: int = 0
    choices: Mapping[str, Text | None] = field(default_factory=dict)
    country: str = ""
    longest: str = ""
    fields: Mapping[str, Shape] = field(default_factory=dict)
    rows_max: int = 0


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. `remember_seconds` is how long its value outlives the session.

    `fact` is the name under which it is remembered, whichever flow uses it.
    """

    name: str
    shape: Shape
    at: Position
    sensitive: bool = False
    remember_seconds: float = 0.0
    label: Text | None = None
    fact: str = ""


class Operator(StrEnum):
    """How the sides of a condition are compared."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    SET = "is set"
    UNSET = "is not set"


@dataclass(frozen=True, slots=True)
class Condition:
    """`{left} operator right`; `right` is None where the operator needs none.

    `numeric`: both sides are numbers, and compare as such; the compiler finds out.
    """

    left: Place
    operator: Operator
    right: str | Place | None
    at: Position
    numeric: bool = False


#: Conditions that must all hold; none at all always hold.
When = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a screen's text: shown if `when` holds, once, or once per row of `rows`."""

    text: Text
    when: When = ()
    rows: Place | None = None
    rows_at: Position | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a screen: its parts, one under the other."""

    parts: tuple[Part, ...]
    at: Position


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a menu: its label and where it leads.

    `key` is "" where it is numbered; `language` the one it switches to, or `toggle`; with `resume`
    it leads to where the client was and is shown only if there is such a place.
    """

    label: Text
    next: str
    at: Position
    next_at: Position
    key: str = ""
    language: str | None = None
    when: When = ()
    resume: bool = False
    key_at: Position | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What a typed value must pass: a registered `rule` or a condition; `error` is shown if not."""

    rule: str
    when: When
    error: Text
    at: Position


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What a menu does with an answer that is none of its options: a value, checked and saved."""

    save: str
    next: str
    checks: tuple[Check, ...]
    at: Position
    next_at: Position


@dataclass(frozen=True, slots=True)
class Menu:
    """A fixed choice. `shortcut_at` is where the flow says that a dial string may answer it."""

    name: str
    at: Position
    body: Body
    options: tuple[Option, ...]
    otherwise: Otherwise | None = None
    shortcut: bool = True
    shortcut_at: Position | None = None
    paged: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """A choice from rows of data, then from fixed options; the chosen row is saved."""

    name: str
    at: Position
    body: Body
    rows: Place
    row: Text
    save: str
    next: str
    next_at: Position
    options: tuple[Option, ...] = ()
    empty: str = ""
    empty_at: Position | None = None
    paged: bool = True
    rows_at: Position | None = None
    save_at: Position | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A value the client types. With `keep`, it is passed over where the variable is set."""

    name: str
    at: Position
    body: Body
    save: str
    save_at: Position
    next: str
    next_at: Position
    checks: tuple[Check, ...] = ()
    attempts_max: int = 0
    attempts_next: str = ""
    attempts_at: Position | None = None
    shortcut: bool = True
    shortcut_at: Position | None = None
    keep: bool = False
    paged: bool = True


@dataclass(frozen=True, slots=True)
class Show:
    """A text to read, then on."""

    name: str
    at: Position
    body: Body
    next: str
    next_at: Position
    paged: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """A holding screen: the client asks again and goes on at `next`."""

    name: str
    at: Position
    body: Body
    next: str
    next_at: Position
    paged: bool = True


@dataclass(frozen=True, slots=True)
class End:
    """The last screen."""

    name: str
    at: Position
    body: Body
    paged: bool = True


@dataclass(frozen=True, slots=True)
class CallState:
    """A back-end is called; its outcome decides what follows.

    `once` is "" for a look-up, "session" or "visit" for a call that moves money or tells someone
    something. `waits_max` bounds the holding screens before the outcome is late. `language` is the
    one its arguments are written in, "" for the client's. `places` is where the flow says each
    outcome's target, `arguments_at` each argument.
    """

    name: str
    at: Position
    backend: str
    backend_at: Position
    arguments: Mapping[str, Text]
    arguments_at: Position
    outcomes: Mapping[str, str]
    outcomes_at: Position
    places: Mapping[str, Position]
    deadline_seconds: float
    save: str = ""
    once: str = ""
    waits_max: int = 3
    language: str = ""
    save_at: Position | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a branch."""

    when: When
    next: str
    next_at: Position


@dataclass(frozen=True, slots=True)
class Branch:
    """The first case that holds decides; else `otherwise`."""

    name: str
    at: Position
    cases: tuple[Case, ...]
    otherwise: str
    otherwise_at: Position


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of values."""

    function: str
    arguments: Mapping[str, Value]
    at: Position


#: What a `set` stores: a text with places (one place alone keeps its type), or a function's value.
Value = Text | Apply


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable and its new value. `record` holds the fields of a sub-flow's result instead."""

    name: str
    value: Value | None
    at: Position
    record: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class SetState:
    """Values are worked out and stored together; if one does not fit, none, and `otherwise`.

    `linked` marks one that a sub-flow's way in or out became: its variables need no declaration.
    """

    name: str
    at: Position
    assignments: tuple[Assignment, ...]
    forget: tuple[str, ...]
    next: str
    next_at: Position
    otherwise: str = ""
    otherwise_at: Position | None = None
    linked: bool = False


@dataclass(frozen=True, slots=True)
class FlowState:
    """A sub-flow that returns. Linking puts the sub-flow's own states in its place."""

    name: str
    at: Position
    flow: str
    flow_at: Position
    arguments: Mapping[str, Value]
    outcomes: Mapping[str, str]
    outcomes_at: Position
    places: Mapping[str, Position]
    save: str = ""
    depth: int = 1
    too_deep: str = ""
    too_deep_at: Position | None = None


Visible = Menu | Listing | Input | Show | Wait | End
State = Visible | CallState | Branch | SetState | FlowState
#: Kinds that stop a turn and show a screen.
VISIBLE = (Menu, Listing, Input, Show, Wait, End)


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys that work on every screen without wiring."""

    at: Position
    back: str = "0"
    home: str = "00"
    more: str = "98"


class How(StrEnum):
    """How a client who dials again is led back."""

    ASK = "ask"
    AT_ONCE = "at_once"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Resume:
    """Dialling again within so many seconds goes on where the client was."""

    within_seconds: float
    how: How
    never_into: Mapping[str, Position]
    at: Position


@dataclass(frozen=True, slots=True)
class OnDrop:
    """An SMS to a client whose session was dropped at one of `states`."""

    states: Mapping[str, Position]
    text: Text
    at: Position


@dataclass(frozen=True, slots=True)
class Dial:
    """A service code: the language and the state that a session on it begins with."""

    code: str
    at: Position
    language: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of a back-end: its fields, and a sample result.

    `nothing_done`: of a back-end that spends, proof that nothing was done.
    """

    name: str
    fields: Mapping[str, Shape]
    sample: Mapping[str, object]
    nothing_done: bool = False


@dataclass(frozen=True, slots=True)
class Backend:
    """A declared back-end: what goes in, what may come out, how long a client waits for it."""

    name: str
    inputs: Mapping[str, Shape]
    outcomes: Mapping[str, Outcome]
    deadline_seconds: float
    once: bool
    at: Position


@dataclass(frozen=True, slots=True)
class Function:
    """A pure function that a `set` may use.

    `inputs` are the types each argument may have; `shape` gives the result's shape from those of
    the arguments (raises `NoFit` with a sentence); `apply` its value from the arguments and a seed,
    or None where there is none.
    """

    name: str
    inputs: Mapping[str, frozenset[Type]]
    shape: Callable[[Mapping[str, Shape]], Shape]
    apply: Callable[[Mapping[str, object], int], object]


@dataclass(frozen=True, slots=True)
class Flow:
    """One compiled flow. `hash` is that of its sources: a session is pinned to it.

    `needs` names, for every screen, what must have a value when it is shown again by the back key
    or on redial, because the screen or what may follow uses it.
    """

    name: str
    hash: str
    dials: Mapping[str, Dial]
    languages: tuple[str, ...]
    start: str
    home: str
    keys: Keys
    variables: Mapping[str, Variable]
    states: Mapping[str, State]
    system: Mapping[str, Text]
    backends: Mapping[str, Backend]
    filters: Mapping[str, Filter]
    functions: Mapping[str, Function]
    rules: Mapping[str, Callable[[str], bool]]
    at: Position
    alphabet: str = "transliterate"
    language_seconds: float = 0.0
    resume: Resume | None = None
    on_drop: tuple[OnDrop, ...] = ()
    arguments: Mapping[str, Variable] = field(default_factory=dict)
    returns: Mapping[str, Mapping[str, Value]] | None = None
    needs: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @property
    def service_codes(self) -> tuple[str, ...]:
        """The codes a client may dial."""
        return tuple(self.dials)
