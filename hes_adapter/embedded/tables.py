"""The store: three tables, and an engine that keeps what was acknowledged.

Moments are whole seconds since 1970 UTC and minutes are absolute UTC minutes, both integers, so
that SQLite and PostgreSQL agree on them. SQLite is opened in WAL with `synchronous=FULL`: a commit
that returned survives a kill and a power cut.
"""

from contextlib import suppress
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.exc import OperationalError, ProgrammingError

_BUSY_MILLISECONDS: Final = 10_000
_READ_ONLY: Final = "cassou_read_only"

metadata: Final = MetaData()

vending_keys: Final = Table(
    "hes_vending_keys",
    metadata,
    Column("sgc", String(6), primary_key=True),
    Column("krn", Integer, primary_key=True),
    Column("kt", Integer, nullable=False),
    Column("ea", String(2), nullable=False),
    Column("dkga", String(2), nullable=False),
    Column("base_date", Integer, nullable=False),
    Column("ken", Integer, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

meters: Final = Table(
    "hes_meters",
    metadata,
    Column("serial", String(13), primary_key=True),
    Column("sgc", String(6), nullable=False),
    Column("krn", Integer, nullable=False),
    Column("ti", String(2), nullable=False),
    Column("blocked", Boolean, nullable=False),
    # The absolute UTC minute of the newest token. Per meter and not per key, because a meter keeps
    # its TIDs across a key change. NULL: none issued yet.
    Column("last_issue_minute", Integer, nullable=True),
    ForeignKeyConstraint(["sgc", "krn"], ["hes_vending_keys.sgc", "hes_vending_keys.krn"]),
)

vends: Final = Table(
    "hes_vends",
    metadata,
    Column("vend_id", String(64), primary_key=True),
    Column("serial", String(13), ForeignKey("hes_meters.serial"), nullable=False),
    Column("kwh_tenths", Integer, nullable=False),
    Column("base_date", Integer, nullable=False),
    Column("tid", Integer, nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
    Column("issued_at", Integer, nullable=False),
    Column("delivery", String(16), nullable=False),
    Column("delivery_result", String(64), nullable=True),
    Column("delivery_attempts", Integer, nullable=False),
    Column("delivery_due_at", Integer, nullable=False),
    UniqueConstraint("serial", "base_date", "tid", name="hes_vends_one_tid_per_meter"),
    Index("hes_vends_by_time", "issued_at", "vend_id"),
    Index("hes_vends_due", "delivery", "delivery_due_at"),
)


def open_engine(url: str) -> Engine:
    """Open the store at a SQLAlchemy URL and create what is missing in it.

    Raises sqlalchemy.exc.SQLAlchemyError when it cannot be reached.
    """
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    # Two processes that start together both find no tables; the loser's CREATE fails harmlessly,
    # and whatever else was wrong shows at once in the second try.
    with suppress(OperationalError, ProgrammingError):
        metadata.create_all(engine)
    metadata.create_all(engine)
    return engine


def reading(engine: Engine) -> Engine:
    """Give the same engine for transactions that only read, which then wait for no writer."""
    return engine.execution_options(**{_READ_ONLY: True})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: it would begin them DEFERRED, and a
    # deferred transaction that reads and then writes can fail at once instead of waiting.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
