"""`cassou demo`: one real purchase, dial to meter, proven by the other parties' books."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cassou.inbox import Sandbox
from cassou.stack import Addresses, Stack
from ussd_app.endpoints import ConfiguredEndpoint
from ussd_app.messages import Screen
from ussd_app.replay.over_http import HttpPhone

MSISDN = "+22670999000"
SERIAL = "04246801379"
KWH = "10"
_SMS_SECONDS = 20.0
_METER_SECONDS = 10.0


class DemoFailed(Exception):  # noqa: N818  # what happened
    """Something a purchase must come to did not happen."""


def run(
    endpoint: ConfiguredEndpoint,
    show_screen: Callable[[Screen], None],
    show_sms: Callable[[str], None],
    log: Callable[[str, str], None],
) -> dict[str, Any]:
    """Start what is needed, buy, and gather what each party has of it; raises `DemoFailed`."""
    with tempfile.TemporaryDirectory(prefix="cassou-demo-") as directory:
        stack = Stack(Path(directory), log)
        addresses = stack.start()
        try:
            return _buy(stack, addresses, endpoint, show_screen, show_sms)
        finally:
            stack.stop()


def _buy(
    stack: Stack,
    addresses: Addresses,
    endpoint: ConfiguredEndpoint,
    show_screen: Callable[[Screen], None],
    show_sms: Callable[[str], None],
) -> dict[str, Any]:
    codes = endpoint.facts.service_codes
    url = f"{addresses.web}/ussd/{endpoint.facts.name}"
    phone = HttpPhone(url, endpoint.gateway, MSISDN, codes)
    settings = stack.settings()
    sandbox = Sandbox(
        addresses.operator,
        addresses.meters,
        addresses.platform,
        settings.platform_key.get_secret_value(),
    )
    screens = []
    for typed in (None, "1", SERIAL, KWH, "1"):
        screen = phone.dial(codes[0]) if typed is None else phone.send(typed)
        show_screen(screen)
        screens.append(screen.text)
    text = sandbox.wait_sms(MSISDN, lambda _text: True, _SMS_SECONDS)
    if text is None:
        raise DemoFailed(f"no SMS came within {_SMS_SECONDS:g} s; the last screen: {screens[-1]}")
    show_sms(text)
    token = _token_in(text)
    verdict = _verdict(sandbox, token)
    entries = sandbox.wallet_ledger(MSISDN)
    debits = [entry for entry in entries if entry["kind"] == "debit"]
    if len(debits) != 1 or len(entries) != 1:
        raise DemoFailed(f"the wallet was to be debited once, but its ledger has {entries}")
    sale = sandbox.sale(str(debits[0]["key"]).partition(":")[0])
    report = {
        "screens": screens,
        "sms": [text],
        "token": token,
        "meter": verdict,
        "wallet": {"debits": len(debits), "amount_minor": debits[0]["amount_minor"]},
        "sale": sale,
    }
    _demand(report, sale)
    return report


def _token_in(text: str) -> str:
    """The token of the SMS: its only run of twenty digits in groups of four."""
    groups: list[str] = []
    for word in text.split():
        if len(word) == 4 and word.isdigit():
            groups.append(word)
            if len(groups) == 5:
                return "".join(groups)
        else:
            groups = []
    raise DemoFailed(f"the SMS carries no token: {text}")


def _verdict(sandbox: Sandbox, token: str) -> dict[str, Any]:
    """What the meter said when the head end system delivered this very token."""
    log = sandbox.meter_log(SERIAL, _METER_SECONDS)
    for entry in log:
        if entry["token_last4"] == token[-4:]:
            return {"result": entry["result"], "kwh_tenths": entry["kwh_tenths"]}
    raise DemoFailed(f"the token did not reach meter {SERIAL}; its log: {log}")


def _demand(report: dict[str, Any], sale: dict[str, Any]) -> None:
    """Every party must tell the same story."""
    meter, wallet = report["meter"], report["wallet"]
    story = [
        (meter["result"] == "Accept", f"the meter said {meter['result']}"),
        (meter["kwh_tenths"] == 100, f"the meter credited {meter['kwh_tenths']} tenths of a kWh"),
        (
            sale["amount_minor"] == wallet["amount_minor"],
            f"the sale is of {sale['amount_minor']} F, the debit of {wallet['amount_minor']} F",
        ),
        (sale["serial"] == SERIAL, f"the sale is for meter {sale['serial']}"),
    ]
    wrong = [sentence for holds, sentence in story if not holds]
    if wrong:
        raise DemoFailed("; ".join(wrong) + "\n" + json.dumps(report, indent=2))
