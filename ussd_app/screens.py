"""What a state looks like on a phone: its texts, options and keys, cut to a gateway's budget."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ussd_app.effects import Row
from ussd_app.flow import layouts
from ussd_app.flow.conditions import holds
from ussd_app.flow.model import VISIBLE, End, Flow, Input, Menu, Option, Otherwise, Text, When
from ussd_app.flow.names import LABEL
from ussd_app.messages import Action, Budget, Screen
from ussd_app.render import texts
from ussd_app.render.pages import Layout, Page, TooLong
from ussd_app.session import Held, Session
from ussd_app.states import Moves

log = logging.getLogger("cassou.screens")

#: Characters of a label that is cut where it would fit no page.
_LABEL_MAX = 20


class FlowStuck(Exception):  # noqa: N818  # what happened to the dialog
    """A dialog that cannot go on: a flow in a circle, or a session that does not fit its flow."""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled flow and its moves: built once, shared by every session.

    `facts` are the variables that are remembered: (variable, fact, seconds). A sub-flow that is
    used twice has two variables for one fact: `twins` are all of them, by any of their names.
    """

    flow: Flow
    moves: Moves
    facts: tuple[tuple[str, str, float], ...]
    twins: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, flow: Flow) -> Program:
        """The program of a compiled flow."""
        facts = tuple(
            (name, each.fact, each.remember_seconds)
            for name, each in flow.variables.items()
            if each.remember_seconds
        )
        twins = {
            name: tuple(other for other, same, _ in facts if same == fact)
            for name, fact, _ in facts
        }
        return cls(flow, Moves(flow), facts, twins)


class Shown:
    """A session's values in its texts (`layouts.Values`)."""

    def __init__(self, flow: Flow, session: Session) -> None:
        self._flow = flow
        self._language = session.language
        self._held = session.held is not None
        self.named = named_values(session)

    def text(self, text: Text, row: layouts.Row | None = None) -> str:
        """See `layouts.Values.text`."""
        values = self.named if row is None else {**self.named, "row": row}
        return text.by_language[self._language].render(values, self._language, self._flow.filters)

    def rows(self, place: texts.Place) -> Sequence[layouts.Row]:
        """See `layouts.Values.rows`."""
        rows = rows_of(self.named, place)
        return [{**row, "number": number} for number, row in enumerate(rows, 1)]

    def holds(self, when: When) -> bool:
        """See `layouts.Values.holds`."""
        return not when or holds(when, self.named, self._language, self._flow.filters)

    def system(self, name: str) -> str:
        """See `layouts.Values.system`."""
        return system_text(self._flow, name, self._language)

    def choices(self, name: str) -> Sequence[str]:
        """See `layouts.Values.choices`."""
        shape = self._flow.variables[name].shape
        label = self._flow.filters.get(LABEL + name)
        return [label(each, self._language) if label else each for each in shape.choices]

    def resumable(self) -> bool:
        """See `layouts.Values.resumable`."""
        return self._held


def screen_of(program: Program, session: Session, budget: Budget, notice: str = "") -> Screen:
    """The screen of a session's state, `notice` above it; an end of several pages ends last.

    Before the first page (page -1) stands a notice alone.
    """
    flow = program.flow
    if session.page < 0:
        alone = Layout(notice, (_more(flow, session.language),))
        page = layouts.pages(flow, alone, budget)[0]
        return Screen(page.text, Action.CONTINUE, page.body, page.options)
    pages = _pages(program, session, budget, notice)
    last = len(pages) - 1
    page = pages[min(session.page, last)]
    state = flow.states[session.state]
    ends = isinstance(state, End) and session.page >= last
    action = Action.END if ends else Action.CONTINUE
    answer = state.otherwise if isinstance(state, Menu) else state
    masked = isinstance(answer, Input | Otherwise) and flow.variables[answer.save].sensitive
    # A back-end may give an empty text; a gateway takes no empty screen.
    return Screen(page.text or " ", action, page.body, page.options, masked)


def holding_screen(program: Program, language: str, budget: Budget) -> Screen:
    """What a client sees while a back-end has not answered."""
    options = (("1", system_text(program.flow, "continue", language)),)
    return _framework_screen(program.flow, language, "wait", options, budget)


