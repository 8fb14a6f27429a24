"""What of one flow dialogs have met: its states, transitions, outcomes and languages. Pure.

A watched program notes it while it is dialled, so whoever plays dialogs need not know. Moves are
seen as they are made; a screen, by the text that is looked up for it, so one counts as well that
no move led to: the first, one gone back to, one resumed. What no written path reaches is not asked
for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from ussd_app.flow import graph
from ussd_app.flow.compiler import all_edges
from ussd_app.flow.model import VISIBLE, Body, CallState, Flow, Listing, Menu, State, Text
from ussd_app.render.texts import Template
from ussd_app.screens import Program
from ussd_app.states import Moves


class Kind(StrEnum):
    """What a point is."""

    STATE = "state"
    TRANSITION = "transition"
    LANGUAGE = "language"
    #: A state's screen in one language.
    SCREEN = "screen"
    #: Something typed that lies at a bound of what is taken.
    INPUT = "input"
    #: A key that works everywhere.
    KEY = "key"


class Point(NamedTuple):
    """Something that a dialog can meet.

    `word` is a transition's trigger, a language, what was typed, or a key; a language has no
    `state`.
    """

    kind: Kind
    state: str
    word: str = ""


#: What is counted, in the order in which it is told.
MEASURES = ("states", "transitions", "outcomes", "languages")


@dataclass
class Coverage:
    """What has been met of a flow; `noted` also holds points that are not counted."""

    flow: Flow
    noted: set[Point] = field(default_factory=set)

    @property
    def met(self) -> frozenset[Point]:
        """Every point that was met.

        An option that only changes the language of its own screen is no move: it is met where
        that screen was seen in each language it can lead to.
        """
        told = {
            Point(Kind.TRANSITION, state, trigger)
            for (state, trigger), languages in _silent(self.flow).items()
            if all(Point(Kind.SCREEN, state, each) in self.noted for each in languages)
        }
        return frozenset(self.noted | told)

    @property
    def states(self) -> frozenset[str]:
        """The states that were met."""
        return frozenset(each.state for each in self.met if each.kind is Kind.STATE)

    @property
    def transitions(self) -> frozenset[tuple[str, str]]:
        """The transitions that were met: state and trigger."""
        return frozenset(
            (each.state, each.word) for each in self.met if each.kind is Kind.TRANSITION
        )

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many are met of how many there are, by measure."""
        met = self.met
        return {
            measure: (sum(each in met for each in points), len(points))
            for measure, points in countable(self.flow).items()
        }

    def missing(self) -> dict[str, tuple[Point, ...]]:
        """What was never met, by measure, in the order of the flow."""
        met = self.met
        return {
            measure: tuple(each for each in points if each not in met)
            for measure, points in countable(self.flow).items()
        }

    def merge(self, other: Coverage) -> Coverage:
        """What either has met."""
        return Coverage(self.flow, self.noted | other.noted)


def countable(flow: Flow) -> dict[str, tuple[Point, ...]]:
    """What can be met, by measure, in the order of the flow: no state that nothing leads to."""
    reached = graph.reachable(flow.states, (*graph.starts(flow), flow.home))
    transitions = tuple(
        Point(Kind.TRANSITION, edge.source, edge.trigger)
        for edge in all_edges(flow)
        if edge.source in reached
    )
    found = (
        tuple(Point(Kind.STATE, name) for name in flow.states if name in reached),
        transitions,
        tuple(each for each in transitions if isinstance(flow.states[each.state], CallState)),
        tuple(Point(Kind.LANGUAGE, "", each) for each in _languages(flow, reached)),
    )
    return dict(zip(MEASURES, found, strict=True))


def _languages(flow: Flow, reached: set[str]) -> Iterator[str]:
    """The languages that a flow leads to by itself; others a gateway or another flow must set."""
    wishes = {flow.languages[0], *(dial.language for dial in flow.dials.values())}
    for state in flow.states.values():
        if isinstance(state, Menu | Listing) and state.name in reached:
            wishes |= {option.language for option in state.options if option.language}
    return (each for each in flow.languages if each in wishes or "toggle" in wishes)


def screens(flow: Flow) -> tuple[Point, ...]:
    """Every screen that something leads to, in every language."""
    counted = countable(flow)
    return tuple(
        Point(Kind.SCREEN, each.state, language.word)
        for each in counted["states"]
        if isinstance(flow.states[each.state], VISIBLE)
        for language in counted["languages"]
    )


def watched(program: Program) -> tuple[Program, Coverage]:
    """The program that notes what is met of it, and where it does."""
    flow = program.flow
    coverage = Coverage(flow)
    states = {name: _heard(state, coverage.noted) for name, state in flow.states.items()}
    seen = replace(program, flow=replace(flow, states=states), moves=_Watched(flow, coverage.noted))
    return seen, coverage


class _Watched(Moves):
    """The moves of a flow that note each move they make."""

    def __init__(self, flow: Flow, noted: set[Point]) -> None:
        super().__init__(flow)
        self._noted = noted

    def move(self, state: str, trigger: str) -> str:
        """See `Moves.move`."""
        dest = super().move(state, trigger)
        self._noted |= {
            Point(Kind.STATE, state),
            Point(Kind.TRANSITION, state, trigger),
            Point(Kind.STATE, dest),
        }
        return dest


class _Texts(dict[str, Template]):
    """The texts of a screen by language that note in which it is shown."""

    def __init__(self, texts: Mapping[str, Template], state: str, noted: set[Point]) -> None:
        super().__init__(texts)
        self._state = state
        self._noted = noted

    def __getitem__(self, language: str) -> Template:
        self._noted |= {
            Point(Kind.STATE, self._state),
            Point(Kind.SCREEN, self._state, language),
            Point(Kind.LANGUAGE, "", language),
        }
        return super().__getitem__(language)


def _heard(state: State, noted: set[Point]) -> State:
    """The state with a text that notes when it is shown."""
    if not isinstance(state, VISIBLE):
        return state

    def noting(text: Text) -> Text:
        return replace(text, by_language=_Texts(text.by_language, state.name, noted))

    parts = tuple(replace(part, text=noting(part.text)) for part in state.body.parts)
    return replace(state, body=Body(parts, state.body.at))


def _silent(flow: Flow) -> dict[tuple[str, str], tuple[str, ...]]:
    """Options that stay on their screen in another language, with those they can lead to."""
    return {
        (state.name, f"option:{number}"): (
            flow.languages if option.language == "toggle" else (option.language,)
        )
        for state in flow.states.values()
        if isinstance(state, Menu | Listing)
        for number, option in enumerate(state.options, 1)
        if option.language is not None and option.next == state.name
    }
