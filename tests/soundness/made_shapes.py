"""The compiler's shape of a made kind, as its declaration is read."""

from __future__ import annotations

from tests.soundness.made_files import APPLICATION, Menus
from tests.soundness.made_kinds import Kind
from ussd_app.flow.model import Shape
from ussd_app.messages import Budget


def shape_of_kind(kind: Kind) -> Shape:
    """What a variable of this kind compiles to."""
    menus = Menus(
        {
            "cassou": "1",
            "flow": "main",
            "service_codes": ["*789#"],
            "languages": {"default": "fr", "also": ["en"]},
            "start": "home",
            "vars": {"v": kind.declared},
            "states": {
                "home": {
                    "menu": [{"when": "{v} is set", "text": "Bonjour"}],
                    "options": [{"label": "Fin", "next": "bye"}],
                },
                "bye": {"end": "Fin"},
            },
        }
    )
    compiled = menus.examined((Budget(),), APPLICATION)
    assert compiled.flow is not None
    return compiled.flow.variables["v"].shape
