"""What each wire says no with, and what it means; and the answers that are neither yes nor no."""

from typing import Any

import pytest

from outward.results import (
    Declined,
    NotFound,
    Pending,
    Reason,
    Result,
    Success,
    Unknown,
)
from outward.transport import Transport
from platform_client.client import Meter, Platform

from .server import Script, replying, serving
from .wires import METER, OPERATIONS, SERIAL, TARIFF, TOKEN, VEND, VOIDED, Operation

SECONDS = 5.0
BY_NAME = {operation.name: operation for operation in OPERATIONS}


def ask(name: str, script: Script) -> Result[Any]:
    operation: Operation = BY_NAME[name]
    with serving(script) as server:
        return operation.call(Transport(server.url), SECONDS)


DEBIT_WORDS = {
    "insufficient_funds": Reason.INSUFFICIENT_FUNDS,
    "amount_too_low": Reason.AMOUNT_TOO_LOW,
    "amount_too_high": Reason.AMOUNT_TOO_HIGH,
    "daily_limit": Reason.DAILY_LIMIT,
    "count_limit": Reason.COUNT_LIMIT,
    "wrong_pin": Reason.WRONG_PIN,
    "pin_locked": Reason.PIN_LOCKED,
    "cancelled": Reason.CANCELLED,
    "prompt_expired": Reason.PROMPT_EXPIRED,
    "not_registered": Reason.NOT_REGISTERED,
    "barred": Reason.BARRED,
    "session_busy": Reason.SESSION_BUSY,
    "other": Reason.REFUSED,
}


def declined(reason: object) -> dict[str, object]:
    return {"status": "declined", "reason": reason, "message": "No."}


@pytest.mark.parametrize(("word", "reason"), DEBIT_WORDS.items())
def test_a_debit_is_declined_for_a_reason_of_the_wire(word: str, reason: Reason) -> None:
    assert ask("debit", replying(402, declined(word))) == Declined(reason, "No.")
    assert ask("debit_status", replying(200, declined(word))) == Declined(reason, "No.")


@pytest.mark.parametrize("word", ["payee_limit", "payee_float_empty"])
def test_a_refund_is_declined_for_a_reason_of_the_wire(word: str) -> None:
    assert ask("refund", replying(402, declined(word))) == Declined(Reason(word), "No.")
    assert ask("refund_status", replying(200, declined(word))) == Declined(Reason(word), "No.")


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        # Words of another operation, of another party, or of nobody.
        ("debit", 402, declined("payee_limit")),
        ("debit", 402, declined("meter_blocked")),
        ("debit", 402, declined("")),
        ("debit", 402, declined(None)),
        ("debit", 402, declined(["insufficient_funds"])),
        ("refund", 402, declined("insufficient_funds")),
        # A decline under another status.
        ("debit", 200, declined("insufficient_funds")),
        ("debit", 500, declined("insufficient_funds")),
        ("debit_status", 402, declined("insufficient_funds")),
        # Refusals that prove nothing on the operator's wire.
        ("debit", 409, {"status": "error", "code": "key_reused", "message": "?"}),
        ("debit", 422, {"status": "error", "code": "bad_request", "message": "?"}),
        ("refund", 404, {"status": "not_found"}),
        ("refund", 409, {"status": "error", "code": "not_debited", "message": "?"}),
        # NotFound is an answer of a question only, and in its own words.
        ("debit", 404, {"status": "not_found"}),
        ("debit_status", 404, {"status": "gone"}),
        ("debit_status", 404, {"code": "not_found"}),
        ("debit_status", 200, {"status": "not_found"}),
        ("vend", 404, {"code": "unknown_vend", "message": "?"}),
        ("last_vend", 404, {"code": "unknown_meter", "message": "?"}),
        ("sale", 404, {"code": "unknown_meter", "message": "?"}),
        # Refusals of the other parties under another status, or not theirs.
        ("vend", 503, {"code": "clock", "message": "?"}),
        ("vend", 200, {"code": "unknown_meter", "message": "?"}),
        ("vend", 422, {"code": "meter_blocked", "message": "?"}),
        ("vend", 409, {"code": ["meter_blocked"], "message": "?"}),
        ("meter", 404, {"code": "unknown_sale", "message": "?"}),
        ("quote", 409, {"code": "below_minimum", "message": "?"}),
        ("record_sale", 404, {"code": "unknown_sale", "message": "?"}),
        ("void_sale", 404, {"code": "unknown_meter", "message": "?"}),
        ("sms", 202, {"status": "error", "code": "bad_request", "message": "?"}),
        # A prompt that nobody can wait for.
        *(
            ("debit", 202, {"status": "pending", "operator_ref": "OP1", "next_poll_seconds": poll})
            for poll in (0, -1, 1e9, "2", None, True)
        ),
        ("debit", 200, {"status": "pending", "operator_ref": "OP1", "next_poll_seconds": 2}),
    ],
)
def test_any_other_refusal_is_unknown(name: str, status: int, body: dict[str, Any]) -> None:
    assert isinstance(ask(name, replying(status, body)), Unknown)


