"""The `cassou` command."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click
import requests
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

import wsgi  # noqa: TID251  # to check, before the server does, what it will build
from cassou import demo as demo_module
from cassou import design, explore, qa, runs, telecom
from cassou.dialling import converse, in_process, recorded
from cassou.embedded import DirectoryInUse, ServerFailed
from cassou.endpoint_check import Mark, findings
from cassou.inbox import Sandbox
from cassou.phone import phone as draw_phone
from cassou.phone import sms as draw_sms
from cassou.stack import Addresses, Stack
from cassou.supervisor import NotReady
from ussd_app.endpoints import ConfiguredEndpoint, budgets_of
from ussd_app.endpoints import load as load_endpoints
from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.gateways import base
from ussd_app.hop import erase
from ussd_app.messages import BadCallback
from ussd_app.programs import LivePrograms
from ussd_app.replay.over_http import BadReply, HttpPhone
from ussd_app.replay.recorder import Recorder
from ussd_app.replay.transcript import SUFFIX
from ussd_app.sealing import Sealer
from ussd_app.settings import BadSettings, Environment, rows, secret_octets, without_password
from ussd_app.shelf import Shelf
from ussd_app.store import RedisStore, StoreDown, Wire
from workers import settings as settings_module
from workers.settings import Settings

OK, PROBLEMS, USAGE = 0, 1, 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Cassou: electricity by USSD, and the framework under it.

    \b
    cassou run                    everything up on this machine
    cassou dial '*789#'           a phone in this terminal
    cassou demo                   one purchase, from the dial to the meter
    cassou settings               every setting, its value, and which variable sets it
    \b
    cassou new FILE               start a flow
    cassou check [PATHS]          all that is wrong in flows, with its place
    cassou dial --flow FILE       try a flow on a phone, nothing else running
    cassou replay PATHS           play transcripts, show where the screens differ
    cassou explore FLOW           write the transcripts that are missing
    cassou load PATHS             play transcripts as load on an endpoint
    cassou fmt | draw | preview | diff | schema | i18n
    cassou publish FILE           make a flow current, at once; --rollback goes back
    cassou forget MSISDN          erase what is remembered of a subscriber
    cassou gateways               the formats in which telecoms may call back
    cassou gateway-check NAME FIXTURE...   does an adapter read recorded dialogs rightly?
    cassou gateway-fixtures NAME CAPTURE...   recorded dialogs from a capture, numbers masked
    cassou endpoint-check NAME    try an endpoint from outside, as its gateway would
    """  # noqa: D301  # the mark is click's: it keeps these lines as they are


def _settings() -> Settings:
    try:
        return settings_module.load()
    except BadSettings as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)


def _checked(settings: Settings) -> None:
    """Say what is wrong with the menus or endpoints before anything is started."""
    try:
        endpoints = wsgi.checked_endpoints(settings, os.environ)
        wsgi.load_directory(settings, budgets_of(endpoints))
    except (FlowError, BadSettings) as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(USAGE)


def _endpoint(settings: Settings, name: str) -> ConfiguredEndpoint:
    try:
        endpoints = load_endpoints(settings.endpoints_file, os.environ)
    except FlowError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except OSError as error:
        click.echo(
            f"{settings.endpoints_file}: {error.strerror}; set CASSOU_ENDPOINTS_FILE", err=True
        )
        sys.exit(USAGE)
    if name not in endpoints:
        hint = did_you_mean(name, endpoints)
        click.echo(f'no endpoint "{name}" in {settings.endpoints_file}{hint}', err=True)
        sys.exit(USAGE)
    return endpoints[name]


@main.command()
def run() -> None:
    """Start everything on this machine; Ctrl-C stops all."""
    settings = _settings()
    if settings.environment is Environment.PRODUCTION:
        click.echo(
            "`cassou run` pays with simulated money; in production use the Procfile", err=True
        )
        sys.exit(USAGE)
    _checked(settings)
    console = Console(highlight=False)
    try:
        slot = runs.take_slot(settings.var_dir)
    except runs.NoSlot as error:
        click.echo(str(error), err=True)
        sys.exit(PROBLEMS)
    if slot.number > 1:
        console.print(f"another stack runs here; this one keeps its data in {slot.directory}")

    def tell(name: str, line: str) -> None:
        console.print(
            Text(f"{time.strftime('%H:%M:%S')} ", style="dim"),
            Text(f"{name:<12} ", style="cyan"),
            Text(line),
            sep="",
            soft_wrap=True,
        )

    stack = Stack(slot.directory, tell, fixed_ports=True)
    with _told_to_stop() as stop:
        try:
            addresses = stack.start()
            runs.announce(slot, addresses)
            _print_addresses(console, addresses, slot)
            while not stop.is_set():
                stack.tend(0.5)
        except (NotReady, DirectoryInUse, ServerFailed, BadSettings, SQLAlchemyError) as error:
            click.echo(str(error), err=True)
            sys.exit(PROBLEMS)
        finally:
            console.print("stopping")
            runs.withdraw(slot)
            stack.stop()


