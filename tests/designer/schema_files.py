"""Files of flows as an editor and as Cassou read them, held against the schemas."""

from __future__ import annotations

import re
from typing import Any

import yaml
from jsonschema import Draft7Validator  # it ships no types

from ussd_app.designer import schema

SCHEMAS = schema.schemas()
VALIDATORS = {name: Draft7Validator(found) for name, found in SCHEMAS.items()}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read: `no` and 2026-01-31 are texts, 010 is ten."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), list("tf"))
Core.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")
)
Core.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]*\.[0-9]+$"), list("-+.0123456789")
)
Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
Core.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: int(node.value))


def kind_of(data: dict[str, Any]) -> str:
    """Which schema a file is for."""
    return "flow" if "flow" in data else "system" if "texts" in data else "catalogue"


def errors(text: str, kind: str = "flow") -> list[str]:
    """What the schema finds wrong, a file read as an editor does and as Cassou does."""
    read, typed = (
        sorted({error.json_path for error in VALIDATORS[kind].iter_errors(yaml.load(text, loader))})  # noqa: S506  # both are safe
        for loader in (Core, yaml.BaseLoader)
    )
    assert read == typed
    return read


def flow(states: str = "home: {end: x}", more: str = "") -> str:
    """A flow with these states and these lines at its top."""
    inner = "\n".join("  " + line for line in states.splitlines())
    head = 'cassou: 1\nflow: a\nservice_codes: ["*1#"]\nlanguages: {default: fr}\nstart: home\n'
    return f"{head}{more}\nstates:\n{inner}\n"
