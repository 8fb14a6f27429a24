"""The drivers against real processes: the simulators, and our own head end system."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from hes_adapter.drivers.base import HeadEndSystem
from hes_adapter.drivers.embedded import EmbeddedHes
from operator_client.sms.base import SmsCentre
from operator_client.sms.sandbox import SandboxSms
from operator_client.wallet.base import DebitRequest, RefundRequest, Wallet
from operator_client.wallet.sandbox import SandboxWallet
from outward.results import (
    Declined,
    Misconfigured,
    NotFound,
    Pending,
    Reason,
    Success,
    Unknown,
)
from outward.transport import Transport
from platform_client.client import DEFAULT_TARIFF, Platform, Sale

pytestmark = pytest.mark.world

ROOT = Path(__file__).parents[2]
KEY = "public-key-of-the-tests"
SECONDS = 10.0
SERIAL = "04246801379"
BLOCKED = "04246804118"
PLATFORM_ONLY = "04246810966"
GOOD = "+22670999000"


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """A process of ours; its URL, the only word with a scheme in its first line."""
    environment = os.environ | {
        "CASSOU_SIM_API_KEY": KEY,
        "CASSOU_HES_API_KEY": KEY,
        "CASSOU_HES_MASTER_KEY": "00" * 32,
    }
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            yield next(word for word in words if word.startswith("http://"))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    store = tmp_path_factory.mktemp("hes") / "hes.sqlite3"
    seed = ROOT / "hes_adapter" / "embedded" / "demo.yaml"
    with ExitStack() as stack:
        yield {
            "operator": stack.enter_context(running("simulators", "operator")),
            "prompting": stack.enter_context(
                running("simulators", "operator", "--wallet", "prompt", "--prompt-seconds", "600")
            ),
            "platform": stack.enter_context(running("simulators", "platform")),
            "hes": stack.enter_context(
                running(
                    *("hes_adapter.embedded", "--store", f"sqlite:///{store}"),
                    *("--seed", str(seed)),
                )
            ),
        }


@pytest.fixture
def wallet(urls: dict[str, str]) -> Wallet:
    return SandboxWallet(Transport(urls["operator"], KEY))


@pytest.fixture
def sms(urls: dict[str, str]) -> SmsCentre:
    return SandboxSms(Transport(urls["operator"], KEY))


@pytest.fixture
def platform(urls: dict[str, str]) -> Platform:
    transport = Transport(urls["platform"], KEY)
    return Platform(transport, transport)


@pytest.fixture
def hes(urls: dict[str, str]) -> HeadEndSystem:
    return EmbeddedHes(Transport(urls["hes"], KEY))


def debit(key: str, msisdn: str = GOOD, amount_minor: int = 1135) -> DebitRequest:
    return DebitRequest(key, msisdn, amount_minor, "XOF", "C-1", "10 kWh 1379")


def test_a_debit_is_made_once_and_given_back_once(wallet: Wallet) -> None:
    assert wallet.debit_status("once:debit", 1135, SECONDS) == NotFound()
    paid = wallet.debit(debit("once:debit"), SECONDS)
    assert isinstance(paid, Success)
    assert paid.value.amount_minor == 1135
    assert wallet.debit(debit("once:debit"), SECONDS) == paid
    assert wallet.debit_status("once:debit", 1135, SECONDS) == paid
    assert isinstance(wallet.debit_status("once:debit", 1130, SECONDS), Unknown)
    assert isinstance(wallet.debit(debit("once:debit", amount_minor=1140), SECONDS), Unknown)

    assert wallet.refund_status("once:refund", 1135, SECONDS) == NotFound()
    refund = RefundRequest("once:refund", "once:debit", 1135, "XOF")
    given_back = wallet.refund(refund, SECONDS)
    assert isinstance(given_back, Success)
    assert wallet.refund(refund, SECONDS) == given_back
    assert wallet.refund_status("once:refund", 1135, SECONDS) == given_back


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("01", Reason.INSUFFICIENT_FUNDS),
        ("02", Reason.WRONG_PIN),
        ("03", Reason.PIN_LOCKED),
        ("04", Reason.CANCELLED),
        ("05", Reason.PROMPT_EXPIRED),
        ("06", Reason.NOT_REGISTERED),
        ("07", Reason.BARRED),
        ("08", Reason.AMOUNT_TOO_HIGH),
        ("09", Reason.DAILY_LIMIT),
        ("10", Reason.COUNT_LIMIT),
        ("11", Reason.AMOUNT_TOO_LOW),
        ("12", Reason.SESSION_BUSY),
    ],
)
def test_a_debit_is_declined_for_its_reason(wallet: Wallet, number: str, reason: Reason) -> None:
    key = f"declined-{number}:debit"
    result = wallet.debit(debit(key, f"+226709990{number}"), SECONDS)

    assert isinstance(result, Declined), result
    assert result.reason is reason
    assert wallet.debit_status(key, 1135, SECONDS) == result


@pytest.mark.parametrize("number", ["18", "19", "21", "22"])
def test_a_debit_whose_answer_is_lost_is_unknown_and_then_found(
    wallet: Wallet, number: str
) -> None:
    key = f"lost-{number}:debit"

    assert isinstance(wallet.debit(debit(key, f"+226709990{number}"), SECONDS), Unknown)
    assert isinstance(wallet.debit_status(key, 1135, SECONDS), Success)


@pytest.mark.parametrize("number", ["16", "23"])
def test_a_debit_that_is_never_answered_ends_at_the_deadline(wallet: Wallet, number: str) -> None:
    key = f"late-{number}:debit"

    assert isinstance(wallet.debit(debit(key, f"+226709990{number}"), 0.5), Unknown)
    assert isinstance(wallet.debit_status(key, 1135, SECONDS), Success)


@pytest.mark.parametrize("number", ["15", "20", "36"])
def test_what_the_wire_does_not_know_is_unknown(wallet: Wallet, number: str) -> None:
    result = wallet.debit(debit(f"odd-{number}:debit", f"+226709990{number}"), SECONDS)

    assert isinstance(result, Unknown)


def test_a_refused_key_is_told_apart(wallet: Wallet) -> None:
    result = wallet.debit(debit("auth:debit", "+22670999050"), SECONDS)

    assert isinstance(result, Misconfigured)


@pytest.mark.parametrize(
    ("number", "reason"), [("41", Reason.PAYEE_LIMIT), ("42", Reason.PAYEE_FLOAT_EMPTY)]
)
def test_a_refund_is_declined_for_its_reason(wallet: Wallet, number: str, reason: Reason) -> None:
    key = f"refused-{number}"
    assert isinstance(wallet.debit(debit(f"{key}:debit", f"+226709990{number}"), SECONDS), Success)
    refund = RefundRequest(f"{key}:refund", f"{key}:debit", 1135, "XOF")
    result = wallet.refund(refund, SECONDS)

    assert isinstance(result, Declined)
    assert result.reason is reason
    assert wallet.refund_status(f"{key}:refund", 1135, SECONDS) == result


def test_a_debit_waits_for_the_prompt(urls: dict[str, str]) -> None:
    wallet = SandboxWallet(Transport(urls["prompting"], KEY))
    first = wallet.debit(debit("prompt:debit"), SECONDS)

    assert isinstance(first, Pending)
    assert wallet.debit_status("prompt:debit", 1135, SECONDS) == first
    admin = Transport(urls["prompting"])
    admin.send(
        "POST",
        f"/_sandbox/prompts/{GOOD}",
        json={"action": "approve"},
        deadline_seconds=SECONDS,
    )
    assert isinstance(wallet.debit_status("prompt:debit", 1135, SECONDS), Success)


def test_an_sms_is_accepted_once_under_its_id(sms: SmsCentre) -> None:
    accepted = sms.send("s-1:sms", GOOD, "Bonjour", SECONDS)

    assert isinstance(accepted, Success)
    assert sms.send("s-1:sms", GOOD, "Bonjour", SECONDS) == accepted
    reused = sms.send("s-1:sms", GOOD, "Bonsoir", SECONDS)
    assert isinstance(reused, Declined)
    assert reused.reason is Reason.CONFLICT
    too_long = sms.send("s-2:sms", GOOD, "x" * 2000, SECONDS)
    assert isinstance(too_long, Declined)
    assert too_long.reason is Reason.REFUSED


def test_a_sale_goes_from_quote_to_token(platform: Platform) -> None:
    meter = platform.meter(SERIAL, SECONDS)
    assert isinstance(meter, Success)
    assert meter.value.customer == "Awa Ouedraogo"
    tariff = platform.tariff(DEFAULT_TARIFF, SECONDS)
    assert isinstance(tariff, Success)
    assert len(tariff.value.tranches) == 3
    quote = platform.quote(SERIAL, 100, SECONDS)
    assert isinstance(quote, Success)
    # 10 kWh at 96 F and 18 % VAT are 1132.8 F, rounded up to a multiple of 5.
    assert quote.value.total_minor == 1135

    sale = _sale("sold", quote.value.id)
    assert platform.sale("sold", SECONDS) == NotFound()
    recorded = platform.record_sale(sale, SECONDS)
    assert isinstance(recorded, Success)
    assert platform.record_sale(sale, SECONDS) == recorded
    assert platform.sale("sold", SECONDS) == recorded

    token = "01234567890123456789"
    for delivered in (False, True):
        noted = platform.put_token("sold", token, delivered=delivered, deadline_seconds=SECONDS)
        assert noted == Success(None)
    other = platform.put_token("sold", token[::-1], delivered=False, deadline_seconds=SECONDS)
    assert isinstance(other, Declined)
    assert other.reason is Reason.CONFLICT
    void = platform.void_sale("sold", SECONDS)
    assert isinstance(void, Declined)
    assert void.reason is Reason.CONFLICT


def test_a_sale_is_voided_and_does_not_stand_again(platform: Platform) -> None:
    quote = platform.quote(SERIAL, 100, SECONDS)
    assert isinstance(quote, Success)
    sale = _sale("voided", quote.value.id)
    assert platform.void_sale("voided", SECONDS) == Success(None)
    assert isinstance(platform.record_sale(sale, SECONDS), Success)
    assert platform.void_sale("voided", SECONDS) == Success(None)
    assert platform.void_sale("voided", SECONDS) == Success(None)

    assert isinstance(platform.record_sale(sale, SECONDS), Declined)


def test_the_platform_refuses_for_its_reasons(platform: Platform) -> None:
    refused = [
        platform.meter("99999999999", SECONDS),
        platform.meter(BLOCKED, SECONDS),
        platform.tariff("nothing", SECONDS),
        platform.quote("99999999999", 100, SECONDS),
        platform.quote(BLOCKED, 100, SECONDS),
        platform.quote(SERIAL, 4, SECONDS),
        platform.quote(SERIAL, 5001, SECONDS),
        platform.quote(SERIAL, 0, SECONDS),
        platform.record_sale(_sale("unquoted", "no-such-quote"), SECONDS),
        platform.put_token("nobody", "0" * 20, delivered=False, deadline_seconds=SECONDS),
    ]

    assert [
        (result.reason, result.limit) for result in refused if isinstance(result, Declined)
    ] == [
        (Reason.UNKNOWN_METER, None),
        (Reason.METER_BLOCKED, None),
        (Reason.REFUSED, None),
        (Reason.UNKNOWN_METER, None),
        (Reason.METER_BLOCKED, None),
        (Reason.BELOW_MINIMUM, 5),
        (Reason.ABOVE_MAXIMUM, 5000),
        (Reason.REFUSED, None),
        (Reason.REFUSED, None),
        (Reason.REFUSED, None),
    ]


def test_a_vend_is_made_once(hes: HeadEndSystem) -> None:
    assert hes.last_vend("v-1", SECONDS) == NotFound()
    vend = hes.vend("v-1", SERIAL, 100, SECONDS)
    assert isinstance(vend, Success)
    again = hes.vend("v-1", SERIAL, 100, SECONDS)
    assert isinstance(again, Success)
    assert again.value.token == vend.value.token
    found = hes.last_vend("v-1", SECONDS)
    assert isinstance(found, Success)
    assert (found.value.token, found.value.serial) == (vend.value.token, SERIAL)


def test_the_head_end_system_refuses_for_its_reasons(hes: HeadEndSystem) -> None:
    assert isinstance(hes.vend("v-2", SERIAL, 100, SECONDS), Success)
    refused = [
        hes.vend("v-3", PLATFORM_ONLY, 100, SECONDS),
        hes.vend("v-2", SERIAL, 101, SECONDS),
        hes.vend("v-4", SERIAL, 0, SECONDS),
    ]

    assert [result.reason for result in refused if isinstance(result, Declined)] == [
        Reason.UNKNOWN_METER,
        Reason.CONFLICT,
        Reason.REFUSED,
    ]


def test_a_wrong_key_is_misconfigured_everywhere(urls: dict[str, str]) -> None:
    at = {name: Transport(url, "wrong-key-of-the-tests") for name, url in urls.items()}
    results = [
        SandboxWallet(at["operator"]).debit(debit("wrong:debit"), SECONDS),
        Platform(at["platform"], at["platform"]).meter(SERIAL, SECONDS),
        EmbeddedHes(at["hes"]).vend("wrong", SERIAL, 100, SECONDS),
    ]

    assert [type(result) for result in results] == [Misconfigured] * 3


def _sale(purchase_id: str, quote_id: str) -> Sale:
    return Sale(purchase_id, quote_id, SERIAL, 100, 1135, "XOF", "OP1", "2026-11-23T08:00:05+00:00")
