"""The JSON Schema of transcripts, for editors: what a key is for, what may stand under it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ussd_app.replay.reading import LEAVES
from ussd_app.replay.transcript import How, Verb

Schema = dict[str, Any]

#: A scalar of YAML is the text that was typed, quoted or not.
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_DURATION = r"^\d{1,6}(\.\d{1,3})?(ms|s|m|h|d)$"
_DOES = {
    Verb.SEND: "What the client types.",
    Verb.SEE: "The screen, and that the session goes on.",
    Verb.END: "The last screen, and that the session has ended.",
    Verb.DIAL: "Dials again.",
    Verb.SMS: "An SMS arrives.",
    Verb.REPEAT: "The same callback once more shows the very same.",
    Verb.DROP: "The client leaves, or does not answer.",
    Verb.LATE: "The back-end whose next answer does not come in the time of its hop.",
    Verb.FAILED: "The back-end whose next answer is `failed`.",
    Verb.WAIT: "Time goes by, such as 5m.",
}


def transcript_schema() -> Schema:
    """The schema of a `*.dial.yaml` file (JSON Schema draft 7)."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A transcript of Cassou",
        **_object(
            {
                "cassou": {"enum": [1, "1"], "description": "The version of this language."},
                "transcript": {**_TEXT, "description": "What this dialog shows."},
                "msisdn": {**_TEXT, "description": "The number that dials, in E.164."},
                "dial": {**_TEXT, "description": "The service code, perhaps with a shortcut."},
                "examples": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "additionalProperties": _TEXT},
                    "description": "Rows whose columns fill the places {COLUMN}: one dialog each.",
                },
                "backends": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": _answer()},
                    "description": "What each back-end answers, one after the other.",
                },
                "steps": {
                    "type": "array",
                    "items": {"oneOf": [_step(verb) for verb in Verb]},
                    "description": "What is done and seen, in order.",
                },
                "after": _after(),
            },
            ["cassou", "transcript", "dial", "steps"],
        ),
    }


def write(directory: Path) -> Path:
    """Write the schema as `transcript.schema.json`; its path. Raises OSError."""
    path = directory / "transcript.schema.json"
    path.write_text(json.dumps(transcript_schema(), indent=2) + "\n", "utf-8")
    return path


def _object(properties: Schema, required: list[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def _answer() -> Schema:
    rows = {"type": "array", "items": {"type": "object", "additionalProperties": _TEXT}}
    fields = {"type": "object", "additionalProperties": {"anyOf": [_TEXT, rows]}}
    return _object({"outcome": _TEXT, "fields": fields}, ["outcome"])


def _step(verb: Verb) -> Schema:
    value: Schema = dict(_TEXT)
    if verb in {Verb.SEE, Verb.END, Verb.SMS}:
        one = [_object({how: _TEXT}, [how]) for how in How]
        value = {"anyOf": [_TEXT, *one]}
    elif verb is Verb.DROP:
        value = {"enum": list(LEAVES)}
    elif verb is Verb.REPEAT:
        value = {"enum": ["same"]}
    elif verb is Verb.WAIT:
        value = {"type": "string", "pattern": _DURATION}
    return _object({verb: {**value, "description": _DOES[verb]}}, [verb])


def _after() -> Schema:
    count = {"type": "integer", "minimum": 0, "maximum": 1000}
    return {
        **_object(
            {
                "calls": {"type": "object", "additionalProperties": count},
                "messages": {**count, "description": "How many SMS the flow itself sent."},
                "masked": {"type": "array", "items": _TEXT},
            },
            [],
        ),
        "description": "What must hold once all is played.",
    }
