"""The schemas themselves: valid, said in words, with snippets that fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator  # it ships no types

from tests.designer.schema_files import SCHEMAS, VALIDATORS, Core, errors, flow, kind_of
from ussd_app.designer import schema
from ussd_app.designer.schema_screens import Kind
from ussd_app.designer.schema_states import KINDS
from ussd_app.flow.model import Type

HERE = Path(__file__).parent
MENUS = HERE.parent.parent / "ussd_app" / "menus"
FILES = sorted(
    path
    for directory in (MENUS, HERE / "schema")
    for path in directory.glob("*.yaml")
    if path.name != "sms.yaml"
)
LOADERS = [Core, yaml.SafeLoader, yaml.BaseLoader]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_valid_schema(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: str(loader.__name__))
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_every_good_file_is_accepted_however_it_is_read(path: Path, loader: Any) -> None:
    data = yaml.load(path.read_text("utf-8"), loader)  # noqa: S506  # all three are safe

    found = [
        f"{error.json_path}: {error.message}"
        for error in VALIDATORS[kind_of(data)].iter_errors(data)
    ]

    assert found == []


def every_key(found: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every key a schema names, with where it stands and its schema."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "properties" and isinstance(value, dict):
                yield from ((f"{at}/{name}", inner) for name, inner in value.items())
            if key not in {"defaultSnippets", "examples", "default", "enum", "if"}:
                yield from every_key(value, f"{at}/{key}")
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from every_key(value, f"{at}/{number}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_explained_in_a_sentence(name: str) -> None:
    unexplained = [
        at
        for at, inner in every_key(SCHEMAS[name])
        # A key that is only ruled out, or bounded once more, is explained elsewhere.
        if inner is not False
        and set(inner) - {"minItems"}
        and not str(inner.get("description", "")).endswith((".", "}", ")"))
    ]

    assert unexplained == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_mapping_says_what_its_keys_may_be(name: str) -> None:
    def open_ones(found: Any, at: str = "") -> Iterator[str]:
        if isinstance(found, dict):
            if found.get("type") == "object" and "properties" in found:
                closed = found.get("additionalProperties") is False
                if not closed and "if" not in found:
                    yield at
            for key, value in found.items():
                if key not in {"if", "defaultSnippets"}:
                    yield from open_ones(value, f"{at}/{key}")
        elif isinstance(found, list):
            for number, value in enumerate(found):
                yield from open_ones(value, f"{at}/{number}")

    assert list(open_ones(SCHEMAS[name])) == []


def typed_over(body: Any) -> str:
    """A snippet as it stands in the file once nothing of it was typed over."""
    filled = json.dumps(body, ensure_ascii=False)
    for _ in range(2):
        filled = re.sub(r"\$\{\d+:([^${}]*)\}", r"\1", filled)
    # What the author quoted for the editor is a text to YAML.
    return filled.replace('"\\"', '"').replace('\\""', '"')


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_a_snippet_of_a_kind_is_a_good_state(kind: Kind) -> None:
    assert errors(flow(f"home: {typed_over(kind.snippet)}")) == []


@pytest.mark.parametrize("kind", Type)
def test_a_snippet_of_a_type_is_a_good_variable(kind: Type) -> None:
    found: Any = SCHEMAS["flow"]["definitions"]
    snippets: dict[str, Any] = {}
    chain = found["variable"]
    while "else" in chain:
        chain = chain["else"]
    snippets = {each["label"]: each["body"] for each in chain["defaultSnippets"]}

    typed = typed_over(snippets[kind]).replace('["11"]', "[11]")

    assert errors(flow(more=f"vars: {{a: {typed}}}")) == []


def test_the_schemas_are_written_where_the_menus_look_for_them(tmp_path: Path) -> None:
    written = schema.write_all(tmp_path)

    assert [path.name for path in written] == [f"{name}.schema.json" for name in SCHEMAS]
    assert [json.loads(path.read_text("utf-8")) for path in written] == list(SCHEMAS.values())
