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


def caller(url: str) -> Call:
    """Calls the party at `url` and checks request and response against its own document."""
    document = requests.get(f"{url}/openapi.json", timeout=5).json()
    document["servers"] = [{"url": url}]
    contract = openapi_core.OpenAPI.from_dict(document)

    def call(
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

    return call


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
    call, prompting = caller(operator), caller(prompting_operator)
    refund = {"debit_key": "p1", "amount_minor": 1180, "currency": "XOF"}
    sms = {"sms_id": "p1:sms", "to": GOOD, "text": "Bonjour"}

    call("POST", "/wallet/debits", 200, order(), Idempotency_Key="p1")
    call("POST", "/wallet/debits", 409, order(amount_minor=5), Idempotency_Key="p1")
    call("POST", "/wallet/debits", 402, order("+22670999001"), Idempotency_Key="p2")
    call("POST", "/wallet/debits", 422, order(currency="EUR"), Idempotency_Key="p3")
    call("POST", "/wallet/debits", 401, order("+22670999050"), Idempotency_Key="p4")
    call("GET", "/wallet/debits/p1", 200)
    call("GET", "/wallet/debits/p2", 200)
    call("GET", "/wallet/debits/p9", 404)
    call("POST", "/wallet/refunds", 200, refund, Idempotency_Key="r1")
    call("POST", "/wallet/refunds", 409, refund, Idempotency_Key="r2")
    call("POST", "/wallet/refunds", 404, {**refund, "debit_key": "p9"}, Idempotency_Key="r3")
    call("GET", "/wallet/refunds/r1", 200)
    call("GET", "/wallet/refunds/r9", 404)
    call("POST", "/sms", 202, sms)
    call("POST", "/sms", 409, {**sms, "text": "Bonsoir"})
    call("POST", "/sms", 422, {**sms, "to": "70999000"})
    call("GET", "/sms/p1:sms", 200)
    call("GET", "/sms/p9:sms", 404)
    call("GET", f"/_sandbox/wallets/{GOOD}", 200)
    call("GET", "/_sandbox/wallets/+22671000000", 404)
    call("PUT", "/_sandbox/wallets/+22671000000", 200, {"balance_minor": 5})
    call("PUT", "/_sandbox/wallets/71000000", 422, {"balance_minor": 5})
    call("GET", f"/_sandbox/inbox/{GOOD}", 200)
    call("GET", "/_sandbox/ledger", 200)
    call("GET", "/_sandbox/statement/2026-11-23", 200)
    call("POST", "/_sandbox/faults", 201, {"operation": "sms", "fault": "refuse"})
    call("POST", "/_sandbox/faults", 422, {"operation": "sms", "fault": "wrong_amount"})
    call("POST", "/sms", 503, sms)
    call("GET", "/_sandbox/faults", 200)
    call("DELETE", "/_sandbox/faults", 200)
    call("POST", "/_sandbox/reset", 200)
    call("POST", "/wallet/debits", 200, order("+22670999041"), Idempotency_Key="p1")
    call("POST", "/wallet/refunds", 402, refund, Idempotency_Key="r1")
    call("GET", "/wallet/refunds/r1", 200)
    prompting("POST", "/wallet/debits", 202, order(), Idempotency_Key="p1")
    prompting("GET", "/wallet/debits/p1", 200)
    prompting("GET", f"/_sandbox/prompts/{GOOD}", 200)
    prompting("POST", f"/_sandbox/prompts/{GOOD}", 200, {"action": "cancel"})
    prompting("POST", f"/_sandbox/prompts/{GOOD}", 404, {"action": "cancel"})
    prompting("GET", f"/_sandbox/prompts/{GOOD}", 404)


def test_the_platform_keeps_to_the_clients_document(platform: str) -> None:
    call = caller(platform)
    token = {"token": "01234567890123456789", "delivered": False}

    call("GET", f"/meters/{AWA}", 200)
    call("GET", "/meters/04246899999", 404)
    call("GET", "/tariffs/default", 200)
    call("GET", "/tariffs/mini-reseau-exemple", 200)
    call("GET", "/tariffs/nothing", 404)
    quoted: Any = call("POST", "/quotes", 201, {"serial": AWA, "kwh_tenths": 100}).json()
    call("POST", "/quotes", 404, {"serial": "04246899999", "kwh_tenths": 100})
    call("POST", "/quotes", 409, {"serial": "04246804118", "kwh_tenths": 100})
    call("POST", "/quotes", 422, {"serial": AWA, "kwh_tenths": 4})
    call("POST", "/quotes", 422, {"serial": AWA, "kwh_tenths": "4"})
    call("GET", f"/quotes/{quoted['id']}", 200)
    call("GET", "/quotes/nothing", 404)
    sale = {
        "quote_id": quoted["id"],
        "serial": AWA,
        "kwh_tenths": 100,
        "amount_minor": quoted["total_minor"],
        "currency": "XOF",
        "debit_ref": "OP1",
        "sold_at": "2026-11-23T08:00:05Z",
    }
    call("PUT", "/sales/p1", 201, sale)
    call("PUT", "/sales/p1", 200, sale)
    call("PUT", "/sales/p1", 409, {**sale, "debit_ref": "OP2"})
    call("PUT", "/sales/p2", 422, {**sale, "amount_minor": 5})
    call("GET", "/sales/p1", 200)
    call("GET", "/sales/p9", 404)
    call("PUT", "/sales/p1/token", 200, token)
    call("PUT", "/sales/p1/token", 409, {**token, "token": "1" * 20})
    call("PUT", "/sales/p1/token", 422, {**token, "token": "1"})
    call("PUT", "/sales/p9/token", 404, token)
    call("POST", "/sales/p1/void", 409)
    call("PUT", "/sales/p3", 201, sale)
    call("POST", "/sales/p3/void", 200)
    call("POST", "/sales/p9/void", 404)
    call("GET", "/sales?day=2026-11-23", 200)
    call("GET", "/sales?day=tomorrow", 422)
    for fault, status in (("refuse", 503), ("error_before", 500), ("unauthorised", 401)):
        fault_order = {"operation": "sale", "fault": fault}
        requests.post(f"{platform}/_sandbox/faults", json=fault_order, timeout=5)
        call("PUT", "/sales/p1", status, sale)


def test_the_meters_keep_to_their_document(meters: str) -> None:
    call = caller(meters)
    entry = {"token": "01234567890123456789", "via": "ami"}

    call("GET", f"/meters/{AWA}", 200)
    call("GET", "/meters/04246810966", 404)
    call("POST", f"/meters/{AWA}/tokens", 200, entry)
    call("POST", f"/meters/{AWA}/tokens", 422, {**entry, "via": "post"})
    call("POST", "/meters/04246806857/tokens", 404, entry)
    call("GET", f"/meters/{AWA}", 200)
    call("GET", f"/meters/{AWA}/log", 200)
    call("PUT", f"/_sandbox/meters/{AWA}", 200, {"decoder_key": "0" * 32})
    call("PUT", f"/_sandbox/meters/{AWA}", 422, {"decoder_key": "0"})
    call("POST", "/_sandbox/faults", 201, {"operation": "token", "fault": "error_after"})
    call("POST", f"/meters/{AWA}/tokens", 500, entry)
    call("GET", "/_sandbox/faults", 200)
    call("DELETE", "/_sandbox/faults", 200)
    call("POST", "/_sandbox/reset", 200)


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
