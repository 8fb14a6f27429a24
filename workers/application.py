"""What this application registers for its flows: filters, and whatever else it needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ussd_app.application import Application
from ussd_app.render.texts import Filter


def kwh(value: object, language: str) -> str:
    """Energy in kWh as the client reads it; a decimal comma in French."""
    text = str(value)
    return (text.replace(".", ",") if language == "fr" else text) + " kWh"


FILTERS: Mapping[str, Filter] = {"kwh": kwh}

#: Named by the setting `application`.
APPLICATION = Application(FILTERS)
