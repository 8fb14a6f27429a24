"""Meters and vending keys: registering them, and reading them back under a lock where asked.

A key is stored sealed and has no way out but into a cipher; what is shown is its check value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from hes_adapter.embedded.refusals import BadRequestError, ConflictError, UnknownMeterError
from hes_adapter.embedded.tables import meters, vending_keys
from hes_adapter.embedded.vault import Vault
from hes_adapter.sts.keys import VendingKey, derivation_message
from hes_adapter.sts.serial import check_serial, pan_of
from hes_adapter.sts.tid import BaseDate
from hes_adapter.sts.token import StsError

_UNIQUE_KEY_TYPE: Final = 2


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as the HES knows it.

    `serial`: the 11 or 13 digits on its label. `ti`: tariff index, 2 digits. `last_issue_minute`:
    absolute UTC minute of its newest token, None before the first.
    """

    serial: str
    sgc: str
    krn: int
    ti: str
    blocked: bool
    last_issue_minute: int | None


def add_key(connection: Connection, vault: Vault, key: VendingKey) -> bool:
    """Store a vending key; tell whether it is new. Storing the very same again changes nothing.

    Raises BadRequestError for a key that cannot sell credit here, ConflictError when the store
    holds another key under this supply group and revision, or keys of the other sort (TEST and
    live keys never share a store).
    """
    if key.kt != _UNIQUE_KEY_TYPE or key.ea != "11":
        raise BadRequestError("Credit is sold under unique keys with EA11 only (kt 2, ea 11).")
    rows = connection.execute(select(vending_keys)).mappings().all()
    for row in rows:
        if (row["sgc"], row["krn"]) == (key.sgc, key.krn):
            if _open_key(row, vault) != key:
                raise ConflictError(
                    f"Another vending key is stored for SGC {key.sgc} KRN {key.krn};"
                    " give the new key a new revision number."
                )
            return False
    if any(row["test"] != key.test for row in rows):
        raise ConflictError("TEST and live vending keys never share a store; use another store.")
    values: dict[str, Any] = {
        "sgc": key.sgc,
        "krn": key.krn,
        "kt": key.kt,
        "ea": key.ea,
        "dkga": key.dkga,
        "base_date": int(key.base_date),
        "ken": key.ken,
        "test": key.test,
    }
    values["sealed"] = vault.seal_key(key.secret, _record(values))
    connection.execute(insert(vending_keys).values(**values))
    return True


def check_keys(connection: Connection, vault: Vault) -> int:
    """Open every stored key once and give their number.

    Raises SealBrokenError when the master key is not the store's, which is better learnt at the
    start than at a sale.
    """
    return len(
        [_open_key(row, vault) for row in connection.execute(select(vending_keys)).mappings()]
    )


def find_key(connection: Connection, vault: Vault, sgc: str, krn: int) -> VendingKey | None:
    """Give the vending key of a supply group and revision, or None. Raises SealBrokenError."""
    asked = (vending_keys.c.sgc == sgc) & (vending_keys.c.krn == krn)
    row = connection.execute(select(vending_keys).where(asked)).mappings().one_or_none()
    return None if row is None else _open_key(row, vault)


def put_meter(
    connection: Connection,
    vault: Vault,
    *,
    serial: str,
    sgc: str,
    krn: int,
    ti: str,
    blocked: bool | None,
) -> bool:
    """Register a meter or change it; tell whether it is new. `blocked` None leaves that as it is.

    Raises BadRequestError for a bad serial, tariff index or unknown vending key, and ConflictError
    when the keys of a meter that already has tokens would change.
    """
    key = find_key(connection, vault, sgc, krn)
    if key is None:
        raise BadRequestError(f"No vending key for SGC {sgc} KRN {krn}; load it first.")
    try:
        check_serial(serial)
        derivation_message(key, pan_of(serial), ti)
    except StsError as error:
        raise BadRequestError(str(error)) from None
    found = find_meter(connection, serial, lock=True)
    if found is None:
        connection.execute(
            insert(meters).values(serial=serial, sgc=sgc, krn=krn, ti=ti, blocked=bool(blocked))
        )
        return True
    if found.last_issue_minute is not None and (found.sgc, found.krn, found.ti) != (sgc, krn, ti):
        # The meter would go on decoding with its old key: only key change tokens can move it.
        raise ConflictError(
            f"Meter {serial} already has tokens under SGC {found.sgc} KRN {found.krn}"
            f" TI {found.ti}; its keys change by key change tokens, not here."
        )
    kept = found.blocked if blocked is None else blocked
    connection.execute(
        update(meters)
        .where(meters.c.serial == serial)
        .values(sgc=sgc, krn=krn, ti=ti, blocked=kept)
    )
    return False


def find_meter(connection: Connection, serial: str, *, lock: bool) -> Meter | None:
    """Give a meter or None; with `lock`, nobody else writes its row until the transaction ends.

    Where the dialect has no row locks (SQLite), the transaction itself excludes other writers.
    """
    asked = select(meters).where(meters.c.serial == serial)
    row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
    return None if row is None else Meter(*row)


def need_meter(connection: Connection, serial: str, *, lock: bool) -> Meter:
    """Give a meter as `find_meter` does. Raises UnknownMeterError."""
    meter = find_meter(connection, serial, lock=lock)
    if meter is None:
        raise UnknownMeterError(f"Meter {serial} is not registered at this head end system.")
    return meter


def _open_key(row: Mapping[Any, Any], vault: Vault) -> VendingKey:
    return VendingKey(
        sgc=row["sgc"],
        krn=row["krn"],
        kt=row["kt"],
        ea=row["ea"],
        dkga=row["dkga"],
        base_date=BaseDate(row["base_date"]),
        ken=row["ken"],
        test=row["test"],
        secret=vault.open_key(row["sealed"], _record(row)),
    )


def _record(row: Mapping[Any, Any]) -> str:
    """Write the properties a sealed key is bound to, so that none can be altered in the store."""
    names = ("sgc", "krn", "kt", "ea", "dkga", "base_date", "ken")
    return " ".join(f"{name}={row[name]}" for name in names) + f" test={bool(row['test'])}"
