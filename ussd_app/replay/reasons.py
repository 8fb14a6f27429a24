"""Why an exploration did not meet something, in a sentence. Pure."""

from __future__ import annotations

from ussd_app.flow.model import Branch, Flow, SetState
from ussd_app.replay.coverage import Kind, Point
from ussd_app.replay.explore import Explored
from ussd_app.replay.paths import named

_NO_VALUE = {
    "typed": "no text was found that is accepted; a known transcript may hold one",
    "otherwise": "no text was found that is accepted; a known transcript may hold one",
    "kept": "the value was never there before",
    "empty": "there were always rows",
    "row": "there were never rows",
}


def why(flow: Flow, point: Point, found: Explored) -> str:
    """What was not met, and why."""
    what = named(flow, point)
    return f"{what}: {_reason(flow, point, found)}"


def _reason(flow: Flow, point: Point, found: Explored) -> str:
    bound = f", within {found.limit}" if found.limit else ""
    if point.kind is Kind.LANGUAGE:
        return f"no way led to a screen in it{bound}"
    if point.kind is Kind.STATE or point.state not in found.after.states:
        return f"no way led there{bound}"
    trigger = point.word.partition(":")[0]
    state = flow.states[point.state]
    if point.kind is Kind.TRANSITION:
        if trigger == "else" and isinstance(state, SetState):
            return f"no values were found that do not fit{bound}"
        if isinstance(state, Branch) or trigger == "option":
            return f"no values were found for which it is open{bound}"
        return f"{_NO_VALUE.get(trigger, 'no way was found')}{bound}"
    return f"no way was found{bound}"
