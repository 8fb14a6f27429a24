"""What a `set` works out: values from texts, places and functions. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ussd_app.flow.model import Apply, Function, Value
from ussd_app.flow.names import single
from ussd_app.render import texts
from ussd_app.screens import Shown


def mixed(seed: int, place: str) -> int:
    """Another seed for every place, so that two dice are not one."""
    digest = hashlib.blake2b(f"{seed}\x1f{place}".encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def worked_out(
    value: Value, shown: Shown, language: str, functions: Mapping[str, Function], seed: int
) -> object:
    """The value a `set` stores, or None where a function has none.

    One place alone, without filters, keeps its type; any other text is what a client would read.
    """
    if isinstance(value, Apply):
        given = {
            name: worked_out(inner, shown, language, functions, mixed(seed, name))
            for name, inner in value.arguments.items()
        }
        if any(each is None for each in given.values()):
            return None
        return functions[value.function].apply(given, seed)
    place = single(value.by_language[language])
    if place is not None and not place.filters:
        found = shown.named.get(place.name)
        if place.field is None and isinstance(found, Mapping):
            return found
        return texts.look_up(place, shown.named)
    return shown.text(value)
