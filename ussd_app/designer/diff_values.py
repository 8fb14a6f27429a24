"""What changes in values: what was accepted before and is refused now, what is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ussd_app.designer import wording
from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_words import Difference, Kind, changed
from ussd_app.designer.samples import DAY, samples_of, typed
from ussd_app.flow.model import NUMBERS, Flow, Input, Menu, Shape, Type, Variable
from ussd_app.flow.values import accepts, day, plain


def values(old: Flow, new: Flow, match: Match) -> Iterator[Difference]:
    """Differences of the variables that both flows have, and of what outlives a session."""
    asked = _typed(new)
    for name, before in old.variables.items():
        after = new.variables.get(match.names.get(name, name))
        if after is not None:
            yield from _variable(old, new, before, after, match, asked=after.name in asked)
    yield from _facts(old, new)


def _typed(flow: Flow) -> set[str]:
    """The variables that a client types."""
    found = {state.save for state in flow.states.values() if isinstance(state, Input)}
    return found | {
        state.otherwise.save
        for state in flow.states.values()
        if isinstance(state, Menu) and state.otherwise is not None
    }


def _variable(
    old: Flow, new: Flow, before: Variable, after: Variable, match: Match, *, asked: bool
) -> Iterator[Difference]:
    name, shapes = after.name, (before.shape, after.shape)
    if before.sensitive != after.sensitive:
        secret = "is a secret now" if after.sensitive else "is no secret any more"
        yield Difference(Kind.VALUES, "", f"`{name}` {secret}", after.at)
    if match.was(_bare(before.shape)) == match.now(_bare(after.shape)):
        return
    was, is_now = (wording.bounds(shape) for shape in shapes)
    if was == is_now and not asked:
        return
    verb = ("took", "takes") if asked else ("was", "is")
    sentence = f"`{name}` {verb[0]} {was}, {verb[1]} {is_now}"
    if asked:
        probes = _probes(*shapes)
        taken = [
            [each for each in probes if accepts(shape, each, DAY)]
            for shape, flow in zip(shapes, (old, new), strict=True)
        ]
        refused = next((each for each in taken[0] if each not in taken[1]), None)
        accepted = next((each for each in taken[1] if each not in taken[0]), None)
        if refused is not None:
            sentence += f"; {refused} was accepted and is refused now"
        if accepted is not None:
            sentence += f"; {accepted} was refused and is accepted now"
    yield Difference(Kind.VALUES, "", sentence, after.at)


def _bare(shape: Shape) -> tuple[object, ...]:
    """A shape without its labels, which are texts, and without the order of its choices."""
    return (
        shape.type,
        shape.lengths,
        shape.low,
        shape.high,
        shape.places,
        tuple(sorted(shape.choices)),
        shape.country,
        shape.longest,
        shape.fields,
        shape.rows_max,
    )


def _probes(*shapes: Shape) -> list[str]:
    """Answers at the bounds of these shapes, and just beyond: what tells them apart."""
    found: list[str] = []
    for shape in shapes:
        found += _at_bounds(shape)
        found += [typed(shape, value) for value in samples_of(shape) if _can_be_typed(shape)]
    return list(dict.fromkeys(found))


def _can_be_typed(shape: Shape) -> bool:
    return shape.type not in {Type.ROW, Type.ROWS, Type.BOOLEAN}


def _at_bounds(shape: Shape) -> Iterator[str]:
    ends = [end for end in (shape.low, shape.high) if end is not None]
    if shape.type in NUMBERS:
        step = Decimal(1).scaleb(-shape.places)
        for bound in map(Decimal, ends or ["0"]):
            yield from (plain(each) for each in (bound, bound - step, bound + step))
    elif shape.type is Type.DATE:
        for end in ends:
            yield typed(shape, day(end, DAY).isoformat())
    elif shape.type is Type.TEXT:
        least, most = shape.lengths
        yield from ("m" * count for count in (least, least - 1, most, most + 1) if count > 0)


def _facts(old: Flow, new: Flow) -> Iterator[Difference]:
    """What is remembered of a subscriber, by the name it is kept under."""
    before = {each.fact: each for each in old.variables.values() if each.remember_seconds}
    after = {each.fact: each for each in new.variables.values() if each.remember_seconds}
    for fact, variable in before.items():
        if fact not in after:
            sentence = f"`{variable.name}` was remembered as {fact}, is so no more"
            yield Difference(Kind.VALUES, "", sentence, variable.at)
    for fact, variable in after.items():
        kept = wording.seconds(variable.remember_seconds)
        was = before.get(fact)
        if was is None:
            sentence = f"`{variable.name}` is remembered now, for {kept}"
            yield Difference(Kind.VALUES, "", sentence, variable.at)
        elif was.remember_seconds != variable.remember_seconds:
            for_long = wording.seconds(was.remember_seconds)
            sentence = changed(f"the time `{variable.name}` is remembered", for_long, kept)
            yield Difference(Kind.VALUES, "", sentence, variable.at)
