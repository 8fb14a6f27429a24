"""Recorded dialogs in each gateway's format: decoded as meant, answered as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree

from ussd_app.gateways import GATEWAYS, Endpoint, Seen, resolve
from ussd_app.messages import NOTICES, Action, HttpRequest, Kind, Screen, UssdRequest

HERE = Path(__file__).parent / "fixtures"
FILES = sorted(HERE.glob("*/*.json"))

Fixture = dict[str, Any]  # JSON


def loaded(path: Path) -> Fixture:
    fixture: Fixture = json.loads(path.read_text("utf-8"))
    return fixture


def http(step: Fixture) -> HttpRequest:
    """The request as the web side reads it from its endpoint's URL."""
    path, _, query = step["request"]["path_query"].partition("?")
    headers = {name.lower(): value for name, value in step["request"]["headers"].items()}
    return HttpRequest(
        step["request"]["method"],
        path.removeprefix("/ussd"),
        query,
        headers,
        step["request"]["body"].encode(),
    )


def decoded(fixture: Fixture) -> list[UssdRequest]:
    """Every step decoded, what the store knows carried from each to the next."""
    gateway = GATEWAYS[fixture["gateway"]]
    seen: Seen | None = None
    found = []
    for step in fixture["steps"]:
        raw = gateway.decode(http(step), Endpoint("e"))
        found.append(resolve(raw, seen))
        live = step["reply"]["action"] == "continue"
        seen = Seen(live, raw.input if raw.accumulated else "")
    return found


def screen(step: Fixture, *, structured: bool) -> Screen:
    text, action = step["reply"]["screen"], Action(step["reply"]["action"])
    if not structured:
        return Screen(text, action)
    title, *lines = text.split("\n")
    options = tuple((line.partition(". ")[0], line.partition(". ")[2]) for line in lines)
    return Screen(text, action, title, options)


def same_xml(one: Element, other: Element) -> bool:
    return (
        one.tag == other.tag
        and (one.text or "") == (other.text or "")
        and one.attrib == other.attrib
        and len(one) == len(other)
        and all(same_xml(a, b) for a, b in zip(one, other, strict=True))
    )


def test_both_gateways_have_recorded_dialogs() -> None:
    assert {loaded(path)["gateway"] for path in FILES} == set(GATEWAYS)
    assert {path.parent.name for path in FILES} == set(GATEWAYS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_dialog_is_decoded_as_it_was_meant(path: Path) -> None:
    fixture = loaded(path)
    for step, request in zip(fixture["steps"], decoded(fixture), strict=True):
        means = {name: getattr(request, name) for name in step["means"]}
        assert means == step["means"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_dialog_is_answered_as_documented(path: Path) -> None:
    fixture = loaded(path)
    gateway = GATEWAYS[fixture["gateway"]]
    structured = "<options>" in fixture["steps"][0]["reply"]["body"]
    endpoint = Endpoint("e", structured=structured)
    for step, request in zip(fixture["steps"], decoded(fixture), strict=True):
        if request.kind in NOTICES:
            reply = gateway.acknowledge(request)
        else:
            reply = gateway.encode(screen(step, structured=structured), request, endpoint)
        assert reply.status == step["reply"]["status"]
        assert reply.content_type == step["reply"]["headers"]["Content-Type"]
        expected = step["reply"]["body"].encode()
        if fixture["body_compare"] == "xml":
            assert same_xml(ElementTree.fromstring(reply.body), ElementTree.fromstring(expected))
        else:
            assert reply.body == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_hops_of_a_recorded_dialog_are_told_apart_and_repeats_known(path: Path) -> None:
    fixture = loaded(path)
    first, second = decoded(fixture), decoded(fixture)

    assert [request.hop for request in first] == [request.hop for request in second]
    assert len({request.hop for request in first}) == len(first)
    positions = [request.position for request in first if request.kind not in NOTICES]
    assert positions == sorted(positions, key=lambda position: position or 0)


def test_an_ended_sessions_growing_text_is_no_new_session() -> None:
    request = UssdRequest(Kind.OPEN, "s", "+22670123456", "*1#", "2*5*1", "h", accumulated=True)

    assert resolve(request, Seen(live=False, accumulated="2*5")).kind is Kind.CONTINUE
    assert resolve(request, Seen(live=False, accumulated="9")).kind is Kind.BEGIN
    assert resolve(request, None).kind is Kind.BEGIN


def test_an_older_text_is_left_whole() -> None:
    request = UssdRequest(Kind.OPEN, "s", "+22670123456", "*1#", "2", "h", accumulated=True)

    assert resolve(request, Seen(live=True, accumulated="2*5")).input == "2"


def test_texts_are_cut_by_length_and_never_in_the_middle_of_an_input() -> None:
    request = UssdRequest(Kind.OPEN, "s", "+22670123456", "*1#", "25", "h", accumulated=True)

    assert resolve(request, Seen(live=True, accumulated="2")).input == "25"
