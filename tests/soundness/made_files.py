"""Whole applications of menus as data, and their YAML: what the generator makes and mutants change.

A file is written with its top-level keys and its states each on a line of its own, the rest as YAML
flow mappings, so that a failing one can be read and pasted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from ussd_app.application import Application
from ussd_app.flow.compiler import SYSTEM_FILE, Compiled, Library, examine
from ussd_app.messages import Budget

Data = str | list["Data"] | dict[str, "Data"]
Table = dict[str, Data]

MAIN = "main.yaml"
#: Keys whose entries stand on lines of their own.
_BLOCKS = ("vars", "args", "states", "backends", "functions", "texts")


def _discount(total: int, code: str) -> object:
    """A number, or none for some codes; now and then one that is out of its bounds."""
    return None if "x" in code else int(total) // 2 if len(code) < 9 else -1


def _initials(name: str) -> object:
    return "".join(word[0] for word in name.split()) or None


def _ladder(steps: int) -> object:
    return tuple(
        {"step": number, "word": "w" * (number % 4 + 1)} for number in range(int(steps) % 6)
    )


APPLICATION = Application(
    filters={
        "reversed": lambda value, _language: str(value)[::-1],
        "unit": lambda value, language: f"{value} {'kg' if language == 'en' else 'kilo'}",
    },
    rules={
        "even": lambda typed: typed[-1:] in set("02468"),
        "short": lambda typed: len(typed) < 12,
    },
    functions={"shop.discount": _discount, "shop.initials": _initials, "shop.ladder": _ladder},
)

#: How an application declares them.
FUNCTIONS: Table = {
    "shop.discount": {
        "inputs": {"total": "integer", "code": "text"},
        "result": {"type": "integer", "min": "0", "max": "50000"},
    },
    "shop.initials": {
        "inputs": {"name": "text"},
        "result": {"type": "text", "lengths": ["1", "12"]},
    },
    "shop.ladder": {
        "inputs": {"steps": "integer"},
        "result": {
            "type": "rows",
            "rows_max": "5",
            "fields": {
                "step": {"type": "integer", "min": "0", "max": "50"},
                "word": {"type": "text", "lengths": ["1", "8"]},
            },
        },
    },
}


@dataclass
class Menus:
    """One application: its main flow, its sub-flows by name, its catalogue, its languages."""

    flow: Table
    subs: dict[str, Table] = field(default_factory=dict)
    catalogue: Table = field(default_factory=dict)
    system: str = ""

    def sources(self) -> dict[str, str]:
        """The files, by name."""
        found = {MAIN: written(self.flow)}
        found |= {f"{name}.yaml": written(sub) for name, sub in self.subs.items()}
        if self.catalogue:
            found["catalogue.yaml"] = written(self.catalogue)
        if self.system:
            found["system.yaml"] = self.system
        return found

    def examined(
        self, budgets: tuple[Budget, ...], application: Application = APPLICATION
    ) -> Compiled:
        """What `check` says of the main flow; raises `FlowError` for a broken catalogue."""
        sources = self.sources()
        return examine(sources[MAIN], MAIN, Library.of(sources, application), budgets)

    def shown(self) -> str:
        """All files but the framework's texts, to be read."""
        return "\n".join(
            f"# {name}\n{text}" for name, text in self.sources().items() if name != "system.yaml"
        )


def written(top: Mapping[str, Data]) -> str:
    """One file's YAML."""
    lines = []
    for key, value in top.items():
        if key in _BLOCKS and isinstance(value, dict) and value:
            lines.append(f"{key}:")
            lines += [f"  {name}: {_flow(inner)}" for name, inner in value.items()]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Data) -> str:
    """A value on one line: JSON is YAML, and its strings are what was meant."""
    if isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_-]*", value):
        return f'"{value}"' if value in {"on", "off", "yes", "no", "null", "true"} else value
    return json.dumps(value, ensure_ascii=False)


def read(text: str) -> Table:
    """A file as data, every scalar as typed."""
    # BaseLoader makes text of every scalar and no object of anything.
    return cast("Table", yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506  # see above


def system_in(languages: tuple[str, ...]) -> str:
    """The framework's texts in other languages as well: theirs are English with open vowels."""
    found = read(SYSTEM_FILE.read_text("utf-8"))
    texts = cast("dict[str, dict[str, Data]]", found["texts"])
    for language in languages:
        for by_language in texts.values():
            english = str(by_language["en"])
            parts = re.split(r"(\{[^{}]*\})", english)
            if len(parts) == 1:
                # Short enough for what one screen holds in UCS-2.
                parts = [english[:48]]
            by_language.setdefault(
                language, "".join(p if p.startswith("{") else p.replace("e", "ɛ") for p in parts)
            )
    found["languages"] = [*cast("list[Data]", found["languages"]), *languages]
    return written(found)


def menus_of(directory: Path, main: str) -> Menus:
    """The flow of one file with the others beside it."""
    files = {path.name: path.read_text("utf-8") for path in sorted(directory.glob("*.yaml"))}
    subs = {
        str(read(text).get("flow", "")): read(text)
        for name, text in files.items()
        if name != main and re.search("^returns:", text, re.MULTILINE)
    }
    catalogue = read(files["catalogue.yaml"]) if "catalogue.yaml" in files else {}
    return Menus(read(files[main]), subs, catalogue, files.get("system.yaml", ""))
