"""Words and numbers in a picture: how wide they are, where they break, how XML says them."""

from __future__ import annotations

import re
from html import escape
from unicodedata import east_asian_width

#: Characters that XML cannot hold.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text_width(words: str, size: float) -> float:
    """How wide a text is at most, in pixels, in the usual sans-serif fonts; no font is at hand."""
    return size * sum(_share(sign) for sign in words)


def _share(sign: str) -> float:
    if sign in "ijl.,:;'|!I ()[]{}ft-":
        return 0.36
    if east_asian_width(sign) in "WF":
        return 1.05
    if sign in "mwMW@%→…" or ord(sign) > 0x2FF:
        return 0.92
    return 0.72 if sign.isupper() else 0.57


def cut(words: str, room: float, size: float) -> str:
    """As much of a text as is no wider; the end says that some is missing."""
    if text_width(words, size) <= room:
        return words
    while words and text_width(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def wrapped(words: str, room: float, size: float, rows_max: int) -> list[str]:
    """A text in rows, broken between words; what does not fit the last row is cut."""
    rows: list[str] = []
    for word in words.split():
        if rows and text_width(f"{rows[-1]} {word}", size) <= room:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    if len(rows) > rows_max:
        rows[rows_max - 1 :] = [" ".join(rows[rows_max - 1 :])]
    return [cut(row, room, size) for row in rows]


def xml(words: str) -> str:
    """Words as XML says them, in an element or an attribute."""
    return escape(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", words))


def number(value: float) -> str:
    """A number as short as it can be, to a tenth of a pixel."""
    # A zero is added to make the negative zero that rounding may leave a plain one.
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def at(place: tuple[float, float]) -> str:
    """A point as a path says it."""
    return f"{number(place[0])} {number(place[1])}"
