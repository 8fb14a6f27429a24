"""How many unknown meters a number may name: serials can be guessed, and names hang on them.

Counted in Redis over a sliding hour, under a keyed hash of the number. A number that has used its
guesses up is answered for every meter as if the platform failed: so nobody learns anything more,
not even that.
"""

from __future__ import annotations

import logging
from typing import Protocol

from limits import RateLimitItem, RateLimitItemPerHour
from redis.exceptions import RedisError

from ussd_app.rates import Limiter
from ussd_app.sealing import Sealer

log = logging.getLogger("cassou.guesses")


class Counter(Limiter, Protocol):
    """What counts, and tells without counting."""

    def test(self, item: RateLimitItem, *identifiers: str, cost: int = 1) -> bool:
        """Whether there is room for one more."""
        ...


class Guesses:
    """The unknown meters that numbers have named. `per_hour` is what one may; 0 is no limit."""

    def __init__(self, counter: Counter, sealer: Sealer, per_hour: int) -> None:
        self._counter = counter
        self._sealer = sealer
        self._item = RateLimitItemPerHour(per_hour) if per_hour else None

    def used_up(self, msisdn: str) -> bool:
        """Whether a number has to wait; nobody has to where Redis does not answer."""
        if self._item is None:
            return False
        try:
            return not self._counter.test(self._item, "guess", self._key(msisdn))
        except RedisError as error:
            log.warning("guesses not counted: Redis: %s", type(error).__name__)
            return False

    def missed(self, msisdn: str) -> None:
        """A number has named a meter that nobody knows."""
        if self._item is None:
            return
        try:
            self._counter.hit(self._item, "guess", self._key(msisdn))
        except RedisError as error:
            log.warning("guesses not counted: Redis: %s", type(error).__name__)

    def _key(self, msisdn: str) -> str:
        return self._sealer.name("guess", msisdn).hex()
