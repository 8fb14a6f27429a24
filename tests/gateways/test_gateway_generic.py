"""Gateways described by profiles: the shipped ones on their recordings, and the language itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from ussd_app.flow.diagnostics import FlowError
from ussd_app.gateways import Endpoint, Seen, resolve
from ussd_app.gateways.conformance import check, load
from ussd_app.gateways.generic import PROFILES, Generic, load_profile, shipped
from ussd_app.gateways.generic_bodies import Format
from ussd_app.gateways.generic_profile import Carrier
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

HERE = Path(__file__).parent
BAD = sorted((HERE / "profiles_err").glob("*.yaml"))
FIXTURES = sorted(path for path in HERE.glob("fixtures/*/*.json") if path.parent.name in shipped())
EACH = pytest.mark.parametrize("gateway", shipped().values(), ids=list(shipped()))
ENDPOINT = Endpoint(
    "e", service_codes=("*789#", "*789*12#"), options={"url": "https://app.example/ussd/e"}
)
ASKED = UssdRequest(Kind.BEGIN, "s-1", "+22670123456", "*789#", "", "h", network="Orange")

#: Characters of both alphabets, and those that XML cannot hold.
SHOWN = st.text(
    st.one_of(
        st.sampled_from("abcé<>&\"'{}[]|€ΔÇ \n\r\t\f\x00\x08\x1b\ufffe"),
        st.characters(codec="utf-8"),
    )
)
#: Inputs as phones send them: `*` and `#` among them, never empty, no outer blanks, no code.
INPUT = st.text("0123456*#aé +&=%;<>", min_size=1, max_size=20).filter(
    lambda typed: typed == typed.strip()
)

FORM = """\
cassou: 1
gateway: shop
source: nobody's page
confidence: made up
auth: a token
request:
  in: form
  methods: [POST, GET]
  paths: ["", "/{site}/in"]
  any_case: true
  session: [sid, path:site]
  session_else: header:x-session
  msisdn: {field: From, optional: true}
  input: {field: Text, optional: true}
  dialled: after
  code: {field: Code, else: endpoint}
  position: seq
  network: {field: net, values: {"1": One}}
  language: {field: lang, values: {FRA: fr, ENG: en}}
  begin: [{field: step, is: [start, begin], later: next}, {field: seq, is: "0"}]
  ends:
    - {field: step, starts: [drop, lost], means: timeout, reason: "{request.step}"}
    - {field: paid, not: ["yes"], means: ended}
    - {field: header:x-gone, present: true, means: cancel}
  also: {paid: "yes"}
reply:
  format: text
  status: 202
  content_type: text/html
  continue: "{request.sid or nobody}|{screen}|{masked}|{{}}"
  end: "over|{screen}"
  notice: "noted {request.step}"
  headers: {X-Next: {continue: "{option.url}?c={code as url}", end: none}, X-Id: "{request.sid}"}
  newline: <br>
  replace: {"|": "!", "é": "e"}
limits: {septets_max: 140, ucs2_max: 70, reply_seconds: 9}
"""

JSON = """\
cassou: 1
gateway: shop
source: nobody's page
confidence: made up
request:
  in: json
  session: meta.id
  msisdn: meta.from
  input: payload.text
  dialled: {field: payload.extra}
  code: {field: to, shared: "*203*"}
  begin: {field: meta.first, present: true}
  also: {meta.hop: 7, meta.first: true}
reply:
  format: json
  continue: {id: "{request.meta.id as value}", out: ["{screen}", 1, 1.5, null, true, "7"]}
  end: {id: "{request.meta.id as value}", out: ["{screen}", 1, 1.5, null, false, "7"]}
"""

XML = """\
cassou: 1
gateway: shop
source: nobody's page
confidence: made up
request:
  in: xml
  root: ussd
  any_case: true
  session: head.id
  msisdn: head.from
  input: text
  code: dialled
  begin: [dialled, unknown]
