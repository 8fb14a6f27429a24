"""Screens that may not fit: every screen is laid out with the widest values there can be.

What is proven: no value that the flow lets in makes a screen that cannot be sent, a screen of one
page never grows a second, and no screen has more than `PAGES_MAX` pages. The layout is the one that
phones get (`layouts.layout`); only the values differ. A narrower value never needs more room, so
the widest rendering stands for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from ussd_app.flow import layouts
from ussd_app.flow.checks.subject import Subject
from ussd_app.flow.checks.widest import Widest
from ussd_app.flow.diagnostics import Diagnostic, Position
from ussd_app.flow.model import (
    VISIBLE,
    CallState,
    Check,
    End,
    How,
    Input,
    Listing,
    Menu,
    State,
    Text,
    Type,
    Visible,
)
from ussd_app.flow.values import Refused, normalise, room, value_of
from ussd_app.messages import Budget
from ussd_app.render import gsm7
from ussd_app.render.pages import Fits, Layout, TooLong, paginate

#: Pages of one screen. Nobody turns more, and each is a round trip that the client pays for.
PAGES_MAX = 20
_SHOWN_MAX = 24
#: Parts of one SMS, and the septets of each (3GPP TS 23.040, 9.2.3.24.1: a header takes seven).
SMS_PARTS_MAX = 3
_PART_SEPTETS = 153
#: What is no value of some type or other: between them they draw every refusal a type has.
_REFUSED = ("", "x", "-1", "0.0000001", "1.5", "9" * 16, "01010001", "31129999", "m" * 183)
_DAY = date(2026, 12, 28)
_NEVER_TYPED = frozenset({Type.BOOLEAN, Type.ROW, Type.ROWS})
#: Framework's texts that are a screen of their own, whatever the flow.
_ALONE = ("expired", "unknown_code", "refused", "busy", "error")


def screens(subject: Subject) -> Iterator[Diagnostic]:
    """A screen that does not fit the gateways' budgets (too-long)."""
    views = _views(subject)
    for view in views:
        yield from view.framework()
    for state in subject.flow.states.values():
        if isinstance(state, VISIBLE):
            told: set[str] = set()
            for view in views:
                found = [] if view.language in told else list(view.problems(state))
                if found:
                    told.add(view.language)
                    yield from found


def messages(subject: Subject) -> Iterator[Diagnostic]:
    """An SMS of `on_drop` that takes too many parts (too-long)."""
    most = SMS_PARTS_MAX * _PART_SEPTETS
    for entry in subject.flow.on_drop:
        for language, template in entry.text.by_language.items():
            takes = room(subject.names.widest_text(template, language))
            if takes > most:
                sentence = f'in "{language}" the SMS can take {takes} septets of {most}: shorten it'
                at = entry.text.places.get(language, entry.text.at)
                yield Diagnostic(at, "too-long", sentence)
                break


def may_page(subject: Subject, state: State) -> bool:
    """Whether a state's screen, or a notice above it, may take more pages than one."""
    return isinstance(state, VISIBLE) and any(view.may_page(state) for view in _views(subject))


def _views(subject: Subject) -> list[_View]:
    """One view per language and budget that differs, the tightest first."""
    limits = sorted({(each.septets_max, each.ucs2_max) for each in subject.budgets})
    if subject.flow.alphabet != "ucs2":
        limits = limits[:1]
    return [
        _View(subject, language, Budget(septets_max, ucs2_max=ucs2_max))
        for septets_max, ucs2_max in limits
        for language in subject.flow.languages
    ]


