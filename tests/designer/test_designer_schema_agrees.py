"""Editor and `cassou check` agree: what a schema refuses is refused, and every wrong shape is seen.

Each good flow beside this file is changed in one place, in every way that changes its shape, one
after the other. A place like one that was changed before (the same kind of state, the same key) is
left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.designer.schema_files import VALIDATORS
from ussd_app.application import Application
from ussd_app.designer.schema_states import KINDS
from ussd_app.flow.catalogue import SYSTEM_TEXTS, parse_catalogue
from ussd_app.flow.compiler import Library, _Compiler, examine
from ussd_app.flow.diagnostics import FlowError

HERE = Path(__file__).parent / "schema"
FLOWS = sorted(path.name for path in HERE.glob("*.yaml") if path.name != "catalogue.yaml")
#: Keys whose own keys are the author's names.
TABLES = {"outcomes", "with", "set", "fields", "returns", "values", "backends", "inputs", "sample"}
KIND_NAMES = {kind.name for kind in KINDS}
#: Changes no schema can judge: which languages a text may have is said at the top of its file.
BEYOND = {("languages", "also"), ("languages", "also", "*")}
#: What `check` says of a shape.
STRUCTURAL = {
    "bad-condition",
    "bad-key",
    "bad-name",
    "missing-key",
    "unknown-key",
    "wrong-shape",
    "wrong-type",
    "wrong-version",
}

Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
Path_ = tuple[str | int, ...]
Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def library() -> Library:
    """The catalogue and the sub-flow beside this file, and a rule."""
    texts = {name: name for name in SYSTEM_TEXTS}
    system = {"cassou": 1, "languages": ["fr", "en"], "texts": texts}
    sources = {path.name: path.read_text("utf-8") for path in HERE.glob("*.yaml")}
    sources["system.yaml"] = yaml.safe_dump(system)
    return Library.of(sources, Application(rules={"luhn": str.isdigit}))


def ids(source: str, library: Library) -> set[str]:
    """The ids of all that is wrong with a flow."""
    return {each.id for each in examine(source, "changed.yaml", library).diagnostics}


def shape_ids(source: str, library: Library) -> set[str]:
    """The ids of what is wrong with its shape, before anything is checked of what it says."""
    compiler = _Compiler(source, "changed.yaml", library, ())
    compiler._parsed(source, "changed.yaml")
    return {each.id for each in compiler._problems}


def places(node: Any, at: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every node of a file with its path."""
    yield at, node
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    if not isinstance(node, str):
        for key, value in inner:
            yield from places(value, (*at, key))


def changes(node: Any) -> Iterator[tuple[str, Path_, Change]]:
    """Every change of the shape of a node: a verb, the key it is about if any, and the change."""
    if isinstance(node, dict):
        for key in node:
            yield "drop", (key,), partial(_renamed, key=key, new=None)
            yield "rename", (key,), partial(_renamed, key=key, new=f"{key}_x")
        yield "add", (), lambda old: {**old, "no_such_key": "x"}
        yield "empty", (), lambda _: {}
    if isinstance(node, list):
        yield "empty", (), lambda _: []
    if not isinstance(node, str):
        yield "scalar", (), lambda _: "x"
    if not isinstance(node, list):
        yield "list", (), lambda _: ["x"]
    if not isinstance(node, dict):
        yield "mapping", (), lambda _: {"no_such_key": "x"}
    if isinstance(node, str):
        yield "word", (), lambda _: "No such word!"
        yield "blank", (), lambda _: ""


def _renamed(node: dict[str, Any], key: str, new: str | None) -> dict[str, Any]:
    items = ((new if each == key else each, value) for each, value in node.items())
    return {each: value for each, value in items if each is not None}


def changed(tree: Any, at: Path_, change: Change) -> Any:
    """A copy of a file with one node changed."""
    if not at:
        return change(tree)
    tree = copy.deepcopy(tree)
    parent = tree
    for key in at[:-1]:
        parent = parent[key]
    parent[at[-1]] = change(parent[at[-1]])
    return tree


def alike(tree: Any, at: Path_) -> Path_:
    """The path with the author's own names left out, and what tells a kind in their place."""
    path = [
        "*" if isinstance(key, int) or (n and at[n - 1] in TABLES) else key
        for n, key in enumerate(at)
    ]
    if len(path) > 1 and path[0] in {"states", "vars", "args"}:
        found = tree[at[0]][at[1]]
        path[1] = found.get("type") or next(key for key in found if key in KIND_NAMES)
    return tuple(path)


def mutants(names: list[str]) -> Iterator[tuple[str, Any]]:
    """Every changed file of some good ones: what was changed in which, and the file after it."""
    seen = set()
    for name in names:
        tree = yaml.load((HERE / name).read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # texts
        for at, node in places(tree):
            for verb, key, change in changes(node):
                where = alike(tree, (*at, *key))
                sign = (verb, where, type(node), "returns" in tree and len(where) < 3)
                if sign not in seen and where not in BEYOND:
                    seen.add(sign)
                    yield f"{name}: {verb} {' '.join(map(str, where))}", changed(tree, at, change)


Ids = Callable[[str], set[str]]


def disagreements(names: list[str], kind: str, ids: Ids, shape_ids: Ids) -> list[str]:
    """Changes that the schema alone refuses, and those whose wrong shape `check` alone sees."""
    found = []
    for what, tree in mutants(names):
        source = yaml.dump(tree, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6)
        accepted = VALIDATORS[kind].is_valid(tree)
        if not accepted and not ids(source):
            found.append(f"only the schema refuses {what}")
        if accepted and (seen := shape_ids(source) & STRUCTURAL):
            found.append(f"only check sees {', '.join(sorted(seen))} in {what}")
    return found


@pytest.mark.parametrize("name", FLOWS)
def test_the_flows_to_be_changed_are_good(name: str, library: Library) -> None:
    assert ids((HERE / name).read_text("utf-8"), library) == set()


def test_schema_and_check_agree_on_every_change_of_a_flow(library: Library) -> None:
    found = disagreements(
        FLOWS,
        "flow",
        lambda source: ids(source, library),
        lambda source: shape_ids(source, library),
    )

    assert "\n".join(found) == ""  # as text, so that pytest shows them all


def test_schema_and_check_agree_on_every_change_of_the_catalogue() -> None:
    def catalogue_ids(source: str) -> set[str]:
        try:
            parse_catalogue(source, "catalogue.yaml")
        except FlowError as error:
            return {each.id for each in error.diagnostics}
        return set()

    found = disagreements(["catalogue.yaml"], "catalogue", catalogue_ids, catalogue_ids)

    assert "\n".join(found) == ""
