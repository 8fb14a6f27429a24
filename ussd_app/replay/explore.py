"""Walks a flow over every edge it can find a way to, and makes transcripts of the ways. Pure.

The walk is breadth-first over sessions: a session is a value, so every answer branches from it
without playing anything again. Of the sessions in one situation (`situations.py`) the first goes
on; those that differ in little wait until nothing else is left, and are taken up only while
something is unmet. What is met first is met by the shortest way.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import cast

from ussd_app import engine
from ussd_app.effects import FAILED, LATE, Call, CallResult
from ussd_app.engine import Answer, Begin, Drop, Event, Hold, Result
from ussd_app.flow.model import CallState, Flow
from ussd_app.messages import Budget
from ussd_app.replay.answers import Answers
from ussd_app.replay.boundaries import wanted_inputs
from ussd_app.replay.coverage import Coverage, Kind, Point, countable, screens, watched
from ussd_app.replay.noticing import ASKED, noticed
from ussd_app.replay.paths import Did, Node, headline, named, remembered, transcript
from ussd_app.replay.player import EPOCH, ScriptedBackends
from ussd_app.replay.situations import Situations, today_of, variants
from ussd_app.replay.transcript import MSISDN, Scripted, Transcript, Verb
from ussd_app.screens import Program
from ussd_app.session import Status

#: Sessions that one exploration looks at, dials and answers in one dialog, and dials in one.
SESSIONS_MAX = 20_000
HOPS_MAX = 40
DIALS_MAX = 2


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration came to.

    `after` is what the known dialogs and `transcripts` meet together; `unmet` everything else that
    is asked for; `sessions` how many were looked at, and `limit` which bound was reached, "" if
    none.
    """

    transcripts: tuple[Transcript, ...]
    before: Coverage
    after: Coverage
    unmet: tuple[Point, ...]
    sessions: int
    limit: str = ""


def explore(
    program: Program,
    budget: Budget,
    known: Coverage | None = None,
    *,
    words: Iterable[str] = (),
    languages: bool = False,
    sessions_max: int = SESSIONS_MAX,
    hops_max: int = HOPS_MAX,
    msisdn: str = MSISDN,
) -> Explored:
    """Transcripts of all that `known` has not met, each by a shortest way.

    `words` are texts to try where values are typed, such as those of known dialogs; with
    `languages` every screen is wanted in every language.
    """
    walk = _Walk(
        program, budget, known or Coverage(program.flow), words, msisdn, languages=languages
    )
    limit = walk.run(sessions_max, hops_max)
    return walk.explored(limit)


def wanted(flow: Flow, *, languages: bool = False) -> tuple[Point, ...]:
    """Everything that is to be met: what is counted, the bounds of what is typed, and screens."""
    counted = countable(flow)
    states = (each.state for each in counted["states"])
    inputs = wanted_inputs(flow, states, today_of(EPOCH))
    every = (*counted["states"], *counted["transitions"], *counted["languages"], *inputs)
    return (*every, *screens(flow)) if languages else every


