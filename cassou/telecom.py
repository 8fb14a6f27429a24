"""The commands of integrators: which gateways there are, and whether one is read rightly."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
from phonenumbers import SUPPORTED_REGIONS
from rich.console import Console
from rich.table import Table

from ussd_app.flow.diagnostics import did_you_mean
from ussd_app.gateways import GATEWAYS, Endpoint, Gateway
from ussd_app.gateways.base import Capabilities, service_code
from ussd_app.gateways.capture import fixtures_of
from ussd_app.gateways.capture_files import BadCapture, Exchange, read
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
    gateway = _gateway(name)
    if _differing(gateway, fixtures):
        sys.exit(PROBLEMS)


@click.command(name="gateway-fixtures")
@click.argument("name")
@click.argument(
    "captures",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--country", default="BF", show_default=True, help="ISO 3166, as the endpoint's.")
@click.option("--service-code", "codes", multiple=True, help="One that the endpoint serves.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="The endpoint's.")
@click.option("--force", is_flag=True, help="Write over fixtures that are there.")
def gateway_fixtures(
    name: str,
    captures: tuple[Path, ...],
    out: Path,
    country: str,
    codes: tuple[str, ...],
    options: tuple[str, ...],
    *,
    force: bool,
) -> None:
    """Make fixtures of recorded callbacks of gateway NAME: HAR files, or JSON Lines.

    Each dialog becomes OUT/capture-01.json and so on, its numbers, tokens and credentials masked,
    and is run like those of gateway-check. Exit status 0: all agree; 1: something differs, or was
    left out; 2: usage. What is masked and what is not is in docs/gateways.md.
    """
    gateway = _gateway(name)
    endpoint = _endpoint(country, codes, options)
    exchanges = [exchange for path in captures for exchange in _exchanges(path)]
    made = fixtures_of(gateway, exchanges, endpoint)
    paths = [out / f"capture-{number:02}.json" for number in range(1, len(made.fixtures) + 1)]
    if not force:
        _refuse_any(paths)
    for path, fixture in zip(paths, made.fixtures, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(fixture, ensure_ascii=False, indent=2)}\n", "utf-8")
    differing = _differing(gateway, paths)
    for each in made.skipped:
        click.echo(f"left out: {each.where}: {each.reason}")
    steps = sum(len(fixture["steps"]) for fixture in made.fixtures)
    skipped = len(made.skipped)
    click.echo(f"dialogs: {len(paths)}, steps: {steps}, callbacks left out: {skipped}")
    if made.skipped or differing:
        sys.exit(PROBLEMS)


def _gateway(name: str) -> Gateway:
    gateway = GATEWAYS.get(name)
    if gateway is None:
        _usage(f'no gateway "{name}"{did_you_mean(name, GATEWAYS)}')
    return gateway


def _endpoint(country: str, codes: tuple[str, ...], options: tuple[str, ...]) -> Endpoint:
    """The endpoint that was recorded."""
    if country not in SUPPORTED_REGIONS:
        _usage(f'no country "{country}"; two capital letters, as BF')
    for each in options:
        if "=" not in each:
            _usage(f'"{each}" is no option of an endpoint; NAME=VALUE')
    named = dict(each.split("=", 1) for each in options)
    return Endpoint("capture", country, tuple(service_code(each) for each in codes), options=named)


def _exchanges(path: Path) -> list[Exchange]:
    try:
        return read(path.read_bytes().decode("utf-8-sig"), str(path))
    except BadCapture as error:
        _usage(str(error))
    except UnicodeDecodeError:
        _usage(f"{path}: not UTF-8")


def _refuse_any(paths: list[Path]) -> None:
    for path in paths:
        if path.exists():
            _usage(f"{path} is there already; --force writes over it")


def _differing(gateway: Gateway, paths: Sequence[Path]) -> list[Path]:
    """The fixtures that do not agree with their adapter; says of each what differs."""
    return [path for path in paths if not _agrees(gateway, path)]


def _agrees(gateway: Gateway, path: Path) -> bool:
    try:
        fixture = load(path.read_bytes().decode("utf-8"))
        differences = check(gateway, fixture, endpoint_of(fixture))
    except (BadFixture, UnicodeDecodeError) as error:
        _usage(f"{path}: {error}")
    steps = len(fixture["steps"])
    click.echo(f"{path}: {f'{steps} steps agree' if not differences else 'differs'}")
    for difference in differences:
        click.echo(f"  {difference}")
    return not differences


def _usage(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(USAGE)


COMMANDS: tuple[click.Command, ...] = (gateways, gateway_check, gateway_fixtures)
