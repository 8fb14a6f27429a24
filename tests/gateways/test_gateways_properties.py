"""What every gateway must do with anything: decode or refuse, encode and be read back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from ussd_app.gateways import GATEWAYS, Endpoint, Seen, base, resolve
from ussd_app.messages import Action, BadCallback, HttpRequest, Kind, Screen, UssdReply, UssdRequest
from ussd_app.render import gsm7

ENDPOINT = Endpoint("e")
FORM = {"content-type": "application/x-www-form-urlencoded"}
#: The others have properties of their own, beside their quirks.
EACH = pytest.mark.parametrize("name", ["africastalking", "moov_xml"])

#: Characters of both alphabets, and those that XML cannot hold.
SHOWN = st.text(
    st.one_of(
        st.sampled_from("abcé<>&\"'{}[]€ΔÇ \n\r\t\f\x00\x08\x1b\ufffe"),
        st.characters(codec="utf-8"),
    )
)
#: Inputs as phones send them: `*` and `#` among them, never empty, no outer blanks.
INPUT = st.text("0123456789*#aé +&=%;", min_size=1, max_size=20).filter(
    lambda typed: typed == typed.strip()
)

AT = {
    "sessionId": "s-1",
    "phoneNumber": "+22670123456",
    "networkCode": "99999",
    "serviceCode": "*789#",
    "text": "",
}
MOOV = {
    "lang": "fra",
    "msisdn": "22670123456",
    "req_no": "1",
    "sc": "789",
    "screen_id": "",
    "session_id": "s-1",
    "user_input": "",
}


def at(**changed: str | None) -> HttpRequest:
    fields = {name: value for name, value in {**AT, **changed}.items() if value is not None}
    return HttpRequest("POST", "", "", FORM, urlencode(fields).encode())


def moov(**changed: str | None) -> HttpRequest:
    fields = {name: value for name, value in {**MOOV, **changed}.items() if value is not None}
    return HttpRequest("GET", "", urlencode(fields))


def understood(name: str, request: HttpRequest) -> UssdRequest | None:
    """The request, or None where it is refused with a sentence; any other error is a bug."""
    try:
        return GATEWAYS[name].decode(request, ENDPOINT)
    except BadCallback as error:
        assert str(error)  # noqa: PT017  # the sentence is the point, whether it comes is not
        return None


@EACH
@given(body=st.binary(max_size=300), path=st.sampled_from(["", "/events"]))
def test_any_body_is_decoded_or_refused(name: str, body: bytes, path: str) -> None:
    found = understood(name, HttpRequest("POST", path, "", FORM, body))
    assert found is None or found.session


@EACH
@given(query=st.one_of(st.text(max_size=300), st.text("%&=+;abc0123456789", max_size=80)))
def test_any_query_is_decoded_or_refused(name: str, query: str) -> None:
    found = understood(name, HttpRequest("GET", "", query, {}))
    assert found is None or found.session


@given(
    st.dictionaries(st.sampled_from(sorted(AT)), st.text(max_size=40)),
    st.dictionaries(st.text(max_size=20), st.text(max_size=60)),
)
def test_any_values_of_the_right_names_are_decoded_or_refused(
    fields: dict[str, str], headers: dict[str, str]
) -> None:
    body = urlencode({**AT, **fields}).encode()
    for path in ("", "/events"):
        found = understood(
            "africastalking", HttpRequest("POST", path, "", {**headers, **FORM}, body)
        )
        assert found is None or found.msisdn.startswith("+")


@given(st.dictionaries(st.sampled_from(sorted(MOOV)), st.text(max_size=40)))
def test_any_values_of_moovs_names_are_decoded_or_refused(fields: dict[str, str]) -> None:
    found = understood("moov_xml", HttpRequest("GET", "", urlencode({**MOOV, **fields})))
    assert found is None or found.msisdn.startswith("+")


@pytest.mark.parametrize(
    ("name", "request_", "sentence"),
    [
        ("africastalking", at(sessionId=None), 'parameter "sessionId" is missing'),
        ("africastalking", at(sessionId=" "), 'parameter "sessionId" is missing'),
        ("africastalking", at(phoneNumber=None), 'parameter "phoneNumber" is missing'),
        ("africastalking", at(serviceCode=None), 'parameter "serviceCode" is missing'),
        ("africastalking", at(text=None), 'parameter "text" is missing'),
        ("africastalking", at(phoneNumber="hello"), "the MSISDN is not a telephone number"),
        ("africastalking", at(text="1" * 1001), 'parameter "text" is over 1000 characters long'),
        (
            "africastalking",
            at(**{"a\nb" + "c" * 99: "1" * 1001}),
            f'parameter "a\\nb{"c" * 37}" is over 1000 characters long',
        ),
        (
            "africastalking",
            HttpRequest("POST", "", "", {"content-type": "application/json"}, b"{}"),
            "the body must be application/x-www-form-urlencoded",
        ),
        (
            "africastalking",
            HttpRequest("POST", "", "", FORM, b"text=\xff"),
            "the body is not UTF-8",
        ),
        (
            "africastalking",
            HttpRequest("POST", "", "", FORM, b"text=%ff"),
            "the body is not UTF-8",
        ),
        (
            "africastalking",
            HttpRequest("POST", "", "", FORM, b"a=1&" * 60),
            "the body has over 40 parameters",
        ),
        (
            "africastalking",
            HttpRequest("POST", "/events", "", FORM, at(status="Lost").body),
            '"status" must be Success, Incomplete or Failed',
        ),
        ("moov_xml", moov(req_no=None), 'parameter "req_no" is missing'),
        ("moov_xml", moov(req_no="-1"), '"req_no" must be a number'),
        ("moov_xml", moov(req_no="²"), '"req_no" must be a number'),
        ("moov_xml", moov(req_no="9" * 10), '"req_no" must be a number'),
        ("moov_xml", moov(session_id=None), 'parameter "session_id" is missing'),
        ("moov_xml", moov(msisdn=""), 'parameter "msisdn" is missing'),
        ("moov_xml", moov(sc=None), 'parameter "sc" is missing'),
        ("moov_xml", moov(user_input=None), 'parameter "user_input" is missing'),
        ("moov_xml", HttpRequest("GET", "", "user_input=%ff"), "the query is not UTF-8"),
    ],
)
def test_a_callback_that_cannot_be_understood_is_refused_in_words(
    name: str, request_: HttpRequest, sentence: str
) -> None:
    with pytest.raises(BadCallback) as caught:
        GATEWAYS[name].decode(request_, ENDPOINT)
    assert str(caught.value) == sentence


@EACH
@given(text=SHOWN, action=st.sampled_from(Action))
def test_what_is_sent_is_what_a_phone_shows(name: str, text: str, action: Action) -> None:
    """Every text that the renderer lets through comes back; in XML, a form feed as a blank."""
    sendable = gsm7.transliterate(text)
    request = UssdRequest(Kind.BEGIN, "s", "+22670123456", "*789#", "", "h", position=1)
    shown = GATEWAYS[name].read(GATEWAYS[name].encode(Screen(sendable, action), request, ENDPOINT))
    kept = sendable.replace("\f", " ") if name == "moov_xml" else sendable

    assert (shown.text, shown.action) == (kept, action)


@given(title=SHOWN, labels=st.lists(SHOWN, min_size=1, max_size=5))
def test_any_structured_screen_is_well_formed(title: str, labels: list[str]) -> None:
    """Even characters that no XML may hold, raw from a back-end: blanks stand in for them."""
    options = tuple((str(number), label) for number, label in enumerate(labels, 1))
    request = UssdRequest(Kind.BEGIN, "s", "+22670123456", "*789#", "", "h", position=7)
    screen = Screen("unused", Action.CONTINUE, title, options)
    reply = GATEWAYS["moov_xml"].encode(screen, request, Endpoint("e", structured=True))
    root = ElementTree.fromstring(reply.body)

    assert [each.tag for each in root] == [
        "screen_type",
        "text",
        "options",
        "session_op",
        "screen_id",
    ]
    assert [each.get("choice") for each in root.iterfind("options/option")] == [
        key for key, _ in options
    ]
    assert root.findtext("screen_id") == "7"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("africastalking", b"Hello"),
        ("africastalking", b"\xff"),
        ("moov_xml", b"<response>"),
        ("moov_xml", b"<response/>"),
        ("moov_xml", b"\xff"),
        ("moov_xml", b'<!DOCTYPE r [<!ENTITY a "b">]><response>&a;</response>'),
    ],
)
def test_a_reply_no_phone_could_show_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        GATEWAYS[name].read(UssdReply(200, "text/plain", body))


@EACH
@given(
    extra=st.one_of(
        st.just(""), INPUT.filter(lambda e: e == e.strip("*#") and not e.startswith("789"))
    ),
    inputs=st.lists(INPUT, max_size=6),
)
def test_a_whole_dialog_played_by_a_phone_is_understood(
    name: str, extra: str, inputs: list[str]
) -> None:
    gateway = GATEWAYS[name]
    asked = UssdRequest(Kind.BEGIN, "s 1&2", "+22670123456", "*789#", "", "", language="fr")
    history = (extra, *inputs)
    seen: Seen | None = None
    for hop in range(1, len(history) + 1):
        raw = gateway.decode(gateway.example(asked, history[:hop]), ENDPOINT)
        request = resolve(raw, seen)
        seen = Seen(live=True, accumulated=raw.input if raw.accumulated else "")
        assert request.kind is (Kind.BEGIN if hop == 1 else Kind.CONTINUE)
        assert request.input == history[hop - 1]
        assert (request.session, request.msisdn) == ("s 1&2", "+22670123456")
        assert request.service_code == "*789#"


@pytest.mark.parametrize(
    "typed",
    [
        "+22670123456",
        "22670123456",
        "0022670123456",
        "tel:+22670123456",
        " 22670123456",
        "70123456",
        "70 12 34 56",
    ],
)
def test_a_number_is_one_number_however_it_is_written(typed: str) -> None:
    assert base.msisdn(typed, "BF") == "+22670123456"


@pytest.mark.parametrize("prefix", ["01", "51", "55", "60", "64", "65", "70", "74", "76", "79"])
def test_a_burkinabe_mobile_number_is_never_taken_for_a_foreign_one(prefix: str) -> None:
    assert base.msisdn(f"{prefix}123456", "BF") == f"+226{prefix}123456"


@pytest.mark.parametrize("typed", ["", "abc", "1", "+", "9" * 30, "+226", "22670123456;ext=5x"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(BadCallback, match="not a telephone number"):
        base.msisdn(typed, "BF")


@pytest.mark.parametrize("typed", ["789", "*789#", "*789", "789#", " *789# "])
def test_a_service_code_is_one_code_however_it_is_written(typed: str) -> None:
    assert base.service_code(typed) == "*789#"


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [("", ""), ("*789#", ""), ("789", ""), ("*789*1*2#", "1*2"), ("1*2", "1*2"), ("*1*2#", "1*2")],
)
def test_moovs_first_hop_may_repeat_the_whole_dial_string(typed: str, dialled: str) -> None:
    assert GATEWAYS["moov_xml"].decode(moov(user_input=typed), ENDPOINT).input == dialled


PIECES = st.sampled_from(
    ["", "a", "b=", "=c", "a=1*2%23", "x=%C3%A9+z", "y=%2B%20%", "z=é", "=", "q=a=b"]
)


@given(st.lists(PIECES, max_size=8).map("&".join) | st.text(max_size=40))
def test_a_form_is_read_as_the_library_reads_it(text: str) -> None:
    wanted: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="replace"):
        wanted.setdefault(name, value)

    try:
        found = base.form(text, "body")
    except BadCallback:
        # What is not UTF-8 is refused; the library was told to replace it.
        assert "\ufffd" in "".join([*wanted, *wanted.values()])
        return
    assert found == wanted


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_what_a_gateway_does_not_read_changes_nothing(name: str) -> None:
    gateway = GATEWAYS[name]
    endpoint = Endpoint("e", "BF", ("*789#",), options={"url": "/ussd/e"})
    asked = UssdRequest(Kind.BEGIN, "s-1", "+22670123456", "*789#", "", "")
    for history in (("",), ("", "1", "12")):
        sent = gateway.example(asked, history)
        read = gateway.decode(sent, endpoint)
        headers = {**sent.headers, "user-msisdn": "22670000000", "x-a": "b"}
        others = {
            "query": sent._replace(query="msisdn=22670000000&user-msisdn=22670000000"),
            "headers": sent._replace(headers=headers),
        }
        for part, changed in others.items():
            if part not in gateway.reads_besides:
                assert gateway.decode(changed, endpoint) == read
    if "path" not in gateway.reads_besides:
        assert gateway.serves("")
        assert not gateway.serves("/other")
