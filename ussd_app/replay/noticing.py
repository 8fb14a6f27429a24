"""What a client met by answering a screen, beside the moves that the answer made. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from ussd_app.flow.model import Flow, Listing, Menu
from ussd_app.flow.values import normalise
from ussd_app.replay.boundaries import (
    CHECKED,
    NO_OPTION,
    asked,
    boundaries,
    measure,
    option_keys,
    value_in,
)
from ussd_app.replay.coverage import Kind, Point
from ussd_app.screens import options_of
from ussd_app.session import Session

#: Keys of no state: what becomes of a client who dials again.
ASKED, RESUMED, ANEW = "asked whether to go on", "goes on where it was", "starts anew"


def noticed(
    flow: Flow, before: Session, typed: str, after: Session, met: Collection[Point], today: date
) -> Iterator[Point]:
    """What `typed` at the session `before` met; `met` are the moves that led to `after`."""
    keys, bare, name = flow.keys, normalise(typed), before.state
    if before.pending:
        return
    if before.asking:
        yield Point(Kind.KEY, "", ANEW if bare == "2" else RESUMED)
    elif bare == keys.more and after.page != before.page:
        yield Point(Kind.KEY, name, "more")
    elif bare == keys.back and before.page > 0:
        yield Point(Kind.KEY, name, "a page back")
    elif bare == keys.back and after.state != name:
        yield Point(Kind.KEY, name, "back")
    elif before.held is not None and after.held is None:
        yield Point(Kind.KEY, "", RESUMED)
    elif bare not in {keys.more, keys.back, keys.home}:
        yield from _language(flow, before, bare, after)
        yield from _bounds(flow, before, bare, met, today)


def _language(flow: Flow, before: Session, typed: str, after: Session) -> Iterator[Point]:
    """The option that stays on its screen in another language, which is no move."""
    state = flow.states[before.state]
    if isinstance(state, Menu) and after.language != before.language:
        for key, _, place in options_of(flow, before, state.options):
            if key == typed:
                yield Point(Kind.TRANSITION, state.name, f"option:{place}")


def _bounds(
    flow: Flow, before: Session, typed: str, met: Collection[Point], today: date
) -> Iterator[Point]:
    """The bounds that a text lies at which was typed where a value, or an option, is asked for."""
    state = flow.states[before.state]
    moved = {each.word for each in met if each[:2] == (Kind.TRANSITION, state.name)}
    wish = asked(state)
    if wish is None:
        chosen = isinstance(state, Menu | Listing) and typed in option_keys(state)
        if isinstance(state, Menu | Listing) and not chosen and not moved:
            yield Point(Kind.INPUT, state.name, NO_OPTION)
        return
    if any(trigger.startswith("option:") for trigger in moved):
        return
    shape = flow.variables[wish.save].shape
    measured = measure(shape, typed, flow.languages, today)
    for each in boundaries(flow, state, today):
        if measure(shape, each.texts[0], flow.languages, today) == measured:
            yield Point(Kind.INPUT, state.name, each.name)
    stays = bool(wish.checks) and not moved & {"typed", "otherwise"}
    if stays and value_in(shape, typed, flow.languages, today) is not None:
        yield Point(Kind.INPUT, state.name, CHECKED)
