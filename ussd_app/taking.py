"""What comes in from outside, held to what the flow declares: typed values and calls' results.

Pure: the day is an argument, and the application's rules are plain functions.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date

from ussd_app.effects import FAILED, LATE, CallResult
from ussd_app.flow.conditions import holds
from ussd_app.flow.model import CallState, Check, Flow, Shape, Type
from ussd_app.flow.values import Refused, cut, fits, stored, value_of
from ussd_app.screens import named_values, system_text
from ussd_app.session import Session

log = logging.getLogger("cassou.taking")


def typed_value(
    flow: Flow, session: Session, save: str, checks: tuple[Check, ...], typed: str, today: date
) -> tuple[str | int, str]:
    """A typed value and "", or nothing and what is wrong with it."""
    language = session.language
    shape = flow.variables[save].shape
    try:
        value = value_of(shape, typed, today, language)
    except Refused as refused:
        values = refused.worded(system_text(flow, "or", language))
        return "", system_text(flow, refused.text, language, values)
    named = {**named_values(session), save: value}
    for check in checks:
        if check.rule:
            passed = _passes(flow, check.rule, str(value))
        else:
            passed = holds(check.when, named, language, flow.filters)
        if not passed:
            return "", check.error.by_language[language].render(named, language, flow.filters)
    return value, ""


def _passes(flow: Flow, rule: str, value: str) -> bool:
    """Whether a rule lets a value pass; one that fails lets nothing pass."""
    try:
        return flow.rules[rule](value)
    except Exception as error:  # noqa: BLE001  # the application's: it must not end a dialog
        log.warning("rule %s: %s", rule, type(error).__name__)
        return False


def as_declared(flow: Flow, state: CallState, result: CallResult) -> tuple[str, dict[str, object]]:
    """A result as the catalogue declares it: what was checked stays true.

    One that it does not declare is no answer: `failed`, or, where something may have been done,
    `late`.
    """
    if result.outcome in {LATE, FAILED}:
        return result.outcome, {}
    declared = flow.backends[state.backend].outcomes.get(result.outcome)
    if declared is not None:
        fields: dict[str, object] = {}
        for name, shape in declared.fields.items():
            value = _declared(shape, result.fields.get(name))
            if value is None:
                break
            fields[name] = value
        else:
            return result.outcome, fields
    return LATE if state.once else FAILED, {}


def _declared(shape: Shape, value: object) -> object | None:
    """A field's value in its stored form, texts cut to their longest; None if it is not one."""
    if value is None:
        return None
    if shape.type is Type.TEXT:
        return cut(str(value), shape)
    if shape.type is Type.ROWS and isinstance(value, tuple | list):
        rows = []
        for row in value[: shape.rows_max]:
            if not isinstance(row, Mapping):
                return None
            found = {name: _declared(each, row.get(name)) for name, each in shape.fields.items()}
            if None in found.values():
                return None
            rows.append(found)
        return tuple(rows)
    return stored(shape, value) if fits(shape, value) else None