reply:
  format: xml
  continue: <ussd id="{request.head.id}" more="1" text="{screen}"/>
  end: <ussd id="{request.head.id}" more="0" text="{screen}"/>
  newline: "&#10;"
"""


def shop(source: str) -> Generic:
    return load_profile(source, "shop.yaml")


def form(query: str, headers: dict[str, str] | None = None, path: str = "") -> HttpRequest:
    return HttpRequest("GET", path, query, headers or {})


def body(text: str) -> HttpRequest:
    return HttpRequest("POST", "", "", {}, text.encode())


def carried(gateway: Generic, text: str) -> str:
    """What of a screen's text the gateway's format can carry."""
    for unsendable, other in gateway.profile.reply.replace:
        text = text.replace(unsendable, other)
    xml = gateway.profile.reply.bodies[Action.END].format is Format.XML
    return text.replace("\f", " ") if xml else text


# The shipped profiles.


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_dialog_is_decoded_and_answered_as_documented(path: Path) -> None:
    fixture = load(path.read_text("utf-8"))

    assert [str(each) for each in check(shipped()[fixture["gateway"]], fixture)] == []


def test_every_shipped_profile_has_a_recorded_dialog_and_its_own_name() -> None:
    assert {path.parent.name for path in FIXTURES} == set(shipped())
    assert {name: each.name for name, each in shipped().items()} == {n: n for n in shipped()}


@EACH
@settings(max_examples=40)
@given(octets=st.binary(max_size=200), query=st.text("%&=+;abc0123*#", max_size=80))
def test_anything_is_decoded_or_refused_in_words(
    gateway: Generic, octets: bytes, query: str
) -> None:
    for method in sorted(gateway.methods):
        try:
            found = gateway.decode(HttpRequest(method, "", query, {}, octets), ENDPOINT)
        except BadCallback as error:
            assert str(error)  # noqa: PT017  # the sentence is the point
        else:
            assert found.session


@EACH
@settings(max_examples=40)
@given(data=st.data())
def test_any_values_of_the_right_names_are_decoded_or_refused(
    gateway: Generic, data: st.DataObject
) -> None:
    names = sorted({each.name for each in gateway.profile.request.fields()})
    texts = st.one_of(st.text(max_size=30), st.sampled_from(["22670123456", "1", "true", "0"]))
    values = data.draw(st.dictionaries(st.sampled_from(names), texts))
    sent = made(gateway, values)
    try:
        found = gateway.decode(sent, ENDPOINT)
    except BadCallback as error:
        assert str(error)  # noqa: PT017  # the sentence is the point
    else:
        reply = gateway.encode(Screen("Hello", Action.CONTINUE), found, ENDPOINT)
        assert gateway.read(reply) == Screen("Hello", Action.CONTINUE)


def made(gateway: Generic, values: dict[str, str]) -> HttpRequest:
    """A callback with any values, where the profile's fields stand."""
    carrier = gateway.profile.request.carrier
    if carrier is Carrier.JSON:
        return body(json.dumps(values))
    if carrier is Carrier.XML:
        inner = "".join(
            f"<{name}>{re.sub('[^ -%*-;=-~]', ' ', value)}</{name}>"
            for name, value in values.items()
        )
        return body(f"<page>{inner}</page>")
    if carrier is Carrier.HEADER:
        return HttpRequest("GET", "", "", values)
    query = "&".join(f"{name}={value}" for name, value in values.items())
    return HttpRequest("GET", "", query, {})


