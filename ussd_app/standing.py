"""What a callback is to the session that stands: a repeat, late, from another number, or the next.

Pure: the record, the callback and the clock are arguments. A gateway that numbers its hops, or
sends all inputs so far, tells a repeat from a new input always. For one that numbers nothing and
sends the newest input alone, the same input within a second of the reply is a repeat: nobody reads
and types that quickly.
"""

from __future__ import annotations

from typing import NamedTuple

from ussd_app.messages import Kind, UssdRequest
from ussd_app.session import Status
from ussd_app.store import Record

#: A first hop seen again within this long is a repeat; later it is a new dial under an old id.
REPEAT_SECONDS = 120.0
#: Where a gateway numbers nothing: the same input within this long of its reply is a repeat.
RETRY_SECONDS = 1.0


class Standing(NamedTuple):
    """A callback against the record of its session, at one moment.

    `raw` is the callback as the gateway sent it, `request` as `resolve` reads it against the
    record; `now` is in seconds since the epoch, a session ends idle after `idle_seconds`.
    """

    record: Record
    raw: UssdRequest
    request: UssdRequest
    now: float
    idle_seconds: float

    @property
    def lives(self) -> bool:
        """Whether the session goes on."""
        session = self.record.session
        return session.status is Status.LIVE and self._idle <= self.idle_seconds

    @property
    def differs(self) -> bool:
        """Whether the callback names another number than the session's."""
        return self.request.msisdn not in {"", self.record.session.msisdn}

    @property
    def is_repeat(self) -> bool:
        """Whether this is the newest hop again."""
        if self.record.hop != self.request.hop or self.differs:
            return False
        if self._numbers_nothing and self.record.reply is not None:
            return self.now - self.record.answered_at < RETRY_SECONDS
        # A hop that was not its session's first is never the dial of a new one, however late.
        later = self.record.session.hops > 1
        if self.request.kind is not Kind.BEGIN or self.lives or later:
            return True
        return self.now - self.record.claimed_at < REPEAT_SECONDS

    @property
    def is_older(self) -> bool:
        """Whether this hop is not after the newest one: a late repeat, never a wish of its own.

        What could be a new dial under an ended session's id is told from a repeat by time alone.
        """
        if self.differs:
            return False
        text, before = self.raw.input, self.record.accumulated
        if self.raw.accumulated and text and before.startswith(f"{text}*"):
            return True
        if self.raw.accumulated:
            # Another answer to a screen that has been answered: the loser of a race.
            early = text != before and not self.is_newer
        else:
            position, newest = self.raw.position, self.record.position
            early = position is not None and newest is not None and position < newest
        return early and (self.lives or self._idle < REPEAT_SECONDS)

    @property
    def is_newer(self) -> bool:
        """Whether this hop comes after the newest one the record knows."""
        if self.raw.accumulated:
            before = self.record.accumulated
            return self.raw.input.startswith(f"{before}*" if before else "") and (
                len(self.raw.input) > len(before)
            )
        if self.raw.position is None or self.record.position is None:
            return True
        return self.raw.position > self.record.position

    @property
    def _idle(self) -> float:
        return self.now - self.record.session.touched_at

    @property
    def _numbers_nothing(self) -> bool:
        """Whether the gateway tells the hops of a dialog apart by nothing but their input."""
        raw = self.raw
        told = raw.unique or raw.accumulated or raw.position is not None
        return not told and raw.kind is not Kind.BEGIN
