"""What the parties really answer is what their OpenAPI documents say, word for word."""

from collections.abc import Callable
from typing import Any

import openapi_core
import pytest
import requests
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

GOOD = "+22670999000"
AWA = "04246801379"
Call = Callable[..., requests.Response]


def expecting(url: str) -> Call:
    """Calls the party at `url` and checks request and response against its own document."""
    document = requests.get(f"{url}/openapi.json", timeout=5).json()
    document["servers"] = [{"url": url}]
    contract = openapi_core.OpenAPI.from_dict(document)

    def expect(
        method: str, path: str, expected: int, body: object = None, **headers: str
    ) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = requests.Request(method, f"{url}{path}", json=body, headers=named)
        with requests.Session() as session:
            prepared = session.prepare_request(request)
            response = session.send(prepared, timeout=5)
        assert response.status_code == expected
        contract.validate_response(
            RequestsOpenAPIRequest(prepared), RequestsOpenAPIResponse(response)
        )
        return response

    return expect


def order(msisdn: str = GOOD, **more: object) -> dict[str, object]:
    return {
        "msisdn": msisdn,
        "amount_minor": 1180,
        "currency": "XOF",
        "reference": "P7K2M9",
        "text": "Compteur 1379",
        **more,
    }


def test_the_operator_keeps_to_its_document(operator: str, prompting_operator: str) -> None:
    expect, prompting = expecting(operator), expecting(prompting_operator)
    refund = {"debit_key": "p1", "amount_minor": 1180, "currency": "XOF"}
    sms = {"sms_id": "p1:sms", "to": GOOD, "text": "Bonjour"}

    expect("POST", "/wallet/debits", 200, order(), Idempotency_Key="p1")
    expect("POST", "/wallet/debits", 409, order(amount_minor=5), Idempotency_Key="p1")
    expect("POST", "/wallet/debits", 402, order("+22670999001"), Idempotency_Key="p2")
    expect("POST", "/wallet/debits", 422, order(currency="EUR"), Idempotency_Key="p3")
    expect("POST", "/wallet/debits", 401, order("+22670999050"), Idempotency_Key="p4")
    expect("GET", "/wallet/debits/p1", 200)
    expect("GET", "/wallet/debits/p2", 200)
    expect("GET", "/wallet/debits/p9", 404)
    expect("POST", "/wallet/refunds", 200, refund, Idempotency_Key="r1")
    expect("POST", "/wallet/refunds", 409, refund, Idempotency_Key="r2")
    expect("POST", "/wallet/refunds", 404, {**refund, "debit_key": "p9"}, Idempotency_Key="r3")
    expect("GET", "/wallet/refunds/r1", 200)
    expect("GET", "/wallet/refunds/r9", 404)
    expect("POST", "/sms", 202, sms)
    expect("POST", "/sms", 409, {**sms, "text": "Bonsoir"})
    expect("POST", "/sms", 422, {**sms, "to": "70999000"})
    expect("GET", "/sms/p1:sms", 200)
    expect("GET", "/sms/p9:sms", 404)
    expect("GET", f"/_sandbox/wallets/{GOOD}", 200)
    expect("GET", "/_sandbox/wallets/+22671000000", 404)
    expect("PUT", "/_sandbox/wallets/+22671000000", 200, {"balance_minor": 5})
    expect("PUT", "/_sandbox/wallets/71000000", 422, {"balance_minor": 5})
    expect("GET", f"/_sandbox/inbox/{GOOD}", 200)
    expect("GET", "/_sandbox/ledger", 200)
    expect("GET", "/_sandbox/statement/2026-11-23", 200)
    expect("POST", "/_sandbox/faults", 201, {"operation": "sms", "fault": "refuse"})
    expect("POST", "/_sandbox/faults", 422, {"operation": "sms", "fault": "wrong_amount"})
    expect("POST", "/sms", 503, sms)
    expect("GET", "/_sandbox/faults", 200)
    expect("DELETE", "/_sandbox/faults", 200)
    expect("POST", "/_sandbox/reset", 200)
    expect("POST", "/wallet/debits", 200, order("+22670999041"), Idempotency_Key="p1")
    expect("POST", "/wallet/refunds", 402, refund, Idempotency_Key="r1")
    expect("GET", "/wallet/refunds/r1", 200)
    prompting("POST", "/wallet/debits", 202, order(), Idempotency_Key="p1")
    prompting("GET", "/wallet/debits/p1", 200)
    prompting("GET", f"/_sandbox/prompts/{GOOD}", 200)
    prompting("POST", f"/_sandbox/prompts/{GOOD}", 200, {"action": "cancel"})
    prompting("POST", f"/_sandbox/prompts/{GOOD}", 404, {"action": "cancel"})
    prompting("GET", f"/_sandbox/prompts/{GOOD}", 404)


