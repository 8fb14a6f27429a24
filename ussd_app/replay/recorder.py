"""A phone that writes down what is played on it, as a transcript that plays again."""

from __future__ import annotations

from ussd_app.effects import FAILED, Call, CallResult, Value
from ussd_app.messages import Action, Screen
from ussd_app.replay.player import Phone
from ussd_app.replay.transcript import NOWHERE, Field, How, Scripted, Step, Transcript, Verb


def _written(value: Value) -> Field:
    if isinstance(value, tuple | list):
        return tuple({name: _plain(each) for name, each in row.items()} for row in value)
    return _plain(value)


def _plain(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


class Recorder:
    """`Phone`, over another one. What a masked screen is answered with is written as nines.

    (Zeros would be the keys for back and home.)
    """

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._dialled = ""
        self._steps: list[Step] = []
        self._asked = 0
        self._answers: dict[str, list[Scripted]] = {}
        self._heard: set[str] = set()
        self._masked = False

    def dial(self, dial_string: str) -> Screen:
        """See `Phone.dial`."""
        if self._dialled:
            self._do(Verb.DIAL, dial_string)
        else:
            self._dialled = dial_string
        return self._see(self._phone.dial(dial_string))

    def send(self, typed: str) -> Screen:
        """See `Phone.send`."""
        self._do(Verb.SEND, "9" * len(typed) if self._masked else typed)
        return self._see(self._phone.send(typed))

    def repeat(self) -> Screen:
        """See `Phone.repeat`."""
        screen = self._phone.repeat()
        self._do(Verb.REPEAT, "same")
        return screen

    def drop(self, reason: str) -> None:
        """See `Phone.drop`."""
        self._phone.drop(reason)
        self._do(Verb.DROP, "cancel")

    def heard(self, call: Call, result: CallResult | None) -> None:
        """Note what a back-end came to, None where it was late, in the hop under way."""
        if result is None or result.outcome == FAILED:
            verb = Verb.LATE if result is None else Verb.FAILED
            # Ordered before the answer that leads to the call.
            self._steps.insert(self._asked, Step(verb, call.backend, NOWHERE))
            self._asked += 1
        elif call.id not in self._heard:
            self._heard.add(call.id)
            fields = {name: _written(value) for name, value in result.fields.items()}
            self._answers.setdefault(call.backend, []).append(Scripted(result.outcome, fields))

    def transcript(self, name: str, msisdn: str) -> Transcript:
        """What was played so far; raises ValueError if nothing was."""
        if not self._dialled:
            raise ValueError("nothing was dialled")
        backends = {backend: tuple(answers) for backend, answers in self._answers.items()}
        return Transcript(name, "", msisdn, self._dialled, backends, tuple(self._steps))

    def _do(self, verb: Verb, text: str) -> None:
        self._asked = len(self._steps)
        self._steps.append(Step(verb, text, NOWHERE))

    def _see(self, screen: Screen) -> Screen:
        verb = Verb.END if screen.action is Action.END else Verb.SEE
        self._steps.append(Step(verb, screen.text, NOWHERE, How.EXACT))
        self._masked = screen.masked
        return screen
