"""Transcripts from YAML, mistakes told at their place; a table of examples makes several of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ussd_app.flow.diagnostics import FlowError, Position, did_you_mean
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar, Sequence, read
from ussd_app.replay.transcript import (
    EXPECTING,
    MSISDN,
    RECORDINGS,
    After,
    Field,
    How,
    Scripted,
    Step,
    Transcript,
    Verb,
)

_TOP_KEYS = ("cassou", "transcript", "msisdn", "dial", "examples", "backends", "steps", "after")
_AFTER_KEYS = ("calls", "messages", "masked")
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_CALLS_MAX = 1000
#: Ways in which a client leaves, as gateways tell them.
LEAVES = ("cancel", "timeout")


def load(path: Path) -> list[Transcript]:
    """The transcripts in a file: one, or one for each of its examples, or one a line of recordings.

    Raises `FlowError` with positions, OSError, UnicodeDecodeError.
    """
    source = path.read_text("utf-8")
    if path.name.endswith(RECORDINGS):
        return [
            transcript
            for number, line in enumerate(source.splitlines(), 1)
            if line.strip()
            for transcript in recorded(line, str(path), number)
        ]
    return parse(source, str(path))


def recorded(line: str, file: str, number: int) -> list[Transcript]:
    """The transcript on one line of recordings; raises `FlowError`.

    What a machine wrote is read at a machine's speed; only what is wrong is read as YAML, which
    tells the place.
    """
    at = Position(file, number, 1, number, 2)
    try:
        found = json.loads(line)
        if set(found) <= _QUICK and found["cassou"] == 1:
            return [_quick(found, file, at)]
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return parse("\n" * (number - 1) + line, file)


#: Keys of a line that is read without positions.
_QUICK = {"cassou", "transcript", "msisdn", "dial", "backends", "steps"}


def _quick(found: Mapping[str, Any], file: str, at: Position) -> Transcript:
    steps = []
    for each in found["steps"]:
        ((verb, value),) = each.items()
        if isinstance(value, dict):
            ((how, text),) = value.items()
            steps.append(Step(Verb(verb), str(text), at, How(how)))
        elif verb == Verb.WAIT:
            steps.append(Step(Verb.WAIT, value, at, seconds=float(value.removesuffix("s"))))
        else:
            steps.append(Step(Verb(verb), str(value), at))
    return Transcript(
        str(found["transcript"]),
        file,
        str(found.get("msisdn", MSISDN)),
        str(found["dial"]),
        {
            name: tuple(Scripted(each["outcome"], each.get("fields", {})) for each in answers)
            for name, answers in found.get("backends", {}).items()
        },
        tuple(steps),
        at=at,
    )


def parse(source: str, file: str) -> list[Transcript]:
    """The transcripts in a text; raises `FlowError` with positions."""
    reader = Reader(file, source)
    node, problems = read(source, file)
    if node is None:
        raise FlowError(problems, {file: source})
    reader.problems += problems
    what = "a transcript"
    top = reader.mapping(node, what, _TOP_KEYS)
    reader.version(top, what)
    items = reader.sequence(top.get("steps"), '"steps:"', top.at)
    dial = reader.word(top, "dial", what)
    transcript = Transcript(
        reader.word(top, "transcript", what),
        file,
        reader.word(top, "msisdn", what, MSISDN),
        dial,
        _backends(reader, top.get("backends")),
        tuple(step for step in (_step(reader, item) for item in items) if step is not None),
        _after(reader, top.get("after")),
        at=top.by_name["dial"].at if "dial" in top.by_name else top.at,
    )
    rows = _examples(reader, top.get("examples"))
    if rows:
        _check_places(reader, transcript, top, rows[0])
    if reader.problems:
        raise FlowError(reader.problems, {file: source})
    return [_filled(transcript, row) for row in rows] if rows else [transcript]


# A table of examples.


def _examples(reader: Reader, node: Node | None) -> list[dict[str, str]]:
    if node is None:
        return []
    rows: list[dict[str, str]] = []
    for item in reader.sequence(node, '"examples:"', node.at):
        row = {
            reader.name(key, "a column"): reader.scalar(value, f'"{key.value}:"').value
            for key, value in reader.mapping(item, "an example", None).entries
        }
        if rows and set(row) != set(rows[0]):
            columns = ", ".join(rows[0])
            reader.problem(item.at, "wrong-shape", f"every example has the same columns: {columns}")
        rows.append(row)
    if not rows:
        reader.problem(node.at, "wrong-shape", '"examples:" needs one row at least')
    return rows


def _check_places(
    reader: Reader, transcript: Transcript, top: MappingNode, row: Mapping[str, str]
) -> None:
    """Every place names a column, every column has a place."""
    used = set()
    for text, at, how in _texts(transcript):
        for match in _PLACE.finditer(text):
            used.add(match[1])
            if match[1] not in row and how is not How.REGEX:
                hint = did_you_mean(match[1], row)
                reader.problem(at, "unknown-variable", f'no column "{match[1]}"{hint}')
    for column in row:
        if column not in used and column != "name":
            at = top.by_name["examples"].at
            reader.problem(at, "unused-variable", f'no step uses the column "{column}"')


def _texts(transcript: Transcript) -> Iterator[tuple[str, Position, How]]:
    """Every text that examples fill."""
    if transcript.at is not None:
        for text in (transcript.name, transcript.msisdn, transcript.dial):
            yield text, transcript.at, How.CONTAINS
        for answers in transcript.backends.values():
            for answer in answers:
                for text in (answer.outcome, *_words(answer.fields)):
                    yield text, transcript.at, How.CONTAINS
    for step in transcript.steps:
        yield step.text, step.at, step.how


def _words(fields: Mapping[str, Field]) -> Iterator[str]:
    for value in fields.values():
        if isinstance(value, str):
            yield value
        else:
            yield from (text for row in value for text in row.values())


def _filled(transcript: Transcript, row: Mapping[str, str]) -> Transcript:
    """The transcript of one example; its name tells which."""

    def fill(text: str, *, quoted: bool = False) -> str:
        def value(match: re.Match[str]) -> str:
            found = row.get(match[1])
            if found is None:
                return match[0]
            return re.escape(found) if quoted else found

        return _PLACE.sub(value, text)

    def fill_field(value: Field) -> Field:
        if isinstance(value, str):
            return fill(value)
        return tuple({name: fill(text) for name, text in row.items()} for row in value)

    name = fill(transcript.name)
    if name == transcript.name:
        told = row.get("name") or ", ".join(f"{column} {value}" for column, value in row.items())
        name = f"{name} [{told}]"
    return replace(
        transcript,
        name=name,
        msisdn=fill(transcript.msisdn),
        dial=fill(transcript.dial),
        backends={
            backend: tuple(
                Scripted(
                    fill(answer.outcome),
                    {field: fill_field(value) for field, value in answer.fields.items()},
                )
                for answer in answers
            )
            for backend, answers in transcript.backends.items()
        },
        steps=tuple(
            replace(step, text=fill(step.text, quoted=step.how is How.REGEX))
            for step in transcript.steps
        ),
        example=row,
    )


# Back-ends, and what must hold afterwards.


def _backends(reader: Reader, node: Node | None) -> dict[str, tuple[Scripted, ...]]:
    if node is None:
        return {}
    return {
        key.value: tuple(
            _scripted(reader, item) for item in reader.sequence(value, f'"{key.value}:"', key.at)
        )
        for key, value in reader.mapping(node, '"backends:"', None).entries
    }


def _scripted(reader: Reader, node: Node) -> Scripted:
    body = reader.mapping(node, "an answer", ("outcome", "fields"))
    fields = body.get("fields")
    return Scripted(
        reader.word(body, "outcome", "an answer"),
        {
            key.value: _field(reader, key.value, value)
            for key, value in (reader.mapping(fields, '"fields:"', None).entries if fields else ())
        },
    )


def _field(reader: Reader, name: str, node: Node) -> Field:
    if not isinstance(node, Sequence):
        return reader.scalar(node, f'"{name}:"').value
    return tuple(
        {
            key.value: reader.scalar(value, f'"{key.value}:"').value
            for key, value in reader.mapping(item, "a row", None).entries
        }
        for item in node.items
    )


def _after(reader: Reader, node: Node | None) -> After:
    if node is None:
        return After()
    body = reader.mapping(node, '"after:"', _AFTER_KEYS)
    at = {key.value: key.at for key, _ in body.entries}
    calls: dict[str, int] = {}
    if "calls" in body.by_name:
        inner = reader.mapping(body.by_name["calls"], '"calls:"', None)
        for key, _ in inner.entries:
            calls[key.value] = reader.integer(inner, key.value, 0, 0, _CALLS_MAX)
            at[key.value] = key.at
    messages = None
    if "messages" in body.by_name:
        messages = reader.integer(body, "messages", 0, 0, _CALLS_MAX)
    masked = tuple(
        reader.scalar(item, "a variable").value
        for item in (
            reader.sequence(body.by_name["masked"], '"masked:"', node.at)
            if "masked" in body.by_name
            else ()
        )
    )
    return After(calls, messages, masked, at)


# Steps.


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
        return _plain_step(reader, node, verb, value, key.at)
    if verb not in EXPECTING:
        reader.problem(value.at, "wrong-shape", f'"{verb}:" takes one text')
        return None
    inner = reader.mapping(value, f'"{verb}:"', tuple(How))
    for how in How:
        if how in inner.by_name:
            return Step(verb, _expected(reader, inner, how), key.at, how)
    reader.problem(value.at, "missing-key", "say contains, exact or regex")
    return None


def _plain_step(reader: Reader, node: MappingNode, verb: Verb, value: Scalar, at: Position) -> Step:
    if verb is Verb.WAIT:
        return Step(verb, value.value, at, seconds=reader.seconds(node, "wait", 0.0))
    if verb is Verb.DROP:
        return Step(verb, reader.one_of(node, "drop", LEAVES, LEAVES[0]), at)
    if verb is Verb.REPEAT:
        return Step(verb, reader.one_of(node, "repeat", ("same",), "same"), at)
    return Step(verb, value.value, at)


def _expected(reader: Reader, inner: MappingNode, how: How) -> str:
    scalar = reader.scalar(inner.by_name[how], f'"{how}:"')
    if how is How.REGEX:
        try:
            re.compile(scalar.value)
        except re.error as error:
            reader.problem(scalar.at, "bad-regex", f"not a regular expression: {error}")
            return ""
    return scalar.value
