"""What an application registers in Python for its flows: pure functions, no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ussd_app.render.texts import Filter


@dataclass(frozen=True, slots=True)
class Application:
    """Filters show a value in a text, rules judge a typed one, functions work values out.

    The functions are declared in the catalogue; filters and rules have names only.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    rules: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict)
