"""Fixtures run through an adapter: what agrees is silent, what differs is told where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ussd_app.gateways import GATEWAYS, Endpoint, base
from ussd_app.gateways.conformance import (
    BadFixture,
    Difference,
    check,
    endpoint_of,
    load,
    request_of,
)
from ussd_app.gateways.generic import load_profile, shipped
from ussd_app.messages import (
    HttpCall,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(name: str, stem: str = "dialog") -> dict[str, Any]:
    return dict(load((FIXTURES / name / f"{stem}.json").read_text("utf-8")))


def told(name: str, fixture: dict[str, Any]) -> list[str]:
    gateway = GATEWAYS.get(name) or shipped()[name]
    return [str(each) for each in check(gateway, fixture)]


class Echo(base.Adapter):
    """A gateway that answers later, by a call: `echo` in the body says what to do wrong."""

    name = "echo"
    methods = frozenset({"POST"})
    confidence = "made up"
    capabilities = base.Capabilities(asynchronous=True)

    def decode(self, request: HttpRequest, endpoint: base.Endpoint) -> UssdRequest:
        members = base.json_object(request.body)
        kind = Kind(base.text_of(members, "kind"))
        key = base.text_of(members, "key")
        return UssdRequest(kind, key, "", "", base.text_of(members, "text"), "h")

    def encode(self, screen: Screen, request: UssdRequest, endpoint: base.Endpoint) -> UssdReply:
        return base.text_reply(screen.text, "text/plain")

    def acknowledge(self, request: UssdRequest, *, live: bool = False) -> UssdReply:
        return base.text_reply("live" if live else "over", "text/plain")

    def outbound(
        self, reply: UssdReply, request: UssdRequest, endpoint: base.Endpoint, now: float
    ) -> HttpCall:
        url = base.option(endpoint, "url")
        return HttpCall("POST", f"{url}/send", {"Authorization": "Basic abc"}, reply.body)

    def example(self, request: UssdRequest, history: tuple[str, ...]) -> HttpRequest:
        return HttpRequest("POST")

    def read(self, reply: UssdReply) -> Screen:
        raise ValueError("never read")


def echoed(kind: str, session: str, key: str, text: str = "", **other: Any) -> dict[str, Any]:
    """A step of the gateway above."""
    body = json.dumps({"kind": kind, "key": key, "text": text})
    reply = {"screen": "Hello", "action": "continue", "status": 200, "headers": {}, "body": "live"}
    return {
        "request": {"method": "POST", "path_query": "/in", "headers": {}, "body": body},
        "means": {"kind": kind, "session": session, "input": text},
        "reply": reply,
        **other,
    }


def dialog(*steps: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"gateway": "echo", "body_compare": "exact", "steps": list(steps), **other}


@pytest.mark.parametrize("name", ["africastalking", "moov_xml"])
def test_recordings_of_the_first_two_gateways_agree(name: str) -> None:
    for path in sorted((FIXTURES / name).glob("*.json")):
        assert told(name, recorded(name, path.stem)) == []


def test_an_input_that_is_decoded_otherwise_is_told() -> None:
    fixture = recorded("crossgate")
    fixture["steps"][1]["means"]["input"] = "3"
    fixture["steps"][2]["means"]["kind"] = "begin"

    assert told("crossgate", fixture) == [
        "step 2: input: expected '3', got '2'",
        "step 3: kind: expected 'begin', got 'continue'",
    ]


def test_accumulated_text_is_cut_by_what_the_steps_before_told() -> None:
    assert told("safaricom_legacy", recorded("safaricom_legacy", "shortcut_and_star")) == []


def test_a_member_that_no_request_has_is_told() -> None:
    fixture = recorded("crossgate")
    fixture["steps"][0]["means"]["colour"] = "red"

    assert told("crossgate", fixture) == [
        "step 1: colour: expected 'red', got no such member of a request"
    ]


def test_what_is_null_is_not_compared() -> None:
    fixture = recorded("crossgate")
    fixture["steps"][0]["means"] = {"kind": "begin", "msisdn": None, "service_code": None}

    assert told("crossgate", fixture) == []


def test_a_text_body_is_compared_to_the_letter() -> None:
    fixture = recorded("crossgate")
    fixture["steps"][0]["reply"]["body"] = "CON Bienvenue chez Sank\n1. Solde\n2. Payer "

    assert check(shipped()["crossgate"], fixture) == [
        Difference(
            1,
            "body",
            "CON Bienvenue chez Sank\n1. Solde\n2. Payer ",
            "CON Bienvenue chez Sank\n1. Solde\n2. Payer",
            ("  CON Bienvenue chez Sank", "  1. Solde", "- '2. Payer '", "+ 2. Payer"),
        )
    ]


def test_json_is_compared_by_value() -> None:
    fixture = recorded("hollatags")
    body = fixture["steps"][0]["reply"]["body"]
    fixture["steps"][0]["reply"]["body"] = body.replace('"session_type":1', '"session_type": 1.0')
    fixture["steps"][1]["reply"]["body"] = body

    (found,) = told("hollatags", fixture)

    assert found.split("\n") == [
        "step 2: body differs (- expected, + got)",
        "      {",
        '       "session_id": 123456,',
        r'    -  "session_msg": "Bienvenue chez Sank\n1. Solde\n2. Payer",',
        '    +  "session_msg": "Entrez le montant:",',
        '       "session_operation": "continue",',
        '       "session_type": 1',
        "    …",
    ]


def test_long_numbers_of_json_are_told_apart() -> None:
    fixture = recorded("hollatags")
    reply = fixture["steps"][0]["reply"]
    reply["body"] = reply["body"].replace("123456", "90071992547409931")
    query = fixture["steps"][0]["request"]["path_query"]
    fixture["steps"] = fixture["steps"][:1]
    fixture["steps"][0]["means"].pop("session")
    fixture["steps"][0]["request"]["path_query"] = query.replace("123456", "90071992547409930")

    assert len(told("hollatags", fixture)) == 1


def test_xml_is_compared_by_structure_and_the_text_between_elements_counts() -> None:
    fixture = recorded("mtech")
    first, second = (each["reply"] for each in fixture["steps"][:2])
    first["body"] = first["body"].replace("<navigation>", "\n <navigation>")
    second["body"] = second["body"].replace("Entrez le montant:", "Entrez<br/>le montant:")

    (found,) = told("mtech", fixture)

    assert found.split("\n")[:6] == [
        "step 2: body differs (- expected, + got)",
        "      <page version='2.0'>",
        "        <session_id> 'a41739890287485d968ea66e8b44bfd3'",
        "    -   <div> 'Entrez'",
        "    -     <br>",
        "    -     'le montant:'",
    ]


def test_a_body_of_another_format_is_told() -> None:
    fixture = recorded("crossgate") | {"body_compare": "json"}
    fixture["steps"] = fixture["steps"][:1]
    with_json = json.loads(json.dumps(fixture))
    with_json["steps"][0]["reply"]["body"] = "{}"

    assert told("crossgate", fixture) == [
        (
            "step 1: body: expected json, got the fixture's body, which is none: "
            "Expecting value: line 1 column 1 (char 0)"
        )
    ]
    assert told("crossgate", with_json) == [
        (
            "step 1: body: expected json, got the reply's body, which is none: "
            "Expecting value: line 1 column 1 (char 0)"
        )
    ]


def test_named_headers_and_the_status_are_compared() -> None:
    fixture = recorded("imimobile")
    fixture["steps"] = fixture["steps"][:1]
    reply = fixture["steps"][0]["reply"]
    reply["headers"] = {
        "x-ussd-session": "0",
        "X-More": "1",
        "content-type": "Text/Plain;charset=UTF-8",
    }
    reply["status"] = 201

    assert told("imimobile", fixture) == [
        "step 1: status: expected 201, got 200",
        "step 1: header x-ussd-session: expected '0', got '1'",
        "step 1: header X-More: expected '1', got none",
    ]


def test_a_screen_that_a_phone_would_not_show_is_told() -> None:
    fixture = recorded("cellulant")
    fixture["steps"] = fixture["steps"][:1]
    fixture["steps"][0]["reply"] |= {"screen": "a|b", "body": "1|a/b|null|null|null|null"}

    assert told("cellulant", fixture) == ["step 1: shown text: expected 'a|b', got 'a/b'"]


def test_a_reply_that_no_phone_could_read_is_told() -> None:
    class Deaf(Echo):
        capabilities = base.Capabilities()

    reply = {"screen": "a", "action": "end", "status": 200, "headers": {}, "body": "a"}
    fixture = dialog(echoed("begin", "a", "a", reply=reply))

    assert [str(each) for each in check(Deaf(), fixture)] == [
        "step 1: shown: expected 'a', got ValueError: never read"
    ]


def test_xml_that_cannot_be_parsed_is_told_as_such() -> None:
    fixture = recorded("crossgate") | {"body_compare": "xml"}
    (found, *_) = told("crossgate", fixture)

    assert found.startswith("step 1: body: expected xml, got the fixture's body, which is none: ")


def test_what_is_far_from_a_difference_is_left_out() -> None:
    fixture = recorded("crossgate")
    text = "\n".join("abcdefgh")
    body = "CON " + text.replace("h", "x")
    fixture["steps"] = fixture["steps"][:1]
    fixture["steps"][0]["reply"] |= {"screen": text, "body": body}
    (found,) = check(shipped()["crossgate"], fixture)

    assert found.lines == ("…", "  f", "  g", "- x", "+ h")


def test_a_callback_that_is_refused_is_told_and_the_rest_goes_on() -> None:
    fixture = recorded("dmark")
    fixture["steps"][1]["request"]["path_query"] = "/ussd?msisdn=256772123456&transactionId=dm-1"
    found = told("dmark", fixture)

    assert (
        found[0]
        == 'step 2: request: expected a callback, got BadCallback: "ussdRequestString" is missing'
    )
    assert len(found) == 1


def test_a_method_and_a_path_that_are_not_served_are_told() -> None:
    fixture = recorded("aat")
    fixture["steps"][0]["request"]["method"] = "PUT"
    fixture["steps"][1]["request"]["path_query"] += "x"
    paths = recorded("myriad")
    paths["steps"][1]["request"]["path_query"] = "/ussd/s/t"

    assert told("aat", fixture)[0] == "step 1: request: expected PUT /ussd, got only GET"
    # Of a path that begins with no /ussd the longest rest that is served counts.
    assert "step 2: request: expected GET /ussd/s/t" not in told("myriad", paths)[0]


@pytest.mark.parametrize(
    ("path_query", "path"),
    [
        ("/ussd/session/a%20b/start", "/session/a b/start"),
        ("/ussd/session/a%2525/start?q=%20", "/session/a%25/start"),
        ("/ussd%2Fsession/1/start%2F", "/session/1/start"),
        ("/ussd/session/%C3%A9/start", "/session/\xc3\xa9/start"),
    ],
)
def test_a_path_is_read_as_a_server_gives_it(path_query: str, path: str) -> None:
    """PEP 3333: PATH_INFO has its escapes undone, each octet as one character."""
    sent = {"method": "POST", "path_query": path_query, "headers": {}, "body": ""}

    assert request_of(sent, GATEWAYS["infobip"]).path == path


def test_screens_drawn_in_parts_are_tried_too() -> None:
    assert told("moov_xml", recorded("moov_xml", "menu")) == []


def test_what_is_told_once_holds_for_the_dialog() -> None:
    fixture = recorded("mtech")
    fixture["steps"][1]["means"]["msisdn"] = "+2348000000000"

    assert told("mtech", fixture) == [
        "step 2: msisdn: expected '+2348000000000', got '+2348085832481'"
    ]


def test_a_fixture_may_begin_in_the_middle_of_a_dialog() -> None:
    fixture = recorded("mtech")
    fixture["steps"] = fixture["steps"][1:]

    assert told("mtech", fixture) == []


def test_a_session_is_one_key_and_no_other_sessions() -> None:
    good = dialog(echoed("begin", "a", "n a"), echoed("continue", "a", "n a", "1"))
    changed = dialog(echoed("begin", "a", "n a"), echoed("continue", "a", "m a", "1"))
    shared = dialog(echoed("begin", "a", "a b"), echoed("begin", "b", "a b"))
    other = dialog(echoed("begin", "a", "x"))

    assert check(Echo(), good) == []
    assert [str(each) for each in check(Echo(), changed)] == [
        "step 2: session: expected 'n a' as before, got 'm a'"
    ]
    assert [str(each) for each in check(Echo(), shared)] == [
        "step 2: session: expected a key of its own for 'b', got 'a b'"
    ]
    assert [str(each) for each in check(Echo(), other)] == [
        "step 1: session: expected 'a', got 'x'"
    ]


def test_the_call_of_an_asynchronous_gateway_is_compared_but_for_what_an_account_fills() -> None:
    call = {
        "method": "POST",
        "url": "<SDP>/send",
        "headers": {"Authorization": "Basic <account:token>"},
        "body": "Hello",
    }
    options = {"endpoint": {"options": {"url": "https://sdp.example"}}}
    wrong = {**call, "method": "PUT", "url": "<SDP>/go", "headers": {"X": "1"}, "body": "Bye"}

    assert check(Echo(), dialog(echoed("begin", "a", "a", outbound=call), **options)) == []
    assert [
        str(each)
        for each in check(Echo(), dialog(echoed("begin", "a", "a", outbound=wrong), **options))
    ] == [
        "step 1: outbound method: expected PUT, got POST",
        "step 1: outbound url: expected <SDP>/go, got https://sdp.example/send",
        "step 1: outbound header X: expected '1', got none",
        "step 1: outbound body differs (- expected, + got)\n    - Bye\n    + Hello",
    ]
    (found,) = check(Echo(), dialog(echoed("begin", "a", "a", outbound=call)))
    assert found.got == 'BadEndpoint: endpoint "check" needs the option "url"'


def test_a_question_of_status_is_answered_by_whether_the_session_lives() -> None:
    lives = echoed("status", "a", "a")
    over = echoed("status", "a", "a")
    over["reply"] = {**over["reply"], "action": "end", "body": "over"}

    assert check(Echo(), dialog(lives, over)) == []


def test_the_endpoint_is_the_fixtures_own_or_serves_the_codes_it_means() -> None:
    fixture = recorded("crossgate")
    own = fixture | {"endpoint": {"country": "KE", "service_codes": ["*1#"], "structured": True}}

    assert endpoint_of(fixture) == Endpoint("check", "BF", ("*123#",))
    assert endpoint_of(own) == Endpoint("check", "KE", ("*1#",), structured=True)


def test_an_adapter_of_a_profile_is_checked_like_any_other() -> None:
    profile = Path(FIXTURES, "../../../ussd_app/gateways/profiles/crossgate.yaml").resolve()
    changed = profile.read_text("utf-8").replace("END {screen}", "BYE {screen}")

    assert [
        str(each) for each in check(load_profile(changed, "shop.yaml"), recorded("crossgate"))
    ] == [
        (
            "step 3: body differs (- expected, + got)\n"
            "    - END Paiement de 500 F recu. Merci.\n"
            "    + BYE Paiement de 500 F recu. Merci."
        )
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"gateway": 7}, 'the fixture needs "gateway", a text'),
        ({"body_compare": "yaml"}, '"body_compare" is exact, json or xml'),
        ({"steps": {}}, 'the fixture needs "steps", a list'),
        ({"steps": [7]}, "step 1 is no object"),
        ({"steps": [{}]}, 'step 1 needs "request", an object'),
        ({"endpoint": 7}, 'the fixture needs "endpoint", an object'),
        ({"endpoint": {"structured": 1}}, 'the "endpoint" needs "structured", true or false'),
        (
            {"endpoint": {"option": {}}},
            'the "endpoint" has no member "option"; did you mean "options"?',
        ),
    ],
)
def test_a_file_that_is_no_fixture_is_refused_in_words(
    change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadFixture) as caught:
        load(json.dumps({"gateway": "x", "body_compare": "exact", "steps": [], **change}))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("part", "change", "sentence"),
    [
        ("request", {"body": None}, 'the request of step 1 needs "body", a text'),
        ("means", {"kind": None}, 'what step 1 means needs "kind", a text'),
        ("reply", {"status": "200"}, 'the reply of step 1 needs "status", a number'),
        ("reply", {"action": "go"}, 'the "action" of step 1 is continue or end'),
        ("outbound", {}, 'the outbound call of step 1 needs "method", a text'),
    ],
)
def test_a_step_that_says_too_little_is_refused_in_words(
    part: str, change: dict[str, Any], sentence: str
) -> None:
    fixture = recorded("crossgate")
    fixture["steps"][0][part] = {**fixture["steps"][0].get(part, {}), **change}
    with pytest.raises(BadFixture) as caught:
        load(json.dumps(fixture))
    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000])
def test_a_text_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(BadFixture):
        load(text)
