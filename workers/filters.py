"""The application's own filters for texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ussd_app.render.texts import Filter


def kwh(value: object, language: str) -> str:
    """Energy in kWh as the client reads it; a decimal comma in French."""
    text = str(value)
    return (text.replace(".", ",") if language == "fr" else text) + " kWh"


FILTERS: Mapping[str, Filter] = {"kwh": kwh}
