"""What may follow what, decided by `transitions`: one shared machine per compiled flow.

The machine holds no session. It is built once (a few hundred microseconds for twenty states) with
`model=None` and without automatic transitions, so that only the flow's own edges exist; a move
triggers an event on a light cursor that carries the state's name. That takes 8 to 12 µs, so where a
move has led is remembered: there are as many as the flow has edges. The same table draws the map
and feeds the checks.
"""

from __future__ import annotations

from transitions import Machine, MachineError

from ussd_app.flow.compiler import all_edges
from ussd_app.flow.model import VISIBLE, End, Flow


class NoSuchMove(Exception):  # noqa: N818  # a bug of ours, or a session of another flow
    """The flow has no such edge at this state."""


class _Cursor:
    """The least a model must be."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Moves:
    """Every move of one flow."""

    def __init__(self, flow: Flow) -> None:
        edges = all_edges(flow)
        machine = Machine(
            model=None,
            states=list(flow.states),
            transitions=[[edge.trigger, edge.source, edge.dest] for edge in edges],
            initial=flow.start,
            auto_transitions=False,
            queued=False,
        )
        self._events = machine.events
        self._screens = {
            name
            for name, state in flow.states.items()
            if isinstance(state, VISIBLE) and not isinstance(state, End)
        }
        self._known = {(edge.source, edge.trigger) for edge in edges}
        #: Moves made before: a flow never changes, so neither does where its edges lead.
        self._made: dict[tuple[str, str], str] = {}

    def can(self, state: str, trigger: str) -> bool:
        """Whether `trigger` leads on from `state`."""
        return (state, trigger) in self._known

    def back(self, state: str, before: str) -> str:
        """The screen `before`, which the session's trail says stood before `state`.

        The trail is the edge: it is cut at every effect, so nobody goes back over one. As edges of
        the machine, all pairs of screens would be as many as their number squared.
        """
        if state not in self._screens or before not in self._screens:
            raise NoSuchMove(f'no screen "{before}" to go back to from "{state}"')
        return before

    def move(self, state: str, trigger: str) -> str:
        """The state that `trigger` leads to from `state`; raises `NoSuchMove`."""
        made = self._made.get((state, trigger))
        if made is not None:
            return made
        cursor = _Cursor(state)
        event = self._events.get(trigger)
        if event is None:
            raise NoSuchMove(f'no edge "{trigger}" anywhere, so none at "{state}"')
        try:
            event.trigger(cursor)
        except MachineError:
            raise NoSuchMove(f'no edge "{trigger}" at state "{state}"') from None
        self._made[state, trigger] = cursor.state
        return cursor.state
