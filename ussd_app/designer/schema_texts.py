"""Texts and conditions as JSON Schema: one for all languages or one for each, parts, `when:`."""

from __future__ import annotations

from ussd_app.designer.schema_words import LANGUAGE, PATH, Schema, place, quoted, record, ref

_CONDITION = r"^\s*\{" + PATH + r"\}(\s*(==|!=|<=|>=|<|>)\s*\S|\s+is set\s*$|\s+is not set\s*$)"


def per_language(number: int, french: str, english: str) -> Schema:
    """A text in two languages to type over, for a snippet; `number` is its first place."""
    first, second = f"${{{number}:{french}}}", f"${{{number + 1}:{english}}}"
    return {"fr": quoted(first), "en": quoted(second)}


def _snippets() -> list[Schema]:
    return [
        {"label": "text", "description": "For all languages.", "body": quoted("${1:text}")},
        {
            "label": "fr, en",
            "description": "By language.",
            "body": per_language(1, "texte", "text"),
        },
    ]


def text() -> Schema:
    """A text for all languages, or one for each.

    A boolean is let through by `if` and not by `type`: editors would offer `true` and `false` in
    every text. It has no description, or editors would show that and not the place's own.
    """
    return {
        "if": {"type": "boolean"},
        "else": {
            "type": ["string", "number", "object"],
            "pattern": r"\S",
            "minProperties": 1,
            "propertyNames": _language_key(),
            "additionalProperties": _words(),
            "patternErrorMessage": "The text is empty.",
            "errorMessage": "A text, or one per language by its code: {fr: …, en: …}. "
            "Put quotes around a text that begins with a brace or a bracket.",
        },
        "defaultSnippets": _snippets(),
    }


def _language_key() -> Schema:
    return {
        "pattern": LANGUAGE,
        "patternErrorMessage": "The code of a language, such as fr. "
        "Put quotes around a text that begins with a brace.",
        "title": "language",
    }


def _words() -> Schema:
    return {
        "description": "The text in this language.",
        "if": {"type": "boolean"},
        "else": {
            "type": ["string", "number"],
            "pattern": r"\S",
            "patternErrorMessage": "The text is empty.",
            "errorMessage": "A text. Put quotes around one that begins with a brace or a bracket.",
        },
    }


def body() -> Schema:
    """The text of a screen: a text, or parts one under the other."""
    return {
        "if": {"type": "array"},
        "then": {"minItems": 1, "items": {"$ref": "#/definitions/part"}},
        "else": {"$ref": "#/definitions/text"},
        "defaultSnippets": _snippets(),
    }


def part() -> Schema:
    """A part of a screen's text: a text, or one with `when:` or `rows:`."""
    own: dict[str, Schema] = {
        "text": ref("text", "The text of this part."),
        "when": ref("when", "The part is shown only where this holds. Default: always."),
        "rows": place('The part is shown once per row of "{name.field}"; it may name {row.field}.'),
    }
    shown_if = {"text": quoted("${1:text}"), "when": quoted("{${2:name}} is set")}
    per_row = {"text": quoted("{row.${1:field}}"), "rows": quoted("{${2:name}}")}
    return {
        "description": "A part of the screen's text.",
        "if": {"type": "object", "anyOf": [{"required": [each]} for each in own]},
        "then": {
            "if": {"required": ["text"]},
            "then": record(own),
            "else": {
                "type": "object",
                "properties": own,
                "patternProperties": {LANGUAGE: _words()},
                "additionalProperties": False,
                "minProperties": 2,
            },
        },
        "else": {"$ref": "#/definitions/text"},
        "defaultSnippets": [
            {"label": "shown if", "body": shown_if},
            {"label": "once per row", "body": per_row},
        ],
    }


def when() -> Schema:
    """A condition, or several that must all hold."""
    wanted = 'A condition in quotes such as "{amount} > 10" or "{amount} is set".'
    one: Schema = {"pattern": _CONDITION, "patternErrorMessage": wanted}
    compared, is_set = "{${1:name}} == ${2:value}", "{${1:name}} is set"
    return {
        "type": ["string", "array"],
        "errorMessage": wanted,
        **one,
        "if": {"type": "array"},
        "then": {"minItems": 1, "items": {"type": "string", "errorMessage": wanted, **one}},
        "description": "A condition, or a list of which all must hold: == != < <= > >=, "
        "or is set, is not set.",
        "defaultSnippets": [
            {"label": "compared", "body": quoted(compared)},
            {"label": "is set", "body": quoted(is_set)},
        ],
    }
