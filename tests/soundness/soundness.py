"""The claim, tried on one application: it is refused by `check`, or it behaves on every walk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from tests.soundness.claims import Broken
from tests.soundness.made_files import APPLICATION, Menus
from tests.soundness.shrinking import shrunk
from tests.soundness.tally import Tally
from tests.soundness.walker import Walk
from ussd_app.application import Application
from ussd_app.flow.diagnostics import FlowError
from ussd_app.flow.model import Flow
from ussd_app.messages import Budget

#: What gateways carry: 160 and 182 septets, with UCS-2 or without, and one that is narrow.
BUDGETS: tuple[tuple[Budget, ...], ...] = (
    (Budget(),),
    (Budget(182),),
    (Budget(160, ucs2_max=70),),
    (Budget(182, ucs2_max=80),),
    (Budget(120),),
    (Budget(), Budget(182, ucs2_max=70)),
)
#: Multiplies the flows of every test of the room: for a deep run by hand.
DEEPER = int(os.environ.get("CASSOU_SOUNDNESS_DEEPER", "1"))
#: Added to every seed: for a run over other flows by hand.
FROM = int(os.environ.get("CASSOU_SOUNDNESS_FROM", "0"))
SESSIONS = 3
HOPS = 25


#: Those that carry UCS-2.
WIDE = tuple(each for each in BUDGETS if all(budget.ucs2_max for budget in each))


def budgets_of(menus: Menus, number: int) -> tuple[Budget, ...]:
    """The budgets that an application is checked against: as a rule they carry its alphabet."""
    known = WIDE if menus.flow.get("alphabet") == "ucs2" and number % 8 else BUDGETS
    return known[number % len(known)]


def passed(
    menus: Menus, budgets: tuple[Budget, ...], application: Application = APPLICATION
) -> Flow | None:
    """The flow if `check` has nothing to say; None if it has."""
    try:
        compiled = menus.examined(budgets, application)
    except FlowError:
        return None
    return None if compiled.diagnostics else compiled.flow


def walked(
    flow: Flow, budgets: tuple[Budget, ...], number: int, tally: Tally, walks: int
) -> Broken | None:
    """What was broken on so many walks, if anything."""
    for each in range(walks):
        random = Random(f"{number} {each}")  # chance, not secrecy
        try:
            Walk(flow, random.choice(budgets), random, tally).run(SESSIONS, HOPS)
        except Broken as broken:
            return broken
    return None


@dataclass
class Trial:
    """Applications tried one after the other, and how they fared."""

    application: Application = APPLICATION
    tally: Tally = field(default_factory=Tally)
    caught: int = 0
    behaved: int = 0
    #: What was broken, each with the smallest application that breaks it.
    broken: list[str] = field(default_factory=list)

    def try_out(self, name: str, menus: Menus, number: int, walks: int) -> None:
        """Try one; it fails the trial where `check` raises, or a walk breaks."""
        budgets = budgets_of(menus, number)
        self.tally.flows += 1
        try:
            flow = passed(menus, budgets, self.application)
        except Exception as error:  # noqa: BLE001  # the claim is that check never raises
            self.broken.append(f"{name}: check raises {error!r}\n{menus.shown()}")
            return
        if flow is None:
            self.caught += 1
            return
        self.behaved += 1
        self.tally.passed += 1
        self.tally.flow(menus, flow)
        broken = walked(flow, budgets, number, self.tally, walks)
        if broken is not None:
            self.broken.append(self._told(name, menus, budgets, number, broken))

    def try_all(self, named: Iterable[tuple[str, Menus]], number: int, walks: int) -> None:
        """Try several."""
        for name, menus in named:
            self.try_out(name, menus, number, walks)

    def _told(
        self, name: str, menus: Menus, budgets: tuple[Budget, ...], number: int, broken: Broken
    ) -> str:
        kind = broken.what[:40]

        def fails(smaller: Menus) -> bool:
            try:
                flow = passed(smaller, budgets, self.application)
            except Exception:  # noqa: BLE001  # another failure than the one looked at
                return False
            found = walked(flow, budgets, number, Tally(), 8) if flow is not None else None
            return found is not None and found.what[:40] == kind

        small = shrunk(menus, fails)
        flow = passed(small, budgets, self.application)
        last = walked(flow, budgets, number, Tally(), 8) if flow is not None else None
        trail = (last or broken).trail[-12:]
        return "\n".join((f"{name} (budgets {budgets}): {broken.what}", *trail, small.shown()))