@contextlib.contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets, so that stopping is always in good order."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            return
        stop.set()
        # What is still starting up is left at once; the rest is looked at every half second.
        raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except KeyboardInterrupt:
        stop.set()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_addresses(console: Console, addresses: Addresses, slot: runs.Slot) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, address in (
        ("callbacks", f"{addresses.web}/ussd/NAME (endpoints.yaml)"),
        ("operator", addresses.operator),
        ("platform", addresses.platform),
        ("meters", addresses.meters),
        ("head end", addresses.hes),
        ("its faults", f"{addresses.hes_faults}/_faults"),
        ("ledger", without_password(addresses.ledger)),
    ):
        table.add_row(name, Text(address))
    console.print(table)
    command = Path(sys.argv[0])
    if command.is_relative_to(Path.cwd()):
        command = command.relative_to(Path.cwd())
    which = f"CASSOU_VAR_DIR={slot.directory} " if slot.number > 1 else ""
    console.print(f"ready. In another terminal:  {which}{command} dial '*789#'", soft_wrap=True)
    console.print("Ctrl-C stops all.")


@main.command()
@click.argument("dial_string", default="")
@click.option("--msisdn", default=demo_module.MSISDN, show_default=True, help="The phone's number.")
@click.option("--endpoint", "name", default="demo", show_default=True, help="Endpoint to dial.")
@click.option("--url", default="", help="Where Cassou runs; default: the `cassou run` here.")
@click.option(
    "--flow",
    "flow_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Dial this flow in this process; back-ends give the catalogue's samples.",
)
@click.option("--ask", is_flag=True, help="With --flow: ask what each call comes to.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the dialog to this file, NAME.dial.yaml, as a transcript.",
)
def dial(
    dial_string: str,
    msisdn: str,
    name: str,
    url: str,
    flow_file: Path | None,
    *,
    ask: bool,
    record: Path | None,
) -> None:
    """Dial with a phone in this terminal. Type an answer and Enter; q leaves."""
    settings = _settings()
    if record is not None:
        _recordable(record)
    if flow_file is not None:
        in_process(settings, flow_file, dial_string, msisdn, ask=ask, record=record)
        return
    endpoint = _endpoint(settings, name)
    running = runs.find(settings.var_dir)
    base = url or (running.web if running else "")
    if not base:
        click.echo(
            "nothing runs here; start `cassou run` in another terminal, or give --url or --flow",
            err=True,
        )
        sys.exit(PROBLEMS)
    console = Console(highlight=False)
    codes = endpoint.facts.service_codes
    phone = HttpPhone(
        f"{base}/ussd/{name}",
        endpoint.gateway,
        msisdn,
        codes,
        prepare=lambda callback: endpoint.trust.presented(
            callback, time.time(), secrets.token_hex(8)
        ),
    )
    listener = _Listener(console, running.operator, msisdn) if running and not url else None
    recorder = Recorder(phone)
    try:
        converse(console, recorder, endpoint.budget.septets_max, dial_string or "*789#")
        if listener is not None:
            # What a purchase sends comes a moment after its last screen.
            with contextlib.suppress(requests.RequestException):
                listener.show(wait_seconds=3.0)
        if record is not None:
            recorded(recorder, record, msisdn)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except requests.ConnectionError:
        click.echo(f"nothing answers at {base}; is `cassou run` still up?", err=True)
        sys.exit(PROBLEMS)
    except (BadReply, requests.RequestException) as error:
        click.echo(f"{base}: {error}", err=True)
        sys.exit(PROBLEMS)


_MARKS = {Mark.GOOD: "[green]ok[/]", Mark.NOTE: "[yellow]note[/]", Mark.BAD: "[red]wrong[/]"}


@main.command(name="endpoint-check")
@click.argument("name")
@click.option("--url", default="", help="The URL its gateway is given; default: the run here.")
@click.option(
    "--msisdn", default=demo_module.MSISDN, show_default=True, help="A number to dial as."
)
def endpoint_check(name: str, url: str, msisdn: str) -> None:
    """Try the endpoint NAME from outside, as its gateway would: trust, clock, a dialog, notices.

    Exit status 0: nothing is wrong; 1: something is; 2: usage.
    """
    settings = _settings()
    endpoint = _endpoint(settings, name)
    if not url:
        running = runs.find(settings.var_dir)
        if running is None:
            click.echo("nothing runs here; start `cassou run`, or give --url", err=True)
            sys.exit(USAGE)
        url = f"{running.web}/ussd/{name}"
    console = Console(highlight=False)
    console.print(f"{name} ({endpoint.gateway.name}) at {url}", soft_wrap=True)
    wrong = 0
    for finding in findings(url, endpoint, msisdn):
        wrong += finding.mark is Mark.BAD
        mark = Text.from_markup(_MARKS[finding.mark])
        mark.pad_right(6 - len(mark))
        console.print(mark, Text(f"{finding.tried:<10}{finding.sentence}"), soft_wrap=True)
    if wrong:
        sys.exit(PROBLEMS)


