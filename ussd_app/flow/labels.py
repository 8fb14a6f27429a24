"""Choices are shown by their labels: where a text names one, a filter of the flow's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ussd_app.flow.linker import map_places
from ussd_app.flow.model import CallState, Condition, Flow, State, Text, Type
from ussd_app.flow.names import LABEL, single
from ussd_app.render.texts import Filter, Place


def with_labels(flow: Flow) -> Flow:
    """Choices shown by their labels: a filter of the flow's own before the others."""
    choices = {
        name: each.shape.choices
        for name, each in flow.variables.items()
        if each.shape.type is Type.CHOICE and any(each.shape.choices.values())
    }
    if not choices:
        return flow

    def labelled(place: Place) -> Place:
        if place.field is not None or place.name not in choices:
            return place
        return dataclasses.replace(place, filters=(LABEL + place.name, *place.filters))

    def shown(name: str) -> Filter:
        def label(value: object, language: str) -> str:
            text = choices[name].get(str(value))
            return text.by_language[language].render({}, language, {}) if text else str(value)

        return label

    texts = {LABEL + name: shown(name) for name in choices}
    states = {name: _labelled_state(state, labelled) for name, state in flow.states.items()}
    on_drop = map_places(flow.on_drop, labelled)
    return dataclasses.replace(
        flow, states=states, on_drop=on_drop, filters={**flow.filters, **texts}
    )


def _labelled_state(state: State, labelled: Callable[[Place], Place]) -> State:
    """Texts that somebody reads; what is compared, stored or passed on alone stays the value."""
    changes = {}
    for name in ("body", "options", "row", "checks", "otherwise"):
        if hasattr(state, name):
            changes[name] = map_places(getattr(state, name), labelled, (Condition,))
    if isinstance(state, CallState):
        changes["arguments"] = {
            name: text if _alone(text) else map_places(text, labelled)
            for name, text in state.arguments.items()
        }
    return dataclasses.replace(state, **changes) if changes else state


def _alone(text: Text) -> bool:
    """Whether a text is one place and nothing else, in some language: it keeps its type."""
    return any(single(template) is not None for template in text.by_language.values())
