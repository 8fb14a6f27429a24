"""What the application needs of an SMS centre."""

from __future__ import annotations

from typing import Protocol

from outward.results import Result


class SmsCentre(Protocol):
    """A driver. An SMS cannot be had exactly once: a doubt is sent again, with the same text."""

    def send(self, sms_id: str, to: str, text: str, deadline_seconds: float) -> Result[str]:
        """Hand over an SMS for `to` (+226…) under our `sms_id`; the centre's own id.

        Success says accepted, not read. Declined says it will never be accepted as it is. Raises
        for nothing the centre does.
        """
        ...
