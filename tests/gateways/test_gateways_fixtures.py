"""Recorded dialogs in each gateway's format: decoded as meant, answered as documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from ussd_app.gateways import GATEWAYS, Seen, resolve
from ussd_app.gateways.conformance import check, endpoint_of, load
from ussd_app.messages import Kind, UssdRequest

HERE = Path(__file__).parent / "fixtures"
FILES = sorted(HERE.glob("*/*.json"))


def test_every_gateway_has_recorded_dialogs() -> None:
    assert {path.parent.name for path in FILES} == set(GATEWAYS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_dialog_is_decoded_as_meant_and_answered_as_documented(path: Path) -> None:
    fixture = load(path.read_text("utf-8"))

    differences = check(GATEWAYS[path.parent.name], fixture, endpoint_of(fixture))

    assert [str(each) for each in differences] == []


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_every_gateway_says_how_sure_it_is_and_what_it_carries(name: str) -> None:
    gateway = GATEWAYS[name]

    assert gateway.name == name
    assert gateway.confidence
    assert 40 <= gateway.capabilities.septets_max <= 182


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


def test_a_last_input_under_an_ended_id_begins_anew_without_its_code() -> None:
    request = UssdRequest(Kind.OPEN, "s", "+22670123456", "*121#", "121*7", "h")

    begun = resolve(request, Seen(live=False))
    assert (begun.kind, begun.input) == (Kind.BEGIN, "7")
    going_on = resolve(request, Seen(live=True))
    assert (going_on.kind, going_on.input) == (Kind.CONTINUE, "121*7")
