"""Ways out: that a client can always get on, and that every turn comes to a screen in time.

All of it is read off strongly connected components (Tarjan 1972, iterative): a group that nothing
leaves is a trap; a group of states that show nothing is a turn without end; what is left of those
is acyclic, so the longest run through it is counted from its last state to its first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ussd_app.flow import graph
from ussd_app.flow.checks.subject import Subject, word
from ussd_app.flow.diagnostics import Diagnostic
from ussd_app.flow.model import VISIBLE, CallState, End, Flow, Input, Listing, State

Following = Mapping[str, tuple[str, ...]]
_NAMED_MAX = 5


def traps(subject: Subject) -> Iterator[Diagnostic]:
    """States that no written path leaves for an end or home (no-way-out)."""
    flow = subject.flow
    following = {name: _written(state) for name, state in flow.states.items()}
    ends = [name for name, state in flow.states.items() if isinstance(state, End)]
    reached = graph.reachable(flow.states, (*graph.starts(flow), flow.home))
    out = _leading_to((*ends, flow.home), following)
    lost = reached - out
    stuck = {name: following[name] for name in flow.states if name in lost}
    for group in components(stuck):
        inside = set(group)
        if all(dest in inside for name in group for dest in following[name]):
            yield _trap(flow, group)
    home = flow.states.get(flow.home)
    if not stuck and home is not None and flow.home not in _leading_to(ends, following):
        sentence = f'no path leads from home "{word(flow.home)}" to an end: nobody could finish'
        yield Diagnostic(home.at, "no-way-out", sentence)


def _written(state: State) -> tuple[str, ...]:
    return tuple(edge.dest for edge in graph.written_edges(state))


def _trap(flow: Flow, group: list[str]) -> Diagnostic:
    states = sorted((flow.states[name] for name in group), key=lambda state: state.at)
    names = [f'"{word(state.name)}"' for state in states]
    if len(names) == 1:
        sentence = f"{names[0]} leads only to itself: let it lead to an end or home"
    else:
        more = len(names) - _NAMED_MAX
        last = names[-1] if more <= 0 else f"{more} more"
        shown = names[: _NAMED_MAX if more > 0 else -1]
        sentence = f"{', '.join(shown)} and {last} lead only to each other"
        sentence += ": let one lead to an end or home"
    return Diagnostic(states[0].at, "no-way-out", sentence)


def _leading_to(goals: Iterable[str], following: Following) -> set[str]:
    """The states that some path from leads to one of `goals`, these included."""
    before: dict[str, list[str]] = {}
    for name, dests in following.items():
        for dest in dests:
            before.setdefault(dest, []).append(name)
    found: set[str] = set()
    ahead = list(goals)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += before.get(name, ())
    return found


def runs(subject: Subject) -> Iterator[Diagnostic]:
    """Circles, and runs too long, of states that show nothing (no-way-out, too-large)."""
    states = subject.flow.states
    passing = {name: dests for name, state in states.items() if (dests := _passing(state))}
    silent = {
        name: tuple(dest for dest in dests if dest in passing) for name, dests in passing.items()
    }
    groups = components(silent)
    circles = [group for group in groups if len(group) > 1 or group[0] in silent[group[0]]]
    for group in circles:
        circle = _circle(states, set(group), silent)
        names = " -> ".join(word(name) for name in (*circle, circle[0]))
        sentence = f"this goes round in a circle without showing anything: {names}"
        yield Diagnostic(states[circle[0]].at, "no-way-out", sentence)
    if not circles:
        order = [group[0] for group in groups]
        yield from _too_long(states, order, silent)


def _passing(state: State) -> tuple[str, ...]:
    """Where a turn may go on from a state without stopping at it."""
    if not isinstance(state, VISIBLE):
        return _written(state)
    if isinstance(state, Input) and state.keep:
        return (state.next,)
    if isinstance(state, Listing) and state.empty:
        return (state.empty,)
    return ()


def _circle(states: Mapping[str, State], group: set[str], silent: Following) -> list[str]:
    """The shortest circle of a group from its first state."""
    first = min(group, key=lambda name: states[name].at)
    came: dict[str, str] = {}
    queue = [first]
    for name in queue:
        for dest in silent[name]:
            if dest == first:
                found = [name]
                while found[-1] != first:
                    found.append(came[found[-1]])
                return found[::-1]
            if dest in group and dest not in came:
                came[dest] = name
                queue.append(dest)
    raise AssertionError("a strongly connected group has a circle")


def _too_long(
    states: Mapping[str, State], order: list[str], silent: Following
) -> Iterator[Diagnostic]:
    """The longest runs; `order` has every state after those that it leads to."""
    calls = {name for name in order if isinstance(states[name], CallState)}
    limits = (
        (graph.INVISIBLE_MAX, "states", set(order)),
        (graph.CALLS_IN_A_ROW_MAX, "calls", calls),
    )
    for most, what, counted in limits:
        length: dict[str, int] = {}
        for name in order:
            rest = max((length[dest] for dest in silent[name]), default=0)
            length[name] = rest + (name in counted)
        worst = max(length.values(), default=0)
        if worst > most:
            heads = [name for name in counted if length[name] == worst]
            head = min(heads, key=lambda name: states[name].at)
            sentence = (
                f'up to {worst} {what} follow one another from "{word(head)}" before a screen'
            )
            yield Diagnostic(states[head].at, "too-large", f"{sentence}; {most} are the most")


def components(following: Following) -> list[list[str]]:
    """The strongly connected groups, each after all groups that it leads to.

    Names that are no keys are left out. Iterative: a flow may be a thousand states deep.
    """
    found: list[list[str]] = []
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    open_names: set[str] = set()
    for root in following:
        if root in number:
            continue
        work = [(root, iter(following[root]))]
        _open(root, number, low, stack, open_names)
        while work:
            name, dests = work[-1]
            dest = next((each for each in dests if each in following), None)
            if dest is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    found.append(_closed(name, stack, open_names))
            elif dest not in number:
                _open(dest, number, low, stack, open_names)
                work.append((dest, iter(following[dest])))
            elif dest in open_names:
                low[name] = min(low[name], number[dest])
    return found


def _open(
    name: str, number: dict[str, int], low: dict[str, int], stack: list[str], names: set[str]
) -> None:
    number[name] = low[name] = len(number)
    stack.append(name)
    names.add(name)


def _closed(name: str, stack: list[str], names: set[str]) -> list[str]:
    group = [stack.pop()]
    while group[-1] != name:
        group.append(stack.pop())
    names.difference_update(group)
    return group
