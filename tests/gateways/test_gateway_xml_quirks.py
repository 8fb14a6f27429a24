"""Gateways of the XML family, and Flares: what each does in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from defusedxml import ElementTree

from ussd_app.gateways import dialling
from ussd_app.gateways.base import BadEndpoint, Endpoint, Gateway
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
    Action,
    BadCallback,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)

ENDPOINT = Endpoint("e", service_codes=("*789#", "*789*5#"))
ASKED = UssdRequest(Kind.BEGIN, "s-1", "+22670123456", "*789#", "", "")
ASK = Screen("Montant?", Action.CONTINUE)
END = Screen("Merci.", Action.END)


def post(body: str) -> HttpRequest:
    return HttpRequest("POST", body=body.encode())


def get(query: Mapping[str, str], path: str = "", headers: Mapping[str, str] = {}) -> HttpRequest:
    return HttpRequest("GET", path, urlencode(query), headers)


def refusal(adapter: Gateway, request: HttpRequest, endpoint: Endpoint = ENDPOINT) -> str:
    with pytest.raises(BadCallback) as caught:
        adapter.decode(request, endpoint)
    return str(caught.value)


# Where a service code ends.


@pytest.mark.parametrize(
    ("typed", "codes", "found"),
    [
        ("*789#", ("*789#",), ("*789#", "")),
        ("789*1*2", ("*789#",), ("*789#", "1*2")),
        ("*789*5*1#", ("*789#", "*789*5#"), ("*789*5#", "1")),
        ("*7891#", ("*789#",), ("*7891#", "")),
        ("*120*123#", (), ("*120*123#", "")),
        ("", ("*789#",), ("*789#", "")),
        ("", (), ("", "")),
    ],
)
def test_the_longest_configured_code_is_cut_off_a_dial_string(
    typed: str, codes: tuple[str, ...], found: tuple[str, str]
) -> None:
    assert dialling.split(typed, codes) == found


def test_an_input_that_may_be_an_answer_is_left_whole() -> None:
    codes = ("*789#",)

    assert dialling.heard(Kind.OPEN, "789*1", codes) == ("*789#", "789*1")
    assert dialling.heard(Kind.OPEN, "2", codes) == ("*789#", "2")
    assert dialling.heard(Kind.OPEN, "789", ()) == ("*789#", "789")
    assert dialling.heard(Kind.CONTINUE, "789", codes) == ("*789#", "789")


# XML by name.


def test_elements_are_known_in_any_case_order_and_namespace() -> None:
    body = (
        '<R xmlns="urn:x" TYPE="pull"><NEWREQUEST>1</NEWREQUEST><msisdn> 22670123456 </msisdn>'
        "<SessionID>s</SessionID><SUBSCRIBERINPUT>789*4</SUBSCRIBERINPUT><language>FRA</language></R>"
    )
    found = ComvivaXml().decode(post("\ufeff" + body), ENDPOINT)

    assert (found.kind, found.session, found.input) == (Kind.BEGIN, "s", "4")
    assert (found.msisdn, found.service_code, found.language) == ("+22670123456", "*789#", "fr")


RECEIVED = (
    "<Envelope><Body><notifyUssdReception><senderCB>1</senderCB><msgType>7</msgType>"
    "</notifyUssdReception></Body></Envelope>"
)
NUMBERLESS = (
    "<dialog localId='1'><processUnstructuredSSRequest_Request invokeId='0' string='*1#'/></dialog>"
)


@pytest.mark.parametrize(
    ("adapter", "body", "sentence"),
    [
        (ComvivaXml(), "<request/>", '"sessionId" is missing'),
        (ComvivaXml(), "<request><sessionId/></request>", '"sessionId" is empty'),
        (ComvivaXml(), "hello", "the body is not XML that can be read"),
        (
            ComvivaXml(),
            "<request type='push'><sessionId>1</sessionId><msisdn>22670123456</msisdn></request>",
            'the "type" of the request must be pull or cleanup',
        ),
        (
            ComvivaXml(),
            "<request><sessionId>1</sessionId><msisdn>22670123456</msisdn></request>",
            '"subscriberInput" is missing',
        ),
        (TruRoute(), "<ussd><type>9</type></ussd>", '"type" must be 1, 2, 3, 4 or 10'),
        (TruRoute(), "<ussd><type>1</type></ussd>", '"msg" must say what was dialled'),
        (
            TruRoute(),
            f"<ussd><msg>{'1' * 1001}</msg></ussd>",
            'element "msg" is over 1000 characters long',
        ),
        (
            TruRoute(),
            f"<ussd>{'<a/>' * 41}</ussd>",
            "there are over 40 elements side by side",
        ),
        (BlastSms(), "<r><type>10</type></r>", '"type" must be 1, 2, 3 or 4'),
        (MtnXmlRpc(), "<methodCall/>", "the body holds no XML-RPC struct"),
        (
            MtnXmlRpc(),
            "<struct><member><name>a</name></member></struct>",
            "a member of the struct has no name or no value",
        ),
        (
            MtnXmlRpc(),
            f"<struct>{'<member/>' * 41}</struct>",
            "the struct has over 40 members",
        ),
        (
            MtnXmlRpc(),
            f"<struct><member><name>a</name><value>{'1' * 1001}</value></member></struct>",
            "a member is over 1000 characters long",
        ),
        (
            XmlRpcUssdMessage(),
            "<struct><member><name>SEQUENCE</name><value>²</value></member></struct>",
            '"SEQUENCE" must be a number',
        ),
        (HuaweiSdp(), "<Envelope/>", "the SOAP body is missing"),
        (HuaweiSdp(), "<Envelope><Body/></Envelope>", "the SOAP body is missing"),
        (
            HuaweiSdp(),
            "<Envelope><Body><other><senderCB>1</senderCB></other></Body></Envelope>",
            "the SOAP body is neither notifyUssdReception nor notifyUssdAbort",
        ),
        (
            HuaweiSdp(),
            RECEIVED,
            '"msgType" must be 0, 1 or 2',
        ),
        (RestComm(), "<dialog type='Begin'/>", '"localId" is missing'),
        (
            RestComm(),
            "<dialog localId='1'/>",
            "the dialog holds neither a dial nor an answer, and does not end",
        ),
        (
            RestComm(),
            "<dialog localId='1'><processUnstructuredSSRequest_Request invokeId='x'/></dialog>",
            '"invokeId" must be a small number',
        ),
        (
            RestComm(),
            NUMBERLESS,
            '"msisdn" and "originationReference" are missing',
        ),
    ],
)
def test_a_callback_that_cannot_be_understood_is_refused_in_words(
    adapter: Gateway, body: str, sentence: str
) -> None:
    assert refusal(adapter, post(body)) == sentence


# Flares.


def test_flares_parameters_are_known_by_any_spelling() -> None:
    query = {
        "SESSION_ID": "s",
        "msisdn": "22670123456",
        "SERVICE_CODE": "789",
        "USSD_STRING": "789*4",
        "newrequest": "1",
    }
    for request in (get(query), post(urlencode(query))):
        found = FlaresHttp().decode(request, Endpoint("e"))

        assert (found.kind, found.session, found.input) == (Kind.BEGIN, "s", "4")
        assert (found.service_code, found.msisdn) == ("*789#", "+22670123456")


def test_flares_sessions_without_an_id_are_told_by_the_number() -> None:
    found = FlaresHttp().decode(get({"MSISDN": "22670123456", "input": "789"}), ENDPOINT)

    assert (found.kind, found.session) == (Kind.OPEN, "+22670123456")


def test_flares_must_give_the_password_that_the_endpoint_has() -> None:
    asked = {"MSISDN": "22670123456", "input": "789", "userid": "app1", "password": "é"}
    endpoint = replace(ENDPOINT, options={"userid": "app1", "password": "é"})
    sentence = '"userid" and "password" are not those of this endpoint'

    assert FlaresHttp().decode(get(asked), endpoint).msisdn == "+22670123456"
    for wrong in ({**asked, "password": "x"}, {**asked, "userid": "x"}, {"input": "789"}):
        assert refusal(FlaresHttp(), get(wrong), endpoint) == sentence


def test_flares_needs_an_input_that_may_be_empty() -> None:
    assert refusal(FlaresHttp(), get({"MSISDN": "22670123456"})) == 'parameter "input" is missing'
    assert FlaresHttp().decode(get({"MSISDN": "22670123456", "input": ""}), ENDPOINT).input == ""


# Orange.

CLIENT = {"user-msisdn": "tel:+22670123456", "user-sessionid": "or-1"}


def test_orange_pages_lead_to_the_next_hop_of_the_endpoint() -> None:
    reply = OrangeXhtml().encode(ASK, ASKED._replace(position=4), Endpoint("shop"))

    assert b'<form action="/ussd/shop/hop/5">' in reply.body
    assert OrangeXhtml().decode(get({"response": "2"}, "/hop/5", CLIENT), ENDPOINT).position == 5


def test_orange_links_carry_any_key_and_show_any_label() -> None:
    options = (("1", "Oui & <non>"), ("#", "Retour"))
    shown = Screen("Sûr?\n1. Oui & <non>\n#. Retour", Action.CONTINUE, "Sûr?", options)
    reply = OrangeXhtml().encode(shown, ASKED, Endpoint("e", structured=True))
    links = [each.get("href") for each in ElementTree.fromstring(reply.body).iter("a")]

    assert links == ["/ussd/e/hop/1?response=1", "/ussd/e/hop/1?response=%23"]
    assert OrangeXhtml().read(reply) == shown


def test_orange_may_come_back_to_its_first_page_at_any_time() -> None:
    found = OrangeXhtml().decode(get({}, "", CLIENT), ENDPOINT)

    assert (found.kind, found.position, found.service_code) == (Kind.BEGIN, None, "*789#")


@pytest.mark.parametrize(
    ("path", "headers", "sentence"),
    [
        ("", {"user-sessionid": "or-1"}, 'header "User-MSISDN" is missing'),
        ("", {"user-msisdn": "PDKSUB-x"}, "the MSISDN is not a telephone number"),
        ("/hop/1", {}, 'headers "User-SessionId" and "User-MSISDN" are missing'),
        ("/hop/1", CLIENT, 'parameter "response" is missing'),
        ("/hop/0", CLIENT, "pages are the endpoint's URL, then /hop/1, /hop/2 and so on"),
        (
            "",
            {"user-msisdn": "1" * 1001},
            'header "User-MSISDN" is over 1000 characters long',
        ),
    ],
)
def test_orange_pages_that_make_no_sense_are_refused(
    path: str, headers: dict[str, str], sentence: str
) -> None:
    assert refusal(OrangeXhtml(), get({}, path, headers)) == sentence


def test_orange_may_leave_the_number_out_once_a_session_is_known() -> None:
    found = OrangeXhtml().decode(
        get({"response": "2"}, "/hop/1", {"user-sessionid": "or-1"}), ENDPOINT
    )

    assert (found.kind, found.msisdn, found.input) == (Kind.CONTINUE, "", "2")


# TruRoute.


def test_truroute_escapes_are_those_of_its_specification() -> None:
    shown = Screen("a\nb\tc é \"q\" 'r' <s> & €", Action.CONTINUE)
    body = TruRoute().encode(shown, ASKED, ENDPOINT).body.decode("ascii")

    assert "a&#10;b c &#xE9; &quot;q&quot; &apos;r&apos; &lt;s&gt; &amp; &#x20AC;" in body


def test_truroute_says_why_a_charge_failed() -> None:
    example = TruRoute().example(ASKED, ("", "No")).body.decode()
    found = TruRoute().decode(post(example.replace("<type>2<", "<type>10<")), ENDPOINT)

    assert (found.kind, found.reason) == (Kind.CHARGE_FAILED, "No")


# RestComm.


def test_restcomm_gets_back_the_invoke_id_of_its_begin_in_the_last_reply() -> None:
    begin = post(
        "<dialog type='Begin' localId='9'><originationReference number='22670123456'/>"
        "<processUnstructuredSSRequest_Request invokeId='-7' string='*789#'/></dialog>"
    )
    first = RestComm().decode(begin, ENDPOINT)
    ask = RestComm().encode(ASK, first, ENDPOINT)
    ours = ElementTree.fromstring(ask.body).get("userObject")
    answer = post(
        f"<dialog type='Continue' localId='9' userObject='{ours}'>"
        "<unstructuredSSRequest_Response invokeId='1' string='2'/></dialog>"
    )
    second = RestComm().decode(answer, ENDPOINT)
    end = RestComm().encode(END, second, ENDPOINT)

    assert (first.msisdn, first.position, ours) == ("+22670123456", 0, "-7:1")
    assert (second.position, second.input, second.msisdn) == (1, "2", "")
    assert ElementTree.fromstring(end.body)[0].get("invokeId") == "-7"


def test_restcomm_answers_may_be_empty_and_their_user_object_unknown() -> None:
    body = "<dialog localId='9' userObject='x'><unstructuredSSRequest_Response/></dialog>"
    found = RestComm().decode(post(body), ENDPOINT)

    assert (found.kind, found.input, found.position) == (Kind.CONTINUE, "", None)


@pytest.mark.parametrize(
    ("dialog", "reason"),
    [
        ("mapRefuseReason='x'><errComponents/>", "network refusal"),
        ("type='Continue'><errComponents><errComponent/></errComponents>", "network error"),
        ("type='End'>", "dialog ended"),
        ("type='Abort' dialogTimedOut='false'>", "dialog ended"),
    ],
)
def test_restcomm_dialogs_that_are_over_are_known_as_such(dialog: str, reason: str) -> None:
    found = RestComm().decode(post(f"<dialog localId='1' {dialog}</dialog>"), ENDPOINT)

    assert (found.kind, found.reason) == (Kind.CANCEL, reason)


# Huawei.


@pytest.mark.parametrize("missing", ["url", "sp_id", "sp_password", "service_id"])
def test_huawei_endpoints_must_say_where_screens_go_and_who_sends_them(missing: str) -> None:
    options = {"url": "https://sdp.example/send", "sp_id": "1", "sp_password": "p"}
    options["service_id"] = "7"
    endpoint = Endpoint("e", options={**options, missing: ""})
    reply = HuaweiSdp().encode(ASK, ASKED, endpoint)

    with pytest.raises(BadEndpoint, match=f'endpoint "e" needs the option "{missing}"'):
        HuaweiSdp().outbound(reply, ASKED, endpoint, now=0)


def test_huawei_screens_go_in_the_code_scheme_of_the_operator() -> None:
    options = {"url": "u", "sp_id": "1", "sp_password": "p", "service_id": "7", "code_scheme": "15"}
    endpoint = Endpoint("e", options=options)
    call = HuaweiSdp().outbound(HuaweiSdp().encode(END, ASKED, endpoint), ASKED, endpoint, now=0)

    assert b"<loc:codeScheme>15<" in call.body
    assert b"<tns:serviceId>7<" in call.body
    assert b"<tns:timeStamp>19700101000000<" in call.body
    assert b"p</tns:spPassword>" not in call.body


@pytest.mark.parametrize(("message", "operation"), [("2", "1"), ("1", "4")])
def test_huawei_dialogs_that_the_network_ends_are_cancelled(message: str, operation: str) -> None:
    example = HuaweiSdp().example(ASKED, ("", "2")).body.decode()
    body = example.replace("msgType>1", f"msgType>{message}")
    body = body.replace("ussdOpType>3", f"ussdOpType>{operation}")
    found = HuaweiSdp().decode(post(body), ENDPOINT)

    assert (found.kind, found.reason) == (Kind.CANCEL, "released")
    assert b"<loc:result>0<" in HuaweiSdp().acknowledge(found).body


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<sendUssd/>",
        "<sendUssd><msgType>7</msgType><ussdString>Merci.</ussdString></sendUssd>",
        f"<sendUssd><msgType>1</msgType><ussdString>{'1' * 1001}</ussdString></sendUssd>",
    ],
)
def test_huaweis_call_that_holds_no_screen_is_refused_as_a_wrong_value(inside: str) -> None:
    body = f"<Envelope><Body>{inside}</Body></Envelope>".encode()
    with pytest.raises(ValueError, match=r"^the call"):
        HuaweiSdp().read(UssdReply(200, "text/xml", body))


# XML-RPC.


def test_a_struct_is_found_however_it_is_nested_and_typed() -> None:
    values = {"TransactionId": "<i4>7</i4>", "MSISDN": "22670123456", "ussdservicecode": "789"}
    members = "".join(
        f"<member><name>{name}</name><value>{value}</value></member>"
        for name, value in {**values, "USSDRequestString": "<string>14321*1000#</string>"}.items()
    )
    found = MtnXmlRpc().decode(
        post(f"<methodCall><struct>{members}</struct></methodCall>"), ENDPOINT
    )

    assert (found.kind, found.session, found.service_code) == (Kind.OPEN, "7", "*789#")
    assert dialling.after(found.input, found.service_code) == "14321*1000"


@pytest.mark.parametrize(
    ("time", "kind"),
    [
        ("20260110T09:00:00", "dateTime.iso8601"),
        ("2026-01-10T09:00:00.5", "string"),
        ("", "string"),
    ],
)
def test_mtn_gets_its_time_back_as_it_sent_it(time: str, kind: str) -> None:
    reply = MtnXmlRpc().encode(ASK, ASKED._replace(echo={"time": time}), ENDPOINT)

    assert f"<value><{kind}>{time}</{kind}></value>" in reply.body.decode()


def test_mtn_screens_that_only_notify_want_no_answer() -> None:
    reply = MtnXmlRpc().encode(ASK, ASKED, ENDPOINT)
    notified = reply._replace(body=reply.body.replace(b">request<", b">notify<"))

    assert MtnXmlRpc().read(notified).action is Action.END


def test_ussd_message_sequences_may_begin_at_one() -> None:
    example = XmlRpcUssdMessage().example(ASKED, ("",)).body.decode()
    found = XmlRpcUssdMessage().decode(post(example.replace(">0<", ">1<")), ENDPOINT)

    assert (found.kind, found.position) == (Kind.OPEN, 1)


def test_ussd_message_members_keep_the_order_that_is_read_by_position() -> None:
    reply = XmlRpcUssdMessage().encode(ASK, ASKED._replace(position=3), ENDPOINT)
    names = [each.text for each in ElementTree.fromstring(reply.body).iter("name")]

    assert names == [
        "RESPONSE_CODE",
        "REQUEST_TYPE",
        "SESSION_ID",
        "SEQUENCE",
        "USSD_BODY",
        "END_OF_SESSION",
    ]
    assert b"<string>3</string>" in reply.body
