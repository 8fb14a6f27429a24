"""One recorded session beside the new version: the same inputs, hop by hop.

Where a screen is not the recorded one, it is found out what became of that, and both go on from
where they agree again; where they do not, the comparison of that session ends. Looking ahead is one
screen deep and a few inputs wide.
"""

from __future__ import annotations

from collections.abc import Mapping

from ussd_app.flow.values import normalise
from ussd_app.messages import Action, Budget, Screen
from ussd_app.replay import compare_screens as screens
from ussd_app.replay.compare_kinds import Difference, Kind
from ussd_app.replay.compare_phone import Beside, hops
from ussd_app.replay.compare_screens import Bodies, Homes, Parts
from ussd_app.replay.transcript import How, Step, Transcript, Verb
from ussd_app.screens import Program
from ussd_app.session import Session

#: Inputs that are tried at a screen that the recording does not have, and in a whole session.
_TRIES_MAX, _SESSION_TRIES_MAX = 6, 24


class Target:
    """The new version, and what is learnt of it on the way."""

    def __init__(self, program: Program, budget: Budget) -> None:
        self.program = program
        self.budget = budget
        self.bodies = Bodies(program.flow)
        #: Which input led on last from a state that recordings do not know.
        self.ways: dict[str, str] = {}


def differences(transcript: Transcript, target: Target) -> list[Difference]:
    """What a recorded session meets otherwise, each thing once."""
    return _Comparing(transcript, target).run()


