"""What single gateways that speak JSON do in their own way, and what each refuses."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from ussd_app.gateways.arkesel import Arkesel
from ussd_app.gateways.base import BadEndpoint, Endpoint, Gateway
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
from ussd_app.messages import Action, BadCallback, HttpRequest, Kind, Screen, UssdReply, UssdRequest

ENDPOINT = Endpoint("e", service_codes=("*789#", "*789*12#"))
ASKED = UssdRequest(Kind.BEGIN, "s-1", "+22670123456", "*789#", "", "")
MENU = Screen("Choix\n1. Solde", Action.CONTINUE, "Choix", (("1", "Solde"),))


def sent(gateway: Gateway, *typed: str, **changed: object) -> HttpRequest:
    """A callback of this gateway's own with some members changed, or taken out (`...`)."""
    example = gateway.example(ASKED, ("", *typed))
    members = {**json.loads(example.body), **changed}
    body = json.dumps({name: value for name, value in members.items() if value is not ...})
    return HttpRequest(example.method, example.path, "", example.headers, body.encode())


def heard(gateway: Gateway, *typed: str, **changed: object) -> UssdRequest:
    return gateway.decode(sent(gateway, *typed, **changed), ENDPOINT)


def members(reply: UssdReply) -> dict[str, object]:
    found: dict[str, object] = json.loads(reply.body)
    return found


@pytest.mark.parametrize(
    ("gateway", "changed", "sentence"),
    [
        (Hubtel(), {"Mobile": ...}, 'member "Mobile" is missing'),
        (Hubtel(), {"Mobile": "hello"}, "the MSISDN is not a telephone number"),
        (Hubtel(), {"SessionId": " "}, 'member "SessionId" is empty'),
        (Hubtel(), {"Type": ...}, 'member "Type" is missing'),
        (
            Hubtel(),
            {"Type": "query"},
            '"Type" must be initiation, favorite, response, release or timeout',
        ),
        (Hubtel(), {"Sequence": "first"}, 'member "Sequence" must be a whole number'),
        (Hubtel(), {"Sequence": -1}, 'member "Sequence" must be a whole number'),
        (Hubtel(), {"Sequence": "²"}, 'member "Sequence" must be a whole number'),
        (
            Hubtel(),
            {"Message": ["1"]},
            'member "Message" must be a text of at most 1000 characters',
        ),
        (
            Hubtel(),
            {"Message": "1" * 1001},
            'member "Message" must be a text of at most 1000 characters',
        ),
        (MtnMadapi(), {"messageType": 3}, '"messageType" must be 0, 1, 2, 4 or 5'),
        (MtnMadapi(), {"serviceCode": ...}, 'member "serviceCode" is missing'),
        (Arkesel(), {"newSession": "yes"}, 'member "newSession" must be true or false'),
        (Arkesel(), {"sessionID": ...}, 'member "sessionID" is missing'),
        (Nalo(), {"MSGTYPE": 2}, 'member "MSGTYPE" must be true or false'),
        (Nalo(), {"MSISDN": ...}, 'member "MSISDN" is missing'),
        (Uzo(), {"ussdServiceOp": "2"}, '"ussdServiceOp" must be 1, 18, or 29 and above'),
        (Uzo(), {"ussdServiceOp": ...}, '"ussdServiceOp" must be 1, 18, or 29 and above'),
        (Uzo(), {"code": ""}, 'member "code" is empty'),
        (Beem(), {"command": "go"}, '"command" must be initiate, continue or terminate'),
        (Beem(), {"payload": "2"}, 'member "payload" must be an object'),
        (SouthPawsl(), {"ussdString": ""}, 'member "ussdString" is empty'),
        (Infobip(), {"msisdn": ...}, 'member "msisdn" is missing'),
        (VumiGo(), {"from_addr": ...}, 'member "from_addr" is missing'),
        (
            VumiGo(),
            {"session_event": "pause"},
            '"session_event" must be new, resume, close or null',
        ),
        (
            Junebug(),
            {"channel_data": {"session_event": "pause"}},
            '"session_event" must be new, resume, close or null',
        ),
        (
            Junebug(),
            {"channel_id": "../../admin"},
            '"channel_id" must be letters, digits, - and _',
        ),
    ],
)
def test_a_callback_that_cannot_be_understood_is_refused_in_words(
    gateway: Gateway, changed: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadCallback) as caught:
        heard(gateway, **changed)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(("body", "sentence"), [(b"[]", "object"), (b"a=1", "JSON")])
