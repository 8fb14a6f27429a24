"""Whatever JSON the other side may say, a codec never raises, and only proof is proof."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hes_adapter.drivers.embedded import read_last_vend, read_vend
from operator_client.sms.sandbox import read_sms
from operator_client.wallet.base import Payment
from operator_client.wallet.sandbox import (
    DEBIT_REFUSALS,
    REFUND_REFUSALS,
    read_payment,
    read_status,
)
from outward.results import Declined, NotFound, Pending, Result, Success
from platform_client import replies
from platform_client.cache import FreshCache

from .wires import METER, PAID, QUOTE, RECORDED, SERIAL, TARIFF, TOKEN, VEND

CODES = [
    *("success", "pending", "declined", "error", "not_found", "recorded", "voided", "active"),
    *DEBIT_REFUSALS,
    *REFUND_REFUSALS,
    *("unknown_meter", "meter_blocked", "key_expired", "conflict", "bad_request", "unknown_vend"),
    *(
        "below_minimum",
        "above_maximum",
        "quote_unknown",
        "unknown_sale",
        "other_token",
        "has_token",
    ),
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(CODES)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
GOOD: list[dict[str, Any]] = [PAID, VEND, METER, TARIFF, QUOTE, RECORDED]
NAMES = sorted({name for body in GOOD for name in body} | {"reason", "code", "message"})
# Near the truth: a good body with some members changed, or members we read with any values.
BODIES = (
    st.none()
    | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES, max_size=6)
    | st.builds(
        lambda body, changes: body | changes,
        st.sampled_from(GOOD),
        st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2),
    )
)
STATUSES = st.sampled_from([200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 409, 422, 500, 503])

Body = Mapping[str, object] | None

CODECS: dict[str, Callable[[int, Body], Result[Any]]] = {
    "sms": read_sms,
    "vend": lambda status, body: read_vend(status, body, "P7K2M9", SERIAL, 100),
    "last_vend": lambda status, body: read_last_vend(status, body, "P7K2M9"),
    "meter": lambda status, body: replies.read_meter(status, body, SERIAL),
    "tariff": lambda status, body: replies.read_tariff(status, body, "default"),
    "quote": lambda status, body: replies.read_quote(status, body, SERIAL, 100),
    "sale": lambda status, body: replies.read_sale(status, body, "P7K2M9"),
    "record_sale": lambda status, body: replies.read_sale_recorded(
        status, body, {"purchase_id": "P7K2M9", "amount_minor": 1135}
    ),
    "put_token": lambda status, body: replies.read_token_noted(status, body, "P7K2M9", TOKEN),
    "void_sale": lambda status, body: replies.read_voided(status, body, "P7K2M9"),
}


@given(status=STATUSES, body=BODIES, refund=st.booleans(), asked=st.booleans())
def test_a_wallet_says_yes_or_no_only_in_the_words_of_its_wire(
    status: int, body: Body, *, refund: bool, asked: bool
) -> None:
    refusals = REFUND_REFUSALS if refund else DEBIT_REFUSALS
    if asked:
        result = read_status(status, body, 1135, refusals)
    else:
        result = read_payment(status, body, 1135, "XOF", refusals)
    said = body or {}

    match result:
        case Success(value=payment):
            assert status == 200
            assert payment == Payment(str(said["operator_ref"]), 1135)
            assert said["status"] == "success"
            assert type(said["amount_minor"]) is int
            assert said["amount_minor"] == 1135
            assert said["currency"] == "XOF"
        case Declined(reason=reason):
            assert status == (200 if asked else 402)
            assert said["status"] == "declined"
            assert reason is refusals[str(said["reason"])]
        case Pending(next_poll_seconds=seconds):
            assert said["status"] == "pending"
            assert 0 < seconds <= 3600
        case NotFound():
            assert asked
            assert (status, said["status"]) == (404, "not_found")


@pytest.mark.parametrize("name", CODECS)
@given(status=STATUSES, body=BODIES)
def test_a_codec_takes_anything_and_believes_only_its_own_words(
    name: str, status: int, body: Body
) -> None:
    result = CODECS[name](status, body)
    said = body or {}

    match result:
        case Success():
            expected = (
                {"sms": 202, "quote": 201}.get(name, 200),
                *((200, 201) if name in {"vend", "record_sale"} else ()),
                *((404,) if name == "void_sale" else ()),
            )
            assert status in expected
        case Declined():
            assert (
                status in {404, 409, 422}
                or (status in {200, 201} and "blocked" in said.values())
                or (name == "record_sale" and said["status"] == "voided")
            )
        case NotFound():
            assert name in {"last_vend", "sale"}
            assert status == 404


@given(status=STATUSES, body=BODIES)
def test_a_vend_that_is_believed_is_of_the_order(status: int, body: Body) -> None:
    result = read_vend(status, body, "P7K2M9", SERIAL, 100)

    if isinstance(result, Success):
        vend = result.value
        assert (vend.vend_id, vend.serial, vend.kwh_tenths) == ("P7K2M9", SERIAL, 100)
        assert len(vend.token) == 20
        assert int(vend.token) < 2**66


def test_a_cache_keeps_the_newest_for_as_long_as_it_says() -> None:
    now = [0.0]
    cache = FreshCache[int](10, lambda: now[0], entries_max=2)
    for name, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        cache.put(name, value)

    assert [cache.get(name) for name in "abc"] == [3, None, 4]
    now[0] = 10.0
    assert [cache.get(name) for name in "abc"] == [None, None, None]


def test_a_cache_without_freshness_keeps_nothing() -> None:
    cache = FreshCache[int](0, lambda: 0.0, entries_max=2)
    cache.put("a", 1)

    assert cache.get("a") is None
