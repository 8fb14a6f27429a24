"""The words of the schemas: what one scalar of a file may be, as JSON Schema, draft 7.

A scalar of the language is the text that was typed, but an editor's YAML reads `3` as a number and
`true` as a boolean; so wherever a text is wanted those are accepted too, and wherever a number is
wanted `3` and `"3"` are. Pieces are told apart by `if`, never by `anyOf`, because an editor then
tells the one thing that is wrong. `errorMessage` and `patternErrorMessage` are for editors;
validators pass them over.
"""

from __future__ import annotations

from collections.abc import Iterable

Schema = dict[str, object]

NAME = "^[a-z][a-z0-9_]*$"
LANGUAGE = "^[a-z]{2,3}$"
PATH = r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?(\|[a-z][a-z0-9_]*)*"
_PLACE = r"^\{" + PATH + r"\}$"
_DATE = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|today([+-][0-9]{1,4}[dmy])?)$"


def ref(definition: str, description: str) -> Schema:
    """A shared piece of the schema, with what it means in this place."""
    return {"$ref": f"#/definitions/{definition}", "description": description}


def record(
    keys: dict[str, Schema],
    needs: Iterable[str] = (),
    description: str | None = None,
    title: str | None = None,
) -> Schema:
    """A mapping with these keys, of which it `needs` some, and no other.

    Where something else stands, an editor says that it expects `title`.
    """
    schema: Schema = {"type": "object", "properties": keys, "additionalProperties": False}
    if title:
        schema["title"] = title
    if needs := list(needs):
        schema["required"] = needs
    if description:
        schema["description"] = description
    return schema


def table(names: Schema, values: Schema, description: str) -> Schema:
    """A mapping from names of the author's own to `values`."""
    return {
        "type": "object",
        "propertyNames": names,
        "additionalProperties": values,
        "errorMessage": "Names with their values, such as name: value.",
        "description": description,
    }


def sequence(items: Schema, description: str, least: int = 0, most: int | None = None) -> Schema:
    """A list of so many `items`."""
    schema: Schema = {
        "type": "array",
        "items": items,
        "errorMessage": "A list: [one, another], or a line with - for each.",
        "description": description,
    }
    if least:
        schema["minItems"] = least
    if most is not None:
        schema["maxItems"] = most
    return schema


def pattern(expression: str, wanted: str, description: str, **more: object) -> Schema:
    """A text that fits a regular expression; `wanted` is what an editor says where it does not."""
    return {
        "type": "string",
        "pattern": expression,
        "patternErrorMessage": wanted,
        "errorMessage": wanted,
        "description": description,
        **more,
    }


def name(description: str, title: str = "name") -> Schema:
    """A name of the author's own: a state, a variable, a field."""
    wanted = "A name: lower-case letters, digits and underscores, a letter first."
    return pattern(NAME, wanted, description, title=title)


def state(description: str) -> Schema:
    """The name of a state that something leads to."""
    return name(description, "state")


def flow(description: str) -> Schema:
    """The name of a flow."""
    wanted = "Lower-case letters, digits and hyphens, a letter first, 64 at most."
    return pattern("^[a-z][a-z0-9-]{0,63}$", wanted, description, title="flow")


def dotted(description: str, title: str = "name") -> Schema:
    """A name with a family before a dot, as back-ends and functions have."""
    expression = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
    return pattern(expression, "A name such as stock.find.", description, title=title)


def language(description: str) -> Schema:
    """The code of a language."""
    wanted = "The code of a language, two or three letters, such as fr."
    return pattern(LANGUAGE, wanted, description, title="language", examples=["fr", "en"])


def duration(description: str, *examples: str) -> Schema:
    """A length of time with its unit."""
    expression = r"^[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h|d)$"
    wanted = "A duration: a number and its unit ms, s, m, h or d, such as 3s or 10m."
    return pattern(expression, wanted, description, examples=list(examples))


def place(description: str) -> Schema:
    """One `{name.field}` and nothing beside it."""
    wanted = 'One "{name}" or "{name.field}" in quotes, and nothing beside it.'
    return pattern(_PLACE, wanted, description, examples=["{recent.codes}"])


def key(description: str, **more: object) -> Schema:
    """What a client may press: one to three of 0-9 * #, which YAML may take for a number."""
    return {
        "type": ["string", "integer"],
        "pattern": "^[0-9*#]{1,3}$",
        "patternErrorMessage": "One to three of 0-9 * #, in quotes.",
        "minimum": 0,
        "maximum": 999,
        "description": description,
        **more,
    }


def whole(low: int, high: int, description: str) -> Schema:
    """A whole number from `low` to `high`, in quotes or not."""
    accepted = "|".join(str(number) for number in range(low, high + 1))
    return {
        "type": ["integer", "string"],
        "minimum": low,
        "maximum": high,
        "pattern": f"^0*({accepted})$",
        "patternErrorMessage": f"A whole number, {low} to {high}.",
        "description": description,
    }


def number(description: str, *, whole_only: bool = False) -> Schema:
    """A number of at most 15 characters, in quotes or not."""
    digits = (
        r"[0-9]+(\.0*)?([eE]\+?[0-9]+)?"
        if whole_only
        else r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
    )
    wanted = "A whole number such as 10." if whole_only else "A number such as 10 or 0.5."
    return {
        "type": ["integer" if whole_only else "number", "string"],
        "pattern": f"^[+-]?{digits}$",
        "maxLength": 15,
        "patternErrorMessage": wanted,
        "description": description,
    }


def day(description: str) -> Schema:
    """A day, or one counted from today."""
    wanted = 'A day such as "2026-11-22", or today, today+30d, today-18y.'
    return pattern(_DATE, wanted, description, examples=["today", "today+30d", "today-18y"])


def switch(description: str) -> Schema:
    """`true` or `false`, in quotes or not.

    Without the keyword `default`, or editors would write the default out with every new mapping.
    """
    return {
        "type": ["boolean", "string"],
        "pattern": "^(true|false)$",
        "patternErrorMessage": "true or false.",
        "description": f"{description} Default: false.",
    }


def word(choices: Iterable[str], description: str, **more: object) -> Schema:
    """One of a few words of the language."""
    return {"enum": [str(choice) for choice in choices], "description": description, **more}


def version() -> Schema:
    """The version of the language a file is written in."""
    return {
        "enum": [1, "1"],
        "default": 1,
        "description": "The version of the language: 1.",
        "errorMessage": "This Cassou reads version 1.",
    }


def of_type(kind: str) -> Schema:
    """The question whether a declaration is of this type."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"const": str(kind)}},
    }


def scalar(description: str) -> Schema:
    """Any text at all, also one that YAML takes for a number or a boolean."""
    return {"type": ["string", "number", "boolean"], "description": description}


def quoted(typed: str) -> str:
    """What a snippet must hold so that an editor writes `typed` with quotes around it."""
    return f'"{typed}"'
