"""Handing tokens to meters that can be reached, through the AMI in front of them.

The `delivery` column is the queue: a vend waits there from the commit that made it, so that a crash
loses no delivery. A token handed over twice does no harm; the meter calls the second one Used.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import requests
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import SQLAlchemyError

from hes_adapter.embedded.tables import reading, vends
from hes_adapter.embedded.vault import SealBrokenError, Vault
from hes_adapter.embedded.vending import DELIVERED, NONE, PENDING, REFUSED
from hes_adapter.sts.token import Token

DEADLINE_SECONDS: Final = 2.0
"""How long one hand-over may take before it counts as not answered."""

GIVE_UP_SECONDS: Final = 24 * 3600
"""After a day the client has long typed the token in from the SMS."""

_BACK_OFF_MAX_SECONDS: Final = 300
_IDLE_SECONDS: Final = 1.0  # how late a row may be seen when its bell was lost
_ANSWER_MAX_OCTETS: Final = 4096
_RESULT_MAX: Final = 64  # width of the column

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    vend_id: str
    serial: str
    sealed_token: bytes
    issued_at: int
    attempts: int


class Courier:
    """Delivers pending vends, one at a time, those least often tried first.

    `clock` gives the aware current time. `meters_url` is the AMI's base URL without a slash at the
    end, `meters_api_key` our bearer token there or None.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        *,
        meters_url: str,
        meters_api_key: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._meters_url = meters_url
        self._clock = clock
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hes-courier", daemon=True)
        self._http = requests.Session()
        # A proxy or .netrc of the machine is not part of how a meter is reached.
        self._http.trust_env = False
        if meters_api_key is not None:
            self._http.headers["Authorization"] = f"Bearer {meters_api_key}"

    def start(self) -> None:
        """Begin to deliver in the background."""
        self._thread.start()

    def ring(self) -> None:
        """Say that a vend was committed. A lost ring costs a second, nothing else."""
        self._bell.set()

    def close(self) -> None:
        """Stop after the hand-over in progress, if any."""
        self._stopping.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()
        self._http.close()

    def run_once(self) -> int:
        """Try every row that is due now, each once, and give their number."""
        tried = 0
        while not self._stopping.is_set() and (due := self._next()) is not None:
            self._try(due)
            tried += 1
        return tried

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                self.run_once()
            except SQLAlchemyError:
                # The store may be back in a moment, and the rows wait in it meanwhile.
                _log.exception("The store cannot be read; deliveries wait.")
            self._bell.wait(_IDLE_SECONDS)

    def _next(self) -> _Due | None:
        now = int(self._clock().timestamp())
        asked = (
            select(vends)
            .where(vends.c.delivery == PENDING, vends.c.delivery_due_at <= now)
            .order_by(vends.c.delivery_attempts, vends.c.delivery_due_at)
            .limit(1)
        )
        with reading(self._engine).begin() as connection:
            row = connection.execute(asked).one_or_none()
        if row is None:
            return None
        return _Due(
            vend_id=row.vend_id,
            serial=row.serial,
            sealed_token=row.sealed_token,
            issued_at=row.issued_at,
            attempts=row.delivery_attempts,
        )

    def _try(self, due: _Due) -> None:
        try:
            token = Token(self._vault.open_token(due.sealed_token, due.vend_id))
        except SealBrokenError:
            # One altered row must not hold up the others behind it.
            delivery, result = REFUSED, "stored token does not open"
        else:
            delivery, result = self._hand_over(due.serial, token)
        now = int(self._clock().timestamp())
        if delivery == PENDING and now - due.issued_at >= GIVE_UP_SECONDS:
            delivery = REFUSED
            result = f"given up: {result}"
        _log.info("vend %s: delivery %s (%s)", due.vend_id, delivery, result)
        # The exponent is bounded so that the power stays a small number on the hundredth attempt.
        wait = min(2 ** min(due.attempts, 16), _BACK_OFF_MAX_SECONDS)
        change = {
            "delivery": delivery,
            "delivery_result": result[:_RESULT_MAX],
            "delivery_attempts": due.attempts + 1,
            "delivery_due_at": now + wait,
        }
        # A vend that another process finished meanwhile keeps its final word.
        still = (vends.c.vend_id == due.vend_id) & (vends.c.delivery == PENDING)
        with self._engine.begin() as connection:
            connection.execute(update(vends).where(still).values(**change))

    def _hand_over(self, serial: str, token: Token) -> tuple[str, str]:
        """Give the delivery state after one attempt, and the word that explains it."""
        url = f"{self._meters_url}/meters/{serial}/tokens"
        body = {"token": token.digits, "via": "ami"}
        end = time.monotonic() + DEADLINE_SECONDS
        try:
            with self._http.post(
                url, json=body, timeout=DEADLINE_SECONDS, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code == 404:
                    return NONE, "meter not connected"
                if answer.status_code != 200:
                    return PENDING, f"HTTP {answer.status_code}"
                text = _read_within(answer, end)
        except requests.RequestException as error:
            return PENDING, type(error).__name__
        try:
            result = json.loads(text)["result"]
        except (ValueError, KeyError, TypeError):
            return PENDING, "answer without a result"
        if not isinstance(result, str) or not result:
            return PENDING, "answer without a result"
        return (DELIVERED if result in ("Accept", "Used") else REFUSED), result


def _read_within(answer: requests.Response, end: float) -> bytes:
    """Read a short body until the monotonic time `end`; late or long counts as no answer."""
    text = b""
    for chunk in answer.iter_content(1024):
        text += chunk
        if time.monotonic() > end or len(text) > _ANSWER_MAX_OCTETS:
            raise requests.Timeout("The answer is late or too long.")
    return text
