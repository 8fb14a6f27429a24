"""A flow on paper: every screen in every language as phones, one HTML page to put before a client.

The page holds no script and asks for nothing outside itself; its own policy forbids both, whatever
a text of the flow says.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from ussd_app.designer import wording
from ussd_app.designer.draw import COLOURS
from ussd_app.designer.preview_screens import Camera, View, limits
from ussd_app.designer.preview_states import Card, cards
from ussd_app.designer.samples import sample_of
from ussd_app.designer.walks import Visit, visits
from ussd_app.flow.model import VISIBLE, CallState, Flow, How, Type
from ussd_app.flow.names import Names
from ussd_app.messages import Budget

_TEMPLATE = "sheet.html.j2"
_STYLE = "sheet.css.j2"
_NEVER = Visit({})
#: The framework's texts that stand on a flow's screens whatever it does.
_ALWAYS = frozenset({"continue", "back", "home", "more", "expired", "error"})
_REFUSALS: Mapping[Type, frozenset[str]] = {
    Type.DIGITS: frozenset({"invalid_digits", "or"}),
    Type.PIN: frozenset({"invalid_digits", "or"}),
    Type.INTEGER: frozenset({"invalid_number", "invalid_whole"}),
    Type.DECIMAL: frozenset({"invalid_number", "invalid_places"}),
    Type.TEXT: frozenset({"invalid_text"}),
    Type.MSISDN: frozenset({"invalid_msisdn"}),
    Type.DATE: frozenset({"invalid_date", "invalid_date_range"}),
    Type.CHOICE: frozenset({"invalid_option"}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of the sheet; without `views` where no client sees it."""

    card: Card
    views: tuple[View, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to mind, each with the languages it is so in."""
        found: dict[str, list[str]] = {}
        for view in self.views:
            for warning in view.warnings:
                found.setdefault(warning, []).append(view.language)
        return tuple(f"{', '.join(languages)}: {each}" for each, languages in found.items())


def sheet(flow: Flow, budgets: tuple[Budget, ...], when: str) -> str:
    """The sheet of a checked flow as one HTML page.

    `budgets` are those of the gateways it is shown through, one at least; `when` is what the sheet
    says of its date.
    """
    names = Names(flow)
    camera = Camera(flow, names, budgets)
    visited = visits(flow, names)
    entries = []
    for name, card in cards(flow).items():
        state = flow.states[name]
        views: tuple[View, ...] = ()
        if isinstance(state, VISIBLE) and state.body.parts:
            visit = visited.get(name, _NEVER)
            views = tuple(camera.view(state, visit, language) for language in flow.languages)
        entries.append(Entry(card, views))
    templates = _templates()
    # The colours of kinds are those of the map.
    style = templates.get_template(_STYLE).render(colours=COLOURS.items())
    return templates.get_template(_TEMPLATE).render(
        flow=flow,
        when=when,
        entries=entries,
        seen=[each for each in entries if each.views],
        begins=list(_begins(flow)),
        limits=[limits(each) for each in budgets],
        rules=list(_rules(flow)),
        values=list(_values(flow)),
        system=list(_system(flow)),
        style=Markup(style),  # noqa: S704  # our own words alone
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _begins(flow: Flow) -> Iterator[tuple[str, str, str]]:
    """(service code, language, first state)."""
    for dial in flow.dials.values():
        yield dial.code, dial.language or flow.languages[0], dial.start or flow.start


def _rules(flow: Flow) -> Iterator[tuple[str, str]]:
    """What holds on every screen, and for every session."""
    keys = flow.keys
    yield "Keys", f"{keys.back} back, {keys.home} home, {keys.more} more: on every screen"
    yield (
        "Alphabet",
        {
            "ucs2": "characters are sent as they are written, where the gateway can",
            "error": "GSM 7 bit only",
        }.get(flow.alphabet, "GSM 7 bit; other characters are sent as their nearest"),
    )
    if flow.language_seconds:
        yield (
            "Language",
            f"the client's choice is remembered {wording.seconds(flow.language_seconds)}",
        )
    if flow.resume is not None:
        how = {
            How.ASK: "the client is asked whether to go on",
            How.AT_ONCE: "the client goes on at once",
            How.ENTRY: "an option leads to where the client was",
        }[flow.resume.how]
        never = wording.listed(flow.resume.never_into, "or")
        exception = f", never into {never}" if never else ""
        within = wording.seconds(flow.resume.within_seconds)
        yield "Dialling again", f"within {within} {how}{exception}"
    for entry in flow.on_drop:
        for language, template in entry.text.by_language.items():
            where = wording.listed(entry.states, "or")
            yield f"SMS ({language})", f"if the session drops at {where}: {template.source}"


def _values(flow: Flow) -> Iterator[tuple[str, str, str, str]]:
    """(name, what it may be, for how long it is remembered, a sample) of each variable."""
    for name, variable in flow.variables.items():
        kept = wording.seconds(variable.remember_seconds) if variable.remember_seconds else ""
        sample = sample_of(variable.shape)
        shown = "" if isinstance(sample, tuple | Mapping) or variable.sensitive else str(sample)
        yield name, wording.bounds(variable.shape), kept, shown


def _system(flow: Flow) -> Iterator[tuple[str, list[str]]]:
    """The framework's texts that a client of this flow may read, in each language."""
    wanted = set(_ALWAYS)
    for variable in flow.variables.values():
        wanted |= _REFUSALS.get(variable.shape.type, frozenset())
    states = flow.states.values()
    if any(isinstance(state, CallState) and state.waits_max for state in states):
        wanted.add("wait")
    if flow.resume is not None and flow.resume.how is How.ASK:
        wanted |= {"resume", "resume_yes", "resume_no"}
    wanted.add("invalid_option")
    for name, text in flow.system.items():
        if name in wanted:
            yield name, [text.by_language[language].source for language in flow.languages]
