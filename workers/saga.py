"""The purchase saga, pure: purchase + result → purchase. A table; no I/O, no clock, no randomness.

A purchase takes outward *steps*: debit, sale, vend, token, then SMS; or void and refund. For each
step, `purchases.py` commits an intent (`intend`), makes one call, and commits what came of it
(`settle`). Whatever dies in between leaves a step in SENT, and that is a doubt like any other.

What a step may do after a doubt depends on the other side:

============  =======================================================================
`ask`         asked about until proven; never sent again (debit, refund)
`ask_resend`  asked about; sent again under the same key once the other side, past the
              settle window, has never heard of it (vend, at a head end system that
              gives the same token for the same id)
`resend`      sent again under the same key: the other side answers a repeat with what
              it did the first time (sale, token, void, SMS)
============  =======================================================================

A refusal of a first attempt is proof that nothing was done. A refusal after a doubt proves nothing
until the settle window has passed: then the other side is asked, or, where a repeat is answered
with what was first done, sent to again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ledger.model import (
    SETTLED,
    UNRESOLVED,
    Purchase,
    Resolution,
    State,
    Step,
    StepState,
)
from outward.results import (
    Declined,
    Misconfigured,
    NotFound,
    NotSent,
    Pending,
    Reason,
    Result,
    Success,
    Unknown,
)


class Policy(StrEnum):
    """What may be done about a doubt."""

    ASK = "ask"
    ASK_RESEND = "ask_resend"
    RESEND = "resend"


class Verb(StrEnum):
    """One outward act."""

    SEND = "send"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Act:
    """What to do next: send a step, or ask about it."""

    verb: Verb
    step: str


@dataclass(frozen=True, slots=True)
class Windows:
    """Times in seconds; see `Settings` for what each means.

    `vend_again`: the head end system promises the same token for the same id, so that a vend it
    has never heard of may be sent again; where it does not, a person decides.
    """

    settle: float
    ask: float
    ask_max: float
    not_found: float
    retry_max: float
    notice: float
    lease: float
    screen: float
    vend_again: bool = True


#: Reads of "never heard of it", beside the window, that prove it.
NOT_FOUND_READS = 2
#: Questions asked as often as the other side advises, before they become rarer.
_ASKS_ADVISED = 20
#: A debit proven unsent this often is given up.
DEBIT_SENDS_MAX = 3

_POLICIES = {
    "debit": Policy.ASK,
    "refund": Policy.ASK,
    "vend": Policy.ASK_RESEND,
    "sale": Policy.RESEND,
    "token": Policy.RESEND,
    "void": Policy.RESEND,
}

#: (step → the state while it is out, the state once it is done).
_PATH: Mapping[str, tuple[State, State]] = {
    "debit": (State.DEBITING, State.PAID),
    "sale": (State.RECORDING, State.RECORDED),
    "vend": (State.VENDING, State.VENDED),
    "refund": (State.REFUNDING, State.REFUNDED),
}


def policy(step: str) -> Policy:
    """What may be done about a doubt of this step; an SMS may be sent again, with the same text."""
    return _POLICIES.get(step, Policy.RESEND)


def start(purchase: Purchase, due_at: float) -> Purchase:
    """A new purchase with its first step due."""
    return replace(purchase, steps={"debit": Step("debit", due_at=due_at)})


def next_act(purchase: Purchase, now: float) -> Act | None:
    """The act that is due, the oldest first; None if there is none yet, or never."""
    due = [
        step for step in purchase.steps.values() if step.due_at is not None and step.due_at <= now
    ]
    if not due:
        return None
    step = min(due, key=lambda each: (each.due_at or 0.0, each.name.startswith("sms:")))
    return Act(_verb(step), step.name)


def _verb(step: Step) -> Verb:
    if step.state is StepState.READY:
        return Verb.SEND
    return Verb.SEND if policy(step.name) is Policy.RESEND else Verb.ASK


def intend(purchase: Purchase, act: Act, now: float, windows: Windows) -> Purchase:
    """The purchase with the act's intent in it; to be committed before anything leaves.

    If the process dies, the step comes due again when the lease has lapsed.
    """
    step = purchase.steps[act.step]
    again = now + windows.lease
    if act.verb is Verb.ASK:
        step = replace(step, asks=step.asks + 1, due_at=again)
        return _with(purchase, step)
    step = replace(
        step,
        state=StepState.SENT,
        # A step that is sent while its last attempt is unproven is in doubt for good.
        doubted=step.doubted or step.state in {StepState.SENT, StepState.DOUBT},
        sends=step.sends + 1,
        first_sent_at=step.first_sent_at or now,
        sent_at=now,
        due_at=again,
    )
    path = _PATH.get(act.step)
    return replace(_with(purchase, step), state=path[0] if path else purchase.state)


def settle(
    purchase: Purchase, act: Act, result: Result[object], now: float, windows: Windows
) -> Purchase:
    """The purchase with what came of an act."""
    step = purchase.steps[act.step]
    match result:
        case Success():
            return _done(purchase, step, now)
        case Pending(next_poll_seconds=seconds):
            # As it advises at first; a client has long decided when the questions become rarer.
            rarer = _backed_off(windows.ask, step.asks - _ASKS_ADVISED, windows.ask_max)
            due_at = now + max(seconds, rarer if step.asks > _ASKS_ADVISED else 0.0)
            pending = replace(step, state=StepState.PENDING, due_at=due_at)
            return _noticed(_with(purchase, pending), now, windows)
        case Declined():
            settled = _settled_at(step, windows)
            if act.verb is Verb.SEND and step.doubted and now < settled:
                return _noticed(_with(purchase, _doubt(step, settled)), now, windows)
            return _refused(purchase, step, result, now, windows)
        case NotSent():
            return _not_sent(purchase, act, step, now, windows)
        case NotFound() if act.verb is Verb.ASK:
            return _not_found(purchase, step, now, windows)
        case NotFound() | Unknown() | Misconfigured():
            delay = _backed_off(windows.ask, max(step.asks, step.sends - 1), windows.ask_max)
            if policy(step.name) is Policy.RESEND:
                delay = _backed_off(windows.ask, step.sends - 1, windows.retry_max)
            return _noticed(_with(purchase, _doubt(step, now + delay)), now, windows)


def _backed_off(first: float, times: int, most: float) -> float:
    doubled: float = first * 2 ** min(max(times, 0), 20)
    return min(doubled, most)


def _doubt(step: Step, due_at: float) -> Step:
    return replace(step, state=StepState.DOUBT, doubted=True, due_at=due_at)


def _settled_at(step: Step, windows: Windows) -> float:
    """When an attempt that was on its way has landed or never will.

    A step that is only ever repeated is judged from its first attempt: its repeats are answered.
    """
    resent = policy(step.name) is Policy.RESEND
    sent_at = step.first_sent_at if resent else step.sent_at
    return (sent_at or 0.0) + windows.settle


def _with(purchase: Purchase, *steps: Step) -> Purchase:
    return replace(purchase, steps={**purchase.steps, **{each.name: each for each in steps}})


def _not_sent(purchase: Purchase, act: Act, step: Step, now: float, windows: Windows) -> Purchase:
    """Proven unsent: harmless to try again, unless an earlier attempt is in doubt."""
    delay = _backed_off(windows.ask, max(step.sends - 1, step.asks - 1), windows.retry_max)
    if act.verb is Verb.ASK or step.doubted:
        return _noticed(_with(purchase, _doubt(step, now + delay)), now, windows)
    if step.name == "debit" and step.sends >= DEBIT_SENDS_MAX:
        return _expired(purchase, step, "the operator could not be reached", now, windows)
    unsent = replace(step, state=StepState.READY, due_at=now + delay)
    return _noticed(_with(purchase, unsent), now, windows)


def _not_found(purchase: Purchase, step: Step, now: float, windows: Windows) -> Purchase:
    """The other side never heard of it: proof only when late enough, and read twice."""
    settled = _settled_at(step, windows)
    if now < settled:
        return _noticed(_with(purchase, _doubt(step, settled)), now, windows)
    step = replace(step, not_found=step.not_found + 1)
    if policy(step.name) is Policy.ASK_RESEND and windows.vend_again:
        # Proven: no earlier attempt took. The next one is a first attempt again.
        fresh = replace(step, state=StepState.READY, doubted=False, due_at=now)
        return _with(purchase, fresh)
    proven_at = (step.first_sent_at or now) + windows.not_found
    if now >= proven_at and step.not_found >= NOT_FOUND_READS:
        if step.name == "vend":
            closed = replace(step, state=StepState.CLOSED, due_at=None)
            reason = "the vend may have been lost, and this head end system may vend twice"
            return _suspense(_with(purchase, closed), reason, now)
        if step.name == "debit":
            return _expired(purchase, step, "the operator never heard of the debit", now, windows)
        fresh = replace(step, state=StepState.READY, doubted=False, not_found=0, due_at=now)
        return _with(purchase, fresh)
    delay = _backed_off(windows.ask, step.asks, windows.ask_max)
    due_at = max(now + windows.ask, min(now + delay, proven_at))
    return _noticed(_with(purchase, _doubt(step, due_at)), now, windows)


def _done(purchase: Purchase, step: Step, now: float) -> Purchase:
    purchase = _with(purchase, replace(step, state=StepState.DONE, due_at=None))
    path = _PATH.get(step.name)
    if path is not None:
        purchase = replace(purchase, state=path[1])
    match step.name:
        case "debit":
            purchase = _with(purchase, Step("sale", due_at=now))
        case "sale":
            purchase = _with(purchase, Step("vend", due_at=now))
        case "vend":
            purchase = replace(purchase, resolution=Resolution.VEND)
            purchase = _with(purchase, Step("token", due_at=now), Step("sms:token", due_at=now))
        case "refund":
            purchase = _with(purchase, Step("sms:refunded", due_at=now))
    return _completed(_quiet(purchase))


def _completed(purchase: Purchase) -> Purchase:
    """VENDED becomes COMPLETED once the platform has the token and the client the SMS."""
    if purchase.state is State.VENDED:
        wanted = (purchase.steps.get("token"), purchase.steps.get("sms:token"))
        if all(step is not None and step.state is StepState.DONE for step in wanted):
            return replace(purchase, state=State.COMPLETED)
    return purchase


def _refused(
    purchase: Purchase, step: Step, declined: Declined, now: float, windows: Windows
) -> Purchase:
    """Proven: not done, and refused."""
    purchase = _with(purchase, replace(step, state=StepState.REFUSED, due_at=None))
    match step.name:
        case "debit":
            known = declined.reason is Reason.INSUFFICIENT_FUNDS
            notice = "sms:insufficient_funds" if known else "sms:declined"
            purchase = replace(purchase, state=State.DECLINED, reason=str(declined.reason))
            # The screen may still tell it; the SMS is for when it does not.
            return _quiet(_with(purchase, Step(notice, due_at=now + windows.screen)))
        case "sale" | "vend":
            return _refund(purchase, f"{step.name} refused: {declined.reason}", now)
        case "refund":
            return _suspense(purchase, f"refund refused: {declined.reason}", now)
        case _:
            # The token has been made, or the money given back: `purchases.py` warns of the rest.
            return replace(purchase, reason=f"{step.name} refused: {declined.reason}")


def _refund(purchase: Purchase, reason: str, now: float) -> Purchase:
    """Proven that no token came of the money: it goes back."""
    if purchase.resolution is Resolution.VEND:
        raise ValueError(f"purchase {purchase.id} has a token: there is nothing to refund")
    purchase = replace(
        purchase, state=State.REFUND_DUE, resolution=Resolution.REFUND, reason=reason
    )
    sale = purchase.steps.get("sale")
    if sale is not None and (sale.state is StepState.DONE or sale.doubted):
        purchase = _with(purchase, Step("void", due_at=now))
    return _quiet(_with(purchase, Step("refund", due_at=now)))


def _expired(purchase: Purchase, step: Step, reason: str, now: float, windows: Windows) -> Purchase:
    purchase = _with(purchase, replace(step, state=StepState.CLOSED, due_at=None))
    purchase = replace(purchase, state=State.EXPIRED, reason=reason)
    return _quiet(_with(purchase, Step("sms:expired", due_at=now + windows.screen)))


def _suspense(purchase: Purchase, reason: str, now: float) -> Purchase:
    """A person decides; the client is told that somebody looks at it."""
    purchase = replace(purchase, state=State.SUSPENSE, reason=reason)
    return _quiet(_with(purchase, Step("sms:suspense", due_at=now)))


def _noticed(purchase: Purchase, now: float, windows: Windows) -> Purchase:
    """An unresolved purchase tells the client once, after a while, what it is waiting for."""
    if purchase.state not in UNRESOLVED or purchase.state is State.SUSPENSE:
        return purchase
    paid = purchase.steps["debit"].state is StepState.DONE
    name = "sms:delayed" if paid else "sms:verifying"
    if name in purchase.steps:
        return purchase
    due_at = max(now, purchase.created_at + windows.notice)
    return _with(purchase, Step(name, due_at=due_at))


def _quiet(purchase: Purchase) -> Purchase:
    """Notices of a wait that is over are not sent any more."""
    over = set()
    if purchase.steps["debit"].state in SETTLED:
        over.add("sms:verifying")
    if purchase.resolution is not Resolution.NONE or purchase.state is State.SUSPENSE:
        over.add("sms:delayed")
    closed = [
        replace(step, state=StepState.CLOSED, due_at=None)
        for name, step in purchase.steps.items()
        if name in over and step.state not in SETTLED
    ]
    return _with(purchase, *closed)