def resume_screen(program: Program, language: str, budget: Budget, notice: str = "") -> Screen:
    """The question whether to go on where the client was."""
    flow = program.flow
    options = tuple(
        (key, system_text(flow, name, language))
        for key, name in (("1", "resume_yes"), ("2", "resume_no"))
    )
    return _framework_screen(flow, language, "resume", options, budget, notice)


def _framework_screen(
    flow: Flow,
    language: str,
    name: str,
    options: tuple[tuple[str, str], ...],
    budget: Budget,
    notice: str = "",
) -> Screen:
    body = "\n".join(filter(None, (notice, system_text(flow, name, language))))
    page = layouts.pages(flow, Layout(body, options), budget)[0]
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


def rows_of(named: Mapping[str, object], place: texts.Place) -> tuple[Row, ...]:
    """The rows of data a list or part stands on."""
    found = texts.look_up(place, named)
    return tuple(found) if isinstance(found, tuple | list) else ()


def options_of(
    flow: Flow, session: Session, options: tuple[Option, ...], taken: int = 0
) -> list[tuple[str, str, int]]:
    """The options a client sees: key, label, place among those written, from 1."""
    shown = Shown(flow, session)
    places = {id(option): number for number, option in enumerate(options, 1)}
    return [
        (key, shown.text(option.label), places[id(option)])
        for key, option in layouts.offered(options, shown, taken)
    ]


def screen_before(program: Program, session: Session) -> str | None:
    """The screen that the back key returns to, None if there is none.

    A screen whose values are gone since (another price, another customer) is passed over.
    """
    if isinstance(program.flow.states[session.state], End):
        return None
    for name in reversed(session.trail):
        if has_needs(program.flow, name, session.variables):
            return name
    return None


def has_needs(flow: Flow, state: str, variables: Mapping[str, object]) -> bool:
    """Whether everything a screen and what may follow it uses still has a value."""
    for name, field in flow.needs.get(state, ()):
        value = variables.get(name)
        if field and isinstance(value, Mapping):
            value = value.get(field)
        if value is None:
            return False
    return True


def can_resume(program: Program, held: Held) -> bool:
    """Whether a client can go on there: a screen of this flow whose values are all in place."""
    state = program.flow.states.get(held.state)
    return (
        isinstance(state, VISIBLE)
        and not isinstance(state, End)
        and held.language in program.flow.languages
        and has_needs(program.flow, held.state, held.variables)
    )


def has_more(program: Program, session: Session, budget: Budget) -> bool:
    """Whether another page of this screen follows."""
    return session.page < len(_pages(program, session, budget, "")) - 1


def stands_alone(program: Program, session: Session, budget: Budget, notice: str) -> bool:
    """Whether a notice needs a page of its own, so that the pages behind it break as always."""
    return len(_pages(program, session, budget, notice)) > 1


def _more(flow: Flow, language: str) -> tuple[str, str]:
    return flow.keys.more, system_text(flow, "more", language)


def _pages(program: Program, session: Session, budget: Budget, notice: str) -> list[Page]:
    flow, language = program.flow, session.language
    state = flow.states[session.state]
    if not isinstance(state, VISIBLE):
        raise FlowStuck(f'state "{session.state}" has no screen')
    footer: tuple[tuple[str, str], ...] = ()
    if not isinstance(state, End):
        if screen_before(program, session) is not None:
            footer += ((flow.keys.back, system_text(flow, "back", language)),)
        if program.moves.can(state.name, "home"):
            footer += ((flow.keys.home, system_text(flow, "home", language)),)
    screen = layouts.layout(flow, state, Shown(flow, session), footer, notice)
    try:
        return layouts.pages(flow, screen, budget)
    except TooLong:
        # A filter of the application has shown more than it did when it was tried.
        log.warning("state %s does not fit: its words are broken over", session.state)
        return layouts.pages(flow, _broken(screen), budget)


def _broken(screen: Layout) -> Layout:
    """The same with words of twenty characters at most: any gateway's page holds one."""
    words = re.sub(r"(\S{20})(?=\S)", r"\1 ", screen.body)
    options = tuple((key, label[:_LABEL_MAX]) for key, label in screen.options)
    return screen._replace(body=words, options=options, footer=())