@pytest.mark.parametrize(
    ("name", "status", "code", "reason"),
    [
        ("sms", 422, "bad_request", Reason.REFUSED),
        ("sms", 409, "sms_id_reused", Reason.CONFLICT),
        ("vend", 404, "unknown_meter", Reason.UNKNOWN_METER),
        ("vend", 409, "meter_blocked", Reason.METER_BLOCKED),
        ("vend", 409, "key_expired", Reason.REFUSED),
        ("vend", 409, "conflict", Reason.CONFLICT),
        ("vend", 422, "bad_request", Reason.REFUSED),
        ("meter", 404, "unknown_meter", Reason.UNKNOWN_METER),
        ("tariff", 404, "unknown_tariff", Reason.REFUSED),
        ("quote", 404, "unknown_meter", Reason.UNKNOWN_METER),
        ("quote", 409, "meter_blocked", Reason.METER_BLOCKED),
        ("quote", 422, "bad_request", Reason.REFUSED),
        ("record_sale", 409, "conflict", Reason.CONFLICT),
        ("record_sale", 409, "meter_blocked", Reason.METER_BLOCKED),
        ("record_sale", 422, "quote_unknown", Reason.REFUSED),
        ("record_sale", 422, "amount_mismatch", Reason.REFUSED),
        ("put_token", 404, "unknown_sale", Reason.REFUSED),
        ("put_token", 409, "other_token", Reason.CONFLICT),
        ("put_token", 409, "voided", Reason.CONFLICT),
        ("void_sale", 409, "has_token", Reason.CONFLICT),
    ],
)
def test_a_refusal_by_code_has_its_reason(
    name: str, status: int, code: str, reason: Reason
) -> None:
    body = {"status": "error", "code": code, "message": "No."}

    assert ask(name, replying(status, body)) == Declined(reason, "No.")


@pytest.mark.parametrize(
    ("code", "limit", "reason"),
    [("below_minimum", 5, Reason.BELOW_MINIMUM), ("above_maximum", 5000, Reason.ABOVE_MAXIMUM)],
)
def test_a_quote_tells_the_limit_that_was_passed(code: str, limit: int, reason: Reason) -> None:
    body = {"code": code, "message": "No.", "limit_kwh_tenths": limit}

    assert ask("quote", replying(422, body)) == Declined(reason, "No.", limit)


@pytest.mark.parametrize("name", ["debit_status", "refund_status"])
def test_a_key_the_operator_never_saw_is_not_found(name: str) -> None:
    assert ask(name, replying(404, {"status": "not_found"})) == NotFound()