@EACH
@settings(max_examples=40)
@given(
    extra=st.one_of(st.just(""), INPUT.filter(lambda each: each == each.strip("*#"))),
    inputs=st.lists(INPUT, max_size=5),
)
def test_a_whole_dialog_played_by_a_phone_is_understood(
    gateway: Generic, extra: str, inputs: list[str]
) -> None:
    history = (extra if gateway.carries_extra else "", *inputs)
    seen: Seen | None = None
    sessions = set()
    for hop in range(1, len(history) + 1):
        sent = gateway.example(ASKED, history[:hop])
        assert sent.method in gateway.methods
        assert gateway.serves(sent.path)
        raw = gateway.decode(sent, ENDPOINT)
        request = resolve(raw, seen)
        seen = Seen(live=True, accumulated=raw.input if raw.accumulated else "")
        assert request.kind is (Kind.BEGIN if hop == 1 else Kind.CONTINUE)
        assert request.input == history[hop - 1]
        assert request.msisdn == "+22670123456" or (hop > 1 and not request.msisdn)
        assert request.service_code == "*789#" or (hop > 1 and not request.service_code)
        sessions.add(request.session)
    assert len(sessions) == 1


@EACH
@settings(max_examples=40)
@given(text=SHOWN, action=st.sampled_from(Action))
def test_what_is_sent_is_what_a_phone_shows(gateway: Generic, text: str, action: Action) -> None:
    sendable = gsm7.transliterate(text)
    request = gateway.decode(gateway.example(ASKED, ("",)), ENDPOINT)
    shown = gateway.read(gateway.encode(Screen(sendable, action), request, ENDPOINT))

    assert (shown.text, shown.action) == (carried(gateway, sendable), action)


