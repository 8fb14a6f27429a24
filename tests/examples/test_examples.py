"""The example applications: they pass the checker, and they use it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.market import application as market
from tests.examples.phones import APPLICATIONS, EXAMPLES, known_keys
from ussd_app.designer import checking
from ussd_app.designer.schema import catalogue_schema, flow_schema, system_schema
from ussd_app.flow.diagnostics import describe
from ussd_app.flow.functions import FUNCTIONS
from ussd_app.flow.model import How, Operator, Type
from ussd_app.flow.rules import RULES
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Node, Scalar, Sequence, read
from ussd_app.messages import Budget
from ussd_app.render.texts import FILTERS

FLOW_FILES = sorted(
    path for path in EXAMPLES.glob("*/*.yaml") if path.name not in {"catalogue.yaml", "system.yaml"}
)


@pytest.mark.parametrize("name", APPLICATIONS)
@pytest.mark.parametrize(
    "budget", [Budget(), Budget(182), Budget(140), Budget(160, ucs2_max=80)], ids=str
)
def test_an_example_passes_the_checker(name: str, budget: Budget) -> None:
    found = checking.check_paths([EXAMPLES / name], APPLICATIONS[name], (budget,))

    told = [describe(each, found.sources.get(each.at.file, "")) for each in found.diagnostics]
    assert told == []


# Everything of the language is used somewhere in the examples.


def nodes(paths: list[Path]) -> Iterator[Node]:
    """Every node of these files, outermost first."""
    waiting = []
    for path in paths:
        node, problems = read(path.read_text("utf-8"), str(path))
        assert node is not None
        assert problems == []
        waiting.append(node)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, MappingNode):
            waiting += [value for _, value in node.entries]
        elif isinstance(node, Sequence):
            waiting += node.items


def keys(paths: list[Path]) -> Counter[str]:
    """How often each key stands in these files."""
    found: Counter[str] = Counter()
    for node in nodes(paths):
        if isinstance(node, MappingNode):
            found.update(key.value for key, _ in node.entries)
    return found


def scalars(paths: list[Path]) -> list[str]:
    """Every text in these files that is not a key."""
    return [node.value for node in nodes(paths) if isinstance(node, Scalar)]


def values_of(key: str, paths: list[Path]) -> set[str]:
    """Every text that stands under a key."""
    found = set()
    for node in nodes(paths):
        if isinstance(node, MappingNode):
            value = node.get(key)
            if isinstance(value, Scalar):
                found.add(value.value)
    return found


def test_every_key_of_a_flow_is_used() -> None:
    used = keys(FLOW_FILES)

    assert [key for key in sorted(known_keys(flow_schema())) if not used[key]] == []


def test_every_kind_of_state_is_used_more_than_once() -> None:
    kinds: Counter[str] = Counter()
    for node in nodes(FLOW_FILES):
        states = node.get("states") if isinstance(node, MappingNode) else None
        if isinstance(states, MappingNode):
            kinds.update(
                next(key.value for key, _ in state.entries)
                for _, state in states.entries
                if isinstance(state, MappingNode)
            )

    assert set(kinds) == {
        "menu", "list", "input", "show", "wait", "end", "call", "branch", "set", "flow",
    }  # fmt: skip
    assert kinds["wait"] >= 1
    assert all(count >= 4 for kind, count in kinds.items() if kind != "wait")


def test_every_key_of_a_catalogue_and_every_framework_text_is_used() -> None:
    catalogues = sorted(EXAMPLES.glob("*/catalogue.yaml"))
    systems = sorted(EXAMPLES.glob("*/system.yaml"))

    # What bounds a variable may bound a function's result; those keys are used in flows.
    used = keys(catalogues) + keys(FLOW_FILES)
    assert [key for key in sorted(known_keys(catalogue_schema())) if not used[key]] == []
    assert [key for key in sorted(known_keys(system_schema())) if not keys(systems)[key]] == []


def test_every_type_operator_function_filter_and_rule_is_used() -> None:
    texts = scalars(FLOW_FILES)
    applied = values_of("function", FLOW_FILES)
    catalogues = sorted(EXAMPLES.glob("*/catalogue.yaml"))
    types = values_of("type", FLOW_FILES) | values_of("type", catalogues)
    known_filters = {*FILTERS, *market.APPLICATION.filters}

    assert types == set(Type)
    assert applied == {*FUNCTIONS, *market.APPLICATION.functions}
    assert {each for each in Operator if not any(f"}} {each}" in text for text in texts)} == set()
    assert {
        each for each in known_filters if not any(f"|{each}" in text for text in texts)
    } == set()
    assert values_of("rule", FLOW_FILES) == {*RULES, *market.APPLICATION.rules}


def test_every_word_that_a_key_may_have_is_used() -> None:
    assert values_of("alphabet", FLOW_FILES) == {"transliterate", "ucs2", "error"}
    assert values_of("how", FLOW_FILES) == set(How)
    assert values_of("once_per", FLOW_FILES) == {"session", "visit"}
    assert values_of("shortcut", FLOW_FILES) == {"allow", "never"}
    assert values_of("paged", FLOW_FILES) == {"never"}
    assert {"toggle", "fr", "en", "sw"} <= values_of("language", FLOW_FILES)
