"""Debits of the operator: one per idempotency key, decided at once or after the PIN prompt.

Nothing here runs on a timer. A pending debit knows when it falls due, and is settled by whoever
looks next, with the time it fell due: so a test that owns the clock owns the prompts.
"""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulators.clock import Clock, parse_rfc3339, rfc3339
from simulators.faults import Answer
from simulators.operator_wallets import MESSAGES, Mode, balance, enter, plan_of, refusal
from simulators.seed import Msisdn, Plan
from simulators.store import Store

NEXT_POLL_SECONDS = 2
"""What a pending answer advises, in seconds."""

SCHEMA = """
CREATE TABLE debits (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, operator_ref TEXT NOT NULL,
    msisdn TEXT NOT NULL, amount_minor INTEGER NOT NULL, reference TEXT NOT NULL,
    text TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, message TEXT, prompt INTEGER NOT NULL,
    outcome TEXT, due_at TEXT, settled_at TEXT, created_at TEXT NOT NULL
);
"""


class DebitOrder(BaseModel):
    """The body of POST /wallet/debits. `reference` is the payee's, `text` the prompt's."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    msisdn: Msisdn
    amount_minor: int = Field(ge=1)
    currency: Literal["XOF"]
    reference: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=182)


class PromptAction(BaseModel):
    """The body of POST /_sandbox/prompts/{msisdn}: what the client does with the prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    action: Literal["approve", "cancel", "wrong_pin"]


@dataclass(frozen=True, slots=True)
class PromptSettings:
    """Whether and how phones are asked for the PIN.

    `mode` is for wallets that do not say. After `approve_seconds` the pretend client approves;
    a prompt dies after `lifetime_seconds` if that comes first.
    """

    mode: Mode = "direct"
    approve_seconds: float = 2.0
    lifetime_seconds: float = 60.0


