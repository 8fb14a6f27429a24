"""One way through a dialog, as an explorer found it, and the transcript that it makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ussd_app.effects import CallResult, Remember, Value
from ussd_app.engine import Turn
from ussd_app.flow.compiler import all_edges
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import Branch, Flow
from ussd_app.messages import Action
from ussd_app.replay.coverage import Kind, Point
from ussd_app.replay.transcript import How, Scripted, Step, Transcript, Verb

_AT = Position("explored", 1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Did:
    """What was done: a verb and its text; of a scripted answer the back-end, as `text`."""

    verb: Verb | None
    text: str
    answer: Scripted | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Where a way stands after `did`: at a screen, or at a call nobody has answered yet.

    `points` are what was met since the screen before; `facts` what is remembered of the subscriber;
    `made` the calls that were answered, by id; `answered` the back-ends that were in this hop;
    `hops` counts dials and answers.
    """

    turn: Turn
    did: Did
    before: Node | None = None
    points: frozenset[Point] = frozenset()
    facts: Mapping[str, Value] = field(default_factory=dict)
    made: Mapping[str, CallResult] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    dialled: int = 1
    hops: int = 1

    def way(self) -> list[Node]:
        """Every node from the first dial to this."""
        found = [self]
        while found[-1].before is not None:
            found.append(found[-1].before)
        return found[::-1]


def remembered(facts: Mapping[str, Value], turn: Turn) -> Mapping[str, Value]:
    """What is remembered of the subscriber after a turn."""
    found = dict(facts)
    for effect in turn.effects:
        if isinstance(effect, Remember):
            if effect.value is None:
                found.pop(effect.fact, None)
            else:
                found[effect.fact] = effect.value
    return found


def transcript(node: Node, name: str, msisdn: str, flow: Flow) -> Transcript:
    """The dialog that leads to a screen, every screen on the way expected as it is."""
    way = node.way()
    dial, steps = way[0].did.text, list(_steps(way))
    return Transcript(name, "", msisdn, dial, _backends(way, flow), tuple(steps))


def _steps(way: list[Node]) -> Iterator[Step]:
    """The steps; faults are ordered before what is sent, as they happen while it is answered."""
    hop: list[Step] = []
    for number, node in enumerate(way):
        match node.did.verb:
            case Verb.LATE | Verb.FAILED as verb:
                hop.insert(0, Step(verb, node.did.text, _AT))
            case Verb.SEND | Verb.DIAL as verb if number:
                hop.append(Step(verb, node.did.text, _AT))
        screen = node.turn.screen
        if screen is not None:
            yield from hop
            hop = []
            expected = Verb.END if screen.action is Action.END else Verb.SEE
            yield Step(expected, screen.text, _AT, How.EXACT)


def _backends(way: list[Node], flow: Flow) -> dict[str, tuple[Scripted, ...]]:
    """What each back-end answers, said shortly: the last stands for all that follow."""
    found: dict[str, list[Scripted]] = {}
    for node in way:
        if node.did.answer is not None:
            found.setdefault(node.did.text, []).append(node.did.answer)
    for backend, answers in found.items():
        while len(answers) > 1 and answers[-1] == answers[-2]:
            answers.pop()
        if answers == [Scripted(next(iter(flow.backends[backend].outcomes)), {})]:
            answers.clear()
    return {backend: tuple(answers) for backend, answers in found.items() if answers}


# Names.

_SAID = {
    "row": "a row of {0} to {1}",
    "empty": "{0} is empty",
    "typed": "{0} takes an answer",
    "kept": "{0} is known already",
    "otherwise": "{0} takes another answer",
    "attempts": "{0}, tries run out",
    "next": "on from {0} to {1}",
    "set": "{0} is worked out",
    "home": "home from {0}",
}


def named(flow: Flow, point: Point) -> str:
    """A point as the name of the transcript that shows it."""
    state, word = point.state, point.word
    match point.kind:
        case Kind.STATE:
            return f"{state} is reached"
        case Kind.LANGUAGE:
            return f"in {word}"
        case Kind.SCREEN:
            return f"{state} in {word}"
        case Kind.INPUT:
            return f"{state}, typed: {word}"
        case Kind.KEY:
            return f"{state}: {word}" if state else word
    trigger, _, which = word.partition(":")
    dest = _dests(flow).get((state, word), "")
    match trigger:
        case "outcome":
            return f"{state} comes to {which}"
        case "option":
            return f"{state}, option {which} to {dest}"
        case "case" | "else" if isinstance(flow.states[state], Branch):
            return f"{state} decides for {dest}" + (f" by case {which}" if which else "")
        case "else":
            return f"{state} does not fit"
        case _:
            return _SAID.get(trigger, "{0} {1}").format(state, dest)


def _dests(flow: Flow) -> dict[tuple[str, str], str]:
    return {(edge.source, edge.trigger): edge.dest for edge in all_edges(flow)}


#: What a transcript is rather named after, if it shows several things: what is told of most.
_TOLD_FIRST = ("outcome", "case", "else", "option", "row", "empty", "otherwise", "attempts")


def headline(points: Iterable[Point]) -> Point:
    """The point that a transcript is named after which meets these for the first time."""
    return min(points, key=lambda each: (_rank(each), each))


def _rank(point: Point) -> int:
    if point.kind is not Kind.TRANSITION:
        kinds = [Kind.INPUT, Kind.KEY, Kind.LANGUAGE, Kind.SCREEN, Kind.STATE]
        return 20 + kinds.index(point.kind)
    trigger = point.word.partition(":")[0]
    if trigger in _TOLD_FIRST:
        return _TOLD_FIRST.index(trigger)
    return 30 if trigger in {"typed", "set"} else 10
