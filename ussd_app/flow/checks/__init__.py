"""What cannot be told from one state alone. Each check is a function with an id of its own.

Those that look at one state, or at one text, always run; those that stand on declared types, once
all could be read; those that prove something of the whole flow, once the rest is right. So one
mistake is told once.
"""

from __future__ import annotations

from ussd_app.flow.checks import (
    alphabets,
    calls,
    comparisons,
    effects,
    exits,
    keys,
    lengths,
    placed,
    resuming,
    sensitive,
    targets,
    types,
    variables,
)
from ussd_app.flow.checks.subject import Check, Subject
from ussd_app.flow.diagnostics import Diagnostic

__all__ = ["Subject", "run"]

#: Names, and texts as such.
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
#: What names stand for: once everything could be read.
TYPED: tuple[Check, ...] = (
    placed.wholes,
    placed.rows,
    placed.filters,
    comparisons.compared,
    types.typed,
    types.arguments,
    types.stored,
    types.saves,
    resuming.named,
    resuming.entries,
    keys.everywhere,
    keys.options,
    effects.attempts,
    effects.shortcuts,
    effects.starts,
)
#: What is true of all paths and of every value.
WHOLE: tuple[Check, ...] = (
    targets.unreachable_state,
    variables.unset,
    variables.unused,
    exits.traps,
    exits.runs,
    effects.back_over,
    keys.values,
    lengths.screens,
    lengths.messages,
)


def run(subject: Subject, *, whole: bool) -> list[Diagnostic]:
    """All problems of a linked flow; `whole` where nothing was wrong so far."""
    found = [problem for check in EACH for problem in check(subject)]
    for checks in (TYPED, WHOLE):
        if whole and not found:
            found = [problem for check in checks for problem in check(subject)]
    return found