def fingerprint(order: BaseModel) -> str:
    """A hash of the whole body: the same key with another body is another order."""
    canonical = json.dumps(order.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Debits:
    """The debits of one store."""

    def __init__(self, store: Store, clock: Clock, prompts: PromptSettings) -> None:
        self._store = store
        self._clock = clock
        self._prompts = prompts

    def make(self, key: str, order: DebitOrder, surplus_minor: int = 0) -> Answer:
        """Debit once for `key`; the same key and body answers the same, with no second debit.

        `surplus_minor` is taken on top of the order (a fault).
        """
        now = self._clock()
        self.settle_due()
        with self._store.transaction() as db:
            known = _find(db, key)
            if known is not None:
                if known["fingerprint"] == fingerprint(order):
                    return _answer(known)
                message = "This key was used with another body; use a new key."
                return Answer(409, {"status": "error", "code": "key_reused", "message": message})
            self._open(db, key, order, surplus_minor, now)
            return _answer(_must_find(db, key))

    def status(self, key: str, surplus_minor: int = 0) -> Answer:
        """What became of `key`: always 200 when it is known, 404 when it never arrived."""
        self.settle_due()
        found = self._store.row("SELECT * FROM debits WHERE key = ?", key)
        if found is None:
            return Answer(404, {"status": "not_found"})
        return Answer(200, _body(found, surplus_minor))

    def owner(self, key: str) -> str | None:
        """The number that `key` debits; None when the key is unknown."""
        found = self._store.row("SELECT msisdn FROM debits WHERE key = ?", key)
        return found["msisdn"] if found else None

    def prompt(self, msisdn: str) -> dict[str, object] | None:
        """The prompt open on a phone: its text, amount and end; None when there is none."""
        self.settle_due()
        found = self._store.row(_OPEN_PROMPT, msisdn)
        if found is None:
            return None
        return {
            "key": found["key"],
            "text": found["text"],
            "amount_minor": found["amount_minor"],
            "currency": "XOF",
            "due_at": found["due_at"],
        }

    def answer_prompt(self, msisdn: str, action: str) -> dict[str, object] | None:
        """The client acts on the open prompt; the debit as it is then, None without a prompt."""
        now = self._clock()
        self.settle_due()
        outcome = "cancelled" if action == "cancel" else action
        with self._store.transaction() as db:
            found = db.execute(_OPEN_PROMPT, (msisdn,)).fetchone()
            if found is None:
                return None
            _settle(db, found, outcome, now)
            return _body(_must_find(db, found["key"]))

    def settle_due(self) -> None:
        """Settle every pending debit whose time has come, in the order they fell due."""
        now = self._clock()
        with self._store.transaction() as db:
            due = db.execute(
                "SELECT * FROM debits WHERE status = 'pending' AND due_at <= ? ORDER BY due_at",
                (rfc3339(now),),
            ).fetchall()
            for debit in due:
                _settle(db, debit, debit["outcome"], parse_rfc3339(debit["due_at"]))

    def _open(
        self, db: sqlite3.Connection, key: str, order: DebitOrder, surplus: int, now: datetime
    ) -> None:
        plan = plan_of(db, order.msisdn) or Plan()
        refused = refusal(db, order.msisdn, order.amount_minor)
        course = self._course(db, order.msisdn, plan, now)
        db.execute(
            "INSERT INTO debits VALUES "
            "(?, ?, ?, ?, ?, ?, ?, 'pending', NULL, NULL, ?, ?, ?, NULL, ?)",
            (
                key,
                fingerprint(order),
                f"OP{hashlib.sha256(key.encode()).hexdigest()[:12].upper()}",
                order.msisdn,
                order.amount_minor + plan.surplus_minor + surplus,
                order.reference,
                order.text,
                course.prompt,
                course.outcome,
                rfc3339(course.due_at) if course.due_at else None,
                rfc3339(now),
            ),
        )
        debit = _must_find(db, key)
        if refused is not None:
            _decline(db, debit, refused.reason, refused.message, now)
        elif course.prompt and db.execute(_OTHER_PROMPT, (order.msisdn, key)).fetchone():
            _decline(db, debit, "session_busy", MESSAGES["session_busy"], now)
        elif course.due_at == now:
            _settle(db, debit, course.outcome, now)

    def _course(self, db: sqlite3.Connection, msisdn: str, plan: Plan, now: datetime) -> "_Course":
        """How a debit that is not refused at once will go."""
        outcome = plan.at_prompt or "approve"
        if plan.pending_seconds == "for ever":
            return _Course("approve", None, prompt=False)
        if plan.pending_seconds is not None:
            due = now + timedelta(seconds=plan.pending_seconds)
            return _Course("approve", due, prompt=False)
        wallet = db.execute("SELECT mode FROM wallets WHERE msisdn = ?", (msisdn,)).fetchone()
        mode = (wallet["mode"] if wallet else None) or self._prompts.mode
        if mode == "direct":
            return _Course(outcome, now, prompt=False)
        lifetime = self._prompts.lifetime_seconds
        if outcome == "prompt_expired" or self._prompts.approve_seconds > lifetime:
            return _Course("prompt_expired", now + timedelta(seconds=lifetime), prompt=True)
        due = now + timedelta(seconds=self._prompts.approve_seconds)
        return _Course(outcome, due, prompt=True)


@dataclass(frozen=True, slots=True)
class _Course:
    outcome: str
    due_at: datetime | None
    prompt: bool


_OPEN_PROMPT = "SELECT * FROM debits WHERE msisdn = ? AND status = 'pending' AND prompt = 1"
_OTHER_PROMPT = _OPEN_PROMPT + " AND key <> ?"


def _settle(db: sqlite3.Connection, debit: sqlite3.Row, outcome: str, at: datetime) -> None:
    if outcome != "approve":
        _decline(db, debit, outcome, MESSAGES[outcome], at)
        return
    # The balance is looked at again: money may have left while the prompt was open.
    if balance(db, debit["msisdn"]) < debit["amount_minor"]:
        _decline(db, debit, "insufficient_funds", MESSAGES["insufficient_funds"], at)
        return
    enter(db, debit["msisdn"], "debit", -debit["amount_minor"], at, key=debit["key"])
    db.execute(
        "UPDATE debits SET status = 'success', settled_at = ? WHERE key = ?",
        (rfc3339(at), debit["key"]),
    )


def _decline(
    db: sqlite3.Connection, debit: sqlite3.Row, reason: str, message: str, at: datetime
) -> None:
    db.execute(
        "UPDATE debits SET status = 'declined', reason = ?, message = ?, settled_at = ? "
        "WHERE key = ?",
        (reason, message, rfc3339(at), debit["key"]),
    )


def _find(db: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = db.execute("SELECT * FROM debits WHERE key = ?", (key,)).fetchone()
    return found


def _must_find(db: sqlite3.Connection, key: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute("SELECT * FROM debits WHERE key = ?", (key,)).fetchone()
    return row


def _answer(debit: sqlite3.Row) -> Answer:
    statuses = {"success": 200, "pending": 202, "declined": 402}
    return Answer(statuses[debit["status"]], _body(debit))


def _body(debit: Any, surplus_minor: int = 0) -> dict[str, object]:
    match debit["status"]:
        case "success":
            return {
                "status": "success",
                "operator_ref": debit["operator_ref"],
                "amount_minor": debit["amount_minor"] + surplus_minor,
                "currency": "XOF",
                "at": debit["settled_at"],
            }
        case "pending":
            return {
                "status": "pending",
                "operator_ref": debit["operator_ref"],
                "next_poll_seconds": NEXT_POLL_SECONDS,
            }
        case _:
            return {
                "status": "declined",
                "reason": debit["reason"],
                "message": debit["message"],
            }
