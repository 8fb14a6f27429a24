"""Time as the simulators see it: a clock that is passed in, so that a test can turn its hands.

Burkina Faso is at UTC+0 all year, so a day of the statement is a UTC day.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of this machine, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """`moment` in UTC, as RFC 3339 text ending in Z; sorts as text in the order of time."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> datetime:
    """The inverse of `rfc3339`."""
    return datetime.fromisoformat(text)
