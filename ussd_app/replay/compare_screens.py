"""Screens as text, taken apart and laid beside each other. Pure; no session, no phone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ussd_app.flow.model import VISIBLE, Body, Flow
from ussd_app.render import gsm7
from ussd_app.replay.compare_kinds import Kind

_OPTION = re.compile(r"([0-9*#]{1,3})\. (.*)")
#: Back and home stand on one line; what they are called begins with no digit, as amounts do.
_FOOTER = re.compile(r"(?:^| )([0-9*#]{1,3})\.(?=[^\W\d])")
#: Digits, with what groups them: 1 135, 20,5, 26/12/2026.
_FIGURES = re.compile(r"\d+(?:[ \u00a0\u202f.,:/-]?\d+)*")
_WORD = re.compile(r"[^\W\d]{3,}")
#: Letters by which a text is known again; one of places alone could be anything.
_LETTERS_MIN = 3

Options = tuple[tuple[str, str], ...]


class Parts(NamedTuple):
    """A screen's text taken apart: what stands above, the options, back and home: (key, label)."""

    body: str
    options: Options
    footer: Options = ()

    @property
    def all_options(self) -> Options:
        """The options, back and home among them."""
        return (*self.options, *self.footer)

    @property
    def keys(self) -> list[str]:
        """The keys, in order."""
        return [key for key, _ in self.all_options]


def parts(text: str) -> Parts:
    """A screen taken apart; a recorded one is known by its text alone."""
    lines = text.split("\n")
    footer: list[str] = []
    if _FOOTER.match(lines[-1]):
        footer = _FOOTER.split(lines.pop())
    options: list[tuple[str, str]] = []
    while lines and (match := _OPTION.fullmatch(lines[-1])):
        options.insert(0, (match[1], match[2]))
        lines.pop()
    found = zip(footer[1::2], footer[2::2], strict=True)
    return Parts("\n".join(lines), tuple(options), tuple(found))


def plain(text: str) -> str:
    """A text, all figures alike."""
    return _FIGURES.sub("0", text)


def same_body(was: Parts, now: Parts) -> bool:
    """Whether two screens differ in figures and options at most."""
    if plain(was.body) != plain(now.body):
        return False
    return bool(was.body) or not _labels(was).isdisjoint(_labels(now))


def alike(was: Parts, now: Parts) -> bool:
    """Whether a screen may be another in other words.

    It has the same keys, and one of its options still, if it had any; or at least half the words.
    """
    if was.keys == now.keys and (not was.options or not _labels(was).isdisjoint(_labels(now))):
        return True
    before, after = (set(_WORD.findall(each.body.lower())) for each in (was, now))
    return len(before & after) * 2 >= max(len(before), len(after), 1)


def first_page(was: Parts, now: Parts, more: str) -> bool:
    """Whether what is one screen now had this one as its first page."""
    if was.body:
        return plain(now.body).startswith(plain(was.body))
    kept = {plain(label) for key, label in was.options if key != more}
    return not kept.isdisjoint(_labels(now))


def changed(was: Parts, now: Parts) -> list[Kind]:
    """What is otherwise on two screens that stand for each other: one kind at least."""
    found = []
    options = _options(was, now)
    if options is not None:
        found.append(options)
    if plain(was.body) != plain(now.body) or options is Kind.WORDS:
        found.append(Kind.WORDS)
    elif was.body != now.body or (options is None and was.all_options != now.all_options):
        found.append(Kind.FIGURES)
    return list(dict.fromkeys(found)) or [Kind.WORDS]


def _options(was: Parts, now: Parts) -> Kind | None:
    """What became of the options; None if nothing, but for figures in their labels."""
    before, after = ({plain(label): key for key, label in each.options} for each in (was, now))
    if before == after and len(was.options) == len(now.options):
        return None
    moved = any(after.get(label, key) != key for label, key in before.items())
    if was.keys == now.keys and not moved:
        return Kind.WORDS
    if len(now.keys) != len(was.keys):
        return Kind.ADDED if len(now.keys) > len(was.keys) else Kind.REMOVED
    return Kind.RENUMBERED


def keys_now(was: Parts, now: Parts) -> Mapping[str, str | None]:
    """The key that chooses now what each recorded key chose; None if nothing does.

    A label in other words is known by its key, if no other option has taken that.
    """
    before, after = dict(was.all_options), {plain(label): key for key, label in now.all_options}
    if all(after.get(plain(label)) == key for key, label in before.items()):
        return {}
    found: dict[str, str | None] = {}
    known = {plain(label) for label in before.values()}
    for key, label in before.items():
        there = after.get(plain(label))
        if there is None and any(
            key == other and plain(name) not in known for other, name in now.all_options
        ):
            there = key
        found[key] = there
    return found


def _labels(screen: Parts) -> set[str]:
    return {plain(label) for _, label in screen.options}


class Homes(NamedTuple):
    """The states that a body may be of; `sure` if one of them says at least half of it."""

    states: set[str]
    sure: bool


class Bodies:
    """Which states of a flow a body may be of, by the words between the places of its texts."""

    def __init__(self, flow: Flow) -> None:
        self._known = [
            (name, *pattern)
            for name, state in flow.states.items()
            if isinstance(state, VISIBLE)
            for language in flow.languages
            if (pattern := _pattern(state.body, language)) is not None
        ]

    def homes(self, body: str) -> Homes:
        """The states that may show it, with a notice above or without."""
        lines = f"{gsm7.transliterate(body)}\n"
        found = [
            (name, letters) for name, pattern, letters in self._known if pattern.fullmatch(lines)
        ]
        most = max((letters for _, letters in found), default=0)
        return Homes({name for name, _ in found}, most * 2 >= _letters(lines) > 0)


def _pattern(body: Body, language: str) -> tuple[re.Pattern[str], int] | None:
    """What a body matches, and the letters it always has; None if these are too few."""
    found, letters = "", 0
    for part in body.parts:
        line, words = "", 0
        for piece in part.text.by_language[language].parts:
            if isinstance(piece, str):
                literal = gsm7.transliterate(piece)
                line += re.escape(literal)
                words += _letters(literal)
            else:
                line += ".*"
        if part.rows is not None:
            found += rf"(?:{line}\n)*"
        elif part.when or not words:
            found += rf"(?:{line}\n)?"
        else:
            found += rf"{line}\n"
            letters += words
    if letters < _LETTERS_MIN:
        return None
    return re.compile(rf"(?:.*\n)?{found}"), letters


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))
