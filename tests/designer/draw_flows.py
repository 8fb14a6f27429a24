"""Flows made by hand for the map's tests: states from a few words, everything else left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ussd_app.designer.draw import Drawing, Kind, Line, Mark, Node
from ussd_app.flow.diagnostics import Position
from ussd_app.flow.model import (
    Body,
    CallState,
    Dial,
    End,
    Flow,
    Input,
    Keys,
    Menu,
    Option,
    Part,
    Shape,
    Show,
    State,
    Text,
    Type,
    Variable,
)
from ussd_app.render.texts import parse

AT = Position("made.yaml", 1, 1, 1, 2)


def text(french: str, english: str = "") -> Text:
    return Text({"fr": parse(french), "en": parse(english or french)}, AT)


def body(*parts: str) -> Body:
    return Body(tuple(Part(text(part)) for part in parts), AT)


def option(label: str, dest: str, **more: object) -> Option:
    return Option(text(label), dest, AT, AT, **more)  # type: ignore[arg-type]  # as Option takes


def menu(name: str, *options: Option, **more: object) -> Menu:
    return Menu(name, AT, body(f"Menu {name}"), options, **more)  # type: ignore[arg-type]  # likewise


def asked(name: str, dest: str, save: str = "pin", **more: object) -> Input:
    words = body(f"Votre {name}")
    return Input(name, AT, words, save, AT, dest, AT, **more)  # type: ignore[arg-type]  # likewise


def show(name: str, dest: str) -> Show:
    return Show(name, AT, body(f"Voir {name}"), dest, AT)


def end(name: str, *parts: str) -> End:
    return End(name, AT, body(*parts or (f"Fin {name}",)), paged=True)


def call(name: str, outcomes: Mapping[str, str], *, once: str = "") -> CallState:
    places = dict.fromkeys(outcomes, AT)
    return CallState(name, AT, f"shop.{name}", AT, {}, AT, outcomes, AT, places, 3.0, once=once)


def flow(*states: State, **more: object) -> Flow:
    """A flow that starts at its first state and is at home at its second, if it has one."""
    given: dict[str, object] = {
        "start": states[0].name,
        "home": states[min(1, len(states) - 1)].name,
        "dials": {"*789#": Dial("*789#", AT)},
        "variables": {
            "pin": Variable("pin", Shape(Type.PIN), AT, sensitive=True),
            "kwh": Variable("kwh", Shape(Type.INTEGER), AT),
        },
        **more,
    }
    return Flow(
        name="made",
        hash="",
        languages=("fr", "en"),
        keys=Keys(AT),
        states={state.name: state for state in states},
        system={},
        backends={},
        filters={},
        functions={},
        rules={},
        at=AT,
        **given,  # type: ignore[arg-type]  # as Flow takes
    )


def graph(count: int, joins: Sequence[tuple[int, int]]) -> Drawing:
    """A map of so many states, every kind in turn, joined as told."""
    kinds = list(Kind)
    nodes = [
        Node(f"state_{each}", kinds[each % len(kinds)], "Une ligne " * (each % 4))
        for each in range(count)
    ]
    nodes[0] = Node("state_0", Kind.MENU, "Accueil", (Mark.START, Mark.HOME))
    lines = [
        Line(f"state_{one}", f"state_{other}", f"{other} Choix", (f"option:{other}",))
        for one, other in dict.fromkeys(joins)
    ]
    return Drawing("graph", tuple(nodes), tuple(lines), ("A note.",))
