"""Captures become fixtures: read, cut into dialogs, masked, and held against their adapters."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ussd_app.gateways import GATEWAYS, Endpoint, Seen, resolve
from ussd_app.gateways.capture import Made, Skipped, fixtures_of
from ussd_app.gateways.capture_files import BadCapture, read
from ussd_app.gateways.capture_masks import Masks, masks_of, national
from ussd_app.gateways.conformance import check, endpoint_of, load
from ussd_app.messages import Action, HttpRequest, Kind, Screen, UssdReply, UssdRequest

RECORDED = sorted((Path(__file__).parent / "fixtures").glob("*/*.json"))
ENDPOINT = Endpoint("check", service_codes=("*789#",), options={"url": "/ussd/bf"})
EACH = pytest.mark.parametrize("name", sorted(GATEWAYS))
NUMBER = "+22670123456"
TOKEN = "4392 5203 8783 8507 3793"
#: What comes of the first, second, third … number of Burkina Faso in a capture.
FIRST, SECOND = "+22670000001", "+22670000002"

#: Numbers as people have them, by the country of the endpoint.
NUMBERS = st.sampled_from(
    [("BF", "+22670{:06}"), ("GH", "+23324{:07}"), ("NG", "+234803{:07}"), ("FR", "+336{:08}")]
).flatmap(
    lambda each: st.integers(10**5, 10**6 - 1).map(lambda digits: (each[0], each[1].format(digits)))
)


#: Which of `spoken` a client may type, and is understood.
TYPED = (0, 1, 2, 3, 5, 7, 8)


def spoken(number: str, country: str) -> list[str]:
    """A number as people and machines write it."""
    digits = national(number)
    code = number.removesuffix(digits).removeprefix("+")
    grouped = " ".join(re.findall("..?", digits))
    return [
        number,
        number[1:],
        f"00{number[1:]}",
        f"tel:{number}",
        f"0{digits}",
        digits,
        f"%2B{number[1:]}",
        f"+{code} {grouped}",
        phonenumbers.format_number(
            phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL
        ),
    ]


def played(
    name: str,
    number: str = NUMBER,
    history: tuple[str, ...] = ("", "1", "2"),
    session: str = "s-1",
    endpoint: Endpoint = ENDPOINT,
    text: str = "Bonjour\n1. Solde\n2. Payer",
) -> list[dict[str, Any]]:
    """A dialog as the gateway and we would have it, a line of JSON Lines each."""
    gateway = GATEWAYS[name]
    asked = UssdRequest(Kind.BEGIN, session, number, endpoint.service_codes[0], "", "")
    lines, seen = [], None
    for hop in range(1, len(history) + 1):
        http = gateway.example(asked, history[:hop])
        raw = gateway.decode(http, endpoint)
        request = resolve(raw, seen)
        seen = Seen(live=True, accumulated=raw.input if raw.accumulated else "")
        action = Action.END if hop == len(history) else Action.CONTINUE
        reply = gateway.encode(Screen(f"{text} {hop}", action), request, endpoint)
        if gateway.capabilities.asynchronous:
            reply = gateway.acknowledge(request, live=True)
        lines.append(line(http, reply))
    return lines


def line(http: HttpRequest, reply: UssdReply) -> dict[str, Any]:
    query = f"?{http.query}" if http.query else ""
    return {
        "request": {
            "method": http.method,
            "path_query": f"/ussd/bf{http.path}{query}",
            "headers": dict(http.headers),
            "body": http.body.decode(),
        },
        "reply": {
            "status": reply.status,
            "headers": {"Content-Type": reply.content_type, **dict(reply.headers)},
            "body": reply.body.decode(),
        },
    }


def as_lines(lines: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in lines)


def as_har(lines: list[dict[str, Any]]) -> str:
    """The same as a proxy exports it."""

    def named(headers: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in headers.items()]

    entries = []
    for each in lines:
        sent, reply = each["request"], each["reply"]
        content = b64encode(reply["body"].encode()).decode()
        request = {
            "method": sent["method"],
            "url": f"https://app.example{sent['path_query']}",
            "httpVersion": "HTTP/2",
            "headers": [{"name": ":method", "value": "x"}, *named(sent["headers"])],
            "queryString": [],
        }
        if sent["body"]:
            request["postData"] = {"mimeType": "x/y", "text": sent["body"]}
        response = {
            "status": reply["status"],
            "headers": named(reply["headers"]),
            "content": {"mimeType": "", "text": content, "encoding": "base64"},
        }
        entries.append({"request": request, "response": response})
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}})


def made(name: str, text: str, endpoint: Endpoint = ENDPOINT) -> Made:
    return fixtures_of(GATEWAYS[name], read(text, "c"), endpoint)


def differences(name: str, found: Made) -> list[str]:
    """What a fixture, written and read again, differs in from its adapter."""
    fixtures = [load(json.dumps(each)) for each in found.fixtures]
    return [str(each) for one in fixtures for each in check(GATEWAYS[name], one)]


def inputs(found: Made) -> list[list[str]]:
    return [[step["means"]["input"] for step in one["steps"]] for one in found.fixtures]


# Every gateway.


@EACH
@pytest.mark.parametrize("codes", [("*789#",), ()])
@pytest.mark.parametrize("written", [as_har, as_lines])
def test_a_dialog_of_any_gateway_becomes_a_fixture_that_agrees(
    name: str, codes: tuple[str, ...], written: Any
) -> None:
    found = made(name, written(played(name)), replace(ENDPOINT, service_codes=codes))

    (fixture,) = found.fixtures
    assert found.skipped == ()
    assert differences(name, found) == []
    assert inputs(found) == [["", "1", "2"]]
    assert [step["means"]["kind"] for step in fixture["steps"]] == ["begin", "continue", "continue"]
    if not GATEWAYS[name].capabilities.asynchronous:
        screens = [step["reply"]["screen"] for step in fixture["steps"]]
        assert screens == [f"Bonjour\n1. Solde\n2. Payer {hop}" for hop in (1, 2, 3)]
        actions = [step["reply"]["action"] for step in fixture["steps"]]
        assert actions == ["continue", "continue", "end"]


@EACH
@given(told=NUMBERS, other=st.integers(10**5, 10**6 - 1), form=st.sampled_from(TYPED))
@settings(max_examples=8, deadline=None)
def test_no_number_of_a_client_is_left_in_any_form(
    name: str, told: tuple[str, str], other: int, form: int
) -> None:
    country, number = told
    friend = f"{number[:-6]}{other}"
    endpoint = replace(ENDPOINT, country=country)
    text = " / ".join([*spoken(number, country), f"Code {TOKEN}, {TOKEN.replace(' ', '')}."])
    history = ("", "1", spoken(friend, country)[form], "2")
    lines = played(name, number, history, f"s {number[1:]}-4", endpoint, text)
    found = made(name, as_lines(lines), endpoint)

    assert found.skipped == ()
    assert differences(name, found) == []
    shown = json.dumps(found.fixtures)
    for each in {number, friend}:
        assert national(each) not in re.sub(r"[ .()+-]|%..", "", shown)
    assert "4392" not in shown
    for fixture in found.fixtures:
        for step in fixture["steps"]:
            if step["means"]["msisdn"]:
                parsed = phonenumbers.parse(step["means"]["msisdn"])
                assert phonenumbers.is_valid_number(parsed)
                assert phonenumbers.region_code_for_number(parsed) == country
                assert len(step["means"]["msisdn"]) == len(number)


@EACH
def test_what_is_masked_is_decoded_as_before(name: str) -> None:
    """But for the number itself: kind, input and session are those of the recording."""
    lines = played(name, session=f"s-{NUMBER[1:]}", history=("", "1*2", "70998877"))
    found = made(name, as_lines(lines))
    (fixture,) = found.fixtures
    masks = Masks({"70123456": "70000001", "70998877": "70000002"})
    seen: Seen | None = None
    for each, step in zip(lines, fixture["steps"], strict=True):
        sent = each["request"]
        path, _, query = sent["path_query"].removeprefix("/ussd/bf").partition("?")
        http = HttpRequest(sent["method"], path, query, sent["headers"], sent["body"].encode())
        raw = GATEWAYS[name].decode(http, ENDPOINT)
        request = resolve(raw, seen)
        seen = Seen(live=True, accumulated=raw.input if raw.accumulated else "")
        means = step["means"]
        assert means["kind"] == request.kind
        assert means["input"] == masks.text(request.input)
        assert means["session"] == masks.text(request.session)
        assert not request.msisdn or means["msisdn"] == FIRST


@EACH
@given(order=st.lists(st.integers(0, 5), min_size=1, max_size=9))
@settings(max_examples=8, deadline=None)
def test_whatever_comes_twice_late_or_never_the_fixtures_agree(name: str, order: list[int]) -> None:
    lines = [*played(name), *played(name, "+22671222333", session="s-2")]
    found = made(name, as_lines([lines[place] for place in order]))

    assert found.skipped == ()
    assert sum(len(each["steps"]) for each in found.fixtures) == len(order)
    assert differences(name, found) == []


@EACH
def test_the_same_capture_becomes_the_same_fixtures(name: str) -> None:
    text = as_lines(played(name))

    assert made(name, text) == made(name, text)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_our_recordings_stripped_of_their_meaning_mean_the_same_again(path: Path) -> None:
    name, recording = path.parent.name, load(path.read_text("utf-8"))
    steps = recording["steps"]
    lines = [{"request": step["request"], "reply": step["reply"]} for step in steps]
    found = made(name, as_lines(lines), endpoint_of(recording))
    (fixture,) = found.fixtures

    assert found.skipped == ()
    assert differences(name, found) == []
    for said, again in zip(steps, fixture["steps"], strict=True):
        assert said["means"]["kind"] == again["means"]["kind"]
        assert said["means"]["input"] in {again["means"]["input"], None}
        if not GATEWAYS[name].capabilities.asynchronous:
            assert said["reply"]["screen"] == again["reply"]["screen"]
            assert said["reply"]["action"] == again["reply"]["action"]


# Dialogs.


def test_callbacks_of_several_sessions_are_told_apart_and_keep_their_order() -> None:
    one, two = played("moov_xml"), played("moov_xml", "+22671222333", session="s-2")
    mixed = [each for pair in zip(one, two, strict=True) for each in pair]
    found = made("moov_xml", as_lines(mixed))

    assert [each["steps"][0]["means"]["session"] for each in found.fixtures] == ["s-1", "s-2"]
    assert inputs(found) == [["", "1", "2"]] * 2
    numbers = [each["steps"][0]["means"]["msisdn"] for each in found.fixtures]
    assert numbers == [FIRST, SECOND]


@pytest.mark.parametrize("name", ["moov_xml", "africastalking", "imimobile", "huawei_sdp"])
def test_a_session_that_begins_anew_is_another_dialog(name: str) -> None:
    found = made(name, as_lines([*played(name), *played(name, history=("", "3"))]))

    assert inputs(found) == [["", "1", "2"], ["", "3"]]
    assert differences(name, found) == []


def test_a_session_that_begins_anew_before_it_ends_is_another_dialog() -> None:
    found = made("moov_xml", as_lines([*played("moov_xml")[:2], *played("moov_xml")]))

    assert inputs(found) == [["", "1"], ["", "1", "2"]]


def test_a_capture_may_begin_in_the_middle_of_a_dialog() -> None:
    found = made("restcomm", as_lines(played("restcomm")[1:]))

    assert inputs(found) == [["1", "2"]]
    assert differences("restcomm", found) == []


def test_a_notice_belongs_to_its_dialog_and_has_no_screen() -> None:
    lines = played("africastalking")
    fields = "sessionId=s-1&phoneNumber=%2B22670123456&serviceCode=*789%23&status=Incomplete"
    form = {"content-type": "application/x-www-form-urlencoded"}
    notice = HttpRequest("POST", "/events", "", form, fields.encode())
    told = line(notice, GATEWAYS["africastalking"].acknowledge(heard("africastalking", notice)))
    found = made("africastalking", as_lines([*lines, told]))
    (fixture,) = found.fixtures
    step = fixture["steps"][3]

    assert step["request"]["path_query"] == "/ussd/events"
    assert (step["means"]["kind"], step["reply"]["screen"]) == ("timeout", "")
    assert step["means"]["reason"].startswith("incomplete")
    assert differences("africastalking", found) == []


def heard(name: str, http: HttpRequest) -> UssdRequest:
    return GATEWAYS[name].decode(http, ENDPOINT)


def test_a_question_of_status_tells_whether_the_session_lives() -> None:
    lines = played("infobip")
    asked = HttpRequest("GET", "/session/s-1/status")
    for live in (True, False):
        reply = GATEWAYS["infobip"].acknowledge(heard("infobip", asked), live=live)
        lines.insert(2 if live else 4, line(asked, reply))
    found = made("infobip", as_lines(lines))
    (fixture,) = found.fixtures

    told = [(step["means"]["kind"], step["reply"]["action"]) for step in fixture["steps"]]
    assert told[2] == ("status", "continue")
    assert told[4] == ("status", "end")
    assert differences("infobip", found) == []


def test_a_screen_that_hides_what_is_typed_next_says_so() -> None:
    lines = played("hubtel")
    screen = Screen("PIN?", Action.CONTINUE, masked=True)
    request = UssdRequest(Kind.BEGIN, "s-1", NUMBER, "*789#", "", "")
    lines[0]["reply"]["body"] = GATEWAYS["hubtel"].encode(screen, request, ENDPOINT).body.decode()
    found = made("hubtel", as_lines(lines))

    assert found.fixtures[0]["steps"][0]["reply"]["masked"] is True
    assert differences("hubtel", found) == []


def test_service_codes_that_callbacks_tell_are_the_endpoints() -> None:
    lines = [*played("comviva_xml"), *played("comviva_xml", history=("1*2",), session="s-2")]
    codes = replace(ENDPOINT, service_codes=())

    assert inputs(made("comviva_xml", as_lines(lines))) == [["", "1", "2"], ["1*2"]]
    guessed = made("comviva_xml", as_lines(lines), codes)
    # Nothing tells where a code ends: the longer one is a code of its own.
    assert guessed.fixtures[0]["endpoint"]["service_codes"] == ["*789#", "*789*1*2#"]
    assert differences("comviva_xml", guessed) == []


def test_a_reply_of_another_kind_makes_the_comparison_exact() -> None:
    lines = played("cellulant")
    lines[0]["reply"]["headers"]["Content-Type"] = "application/json"

    assert made("cellulant", as_lines(lines)).fixtures[0]["body_compare"] == "exact"


@pytest.mark.parametrize(
    ("name", "compare"),
    [("africastalking", "exact"), ("hubtel", "json"), ("moov_xml", "xml"), ("orange_xhtml", "xml")],
)
def test_bodies_are_compared_as_what_they_are(name: str, compare: str) -> None:
    (fixture,) = made(name, as_lines(played(name))).fixtures

    assert fixture["body_compare"] == compare
    assert fixture["endpoint"]["country"] == "BF"
    assert (fixture["source"], fixture["confidence"]) == ("capture", "capture")


def test_only_headers_that_carry_the_flow_are_kept_of_a_reply() -> None:
    lines = played("flares_http")
    for each in lines:
        each["reply"]["headers"] |= {"Date": "today", "Set-Cookie": "id=7"}
        each["request"]["headers"] |= {"Host": "a", "X-Forwarded-For": "10.0.0.1", "Accept": "*"}
    (fixture,) = made("flares_http", as_lines(lines)).fixtures
    step = fixture["steps"][0]

    assert step["reply"]["headers"] == {
        "Content-Type": "text/plain; charset=utf-8",
        "Freeflow": "FC",
    }
    assert step["request"]["headers"] == {"Accept": "*"}


# What is left out.


def test_what_is_no_callback_of_this_gateway_is_left_out_and_told() -> None:
    lines = played("moov_xml")
    get = lines[0]["request"]
    reply = lines[0]["reply"]
    others = [
        {"request": {**get, "path_query": "/favicon.ico"}, "reply": reply},
        {"request": {**get, "method": "POST"}, "reply": reply},
        {"request": get, "reply": {**reply, "status": 0}},
        {"request": get, "reply": {"status": 200, "headers": {}, "body_base64": "/w=="}},
    ]
    found = made("moov_xml", as_lines([*others, *lines]))

    assert inputs(found) == [["", "1", "2"]]
    assert found.skipped == (
        Skipped("c line 1", 'parameter "req_no" is missing'),
        Skipped("c line 2", "this gateway calls back by GET"),
        Skipped("c line 3", "no reply was recorded"),
        Skipped("c line 4", "a body is not UTF-8, and a fixture is text"),
    )


def test_a_path_that_the_gateway_does_not_call_is_left_out() -> None:
    lines = played("infobip")
    lines[0]["request"]["path_query"] = "/ussd/bf/elsewhere"

    assert made("infobip", as_lines(lines)).skipped[0].reason == (
        "this gateway does not call back under that path"
    )


@pytest.mark.parametrize("name", ["moov_xml", "africastalking", "crossgate", "vas2nets"])
def test_a_dialog_ends_where_a_reply_cannot_be_read(name: str) -> None:
    """What follows would be cut, or begun, by what nobody saw."""
    lines = played(name, history=("", "1", "2", "3"))
    lines[1]["reply"]["body"] = "<h1>Bad gateway</h1>"
    found = made(name, as_lines([*lines, *played(name, session="s-2")]))

    assert inputs(found) == [[""], ["", "1", "2"]]
    assert [each.where for each in found.skipped] == ["c line 2", "c line 3", "c line 4"]
    assert found.skipped[0].reason.startswith("its reply cannot be read: ")
    assert found.skipped[1].reason == "an earlier callback of its session was left out"
    assert differences(name, found) == []


def test_a_session_whose_begin_was_left_out_may_begin_again() -> None:
    lines = played("moov_xml")
    lines[0]["reply"]["body"] = "nothing"
    found = made("moov_xml", as_lines([*lines, *played("moov_xml")]))

    assert inputs(found) == [["", "1", "2"]]
    assert len(found.skipped) == 3


def test_a_number_that_hides_behind_escapes_is_not_written() -> None:
    lines = played("moov_xml")
    for each, hidden in zip(lines, ["%3{}", "&#x3{};", "\\u003{}"], strict=True):
        escaped = "".join(hidden.format(digit) for digit in "70123456")
        each["reply"]["body"] = each["reply"]["body"].replace("Bonjour", escaped)
    found = made("moov_xml", as_lines(lines))

    assert found.fixtures == ()
    reason = "a number or token stands in it in a form that cannot be masked"
    assert found.skipped[0] == Skipped("c line 1", reason)


def test_a_number_in_digits_of_another_script_is_not_written() -> None:
    """The library reads them, so the adapter does; nothing here replaces them."""
    lines = played("hubtel")
    arabic = NUMBER.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    for each in lines:
        each["request"]["body"] = each["request"]["body"].replace(NUMBER[1:], arabic)
    found = made("hubtel", as_lines(lines))

    assert found.fixtures == ()
    assert {each.reason for each in found.skipped} == {"masked, it would mean another msisdn"}


# Masks.


@pytest.mark.parametrize(
    ("sent", "masked"),
    [
        ("+22670123456", "+22670000001"),
        ("0022670123456", "0022670000001"),
        ("tel:%2B22670123456", "tel:%2B22670000001"),
        ("a=%2022670123456&b=1", "a=%2022670000001&b=1"),
        ("70 12 34 56", "70 00 00 01"),
        ("70%2012%2034%2056", "70%2000%2000%2001"),
        ("70-12.34+56", "70-00.00+01"),
        (r"n\u00b070123456", r"n\u00b070000001"),
        ("1*70123456*500", "1*70000001*500"),
        ("7012345", "7012345"),
        ("701*23456", "701*23456"),
    ],
)
def test_a_number_is_masked_in_every_form_and_keeps_it(sent: str, masked: str) -> None:
    assert masks_of([NUMBER], [], "BF").text(sent) == masked


@pytest.mark.parametrize(
    ("sent", "masked"),
    [
        ("Code: 43925203878385073793.", f"Code: {'0' * 20}."),
        (f"Code: {TOKEN}", "Code: 0000 0000 0000 0000 0000"),
        ("4392 5203 8783 8507\n3793. 10 kWh", "0000 0000 0000 0000\n0000. 10 kWh"),
        ("4392 5203 8783 8507\\n3793", "0000 0000 0000 0000\\n0000"),
        ("4392 5203 8783 8507&#10;3793", "0000 0000 0000 0000&#10;0000"),
        ("4392 5203 8783 8507<br/>3793", "0000 0000 0000 0000<br/>0000"),
        ("4392-5203-8783-8507-3793", "0000-0000-0000-0000-0000"),
        ("a=%2043925203878385073793", f"a=%20{'0' * 20}"),
        ("a=4392+5203+8783+8507+3793", "a=0000+0000+0000+0000+0000"),
        (r"n\u00b043925203878385073793", rf"n\u00b0{'0' * 20}"),
        ("439252038783850737931", "439252038783850737931"),
        ("4392 5203 8783 8507", "4392 5203 8783 8507"),
        ("compteur 04246801379", "compteur 04246801379"),
    ],
)
def test_a_token_becomes_zeros_of_the_same_shape(sent: str, masked: str) -> None:
    assert masks_of([NUMBER], [], "BF").text(sent) == masked


def test_a_session_id_of_twenty_digits_is_no_token() -> None:
    session = "12345678901234567890"
    found = made("moov_xml", as_lines(played("moov_xml", session=session)))

    assert found.fixtures[0]["steps"][0]["means"]["session"] == session
    assert differences("moov_xml", found) == []


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ("a=1&Password=p&access_token=q&b=2", "a=1&Password=x&access_token=x&b=2"),
        (
            '{"a": 1, "apiKey": "p\\"q", "b": {"token": 7}}',
            '{"a": 1, "apiKey": "x", "b": {"token": "x"}}',
        ),
        ('{"password": false, "text": "token: 7"}', '{"password": false, "text": "token: 7"}'),
        (
            "<r a='1'><n:Password>p</n:Password><b>2</b></r>",
            "<r a='1'><n:Password>x</n:Password><b>2</b></r>",
        ),
        ("<r><secret><![CDATA[p<q]]></secret></r>", "<r><secret>x</secret></r>"),
        ('<r spPassword="p" b="2"><token/></r>', '<r spPassword="x" b="2"><token/></r>'),
        (
            "<member><name>PASSWORD</name><value><string>p</string></value></member>",
            "<member><name>PASSWORD</name><value><string>x</string></value></member>",
        ),
        ('{"imsi": "613020000000001"}', '{"imsi": "x"}'),
    ],
)
def test_parameters_that_are_credentials_become_x(body: str, masked: str) -> None:
    sent = {"method": "POST", "path_query": "/?token=7", "headers": {}, "body": body}
    reply = {"status": 200, "headers": {}, "body": ""}
    (exchange,) = read(json.dumps({"request": sent, "reply": reply}), "c")
    found = Masks({}).exchange(exchange)

    assert (found.path_query, found.body) == ("/?token=x", masked)


def test_credentials_in_headers_and_queries_become_x() -> None:
    lines = played("flares_http")
    for each in lines:
        each["request"]["headers"] |= {"Authorization": "Basic YTpi", "X-Api-Key": "k", "A": "b"}
        each["request"]["path_query"] += "&userid=u&password=hunter2"
    endpoint = replace(ENDPOINT, options={"userid": "u", "password": "hunter2"})
    found = made("flares_http", as_lines(lines), endpoint)
    request = found.fixtures[0]["steps"][0]["request"]

    assert request["headers"] == {"Authorization": "x", "X-Api-Key": "x", "A": "b"}
    assert parse_qs(request["path_query"].partition("?")[2])["password"] == ["x"]
    assert found.fixtures[0]["endpoint"]["options"] == {"userid": "u", "password": "x"}
    assert differences("flares_http", found) == []


def test_the_endpoints_own_part_of_a_path_may_be_a_secret() -> None:
    lines = played("infobip")
    for each in lines:
        each["request"]["path_query"] = each["request"]["path_query"].replace("/bf", "/k3y")
    found = made("infobip", as_lines(lines))

    assert found.fixtures[0]["steps"][0]["request"]["path_query"] == "/ussd/session/s-1/start"


def test_an_invented_number_is_none_of_the_captures_own() -> None:
    masks = masks_of([FIRST, NUMBER, SECOND], [], "BF")

    assert set(masks.numbers) & set(masks.numbers.values()) == set()
    assert len(set(masks.numbers.values())) == 3


def test_a_number_that_is_only_possible_is_masked_too() -> None:
    number = "+22690123456"
    found = made("moov_xml", as_lines(played("moov_xml", number)))

    assert found.skipped == ()
    assert "90123456" not in json.dumps(found.fixtures)


# Files.


def test_a_har_may_tell_query_and_form_as_lists() -> None:
    har = json.loads(as_har(played("moov_xml")[:1]))
    request = har["log"]["entries"][0]["request"]
    url, _, query = request["url"].partition("?")
    pairs = [{"name": name, "value": values[0]} for name, values in parse_qs(query).items()]
    request |= {"url": url, "queryString": pairs}
    request["postData"] = {"mimeType": "", "params": [{"name": "a", "value": "b c"}]}
    (exchange,) = read(json.dumps(har), "c")

    assert parse_qs(exchange.path_query.partition("?")[2]) == parse_qs(query)
    assert exchange.body == "a=b+c"


def test_headers_of_one_name_are_joined() -> None:
    har = json.loads(as_har(played("moov_xml")[:1]))
    har["log"]["entries"][0]["request"]["headers"] = [
        {"name": "A", "value": "1"},
        {"name": "a", "value": "2"},
    ]

    assert read(json.dumps(har), "c")[0].headers == {"A": "1, 2"}


def har_with(part: str, **change: Any) -> str:
    har = json.loads(as_har(played("moov_xml")[:1]))
    entry = har["log"]["entries"][0]
    (entry if part == "entry" else entry[part]).update(change)
    return json.dumps(har)


def line_with(part: str, **change: Any) -> str:
    found = played("moov_xml")[0]
    (found if part == "line" else found[part]).update(change)
    return f"\n{json.dumps(found)}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "c: there is no callback in it"),
        ("[" * 100_000, "c: nested too deeply"),
        ("hello", "c line 1: not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("7", 'c line 1: not an object with "request" and "reply"'),
        ('{"log": {}}', 'c: the log needs "entries", a list'),
        ('{"log": {"entries": []}}', "c: there is no callback in it"),
        ('{"log": {"entries": [7]}}', "c entry 1: not an object"),
        (har_with("entry", response=None), 'c entry 1 needs "response", an object'),
        (har_with("request", url=7), 'c entry 1: the request needs "url", a text'),
        (
            har_with("request", headers=[7]),
            "c entry 1: the request's headers 1 is no object",
        ),
        (
            har_with("request", headers=[{"value": "x"}]),
            'c entry 1: the request\'s headers 1 needs "name", a text',
        ),
        (
            har_with("response", content={"text": "!", "encoding": "base64"}),
            "c entry 1: the response's content is not base64",
        ),
        (
            har_with("response", content={"text": "!", "encoding": "gzip"}),
            "c entry 1: the response's content has the \"encoding\" 'gzip'; known is base64",
        ),
        (
            har_with("response", status="200"),
            'c entry 1: the response needs "status", a whole number',
        ),
        (line_with("line", reply=None), 'c line 2 needs "reply", an object'),
        (line_with("request", method=None), 'c line 2: the request needs "method", a text'),
        (
            line_with("request", headers={"a": 7}),
            'c line 2: the request\'s headers needs "a", a text',
        ),
        (
            line_with("request", body="\ud800"),
            'c line 2: the request has half a surrogate pair in "body"',
        ),
        (line_with("reply", status=True), 'c line 2: the reply needs "status", a whole number'),
        (line_with("reply", body_base64="?"), "c line 2: the reply is not base64"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_in_words(text: str, sentence: str) -> None:
    with pytest.raises(BadCapture) as caught:
        read(text, "c")
    assert str(caught.value) == sentence
