"""One long screen as pages that each fit a gateway's budget.

A page breaks between lines or words; an option is never split and never hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Fits = Callable[[str], bool]


class Page(NamedTuple):
    """One page: its whole text, and the same in parts: the text above, every (key, label)."""

    text: str
    body: str
    options: tuple[tuple[str, str], ...]


Keys = tuple[tuple[str, str], ...]


class Layout(NamedTuple):
    """How one screen is put together.

    `options`, `footer` and `more` are (key, label). The footer (back, home) stands on every page,
    on one line; `more` on every page but the last. A footer that leaves no room is left out: its
    keys work without being shown.
    """

    body: str
    options: Keys = ()
    footer: Keys = ()
    more: tuple[str, str] = ("", "")


class TooLong(Exception):  # noqa: N818  # the check of the same name says it
    """One word, or one option, does not fit a page even alone: the sentence names it."""


def paginate(layout: Layout, fits: Fits) -> list[Page]:
    """`layout` as one page if it fits, else as several; raises `TooLong`."""
    whole = _page(layout.body, layout.options, (), layout.footer)
    if fits(whole.text):
        return [whole]
    bare = _page(layout.body, layout.options, (), ())
    if fits(bare.text):
        return [bare]
    return _split(layout, fits)


def _split(layout: Layout, fits: Fits) -> list[Page]:
    if layout.footer and fits(_page("m" * 40, (), (layout.more,), layout.footer).text):
        try:
            return _cut(layout, layout.footer, fits)
        except TooLong:
            pass  # without the footer it may fit
    return _cut(layout, (), fits)


def _cut(layout: Layout, footer: Keys, fits: Fits) -> list[Page]:
    more = (layout.more,)
    pages: list[Page] = []
    body = ""
    for piece in _words(layout.body.strip()):
        grown = body + piece
        if body and not fits(_page(grown.rstrip(), (), more, footer).text):
            pages.append(_page(body.strip(), (), more, footer))
            grown = piece.lstrip()
        if not fits(_page(grown.rstrip(), (), more, footer).text):
            raise TooLong(f'"{grown.strip()}" does not fit a page')
        body = grown
    body = body.strip()
    held: Keys = ()
    for place, option in enumerate(layout.options):
        last = place == len(layout.options) - 1
        following = () if last else more
        if fits(_page(body, (*held, option), following, footer).text):
            held = (*held, option)
            continue
        if body or held:
            pages.append(_page(body, held, more, footer))
        body, held = "", (option,)
        if not fits(_page("", held, following, footer).text):
            raise TooLong(f'option "{option[0]}. {option[1]}" does not fit a page')
    pages.append(_page(body, held, (), footer))
    return pages


def _words(body: str) -> list[str]:
    """`body` cut after each blank or line break, nothing lost."""
    pieces: list[str] = []
    start = 0
    for place, character in enumerate(body):
        if character in " \n":
            pieces.append(body[start : place + 1])
            start = place + 1
    if start < len(body):
        pieces.append(body[start:])
    return pieces


def _page(body: str, options: Keys, more: Keys, footer: Keys) -> Page:
    lines = [body] if body else []
    lines += [f"{key}. {label}" for key, label in (*options, *more)]
    if footer:
        lines.append(" ".join(f"{key}.{label}" for key, label in footer))
    return Page("\n".join(lines), body, (*options, *more, *footer))