@EACH
def test_a_reply_no_phone_could_show_is_refused(gateway: Generic) -> None:
    for octets in (b"\xff", b"<a>", b"{", b"[" * 9999, b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'):
        with pytest.raises(ValueError, match=r".+"):
            gateway.read(UssdReply(200, "text/plain", octets))


def test_a_bare_code_in_a_known_session_is_an_input_and_a_dial_string_begins_anew() -> None:
    gateway = shipped()["imimobile"]

    typed = gateway.decode(form("msisdn=22670123456&msg=789"), ENDPOINT)
    dialled = gateway.decode(form("msisdn=22670123456&msg=*789*12*5%23"), ENDPOINT)

    assert (typed.kind, typed.input) == (Kind.OPEN, "789")
    assert (dialled.kind, dialled.service_code, dialled.input) == (Kind.BEGIN, "*789*12#", "5")


def test_the_part_of_a_shared_code_is_found_among_the_endpoints() -> None:
    moolre = shipped()["moolre"]
    sent = body('{"sessionid":"s","new":true,"msisdn":"233244123456","message":"","extension":12}')

    assert moolre.decode(sent, ENDPOINT).service_code == "*789*12#"
    assert moolre.decode(sent, Endpoint("e")).service_code == "*203*12#"


def test_aats_callback_leads_back_to_the_endpoint_with_the_code_in_it() -> None:
    aat = shipped()["aat"]
    reply = aat.encode(Screen("Hello", Action.CONTINUE), ASKED, ENDPOINT)
    option = ElementTree.fromstring(reply.body).find("options/option")

    assert aat.options == {"url"}
    assert option is not None
    assert option.get("callback") == "https://app.example/ussd/e?to_addr=%2A789%23"


def test_without_a_session_id_aats_number_is_the_session() -> None:
    sent = form("msisdn=27829991234&provider=V&request=2&to_addr=*789%23")

    assert shipped()["aat"].decode(sent, ENDPOINT).session == "27829991234"


def test_myriads_pin_is_asked_for_as_a_password_in_the_clients_language() -> None:
    myriad = shipped()["myriad"]
    headers = {"user-msisdn": "22890123456", "user-session": "m", "hub-ussdcode": "*789#"}
    sent = HttpRequest("GET", "/s", "", {**headers, "user-entry": "2", "user-language": "EN"})
    request = myriad.decode(sent, ENDPOINT)
    reply = myriad.encode(Screen("PIN:", Action.CONTINUE, masked=True), request, ENDPOINT)
    shown = json.loads(reply.body)

    assert request.language == "en"
    assert shown["form"]["password"] is True
    assert shown["page"]["language"] == "EN"


def test_without_codes_at_the_endpoint_a_dial_string_is_one_of_digits() -> None:
    gateway = shipped()["imimobile"]
    dialled = gateway.decode(form("msisdn=22670123456&msg=*562*1%23"), Endpoint("e"))
    typed = gateway.decode(form("msisdn=22670123456&msg=*a%23"), Endpoint("e"))

    assert (dialled.kind, dialled.service_code, dialled.input) == (Kind.BEGIN, "*562*1#", "")
    assert (typed.kind, typed.service_code, typed.input) == (Kind.OPEN, "", "*a#")


def test_a_header_too_long_for_ussd_is_refused() -> None:
    headers = {"user-msisdn": "22890123456", "user-entry": "1" * 1001}
    with pytest.raises(BadCallback, match='"user-entry" is over 1000 characters long'):
        shipped()["myriad"].decode(HttpRequest("GET", "", "", headers), ENDPOINT)


# The language of profiles.


def test_a_forms_fields_may_stand_in_the_query_the_headers_and_the_path() -> None:
    gateway = shop(FORM)
    sent = form(
        "SID=4&from=70123456&text=1*2&CODE=789&step=Start&seq=3&net=1&lang=FRA", path="/x/in"
    )
    request = gateway.decode(sent, ENDPOINT)

    assert request.kind is Kind.BEGIN
    assert (request.session, request.msisdn, request.service_code) == (
        "4 x",
        "+22670123456",
        "*789#",
    )
    assert (request.input, request.position) == ("1*2", 3)
    assert (request.network, request.language) == ("One", "fr")


def test_the_same_form_may_come_in_a_body() -> None:
    sent = HttpRequest("POST", "/x/in", "", {}, b"sid=4&text=2&seq=4&step=next&net=7&lang=de")
    request = shop(FORM).decode(sent, ENDPOINT)

    assert (request.kind, request.input, request.msisdn) == (Kind.CONTINUE, "2", "")
    assert (request.network, request.language, request.service_code) == ("7", "de", "*789#")


def test_another_session_key_stands_in_where_the_first_is_not_whole() -> None:
    request = shop(FORM).decode(form("sid=4&seq=1", {"x-session": "h-1"}), ENDPOINT)

    assert request.session == "h-1"


@pytest.mark.parametrize(
    ("query", "headers", "kind", "reason"),
    [
        ("step=Dropped", {}, Kind.TIMEOUT, "Dropped"),
        ("step=lost+line", {}, Kind.TIMEOUT, "lost line"),
        ("paid=no", {}, Kind.ENDED, "ended"),
        ("paid=yes", {"x-gone": "1"}, Kind.CANCEL, "cancel"),
    ],
)
def test_notices_are_known_by_their_flags(
    query: str, headers: dict[str, str], kind: Kind, reason: str
) -> None:
    gateway = shop(FORM)
    request = gateway.decode(form(query, {**headers, "x-session": "s"}), ENDPOINT)

    assert kind in NOTICES
    assert (request.kind, request.reason, request.input) == (kind, reason, "")


@pytest.mark.parametrize("kind", [Kind.CANCEL, Kind.TIMEOUT, Kind.ENDED])
@pytest.mark.parametrize("history", [(), ("5",), ("5", "a")])
def test_a_profiles_notices_are_those_that_it_reads(kind: Kind, history: tuple[str, ...]) -> None:
    gateway = shop(FORM)
    sent = gateway.notice(ASKED, history, kind)

    assert sent is not None
    told = gateway.decode(sent, ENDPOINT)
    assert (told.kind, told.session, told.msisdn) == (kind, "s-1 s-1", "+22670123456")
    assert gateway.notice(ASKED, history, Kind.CHARGE_FAILED) is None


@pytest.mark.parametrize(
    ("end", "path", "fields"),
    [
        ("{path: /over}", "/over", {"text": ""}),
        ("{field: flag, is: [gone, lost]}", "/go", {"flag": "gone"}),
        ("{field: text, starts: Abort}", "/go", {"text": "Abort"}),
        ("{field: flag, not: ['1', '2']}", "/go", {"flag": "3"}),
        ("{field: why, present: true}", "/go", {"why": "1"}),
        ("{field: code, present: true}", "/go", {"code": "*789#"}),
        ("{field: hop, present: false}", "/go", {}),
    ],
)
def test_every_way_to_end_has_its_notice(end: str, path: str, fields: dict[str, str]) -> None:
    source = FORM[: FORM.index("  paths:")] + (
        "  paths: [/start, /go, /over]\n  session: sid\n  msisdn: from\n  input: text\n"
        "  dialled: after\n  code: code\n  position: hop\n  begin: {path: /start, later: /go}\n"
        f"  ends: [{end[:-1]}, means: timeout}}]\n"
        'reply: {format: text, continue: "CON {screen}", end: "END {screen}"}\n'
    )
    gateway = shop(source)
    sent = gateway.notice(ASKED, ("5", "a"), Kind.TIMEOUT)

    assert sent is not None
    found = dict(parse_qsl(sent.body.decode(), keep_blank_values=True))
    assert sent.path == path
    assert fields.items() <= found.items()
    assert ("hop" in found) is bool(fields)
    assert gateway.decode(sent, ENDPOINT).kind is Kind.TIMEOUT


def test_a_notice_of_accumulated_input_holds_what_was_typed_before() -> None:
    source = (
        (PROFILES / "crossgate.yaml")
        .read_text("utf-8")
        .replace(
            "  begin: unknown\n",
            "  begin: unknown\n  ends: [{field: over, is: '1', means: cancel}]\n",
        )
    )
    sent = shop(source).notice(ASKED, ("5", "a", "b"), Kind.CANCEL)

    assert sent is not None
    assert dict(parse_qsl(sent.query)).items() >= {"ussd_string": "5*a*b", "over": "1"}.items()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sid=4&text=1&seq=x", '"seq" must be a number'),
        ("sid=4&text=1", '"seq" is missing'),
        ("text=1&seq=1", '"x-session" is missing'),
        ("sid=4&seq=1&from=hello", "the MSISDN is not a telephone number"),
        (f"sid={'4' * 1001}&seq=1", 'parameter "sid" is over 1000 characters long'),
    ],
)
def test_a_callback_that_cannot_be_understood_is_refused_in_words(
    query: str, sentence: str
) -> None:
    path = "/x/in" if "sid" in query else ""
    with pytest.raises(BadCallback) as caught:
        shop(FORM).decode(form(query, path=path), ENDPOINT)
    assert str(caught.value) == sentence


