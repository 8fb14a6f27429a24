"""The operator's SMS centre: each SMS delivered once, into an inbox that can be waited on."""

import hashlib
import threading
import time

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock, rfc3339
from simulators.faults import Answer
from simulators.seed import Msisdn
from simulators.store import Store, append_only

PARTS_MAX = 10
"""Parts of one SMS; a longer text is refused."""

SCHEMA = """
CREATE TABLE sms (
    n INTEGER PRIMARY KEY AUTOINCREMENT, sms_id TEXT NOT NULL UNIQUE, provider_id TEXT NOT NULL,
    msisdn TEXT NOT NULL, text TEXT NOT NULL, parts INTEGER NOT NULL, at TEXT NOT NULL
);
""" + append_only("sms")

# 3GPP TS 23.038, 6.2.1: the default alphabet, one septet each, and the extension table, two.
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")


class SmsOrder(BaseModel):
    """The body of POST /sms."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sms_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")
    to: Msisdn
    text: str = Field(min_length=1)


def count_parts(text: str) -> int:
    """How many SMS `text` takes.

    3GPP TS 23.040, 9.2.3.24.1: 160 septets alone or 153 per part; once a character is outside
    GSM-7, 70 UTF-16 units alone or 67 per part.
    """
    if all(letter in _GSM7 or letter in _GSM7_EXTENDED for letter in text):
        units = sum(2 if letter in _GSM7_EXTENDED else 1 for letter in text)
        alone, joined = 160, 153
    else:
        units = len(text.encode("utf-16-be")) // 2
        alone, joined = 70, 67
    return 1 if units <= alone else -(-units // joined)


class SmsCentre:
    """The SMS of one store. `stop` ends every wait."""

    def __init__(self, store: Store, clock: Clock, stop: threading.Event) -> None:
        self._store = store
        self._clock = clock
        self._stop = stop
        self._arrived = threading.Condition()

    def accept(self, order: SmsOrder) -> Answer:
        """Deliver once per `sms_id`; the same id with the same text answers the same."""
        parts = count_parts(order.text)
        if parts > PARTS_MAX:
            return _error(
                422, "bad_request", f"The text takes {parts} parts; send at most {PARTS_MAX}."
            )
        with self._store.transaction() as db:
            known = db.execute("SELECT * FROM sms WHERE sms_id = ?", (order.sms_id,)).fetchone()
            if known is None:
                provider_id = f"SM{hashlib.sha256(order.sms_id.encode()).hexdigest()[:12].upper()}"
                db.execute(
                    "INSERT INTO sms (sms_id, provider_id, msisdn, text, parts, at) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        order.sms_id,
                        provider_id,
                        order.to,
                        order.text,
                        parts,
                        rfc3339(self._clock()),
                    ),
                )
                answer = Answer(202, {"provider_id": provider_id, "parts": parts})
            elif (known["msisdn"], known["text"]) == (order.to, order.text):
                answer = Answer(202, {"provider_id": known["provider_id"], "parts": parts})
            else:
                answer = _error(
                    409, "sms_id_reused", "This id was used for another SMS; use a new id."
                )
        with self._arrived:
            self._arrived.notify_all()
        return answer

    def status(self, sms_id: str) -> Answer:
        """The receipt of one SMS, without its text."""
        found = self._store.row("SELECT * FROM sms WHERE sms_id = ?", sms_id)
        if found is None:
            return Answer(404, {"status": "not_found"})
        return Answer(
            200,
            {
                "status": "delivered",
                "sms_id": sms_id,
                "provider_id": found["provider_id"],
                "parts": found["parts"],
                "at": found["at"],
            },
        )

    def owner(self, sms_id: str) -> str | None:
        """The number an SMS went to; None when the id is unknown."""
        found = self._store.row("SELECT msisdn FROM sms WHERE sms_id = ?", sms_id)
        return found["msisdn"] if found else None

    def inbox(self, msisdn: str, after: int, seconds_max: float) -> list[dict[str, object]]:
        """What a phone received after message number `after`; waits up to `seconds_max` for one."""
        deadline = time.monotonic() + seconds_max
        with self._arrived:
            while True:
                messages = self._store.rows(
                    "SELECT n, sms_id, text, at FROM sms WHERE msisdn = ? AND n > ? ORDER BY n",
                    msisdn,
                    after,
                )
                left = deadline - time.monotonic()
                if messages or left <= 0 or self._stop.is_set():
                    return messages
                # Short waits, because `stop` cannot notify this condition.
                self._arrived.wait(min(left, 0.2))


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"status": "error", "code": code, "message": message})
