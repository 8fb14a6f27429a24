"""What an application registers in Python for its flows: pure functions, no more."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ussd_app.render.texts import Filter


@dataclass(frozen=True, slots=True)
class Application:
    """Filters show a value in a text, rules judge a typed one, functions work values out.

    The functions are declared in the catalogue; filters and rules have names only.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    rules: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict)


def named(target: str) -> Application:
    """The application that `module:name` says, the working directory's modules among them.

    Raises ValueError with a sentence.
    """
    module, _, name = target.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{target}: {error}") from None
    if not isinstance(found, Application):
        raise ValueError(f"{target} is no Application")  # noqa: TRY004  # a bad setting, not a type
    return found