class _View:
    """A flow in one language on the phones of one budget."""

    def __init__(self, subject: Subject, language: str, budget: Budget) -> None:
        flow = subject.flow
        if flow.alphabet == "ucs2":
            # What costs one unit in UCS-2 may cost two septets where a page is all in GSM-7.
            units = min(budget.ucs2_max, budget.septets_max // 2)
            budget = Budget(budget.septets_max, ucs2_max=units)
        self.language = language
        self._subject = subject
        self._budget = budget
        self._values = Widest(subject, language)
        self._fits = layouts.fits(flow, budget)
        self._footer = tuple(
            (key, self._values.system(name))
            for key, name in ((flow.keys.back, "back"), (flow.keys.home, "home"))
        )
        self._more = _line((flow.keys.more, self._sent(self._values.system("more"))))
        self._refused: dict[str, tuple[str, ...]] = {}

    def framework(self) -> Iterator[Diagnostic]:
        """The framework's own screens that this flow may show: one page each."""
        flow, system = self._subject.flow, self._values.system
        found = [system(name) for name in _ALONE]
        if any(isinstance(state, CallState) and state.waits_max for state in flow.states.values()):
            found.append("\n".join((system("wait"), _line(("1", system("continue"))))))
        if flow.resume is not None and flow.resume.how is How.ASK:
            options = (("1", system("resume_yes")), ("2", system("resume_no")))
            found.append(
                "\n".join((system("invalid_option"), system("resume"), *map(_line, options)))
            )
        for text in found:
            whole = self._sent(text)
            if not self._fits(whole):
                sentence = f'the framework\'s screen "{_short(whole)}" takes {self._of(whole)}'
                yield self._problem(flow.at, f"{sentence}: shorten it in system.yaml")

    def may_page(self, state: Visible) -> bool:
        """Whether a screen, with a notice or without, may take more pages than one."""
        whole = _whole(self._screen(state))
        wholes = (whole, *(f"{notice}\n{whole}" for notice, _ in self._notices(state)))
        return not all(self._fits(each) for each in wholes)

    def problems(self, state: Visible) -> Iterator[Diagnostic]:
        """What does not fit of one screen, and of the notices above it."""
        screen = self._screen(state)
        whole = _whole(screen)
        if not self._fits(whole):
            yield from self._paged(state, screen, whole)
        for notice, at in self._notices(state):
            alone = f"{notice}\n{self._more}"
            if not self._fits(alone) and not self._fits(f"{notice}\n{whole}"):
                sentence = (
                    f'the notice "{_short(notice)}" takes {self._of(alone)} with "{self._more}"'
                )
                yield self._problem(at, f"{sentence}, and a notice has one page: shorten it")

    def _paged(self, state: Visible, screen: Layout, whole: str) -> Iterator[Diagnostic]:
        """What is wrong with a screen of more pages than one."""
        one = state.body.parts[0].text.places if len(state.body.parts) == 1 else {}
        at = one.get(self.language, state.body.at)
        if not state.paged:
            sentence = f"the screen can take {self._of(whole)}: shorten it, or allow pages"
            yield self._problem(at, sentence)
            return
        try:
            paginate(screen, self._fits)
        except TooLong:
            yield from self._unfit(state, screen)
            return
        count = _pages_at_most(screen, self._more, self._fits)
        if count > PAGES_MAX:
            sentence = (
                f"the screen can take {count} pages, and {PAGES_MAX} are the most: shorten it"
            )
            yield self._problem(at, sentence)

    def _unfit(self, state: Visible, screen: Layout) -> Iterator[Diagnostic]:
        """The words and options that do not fit a page even alone."""
        for part in state.body.parts:
            row = next(iter(self._values.rows(part.rows)), None) if part.rows else None
            for word in re.split("[ \n]", self._sent(self._values.text(part.text, row))):
                page = f"{word}\n{self._more}"
                if not self._fits(page):
                    sentence = f'this can become the one word "{_short(word)}", which takes '
                    sentence += f'{self._of(page)} with "{self._more}", and a word is never cut'
                    at = self._widest_place(part.text, row)
                    yield self._problem(at, f"{sentence}: bound the value, or shorten the text")
                    break
        told = set()
        texts = self._option_texts(state)
        for number, (option, text) in enumerate(zip(screen.options, texts, strict=True), 1):
            page = _line(option) if number == len(texts) else f"{_line(option)}\n{self._more}"
            if not self._fits(page) and id(text) not in told:
                told.add(id(text))
                sentence = f'option "{_short(_line(option))}" can take {self._of(page)}'
                sentence += ", and an option is never cut: shorten it"
                yield self._problem(text.places.get(self.language, text.at), sentence)

    def _option_texts(self, state: Visible) -> list[Text]:
        """Where each option of a laid out screen is written."""
        match state:
            case Menu():
                return [option.label for option in state.options]
            case Listing():
                rows = [state.row] * len(self._values.rows(state.rows))
                return rows + [option.label for option in state.options]
            case Input():
                variable = self._subject.flow.variables.get(state.save)
                here = Text({}, variable.at if variable is not None else state.at)
                choices = variable.shape.choices if variable is not None else {}
                return [label or here for label in choices.values()]
            case End():
                return []
        return [state.body.parts[0].text]

    def _widest_place(self, text: Text, row: layouts.Row | None) -> Position:
        """Where the place that takes the most room stands; all of a text without places."""
        template = text.by_language[self.language]
        at = text.places.get(self.language, text.at)
        widths = [(room(self._values.place(place, row)), place) for place in template.places]
        if not widths:
            return at
        _, widest = max(widths, key=lambda each: each[0])
        return self._subject.place(widest, at, template.source)

    def _screen(self, state: Visible) -> Layout:
        flow = self._subject.flow
        footer = () if isinstance(state, End) else self._footer
        screen = layouts.layout(flow, state, self._values, footer, "")
        return layouts.sent(flow, screen, self._budget)

    def _notices(self, state: Visible) -> Iterator[tuple[str, Position]]:
        """What may stand above a screen after a wrong answer, and where it is written."""
        checks: tuple[Check, ...] = ()
        if isinstance(state, Menu | Listing):
            yield self._sent(self._values.system("invalid_option")), state.at
        if isinstance(state, Menu) and state.otherwise is not None:
            yield from ((each, state.at) for each in self._refusals(state.otherwise.save))
            checks = state.otherwise.checks
        elif isinstance(state, Input):
            yield from ((each, state.at) for each in self._refusals(state.save))
            checks = state.checks
        for check in checks:
            at = check.error.places.get(self.language, check.error.at)
            yield self._sent(self._values.text(check.error)), at

    def _refusals(self, name: str) -> tuple[str, ...]:
        """What a client reads who types what is no value of a variable."""
        flow = self._subject.flow
        typed_in = name in flow.variables and flow.variables[name].shape.type not in _NEVER_TYPED
        if name not in self._refused and typed_in:
            shape, found = flow.variables[name].shape, []
            for typed in _REFUSED:
                try:
                    value_of(shape, normalise(typed), _DAY, self.language)
                except Refused as refused:
                    template = flow.system[refused.text].by_language[self.language]
                    values = refused.worded(self._values.system("or"))
                    found.append(template.render(values, self.language, flow.filters))
            self._refused[name] = tuple(dict.fromkeys(map(self._sent, found)))
        return self._refused.get(name, ())

    def _sent(self, text: str) -> str:
        return layouts.sent(self._subject.flow, Layout(text), self._budget).body

    def _of(self, page: str) -> str:
        """What a page takes of what there is."""
        septets = gsm7.septets(page)
        if septets is None:
            return f"{gsm7.units(page)} of {self._budget.ucs2_max} characters"
        return f"{septets} of {self._budget.septets_max} septets"

    def _problem(self, at: Position, sentence: str) -> Diagnostic:
        return Diagnostic(at, "too-long", f'in "{self.language}" {sentence}')


def _pages_at_most(screen: Layout, more: str, fits: Fits) -> int:
    """The most pages that any values make of a screen.

    Narrower values may bring the footer back, and with it less room and more pages: it is counted
    on every page, and what does not fit beside it as a page of its own.
    """
    footer = [" ".join(f"{key}.{label}" for key, label in screen.footer)] if screen.footer else []
    tail = [more, *footer]
    count, body = 1, ""
    held: list[str] = []
    for piece in re.findall("[^ \n]*[ \n]|[^ \n]+", screen.body.strip()):
        if body and not fits("\n".join(((body + piece).rstrip(), *tail))):
            count, body = count + 1, ""
        body += piece
    for number, option in enumerate(screen.options, 1):
        line = _line(option)
        lines = [*filter(None, (body.strip(), *held)), line]
        if lines[1:] and not fits("\n".join((*lines, *(tail[number == len(screen.options) :])))):
            count, body, held = count + 1, "", []
        held.append(line)
    return count


def _whole(screen: Layout) -> str:
    """A screen on one page, without the keys that may be left out."""
    return "\n".join(filter(None, (screen.body, *map(_line, screen.options))))


def _line(option: tuple[str, str]) -> str:
    return f"{option[0]}. {option[1]}"


def _short(text: str) -> str:
    """A text as a sentence shows it."""
    line = text.replace("\n", " ")
    return line if len(line) <= _SHOWN_MAX else f"{line[:_SHOWN_MAX]}..."
