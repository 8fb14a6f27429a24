"""The platform: prices by hand, quotes that expire, sales that are recorded once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from simulators.seed import load
from simulators.tariff import Price, price

HOUSEHOLD, MINI_GRID = load().platform.tariffs
AWA = "04246801379"
BLOCKED = "04246804118"


def quote(url: str, serial: str = AWA, kwh_tenths: object = 100) -> requests.Response:
    body = {"serial": serial, "kwh_tenths": kwh_tenths}
    return requests.post(f"{url}/quotes", json=body, timeout=5)


def sale_of(quoted: dict[str, Any], **more: object) -> dict[str, object]:
    return {
        "quote_id": quoted["id"],
        "serial": quoted["serial"],
        "kwh_tenths": quoted["kwh_tenths"],
        "amount_minor": quoted["total_minor"],
        "currency": "XOF",
        "debit_ref": "OP1",
        "sold_at": "2026-11-23T08:00:05Z",
        **more,
    }


def put(url: str, path: str, body: object) -> requests.Response:
    return requests.put(f"{url}{path}", json=body, timeout=5)


def get(url: str, path: str) -> requests.Response:
    return requests.get(f"{url}{path}", timeout=5)


# Household: 96 F to 50 kWh, 102 F to 200 kWh, 109 F beyond, VAT 18 %, total rounded up to 5 F.
@pytest.mark.parametrize(
    ("kwh_tenths", "energy", "tax", "rounding", "total"),
    [
        (5, 48, 8, 4, 60),  # 48 + 8.64 = 56.64
        (1, 9, 1, 5, 15),  # 9.6 + 1.728 = 11.328
        (100, 960, 172, 3, 1135),  # 960 + 172.8 = 1132.8
        (500, 4800, 864, 1, 5665),  # 4800 + 864 = 5664
        (501, 4810, 865, 5, 5680),  # 4800 + 10.2 = 4810.2, tax 865.836, 5676.036
        (1000, 9900, 1782, 3, 11685),  # 4800 + 5100, tax 1782, 11682
        (2000, 20100, 3618, 2, 23720),  # 4800 + 15300, tax 3618, 23718
        (2001, 20110, 3619, 6, 23735),  # 20100 + 10.9, tax 3619.962, 23730.862
        (5000, 52800, 9504, 1, 62305),  # 20100 + 32700, tax 9504, 62304
        (125, 1200, 216, 4, 1420),  # 1200 + 216 = 1416
    ],
)
def test_household_prices_are_those_of_the_hand(
    kwh_tenths: int, energy: int, tax: int, rounding: int, total: int
) -> None:
    assert price(HOUSEHOLD, kwh_tenths) == Price(energy, 0, tax, rounding, total)


@pytest.mark.parametrize(
    ("kwh_tenths", "energy", "tax", "rounding", "total"),
    [(100, 2500, 450, 0, 2950), (3, 75, 13, 2, 90), (4, 100, 18, 2, 120)],
)
def test_the_mini_grid_has_one_price(
    kwh_tenths: int, energy: int, tax: int, rounding: int, total: int
) -> None:
    assert price(MINI_GRID, kwh_tenths) == Price(energy, 0, tax, rounding, total)


def test_a_fixed_charge_is_taxed() -> None:
    tariff = MINI_GRID.model_copy(update={"fixed_charge_minor": 500})

    assert price(tariff, 100) == Price(2500, 500, 540, 0, 3540)


@pytest.mark.parametrize("kwh_tenths", [1, 7, 499, 500, 501, 1999, 2001, 4999])
def test_the_parts_of_a_price_add_up_and_the_total_is_a_coin_amount(kwh_tenths: int) -> None:
    parts = price(HOUSEHOLD, kwh_tenths)

    rest = parts.energy_minor + parts.fixed_minor + parts.tax_minor + parts.rounding_minor
    assert rest == parts.total_minor
    assert parts.total_minor % 5 == 0
    assert 0 <= parts.rounding_minor <= 6


def test_a_known_meter_has_a_customer(platform: str) -> None:
    assert get(platform, f"/meters/{AWA}").json() == {
        "serial": AWA,
        "customer": "Awa Ouedraogo",
        "status": "active",
        "tariff_id": "default",
    }
    assert get(platform, f"/meters/{BLOCKED}").json()["status"] == "blocked"


def test_an_unknown_meter_is_named_so(platform: str) -> None:
    answer = get(platform, "/meters/04246899999")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_meter")
    assert quote(platform, serial="04246899999").json()["code"] == "unknown_meter"


def test_default_stands_for_the_household_tariff(platform: str) -> None:
    tariff = get(platform, "/tariffs/default").json()

    assert tariff["id"] == "menage-exemple"
    assert tariff["label_example"] is True
    assert get(platform, "/tariffs/menage-exemple").json() == tariff
    assert get(platform, "/tariffs/nothing").json()["code"] == "unknown_tariff"


def test_a_quote_has_a_price_and_a_validity(platform: str) -> None:
    quoted = quote(platform)

    assert quoted.status_code == 201
    assert quoted.json() == {
        "id": "q1",
        "serial": AWA,
        "kwh_tenths": 100,
        "tariff_id": "menage-exemple",
        "energy_minor": 960,
        "fixed_minor": 0,
        "tax_minor": 172,
        "rounding_minor": 3,
        "total_minor": 1135,
        "currency": "XOF",
        "created_at": "2026-11-23T08:00:00.000000Z",
        "valid_until": "2026-11-23T08:10:00.000000Z",
    }
    assert get(platform, "/quotes/q1").json() == quoted.json()
    assert get(platform, "/quotes/q9").json()["code"] == "unknown_quote"
    assert quote(platform, serial="0417135790000").json()["total_minor"] == 2950


@pytest.mark.parametrize(
    ("kwh_tenths", "code", "limit"),
    [
        (4, "below_minimum", 5),
        (5001, "above_maximum", 5000),
        (0, "bad_request", None),
        (10.5, "bad_request", None),
        ("100", "bad_request", None),
    ],
)
def test_a_quote_outside_the_limits_says_the_limit(
    platform: str, kwh_tenths: object, code: str, limit: int | None
) -> None:
    answer = quote(platform, kwh_tenths=kwh_tenths)

    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json().get("limit_kwh_tenths") == limit


def test_a_blocked_meter_gets_no_quote(platform: str) -> None:
    answer = quote(platform, serial=BLOCKED)

    assert (answer.status_code, answer.json()["code"]) == (409, "meter_blocked")


def test_a_sale_is_recorded_once(platform: str) -> None:
    order = sale_of(quote(platform).json())

    first, again = put(platform, "/sales/p1", order), put(platform, "/sales/p1", order)
    other = put(platform, "/sales/p1", {**order, "debit_ref": "OP2"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json() == first.json()
    assert first.json()["status"] == "recorded"
    assert other.json()["code"] == "conflict"
    assert get(platform, "/sales/p1").json() == first.json()
    assert get(platform, "/sales/p2").json()["code"] == "unknown_sale"


def test_a_sale_is_the_same_in_any_time_zone(platform: str) -> None:
    order = sale_of(quote(platform).json())
    put(platform, "/sales/p1", order)

    again = put(platform, "/sales/p1", {**order, "sold_at": "2026-11-23T10:00:05+02:00"})

    assert again.status_code == 200


def test_a_quote_that_expired_after_the_debit_is_honoured(
    platform: str, hands: list[datetime]
) -> None:
    order = sale_of(quote(platform).json())
    hands[0] += timedelta(days=2)

    assert put(platform, "/sales/p1", order).status_code == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quote_id": "nothing"}, "quote_unknown"),
        ({"amount_minor": 1130}, "amount_mismatch"),
        ({"kwh_tenths": 101}, "amount_mismatch"),
        ({"serial": "04246802740"}, "amount_mismatch"),
        ({"sold_at": "2026-11-23T08:00:05"}, "bad_request"),
        ({"currency": "EUR"}, "bad_request"),
    ],
)
def test_a_sale_must_be_its_quote(platform: str, change: dict[str, object], code: str) -> None:
    answer = put(platform, "/sales/p1", sale_of(quote(platform).json(), **change))

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_meter_blocked_after_the_quote_gets_no_sale(platform: str) -> None:
    order = sale_of(quote(platform).json())
    put(platform, f"/_sandbox/meters/{AWA}", {"customer": "Awa", "status": "blocked"})

    answer = put(platform, "/sales/p1", order)

    assert (answer.status_code, answer.json()["code"]) == (409, "meter_blocked")


def test_a_sale_has_one_token_and_shows_four_digits_of_it(platform: str) -> None:
    put(platform, "/sales/p1", sale_of(quote(platform).json()))
    token = {"token": "01234567890123456789", "delivered": False}

    first = put(platform, "/sales/p1/token", token)
    delivered = put(platform, "/sales/p1/token", {**token, "delivered": True})
    again = put(platform, "/sales/p1/token", token)
    other = put(platform, "/sales/p1/token", {**token, "token": "11234567890123456789"})

    assert (first.json()["token_last4"], first.json()["delivered"]) == ("6789", False)
    assert delivered.json()["delivered"] is True
    assert again.json() == delivered.json()
    assert (other.status_code, other.json()["code"]) == (409, "other_token")
    assert put(platform, "/sales/p2/token", token).json()["code"] == "unknown_sale"


def test_a_malformed_token_is_refused_and_not_repeated(platform: str) -> None:
    put(platform, "/sales/p1", sale_of(quote(platform).json()))

    answer = put(platform, "/sales/p1/token", {"token": "123456789", "delivered": False})

    assert answer.status_code == 422
    assert "123456789" not in answer.text


def test_a_sale_is_voided_or_has_a_token_never_both(platform: str) -> None:
    token = {"token": "01234567890123456789", "delivered": False}
    for purchase_id in ("p1", "p2"):
        put(platform, f"/sales/{purchase_id}", sale_of(quote(platform).json()))
    put(platform, "/sales/p2/token", token)

    voided = [requests.post(f"{platform}/sales/p1/void", timeout=5) for _ in range(2)]
    refused = requests.post(f"{platform}/sales/p2/void", timeout=5)

    assert [answer.json()["status"] for answer in voided] == ["voided", "voided"]
    assert (refused.status_code, refused.json()["code"]) == (409, "has_token")
    assert put(platform, "/sales/p1/token", token).json()["code"] == "voided"
    assert requests.post(f"{platform}/sales/p9/void", timeout=5).status_code == 404


def test_the_sales_of_a_day_are_listed(platform: str) -> None:
    put(platform, "/sales/p1", sale_of(quote(platform).json()))
    put(
        platform,
        "/sales/p2",
        sale_of(quote(platform).json(), sold_at="2026-11-24T00:00:00Z"),
    )

    listed = get(platform, "/sales?day=2026-11-23").json()

    assert listed["day"] == "2026-11-23"
    assert [sale["purchase_id"] for sale in listed["sales"]] == ["p1"]
    assert get(platform, "/sales?day=tomorrow").status_code == 422
    assert get(platform, "/sales").status_code == 422


def test_reset_forgets_sales_and_blocks(platform: str) -> None:
    put(platform, "/sales/p1", sale_of(quote(platform).json()))
    put(platform, f"/_sandbox/meters/{AWA}", {"customer": "Awa", "status": "blocked"})

    requests.post(f"{platform}/_sandbox/reset", timeout=5)

    assert get(platform, "/sales/p1").status_code == 404
    assert get(platform, f"/meters/{AWA}").json()["customer"] == "Awa Ouedraogo"


def test_a_meter_with_an_unknown_tariff_is_refused(platform: str) -> None:
    answer = put(platform, f"/_sandbox/meters/{AWA}", {"customer": "Awa", "tariff_id": "nothing"})

    assert answer.status_code == 422
