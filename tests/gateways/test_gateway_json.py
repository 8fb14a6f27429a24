"""The gateways that speak JSON: recorded dialogs, and what holds of any callback and screen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.gateways.arkesel import Arkesel
from ussd_app.gateways.base import Adapter, Endpoint, Gateway
from ussd_app.gateways.beem import Beem
from ussd_app.gateways.emergent import Emergent
from ussd_app.gateways.hubtel import Hubtel
from ussd_app.gateways.infobip import Infobip
from ussd_app.gateways.junebug import Junebug
from ussd_app.gateways.mtn_madapi import MtnMadapi
from ussd_app.gateways.nalo import Nalo
from ussd_app.gateways.southpawsl import SouthPawsl
from ussd_app.gateways.uzo import Uzo
from ussd_app.gateways.vumi_go import VumiGo
from ussd_app.messages import (
    NOTICES,
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)
from ussd_app.render import gsm7

ADAPTERS: tuple[Gateway, ...] = (
    Hubtel(),
    MtnMadapi(),
    Arkesel(),
    Nalo(),
    Uzo(),
    Beem(),
    Emergent(),
    SouthPawsl(),
    Infobip(),
    VumiGo(),
    Junebug(),
)
BY_NAME = {each.name: each for each in ADAPTERS}
EACH = pytest.mark.parametrize("gateway", ADAPTERS, ids=lambda each: each.name)

FILES = sorted(
    path for name in BY_NAME for path in (Path(__file__).parent / "fixtures" / name).glob("*.json")
)
EACH_FILE = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}"
)

ENDPOINT = Endpoint("e", service_codes=("*789#", "*789*12#"))
#: Where the asynchronous gateways' recorded screens are sent to.
OPTIONS = {
    "vumi_go": {
        "url": "https://go.vumi.org/api/v1/go/http_api_nostream/conversation/",
        "account_key": "account",
        "access_token": "token",
    },
    "junebug": {"url": "http://junebug"},
}
NUMBERS = st.sampled_from(["+22670123456", "+233208183783", "+255754123456", "+2250502312345"])
#: Paths that these gateways append, and others.
PATHS = st.sampled_from(["", "/x", *(f"/session/1/{event}" for event in ("start", "end", "x"))])
ALPHABET = [chr(point) for point in range(0x20B0) if gsm7.septets(chr(point)) is not None]
TEXT = st.text(st.sampled_from(ALPHABET), max_size=182)
INPUT = st.text('0123456789*#aé +&=%;"\\', min_size=1, max_size=20)
EXTRA = st.lists(st.text("0123456789", min_size=1, max_size=5), max_size=3).map("*".join)

Fixture = dict[str, Any]  # JSON


def loaded(path: Path) -> Fixture:
    fixture: Fixture = json.loads(path.read_text("utf-8"))
    return fixture


def codes_of(fixture: Fixture) -> tuple[str, ...]:
    codes = {step["means"]["service_code"] for step in fixture["steps"]}
    return tuple(sorted(filter(None, codes)))


def http(step: Fixture) -> HttpRequest:
    """The request, its path cut after the placeholder for the endpoint's URL."""
    path, _, query = step["request"]["path_query"].partition("?")
    for placeholder in ("/ussd", "/inbound"):
        path = path.removeprefix(placeholder)
    headers = {name.lower(): value for name, value in step["request"]["headers"].items()}
    body = step["request"]["body"].encode()
    return HttpRequest(step["request"]["method"], path, query, headers, body)


def answered(gateway: Gateway, request: UssdRequest, step: Fixture, to: Endpoint) -> UssdReply:
    """What the gateway's own callback is answered with."""
    if request.kind in NOTICES | {Kind.STATUS} or gateway.capabilities.asynchronous:
        return gateway.acknowledge(request)
    reply = step["reply"]
    return gateway.encode(Screen(reply["screen"], Action(reply["action"])), request, to)


def test_every_adapter_has_recorded_dialogs() -> None:
    assert {path.parent.name for path in FILES} == set(BY_NAME)
    assert {loaded(path)["gateway"] for path in FILES} == set(BY_NAME)


@EACH_FILE
def test_a_recorded_callback_is_decoded_as_it_was_meant(path: Path) -> None:
    fixture = loaded(path)
    gateway, endpoint = BY_NAME[path.parent.name], Endpoint("e", service_codes=codes_of(fixture))
    for step in fixture["steps"]:
        sent = http(step)
        request = gateway.decode(sent, endpoint)
        assert {name: getattr(request, name) for name in step["means"]} == step["means"]
        assert gateway.serves(sent.path)
        assert sent.method in gateway.methods


@EACH_FILE
def test_a_recorded_callback_is_answered_as_documented(path: Path) -> None:
    fixture = loaded(path)
    gateway, endpoint = BY_NAME[path.parent.name], Endpoint("e", service_codes=codes_of(fixture))
    for step in fixture["steps"]:
        reply = answered(gateway, gateway.decode(http(step), endpoint), step, endpoint)
        expected = step["reply"]
        assert reply.status == expected["status"]
        assert reply.content_type == expected["headers"].get("Content-Type", reply.content_type)
        if expected["body"]:
            assert json.loads(reply.body) == json.loads(expected["body"])
        else:
            assert reply.body == b""


