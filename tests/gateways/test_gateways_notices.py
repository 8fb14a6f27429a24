"""The callbacks by which gateways tell that a session has ended, as each gateway sends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ussd_app.gateways import GATEWAYS, Endpoint, Gateway, Seen, resolve
from ussd_app.gateways.conformance import endpoint_of, load, request_of
from ussd_app.handset import NoSession
from ussd_app.messages import (
    NOTICES,
    Action,
    HttpRequest,
    Kind,
    Screen,
    UssdReply,
    UssdRequest,
)
from ussd_app.replay.over_http import BadReply, HttpPhone

ENDPOINT = Endpoint("e", service_codes=("*789#",), options={"url": "https://app.example/ussd/e"})
EACH = pytest.mark.parametrize("gateway", GATEWAYS.values(), ids=list(GATEWAYS))
EACH_KIND = pytest.mark.parametrize("kind", sorted(NOTICES))
#: Kinds that no capability claims, and who tells them.
OTHERS = {
    Kind.ENDED: {"africastalking", "infobip", "mtn_madapi"},
    Kind.CHARGE_FAILED: {"truroute"},
}
#: Whose notice of an end by one cause may be decoded as another's, because it tells none.
VAGUE = {
    ("africastalking", Kind.CANCEL): Kind.TIMEOUT,
    ("comviva_xml", Kind.TIMEOUT): Kind.CANCEL,
    ("flares_http", Kind.TIMEOUT): Kind.CANCEL,
    ("huawei_sdp", Kind.TIMEOUT): Kind.CANCEL,
    ("infobip", Kind.TIMEOUT): Kind.CANCEL,
    ("infobip", Kind.ENDED): Kind.CANCEL,
}
#: Notices of these hold no number: the session knows it.
NUMBERLESS = {"huawei_sdp", "infobip", "mtech", "restcomm"}

INPUT = st.text("0123456789*#aé +&=%;<>", min_size=1, max_size=20).filter(
    lambda typed: typed == typed.strip()
)
NOTICED = [
    (path, number)
    for path in sorted((Path(__file__).parent / "fixtures").glob("*/*.json"))
    for number, step in enumerate(load(path.read_text("utf-8"))["steps"])
    if step["means"]["kind"] in NOTICES
]
RECORDED = pytest.mark.parametrize(
    ("path", "number"),
    NOTICED,
    ids=[f"{path.parent.name}-{path.stem}-{number + 1}" for path, number in NOTICED],
)


def tells(gateway: Gateway, kind: Kind) -> bool:
    match kind:
        case Kind.CANCEL:
            return gateway.capabilities.reports_cancel
        case Kind.TIMEOUT:
            return gateway.capabilities.reports_timeout
    return gateway.name in OTHERS[kind]


@EACH
@EACH_KIND
@settings(max_examples=20)
@given(
    inputs=st.lists(INPUT, max_size=4),
    session=st.sampled_from(["s-1", "s 1&2", "é%2F"]),
    msisdn=st.sampled_from(["+22670123456", "+233208183783"]),
)
def test_a_gateway_tells_of_those_ends_that_it_claims_to(
    gateway: Gateway, kind: Kind, inputs: list[str], session: str, msisdn: str
) -> None:
    asked = UssdRequest(Kind.BEGIN, session, msisdn, "*789#", "", "", language="fr")
    history = ("", *inputs)
    sent = gateway.notice(asked, history, kind)
    assert (sent is not None) == tells(gateway, kind)
    if sent is None:
        return
    shown = gateway.decode(gateway.example(asked, history), ENDPOINT)
    seen = Seen(live=True, accumulated=shown.input if shown.accumulated else "")
    told = resolve(gateway.decode(sent, ENDPOINT), seen)

    assert sent.method in gateway.methods
    assert gateway.serves(sent.path)
    assert told.kind is VAGUE.get((gateway.name, kind), kind)
    assert told.session == shown.session
    assert told.msisdn == ("" if gateway.name in NUMBERLESS else msisdn)
    assert told.service_code in {"*789#", ""}
    assert 200 <= gateway.acknowledge(told).status < 300


@EACH
@EACH_KIND
def test_a_dialog_of_which_nothing_is_known_ends_all_the_same(gateway: Gateway, kind: Kind) -> None:
    asked = UssdRequest(Kind.BEGIN, "s-1", "+22670123456", "*789#", "", "")
    sent = gateway.notice(asked, (), kind)

    assert sent is None or gateway.decode(sent, ENDPOINT).kind in NOTICES


@RECORDED
def test_a_notice_means_what_the_recorded_one_of_its_kind_does(path: Path, number: int) -> None:
    fixture = load(path.read_text("utf-8"))
    gateway, endpoint = GATEWAYS[fixture["gateway"]], endpoint_of(fixture)
    came = request_of(fixture["steps"][number]["request"], gateway)
    recorded = gateway.decode(came, endpoint)
    asked = recorded._replace(msisdn=recorded.msisdn or "+22670123456", echo={})
    sent = gateway.notice(asked, ("",), recorded.kind)

    assert sent is not None
    ours = gateway.decode(sent, ENDPOINT)
    assert (ours.kind, ours.msisdn) == (recorded.kind, recorded.msisdn)
    assert sent.method == came.method


# A phone that hangs up.


class Heard(HttpPhone):
    """A phone whose gateway reaches nobody: what it sent is kept, and answered with a status."""

    def __init__(self, name: str, status: int = 200) -> None:
        super().__init__("http://app.example", GATEWAYS[name], "+22670123456", ("*789#",))
        self.sent: list[HttpRequest] = []
        self.status = status

    def post(self, callback: HttpRequest) -> UssdReply:
        self.sent.append(callback)
        screen = Screen("Menu", Action.CONTINUE)
        request = self._gateway.decode(callback, ENDPOINT)
        return self._gateway.encode(screen, request, ENDPOINT)

    def _raw(self, callback: HttpRequest) -> UssdReply:
        self.sent.append(callback)
        return UssdReply(self.status, "text/plain", b"no")


@pytest.mark.parametrize("name", ["africastalking", "huawei_sdp", "cellulant"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_phone_that_hangs_up_sends_the_notice_of_its_dialog(name: str, status: int) -> None:
    phone = Heard(name, status)
    phone.dial("*789#")
    phone.send("1")

    assert phone.hang_up() is True
    (dialled, _, notice) = phone.sent
    told, begun = (GATEWAYS[name].decode(each, ENDPOINT) for each in (notice, dialled))
    assert told.kind in NOTICES
    assert told.session == begun.session


def test_a_phone_hangs_up_in_silence_where_its_gateway_tells_nothing() -> None:
    phone = Heard("truroute")
    phone.dial("*789#")

    assert phone.hang_up(Kind.ENDED) is False
    assert phone.hang_up(Kind.TIMEOUT) is True
    assert len(phone.sent) == 2
    silent = Heard("moov_xml")
    silent.dial("*789#")
    assert silent.hang_up() is False


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_notice_that_is_not_acknowledged_is_told(status: int) -> None:
    phone = Heard("truroute", status)
    phone.dial("*789#")

    with pytest.raises(BadReply, match=f"HTTP {status}: no"):
        phone.hang_up()


def test_only_a_phone_that_has_dialled_can_hang_up() -> None:
    with pytest.raises(NoSession):
        Heard("truroute").hang_up()