@pytest.mark.parametrize("gateway", [Hubtel(), Nalo(), VumiGo()])
def test_a_body_that_is_no_json_object_is_refused(
    gateway: Gateway, body: bytes, sentence: str
) -> None:
    with pytest.raises(BadCallback, match=sentence):
        gateway.decode(HttpRequest("POST", "", "", {}, body), ENDPOINT)


# Hubtel and Emergent.


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("713*4", "*713*4*3*100*1#", ("*713*4#", "3*100*1")),
        ("*713*4#", "", ("*713*4#", "")),
        ("7c920dc49b7a40588c657119ce599044", "*789*12*5#", ("*789*12#", "5")),
        ("7c920dc49b7a40588c657119ce599044", "*789#", ("*789#", "")),
        ("7c920dc49b7a40588c657119ce599044", "*555#", ("*555#", "")),
        ("7c920dc49b7a40588c657119ce599044", "", ("*789#", "")),
        (..., "*789*12#", ("*789*12#", "")),
    ],
)
def test_hubtels_code_is_dialled_or_else_found_in_the_dial_string(
    code: object, message: str, expected: tuple[str, str]
) -> None:
    request = heard(Hubtel(), ServiceCode=code, Message=message)
    assert (request.service_code, request.input) == expected


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("Initiation", Kind.BEGIN),
        ("favorite", Kind.BEGIN),
        ("RESPONSE", Kind.CONTINUE),
        ("Release", Kind.CANCEL),
        ("timeout", Kind.TIMEOUT),
    ],
)
def test_hubtels_type_is_told_in_any_case(told: str, kind: Kind) -> None:
    assert heard(Hubtel(), Type=told).kind is kind
    assert heard(Emergent(), Type=told).kind is kind


def test_hubtels_sequence_may_be_a_text_or_missing() -> None:
    assert heard(Hubtel(), Sequence="7").position == 7
    assert heard(Hubtel(), Sequence=...).position is None


def test_hubtel_draws_options_itself_only_where_the_endpoint_is_structured() -> None:
    request = heard(Hubtel())
    plain = Hubtel().encode(MENU, request, ENDPOINT)
    drawn = Hubtel().encode(MENU, request, Endpoint("e", structured=True))

    assert "Data" not in members(plain)
    assert members(plain)["DataType"] == "input"
    assert members(drawn)["DataType"] == "menu"
    assert members(drawn)["Data"] == [{"Display": "Solde", "Value": "1", "Amount": 0}]
    assert members(drawn)["Message"] == members(plain)["Message"] == MENU.text
    assert Hubtel().read(drawn) == MENU


def test_hubtel_is_asked_to_keep_a_secret_out_of_its_logs() -> None:
    secret = Screen("Code:", Action.CONTINUE, masked=True)
    reply = Hubtel().encode(secret, heard(Hubtel()), ENDPOINT)

    assert members(reply)["MaskNextRoute"] is True
    assert Hubtel().read(reply) == secret


def test_emergent_is_always_asked_to_keep_answers_out_of_its_logs() -> None:
    request = heard(Emergent())
    asks = Emergent().encode(Screen("Code:", Action.CONTINUE), request, ENDPOINT)

    assert members(asks) == {"Message": "Code:", "Type": "Response", "MaskNextRoute": True}
    assert members(Emergent().acknowledge(request)) == {"Message": "", "Type": "Release"}


def test_emergents_code_may_come_as_a_user_id() -> None:
    assert heard(Emergent(), ServiceCode=..., USERID="713*4").service_code == "*713*4#"


# The others that are answered in their callback.


def test_mtns_end_is_no_cancel_and_its_cancel_tells_why() -> None:
    assert heard(MtnMadapi(), messageType="2").kind is Kind.ENDED
    cancel = heard(MtnMadapi(), messageType=4, ussdString="User cancelled")
    assert (cancel.kind, cancel.reason) == (Kind.CANCEL, "User cancelled")


@pytest.mark.parametrize(
    ("told", "language"), [("fr", "fr"), ("FRA", "fr"), ("English", "en"), ("", None), (..., None)]
)
def test_a_language_is_its_first_two_letters(told: object, language: str | None) -> None:
    assert heard(MtnMadapi(), language=told).language == language
    assert heard(Infobip(), language=told).language == language


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("*789#", ("*789#", "")),
        ("*789*1*2#", ("*789#", "1*2")),
        ("*789*12#", ("*789*12#", "")),
        ("*789*12*3#", ("*789*12#", "3")),
        ("*555*1#", ("*555*1#", "")),
        ("", ("*789#", "")),
    ],
)
def test_a_dial_string_is_cut_after_the_longest_code_of_the_endpoint(
    typed: str, expected: tuple[str, str]
) -> None:
    for request in (
        heard(Arkesel(), userData=typed),
        heard(Nalo(), USERDATA=typed),
        *([heard(SouthPawsl(), ussdString=typed, inputOption=typed)] if typed else []),
    ):
        assert request.kind is Kind.BEGIN
        assert (request.service_code, request.input) == expected