class _Comparing:
    """A recording, and a phone on the new version. What plays a hop says how many are done.

    0 hops are done where the two have nothing to do with each other from there on.
    """

    def __init__(self, transcript: Transcript, target: Target) -> None:
        self._target = target
        self._more = target.program.flow.keys.more
        self._hops = hops(transcript)
        self._phone = Beside(transcript, target.program, target.budget)
        self._before: Session | None = None
        self._tries_left = _SESSION_TRIES_MAX
        #: Which key chooses now what a recorded key chose; None: nothing does.
        self._keys: Mapping[str, str | None] = {}
        self._found: dict[tuple[Kind, str, str], Difference] = {}

    def run(self) -> list[Difference]:
        """The differences, in the order they were met."""
        place = 0
        try:
            while place < len(self._hops):
                done = self._hop(place)
                if not done:
                    return list(self._found.values())
                place += done
        except Exception as error:  # noqa: BLE001  # whatever a flow does to a session is told
            self._tell(Kind.STUCK, self._hops[place].seen, f"{type(error).__name__}: {error}")
        else:
            for backend in self._phone.uncalled():
                self._tell(Kind.UNCALLED, None, "", about=backend)
        return list(self._found.values())

    def _tell(
        self, kind: Kind, step: Step | None, shown: str, state: str | None = None, about: str = ""
    ) -> None:
        state = self._phone.state if state is None else state
        before = self._before.state if self._before is not None else ""
        expected = step.text if step is not None else ""
        found = Difference(kind, state, about, step, before, expected, shown)
        self._found.setdefault((kind, state, about), found)

    def _hop(self, place: int) -> int:
        hop, phone = self._hops[place], self._phone
        step, seen = hop.step, hop.seen
        self._before = phone.place
        if self._keys and step.verb is Verb.SEND:
            key = self._keys.get(normalise(step.text), step.text)
            if key is None:
                return 0
            step = Step(Verb.SEND, key, step.at)
        self._keys = {}
        for each in hop.before:
            phone.play(each)
        screen = phone.play(step)
        if screen is None:
            return 1
        odd, phone.odd = phone.odd, []
        for kind, backend, state in odd:
            self._tell(kind, seen, screen.text, state, backend)
        if seen is None or (seen.matches(screen.text) and _stays(seen, screen)):
            return 1
        if seen.how is not How.EXACT:
            return self._parted(seen, screen)
        return self._differing(place, seen, screen, known=not odd)

    def _differing(self, place: int, seen: Step, screen: Screen, *, known: bool) -> int:
        """For a screen that is not the recorded one; `known` if its calls' answers were."""
        was, now = screens.parts(seen.text), screens.parts(screen.text)
        if seen.text == screen.text:
            self._tell(Kind.ACTION, seen, screen.text)
            return 0
        same = screens.same_body(was, now)
        if same and _stays(seen, screen):
            return self._still(seen, screen, was, now)
        taken = self._taken(place, seen, screen)
        if taken is not None:
            before = self._before if self._hops[place].step.verb is Verb.SEND else None
            state = before.state if before is not None else None
            self._tell(taken, seen, screen.text, state)
            return 0
        if not known:
            # What that call would have come to nobody knows, nor what would have followed.
            return 0
        if (self._more in was.keys) != (self._more in now.keys):
            done = self._paged(place, seen, screen, was, now)
            if done:
                return done
        if same:
            return self._parted(seen, screen)
        return self._elsewhere(place, seen, screen, was, now)

    def _still(self, seen: Step, screen: Screen, was: Parts, now: Parts) -> int:
        """For a screen that stands for the recorded one."""
        for kind in screens.changed(was, now):
            self._tell(kind, seen, screen.text)
        self._keys = screens.keys_now(was, now)
        return 1

    def _parted(self, seen: Step, screen: Screen) -> int:
        """For a screen from which the session cannot be followed any further."""
        kind = Kind.ENDS if screen.action is Action.END else Kind.GOES_ON
        self._tell(Kind.ANOTHER if _stays(seen, screen) else kind, seen, screen.text)
        return 0

    def _skipping(self, place: int, screen: Screen, now: Parts) -> int:
        """For what may be the screen after the recorded one: done with both, or with none."""
        after = self._hops[place + 1] if place + 1 < len(self._hops) else None
        if after is None or after.step.verb is not Verb.SEND or after.seen is None:
            return 0
        was = screens.parts(after.seen.text)
        if not screens.same_body(was, now) or not _stays(after.seen, screen):
            return 0
        self._tell(Kind.FEWER, self._hops[place].seen, screen.text)
        if after.seen.text != screen.text:
            self._still(after.seen, screen, was, now)
        return 2

    def _elsewhere(self, place: int, seen: Step, screen: Screen, was: Parts, now: Parts) -> int:
        """For another body: the screen reworded, left out, put off by another, or none of that."""
        homes, stays = self._target.bodies.homes(was.body), _stays(seen, screen)
        if stays and self._phone.state in homes.states:
            return self._still(seen, screen, was, now)
        done = self._skipping(place, screen, now) or self._between(place, seen, screen, was, homes)
        if done:
            return done
        if stays and not homes.sure and screens.alike(was, now):
            return self._still(seen, screen, was, now)
        return self._parted(seen, screen)

    def _between(self, place: int, seen: Step, screen: Screen, was: Parts, homes: Homes) -> int:
        """For a screen behind which the recorded one may come; else 0."""
        if not homes.states or screen.action is Action.END:
            return 0
        between, state = self._phone.place, self._phone.state
        for text in self._ways_on(place):
            shown = self._tried(Step(Verb.SEND, text, seen.at), seen, was, homes)
            if shown is not None:
                self._target.ways[state] = text
                self._tell(Kind.MORE, seen, screen.text, state)
                self._before = between
                if shown.text != seen.text:
                    self._still(seen, shown, was, screens.parts(shown.text))
                return 1
        return 0

    def _ways_on(self, place: int) -> list[str]:
        """Inputs to try at a screen that was not recorded: what was typed next, what it takes."""
        after = self._hops[place + 1].step if place + 1 < len(self._hops) else None
        following = [after.text] if after is not None and after.verb is Verb.SEND else []
        known = self._target.ways.get(self._phone.state)
        first = [known] if known is not None else []
        found = dict.fromkeys((*first, *following, *self._phone.ways_on()))
        return list(found)[: min(_TRIES_MAX, self._tries_left)]

    def _tried(self, step: Step, seen: Step, was: Parts, homes: Homes) -> Screen | None:
        """The screen that an input leads to, if it is the recorded one; else nothing was typed."""
        phone = self._phone
        self._tries_left -= 1
        try:
            screen = phone.play(step)
        except Exception:  # noqa: BLE001  # nobody typed this
            screen = None
        phone.odd = []
        there = screen is not None and (
            (homes.sure and phone.state in homes.states)
            or screens.same_body(was, screens.parts(screen.text))
        )
        if screen is not None and there and _stays(seen, screen):
            return screen
        self._phone = phone.without_last()
        return None

    def _taken(self, place: int, seen: Step, screen: Screen) -> Kind | None:
        """Whether what was typed is refused now and was not, or the other way round."""
        if not self._phone.refuses(self._before, screen):
            return Kind.TAKEN if self._was_refused(place) else None
        plain = self._phone.whole()
        if self._was_refused(place) or (plain is not None and _under_notice(seen.text, plain.text)):
            return None
        if all(screens.parts(text).keys == [self._more] for text in (seen.text, screen.text)):
            # Both are a notice alone, before a screen of several pages.
            return None
        # Who had tried too often was refused then, too, and was not told so.
        given_up = seen.verb is Verb.END and self._was_refused(place - 1)
        return None if given_up else Kind.REFUSED

    def _was_refused(self, place: int) -> bool:
        """Whether a recorded screen is the one before it with a notice, or another one, above."""
        texts = [hop.seen.text if hop.seen is not None else "" for hop in self._hops[: place + 1]]
        if len(texts) < 2:
            return False
        *earlier, text = texts
        last = earlier[-1]
        return any(
            _under_notice(text, plain) and (last == plain or _under_notice(last, plain))
            for plain in earlier
        )

    def _paged(self, place: int, seen: Step, screen: Screen, was: Parts, now: Parts) -> int:
        """For a screen on several pages that was on one, or the other way round; else 0."""
        if self._more in now.keys:
            whole = self._phone.whole()
            if whole is None or not _stays(seen, whole):
                return 0
            parts = screens.parts(whole.text)
            homes = self._target.bodies.homes(was.body)
            same = screens.same_body(was, parts) or (not homes.sure and screens.alike(was, parts))
            if not same and self._phone.state not in homes.states:
                return 0
            self._tell(Kind.PAGES, seen, screen.text)
            return self._still(seen, screen, was, parts) if whole.text != seen.text else 1
        if not screens.first_page(was, now, self._more) and not screens.alike(was, now):
            return 0
        self._tell(Kind.PAGES, seen, screen.text)
        done = 1
        for hop in self._hops[place + 1 :]:
            if hop.step.verb is not Verb.SEND or hop.step.text != self._more:
                break
            done += 1
        return done


def _stays(seen: Step, screen: Screen) -> bool:
    """Whether a screen ends the session where the recorded one did, and only there."""
    return (seen.verb is Verb.END) == (screen.action is Action.END)


def _under_notice(text: str, plain: str) -> bool:
    return bool(plain) and text.endswith(f"\n{plain}")
