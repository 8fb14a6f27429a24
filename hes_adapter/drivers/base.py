"""What the application needs of a head end system: a token for a meter, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from outward.results import Result


@dataclass(frozen=True, slots=True)
class Vend:
    """A token that was made: 20 digits for `kwh_tenths` tenths of a kWh on the meter `serial`.

    `delivered`: the meter has taken it already. The token does not show in the repr.
    """

    vend_id: str
    token: str = field(repr=False)
    kwh_tenths: int
    delivered: bool
    serial: str


class HeadEndSystem(Protocol):
    """A driver. Deadlines are seconds from now; nothing the system does raises."""

    @property
    def idempotent(self) -> bool:
        """Whether the same vend id always gets the same token: a doubt may then be sent again."""
        ...

    def vend(
        self, vend_id: str, serial: str, kwh_tenths: int, deadline_seconds: float
    ) -> Result[Vend]:
        """Have a token made under `vend_id`, ours for ever. Declined proves that none was made."""
        ...

    def last_vend(self, vend_id: str, deadline_seconds: float) -> Result[Vend]:
        """Ask what was made under `vend_id`; NotFound if they never heard of it.

        Compare meter and energy with what was ordered: the question does not name them.
        """
        ...
