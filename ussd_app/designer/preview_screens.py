"""The phones of a sheet: each screen in each language, and what to mind about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ussd_app.designer import wording
from ussd_app.designer.samples import Longest, Samples, session_at
from ussd_app.designer.walks import Visit, left_by_back
from ussd_app.flow import layouts
from ussd_app.flow.model import End, Flow, Input, Menu, Visible
from ussd_app.flow.names import Names
from ussd_app.messages import Budget
from ussd_app.render import gsm7
from ussd_app.render.pages import Layout, Page, TooLong
from ussd_app.screens import Program, screen_before

#: Keys that work everywhere, with their labels: (key, label).
Footer = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Phone:
    """One page on a phone: what it costs of what a message holds, in `unit`.

    `ends`: the session is over and nothing can be answered.
    """

    text: str
    used: int
    most: int
    unit: str
    number: int
    ends: bool


@dataclass(frozen=True, slots=True)
class Shots:
    """A screen's pages on the phones of some gateways; `gateways` is "" where all show the same.

    `problem` says why there are none.
    """

    gateways: str
    phones: tuple[Phone, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A screen in one language with samples, and at its longest where that differs.

    `notices` are what may stand above it after a wrong answer: (what was wrong, text).
    """

    language: str
    sample: tuple[Shots, ...]
    longest: tuple[Shots, ...]
    warnings: tuple[str, ...]
    notices: tuple[tuple[str, str], ...]

    @property
    def longest_label(self) -> str:
        """How much the longest values take, in a few words."""
        pages = max(len(each.phones) for each in self.longest)
        if pages == 1:
            phone = self.longest[0].phones[0]
            return f"{phone.used} of {phone.most} {phone.unit}"
        return f"{pages} pages" if pages else "too long"