def _recordable(file: Path) -> None:
    if not file.name.endswith(SUFFIX):
        click.echo(f"{file}: a transcript's name ends in {SUFFIX}", err=True)
        sys.exit(USAGE)
    if file.exists():
        click.echo(f"{file} is there already: choose another name", err=True)
        sys.exit(USAGE)


class _Listener:
    """Shows the SMS that arrive on the phone while it is used."""

    def __init__(self, console: Console, operator: str, msisdn: str) -> None:
        self._console = console
        self._sandbox = Sandbox(operator)
        self._msisdn = msisdn
        old = self._sandbox.messages(msisdn)
        self._seen = max((int(message["n"]) for message in old), default=0)
        self._guard = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(requests.RequestException):
            while True:
                self.show(wait_seconds=5.0)

    def show(self, wait_seconds: float) -> int:
        """Show what is new, waited for; how many there were."""
        messages = self._sandbox.messages(self._msisdn, self._seen, wait_seconds)
        with self._guard:
            new = [message for message in messages if int(message["n"]) > self._seen]
            for message in new:
                self._seen = int(message["n"])
                # It may come while an answer is being typed: never on that line.
                self._console.print()
                self._console.print(draw_sms(message["text"], self._msisdn))
        return len(new)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--verbose", is_flag=True, help="Show the processes' log lines.")
def demo(*, as_json: bool, verbose: bool) -> None:
    """Buy 10 kWh through the HTTP callback, on free ports, and let the meter judge."""
    settings = _settings()
    endpoint = _endpoint(settings, "demo")
    console = Console(highlight=False, quiet=as_json)
    errors = Console(stderr=True, highlight=False)

    def log(name: str, line: str) -> None:
        if verbose:
            errors.print(Text(f"{name:<12} {line}"), soft_wrap=True)

    most = endpoint.budget.septets_max
    try:
        report = demo_module.run(
            endpoint,
            lambda screen: console.print(draw_phone(screen, most, "*789#")),
            lambda text: console.print(draw_sms(text, demo_module.MSISDN)),
            log,
        )
    except (
        demo_module.DemoFailed,
        NotReady,
        ServerFailed,
        BadReply,
        BadSettings,
        requests.RequestException,
    ) as error:
        errors.print(Text(f"the demo failed: {error}"))
        sys.exit(PROBLEMS)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    meter, wallet = report["meter"], report["wallet"]
    console.print(
        f"meter {demo_module.SERIAL}: {meter['result']}, {meter['kwh_tenths'] / 10:g} kWh"
    )
    console.print(f"wallet: {wallet['debits']} debit of {wallet['amount_minor']} F")
    sale = report["sale"]
    console.print(f"platform: sale of {sale['amount_minor']} F, meter {sale['serial']}")


@main.command()
def settings() -> None:
    """Print every setting, what sets it and what it is; secrets masked."""
    for variable, value, origin, what in rows(_settings()):
        click.echo(f"{variable}={value}")
        click.echo(f"    {what} ({origin})")


@main.command()
@click.argument("msisdn")
def forget(msisdn: str) -> None:
    """Erase what flows remember of a subscriber: language, facts, where to resume.

    Purchases stay in the ledger: they are books.
    """
    settings = _settings()
    running = runs.find(settings.var_dir)
    url = settings.redis_url or (running.redis if running else "")
    if not url:
        click.echo("no Redis: set CASSOU_REDIS_URL, or start `cassou run`", err=True)
        sys.exit(USAGE)
    try:
        number = base.msisdn(msisdn, "BF")
        sealer = Sealer(secret_octets(settings))
        programs = LivePrograms(wsgi.load_directory(settings), Shelf(settings.published()))
        store = RedisStore(Wire(url), sealer, settings.session_ttl_seconds)
        count = erase(store, sealer, programs.all(), number)
    except (BadCallback, BadSettings, FlowError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    except StoreDown as error:
        click.echo(str(error), err=True)
        sys.exit(PROBLEMS)
    click.echo(f"{count} fact(s) forgotten")


for _command in (*design.COMMANDS, *explore.COMMANDS, *qa.COMMANDS, *telecom.COMMANDS):
    main.add_command(_command)


if __name__ == "__main__":
    main()
