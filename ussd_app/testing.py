"""Dialogs as tests in Python, for flow authors who prefer it to YAML: a step is a call.

    Conversation.of(program).dial("*789#").sees("Acheter").answers("1").ends("Merci.")

The steps are those of transcripts, by the same rules: one player takes both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from ussd_app.flow.diagnostics import Position
from ussd_app.handset import NoSession
from ussd_app.messages import Budget, Screen
from ussd_app.replay.player import Around, Failure, Phone, Playing, World, stage
from ussd_app.replay.reading import LEAVES
from ussd_app.replay.report import told
from ussd_app.replay.transcript import (
    MSISDN,
    After,
    Field,
    How,
    Scripted,
    Step,
    Transcript,
    Verb,
)
from ussd_app.screens import Program

#: pytest shows the author's line, none of these.
__tracebackhide__ = True


class Conversation:
    """A dialog on a phone. Every step gives the conversation back, for the next one.

    A step that does not hold raises AssertionError with the dialog so far and the screen; one taken
    before `dial` raises `NoSession`. A step that cannot be played on this phone is passed over, as
    in a transcript, and stands in `passed_over`.

    `on_stage` gives the phone for what is scripted, and the world around it; a screen holds
    `septets_max`.
    """

    def __init__(
        self,
        on_stage: Callable[[Transcript], tuple[Phone, World]],
        msisdn: str = MSISDN,
        septets_max: int = 160,
    ) -> None:
        self._on_stage = on_stage
        self._septets_max = septets_max
        self._so_far = Transcript("a conversation", "", msisdn, "", {}, ())
        self._playing: Playing | None = None

    @classmethod
    def of(cls, program: Program, msisdn: str = MSISDN, budget: Budget | None = None) -> Self:
        """On a phone in this process; back-ends answer as scripted, else with their sample."""
        budget = budget or Budget()
        return cls(lambda scripted: stage(scripted, program, budget), msisdn, budget.septets_max)

    @classmethod
    def on(
        cls,
        phone: Phone,
        world: World | None = None,
        msisdn: str = MSISDN,
        septets_max: int = 160,
    ) -> Self:
        """On any phone, which has back-ends of its own; without a `world` there is none around it.

        `msisdn` is the phone's, for the transcript.
        """

        def on_stage(scripted: Transcript) -> tuple[Phone, World]:
            if scripted.backends:
                raise ValueError("the back-ends of this phone cannot be scripted")
            return phone, world or Around()

        return cls(on_stage, msisdn, septets_max)

    def backend(self, name: str, outcome: str, /, **fields: Field) -> Self:
        """Script a back-end's next answer, `fields` in place of its sample's; the last one stays.

        Raises ValueError once the dialog has begun.
        """
        if self._playing is not None:
            raise ValueError(f"script {name} before the first dial")
        known = self._so_far.backends
        answers = (*known.get(name, ()), Scripted(outcome, fields))
        self._so_far = replace(self._so_far, backends={**known, name: answers})
        return self

    def dial(self, dial_string: str) -> Self:
        """Dial, or dial again; raises ValueError for a first code that the phone does not serve."""
        if self._playing is not None:
            return self._take(Verb.DIAL, dial_string)
        at = _here()
        so_far = replace(self._so_far, file=at.file, dial=dial_string, at=at)
        playing = Playing(*self._on_stage(so_far))
        playing.dial(dial_string)
        self._so_far, self._playing = so_far, playing
        return self

    def answers(self, typed: str) -> Self:
        """Send an answer: `send`."""
        return self._take(Verb.SEND, typed)

    def sees(
        self, contains: str | None = None, *, exact: str | None = None, regex: str | None = None
    ) -> Self:
        """A screen that waits for an answer is shown: `see`. Raises ValueError unless told one."""
        return self._expect(Verb.SEE, contains, exact, regex)

    def ends(
        self, contains: str | None = None, *, exact: str | None = None, regex: str | None = None
    ) -> Self:
        """The last screen is shown: `end`. Raises ValueError unless told one text."""
        return self._expect(Verb.END, contains, exact, regex)

    def texts(
        self, contains: str | None = None, *, exact: str | None = None, regex: str | None = None
    ) -> Self:
        """An SMS has come: `sms`. Raises ValueError unless told one text.

        In this process only a flow's own come; where it sent none, the step is passed over.
        """
        return self._expect(Verb.SMS, contains, exact, regex)

    def repeats(self) -> Self:
        """The same callback once more shows the same: `repeat`."""
        return self._take(Verb.REPEAT, "same")

    def drops(self, reason: str) -> Self:
        """The client leaves, `cancel` or `timeout`: `drop`. Raises ValueError for other reasons."""
        if reason not in LEAVES:
            raise ValueError(f'a client leaves by {" or ".join(LEAVES)}, not by "{reason}"')
        return self._take(Verb.DROP, reason)

    def late(self, backend: str) -> Self:
        """A back-end's next answer does not come in the time of its hop."""
        return self._take(Verb.LATE, backend)

    def failed(self, backend: str) -> Self:
        """A back-end's next answer is `failed`."""
        return self._take(Verb.FAILED, backend)

    def waits(self, *, minutes: float = 0, seconds: float = 0) -> Self:
        """Time goes by: `wait`."""
        whole = minutes * 60 + seconds
        return self._take(Verb.WAIT, f"{whole:g}s", seconds=whole)

    def after(
        self,
        *,
        calls: Mapping[str, int] | None = None,
        messages: int | None = None,
        masked: Sequence[str] = (),
    ) -> Self:
        """What holds at the end, said last; see `After`."""
        playing, at = self._begun(), _here()
        places = dict.fromkeys([*(calls or {}), "messages", "masked"], at)
        after = After(calls or {}, messages, tuple(masked), places)
        self._hold(playing.check(after))
        self._so_far = replace(self._so_far, after=after)
        return self

    @property
    def screen(self) -> Screen:
        """The last screen."""
        return self._begun().played(self._so_far).screens[-1]

    @property
    def passed_over(self) -> tuple[Step, ...]:
        """The steps that could not be played on this phone."""
        return self._begun().played(self._so_far).passed_over

    def transcript(self, name: str) -> Transcript:
        """The dialog until now under a name, for `writing.as_yaml`."""
        self._begun()
        return replace(self._so_far, name=name)

    def _expect(
        self, verb: Verb, contains: str | None, exact: str | None, regex: str | None
    ) -> Self:
        told_here = {How.CONTAINS: contains, How.EXACT: exact, How.REGEX: regex}
        given = [(how, text) for how, text in told_here.items() if text is not None]
        if len(given) != 1:
            raise ValueError(f"{verb}: give one text: what it contains, exact= or regex=")
        ((how, text),) = given
        return self._take(verb, text, how)

    def _take(
        self, verb: Verb, text: str, how: How = How.CONTAINS, *, seconds: float = 0.0
    ) -> Self:
        step = Step(verb, text, _here(), how, seconds)
        self._hold(self._begun().take(step))
        self._so_far = replace(self._so_far, steps=(*self._so_far.steps, step))
        return self

    def _hold(self, failure: Failure | None) -> None:
        if failure is not None:
            played = self._begun().played(self._so_far, failure)
            raise AssertionError(told(played, self._septets_max))

    def _begun(self) -> Playing:
        if self._playing is None:
            raise NoSession("dial first")
        return self._playing


def _here() -> Position:
    """The line of the author's that called this module."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    file, line = (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 1)
    return Position(file, line, 1, line, 1)
