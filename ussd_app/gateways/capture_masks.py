"""What a capture must not give away: numbers, credentials, tokens, and what is put in their place.

Masking works on what was sent, letter by letter, so that whatever an adapter does not look at stays
as recorded. Whether the adapter reads the same as before is for the caller to see.

    numbers       an invented number of the same country and length, the same all over a capture,
                  in every form: with + or 00 or nothing before it, national, in groups
    tokens        20 digits, or groups of four, become as many zeros
    credentials   the values of headers and parameters that are named like one become x; so do
                  those that name a SIM or a phone

Session ids are left, but for a number within one. Names, amounts, serial numbers and PINs that
clients typed are left too: nothing tells them from any other text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from urllib.parse import unquote

import phonenumbers

from ussd_app.gateways import base
from ussd_app.gateways.capture_files import Exchange
from ussd_app.messages import BadCallback

TOKEN_DIGITS = 20
_GROUP_DIGITS = 4
#: What clients type and is shorter than this is an amount or a choice, though some island has
#: telephone numbers like it.
_TYPED_DIGITS_MIN = 7
#: Invented numbers that are tried for one number.
_TRIES = 1000

#: What may stand between the digits of one number, or the groups of one token, however escaped.
_GAP = (
    r"(?:[ \u00a0.()+\r\n-]|%(?:20|2[89DdEe]|0[AaDd])|\\[nr]|\\u00[aA]0"
    r"|&(?:#10|#13|#160|#x[AaDd]|nbsp);|<br ?/?>){1,4}"
)
#: An escape, whose digits are none of the text's; or a run of digits with gaps.
_RUN = re.compile(
    rf"(?P<escape>%[0-9A-Fa-f]{{2}}|\\u[0-9A-Fa-f]{{4}}|&#x?[0-9A-Fa-f]+;)"
    rf"|(?P<run>[0-9]+(?:{_GAP}[0-9]+)*)"
)
_GAPS = re.compile(f"({_GAP})")
_LONG = re.compile(rf"(?<![0-9])[0-9]{{{TOKEN_DIGITS}}}(?![0-9])")
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})")

_PRIVATE = "authorization|cookie|api[-_]?key|secret|token|passw|pwd|signature|imsi|imei|iccid"
_NAMED = re.compile(_PRIVATE, re.IGNORECASE)
#: Words that name a credential in a header, and nothing in particular elsewhere.
_KEYS = re.compile(r"key|auth", re.IGNORECASE)
_IN_QUERY = re.compile(rf"((?:^|&)[^=&]*(?:{_PRIVATE})[^=&]*=)[^&]*", re.IGNORECASE)
_IN_JSON = re.compile(
    rf'("[^"\\]*(?:{_PRIVATE})[^"\\]*"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)',
    re.IGNORECASE,
)
_VALUE = r"(?:<!\[CDATA\[.*?\]\]>|[^<])*"
_IN_XML = (
    re.compile(
        rf"(<(?:[\w.-]+:)?[\w.-]*(?:{_PRIVATE})[\w.-]*(?:\s[^<>]*)?(?<!/)>){_VALUE}",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(rf"""(\s[\w.:-]*(?:{_PRIVATE})[\w.:-]*\s*=\s*)(?:"[^"]*"|'[^']*')""", re.IGNORECASE),
    # XML-RPC's struct tells the name in an element of its own.
    re.compile(
        rf"(<name>[^<]*(?:{_PRIVATE})[^<]*</name>\s*<value>\s*(?:<[\w.]+>)?){_VALUE}",
        re.IGNORECASE | re.DOTALL,
    ),
)
_PUT = (r"\1x", r'\1"x"', r"\1x")


