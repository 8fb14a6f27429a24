"""Transcripts: dialogs as YAML that a person writes and reads, `*.dial.yaml`.

cassou: 1
transcript: an unknown customer number is told
msisdn: "+22670999000"
dial: "*789#"
backends:                           # in process only; others give the catalogue's sample
customers.find: [{outcome: unknown}]
steps:
- see: Bienvenue                  # the screen contains this; {exact: …} or {regex: …}
- send: "1"
- late: customers.find            # its next answer does not come in the time of that hop
- repeat: same                    # the same callback again shows the very same
- end: Au revoir                  # the last screen, containing this
- sms: Code                       # an SMS arrives, containing this (over HTTP only)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ussd_app.flow.diagnostics import FlowError, Position, did_you_mean
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar, read

_TOP_KEYS = ("cassou", "transcript", "msisdn", "dial", "backends", "steps")


class Verb(StrEnum):
    """What one step does, or expects."""

    SEND = "send"
    SEE = "see"
    END = "end"
    REPEAT = "repeat"
    LATE = "late"
    SMS = "sms"


class How(StrEnum):
    """How an expectation is compared."""

    CONTAINS = "contains"
    EXACT = "exact"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `text` is what is sent, expected, or the back-end that is late."""

    verb: Verb
    text: str
    at: Position
    how: How = How.CONTAINS

    def matches(self, shown: str) -> bool:
        """Whether a screen or SMS is as expected."""
        match self.how:
            case How.EXACT:
                return shown == self.text
            case How.REGEX:
                return re.search(self.text, shown) is not None
            case How.CONTAINS:
                return self.text in shown


@dataclass(frozen=True, slots=True)
class Scripted:
    """What a back-end answers in process: an outcome, and fields that differ from the sample."""

    outcome: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One dialog."""

    name: str
    file: str
    msisdn: str
    dial: str
    backends: Mapping[str, tuple[Scripted, ...]]
    steps: tuple[Step, ...]


def load(path: Path) -> Transcript:
    """The transcript in a file; raises `FlowError` with positions, OSError."""
    source = path.read_text("utf-8")
    reader = Reader(str(path), source)
    node, problems = read(source, str(path))
    reader.problems += problems
    top = reader.mapping(node, "a transcript", _TOP_KEYS)
    if reader.word(top, "cassou", "a transcript") not in {"1", ""}:
        reader.problem(top.at, "wrong-version", 'this Cassou reads "cassou: 1"')
    backends = top.get("backends")
    scripted = {
        key.value: tuple(
            _scripted(reader, item) for item in reader.sequence(value, f'"{key.value}:"', key.at)
        )
        for key, value in (
            reader.mapping(backends, '"backends:"', None).entries if backends else ()
        )
    }
    items = reader.sequence(top.get("steps"), '"steps:"', top.at)
    steps = tuple(step for step in (_step(reader, item) for item in items) if step is not None)
    transcript = Transcript(
        reader.word(top, "transcript", "a transcript"),
        str(path),
        reader.word(top, "msisdn", "a transcript", "+22670999000"),
        reader.word(top, "dial", "a transcript"),
        scripted,
        steps,
    )
    if reader.problems:
        raise FlowError(reader.problems, {str(path): source})
    return transcript


def _scripted(reader: Reader, node: Node) -> Scripted:
    body = reader.mapping(node, "an answer", ("outcome", "fields"))
    fields = body.get("fields")
    return Scripted(
        reader.word(body, "outcome", "an answer"),
        {
            key.value: reader.scalar(value, f'"{key.value}:"').value
            for key, value in (reader.mapping(fields, '"fields:"', None).entries if fields else ())
        },
    )


def _step(reader: Reader, node: Node) -> Step | None:
    if not isinstance(node, MappingNode) or len(node.entries) != 1:
        reader.problem(node.at, "wrong-shape", "a step is one of " + ", ".join(Verb))
        return None
    key, value = node.entries[0]
    if key.value not in set(Verb):
        hint = did_you_mean(key.value, Verb)
        reader.problem(key.at, "unknown-key", f'no step "{key.value}"{hint}')
        return None
    verb = Verb(key.value)
    if isinstance(value, Scalar):
        return Step(verb, value.value, key.at)
    if verb not in {Verb.SEE, Verb.END, Verb.SMS}:
        reader.problem(value.at, "wrong-shape", f'"{verb}:" takes one text')
        return None
    inner = reader.mapping(value, f'"{verb}:"', tuple(How))
    for how in How:
        if how in inner.by_name:
            return Step(verb, _expected(reader, inner, how), key.at, how)
    reader.problem(value.at, "missing-key", "say contains, exact or regex")
    return None


def _expected(reader: Reader, inner: MappingNode, how: How) -> str:
    scalar = reader.scalar(inner.by_name[how], f'"{how}:"')
    if how is How.REGEX:
        try:
            re.compile(scalar.value)
        except re.error as error:
            reader.problem(scalar.at, "bad-regex", f"not a regular expression: {error}")
            return ""
    return scalar.value
