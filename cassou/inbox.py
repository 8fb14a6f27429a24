"""The simulated operator's and meters' side doors: SMS that arrive, wallets, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import requests

_ANSWER_SECONDS = 10.0


class Sandbox:
    """Reads and orders what only a simulator lets one read and order."""

    def __init__(self, operator: str, meters: str = "", platform: str = "", key: str = "") -> None:
        self._operator = operator
        self._meters = meters
        self._platform = platform
        self._http = requests.Session()
        self._http.trust_env = False
        if key:
            self._http.headers["Authorization"] = f"Bearer {key}"

    def messages(self, msisdn: str, after: int = 0, wait_seconds: float = 0.0) -> list[Any]:
        """SMS to a number, newer than the one numbered `after`; waited for."""
        query = {"after": str(after), "wait_seconds": str(wait_seconds)}
        found = self._get(f"{self._operator}/_sandbox/inbox/{msisdn}", query, wait_seconds)
        messages: list[Any] = found["messages"]
        return messages

    def wait_sms(
        self, msisdn: str, wanted: Callable[[str], bool], seconds: float, after: int = 0
    ) -> str | None:
        """The next SMS that is wanted, or None."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            for message in self.messages(msisdn, after, min(left, 5.0)):
                after = max(after, int(message["n"]))
                if wanted(message["text"]):
                    return str(message["text"])
        return None

    def wallet_ledger(self, msisdn: str) -> list[Any]:
        """Debits and refunds of a number, as the operator booked them."""
        found = self._get(f"{self._operator}/_sandbox/ledger", {"msisdn": msisdn})
        entries: list[Any] = found["entries"] if isinstance(found, dict) else found
        return entries

    def meter_log(self, serial: str, wait_seconds: float = 0.0) -> list[Any]:
        """What a meter was given, and its verdicts."""
        query = {"wait_seconds": str(wait_seconds)}
        log: list[Any] = self._get(f"{self._meters}/meters/{serial}/log", query, wait_seconds)
        return log

    def type_token(self, serial: str, token: str) -> dict[str, Any]:
        """Type a token at a meter's keypad; its verdict."""
        answer = self._http.post(
            f"{self._meters}/meters/{serial}/tokens",
            json={"token": token, "via": "keypad"},
            timeout=_ANSWER_SECONDS,
        )
        answer.raise_for_status()
        verdict: dict[str, Any] = answer.json()
        return verdict

    def sale(self, purchase_id: str) -> dict[str, Any]:
        """A sale as the platform has it."""
        sale: dict[str, Any] = self._get(f"{self._platform}/sales/{purchase_id}", {})
        return sale

    def _get(self, url: str, query: dict[str, str], wait_seconds: float = 0.0) -> Any:
        answer = self._http.get(url, params=query, timeout=_ANSWER_SECONDS + wait_seconds)
        answer.raise_for_status()
        return answer.json()
