"""The memory of a simulator: one SQLite file, one writer at a time, ledgers that only grow."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def append_only(table: str) -> str:
    """SQL that makes SQLite itself refuse to change or remove a row of `table`."""
    return "".join(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;\n"
        for verb in ("UPDATE", "DELETE")
    )


class Store:
    """An SQLite database at `path` (`:memory:` for none) with the tables of `schema`.

    One connection guarded by one lock: these servers serve tests and demos, and a serial order of
    events is worth more to them than speed. The schema is created once; `reset` drops all of it.
    """

    def __init__(self, path: str, schema: str) -> None:
        self._schema = schema
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA busy_timeout=10000")
        if not self._tables():
            self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the lock: all of it is stored, or nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Every row that `sql` selects."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def row(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row that `sql` selects, or None."""
        return next(iter(self.rows(sql, *values)), None)

    def reset(self) -> None:
        """Drop every table and create them empty."""
        with self._lock:
            for table in self._tables():
                self._connection.execute(f"DROP TABLE {table}")
            self._connection.executescript(self._schema)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def _tables(self) -> list[str]:
        found = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return [row["name"] for row in found]
