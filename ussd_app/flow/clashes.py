"""What stands twice among the flows of one directory: a name, or a service code."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from ussd_app.flow.diagnostics import Diagnostic
from ussd_app.flow.model import Flow


def clashes(flows: Iterable[Flow], asked: Collection[str] | None = None) -> list[Diagnostic]:
    """Names and service codes of flows and sub-flows that another has, told at the second.

    The first is the one whose file's name is; with `asked`, names of files, it is told in those
    alone, whichever comes first.
    """
    names: dict[str, Flow] = {}
    codes: dict[str, Flow] = {}
    found = []
    last = frozenset(asked or ())
    for flow in sorted(flows, key=lambda each: (each.at.file in last, each.at.file)):
        other = names.setdefault(flow.name, flow)
        if flow.name and other is not flow:
            sentence = f'{_file(other)} holds a flow "{flow.name}" already'
            found.append(Diagnostic(flow.at, "duplicate-key", sentence))
        for code, dial in flow.dials.items():
            other = codes.setdefault(code, flow)
            if other is not flow:
                sentence = f'flow "{other.name}" in {_file(other)} answers "{code}" already'
                found.append(Diagnostic(dial.at, "duplicate-key", sentence))
    return [each for each in found if asked is None or each.at.file in asked]


def _file(flow: Flow) -> str:
    return Path(flow.at.file).name
