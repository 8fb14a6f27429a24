"""One vend is one token, for ever.

A vend id is the idempotency key of its caller. The first request allocates a TID under the meter's
row lock, makes the token, reads it back as the meter will, and commits token and TID together;
only then does anyone see it. Every later request with the id finds that row. There is no way to
make a second token for an id, and no way to make one without its row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, Row, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from hes_adapter.embedded.refusals import (
    BadRequestError,
    ClockError,
    ConflictError,
    KeyExpiredError,
    MeterBlockedError,
    UnknownVendError,
)
from hes_adapter.embedded.registry import find_key, need_meter
from hes_adapter.embedded.tables import meters, reading, vends
from hes_adapter.embedded.vault import Vault
from hes_adapter.sts.amount import EXACT_TENTHS_MAX
from hes_adapter.sts.credit import (
    ElectricityCredit,
    decode_electricity_credit,
    encode_electricity_credit,
)
from hes_adapter.sts.keys import VendingKey, cipher_for
from hes_adapter.sts.serial import SerialError, check_serial, pan_of
from hes_adapter.sts.tid import (
    BeforeBaseDateError,
    TidExhaustedError,
    key_allows,
    tid_of,
    usable_minute,
    utc_minute,
)
from hes_adapter.sts.token import Token

MINUTES_AHEAD_MAX: Final = 30
"""How far a TID may run ahead of the clock. Each token of one minute takes the next minute, so a
meter that gets more than this many in a burst, or a clock that went back, is refused."""

PAGE_MAX: Final = 1000
"""Vends in one page of a day's list."""

PENDING, DELIVERED, REFUSED, NONE = "pending", "delivered", "refused", "none"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Vend:
    """A vend as stored.

    `tid`: minutes since the base date of the key it was made under. `issued_at`: aware UTC, whole
    seconds. `delivery`: pending, delivered, refused or none (typed in by hand). `delivery_result`:
    the meter's last word, None before one.
    """

    vend_id: str
    serial: str
    kwh_tenths: int
    token: Token
    tid: int
    issued_at: datetime
    delivery: str
    delivery_result: str | None