@EACH_FILE
def test_hops_of_a_recorded_dialog_are_told_apart_and_repeats_known(path: Path) -> None:
    gateway, steps = BY_NAME[path.parent.name], loaded(path)["steps"]
    first = [gateway.decode(http(step), ENDPOINT) for step in steps]
    again = [gateway.decode(http(step), ENDPOINT) for step in steps]

    assert first == again
    assert len({request.hop for request in first}) == len(steps)
    positions = [each.position for each in first if each.kind not in NOTICES]
    numbered = gateway.capabilities.numbers_hops
    assert positions == (sorted(filter(None, positions)) if numbered else [None] * len(positions))


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_screen_of_an_asynchronous_gateway_goes_out_as_documented(name: str) -> None:
    fixture = loaded(Path(__file__).parent / "fixtures" / name / "dialog.json")
    gateway, endpoint = BY_NAME[name], Endpoint("e", options=OPTIONS[name])
    outbound = [step for step in fixture["steps"] if "outbound" in step]
    assert len(outbound) == 3
    for step in outbound:
        request = gateway.decode(http(step), endpoint)
        screen = Screen(step["reply"]["screen"], Action(step["reply"]["action"]))
        reply = gateway.encode(screen, request, endpoint)
        call, expected = gateway.outbound(reply, request, endpoint, 0.0), step["outbound"]
        assert (call.method, call.url) == (expected["method"], expected["url"])
        assert set(call.headers) == set(expected["headers"])
        assert json.loads(call.body) == json.loads(expected["body"])


@EACH
def test_an_adapter_says_what_it_is(gateway: Gateway) -> None:
    assert isinstance(gateway, Adapter)
    assert gateway.confidence
    assert gateway.methods <= {"GET", "POST", "PUT"}


def understood(gateway: Gateway, request: HttpRequest) -> bool:
    """Whether it is decoded to a whole request, or refused with a sentence; all else is a bug."""
    try:
        found = gateway.decode(request, ENDPOINT)
    except BadCallback as error:
        return bool(str(error))
    known = found.msisdn.startswith("+") or not found.msisdn
    return bool(found.session.strip() and found.hop and known)


@EACH
@given(
    body=st.binary(max_size=200),
    query=st.text(max_size=40),
    headers=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
    path=st.one_of(PATHS, st.text(max_size=30)),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
def test_any_request_is_decoded_or_refused(
    gateway: Gateway, body: bytes, query: str, headers: dict[str, str], path: str, method: str
) -> None:
    assert understood(gateway, HttpRequest(method, path, query, headers, body))


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["0", "1", "18", "*789#", "new", "22670123456", "response", "\ud800"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@EACH
@given(data=st.data())
def test_any_members_of_the_right_names_are_decoded_or_refused(
    gateway: Gateway, data: st.DataObject
) -> None:
    asked = UssdRequest(Kind.BEGIN, "s", "+22670123456", "*789#", "", "")
    sent = gateway.example(asked, data.draw(st.sampled_from([("",), ("", "1")])))
    members = json.loads(sent.body)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(members)), JSON, max_size=3))
    body = json.dumps({**members, **changed}).encode()
    assert understood(gateway, HttpRequest(sent.method, sent.path, "", sent.headers, body))
    try:
        request = gateway.decode(HttpRequest("POST", sent.path, "", {}, body), ENDPOINT)
    except BadCallback:
        return
    shown = gateway.read(gateway.encode(Screen("é", Action.END), request, ENDPOINT))
    assert (shown.text, shown.action) == ("é", Action.END)


@EACH
@given(extra=EXTRA, inputs=st.lists(INPUT, max_size=4), msisdn=NUMBERS, code=st.booleans())
def test_a_dialog_played_by_a_phone_is_understood(
    gateway: Gateway, extra: str, inputs: list[str], msisdn: str, *, code: bool
) -> None:
    asked = UssdRequest(Kind.BEGIN, "s 1&2", msisdn, "*789*12#", "", "")
    # Where only the endpoint's codes tell the code from what follows it, that one is the longest.
    endpoint = ENDPOINT if code else Endpoint("e", service_codes=("*789*12#",))
    codeless = gateway.name == "beem"
    history = ("" if codeless else extra, *inputs)
    for hop in range(1, len(history) + 1):
        sent = gateway.example(asked, history[:hop])
        request = gateway.decode(sent, endpoint)
        assert gateway.serves(sent.path)
        assert request.kind is (Kind.BEGIN if hop == 1 else Kind.CONTINUE)
        assert request.input == history[hop - 1]
        assert request.msisdn == msisdn
        addresses = f"{msisdn} *789*12#"
        assert request.session == (
            addresses if gateway.capabilities.asynchronous else asked.session
        )
        # Arkesel, Nalo and Beem do not tell it on every hop: the endpoint's first stands in.
        told = gateway.name not in {"arkesel", "nalo", "beem"} or (hop == 1 and not codeless)
        assert request.service_code == ("*789*12#" if told else endpoint.service_codes[0])


@EACH
@given(text=TEXT, action=st.sampled_from(Action), masked=st.booleans())
def test_what_is_sent_is_what_a_phone_shows(
    gateway: Gateway, text: str, action: Action, *, masked: bool
) -> None:
    request = gateway.decode(
        gateway.example(UssdRequest(Kind.BEGIN, "s", "+22670123456", "*789#", "", ""), ("",)),
        ENDPOINT,
    )
    reply = gateway.encode(Screen(text, action, masked=masked), request, ENDPOINT)
    shown = gateway.read(reply)

    assert (shown.text, shown.action) == (text, action)
    assert reply.content_type == "application/json"
    assert reply.body.isascii()


@EACH
@given(body=st.one_of(st.binary(max_size=60), JSON.map(json.dumps).map(str.encode)))
def test_a_reply_no_phone_could_show_is_refused(gateway: Gateway, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        gateway.read(UssdReply(200, "application/json", body))
