"""What the network counts: the GSM 7-bit default alphabet (3GPP TS 23.038, 6.2.1).

Characters of the basic table cost one septet, those of the extension table two (escape and code).
Any other character is replaced by its nearest before a screen is sent.
"""

from __future__ import annotations

import unicodedata

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\x0c^{}\\[~]|€"

_COST = {character: 1 for character in _BASIC if character != "\x1b"}
_COST |= dict.fromkeys(_EXTENSION, 2)
#: str.translate table that keeps one-septet characters out of sight, for a fast common path.
_DROP_BASIC = {ord(character): None for character, cost in _COST.items() if cost == 1}

_REPLACEMENTS = {
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "–": "-",
    "—": "-",
    "…": "...",
    "œ": "oe",
    "Œ": "OE",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
    "°": "o",
    "²": "2",
    "\u2044": "/",
    "≠": "<>",
    "`": "'",
    "\t": " ",
    "×": "x",
    "ɛ": "e",
    "ɔ": "o",
    "ŋ": "n",
    "ɓ": "b",
    "ɗ": "d",
    "ɲ": "ny",
    "ƴ": "y",
}
_KEPT = frozenset((*_COST, "\u2044"))


def septets(text: str) -> int | None:
    """The septets `text` costs, or None if a character of it is outside the alphabet."""
    rest = text.translate(_DROP_BASIC)
    if not rest:
        return len(text)
    extra = 0
    for character in rest:
        if character not in _COST:
            return None
        extra += 1
    return len(text) + extra


def outside(text: str) -> list[str]:
    """The characters of `text` that are outside the alphabet, each once, in order."""
    return list(dict.fromkeys(character for character in text if character not in _COST))


def transliterate(text: str) -> str:
    """`text` with every character outside the alphabet replaced by the nearest inside (`ç` → `c`).

    What has no near neighbour becomes `?`: a screen is always sendable.
    """
    if septets(text) is not None:
        return text
    return "".join(
        character if character in _COST else _nearest(character)
        for character in unicodedata.normalize("NFC", text)
    )


def _nearest(character: str) -> str:
    known = _REPLACEMENTS.get(character)
    if known is not None:
        return known
    bare = unicodedata.normalize("NFKD", character)
    # The bar of a fraction stays: ½ is 1/2, never 12.
    kept = "".join(_REPLACEMENTS.get(part, part) for part in bare if part in _KEPT)
    unseen = unicodedata.combining(character) or unicodedata.category(character) == "Cf"
    return kept or ("" if unseen else "?")


def cost(text: str) -> int:
    """The septets `text` costs; a character that cannot be sent counts as two."""
    counted = septets(text)
    return counted if counted is not None else len(text) * 2


def units(text: str) -> int:
    """The UTF-16 units of a text: what it costs where UCS-2 is sent (3GPP TS 23.038, 6.2.3)."""
    if max(text, default="") <= "\uffff":
        return len(text)
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)