def test_an_example_is_what_its_profile_reads() -> None:
    gateway = shop(FORM)
    first = gateway.decode(gateway.example(ASKED, ("5",)), ENDPOINT)
    later = gateway.decode(gateway.example(ASKED, ("5", "a")), ENDPOINT)

    assert (first.kind, first.input, first.session) == (Kind.BEGIN, "5", "s-1 s-1")
    assert (later.kind, later.input, later.session) == (Kind.CONTINUE, "a", "s-1 s-1")
    assert (later.position, later.network) == (2, "Orange")


def test_the_one_of_several_codes_that_was_dialled_is_not_told_again() -> None:
    cellulant = shipped()["cellulant"]
    first = cellulant.decode(cellulant.example(ASKED, ("",)), ENDPOINT)
    later = cellulant.decode(cellulant.example(ASKED, ("", "1")), ENDPOINT)

    assert (first.service_code, later.service_code) == ("*789#", "")


def test_a_reply_holds_what_its_places_say() -> None:
    gateway = shop(FORM)
    request = gateway.decode(form("sid=4%0d%0aX:1&seq=0", path="/x/in"), ENDPOINT)
    reply = gateway.encode(Screen("é|\n2", Action.CONTINUE), request, ENDPOINT)

    assert (reply.status, reply.content_type) == (202, "text/html")
    assert reply.body.decode() == "4\r\nX:1|e!<br>2|false|{}".replace("\r\n", "\r<br>")
    assert dict(reply.headers) == {
        "X-Next": "https://app.example/ussd/e?c=%2A789%23",
        "X-Id": "4  X:1",
    }
    assert gateway.read(reply) == Screen("e!\n2", Action.CONTINUE)


