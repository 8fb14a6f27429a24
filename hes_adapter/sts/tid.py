"""Token identifiers: the minute a token was issued, counted from the base date of its key.

Source: IEC 62055-41, clause 6.3 (data elements: TID, and its reserved value). A meter
remembers the TIDs it took and refuses one it has seen, or one older than all it remembers, so a
TID is never given twice to one meter.

Minutes are absolute, counted from 1970-01-01 00:00 UTC, so that they compare across base dates;
all base dates are midnights, so the reserved minute of a day is the same minute for each of them.
"""

from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from hes_adapter.sts.token import StsError

TID_MAX: Final = 2**24 - 1
"""The last TID of a base date: 31.9 years after it."""

_MINUTES_PER_DAY: Final = 1440
_RESERVED_MINUTE_OF_DAY: Final = 1


class BeforeBaseDateError(StsError):
    """The minute lies before the base date: the clock is wrong, or the key is not yet in use."""


class TidExhaustedError(StsError):
    """The 24 bits of the base date are used up. The meter needs a key with a newer base date."""


class BaseDate(IntEnum):
    """The year on whose first of January, 00:00 UTC, a key starts to count its TIDs."""

    Y1993 = 1993
    Y2014 = 2014
    Y2035 = 2035

    @property
    def code(self) -> str:
        """The two digits that enter the derivation of a decoder key: 93, 14 or 35."""
        return f"{self.value % 100:02d}"

    @property
    def first_minute(self) -> int:
        """The absolute UTC minute with TID 0."""
        return utc_minute(datetime(self.value, 1, 1, tzinfo=UTC))


def utc_minute(moment: datetime) -> int:
    """Give the absolute UTC minute in which an aware `moment` lies.

    Raises StsError for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise StsError("A moment without a time zone cannot be placed in a UTC minute.")
    return int(moment.timestamp() // 60)


def usable_minute(minute: int) -> int:
    """Give `minute`, or the next one when it is 00:01 UTC, which ordinary tokens may not use."""
    if minute % _MINUTES_PER_DAY == _RESERVED_MINUTE_OF_DAY:
        return minute + 1
    return minute


def tid_of(minute: int, base_date: BaseDate) -> int:
    """Give the TID of an absolute UTC minute under a base date.

    Raises BeforeBaseDateError or TidExhaustedError when it would not be 0 to TID_MAX.
    """
    tid = minute - base_date.first_minute
    if tid < 0:
        raise BeforeBaseDateError(
            f"The moment lies before {base_date.value}-01-01, where the key starts to count."
        )
    if tid > TID_MAX:
        raise TidExhaustedError(
            f"The TIDs of base date {base_date.value} are used up; change to a newer base date."
        )
    return tid


def minute_of(tid: int, base_date: BaseDate) -> int:
    """Give the absolute UTC minute of a TID under a base date: `tid_of` undone."""
    return tid + base_date.first_minute


def key_allows(tid: int, ken: int) -> bool:
    """Tell whether a key with expiry number `ken` (0-255) may still issue `tid`.

    Source: IEC 62055-41, clause 6.1 (KEN: KeyExpiryNumber). One step of KEN is 65 536
    minutes (45.5 days); 255 covers every TID, that is, the key does not expire.
    """
    return tid >> 16 <= ken
