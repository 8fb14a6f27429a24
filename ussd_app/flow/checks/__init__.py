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
#: What one state or one text comes to, whatever stands elsewhere: once everything could be read.
OWN: tuple[Check, ...] = (
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
    keys.values,
    effects.attempts,
    effects.shortcuts,
    effects.starts,
    lengths.screens,
    lengths.messages,
)
#: What is true of all paths: once every name and every target is right.
PATHS: tuple[Check, ...] = (
    targets.unreachable_state,
    variables.unset,
    exits.traps,
    exits.runs,
    effects.back_over,
)
#: What may only look so while something is still wrong.
LAST: tuple[Check, ...] = (variables.unused,)


def run(subject: Subject, *, whole: bool) -> list[Diagnostic]:
    """All problems of a linked flow; `whole` where all of it could be read.

    What follows from a problem is not told beside it: paths are looked at once names are right.
    """
    found = [problem for check in EACH for problem in check(subject)]
    if whole:
        named = not found
        found += [problem for check in OWN for problem in check(subject)]
        if named:
            found += [problem for check in PATHS for problem in check(subject)]
        if not found:
            found += [problem for check in LAST for problem in check(subject)]
    return found
