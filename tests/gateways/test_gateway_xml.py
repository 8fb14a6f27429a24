"""Gateways of the XML family, and Flares: recorded dialogs, and what holds for anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.gateways import dialling
from ussd_app.gateways.base import Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.blastsms import BlastSms
from ussd_app.gateways.comviva_xml import ComvivaXml
from ussd_app.gateways.flares_http import FlaresHttp
from ussd_app.gateways.huawei_sdp import HuaweiSdp
from ussd_app.gateways.mtn_xmlrpc import MtnXmlRpc
from ussd_app.gateways.orange_xhtml import OrangeXhtml
from ussd_app.gateways.restcomm import RestComm
from ussd_app.gateways.truroute import TruRoute
from ussd_app.gateways.xmlrpc_ussd_message import XmlRpcUssdMessage
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

ADAPTERS: dict[str, Gateway] = {
    each.name: each
    for each in (
        BlastSms(),
        ComvivaXml(),
        FlaresHttp(),
        HuaweiSdp(),
        MtnXmlRpc(),
        OrangeXhtml(),
        RestComm(),
        TruRoute(),
        XmlRpcUssdMessage(),
    )
}
HERE = Path(__file__).parent / "fixtures"
FILES = [path for name in sorted(ADAPTERS) for path in sorted((HERE / name).glob("*.json"))]
EACH = pytest.mark.parametrize("name", sorted(ADAPTERS))
RECORDED = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}"
)

OPTIONS = {"url": "/ussd", "sp_id": "1", "sp_password": "secret", "service_id": "7"}
ENDPOINT = Endpoint("e", service_codes=("*789#",), options=OPTIONS)
ASKED = UssdRequest(Kind.BEGIN, "s 1&2", "+22670123456", "*789#", "", "", language="fr")

SHOWN = st.text(
    st.one_of(
        st.sampled_from("abcé<>&\"'{}[]€ΔÇ \n\r\t\f\x00\x08\x1b\ufffe"),
        st.characters(codec="utf-8"),
    )
)
INPUT = st.text("0123456789*#aé +&=%;", min_size=1, max_size=20).filter(
    lambda typed: typed == typed.strip()
)

Fixture = dict[str, Any]  # JSON


def loaded(path: Path) -> Fixture:
    fixture: Fixture = json.loads(path.read_text("utf-8"))
    return fixture


def endpoint_of(fixture: Fixture) -> Endpoint:
    """The endpoint that was recorded: its service code, and links where the pages hold some."""
    code = fixture["steps"][0]["means"]["service_code"]
    structured = "<a href" in fixture["steps"][0]["reply"]["body"]
    options = fixture.get("endpoint", {}).get("options", {})
    return Endpoint(
        "e", service_codes=(code,) if code else (), structured=structured, options=options
    )


def http(step: Fixture) -> HttpRequest:
    asked = step["request"]
    path, _, query = asked["path_query"].partition("?")
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    path = path.removeprefix("/ussd")
    return HttpRequest(asked["method"], path, query, headers, asked["body"].encode())


def known(request: UssdRequest, *, live: bool) -> UssdRequest:
    """The request once the store has told whether it begins, and the code is cut off a dial."""
    resolved = resolve(request, Seen(live=True) if live else None)
    if request.kind is Kind.OPEN and resolved.kind is Kind.BEGIN:
        return resolved._replace(input=dialling.after(resolved.input, resolved.service_code))
    return resolved


def decoded(fixture: Fixture) -> list[UssdRequest]:
    adapter, endpoint = ADAPTERS[fixture["gateway"]], endpoint_of(fixture)
    live = False
    found = []
    for step in fixture["steps"]:
        found.append(known(adapter.decode(http(step), endpoint), live=live))
        live = step["reply"]["action"] == "continue"
    return found


def screen(step: Fixture, *, structured: bool) -> Screen:
    text, action = step["reply"]["screen"], Action(step["reply"]["action"])
    title, *lines = text.split("\n")
    if not structured or not lines:
        return Screen(text, action)
    options = tuple((line.partition(". ")[0], line.partition(". ")[2]) for line in lines)
    return Screen(text, action, title, options)


def parts(element: Element) -> object:
    """What two documents that say the same have in common."""
    text, tail = (each or "" for each in (element.text, element.tail))
    return (
        element.tag,
        sorted(element.attrib.items()),
        "" if text.isspace() else text,
        [parts(each) for each in element],
        "" if tail.isspace() else tail,
    )


def same(one: bytes, other: bytes, how: str) -> bool:
    if how == "exact" or not other:
        return one == other
    mine, theirs = (parts(ElementTree.fromstring(each)) for each in (one, other))
    return mine == theirs


@RECORDED
def test_a_recorded_dialog_is_decoded_as_it_was_meant(path: Path) -> None:
    fixture = loaded(path)
    first = decoded(fixture)[0]
    for step, request in zip(fixture["steps"], decoded(fixture), strict=True):
        # What a gateway does not repeat, the store knows from the first hop.
        msisdn = request.msisdn or first.msisdn
        means = {name: value or "" for name, value in step["means"].items()}
        said = request._replace(msisdn=msisdn)
        assert {name: getattr(said, name) for name in means} == means


@RECORDED
def test_a_recorded_dialog_is_answered_as_documented(path: Path) -> None:
    fixture = loaded(path)
    adapter, endpoint = ADAPTERS[fixture["gateway"]], endpoint_of(fixture)
    for step, request in zip(fixture["steps"], decoded(fixture), strict=True):
        shown = screen(step, structured=endpoint.structured)
        notice = request.kind in NOTICES and not shown.text
        if notice or adapter.capabilities.asynchronous:
            reply = adapter.acknowledge(request)
        else:
            reply = adapter.encode(shown, request, endpoint)
        headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
        assert reply.status == step["reply"]["status"]
        assert headers.items() >= step["reply"]["headers"].items()
        assert same(reply.body, step["reply"]["body"].encode(), fixture["body_compare"])


@RECORDED
def test_hops_of_a_recorded_dialog_are_told_apart(path: Path) -> None:
    asked = [each for each in decoded(loaded(path)) if each.kind not in NOTICES]
    positions = [each.position for each in asked if each.position is not None]

    assert len({each.hop for each in asked}) == len(asked)
    assert positions == sorted(set(positions))


@EACH
def test_every_gateway_has_recorded_dialogs_and_says_what_it_is(name: str) -> None:
    adapter = ADAPTERS[name]

    assert [path for path in FILES if path.parent.name == name]
    assert adapter.confidence
    assert adapter.methods <= {"GET", "POST"}
    assert adapter.serves("")
    assert not adapter.serves("/elsewhere")


def test_the_screen_of_an_asynchronous_gateway_goes_out_as_recorded() -> None:
    fixture = loaded(HERE / "huawei_sdp" / "dialog.json")
    adapter, endpoint = HuaweiSdp(), endpoint_of(fixture)
    for step, request in zip(fixture["steps"], decoded(fixture), strict=True):
        reply = adapter.encode(screen(step, structured=False), request, endpoint)
        call = adapter.outbound(reply, request, endpoint, now=1768035600.9)
        url = step["outbound"]["url"].removeprefix("<SDP>")
        assert (call.method, call.url) == ("POST", f"https://sdp.example{url}")
        assert call.headers.items() >= step["outbound"]["headers"].items()
        assert same(call.body, step["outbound"]["body"].encode(), "xml")


# Anything may come.


def understood(name: str, request: HttpRequest) -> UssdRequest | None:
    """The request, or None where it is refused with a sentence; any other error is a bug."""
    try:
        return ADAPTERS[name].decode(request, ENDPOINT)
    except BadCallback as error:
        assert str(error)  # noqa: PT017  # the sentence is the point, whether it comes is not
        return None


@EACH
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.sampled_from(["", "/hop/1", "/hop/0", "/events", "/hop/²"]),
    query=st.one_of(st.text(max_size=200), st.text("%&=+;abc0123456789", max_size=80)),
    headers=st.dictionaries(
        st.sampled_from(["user-msisdn", "user-sessionid", "user-language", "content-type"]),
        st.text(max_size=40),
    ),
    body=st.binary(max_size=200),
)
def test_anything_is_decoded_or_refused(
    name: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    found = understood(name, HttpRequest(method, path, query, headers, body))
    assert found is None or found.session


@EACH
@given(
    inputs=st.lists(INPUT, max_size=2),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 0.4)),
    put=st.one_of(st.binary(max_size=12), st.text(max_size=12).map(lambda text: text.encode())),
)
def test_a_callback_with_any_part_replaced_is_decoded_or_refused(
    name: str, inputs: list[str], cut: tuple[float, float], put: bytes
) -> None:
    example = ADAPTERS[name].example(ASKED, ("", *inputs))
    whole = example.body or example.query.encode()
    start = int(cut[0] * len(whole))
    changed = whole[:start] + put + whole[start + int(cut[1] * len(whole)) :]
    if example.body:
        request = example._replace(body=changed)
    else:
        request = example._replace(query=changed.decode("latin-1"))
    found = understood(name, request)
    assert found is None or found.session


@EACH
@given(
    extra=st.one_of(
        st.just(""), INPUT.filter(lambda e: e == e.strip("*# ") and not e.startswith("789"))
    ),
    inputs=st.lists(INPUT, max_size=5),
)
def test_a_whole_dialog_played_by_a_phone_is_understood(
    name: str, extra: str, inputs: list[str]
) -> None:
    adapter = ADAPTERS[name]
    history = ("" if name == "orange_xhtml" else extra, *inputs)
    hops = [
        known(adapter.decode(adapter.example(ASKED, history[: hop + 1]), ENDPOINT), live=hop > 0)
        for hop in range(len(history))
    ]

    assert [each.kind for each in hops] == [Kind.BEGIN] + [Kind.CONTINUE] * len(inputs)
    assert tuple(each.input for each in hops) == history
    assert {each.session for each in hops} == {"s 1&2"}
    assert {each.service_code for each in hops} == {"*789#"} or name == "flares_http"
    assert hops[0].msisdn == "+22670123456"
    assert {each.msisdn for each in hops} <= {"+22670123456", ""}


#: What a format cannot carry: XML no form feed, TruRoute no control character but the line break.
CARRIED: dict[str, Callable[[str], str]] = {
    "flares_http": lambda text: text.lstrip(),
    "huawei_sdp": lambda text: text,
    "xml": lambda text: text.replace("\f", " "),
    "truroute": lambda text: text.replace("\f", " ").replace("\r", " "),
}


@EACH
@given(text=SHOWN, action=st.sampled_from(Action))
def test_what_is_sent_is_what_a_phone_shows(name: str, text: str, action: Action) -> None:
    sendable = gsm7.transliterate(text)
    carried = CARRIED.get(name, CARRIED["xml"])
    adapter = ADAPTERS[name]
    shown = adapter.read(adapter.encode(Screen(sendable, action), ASKED, ENDPOINT))

    assert (shown.text, shown.action) == (carried(sendable), action)


@EACH
@given(text=SHOWN)
def test_any_text_at_all_makes_a_reply_that_can_be_read(name: str, text: str) -> None:
    """Even characters that no XML may hold, raw from a back-end: blanks stand in for them."""
    adapter = ADAPTERS[name]
    reply = adapter.encode(Screen(text, Action.CONTINUE), ASKED, ENDPOINT)

    assert len(adapter.read(reply).text) == len(text.lstrip() if name == "flares_http" else text)
    if adapter.capabilities.asynchronous:
        call = adapter.outbound(reply, ASKED, ENDPOINT, 0)
        sent = ElementTree.fromstring(call.body).findtext(".//{*}ussdString")
        assert len(sent or "") == len(text)


@EACH
@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"Hello", b"<a/>", b"<a>", b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>']
)
def test_a_reply_no_phone_could_show_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ADAPTERS[name].read(UssdReply(200, "text/xml", body))


@EACH
@given(body=st.binary(max_size=60))
def test_any_reply_is_read_or_refused_as_a_wrong_value(name: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ADAPTERS[name].read(UssdReply(200, "text/xml", body))
