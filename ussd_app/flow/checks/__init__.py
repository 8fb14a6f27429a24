"""What cannot be told from one state alone. Each check is a function with an id of its own.

Those that look at one state, or at one text, always run. Those that prove something of the whole
flow run once the rest is right, so that one mistake is told once.
"""

from __future__ import annotations

from ussd_app.flow.checks import alphabets, calls, lengths, sensitive, targets, variables
from ussd_app.flow.checks.subject import Check, Subject
from ussd_app.flow.diagnostics import Diagnostic

__all__ = ["Subject", "run"]

EACH: tuple[Check, ...] = (
    targets.unknown_state,
    calls.backends,
    variables.declared,
    variables.rules,
    variables.names,
    variables.filters,
    variables.functions,
    alphabets.outside,
    sensitive.shown,
)
WHOLE: tuple[Check, ...] = (
    targets.unreachable_state,
    variables.unset,
    variables.unused,
    lengths.screens,
)


def run(subject: Subject, *, whole: bool) -> list[Diagnostic]:
    """All problems of a linked flow; `whole` where nothing was wrong so far."""
    found = [problem for check in EACH for problem in check(subject)]
    if whole and not found:
        found += [problem for check in WHOLE for problem in check(subject)]
    return found
