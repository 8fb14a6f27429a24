"""The commands of integrators: which gateways there are, and whether one is read rightly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.gateways import GATEWAYS
from ussd_app.gateways.base import Capabilities
from ussd_app.gateways.conformance import BadFixture, check, endpoint_of, load

PROBLEMS, USAGE = 1, 2


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON list.")
def gateways(*, as_json: bool) -> None:
    """Every gateway by name, with what it carries and how sure its format is."""
    found = [
        {"name": name, "confidence": gateway.confidence, **_row(gateway.capabilities)}
        for name, gateway in sorted(GATEWAYS.items())
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table(*(column.replace("_", " ") for column in found[0]))
    for row in found:
        table.add_row(*(_shown(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _row(capabilities: Capabilities) -> dict[str, object]:
    return {
        "septets": capabilities.septets_max,
        "ucs2": capabilities.ucs2_max,
        "seconds": capabilities.reply_seconds,
        "input": str(capabilities.input_style),
        "cancel": capabilities.reports_cancel,
        "timeout": capabilities.reports_timeout,
        "numbered": capabilities.numbers_hops,
        "options": capabilities.structured,
        "asynchronous": capabilities.asynchronous,
        "auth": capabilities.auth,
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


@click.command(name="gateway-check")
@click.argument("name")
@click.argument(
    "fixtures",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
def gateway_check(name: str, fixtures: tuple[Path, ...]) -> None:
    """Run recorded dialogs through the adapter NAME, decode and encode, and show what differs.

    Exit status 0: all agree; 1: something differs; 2: usage. The format of a fixture is in
    docs/gateways.md.
    """
    gateway = GATEWAYS.get(name)
    if gateway is None:
        click.echo(f'no gateway "{name}"{did_you_mean(name, GATEWAYS)}', err=True)
        sys.exit(USAGE)
    agreed = True
    for path in fixtures:
        try:
            fixture = load(path.read_bytes().decode("utf-8"))
            differences = check(gateway, fixture, endpoint_of(fixture))
        except (BadFixture, UnicodeDecodeError) as error:
            click.echo(f"{path}: {error}", err=True)
            sys.exit(USAGE)
        steps = len(fixture["steps"])
        click.echo(f"{path}: {f'{steps} steps agree' if not differences else 'differs'}")
        for difference in differences:
            click.echo(f"  {difference}")
        agreed = agreed and not differences
    if not agreed:
        sys.exit(PROBLEMS)


COMMANDS: tuple[click.Command, ...] = (gateways, gateway_check)