class _Walk:
    """One exploration."""

    def __init__(
        self,
        program: Program,
        budget: Budget,
        known: Coverage,
        words: Iterable[str],
        msisdn: str,
        *,
        languages: bool,
    ) -> None:
        self._program, self._noting = watched(program)
        self._flow, self._budget, self._msisdn = program.flow, budget, msisdn
        self._known, self._languages = known, languages
        self._today = today_of(EPOCH)
        self._situations = Situations(program, self._today, languages=languages)
        self._backends = ScriptedBackends(program.flow.backends, {})
        self._wanted = wanted(program.flow, languages=languages)
        self._unmet = set(self._wanted) - known.met
        self._kept: set[Hashable] = set()
        self._queue: list[tuple[int, int, int, Node]] = []
        self._count = count()
        #: The shortest way to every point that was found.
        self._best: dict[Point, Node] = {}
        self._sessions = 0
        self._answers = Answers(self._program, self._today, self._unmet, words)

    def run(self, sessions_max: int, hops_max: int) -> str:
        """Walk until nothing is left to do; the bound that was reached, "" if none."""
        limit = ""
        for code in self._flow.dials:
            self._take(self._dialled(code, None))
        while self._queue:
            rank, _, _, node = heapq.heappop(self._queue)
            if rank and not self._unmet:
                break
            if self._sessions >= sessions_max:
                return f"{sessions_max} sessions"
            if node.hops > hops_max:
                limit = f"{hops_max} answers in one dialog"
                continue
            for each in self._onward(node):
                self._take(each)
        return limit

    def explored(self, limit: str) -> Explored:
        """Of the ways that met something first, those that others do not go as well."""
        firsts: dict[int, tuple[Node, set[Point]]] = {}
        for point, node in self._best.items():
            firsts.setdefault(id(node), (node, set()))[1].add(point)
        # The longest first: most of the others are ways to somewhere on theirs.
        chosen = {
            id(node): self._shortly(node)
            for node, _ in sorted(firsts.values(), key=lambda each: -each[0].hops)
        }
        times = Counter(point for points in chosen.values() for point in points)
        for number in reversed(list(chosen)):
            if all(times[point] > 1 for point in chosen[number]):
                times.subtract(chosen.pop(number))
        transcripts = tuple(
            transcript(node, named(self._flow, headline(new)), self._msisdn, self._flow)
            for node, new in firsts.values()
            if id(node) in chosen
        )
        after = Coverage(self._flow, self._known.noted | set(self._best))
        left = tuple(each for each in self._wanted if each not in after.met)
        return Explored(
            transcripts, self._known, after, left, self._sessions, limit if left else ""
        )

    def _shortly(self, node: Node) -> frozenset[Point]:
        """What a way meets as shortly as any."""
        return frozenset(
            point
            for each in node.way()
            if each.turn.screen is not None
            for point in self._asked_for(each)
            if each.hops == self._best[point].hops
        )

    # The queue.

    def _take(self, node: Node) -> None:
        """Keep a node for what it has met, and go on from it later if its situation is new."""
        self._sessions += 1
        rank = self._rank(node)
        if node.turn.screen is not None:
            self._meet(node)
        elif rank != 0 and any(each not in self._best for each in self._asked_for(node)):
            # Others are at this call already: what led here is shown whatever it comes to.
            self._meet(self._completed(node))
        if rank is not None:
            heapq.heappush(self._queue, (rank, node.hops, next(self._count), node))

    def _meet(self, node: Node) -> None:
        points = self._asked_for(node)
        for point in sorted(points):
            best = self._best.get(point)
            if best is None or node.hops < best.hops:
                self._best[point] = node
        self._unmet -= points

    def _asked_for(self, node: Node) -> frozenset[Point]:
        return self._told(node.points) - self._known.noted

    def _rank(self, node: Node) -> int | None:
        """How new a node's situation is, None if it is not.

        0 is a new place, 1 a value that is new there; then come values that were never together.
        """
        session = node.turn.session
        place = self._situations.place(session, node.turn.screen)
        ways, values = self._situations.ways(session), self._situations.values(session)
        single: set[Hashable] = {(place, each) for each in (*ways, *values)}
        together: list[set[Hashable]] = [{place}, single, {(place, ways)}, {(place, ways, values)}]
        rank = next((rank for rank, each in enumerate(together) if not each <= self._kept), None)
        self._kept.update(*together)
        return rank

    def _told(self, points: Iterable[Point]) -> frozenset[Point]:
        """The points that a transcript is worth writing for."""
        return frozenset(each for each in points if self._languages or each.kind is not Kind.SCREEN)

    def _completed(self, node: Node) -> Node:
        """A node at a call with that call, and those after it, answered as they usually are."""
        while node.turn.screen is None:
            node = next(self._answered(node))
        return node

    # One step.

    def _stepped(self, node: Node, event: Event, did: Did) -> Node:
        self._noting.noted.clear()
        turn = engine.step(self._program, node.turn.session, event, EPOCH, self._budget)
        met = frozenset(self._noting.noted)
        if node.turn.screen is None:
            met |= node.points
        return replace(
            node, turn=turn, did=did, before=node, points=met, facts=remembered(node.facts, turn)
        )

    def _dialled(self, code: str, node: Node | None) -> Node:
        facts = dict(node.facts) if node is not None else {}
        before = node.turn.session if node is not None else None
        if before is not None and before.status is Status.LIVE:
            left = Drop("dialled again")
            before = engine.step(self._program, before, left, EPOCH, self._budget).session
        number = node.dialled + 1 if node is not None else 1
        event = Begin(f"handset-{number}", self._msisdn, code, facts=facts, before=before)
        self._noting.noted.clear()
        turn = engine.begin(self._program, event, EPOCH, self._budget)
        points = set(self._noting.noted)
        if turn.session.asking:
            points.add(Point(Kind.KEY, "", ASKED))
        return Node(
            turn,
            Did(Verb.DIAL, code),
            node,
            frozenset(points),
            remembered(facts, turn),
            node.made if node is not None else {},
            dialled=number,
            hops=node.hops + 1 if node is not None else 1,
        )

    def _onward(self, node: Node) -> Iterator[Node]:
        """Everything that may come next."""
        session, screen = node.turn.session, node.turn.screen
        if screen is None:
            yield from self._answered(node)
            return
        if session.status is Status.LIVE:
            for typed in self._answers.at(session, screen):
                yield self._typed(node, typed)
        if node.dialled < DIALS_MAX and (node.facts or self._flow.resume is not None):
            for code in self._flow.dials:
                yield self._dialled(code, node)

    def _typed(self, node: Node, typed: str) -> Node:
        found = self._stepped(node, Answer(typed), Did(Verb.SEND, typed))
        before, after = node.turn.session, found.turn.session
        more = noticed(self._flow, before, typed, after, found.points, self._today)
        points = found.points.union(more)
        return replace(found, points=points, hops=node.hops + 1, answered=frozenset())

    # What back-ends answer.

    def _answered(self, node: Node) -> Iterator[Node]:
        """Every result of the call a node stands at, the usual one first."""
        call = cast("Call", node.turn.call)
        # Before the first screen no fault can be ordered, nor once its back-end has answered.
        plain = node.hops > 1 and call.backend not in node.answered
        known = node.made.get(call.id)
        state = self._flow.states[node.turn.session.state]
        if known is not None:
            yield self._result(node, call, known, Did(None, call.backend))
        elif isinstance(state, CallState):
            for outcome in self._flow.backends[call.backend].outcomes:
                for fields in ({}, *variants(self._flow, state, outcome)):
                    answer = Scripted(outcome, fields)
                    result = self._backends.sampled(call, outcome, fields)
                    yield self._result(node, call, result, Did(None, call.backend, answer))
            failed = Did(Verb.FAILED, call.backend)
            if not plain:
                failed = Did(None, call.backend, Scripted(FAILED, {}))
            yield self._result(node, call, CallResult(call.id, FAILED), failed)
        if plain:
            held = self._stepped(node, Hold(), Did(Verb.LATE, call.backend))
            yield replace(held, answered=node.answered | {call.backend})
        elif known is None:
            late = Did(None, call.backend, Scripted(LATE, {}))
            yield self._result(node, call, CallResult(call.id, LATE), late)

    def _result(self, node: Node, call: Call, result: CallResult, did: Did) -> Node:
        found = self._stepped(node, Result(result), did)
        made = {**node.made, call.id: result}
        return replace(found, made=made, answered=node.answered | {call.backend})