def test_a_place_without_a_value_shows_its_default() -> None:
    gateway = shop(FORM)
    request = gateway.decode(form("seq=0", {"x-session": "s"}), ENDPOINT)

    assert gateway.encode(Screen("a", Action.CONTINUE), request, ENDPOINT).body.startswith(
        b"nobody|"
    )


def test_a_notice_is_answered_as_the_profile_says() -> None:
    gateway = shop(FORM)
    request = gateway.decode(form("step=drop", {"x-session": "s"}), ENDPOINT)
    reply = gateway.acknowledge(request)

    assert (reply.status, reply.body) == (202, b"noted drop")


def test_a_profile_says_what_its_gateway_can_do() -> None:
    can = shop(FORM).capabilities

    assert (can.septets_max, can.ucs2_max, can.reply_seconds) == (140, 70, 9.0)
    assert can.reports_cancel
    assert can.reports_timeout
    assert can.numbers_hops
    assert can.auth == "a token"
    assert not shop(JSON).capabilities.reports_cancel
    assert shop(FORM).serves("/x/in")
    assert not shop(FORM).serves("/x/out")


def test_nested_members_of_json_are_read_and_written() -> None:
    gateway = shop(JSON)
    sent = gateway.example(ASKED, ("5*6",))
    request = gateway.decode(sent, ENDPOINT)
    reply = gateway.encode(Screen('a"\nb', Action.END), request, ENDPOINT)

    assert json.loads(sent.body) == {
        "meta": {"hop": 7, "first": True, "id": "s-1", "from": "22670123456"},
        "to": "789",
        "payload": {"text": "", "extra": "5*6"},
    }
    assert (request.kind, request.input) == (Kind.BEGIN, "5*6")
    assert json.loads(reply.body) == {"id": "s-1", "out": ['a"\nb', 1, 1.5, None, False, "7"]}
    assert gateway.read(reply) == Screen('a"\nb', Action.END)


def test_names_of_members_may_be_written_in_any_case() -> None:
    gateway = shop(JSON.replace("  in: json", "  in: json\n  any_case: true"))
    text = '{"META": {"Id": "7", "FROM": "22670123456"}, "To": "12", "payload": {"TEXT": "1"}}'
    request = gateway.decode(body(text), ENDPOINT)

    assert (request.session, request.service_code, request.input) == ("7", "*789*12#", "1")


@pytest.mark.parametrize(
    ("begin", "first", "later"),
    [
        ("{path: /start}", ("/start", {}), ("/go", {})),
        ("{field: text, present: false}", ("/start", {"text": ""}), ("/start", {"text": "1"})),
        ("{field: flag, not: [old]}", ("/start", {"flag": "1"}), ("/start", {"flag": "old"})),
        ("{field: flag, starts: new}", ("/start", {"flag": "new"}), ("/start", {"flag": ""})),
        ("{field: hop, is: '0', later: '9'}", ("/start", {"hop": "0"}), ("/start", {"hop": "9"})),
    ],
)
def test_every_way_to_begin_has_its_example(
    begin: str, first: tuple[str, dict[str, str]], later: tuple[str, dict[str, str]]
) -> None:
    source = FORM[: FORM.index("  paths:")] + (
        "  paths: [/start, /go]\n  session: sid\n  msisdn: from\n  input: text\n"
        f"  dialled: after\n  code: code\n  position: hop\n  begin: {begin}\n"
        'reply: {format: text, continue: "CON {screen}", end: "END {screen}"}\n'
    )
    gateway = shop(source)
    for history, kind, (path, fields) in (
        (("",), Kind.BEGIN, first),
        (("", "1"), Kind.CONTINUE, later),
    ):
        sent = gateway.example(ASKED, history)
        found = dict(parse_qsl(sent.body.decode(), keep_blank_values=True))
        assert sent.path == path
        assert fields.items() <= found.items()
        assert gateway.decode(sent, ENDPOINT).kind is kind


