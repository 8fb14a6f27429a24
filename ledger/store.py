"""The ledger in SQL: SQLite (WAL, synchronous FULL, BEGIN IMMEDIATE) or PostgreSQL by URL.

Every write of a purchase is guarded by its version, and takes the event that tells of it into the
same transaction. MSISDNs and tokens are sealed at rest; a keyed hash finds a number's purchases.
No I/O of another kind ever happens inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from ledger.model import UNRESOLVED, Purchase, Resolution, State, Step, StepState

metadata = sa.MetaData()

purchases = sa.Table(
    "purchases",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("receipt", sa.String(16), nullable=False, unique=True),
    sa.Column("msisdn_key", sa.LargeBinary(16), nullable=False),
    sa.Column("msisdn_sealed", sa.LargeBinary, nullable=False),
    sa.Column("serial", sa.String(18), nullable=False),
    sa.Column("kwh_tenths", sa.Integer, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("quote_id", sa.String(64), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("resolution", sa.String(8), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("debit_ref", sa.String(64), nullable=False),
    sa.Column("token_sealed", sa.LargeBinary, nullable=False),
    sa.Column("delivered", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("lease_until", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("due_at", sa.Double),
    sa.CheckConstraint("amount_minor > 0 AND kwh_tenths > 0", name="positive"),
    sa.CheckConstraint("resolution IN ('none', 'vend', 'refund')", name="resolutions"),
    sa.Index("by_number", "msisdn_key", "created_at"),
    sa.Index("by_due", "due_at"),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("purchase_id", sa.String(64), sa.ForeignKey("purchases.id"), primary_key=True),
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Column("doubted", sa.Boolean, nullable=False),
    sa.Column("first_sent_at", sa.Double),
    sa.Column("sent_at", sa.Double),
    sa.Column("asks", sa.Integer, nullable=False),
    sa.Column("not_found", sa.Integer, nullable=False),
    sa.Column("due_at", sa.Double),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("purchase_id", sa.String(64), sa.ForeignKey("purchases.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("what", sa.String(64), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)

_STEP_FIELDS = tuple(each.name for each in fields(Step))
_SEALED = {"msisdn", "token", "steps"}
_ROW_FIELDS = tuple(each.name for each in fields(Purchase) if each.name not in _SEALED)


class Vault(Protocol):
    """Seals what may not stand in clear; see `ussd_app.sealing`, which fits."""

    def seal(self, plain: bytes, place: bytes) -> bytes:
        """Sealed for one place."""
        ...

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed for that place."""
        ...

    def name(self, *parts: str) -> bytes:
        """A keyed hash of 16 octets."""
        ...


class ReceiptTaken(Exception):  # noqa: N818  # what is so
    """Another purchase has this receipt number: take another."""


class Moved(Exception):  # noqa: N818  # what happened to the purchase
    """Somebody else has written this purchase since it was read: read it again."""


_READS = "cassou_reads"


def open_engine(url: str, patience_seconds: float = 10.0) -> Engine:
    """An engine with the ledger's guarantees; raises SQLAlchemy's errors for a bad URL.

    `patience_seconds`: how long a writer waits for another, or for a connection.
    """
    # An error's text goes to logs and, of a job that failed, to Redis: never what was bound.
    if url.startswith("sqlite"):
        engine = sa.create_engine(url, pool_timeout=patience_seconds, hide_parameters=True)
        event.listen(engine, "connect", partial(_durable, patience_seconds))
        event.listen(engine, "begin", _begin)
        return engine
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=patience_seconds,
        hide_parameters=True,
        connect_args={"connect_timeout": max(int(patience_seconds), 1)},
    )


