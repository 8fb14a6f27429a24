"""How a phone looks in a terminal: the screen in a frame, with what it costs of the budget."""

from __future__ import annotations

from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from ussd_app.messages import Action, Screen
from ussd_app.render import gsm7

_COLUMNS = 36


def phone(screen: Screen, septets_max: int, title: str) -> Panel:
    """A screen as a phone shows it, its counter below."""
    used = gsm7.cost(screen.text)
    lines: list[Text | Padding] = [Text(screen.text)]
    if screen.action is Action.CONTINUE:
        lines.append(Padding(Text("> _", style="bold"), (1, 0, 0, 0)))
    return Panel(
        Group(*lines),
        title=title,
        subtitle=f"{used}/{septets_max}" + ("" if screen.action is Action.CONTINUE else " end"),
        width=_COLUMNS + 4,
        padding=(0, 1),
    )


def sms(text: str, msisdn: str) -> Panel:
    """An SMS as it arrives."""
    return Panel(Text(text), title=f"SMS to {msisdn}", width=_COLUMNS + 4, border_style="green")