@pytest.mark.parametrize(
    ("name", "code"), [("last_vend", "unknown_vend"), ("sale", "unknown_sale")]
)
def test_an_id_the_other_side_never_saw_is_not_found(name: str, code: str) -> None:
    assert ask(name, replying(404, {"code": code, "message": "?"})) == NotFound()


def test_a_sale_the_platform_never_had_is_as_good_as_void() -> None:
    script = replying(404, {"code": "unknown_sale", "message": "?"})

    assert ask("void_sale", script) == Success(None)


def test_a_debit_is_pending_while_the_client_is_asked_for_the_pin() -> None:
    body = {"status": "pending", "operator_ref": "OP1", "next_poll_seconds": 2}

    assert ask("debit", replying(202, body)) == Pending("OP1", 2.0)
    assert ask("debit_status", replying(200, body)) == Pending("OP1", 2.0)


def test_a_repeat_of_an_order_is_as_good_as_the_first() -> None:
    assert isinstance(ask("vend", replying(200, VEND)), Success)
    assert isinstance(ask("record_sale", replying(200, BY_NAME["record_sale"].good)), Success)


def test_a_sale_that_was_voided_does_not_stand() -> None:
    assert ask("record_sale", replying(200, VOIDED)) == Declined(
        Reason.CONFLICT, "this sale was voided"
    )


@pytest.mark.parametrize(
    ("delivery", "delivered"),
    [("pending", False), ("delivered", True), ("refused", False), ("none", False)],
)
def test_a_vend_tells_whether_the_meter_has_the_token(delivery: str, *, delivered: bool) -> None:
    result = ask("vend", replying(201, VEND | {"delivery": delivery}))

    assert isinstance(result, Success)
    assert result.value.delivered is delivered
    assert result.value.token == TOKEN
    assert TOKEN not in repr(result)


def test_a_blocked_meter_is_no_meter_to_sell_to() -> None:
    script = replying(200, METER | {"status": "blocked"})

    assert ask("meter", script) == Declined(Reason.METER_BLOCKED)


@pytest.mark.parametrize("serial", ["", "..", "1234", "0424680137x", "1" * 21, "../quotes/1"])
def test_what_cannot_be_a_serial_is_not_asked_about(serial: str) -> None:
    with serving(replying(200, METER)) as server:
        transport = Transport(server.url)
        result = Platform(transport, transport).meter(serial, SECONDS)

        assert isinstance(result, Declined)
        assert result.reason is Reason.UNKNOWN_METER
        assert server.connections == 0


def test_a_meter_and_a_tariff_are_asked_for_again_once_they_are_stale() -> None:
    now = [100.0]

    with serving(replying(200, METER)) as meters, serving(replying(200, TARIFF)) as tariffs:
        transport = Transport(meters.url)
        platform = Platform(transport, transport, fresh_seconds=60, clock=lambda: now[0])
        first = platform.meter(SERIAL, SECONDS)
        now[0] += 59.9
        assert platform.meter(SERIAL, SECONDS) == first == Success(Meter(**METER))  # type: ignore[arg-type]  # checked as it runs
        assert meters.connections == 1
        now[0] += 0.1
        platform.meter(SERIAL, SECONDS)
        assert meters.connections == 2

        transport = Transport(tariffs.url)
        platform = Platform(transport, transport, fresh_seconds=60, clock=lambda: now[0])
        assert platform.tariff("default", SECONDS) == platform.tariff("default", SECONDS)
        assert tariffs.connections == 1


def test_only_what_was_found_is_kept() -> None:
    answers = [(404, {"code": "unknown_meter", "message": "?"}), (500, {}), (200, METER)]

    with serving(replying(200, METER)) as server:
        transport = Transport(server.url)
        platform = Platform(transport, transport, fresh_seconds=60, clock=lambda: 0.0)
        seen = []
        for status, body in answers:
            server.script = replying(status, body)
            seen.append(type(platform.meter(SERIAL, SECONDS)))

    assert seen == [Declined, Unknown, Success]
