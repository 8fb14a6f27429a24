"""What a state looks like on a phone: its texts, options and keys, cut to a gateway's budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ussd_app.effects import Row
from ussd_app.flow.model import (
    VISIBLE,
    Branch,
    CallState,
    End,
    Flow,
    Listing,
    Menu,
    Show,
    State,
    Text,
    Wait,
)
from ussd_app.messages import Action, Budget, Screen
from ussd_app.render import gsm7, texts
from ussd_app.render.pages import Layout, Page, paginate
from ussd_app.session import Session
from ussd_app.states import Moves


class FlowStuck(Exception):  # noqa: N818  # what happened to the dialog
    """A dialog that cannot go on: a flow in a circle, or a session that does not fit its flow."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled flow and its moves: built once, shared by every session."""

    flow: Flow
    moves: Moves

    @classmethod
    def of(cls, flow: Flow) -> Program:
        """The program of a compiled flow."""
        return cls(flow, Moves(flow))


def screen_of(program: Program, session: Session, budget: Budget, notice: str = "") -> Screen:
    """The screen of a session's state, `notice` above it; an end of several pages ends last.

    Before the first page (page -1) stands a notice alone.
    """
    if session.page < 0:
        page = _pages(Layout(notice, (_more(program.flow, session.language),)), budget)[0]
        return Screen(page.text, Action.CONTINUE, page.body, page.options)
    pages = _pages(_layout(program, session, notice), budget)
    last = len(pages) - 1
    page = pages[min(session.page, last)]
    ends = isinstance(program.flow.states[session.state], End) and session.page >= last
    action = Action.END if ends else Action.CONTINUE
    return Screen(page.text, action, page.body, page.options)


def holding_screen(program: Program, language: str, budget: Budget) -> Screen:
    """What a client sees while a back-end has not answered."""
    flow = program.flow
    options = (("1", system_text(flow, "continue", language)),)
    page = _pages(Layout(system_text(flow, "wait", language), options), budget)[0]
    return Screen(page.text, Action.CONTINUE, page.body, page.options)


def named_values(session: Session) -> Mapping[str, object]:
    """What a text may name: the variables, and the built-in names."""
    return {
        **session.variables,
        "msisdn": session.msisdn,
        "service_code": session.service_code,
    }


def system_text(
    flow: Flow, name: str, language: str, values: Mapping[str, object] | None = None
) -> str:
    """One of the framework's own texts."""
    return flow.system[name].by_language[language].render(values or {}, language, flow.filters)


def rows_of(session: Session, place: texts.Place) -> tuple[Row, ...]:
    """The rows of data a list or show stands on."""
    found = texts.look_up(place, named_values(session))
    return tuple(found) if isinstance(found, tuple | list) else ()


def screen_before(program: Program, session: Session) -> str | None:
    """The screen that the back key returns to, None if there is none.

    A screen whose values have been replaced since (another quote, another meter) is passed over.
    """
    for name in reversed(session.trail):
        if not program.moves.can(session.state, f"back:{name}"):
            return None
        if _has_values(program.flow.states[name], session):
            return name
    return None


def _has_values(state: State, session: Session) -> bool:
    named = named_values(session)
    templates = [] if isinstance(state, CallState | Branch) else [state.text]
    if isinstance(state, Menu):
        templates += [option.label for option in state.options]
    places = [place for text in templates for place in text.by_language[session.language].places]
    if isinstance(state, Listing | Show) and state.rows is not None:
        places.append(state.rows)
    try:
        for place in places:
            texts.look_up(place, named)
    except KeyError:
        return False
    return True


def has_more(program: Program, session: Session, budget: Budget) -> bool:
    """Whether another page of this screen follows."""
    return session.page < len(_pages(_layout(program, session, ""), budget)) - 1


def stands_alone(program: Program, session: Session, budget: Budget, notice: str) -> bool:
    """Whether a notice needs a page of its own, so that the pages behind it break as always."""
    return len(_pages(_layout(program, session, notice), budget)) > 1


def _more(flow: Flow, language: str) -> tuple[str, str]:
    return flow.keys.more, system_text(flow, "more", language)


def _layout(program: Program, session: Session, notice: str) -> Layout:
    flow, language = program.flow, session.language
    state = flow.states[session.state]
    if not isinstance(state, VISIBLE):
        raise FlowStuck(f'state "{session.state}" has no screen')
    named = named_values(session)

    def rendered(text: Text, extra: Mapping[str, object] | None = None) -> str:
        values = {**named, **extra} if extra else named
        return text.by_language[language].render(values, language, flow.filters)

    body = "\n".join(filter(None, (notice, rendered(state.text))))
    options: tuple[tuple[str, str], ...] = ()
    match state:
        case Menu():
            options = tuple((option.key, rendered(option.label)) for option in state.options)
        case Listing():
            rows = rows_of(session, state.rows)
            options = tuple(
                (str(number), rendered(state.row, {"row": row}))
                for number, row in enumerate(rows, 1)
            )
        case Show():
            if state.rows is not None and state.row is not None:
                lines = (rendered(state.row, {"row": row}) for row in rows_of(session, state.rows))
                body = "\n".join((body, *lines))
            options = (("1", system_text(flow, "continue", language)),)
        case Wait():
            options = (("1", system_text(flow, "continue", language)),)
    keys: tuple[tuple[str, str], ...] = ()
    if not isinstance(state, End):
        if screen_before(program, session) is not None:
            keys += ((flow.keys.back, system_text(flow, "back", language)),)
        if program.moves.can(state.name, "home"):
            keys += ((flow.keys.home, system_text(flow, "home", language)),)
    return Layout(body, options, keys, _more(flow, language))


def _pages(layout: Layout, budget: Budget) -> list[Page]:
    """The pages a phone gets: characters outside the network's alphabet have been replaced."""
    most = budget.septets_max
    sent = Layout(
        gsm7.transliterate(layout.body),
        tuple((key, gsm7.transliterate(label)) for key, label in layout.options),
        tuple((key, gsm7.transliterate(label)) for key, label in layout.footer),
        (layout.more[0], gsm7.transliterate(layout.more[1])),
    )
    return paginate(sent, lambda text: gsm7.cost(text) <= most)
