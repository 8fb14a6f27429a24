"""Meters, access and the contract over the wire."""

from typing import Any

import pytest
import requests
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from .helpers import (
    API_KEY,
    CONTRACT,
    DEMO_KEY,
    OTHER_SERIAL,
    SERIAL,
    UNKNOWN_SERIAL,
    Running,
)

CONFIG = {"sgc": "999901", "krn": 1, "ti": "01"}


def test_the_contract_is_valid_and_served(hes: Running) -> None:
    served = hes.call("GET", "/openapi.json", key=None)

    validate(CONTRACT)
    assert served.json() == CONTRACT


def test_every_example_of_the_contract_follows_its_schema() -> None:
    checked = 0
    for path in CONTRACT["paths"].values():
        for operation in (path[method] for method in ("get", "put") if method in path):
            bodies = [operation["requestBody"]] if "requestBody" in operation else []
            for body in [*bodies, *map(_resolved, operation["responses"].values())]:
                media = body["content"]["application/json"]
                examples = [e["value"] for e in media.get("examples", {}).values()]
                examples += [media["example"]] if "example" in media else []
                assert examples, "every body has an example"
                for example in examples:
                    _validator(media["schema"]).validate(example)
                    checked += 1
    assert checked > 20


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = CONTRACT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def _validator(schema: dict[str, Any]) -> Any:
    return OAS31Validator({**schema, "components": CONTRACT["components"]})


def test_health_needs_no_key(hes: Running) -> None:
    assert hes.call("GET", "/health", key=None).json() == {"status": "ok"}


@pytest.mark.parametrize("key", [None, "", "wrong", API_KEY[:-1], API_KEY + "x", "é"])
def test_without_the_key_nothing_is_told(hes: Running, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}".encode()}
    body = {"serial": SERIAL, "kwh_tenths": 98}
    for method, path in [
        ("PUT", "/vends/x"),
        ("GET", "/vends/x"),
        ("GET", "/vends?day=2026-11-22"),
        ("GET", f"/meters/{SERIAL}"),
        ("PUT", f"/meters/{SERIAL}"),
        ("GET", "/nowhere"),
    ]:
        answer = requests.request(
            method, hes.address + path, headers=headers, json=body, timeout=30
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert hes.call("GET", "/vends/x").status_code == 404


def test_an_unknown_path_or_method_is_answered_in_json(hes: Running) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}

    nowhere = requests.get(f"{hes.address}/nowhere", headers=headers, timeout=30)
    wrong = requests.delete(f"{hes.address}/vends/x", headers=headers, timeout=30)

    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


def test_a_meter_is_shown_with_the_check_value_of_its_key_only(hes: Running) -> None:
    answer = hes.call("GET", f"/meters/{SERIAL}")

    assert answer.json()["key"]["check_value"] == DEMO_KEY.check_value
    assert DEMO_KEY.secret.decode() not in answer.text
    assert DEMO_KEY.secret.hex() not in answer.text


def test_an_unknown_meter_is_told_so(hes: Running) -> None:
    answer = hes.call("GET", f"/meters/{UNKNOWN_SERIAL}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_meter")


def test_a_new_meter_can_be_registered_and_sold_to(hes: Running) -> None:
    first = hes.call("PUT", f"/meters/{UNKNOWN_SERIAL}", json=CONFIG)
    again = hes.call("PUT", f"/meters/{UNKNOWN_SERIAL}", json=CONFIG)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert hes.vend("new", UNKNOWN_SERIAL).status_code == 201


def test_blocking_stays_until_it_is_lifted(hes: Running) -> None:
    path = f"/meters/{SERIAL}"
    hes.call("PUT", path, json=CONFIG | {"blocked": True})

    assert hes.call("PUT", path, json=CONFIG).json()["blocked"] is True
    assert hes.call("PUT", path, json=CONFIG | {"blocked": False}).json()["blocked"] is False
    assert hes.vend("again").status_code == 201


def test_the_tariff_index_may_change_until_the_first_token(hes: Running) -> None:
    hes.vend("first")
    untouched = hes.call("PUT", f"/meters/{OTHER_SERIAL}", json=CONFIG | {"ti": "02"})
    sold = hes.call("PUT", f"/meters/{SERIAL}", json=CONFIG | {"ti": "02"})

    assert untouched.json()["ti"] == "02"
    assert (sold.status_code, sold.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("serial", "change"),
    [
        (SERIAL, {"krn": 2}),
        (SERIAL, {"sgc": "999902"}),
        (SERIAL, {"ti": "1"}),
        (SERIAL, {"krn": "1"}),
        (SERIAL, {"blocked": 1}),
        (SERIAL, {"key": "00"}),
        ("04246801378", {}),
        ("123", {}),
    ],
)
def test_a_meter_off_the_contract_is_refused(
    hes: Running, serial: str, change: dict[str, Any]
) -> None:
    refused = hes.call("PUT", f"/meters/{serial}", json=CONFIG | change)

    assert (refused.status_code, refused.json()["code"]) == (422, "bad_request")
