"""Groups of states that lead to each other, against what following every path tells."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ussd_app.flow.checks.exits import components

NAMES = "abcdefgh"
GRAPHS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=4).map(tuple)
)
Graph = Mapping[str, tuple[str, ...]]


def beyond(graph: Graph, name: str) -> set[str]:
    """What some path of one edge or more leads to."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        for dest in graph[ahead.pop()]:
            if dest in graph and dest not in found:
                found.add(dest)
                ahead.append(dest)
    return found


@given(GRAPHS)
def test_a_group_is_all_that_lead_to_each_other(graph: Graph) -> None:
    reach = {name: beyond(graph, name) for name in graph}
    groups = components(graph)

    assert sorted(name for group in groups for name in group) == sorted(graph)
    for group in groups:
        for name in group:
            both = {other for other in reach[name] if name in reach[other]}
            assert both | {name} == set(group)


@given(GRAPHS)
def test_a_group_comes_after_all_that_it_leads_to(graph: Graph) -> None:
    groups = components(graph)
    place = {name: number for number, group in enumerate(groups) for name in group}

    for name, dests in graph.items():
        assert all(place[dest] <= place[name] for dest in dests if dest in graph)


def test_a_chain_of_ten_thousand_is_no_matter() -> None:
    chain = {str(n): (str(n + 1),) for n in range(10_000)}
    ring = {**chain, "9999": ("0",)}

    assert len(components(chain)) == 10_000
    assert len(components(ring)) == 1
