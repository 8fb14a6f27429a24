"""How a state is put together on a screen: one function for phones and for the checker.

What stands in the places is handed in: a session's values on a phone, the widest values there can
be in a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ussd_app.flow.model import (
    End,
    Flow,
    Input,
    Listing,
    Menu,
    Option,
    Show,
    Text,
    Type,
    Visible,
    Wait,
    When,
)
from ussd_app.messages import Budget
from ussd_app.render import gsm7
from ussd_app.render.pages import Fits, Layout, Page, paginate
from ussd_app.render.texts import Place

Row = Mapping[str, object]


class Values(Protocol):
    """What stands in the places of texts."""

    def text(self, text: Text, row: Row | None = None) -> str:
        """A text with its values, a row's own among them."""
        ...

    def rows(self, place: Place) -> Sequence[Row]:
        """The rows a place names, each with its running number."""
        ...

    def holds(self, when: When) -> bool:
        """Whether all these conditions hold."""
        ...

    def system(self, name: str) -> str:
        """One of the framework's own texts."""
        ...

    def choices(self, name: str) -> Sequence[str]:
        """The labels of a choice's values."""
        ...

    def resumable(self) -> bool:
        """Whether there is a place to go on from."""
        ...


def offered(
    options: tuple[Option, ...], values: Values, taken: int = 0
) -> list[tuple[str, Option]]:
    """The options that are shown, with their keys: numbers close up, after `taken` before them."""
    found = []
    number = taken
    for option in options:
        if not values.holds(option.when) or (option.resume and not values.resumable()):
            continue
        key = option.key
        if not key:
            number += 1
            key = str(number)
        found.append((key, option))
    return found


def layout(
    flow: Flow, state: Visible, values: Values, footer: tuple[tuple[str, str], ...], notice: str
) -> Layout:
    """The whole of a state's screen before it is cut into pages, `notice` above it."""
    lines = [notice] if notice else []
    for part in state.body.parts:
        if not values.holds(part.when):
            continue
        if part.rows is None:
            lines.append(values.text(part.text))
        else:
            lines += [values.text(part.text, row) for row in values.rows(part.rows)]
    return Layout(
        "\n".join(filter(None, lines)),
        _options(flow, state, values),
        footer,
        (flow.keys.more, values.system("more")),
    )


def _options(flow: Flow, state: Visible, values: Values) -> tuple[tuple[str, str], ...]:
    match state:
        case Menu():
            return tuple((key, values.text(o.label)) for key, o in offered(state.options, values))
        case Listing():
            rows = tuple(
                (str(number), values.text(state.row, row))
                for number, row in enumerate(values.rows(state.rows), 1)
            )
            fixed = offered(state.options, values, len(rows))
            return rows + tuple((key, values.text(option.label)) for key, option in fixed)
        case Input():
            variable = flow.variables.get(state.save)
            if variable is None or variable.shape.type is not Type.CHOICE:
                return ()
            labels = values.choices(state.save)
            return tuple((str(number), label) for number, label in enumerate(labels, 1))
        case Show() | Wait():
            return (("1", values.system("continue")),)
        case End():
            return ()


def pages(flow: Flow, screen: Layout, budget: Budget) -> list[Page]:
    """The pages a phone gets, in the alphabet the flow and the gateway allow; raises `TooLong`."""
    return paginate(sent(flow, screen, budget), fits(flow, budget))


def sent(flow: Flow, screen: Layout, budget: Budget) -> Layout:
    """A screen in the characters that are sent."""
    if _as_written(flow, budget) or _is_sendable(screen):
        return screen
    return Layout(
        gsm7.transliterate(screen.body),
        tuple((key, gsm7.transliterate(label)) for key, label in screen.options),
        tuple((key, gsm7.transliterate(label)) for key, label in screen.footer),
        (screen.more[0], gsm7.transliterate(screen.more[1])),
    )


def _is_sendable(screen: Layout) -> bool:
    labels = "".join(label for _, label in (*screen.options, *screen.footer, screen.more))
    return gsm7.septets(screen.body + labels) is not None


def fits(flow: Flow, budget: Budget) -> Fits:
    """Whether one page, in the characters that are sent, is within the budget."""
    if _as_written(flow, budget):
        return lambda text: _fits_either(text, budget)
    return lambda text: gsm7.cost(text) <= budget.septets_max


def _as_written(flow: Flow, budget: Budget) -> bool:
    return flow.alphabet == "ucs2" and budget.ucs2_max > 0


def _fits_either(text: str, budget: Budget) -> bool:
    septets = gsm7.septets(text)
    if septets is not None:
        return septets <= budget.septets_max
    return gsm7.units(text) <= budget.ucs2_max