def _durable(patience_seconds: float, connection: Any, _record: object) -> None:
    # The driver must not begin transactions of its own: `_begin` does.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        f"busy_timeout = {int(patience_seconds * 1000)}",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another writes; one that
    # only reads waits for nobody.
    reads = connection.get_execution_options().get(_READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


class Ledger:
    """Purchases, read and written whole."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._readers = engine.execution_options(**{_READS: True})
        self._vault = vault

    def create(self) -> None:
        """Make the tables that are not there yet."""
        metadata.create_all(self._engine)

    def insert(self, purchase: Purchase) -> bool:
        """Commit a new purchase; False if this id is there already. Durable on return.

        Raises `ReceiptTaken` if another purchase has its receipt number.
        """
        try:
            with self._engine.begin() as connection:
                connection.execute(purchases.insert().values(self._row(purchase)))
                self._write_steps(connection, purchase, {})
                _write_event(connection, purchase, "confirmed", {})
        except IntegrityError:
            if self.get(purchase.id) is not None:
                return False
            if self._has_receipt(purchase.receipt):
                raise ReceiptTaken(purchase.receipt) from None
            raise
        return True

    def get(self, purchase_id: str) -> Purchase | None:
        """A purchase with its steps, or None."""
        with self._readers.connect() as connection:
            found = self._read(connection, purchases.c.id == purchase_id)
        return found[0] if found else None

    def save(
        self, before: Purchase, after: Purchase, what: str, now: float, **detail: str | int
    ) -> Purchase:
        """Replace `before` by `after` with one event; raises `Moved` if another was quicker."""
        after = replace(after, version=before.version + 1, updated_at=now)
        with self._engine.begin() as connection:
            guard = sa.and_(purchases.c.id == before.id, purchases.c.version == before.version)
            done = connection.execute(purchases.update().where(guard).values(self._row(after)))
            if done.rowcount != 1:
                raise Moved(before.id)
            self._write_steps(connection, after, before.steps)
            _write_event(connection, after, what, detail)
        return after

    def due(self, now: float, most: int = 100) -> list[str]:
        """Ids of purchases with something to do and nobody doing it, the longest due first."""
        query = (
            sa.select(purchases.c.id)
            .where(purchases.c.due_at <= now, purchases.c.lease_until <= now)
            .order_by(purchases.c.due_at)
            .limit(most)
        )
        with self._readers.connect() as connection:
            return [row.id for row in connection.execute(query)]

    def unresolved(self, msisdn: str) -> Purchase | None:
        """The newest purchase of a number that has come to no end yet."""
        condition = sa.and_(self._of(msisdn), purchases.c.state.in_(sorted(UNRESOLVED)))
        with self._readers.connect() as connection:
            found = self._read(connection, condition, most=1)
        return found[0] if found else None

    def newest(self, msisdn: str) -> Purchase | None:
        """The newest purchase of a number, whatever became of it."""
        with self._readers.connect() as connection:
            found = self._read(connection, self._of(msisdn))
        return found[0] if found else None

    def with_token(self, msisdn: str, most: int) -> list[Purchase]:
        """The newest purchases of a number that have a token."""
        condition = sa.and_(self._of(msisdn), purchases.c.resolution == Resolution.VEND)
        with self._readers.connect() as connection:
            return self._read(connection, condition, most=most)

    def story(self, purchase_id: str) -> list[tuple[float, str, str, dict[str, str | int]]]:
        """(when, what, state after, detail) of all that happened to a purchase, in order."""
        query = (
            sa.select(events).where(events.c.purchase_id == purchase_id).order_by(events.c.version)
        )
        with self._readers.connect() as connection:
            return [
                (row.at, row.what, row.state, json.loads(row.detail))
                for row in connection.execute(query)
            ]

    def _has_receipt(self, receipt: str) -> bool:
        query = sa.select(purchases.c.id).where(purchases.c.receipt == receipt)
        with self._readers.connect() as connection:
            return connection.execute(query).first() is not None

    def _of(self, msisdn: str) -> sa.ColumnElement[bool]:
        return purchases.c.msisdn_key == self._vault.name("msisdn", msisdn)

    def _read(
        self, connection: Connection, condition: sa.ColumnElement[bool], most: int = 1
    ) -> list[Purchase]:
        query = (
            sa.select(purchases)
            .where(condition)
            .order_by(purchases.c.created_at.desc(), purchases.c.id)
            .limit(most)
        )
        rows = connection.execute(query).all()
        ids = [row.id for row in rows]
        found: dict[str, dict[str, Step]] = {purchase_id: {} for purchase_id in ids}
        for row in connection.execute(sa.select(steps).where(steps.c.purchase_id.in_(ids))):
            found[row.purchase_id][row.name] = _step(row)
        return [self._purchase(row, found[row.id]) for row in rows]

    def _row(self, purchase: Purchase) -> dict[str, object]:
        place = purchase.id.encode()
        return {
            **{name: getattr(purchase, name) for name in _ROW_FIELDS},
            "due_at": purchase.due_at,
            "msisdn_key": self._vault.name("msisdn", purchase.msisdn),
            "msisdn_sealed": self._vault.seal(purchase.msisdn.encode(), b"msisdn:" + place),
            "token_sealed": self._vault.seal(purchase.token.encode(), b"token:" + place),
        }

    def _purchase(self, row: Row[Any], of_it: dict[str, Step]) -> Purchase:
        place = row.id.encode()
        values = {name: getattr(row, name) for name in _ROW_FIELDS}
        values["state"] = State(row.state)
        values["resolution"] = Resolution(row.resolution)
        return Purchase(
            **values,
            msisdn=self._vault.open(row.msisdn_sealed, b"msisdn:" + place).decode(),
            token=self._vault.open(row.token_sealed, b"token:" + place).decode(),
            steps=of_it,
        )

    def _write_steps(
        self, connection: Connection, purchase: Purchase, before: Mapping[str, Step]
    ) -> None:
        for name, step in purchase.steps.items():
            if before.get(name) == step:
                continue
            values = {field: getattr(step, field) for field in _STEP_FIELDS}
            if name in before:
                guard = sa.and_(steps.c.purchase_id == purchase.id, steps.c.name == name)
                connection.execute(steps.update().where(guard).values(values))
            else:
                values["purchase_id"] = purchase.id
                connection.execute(steps.insert().values(values))


def _step(row: Row[Any]) -> Step:
    values = {name: getattr(row, name) for name in _STEP_FIELDS}
    values["state"] = StepState(row.state)
    return Step(**values)


def _write_event(
    connection: Connection, purchase: Purchase, what: str, detail: dict[str, str | int]
) -> None:
    connection.execute(
        events.insert().values(
            purchase_id=purchase.id,
            version=purchase.version,
            at=purchase.updated_at or purchase.created_at,
            state=purchase.state,
            what=what,
            detail=json.dumps(detail, sort_keys=True),
        )
    )
