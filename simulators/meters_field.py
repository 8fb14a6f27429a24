"""The meters of a village: who is there, what each holds, and what was entered into it."""

import json
import sqlite3
import threading
import time
from datetime import datetime
from typing import Any

from simulators.clock import Clock, parse_rfc3339, rfc3339
from simulators.faults import Answer
from simulators.meter import MeterState, Via, enter, from_factory
from simulators.seed import Device, MetersSeed
from simulators.store import Store, append_only

SCHEMA = """
CREATE TABLE devices (
    serial TEXT PRIMARY KEY, device TEXT NOT NULL, credit_kwh_tenths INTEGER NOT NULL,
    tids TEXT NOT NULL, tokens_accepted INTEGER NOT NULL, last_result TEXT,
    wrong_entries INTEGER NOT NULL, locked_until TEXT
);
CREATE TABLE entries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, serial TEXT NOT NULL, at TEXT NOT NULL,
    via TEXT NOT NULL, token_last4 TEXT NOT NULL, result TEXT NOT NULL, kwh_tenths INTEGER
);
""" + append_only("entries")


def error(status: int, code: str, message: str) -> Answer:
    """An error as meters.yaml shapes it."""
    return Answer(status, {"code": code, "message": message})


class Field:
    """The meters of one store. `stop` ends every wait."""

    def __init__(self, store: Store, seed: MetersSeed, clock: Clock, stop: threading.Event) -> None:
        self._store = store
        self._seed = seed
        self._clock = clock
        self._stop = stop
        self._entered = threading.Condition()
        self.plant()

    def plant(self) -> None:
        """Add the meters of the seed that the store does not have."""
        with self._store.transaction() as db:
            for device in self._seed.devices:
                known = db.execute("SELECT 1 FROM devices WHERE serial = ?", (device.serial,))
                if known.fetchone() is None:
                    _write(db, device, from_factory(device))

    def put(self, device: Device) -> Answer:
        """Install a meter fresh from the factory, in place of any with that serial."""
        with self._store.transaction() as db:
            _write(db, device, from_factory(device))
        return self.get(device.serial)

    def get(self, serial: str) -> Answer:
        """What a meter's display shows."""
        row = self._find(serial)
        if row is None:
            return _unknown()
        return Answer(
            200,
            {
                "serial": serial,
                "connected": _device(row).connected,
                "credit_kwh_tenths": row["credit_kwh_tenths"],
                "tokens_accepted": row["tokens_accepted"],
                "last_result": row["last_result"],
            },
        )

    def enter(self, serial: str, token: str, via: Via) -> Answer:
        """Enter a token; the meter answers with its result, good or bad, as status 200."""
        now = self._clock()
        with self._store.transaction() as db:
            row = db.execute("SELECT * FROM devices WHERE serial = ?", (serial,)).fetchone()
            if row is None:
                return _unknown()
            device = _device(row)
            if via == "ami" and not device.connected:
                message = "This meter is not on the network; enter the token at its keypad."
                return error(404, "not_connected", message)
            outcome = enter(device, _state(row), token, via, now)
            _write(db, device, outcome.state)
            db.execute(
                "INSERT INTO entries (serial, at, via, token_last4, result, kwh_tenths) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (serial, rfc3339(now), via, token[-4:], outcome.result, outcome.kwh_tenths),
            )
        with self._entered:
            self._entered.notify_all()
        return Answer(
            200,
            {
                "result": outcome.result,
                "kwh_tenths": outcome.kwh_tenths,
                "credit_kwh_tenths": outcome.state.credit_kwh_tenths,
            },
        )

    def log(self, serial: str, after: int, seconds_max: float) -> Answer:
        """Entries after number `after`; waits up to `seconds_max` for one."""
        if self._find(serial) is None:
            return _unknown()
        deadline = time.monotonic() + seconds_max
        with self._entered:
            while True:
                entries = self._store.rows(
                    "SELECT n, at, via, token_last4, result, kwh_tenths FROM entries "
                    "WHERE serial = ? AND n > ? ORDER BY n",
                    serial,
                    after,
                )
                left = deadline - time.monotonic()
                if entries or left <= 0 or self._stop.is_set():
                    return Answer(200, entries)
                # Short waits, because `stop` cannot notify this condition.
                self._entered.wait(min(left, 0.2))

    def _find(self, serial: str) -> dict[str, Any] | None:
        return self._store.row("SELECT * FROM devices WHERE serial = ?", serial)


def _unknown() -> Answer:
    return error(404, "unknown_meter", "No meter has this serial; check its digits.")


def _device(row: Any) -> Device:
    return Device.model_validate_json(row["device"])


def _state(row: sqlite3.Row) -> MeterState:
    locked: datetime | None = None
    if row["locked_until"] is not None:
        locked = parse_rfc3339(row["locked_until"])
    return MeterState(
        credit_kwh_tenths=row["credit_kwh_tenths"],
        tids=tuple(json.loads(row["tids"])),
        tokens_accepted=row["tokens_accepted"],
        last_result=row["last_result"],
        wrong_entries=row["wrong_entries"],
        locked_until=locked,
    )


def _write(db: sqlite3.Connection, device: Device, state: MeterState) -> None:
    db.execute(
        "INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            device.serial,
            device.model_dump_json(),
            state.credit_kwh_tenths,
            json.dumps(state.tids),
            state.tokens_accepted,
            state.last_result,
            state.wrong_entries,
            rfc3339(state.locked_until) if state.locked_until else None,
        ),
    )
