"""The states of a flow as JSON Schema: the kinds a client does not see, and how a kind is told.

A state's leading key tells its kind. `state()` looks for that key first and then holds the state to
that kind alone, so an editor's error is about the key that is wrong and not about ten kinds.
"""

from __future__ import annotations

from ussd_app.designer import schema_screens as screens
from ussd_app.designer import schema_texts as texts
from ussd_app.designer import schema_words as words
from ussd_app.designer.schema_screens import Kind
from ussd_app.designer.schema_words import Schema
from ussd_app.flow.parser import DEPTH_MAX


def _outcomes(description: str) -> Schema:
    title = "outcome"
    return words.table(
        words.name("An outcome.", title),
        words.state("The state this outcome leads to."),
        description,
    )


def _with(values: str, description: str) -> Schema:
    return words.table(
        words.name("An input.", "input"), words.ref(values, "The value."), description
    )


def _call() -> Kind:
    return Kind(
        "call",
        "A back-end of the catalogue is called; its outcome decides what follows.",
        words.dotted("", "back-end"),
        {
            "with": _with("text", "The inputs of the back-end, each a text. Default: none."),
            "in": words.language("The language the inputs are written in. Default: the client's."),
            "save": words.name("The name the result goes by. Default: not kept.", "name"),
            "deadline": words.duration(
                "How long to wait for the answer. Default: the back-end's own.", "3s", "500ms"
            ),
            "waits": words.whole(
                0, 3, "How many holding screens before the outcome late, 0 to 3. Default: 3."
            ),
            "once_per": words.word(
                ["session", "visit"],
                "How often a call that moves money or tells someone something may happen. "
                "Needed for such a back-end.",
            ),
            "outcomes": _outcomes("Where each outcome leads, late and failed too."),
        },
        ("outcomes",),
        {
            "call": "${1:stock.find}",
            "with": {"${2:input}": words.quoted("{${3:name}}")},
            "save": "${4:result}",
            "outcomes": {"${5:ok}": "${6:state}", "late": "${7:state}", "failed": "${8:state}"},
        },
    )


def _branch() -> Kind:
    case: dict[str, Schema] = {
        "when": words.ref("when", "What must hold for this case."),
        "next": words.state("The state this case leads to."),
    }
    return Kind(
        "branch",
        "The first case that holds decides; not seen by the client.",
        words.sequence(words.record(case, ("when", "next"), "One case."), "", 1),
        {"else": words.state("The state where no case holds.")},
        ("else",),
        {
            "branch": [{"when": words.quoted("{${1:name}} == ${2:value}"), "next": "${3:state}"}],
            "else": "${4:state}",
        },
    )


def _set() -> Kind:
    variable = words.name("A variable.", "variable")
    return Kind(
        "set",
        "Variables take new values, all at once; not seen by the client.",
        words.table(variable, words.ref("value", "The new value."), ""),
        {
            "forget": words.sequence(variable, "Variables that lose their value. Default: none."),
            "next": words.state("The state after it."),
            "else": words.state(
                "The state where a value does not fit its variable; nothing is stored."
            ),
        },
        ("next",),
        {"set": {"${1:variable}": words.quoted("${2:value}")}, "next": "${3:state}"},
        {
            "if": {"properties": {"set": {"maxProperties": 0}}},
            "then": {"required": ["forget"], "properties": {"forget": {"minItems": 1}}},
        },
    )


def _flow() -> Kind:
    return Kind(
        "flow",
        "Another flow is gone through, and its exit decides what follows.",
        words.flow(""),
        {
            "with": _with("value", "What the flow is given: its args. Default: none."),
            "save": words.name("The name its result goes by. Default: not kept.", "name"),
            "outcomes": _outcomes("Where each exit of the flow leads."),
            "depth": words.whole(
                1,
                DEPTH_MAX,
                f"How deep it may be entered from inside itself, 1 to {DEPTH_MAX}. Default: 1.",
            ),
            "too_deep": words.state(
                "The state where it would be entered deeper than depth, with which it goes."
            ),
        },
        ("outcomes",),
        {
            "flow": "${1:name}",
            "with": {"${2:arg}": words.quoted("{${3:name}}")},
            "save": "${4:result}",
            "outcomes": {"${5:ok}": "${6:state}"},
        },
        {"dependencies": {"depth": ["too_deep"], "too_deep": ["depth"]}},
    )


#: Every kind of state.
KINDS: tuple[Kind, ...] = (*screens.SCREENS, _call(), _branch(), _set(), _flow())


def value() -> Schema:
    """What a `set` stores: a template, or a function of values."""
    keys: dict[str, Schema] = {
        "function": words.dotted("A function, such as rows.add.", "function"),
        "with": _with("value", "The inputs of the function. Default: none."),
    }
    body = {"function": "${1:rows.add}", "with": {"${2:rows}": words.quoted("{${3:name}}")}}
    return {
        "description": 'A text with places ("{name}" alone keeps its type), or a function.',
        "if": {"type": "object", "anyOf": [{"required": ["function"]}, {"required": ["with"]}]},
        "then": words.record(keys, ("function",)),
        "else": {"$ref": "#/definitions/text"},
        "defaultSnippets": [{"label": "function", "body": body}],
    }


def state() -> Schema:
    """One state: held to the kind that its leading key names."""
    names = ", ".join(kind.name for kind in KINDS)
    # Where the kind cannot be told: every key is wrong, and the kinds are what to offer.
    chain: Schema = {
        "type": "object",
        "properties": {kind.name: {"type": "string", "description": kind.what} for kind in KINDS},
        "additionalProperties": False,
        "minProperties": 1,
        "errorMessage": f"A state is keys with values, one of them its kind: {names}.",
        "defaultSnippets": [
            {"label": f"{kind.name} …", "description": kind.what, "body": kind.snippet}
            for kind in KINDS
        ],
    }
    for kind in reversed(KINDS):
        chain = {
            "if": {"type": "object", "required": [kind.name]},
            "then": {"$ref": f"#/definitions/state_{kind.name}"},
            "else": chain,
        }
    what = "A state: what the client sees, or what is done, and what follows."
    return {"description": what, "title": "state", **chain}


def definitions() -> dict[str, Schema]:
    """The shared pieces by name."""
    return {
        "text": texts.text(),
        "body": texts.body(),
        "part": texts.part(),
        "when": texts.when(),
        "option": screens.option(),
        "check": screens.check(),
        "value": value(),
        "state": state(),
        **{f"state_{kind.name}": kind.schema() for kind in KINDS},
    }
