"""The operator's wallets: who has what, and how each number behaves.

A balance is the sum of the ledger's entries, never a number that is changed in place.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulators.clock import rfc3339
from simulators.seed import Plan, Wallet
from simulators.store import append_only

Mode = Literal["direct", "prompt"]

AMOUNT_MIN_MINOR = 5
AMOUNT_MAX_MINOR = 2_000_000
AMOUNT_STEP_MINOR = 5
"""One payment: from 5 F to 2,000,000 F (the BCEAO's cap for an identified client), in steps of 5 F
as wallets in Burkina Faso take them."""

SCHEMA = """
CREATE TABLE wallets (
    msisdn TEXT PRIMARY KEY, mode TEXT, plan TEXT NOT NULL, refusals_left INTEGER
);
CREATE TABLE entries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, msisdn TEXT NOT NULL, kind TEXT NOT NULL,
    key TEXT, delta_minor INTEGER NOT NULL, at TEXT NOT NULL
);
""" + append_only("entries")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the operator declines at once: a reason of the contract, and a sentence."""

    reason: str
    message: str


MESSAGES = {
    "insufficient_funds": "The balance is too low; top the wallet up and pay again.",
    "amount_too_low": f"One payment is at least {AMOUNT_MIN_MINOR} F, "
    f"in steps of {AMOUNT_STEP_MINOR} F; ask for another amount.",
    "amount_too_high": f"One payment is at most {AMOUNT_MAX_MINOR} F; ask for less.",
    "daily_limit": "The daily limit of this wallet is reached; pay tomorrow.",
    "count_limit": "The number of payments of this wallet is reached; pay tomorrow.",
    "wrong_pin": "The PIN was wrong; pay again with the right one.",
    "pin_locked": "The PIN is locked; the client must call the operator.",
    "cancelled": "The client refused the payment.",
    "prompt_expired": "The client did not answer in time; pay again.",
    "not_registered": "This number has no wallet; register it with the operator.",
    "barred": "This wallet is barred; the client must call the operator.",
    "session_busy": "Another session is open on this phone; pay again in a minute.",
    "payee_limit": "The wallet of the payee is full; refund later.",
    "payee_float_empty": "The merchant's float is empty; refill it and refund again.",
}
UNKNOWN_NUMBER = (
    "unknown test number: this sandbox knows only the numbers of its seed and those added at "
    "/_sandbox/wallets"
)


def seed_wallet(db: sqlite3.Connection, wallet: Wallet, now: datetime) -> None:
    """Add a wallet of the seed, unless the store already has that number."""
    added = db.execute(
        "INSERT OR IGNORE INTO wallets VALUES (?, ?, ?, ?)",
        (wallet.msisdn, wallet.mode, wallet.plan.model_dump_json(), wallet.plan.refuse_times),
    )
    if added.rowcount:
        enter(db, wallet.msisdn, "opening", wallet.balance_minor, now)


def put_wallet(
    db: sqlite3.Connection, msisdn: str, balance_minor: int, mode: Mode | None, now: datetime
) -> None:
    """Set a wallet's balance and mode; a new number behaves well, a known one keeps its plan."""
    db.execute(
        "INSERT INTO wallets VALUES (?, ?, ?, NULL) "
        "ON CONFLICT (msisdn) DO UPDATE SET mode = excluded.mode",
        (msisdn, mode, Plan().model_dump_json()),
    )
    enter(db, msisdn, "adjustment", balance_minor - balance(db, msisdn), now)


def enter(
    db: sqlite3.Connection,
    msisdn: str,
    kind: str,
    delta: int,
    now: datetime,
    *,
    key: str | None = None,
) -> None:
    """Add one line to the ledger: `delta` in minor units, negative when money leaves."""
    db.execute(
        "INSERT INTO entries (msisdn, kind, key, delta_minor, at) VALUES (?, ?, ?, ?, ?)",
        (msisdn, kind, key, delta, rfc3339(now)),
    )


def balance(db: sqlite3.Connection, msisdn: str) -> int:
    """The balance of a number in XOF minor units; 0 for one that has no wallet."""
    found = db.execute(
        "SELECT COALESCE(SUM(delta_minor), 0) FROM entries WHERE msisdn = ?", (msisdn,)
    )
    return int(found.fetchone()[0])


def plan_of(db: sqlite3.Connection, msisdn: str) -> Plan | None:
    """How a number behaves; None when it has no wallet."""
    found = db.execute("SELECT plan FROM wallets WHERE msisdn = ?", (msisdn,)).fetchone()
    return Plan.model_validate_json(found["plan"]) if found else None


def refusal(db: sqlite3.Connection, msisdn: str, amount_minor: int) -> Refusal | None:
    """Why a debit is declined at once; None when it may go on. Counts a planned refusal down."""
    found = db.execute("SELECT * FROM wallets WHERE msisdn = ?", (msisdn,)).fetchone()
    if found is None:
        return Refusal("not_registered", UNKNOWN_NUMBER)
    plan = Plan.model_validate_json(found["plan"])
    reason: str | None = None
    if plan.refuse is not None and found["refusals_left"] != 0:
        reason = plan.refuse
        db.execute(
            "UPDATE wallets SET refusals_left = refusals_left - 1 WHERE msisdn = ?", (msisdn,)
        )
    elif amount_minor < AMOUNT_MIN_MINOR or amount_minor % AMOUNT_STEP_MINOR:
        reason = "amount_too_low"
    elif amount_minor > AMOUNT_MAX_MINOR:
        reason = "amount_too_high"
    elif balance(db, msisdn) < amount_minor + plan.surplus_minor:
        reason = "insufficient_funds"
    return Refusal(reason, MESSAGES[reason]) if reason else None
