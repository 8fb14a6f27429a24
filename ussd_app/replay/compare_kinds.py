"""What a recorded session may meet on another version: a closed set of kinds, and their words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ussd_app.replay.transcript import Step, Transcript


class Kind(StrEnum):
    """What a difference is. After those of the first block a session is compared further.

    A screen stands for the recorded one if their bodies differ in digits at most, or if the state
    that shows it may show the recorded body; or, where the recorded body is none of the new flow's,
    if keys and an option are the same, or half the words.
    """

    #: The same screen, but for digits: amounts, dates, receipts.
    FIGURES = "figures"
    #: The same screen, and the same options, in other words.
    WORDS = "words"
    #: An option more than recorded.
    ADDED = "added"
    #: An option less.
    REMOVED = "removed"
    #: The same options under other keys; the session goes on with what was chosen, by its label.
    RENUMBERED = "renumbered"
    #: The same screen on one page where it took several, or on several where it took one.
    PAGES = "pages"
    #: A screen in between; behind it, the recorded one. The state is that of the new screen.
    MORE = "more"
    #: The recorded screen is left out: the one that followed it comes at once, at this state.
    FEWER = "fewer"
    #: A back-end is called, at this state, that the recording has no answer of.
    CALLED = "called"
    #: A back-end is not called, up to this state, whose answer was recorded.
    UNCALLED = "uncalled"
    #: The outcome that a back-end answered with is not declared any more.
    UNDECLARED = "undeclared"

    #: What was typed at this state was taken, and is refused.
    REFUSED = "refused"
    #: What was typed at this state was refused, and is taken.
    TAKEN = "taken"
    #: The session ends, at this state, where it went on.
    ENDS = "ends"
    #: The session goes on, at this state, where it ended.
    GOES_ON = "goes-on"
    #: The very same text, but it ends where it went on, or goes on where it ended.
    ACTION = "action"
    #: Another screen altogether, of this state.
    ANOTHER = "another"
    #: The flow is stuck, has no such service code, or fails.
    STUCK = "stuck"


#: Verb and what follows it, with places for the state and for what it is about.
_TOLD = {
    Kind.FIGURES: ("see", "other figures at {state}"),
    Kind.WORDS: ("see", "other words at {state}"),
    Kind.ADDED: ("see", "an option more at {state}"),
    Kind.REMOVED: ("see", "an option less at {state}"),
    Kind.RENUMBERED: ("see", "options under other keys at {state}"),
    Kind.PAGES: ("see", "other pages at {state}"),
    Kind.MORE: ("see", "one more screen at {state}"),
    Kind.FEWER: ("see", "one screen fewer before {state}"),
    Kind.CALLED: ("call", "{about}, which was not called, at {state}"),
    Kind.UNCALLED: ("leave", "{about} uncalled, which was called, up to {state}"),
    Kind.UNDECLARED: ("get", "an outcome of {about} that is not declared any more, at {state}"),
    Kind.REFUSED: ("get", "an input refused that was taken, at {state}"),
    Kind.TAKEN: ("get", "an input taken that was refused, at {state}"),
    Kind.ENDS: ("end", "where they went on, at {state}"),
    Kind.GOES_ON: ("run", "on where they ended, at {state}"),
    Kind.ACTION: ("see", "the same words with another action at {state}"),
    Kind.ANOTHER: ("come", "to another screen, {state}"),
    Kind.STUCK: ("break", "off at {state}"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a session meets otherwise on the new version.

    `state` is the state of the new flow it is told at, "" before the first; `about` is the back-end
    of a call, else "". `step` is what the recording expected, None where it is about no screen;
    `before` is the new flow's state when the input was given that led there.
    """

    kind: Kind
    state: str
    about: str
    step: Step | None
    before: str
    expected: str
    shown: str


@dataclass(frozen=True, slots=True)
class Example:
    """A difference, and the session it was met in."""

    transcript: Transcript
    difference: Difference


def sentence(kind: Kind, state: str, about: str, count: int, sessions: int) -> str:
    """`312 of 10,000 sessions see one more screen at "confirm"`."""
    verb, rest = _TOLD[kind]
    where = rest.format(state=f'"{state}"' if state else "the dial", about=about)
    return f"{count:,} of {sessions:,} sessions {verb}{'s' if count == 1 else ''} {where}"