def test_arkesel_and_nalo_get_their_ids_back_as_they_came() -> None:
    ark, nalo = Arkesel(), Nalo()
    reply = ark.encode(MENU, heard(ark, userID="ABC", msisdn="070123456"[1:]), ENDPOINT)
    assert (members(reply)["userID"], members(reply)["msisdn"]) == ("ABC", "70123456")
    reply = nalo.encode(MENU, heard(nalo, "2", USERID="ABC"), ENDPOINT)
    assert (members(reply)["USERID"], members(reply)["USERDATA"]) == ("ABC", "2")


def test_nalo_without_session_id_is_one_session_per_number() -> None:
    assert heard(Nalo(), SESSIONID=...).session == "22670123456"
    assert heard(Nalo(), SESSIONID="").session == "22670123456"


@pytest.mark.parametrize("op", ["29", 30, "255"])
def test_uzos_high_operations_are_ends(op: object) -> None:
    request = heard(Uzo(), ussdServiceOp=op)
    assert (request.kind, request.reason) == (Kind.CANCEL, f"terminated: ussdServiceOp {op}")


def test_beem_may_terminate_without_a_payload_and_is_answered() -> None:
    request = heard(Beem(), command="terminate", payload=...)
    answer = members(Beem().acknowledge(request))

    assert request.kind is Kind.CANCEL
    assert answer["command"] == "terminate"
    assert answer["payload"] == {"request_id": "", "request": ""}


def test_what_beem_sends_on_initiate_is_no_input() -> None:
    assert heard(Beem(), payload={"request_id": "0", "response": "1"}).input == ""


@pytest.mark.parametrize(
    ("told", "returned"),
    [
        (["a", 1], ["a", 1]),
        ([], []),
        (..., []),
        ("a", []),
        ([{"a": 1}], []),
        ([float("nan")], []),
        (["x" * 2000], []),
    ],
)
def test_southpawsls_parameters_are_given_back_where_they_are_short_and_plain(
    told: object, returned: object
) -> None:
    reply = SouthPawsl().encode(MENU, heard(SouthPawsl(), ussdParameters=told), ENDPOINT)
    assert members(reply)["ussdParameter"] == returned


# Infobip.


@pytest.mark.parametrize(
    ("path", "served"),
    [
        ("/session/1357/start", True),
        ("/1357/response", True),
        ("/session/a b&c/status", True),
        ("", False),
        ("/session/1357", False),
        ("/session/1357/open", False),
        ("/session/1357/start/x", False),
        ("/x/1357/start", False),
        (f"/session/{'1' * 201}/start", False),
        ("/session/1\n2/start", False),
        ("/session/\ud800/start", False),
    ],
)
def test_infobip_is_served_under_its_sessions_alone(path: str, *, served: bool) -> None:
    assert Infobip().serves(path) is served
    if not served:
        with pytest.raises(BadCallback, match="the path must end in"):
            Infobip().decode(HttpRequest("POST", path), ENDPOINT)


@pytest.mark.parametrize(
    ("method", "event"), [("GET", "start"), ("PUT", "response"), ("POST", "end"), ("PUT", "status")]
)
def test_infobips_events_have_their_methods(method: str, event: str) -> None:
    with pytest.raises(BadCallback, match=f"/{event} is called by"):
        Infobip().decode(HttpRequest(method, f"/session/1/{event}", "", {}, b"{}"), ENDPOINT)


def test_infobip_asks_whether_a_session_goes_on() -> None:
    request = Infobip().decode(HttpRequest("GET", "/session/1/status"), ENDPOINT)
    assert (request.kind, request.session, request.msisdn) == (Kind.STATUS, "1", "")
    for live in (True, False):
        answer = members(Infobip().acknowledge(request, live=live))
        assert answer == {"sessionActive": live, "responseExitCode": 200, "responseMessage": ""}


def test_infobips_short_code_and_number_may_be_missing_after_the_dial() -> None:
    request = heard(Infobip(), "2", shortCode=..., msisdn=...)
    assert (request.msisdn, request.service_code, request.input) == ("", "*789#", "2")
    bare = Infobip().decode(sent(Infobip(), "2", shortCode=None), Endpoint("e"))
    assert bare.service_code == ""