@dataclass(frozen=True)
class Masks:
    """What is replaced in one capture.

    `numbers` leads from the national digits of each number to the invented ones; `kept` are runs
    of 20 digits that are session ids and no tokens.
    """

    numbers: Mapping[str, str]
    kept: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """`text` with other numbers, and zeros for tokens."""
        return _RUN.sub(self._run, text)

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(each) for each in self.numbers}, reverse=True)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange with nothing left in it that it would give away."""
        path, mark, query = exchange.path_query.partition("?")
        return replace(
            exchange,
            path_query=self.text(path + mark + _IN_QUERY.sub(r"\1x", query)),
            headers=self._headers(exchange.headers),
            body=self.text(_without_secrets(exchange.body, posted=True)),
            reply_headers=self._headers(exchange.reply_headers),
            reply_body=self.text(_without_secrets(exchange.reply_body, posted=False)),
        )

    def hold(self, exchange: Exchange) -> bool:
        """Whether nothing that is to be replaced stands in `exchange`, escaped in whatever way."""
        texts = (
            exchange.path_query,
            exchange.body,
            exchange.reply_body,
            *exchange.headers.values(),
            *exchange.reply_headers.values(),
        )
        return all(self.text(plain) == plain for plain in map(_plain, texts))

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: "x" if _NAMED.search(name) or _KEYS.search(name) else self.text(value)
            for name, value in headers.items()
        }

    def _run(self, match: re.Match[str]) -> str:
        if match["run"] is None:
            return match[0]
        pieces = _GAPS.split(match["run"])
        groups, gaps = self._without_tokens(pieces[::2]), [*pieces[1::2], ""]
        digits = self._replaced("".join(groups))
        shown, end = "", 0
        for group, gap in zip(groups, gaps, strict=True):
            shown += digits[end : end + len(group)] + gap
            end += len(group)
        return shown

    def _without_tokens(self, groups: list[str]) -> list[str]:
        """The groups of digits of one run, tokens as zeros."""
        zeros = list(groups)
        parts = TOKEN_DIGITS // _GROUP_DIGITS
        for place, group in enumerate(groups):
            five = groups[place : place + parts]
            if len(group) == TOKEN_DIGITS and group not in self.kept:
                zeros[place] = "0" * TOKEN_DIGITS
            elif [len(each) for each in five] == [_GROUP_DIGITS] * parts:
                zeros[place : place + parts] = ["0" * _GROUP_DIGITS] * parts
        return zeros

    def _replaced(self, digits: str) -> str:
        shown, place = "", 0
        while place < len(digits):
            tries = (digits[place : place + length] for length in self._lengths)
            found = next((each for each in tries if each in self.numbers), "")
            shown += self.numbers[found] if found else digits[place]
            place += len(found) or 1
        return shown


def masks_of(numbers: Iterable[str], sessions: Iterable[str], country: str) -> Masks:
    """The masks of a capture whose callbacks told these numbers (E.164) and session keys.

    The n-th number gets the n-th invented one, so the same capture always gets the same masks.
    """
    distinct = list(dict.fromkeys(numbers))
    taken = {national(each) for each in distinct}
    invented: dict[str, str] = {}
    counter = count(1)
    for number in distinct:
        tries = (_invented(number, next(counter), country, taken) for _ in range(_TRIES))
        # Zeros are no number: what has this one will not be read as before, and is left out.
        digits = national(number)
        invented[digits] = next(filter(None, tries), "0" * len(digits))
    return Masks(invented, frozenset(run for each in sessions for run in _LONG.findall(each)))


def typed_numbers(typed: str, country: str) -> list[str]:
    """The telephone numbers (E.164) among what a client typed, parts joined by `*`."""
    found = []
    for part in typed.split("*"):
        try:
            number = base.msisdn(part.strip("# "), country)
        except BadCallback:
            continue
        valid = phonenumbers.is_valid_number(phonenumbers.parse(number))
        if valid and len(national(number)) >= _TYPED_DIGITS_MIN:
            found.append(number)
    return found


def is_secret(name: str) -> bool:
    """Whether a header, parameter or option of this name holds a credential."""
    return _NAMED.search(name) is not None


def national(number: str) -> str:
    """The digits of a number in E.164 without its country code."""
    return phonenumbers.national_significant_number(phonenumbers.parse(number))


def _invented(number: str, counter: int, country: str, taken: set[str]) -> str | None:
    """National digits for a number to stand in for `number`; None where `counter` makes none.

    As few of its first digits are kept as make a number of that country that is valid, where
    `number` itself is.
    """
    digits = national(number)
    code = number.removesuffix(digits)
    for kept in range(len(digits)):
        other = digits[:kept] + str(counter).zfill(len(digits) - kept)
        fits = len(other) == len(digits) and other not in taken
        if fits and _alike(number, code + other) and national(code + other) == other:
            written = [
                before for before in ("", code[1:]) if _read(before + digits, country) == number
            ]
            if all(_read(before + other, country) == code + other for before in written):
                return other
    return None


def _alike(one: str, other: str) -> bool:
    """Whether two numbers are of one country, and the second is valid if the first is."""
    first, second = phonenumbers.parse(one), phonenumbers.parse(other)
    if not phonenumbers.is_valid_number(first):
        return True
    regions = {phonenumbers.region_code_for_number(each) for each in (first, second)}
    return phonenumbers.is_valid_number(second) and len(regions) == 1


def _read(written: str, country: str) -> str:
    try:
        return base.msisdn(written, country)
    except BadCallback:
        return ""


def _without_secrets(body: str, *, posted: bool) -> str:
    """A body with x for credentials: by the look of it JSON, XML or, if `posted`, a form."""
    first = body.lstrip("\ufeff \t\r\n")[:1]
    if first in {"{", "["}:
        return _IN_JSON.sub(r'\1"x"', body)
    if first == "<":
        for pattern, put in zip(_IN_XML, _PUT, strict=True):
            body = pattern.sub(put, body)
        return body
    return _IN_QUERY.sub(r"\1x", body) if posted else body


def _plain(text: str) -> str:
    """`text` with all escapes undone, of whatever format it may be."""
    shown = _UNICODE.sub(lambda match: chr(int(match[1], 16)), html.unescape(unquote(text)))
    return shown.encode("utf-8", "replace").decode()
