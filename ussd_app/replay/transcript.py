"""Transcripts: dialogs as a person writes and reads them, `*.dial.yaml`. Nouns only.

`reading.py` makes them of YAML, `writing.py` makes YAML of them, `player.py` plays them. The
language is told in docs/transcripts.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ussd_app.flow.diagnostics import Position

#: The number that dials where a transcript names none: the simulators' first client.
MSISDN = "+22670999000"
SUFFIX = ".dial.yaml"
#: Many transcripts in one file, a line of JSON each.
RECORDINGS = ".dial.jsonl"


#: Where a step stands that a machine made.
NOWHERE = Position("", 0, 0, 0, 0)


class Verb(StrEnum):
    """What one step does, or expects."""

    SEND = "send"
    SEE = "see"
    END = "end"
    DIAL = "dial"
    SMS = "sms"
    REPEAT = "repeat"
    DROP = "drop"
    LATE = "late"
    FAILED = "failed"
    WAIT = "wait"


#: Steps that say what must be so; the others do something.
EXPECTING = frozenset({Verb.SEE, Verb.END, Verb.SMS})


class How(StrEnum):
    """How an expectation is compared."""

    CONTAINS = "contains"
    EXACT = "exact"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    `text` is what is sent, dialled or expected, the back-end that is late or fails, or how the
    client left; `seconds` is how long a `wait` takes.
    """

    verb: Verb
    text: str
    at: Position
    how: How = How.CONTAINS
    seconds: float = 0.0

    def matches(self, shown: str) -> bool:
        """Whether a screen or SMS is as expected."""
        match self.how:
            case How.EXACT:
                return shown == self.text
            case How.REGEX:
                return re.search(self.text, shown) is not None
            case How.CONTAINS:
                return self.text in shown


#: A field of an answer: a text, or rows of texts.
Field = str | tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scripted:
    """What a back-end answers in process: an outcome, and fields that differ from the sample."""

    outcome: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class After:
    """What must hold once all steps are played.

    `calls` is how often each back-end was called, repeats of one call counted once; `messages` how
    many SMS the flow itself sent; `masked` names variables, or fields of them, that stood whole on
    no screen and in no SMS.
    """

    calls: Mapping[str, int] = field(default_factory=dict)
    messages: int | None = None
    masked: tuple[str, ...] = ()
    at: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Transcript:
    """One dialog. `example` is the row of the table it was filled from, by column."""

    name: str
    file: str
    msisdn: str
    dial: str
    backends: Mapping[str, tuple[Scripted, ...]]
    steps: tuple[Step, ...]
    after: After = field(default_factory=After)
    example: Mapping[str, str] = field(default_factory=dict)
    at: Position | None = None