@pytest.mark.parametrize(
    ("text", "extra"), [("", ""), ("*789#", ""), ("789", ""), ("*789*5#", "5"), ("5*6", "5*6")]
)
def test_infobips_first_text_may_repeat_the_dial_string(text: str, extra: str) -> None:
    assert heard(Infobip(), text=text).input == extra


# Vumi Go and Junebug.


@pytest.mark.parametrize(
    ("event", "content", "kind", "typed"),
    [
        ("new", None, Kind.BEGIN, ""),
        ("new", "*789#", Kind.BEGIN, ""),
        ("new", "*789*1#", Kind.BEGIN, "1"),
        ("resume", None, Kind.CONTINUE, ""),
        ("resume", "*789#", Kind.CONTINUE, "*789#"),
        (None, None, Kind.BEGIN, ""),
        (None, "*789*1#", Kind.BEGIN, "1"),
        (None, "1#", Kind.OPEN, "1#"),
        (None, "", Kind.OPEN, ""),
        ("close", None, Kind.CANCEL, ""),
    ],
)
def test_vumis_session_events_and_what_stands_in_for_them(
    event: str | None, content: str | None, kind: Kind, typed: str
) -> None:
    for request in (
        heard(VumiGo(), session_event=event, content=content),
        heard(Junebug(), channel_data={"session_event": event}, content=content),
    ):
        assert (request.kind, request.input) == (kind, typed)
        assert request.reason == ("close" if kind is Kind.CANCEL else None)


@pytest.mark.parametrize("gateway", [VumiGo(), Junebug()])
def test_vumis_hops_are_told_apart_by_message_and_not_by_input(gateway: Gateway) -> None:
    one, other = (heard(gateway, "1", message_id=number) for number in ("m1", "m2"))
    assert one.hop != other.hop
    assert one.hop == heard(gateway, "1", message_id="m1").hop


@pytest.mark.parametrize("gateway", [VumiGo(), Junebug()])
def test_vumis_callbacks_are_only_acknowledged(gateway: Gateway) -> None:
    reply = gateway.acknowledge(heard(gateway))
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize(
    ("gateway", "missing"),
    [(VumiGo(), "url"), (VumiGo(), "account_key"), (VumiGo(), "access_token"), (Junebug(), "url")],
)
def test_a_screen_that_cannot_be_sent_names_the_option_that_is_missing(
    gateway: Gateway, missing: str
) -> None:
    options = {"url": "http://vumi", "account_key": "a", "access_token": "t"}
    del options[missing]
    request = heard(gateway)
    reply = gateway.encode(MENU, request, ENDPOINT)
    with pytest.raises(BadEndpoint, match=f'endpoint "e" needs the option "{missing}"'):
        gateway.outbound(reply, request, Endpoint("e", options=options), 0.0)


def test_vumi_go_knows_us_by_account_and_token() -> None:
    options = {"url": "http://vumi/key", "account_key": "account", "access_token": "é:t"}
    request = heard(VumiGo())
    reply = VumiGo().encode(MENU, request, ENDPOINT)
    call = VumiGo().outbound(reply, request, Endpoint("e", options=options), 0.0)

    assert call.headers["Authorization"] == f"Basic {b64encode('account:é:t'.encode()).decode()}"
    assert call.body == reply.body


def test_a_gateway_answered_in_its_callback_is_never_called() -> None:
    request = heard(Hubtel())
    with pytest.raises(BadEndpoint, match="in the replies to its callbacks"):
        Hubtel().outbound(Hubtel().encode(MENU, request, ENDPOINT), request, ENDPOINT, 0.0)


@pytest.mark.parametrize(
    ("gateway", "body", "sentence"),
    [
        (Hubtel(), {"Type": "AddToCart", "Message": ""}, "neither"),
        (Hubtel(), {"Type": "response"}, "no text"),
        (Hubtel(), {"Type": "response", "Message": "", "Data": [1]}, "not a JSON object"),
        (Uzo(), {"ussdServiceOp": True, "message": ""}, "neither 2 nor 17"),
        (Arkesel(), {"continueSession": 1, "message": ""}, "neither true nor false"),
        (Infobip(), {"responseExitCode": 400, "responseMessage": "no"}, "not 200"),
        (Beem(), {"command": "continue", "payload": []}, "not a JSON object"),
    ],
)
def test_a_reply_in_another_form_is_refused(
    gateway: Gateway, body: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        gateway.read(UssdReply(200, "application/json", json.dumps(body).encode()))