def in_transaction(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    """Run `work` in one transaction, and once more when it lost a race for a unique row.

    The winner's row is committed by then, so the second run finds it. A second loss is a bug and
    is raised.
    """
    try:
        with engine.begin() as connection:
            return work(connection)
    except IntegrityError:
        with engine.begin() as connection:
            return work(connection)


class Vending:
    """Issues tokens and finds them again.

    `clock` gives the aware current time, `rnd` a number from 0 to 15. `deliver`: whether new vends
    wait for delivery to the meter, or end with the token shown to the client.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        rnd: Callable[[], int],
        deliver: bool,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._rnd = rnd
        self._first_delivery = PENDING if deliver else NONE

    def vend(self, vend_id: str, serial: str, kwh_tenths: int) -> tuple[Vend, bool]:
        """Give the vend of this id, issued now if it is new; tell whether it is.

        Raises BadRequestError, UnknownMeterError, ConflictError (the id belongs to another meter or
        amount), MeterBlockedError, KeyExpiredError or ClockError; a refused id stays unused.
        """
        if not 1 <= kwh_tenths <= EXACT_TENTHS_MAX:
            raise BadRequestError(
                f"kwh_tenths is 1 to {EXACT_TENTHS_MAX}, the amounts a token carries exactly,"
                f" not {kwh_tenths}; sell larger amounts as several vends."
            )
        try:
            check_serial(serial)
        except SerialError as error:
            raise BadRequestError(str(error)) from None
        return in_transaction(
            self._engine, lambda connection: self._vend(connection, vend_id, serial, kwh_tenths)
        )

    def find(self, vend_id: str) -> Vend:
        """Give the vend of this id. Raises UnknownVendError when there is none."""
        with reading(self._engine).begin() as connection:
            found = self._find(connection, vend_id)
        if found is None:
            raise UnknownVendError(f"No vend has the id {vend_id}; nothing was issued under it.")
        return found

    def of_day(self, day: date, *, after: str | None) -> list[Vend]:
        """Give at most PAGE_MAX vends issued on a UTC day, oldest first.

        `after` is the id of the last vend of the page before, None for the first page. Raises
        UnknownVendError when no vend has that id.
        """
        first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        last = first + int(timedelta(days=1).total_seconds()) - 1
        asked = (
            select(vends)
            .where(vends.c.issued_at.between(first, last))
            .order_by(vends.c.issued_at, vends.c.vend_id)
            .limit(PAGE_MAX)
        )
        with reading(self._engine).begin() as connection:
            if after is not None:
                place = self._find(connection, after)
                if place is None:
                    raise UnknownVendError(f"No vend has the id {after}; begin at the first page.")
                asked = asked.where(
                    tuple_(vends.c.issued_at, vends.c.vend_id)
                    > tuple_(int(place.issued_at.timestamp()), after)
                )
            return [self._read(row) for row in connection.execute(asked)]

    def _find(self, connection: Connection, vend_id: str) -> Vend | None:
        row = connection.execute(select(vends).where(vends.c.vend_id == vend_id)).one_or_none()
        return None if row is None else self._read(row)

    def _read(self, row: Row[tuple[object, ...]]) -> Vend:
        return Vend(
            vend_id=row.vend_id,
            serial=row.serial,
            kwh_tenths=row.kwh_tenths,
            token=Token(self._vault.open_token(row.sealed_token, row.vend_id)),
            tid=row.tid,
            issued_at=datetime.fromtimestamp(row.issued_at, UTC),
            delivery=row.delivery,
            delivery_result=row.delivery_result,
        )

    def _vend(
        self, connection: Connection, vend_id: str, serial: str, kwh_tenths: int
    ) -> tuple[Vend, bool]:
        found = self._find(connection, vend_id)
        if found is not None:
            if (found.serial, found.kwh_tenths) != (serial, kwh_tenths):
                raise ConflictError(
                    f"The vend id {vend_id} belongs to another meter or amount;"
                    " a new purchase takes a new id."
                )
            return found, False
        meter = need_meter(connection, serial, lock=True)
        if meter.blocked:
            raise MeterBlockedError(f"Meter {serial} is blocked; ask the operator of the grid.")
        key = find_key(connection, self._vault, meter.sgc, meter.krn)
        if key is None:
            raise AssertionError("A foreign key holds every meter to a stored vending key.")
        now = self._clock()
        minute = _next_minute(utc_minute(now), meter.last_issue_minute)
        tid = _tid_under(key, minute)
        credit = ElectricityCredit(tid=tid, kwh_tenths=kwh_tenths, rnd=self._rnd())
        token = _make(key, serial, meter.ti, credit)
        issued_at = int(now.timestamp())
        connection.execute(
            update(meters).where(meters.c.serial == serial).values(last_issue_minute=minute)
        )
        connection.execute(
            insert(vends).values(
                vend_id=vend_id,
                serial=serial,
                kwh_tenths=kwh_tenths,
                base_date=int(key.base_date),
                tid=tid,
                sealed_token=self._vault.seal_token(token.digits, vend_id),
                issued_at=issued_at,
                delivery=self._first_delivery,
                delivery_result=None,
                delivery_attempts=0,
                delivery_due_at=issued_at,
            )
        )
        vend = Vend(
            vend_id=vend_id,
            serial=serial,
            kwh_tenths=kwh_tenths,
            token=token,
            tid=tid,
            issued_at=datetime.fromtimestamp(issued_at, UTC),
            delivery=self._first_delivery,
            delivery_result=None,
        )
        return vend, True


def _next_minute(now: int, last: int | None) -> int:
    """Give the minute the next token of a meter takes: after its last one, and not in the past."""
    minute = usable_minute(now if last is None else max(now, last + 1))
    if minute - now > MINUTES_AHEAD_MAX:
        raise ClockError(
            f"The meter's next token would be {minute - now} minutes ahead of the clock: the clock"
            " went back, or the meter got too many tokens at once. Correct the clock or wait."
        )
    return minute


def _tid_under(key: VendingKey, minute: int) -> int:
    """Give the TID of a minute if the key may issue it."""
    try:
        tid = tid_of(minute, key.base_date)
    except BeforeBaseDateError as error:
        raise ClockError(f"{error} Correct the clock of the head end system.") from None
    except TidExhaustedError as error:
        raise KeyExpiredError(str(error)) from None
    if not key_allows(tid, key.ken):
        raise KeyExpiredError(
            f"The vending key SGC {key.sgc} KRN {key.krn} has expired (KEN {key.ken});"
            " change the meter to a newer key."
        )
    return tid


def _make(key: VendingKey, serial: str, ti: str, credit: ElectricityCredit) -> Token:
    """Make the token and read it back under a key derived anew, as the meter will."""
    token = encode_electricity_credit(credit, cipher_for(key, pan_of(serial), ti))
    if decode_electricity_credit(token, cipher_for(key, pan_of(serial), ti)) != credit:
        raise AssertionError(f"A token for meter {serial} does not decode to what was sold.")
    return token
