"""What transcripts meet of a flow when they are played in this process. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ussd_app.handset import Handset
from ussd_app.messages import Budget, Screen
from ussd_app.replay.coverage import Coverage, Kind, Point, watched
from ussd_app.replay.fitting import unfit
from ussd_app.replay.noticing import ASKED, noticed
from ussd_app.replay.player import EPOCH, Played, Process, ScriptedBackends, play
from ussd_app.replay.transcript import Transcript
from ussd_app.screens import Program


def study(
    program: Program, budget: Budget, transcripts: Iterable[Transcript]
) -> tuple[Coverage, tuple[Played, ...]]:
    """What these meet together, what is typed at bounds included; and how each was played.

    One that fails counts up to where it does; what it says of other flows is not looked at.
    """
    seen, noting = watched(program)
    found = Coverage(program.flow)
    played = []
    for transcript in transcripts:
        if any(unfit(transcript, program.flow)):
            continue
        clock = [EPOCH]
        backends = ScriptedBackends(program.flow.backends, transcript.backends)
        phone = _Studied(seen, backends, transcript.msisdn, budget, clock, noting)
        played.append(play(transcript, phone, Process(backends, phone, clock)))
        found = found.merge(phone.found)
    return found, tuple(played)


class _Studied(Handset):
    """A phone that notes what is typed at which screen."""

    def __init__(
        self,
        program: Program,
        backends: ScriptedBackends,
        msisdn: str,
        budget: Budget,
        clock: list[float],
        noting: Coverage,
    ) -> None:
        super().__init__(program, backends.answer, msisdn, budget, lambda: clock[0])
        self._noting = noting
        #: What this phone has met.
        self.found = Coverage(noting.flow)

    def dial(self, dial_string: str) -> Screen:
        """See `Handset.dial`."""
        self._noting.noted.clear()
        screen = super().dial(dial_string)
        if self._session is not None and self._session.asking:
            self.found.noted.add(Point(Kind.KEY, "", ASKED))
        self.found.noted |= self._noting.noted
        return screen

    def send(self, typed: str) -> Screen:
        """See `Handset.send`."""
        self._noting.noted.clear()
        before = self._session
        screen = super().send(typed)
        after, met = self._session, self._noting.noted
        if before is not None and after is not None:
            today = datetime.fromtimestamp(after.touched_at, UTC).date()
            self.found.noted |= set(noticed(self._noting.flow, before, typed, after, met, today))
        self.found.noted |= met
        return screen
