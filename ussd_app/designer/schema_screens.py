"""The kinds of states a client sees, as JSON Schema: what each is for, its keys, and a snippet."""

from __future__ import annotations

from dataclasses import dataclass, field

from ussd_app.designer import schema_texts as texts
from ussd_app.designer import schema_words as words
from ussd_app.designer.schema_words import Schema
from ussd_app.flow.parser import OPTIONS_MAX


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of state: its leading key, what it is for, its other keys and those it needs.

    `snippet` is what an editor offers to begin one with, `${1:…}` being what to type over.
    `rules` say which keys go together.
    """

    name: str
    what: str
    leading: Schema
    keys: dict[str, Schema]
    needs: tuple[str, ...]
    snippet: Schema
    rules: Schema = field(default_factory=dict)

    @property
    def visible(self) -> bool:
        """Whether the client sees it: it begins with the text of a screen."""
        return self.leading == _body()

    def schema(self) -> Schema:
        """A state of this kind."""
        places = " Places for values: {name.field|filter}." if self.visible else ""
        leading = {**self.leading, "description": self.what + places}
        schema = words.record(
            {self.name: leading, **self.keys}, (self.name, *self.needs), self.what, self.name
        )
        return schema | self.rules


def _body() -> Schema:
    return {"$ref": "#/definitions/body"}


def _paged() -> Schema:
    return words.word(
        ["allow", "never"],
        "Whether the screen may take several pages; never is checked. Default: allow.",
        default="allow",
    )


def _shortcut() -> Schema:
    return words.word(
        ["allow", "never"],
        "Whether *789*1*2# may answer this screen with what is dialled. Default: allow.",
        default="allow",
    )


def _options(description: str) -> Schema:
    return words.sequence({"$ref": "#/definitions/option"}, description, 1, OPTIONS_MAX)


def _checks() -> Schema:
    return words.sequence(
        {"$ref": "#/definitions/check"},
        "What the value must pass, in this order; the first that fails shows its error.",
    )


def _without(key: str, why: str) -> Schema:
    return {"properties": {key: False}, "errorMessage": why}


def option() -> Schema:
    """One line of a menu."""
    keys: dict[str, Schema] = {
        "label": words.ref("text", "What the line says."),
        "next": words.state("The state this option leads to."),
        "key": words.key("The key of this option. Default: its number, from 1 in order."),
        "language": words.pattern(
            "^(toggle|[a-z]{2,3})$",
            "toggle, or the code of a language, such as en.",
            "The language it switches to; toggle: the next one of the flow. Default: none.",
            examples=["toggle", "en"],
        ),
        "when": words.ref("when", "The option is there only where this holds. Default: always."),
        "resume": words.switch(
            "true: instead of next; leads to where the client was, if there is such a place."
        ),
    }
    schema = words.record(keys, ("label",), "One line of a menu: its label and its next.", "option")
    schema |= {
        "if": {"required": ["resume"], "properties": {"resume": {"enum": [True, "true"]}}},
        "then": _without("next", "With resume: true, leave next out."),
        "else": {"required": ["next"]},
    }
    body = {"label": texts.per_language(1, "Texte", "Text"), "next": "${3:state}"}
    schema["defaultSnippets"] = [{"label": "option", "body": body}]
    return schema


def check() -> Schema:
    """What a typed value must pass: a rule or a condition."""
    keys: dict[str, Schema] = {
        "rule": words.name("A rule of the application, such as luhn.", "rule"),
        "when": words.ref("when", "What must hold; the variable is the value just typed."),
        "error": words.ref("text", "What the client reads if it does not."),
    }
    schema = words.record(
        keys, ("error",), "A rule or a condition, and the error shown if not.", "check"
    )
    schema |= {
        "if": {"required": ["when"]},
        "then": _without("rule", "A check has either rule or when."),
        "else": {"required": ["rule"]},
    }
    return schema


def _menu() -> Kind:
    otherwise: dict[str, Schema] = {
        "save": words.name("The variable that takes what was typed.", "variable"),
        "check": _checks(),
        "next": words.state("The state a good value leads to."),
    }
    return Kind(
        "menu",
        "A choice of fixed options; this is the text above them.",
        _body(),
        {
            "options": _options("The lines of the menu, numbered from 1 in order."),
            "otherwise": words.record(
                otherwise,
                ("save", "next"),
                "What an answer that is no option is: a value to save. Default: refused.",
            ),
            "shortcut": _shortcut(),
            "paged": _paged(),
        },
        ("options",),
        {
            "menu": texts.per_language(1, "Texte", "Text"),
            "options": [
                {"label": texts.per_language(3, "Choix", "Choice"), "next": "${5:state}"},
            ],
        },
    )


def _list() -> Kind:
    return Kind(
        "list",
        "A choice from rows of data; this is the text above them.",
        _body(),
        {
            "rows": words.place('The rows to choose from, such as "{recent.codes}".'),
            "row": words.ref("text", "What one row says; it may name {row.field}, {row.number}."),
            "save": words.name("The name the chosen row goes by from then on.", "variable"),
            "next": words.state("The state that choosing a row leads to."),
            "options": _options("Fixed options after the rows. Default: none."),
            "empty": words.state(
                "The state an empty list leads to; not needed with a fixed option."
            ),
            "paged": _paged(),
        },
        ("rows", "row", "save", "next"),
        {
            "list": texts.per_language(1, "Texte", "Text"),
            "rows": words.quoted("{${3:name.field}}"),
            "row": words.quoted("{row.${4:field}}"),
            "save": "${5:chosen}",
            "next": "${6:state}",
            "empty": "${7:state}",
        },
    )


def _input() -> Kind:
    attempts: dict[str, Schema] = {
        "max": words.whole(1, 10, "How many wrong answers are borne, 1 to 10. Default: 3."),
        "next": words.state("The state the last wrong answer leads to."),
    }
    return Kind(
        "input",
        "A value the client types; this is the question.",
        _body(),
        {
            "save": words.name("The variable, one of vars, that takes the value.", "variable"),
            "next": words.state("The state a good value leads to."),
            "check": _checks(),
            "attempts": words.record(
                attempts, ("next",), "How often the client may try. Default: without end."
            ),
            "shortcut": _shortcut(),
            "keep": words.switch("true: passed over when the variable already has a value."),
            "paged": _paged(),
        },
        ("save", "next"),
        {
            "input": texts.per_language(1, "Question?", "Question?"),
            "save": "${3:variable}",
            "attempts": {"max": 3, "next": "${4:state}"},
            "next": "${5:state}",
        },
    )


def _show() -> Kind:
    return Kind(
        "show",
        "A text to read; any answer goes on.",
        _body(),
        {"next": words.state("The state after it."), "paged": _paged()},
        ("next",),
        {"show": texts.per_language(1, "Texte", "Text"), "next": "${3:state}"},
    )


def _wait() -> Kind:
    return Kind(
        "wait",
        "A holding screen for a slow answer: the client asks again and goes on at next.",
        _body(),
        {"next": words.state("The state that asks again."), "paged": _paged()},
        ("next",),
        {"wait": texts.per_language(1, "Un instant", "One moment"), "next": "${3:state}"},
    )


def _end() -> Kind:
    return Kind(
        "end",
        "The last screen: the session ends with this text.",
        _body(),
        {"paged": _paged()},
        (),
        {"end": texts.per_language(1, "Au revoir.", "Goodbye.")},
    )


#: The kinds a client sees.
SCREENS: tuple[Kind, ...] = (_menu(), _list(), _input(), _show(), _wait(), _end())
