"""JSON Schemas of the files a designer writes, for completion and hover in an editor.

Draft 7, which YAML language servers know best. A file names its schema in its first line:
`# yaml-language-server: $schema=flow.schema.json`. A schema tells the shape of a file; that names
exist, values fit and screens are short enough is for `cassou check`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ussd_app.designer import schema_catalogue, schema_states, schema_values
from ussd_app.designer import schema_texts as texts
from ussd_app.designer import schema_words as words
from ussd_app.designer.schema_words import Schema
from ussd_app.flow.compiler import ALPHABETS
from ussd_app.flow.languages import LANGUAGES_MAX
from ussd_app.flow.model import How

_DRAFT = "http://json-schema.org/draft-07/schema#"


def flow_schema() -> Schema:
    """The schema of a flow."""
    needs = ("cassou", "flow", "languages", "start", "states")
    keys = _shared_keys()
    # `returns` makes a sub-flow of it; the key is offered in every flow.
    schema: Schema = {
        "type": "object",
        "description": "A flow: what a client sees, and what follows.",
        "properties": {"returns": _returns()},
        "if": {"required": ["returns"]},
        "then": words.record({**keys, **_sub_flow_keys()}, needs),
        "else": words.record({**keys, **_flow_keys()}, (*needs, "service_codes")),
    }
    pieces = {
        **schema_states.definitions(),
        "variable": schema_values.variable(),
        "value_field": schema_values.field(),
    }
    return _document("A Cassou flow", schema, pieces)


def catalogue_schema() -> Schema:
    """The schema of the catalogue of back-ends and functions, `catalogue.yaml`."""
    schema = words.record(
        schema_catalogue.catalogue(), ("cassou",), "The back-ends and functions of an application."
    )
    schema |= {"if": {"not": {"required": ["functions"]}}, "then": {"required": ["backends"]}}
    return _document("A Cassou catalogue", schema, schema_catalogue.definitions())


def system_schema() -> Schema:
    """The schema of the framework's own texts, `system.yaml`."""
    schema = words.record(
        schema_catalogue.system(),
        ("cassou", "languages", "texts"),
        "The texts the framework itself shows, in every language any flow may use.",
    )
    return _document("The texts of Cassou itself", schema, {"text": texts.text()})


def schemas() -> dict[str, Schema]:
    """Every schema by the name of the kind of file it is for."""
    return {"flow": flow_schema(), "catalogue": catalogue_schema(), "system": system_schema()}


def write_all(directory: Path) -> list[Path]:
    """Write every schema to `directory` as `NAME.schema.json`; the paths. Raises OSError."""
    written = []
    for name, schema in schemas().items():
        path = directory / f"{name}.schema.json"
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", "utf-8")
        written.append(path)
    return written


def _document(title: str, schema: Schema, definitions: dict[str, Schema]) -> Schema:
    return {"$schema": _DRAFT, **schema, "title": title, "definitions": definitions}


def _shared_keys() -> dict[str, Schema]:
    """The keys every flow may have."""
    return {
        "cassou": words.version(),
        "flow": words.flow("The name of the flow, such as village-market."),
        "languages": _languages(),
        "start": words.state("The first state."),
        "alphabet": words.word(
            ALPHABETS,
            "What becomes of a character outside GSM-7. transliterate: the nearest one is sent; "
            "ucs2: it is sent as it is, on shorter screens; error: check refuses it. "
            "Default: transliterate.",
            default=ALPHABETS[0],
        ),
        "vars": _variables("What is typed or worked out. Default: none."),
        "states": words.table(
            words.state("A state."),
            {"$ref": "#/definitions/state"},
            "The states by name: what the client sees, or what is done, and what follows.",
        ),
    }


def _sub_flow_keys() -> dict[str, Schema]:
    return {
        "args": _variables("What the caller gives, declared like vars. Default: nothing."),
        "returns": _returns(),
    }


def _flow_keys() -> dict[str, Schema]:
    return {
        "service_codes": _service_codes(),
        "home": words.state("The state the home key leads to. Default: start."),
        "keys": _keys(),
        "resume": _resume(),
        "on_drop": _on_drop(),
    }


def _variables(description: str) -> Schema:
    named = words.name("A variable.", "variable")
    return words.table(named, {"$ref": "#/definitions/variable"}, description)


def _code(description: str) -> Schema:
    wanted = 'A service code such as "*789#", in quotes.'
    return words.pattern(r"^\*[0-9]+(\*[0-9]+)*#$", wanted, description, examples=["*789#"])


def _service_codes() -> Schema:
    keys: dict[str, Schema] = {
        "code": _code("What is dialled."),
        "language": words.language("The language it begins in. Default: the flow's."),
        "start": words.state("The state it begins with. Default: the flow's start."),
    }
    code = _code("")
    item: Schema = {
        "description": 'A code such as "*789#", or one with its own language or start.',
        "if": {"type": "object"},
        "then": words.record(keys, ("code",)),
        "else": {key: value for key, value in code.items() if key != "description"},
    }
    return words.sequence(item, "What a client may dial to come here.", 1)


def _languages() -> Schema:
    keys: dict[str, Schema] = {
        "default": words.language("The language a session begins in."),
        "also": words.sequence(
            words.language("A language."), "The others. Default: none.", 0, LANGUAGES_MAX - 1
        ),
        "remember": words.duration(
            "How long the client's choice is kept per subscriber. Default: for the session.", "90d"
        ),
    }
    return words.record(keys, ("default",), "The languages every text is given in.")


def _keys() -> Schema:
    keys: dict[str, Schema] = {
        "back": words.key('Leads to the screen before. Default: "0".', default="0"),
        "home": words.key('Leads home. Default: "00".', default="00"),
        "more": words.key('Leads to the next page. Default: "98".', default="98"),
    }
    return words.record(keys, (), "Keys that work on every screen.")


def _resume() -> Schema:
    keys: dict[str, Schema] = {
        "within": words.duration("How long after the session was left.", "10m"),
        "how": words.word(
            How,
            "ask: the client is asked; at_once: straight on; entry: only options with "
            "resume: true lead there. Default: ask.",
            default="ask",
        ),
        "never_into": words.sequence(
            words.state("A state."), "States that are never gone on at. Default: none."
        ),
    }
    return words.record(
        keys, ("within",), "Dialling again goes on where the client was. Default: anew."
    )


def _on_drop() -> Schema:
    keys: dict[str, Schema] = {
        "states": words.sequence(words.state("A state."), "The screens it is for.", 1),
        "text": words.ref("text", "The SMS."),
    }
    entry = words.record(keys, ("states", "text"), "An SMS for some screens.")
    return words.sequence(
        entry, "An SMS when the session is dropped at one of these screens, once. Default: none."
    )


def _returns() -> Schema:
    fields = words.table(
        words.name("A field.", "field"),
        words.ref("value", "What the field is given."),
        "The fields of the result; {} for none.",
    )
    schema = words.table(
        words.name("An exit.", "exit"),
        fields,
        "The exits of a sub-flow, each with the fields it gives back; a next may name one.",
    )
    return schema | {"minProperties": 1}