class Camera:
    """Takes views of one flow's screens, on the phones of gateways with these budgets."""

    def __init__(self, flow: Flow, names: Names, budgets: tuple[Budget, ...]) -> None:
        self._flow = flow
        self._names = names
        self._program = Program.of(flow)
        limits = sorted({(each.septets_max, each.ucs2_max) for each in budgets})
        self._budgets = [Budget(septets, ucs2_max=units) for septets, units in limits]
        self._goes_back = left_by_back(flow)

    def view(self, state: Visible, visit: Visit, language: str) -> View:
        """A screen as it is when a client first comes to it, and at its longest."""
        values = Samples(self._flow, self._names, language, visit.variables)
        session = session_at(self._flow, language, state.name, visit.variables, visit.trail)
        footer = self._footer(state, values, back=screen_before(self._program, session) is not None)
        written = layouts.layout(self._flow, state, values, footer, "")
        sample = self._shots(state, written)
        footer = self._footer(state, values, back=state.name in self._goes_back)
        longest = self._longest(state, language, footer)
        return View(
            language,
            sample,
            longest if longest != sample else (),
            tuple(self._warnings(written, footer, sample, longest)),
            tuple(self._notices(state, values)),
        )

    def _footer(self, state: Visible, values: Samples, *, back: bool) -> Footer:
        """The keys that a phone shows at the foot of a screen, by the phone's own rules."""
        keys = self._flow.keys
        found: Footer = ((keys.back, values.system("back")),) if back else ()
        if not isinstance(state, End) and self._program.moves.can(state.name, "home"):
            found += ((keys.home, values.system("home")),)
        return found

    def _longest(self, state: Visible, language: str, footer: Footer) -> tuple[Shots, ...]:
        """As a client would read it, unless values that cannot break take more pages."""
        found = []
        # Where UCS-2 is sent, one ç that anybody may type makes a whole message hold less.
        wide = self._flow.alphabet == "ucs2" and any(each.ucs2_max for each in self._budgets)
        for natural in (False,) if wide else (True, False):
            values = Longest(self._flow, self._names, language, natural=natural)
            found.append(self._shots(state, layouts.layout(self._flow, state, values, footer, "")))
        return max(found, key=lambda shots: max(len(each.phones) for each in shots))

    def _shots(self, state: Visible, screen: Layout) -> tuple[Shots, ...]:
        """One for all gateways that show the same; of those the tightest counts."""
        found: dict[tuple[str, ...], tuple[Shots, list[Budget]]] = {}
        for budget in self._budgets:
            shots = self._on(state, screen, budget)
            key = (*(each.text for each in shots.phones), shots.problem)
            found.setdefault(key, (shots, []))[1].append(budget)
        if len(found) == 1:
            return tuple(shots for shots, _ in found.values())
        return tuple(
            Shots(" and ".join(map(limits, budgets)), shots.phones, shots.problem)
            for shots, budgets in found.values()
        )

    def _on(self, state: Visible, screen: Layout, budget: Budget) -> Shots:
        try:
            pages = layouts.pages(self._flow, screen, budget)
        except TooLong as error:
            return Shots("", (), f"cannot be shown: {error}")
        ends = isinstance(state, End)
        return Shots(
            "",
            tuple(
                _phone(page, number, budget, ends=ends and number == len(pages))
                for number, page in enumerate(pages, 1)
            ),
        )

    def _warnings(
        self,
        written: Layout,
        footer: Footer,
        sample: tuple[Shots, ...],
        longest: tuple[Shots, ...],
    ) -> Iterator[str]:
        yield from dict.fromkeys(each.problem for each in (*sample, *longest) if each.problem)
        pages = max(len(each.phones) for each in sample)
        most = max(len(each.phones) for each in longest)
        if pages > 1:
            yield f"{pages} pages"
        if most > max(pages, 1):
            yield f"{most} pages at its longest"
        if missing := _without(written.footer, sample):
            yield missing
        elif missing := _without(footer, longest):
            yield f"at its longest {missing}"
        yield from self._replaced(written)

    def _replaced(self, written: Layout) -> Iterator[str]:
        """Characters that are sent as others, or that make a message hold less."""
        lines = (written.body, *(label for _, label in (*written.options, *written.footer)))
        outside = gsm7.outside(unicodedata.normalize("NFC", "\n".join(lines)))
        if not outside:
            return
        wide = [each.ucs2_max for each in self._budgets if each.ucs2_max]
        if self._flow.alphabet == "ucs2" and wide:
            yield f"with {' '.join(outside)} a message holds {min(wide)} characters"
        if self._flow.alphabet != "ucs2" or len(wide) < len(self._budgets):
            changes = (f"{each} → {gsm7.transliterate(each) or 'nothing'}" for each in outside)
            yield f"sent as {', '.join(changes)}"

    def _notices(self, state: Visible, values: Samples) -> Iterator[tuple[str, str]]:
        """The flow's own refusals; the framework's stand once, for all screens."""
        checks = state.checks if isinstance(state, Input) else ()
        if isinstance(state, Menu) and state.otherwise is not None:
            checks = state.otherwise.checks
        for check in checks:
            unless = f"it passes {check.rule}" if check.rule else wording.conditions(check.when)
            sent = layouts.sent(self._flow, Layout(values.text(check.error)), self._budgets[0])
            yield unless, sent.body


def limits(budget: Budget) -> str:
    """What a gateway's messages hold."""
    found = f"{budget.septets_max} septets"
    return f"{found} or {budget.ucs2_max} characters" if budget.ucs2_max else found


def _without(footer: Footer, shots: tuple[Shots, ...]) -> str:
    """Which keys some page lacks at its foot, and where; all stand there, or none."""
    line = " ".join(f"{key}.{label}" for key, label in footer)
    feet = {line, gsm7.transliterate(line)}
    lacking = [
        shot.gateways
        for shot in shots
        if any(phone.text.rpartition("\n")[2] not in feet for phone in shot.phones)
    ]
    if not footer or not lacking:
        return ""
    keys = ", ".join(f"{key} {label}" for key, label in footer)
    gateways = " and ".join(filter(None, lacking))
    where = f" on gateways of {gateways}" if gateways else ""
    return f"no room for {keys}{where}; the keys work all the same"


def _phone(page: Page, number: int, budget: Budget, *, ends: bool) -> Phone:
    septets = gsm7.septets(page.text)
    if septets is None:
        used, most, unit = gsm7.units(page.text), budget.ucs2_max, "characters"
    else:
        used, most, unit = septets, budget.septets_max, "septets"
    return Phone(page.text, used, most, unit, number, ends)