@pytest.mark.parametrize(
    ("sent", "given"), [("12", 12), ("012", "012"), ("-1.50", -1.5), ("true", True), ("1e9", "1e9")]
)
def test_a_value_is_written_bare_only_where_json_knows_it(sent: str, given: object) -> None:
    gateway = shop(JSON)
    member = json.dumps({"meta": {"id": sent, "from": "22670123456"}, "payload": {"text": "1"}})
    request = gateway.decode(body(member.replace("{", '{"to":"789",', 1)), ENDPOINT)
    reply = gateway.encode(Screen("a", Action.CONTINUE), request, ENDPOINT)

    assert json.loads(reply.body)["id"] == given
    assert gateway.read(reply) == Screen("a", Action.CONTINUE)


@pytest.mark.parametrize("member", ['"x"', "[1]", '{"id": {"a": 1}}', '{"id": [1]}'])
def test_members_that_are_no_texts_are_refused(member: str) -> None:
    with pytest.raises(BadCallback):
        shop(JSON).decode(body(f'{{"meta": {member}, "payload": {{"text": "1"}}}}'), ENDPOINT)


def test_elements_are_read_whatever_their_namespace_and_case() -> None:
    text = (
        '<u:USSD xmlns:u="urn:x"><u:Head><u:ID> 7 </u:ID><u:From>22670123456</u:From></u:Head>'
        "<u:Text>*789*5#</u:Text></u:USSD>"
    )
    request = shop(XML).decode(body(text), ENDPOINT)

    assert (request.session, request.service_code, request.input) == ("7", "*789#", "5")


def test_another_document_is_refused() -> None:
    with pytest.raises(BadCallback, match="the document is no <ussd>"):
        shop(XML).decode(body("<page/>"), ENDPOINT)


@given(text=SHOWN)
def test_a_screen_in_an_attribute_comes_back_whole(text: str) -> None:
    gateway = shop(XML)
    sendable = gsm7.transliterate(text)
    request = gateway.decode(gateway.example(ASKED, ("",)), ENDPOINT)
    reply = gateway.encode(Screen(sendable, Action.END), request, ENDPOINT)

    assert b"\n" not in reply.body
    assert gateway.read(reply) == Screen(sendable.replace("\f", " "), Action.END)


# What is wrong with a profile.


def printed(path: Path) -> str:
    """What is told of one profile."""
    try:
        load_profile(path.read_text("utf-8"), path.name)
    except FlowError as error:
        return f"{error}\n"
    return ""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_profile_prints_exactly_what_is_wrong(path: Path) -> None:
    assert printed(path) == path.with_suffix(".out").read_text("utf-8")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_broken_profile_is_named_for_the_check_it_shows(path: Path) -> None:
    ids = re.findall(
        r"error: .* \[([a-z-]+)\]$", path.with_suffix(".out").read_text(), re.MULTILINE
    )

    assert ids
    assert path.stem.startswith((*ids, "several"))


def test_no_expectation_is_left_without_its_profile() -> None:
    outs = (HERE / "profiles_err").glob("*.out")

    assert {path.stem for path in outs} == {path.stem for path in BAD}
