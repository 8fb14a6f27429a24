"""Transcripts as YAML that a person reads, and as one line of JSON, of which recordings have many.

Both say the same in the same words: JSON is YAML, and `reading.py` reads either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ussd_app.replay.transcript import EXPECTING, MSISDN, After, How, Step, Transcript, Verb

_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def as_yaml(transcript: Transcript) -> str:
    """The transcript as a file of its own."""
    return "".join(f"{line}\n" for line in _lines(transcript))


def as_json(transcript: Transcript) -> str:
    """The transcript on one line."""
    found: dict[str, Any] = {"cassou": 1, "transcript": transcript.name}
    if transcript.msisdn != MSISDN:
        found["msisdn"] = transcript.msisdn
    found["dial"] = transcript.dial
    if transcript.backends:
        found["backends"] = {
            name: [
                {"outcome": each.outcome, **({"fields": dict(each.fields)} if each.fields else {})}
                for each in answers
            ]
            for name, answers in transcript.backends.items()
        }
    found["steps"] = [{step.verb: _value(step)} for step in transcript.steps]
    after = _after(transcript.after)
    if after:
        found["after"] = after
    return _quoted(found)


def _value(step: Step) -> object:
    if step.verb is Verb.WAIT:
        return f"{step.seconds:.3f}".rstrip("0").rstrip(".") + "s"
    if step.verb in EXPECTING and step.how is not How.CONTAINS:
        return {step.how: step.text}
    return step.text


def _after(after: After) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if after.calls:
        found["calls"] = dict(after.calls)
    if after.messages is not None:
        found["messages"] = after.messages
    if after.masked:
        found["masked"] = list(after.masked)
    return found


def _lines(transcript: Transcript) -> Iterator[str]:
    yield "cassou: 1"
    yield f"transcript: {_quoted(transcript.name)}"
    if transcript.msisdn != MSISDN:
        yield f"msisdn: {_quoted(transcript.msisdn)}"
    yield f"dial: {_quoted(transcript.dial)}"
    if transcript.backends:
        yield "backends:"
        for name, answers in transcript.backends.items():
            yield f"  {name}:"
            for answer in answers:
                fields = f", fields: {_inline(answer.fields)}" if answer.fields else ""
                yield f"    - {{outcome: {answer.outcome}{fields}}}"
    yield "steps:"
    for step in transcript.steps:
        value = _value(step)
        shown = _inline(value) if isinstance(value, Mapping) else _word(step, str(value))
        yield f"  - {step.verb}: {shown}"
    after = _after(transcript.after)
    if after:
        yield "after:"
        for key, value in after.items():
            shown = _inline(value) if isinstance(value, Mapping) else json.dumps(value)
            yield f"  {key}: {shown}"


def _word(step: Step, value: str) -> str:
    plain = {Verb.REPEAT, Verb.DROP, Verb.LATE, Verb.FAILED, Verb.WAIT}
    return value if step.verb in plain else _quoted(value)


def _inline(values: Mapping[str, object]) -> str:
    pairs = (f"{name}: {_quoted(value)}" for name, value in values.items())
    return f"{{{', '.join(pairs)}}}"


def _quoted(value: object) -> str:
    """JSON that is YAML too, which has more characters that must be escaped (YAML 1.2.2, 5.1)."""
    return _ESCAPED.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False)
    )