def test_the_platform_keeps_to_the_clients_document(platform: str) -> None:
    expect = expecting(platform)
    token = {"token": "01234567890123456789", "delivered": False}

    expect("GET", f"/meters/{AWA}", 200)
    expect("GET", "/meters/04246899999", 404)
    expect("GET", "/tariffs/default", 200)
    expect("GET", "/tariffs/mini-reseau-exemple", 200)
    expect("GET", "/tariffs/nothing", 404)
    quoted: Any = expect("POST", "/quotes", 201, {"serial": AWA, "kwh_tenths": 100}).json()
    expect("POST", "/quotes", 404, {"serial": "04246899999", "kwh_tenths": 100})
    expect("POST", "/quotes", 409, {"serial": "04246804118", "kwh_tenths": 100})
    expect("POST", "/quotes", 422, {"serial": AWA, "kwh_tenths": 4})
    expect("POST", "/quotes", 422, {"serial": AWA, "kwh_tenths": "4"})
    expect("GET", f"/quotes/{quoted['id']}", 200)
    expect("GET", "/quotes/nothing", 404)
    sale = {
        "quote_id": quoted["id"],
        "serial": AWA,
        "kwh_tenths": 100,
        "amount_minor": quoted["total_minor"],
        "currency": "XOF",
        "debit_ref": "OP1",
        "sold_at": "2026-11-23T08:00:05Z",
    }
    expect("PUT", "/sales/p1", 201, sale)
    expect("PUT", "/sales/p1", 200, sale)
    expect("PUT", "/sales/p1", 409, {**sale, "debit_ref": "OP2"})
    expect("PUT", "/sales/p2", 422, {**sale, "amount_minor": 5})
    expect("GET", "/sales/p1", 200)
    expect("GET", "/sales/p9", 404)
    expect("PUT", "/sales/p1/token", 200, token)
    expect("PUT", "/sales/p1/token", 409, {**token, "token": "1" * 20})
    expect("PUT", "/sales/p1/token", 422, {**token, "token": "1"})
    expect("PUT", "/sales/p9/token", 404, token)
    expect("POST", "/sales/p1/void", 409)
    expect("PUT", "/sales/p3", 201, sale)
    expect("POST", "/sales/p3/void", 200)
    expect("POST", "/sales/p9/void", 404)
    expect("GET", "/sales?day=2026-11-23", 200)
    expect("GET", "/sales?day=tomorrow", 422)
    for fault, status in (("refuse", 503), ("error_before", 500), ("unauthorised", 401)):
        fault_order = {"operation": "sale", "fault": fault}
        requests.post(f"{platform}/_sandbox/faults", json=fault_order, timeout=5)
        expect("PUT", "/sales/p1", status, sale)


def test_the_meters_keep_to_their_document(meters: str) -> None:
    expect = expecting(meters)
    entry = {"token": "01234567890123456789", "via": "ami"}

    expect("GET", f"/meters/{AWA}", 200)
    expect("GET", "/meters/04246810966", 404)
    expect("POST", f"/meters/{AWA}/tokens", 200, entry)
    expect("POST", f"/meters/{AWA}/tokens", 422, {**entry, "via": "post"})
    expect("POST", "/meters/04246806857/tokens", 404, entry)
    expect("GET", f"/meters/{AWA}", 200)
    expect("GET", f"/meters/{AWA}/log", 200)
    expect("PUT", f"/_sandbox/meters/{AWA}", 200, {"decoder_key": "0" * 32})
    expect("PUT", f"/_sandbox/meters/{AWA}", 422, {"decoder_key": "0"})
    expect("POST", "/_sandbox/faults", 201, {"operation": "token", "fault": "error_after"})
    expect("POST", f"/meters/{AWA}/tokens", 500, entry)
    expect("GET", "/_sandbox/faults", 200)
    expect("DELETE", "/_sandbox/faults", 200)
    expect("POST", "/_sandbox/reset", 200)


@pytest.mark.parametrize("party", ["operator", "platform", "meters"])
def test_every_example_of_a_document_fits_its_schema(
    party: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(party)
    document = requests.get(f"{url}/openapi.json", timeout=5).json()
    checked = 0
    for media in _media_of(document):
        examples = [held["value"] for held in media.get("examples", {}).values()]
        if "example" in media:
            examples.append(media["example"])
        for example in examples:
            _check(document, media["schema"], example)
            checked += 1

    assert checked >= 4


def _media_of(node: object) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [media for item in node for media in _media_of(item)]
    if not isinstance(node, dict):
        return []
    here = [node["application/json"]] if "application/json" in node else []
    return here + [media for item in node.values() for media in _media_of(item)]


def _check(document: dict[str, Any], schema: dict[str, Any], example: object) -> None:
    resource: Resource[Any] = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    absolute = _absolute(schema)
    OAS31Validator(absolute, registry=registry).validate(example)


def _absolute(node: Any) -> Any:
    """References within the document made absolute, so that a part of it can be checked alone."""
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"urn:contract{value}" if key == "$ref" else _absolute(value)
        for key, value in node.items()
    }
