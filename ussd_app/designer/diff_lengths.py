"""Screens that grow: more pages or more septets where every value is as wide as it can become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ussd_app.designer.diff_match import Match
from ussd_app.designer.diff_words import Difference, Kind, common
from ussd_app.designer.samples import Longest
from ussd_app.designer.walks import left_by_back
from ussd_app.flow import layouts
from ussd_app.flow.model import VISIBLE, End, Flow, Visible
from ussd_app.flow.names import Names
from ussd_app.messages import Budget
from ussd_app.render import gsm7
from ussd_app.render.pages import TooLong


@dataclass(frozen=True, slots=True)
class Size:
    """What a screen takes at its widest: pages (0 where it cannot be shown), and their cost.

    `foot`: the keys for back and home are shown on every page.
    """

    pages: int
    cost: int
    unit: str
    foot: bool


class Scale:
    """Measures screens of one flow on the phones of one gateway."""

    def __init__(self, flow: Flow, budget: Budget) -> None:
        self._flow = flow
        self._budget = budget
        self._goes_back = left_by_back(flow)
        names = Names(flow)
        self._values = {
            language: Longest(flow, names, language, natural=False) for language in flow.languages
        }

    def size(self, state: Visible, language: str) -> Size:
        """What a screen takes at its widest."""
        flow, values = self._flow, self._values[language]
        footer: tuple[tuple[str, str], ...] = ()
        if state.name in self._goes_back:
            footer += ((flow.keys.back, values.system("back")),)
        if not isinstance(state, End) and state.name != flow.home:
            footer += ((flow.keys.home, values.system("home")),)
        screen = layouts.layout(flow, state, values, footer, "")
        try:
            pages = layouts.pages(flow, screen, self._budget)
        except TooLong:
            return Size(0, 0, "", foot=False)
        wide = any(gsm7.septets(page.text) is None for page in pages)
        measure = gsm7.units if wide else gsm7.cost
        keys = layouts.sent(flow, screen, self._budget).footer
        return Size(
            len(pages),
            sum(measure(page.text) for page in pages),
            "characters" if wide else "septets",
            foot=all(page.options[len(page.options) - len(keys) :] == keys for page in pages),
        )


def lengths(old: Flow, new: Flow, match: Match, budget: Budget) -> Iterator[Difference]:
    """Screens that take more, or fewer, pages; more septets on as many; or lose their foot."""
    before, after = Scale(old, budget), Scale(new, budget)
    for name, other in match.states.items():
        was, is_now = old.states[name], new.states[other]
        if not isinstance(was, VISIBLE) or not isinstance(is_now, VISIBLE):
            continue
        for language in common(old, new):
            sizes = before.size(was, language), after.size(is_now, language)
            for sentence in _grown(*sizes):
                whole = f"`{other}` in {language} {sentence}"
                yield Difference(Kind.LENGTHS, other, whole, is_now.body.at)


def _grown(was: Size, is_now: Size) -> Iterator[str]:
    if was.pages != is_now.pages:
        if not is_now.pages:
            yield "cannot be shown at its longest: a word or an option does not fit a page"
        else:
            yield f"took {_pages(was.pages)} at its longest, takes {_pages(is_now.pages)}"
        return
    if was.unit != is_now.unit:
        yield f"was counted in {was.unit}, is counted in {is_now.unit}"
    elif is_now.cost > was.cost:
        more = is_now.cost - was.cost
        yield f"grows by {more} {is_now.unit} at its longest, from {was.cost} to {is_now.cost}"
    if was.foot and not is_now.foot:
        yield "has no room at its longest to show the keys for back and home, which still work"


def _pages(count: int) -> str:
    if not count:
        return "more than can be shown"
    return f"{count} page" if count == 1 else f"{count} pages"
