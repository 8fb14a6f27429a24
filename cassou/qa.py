"""The commands of QA: replay recorded dialogs, here or against a gateway's URL."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import click
import requests
from rich.console import Console
from rich.progress import Progress

from cassou.application import find_application, known_budgets
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.gateways import GATEWAYS, Gateway
from ussd_app.messages import Budget
from ussd_app.replay import load_report, reading, report
from ussd_app.replay.compare import Comparison, changes
from ussd_app.replay.faults import Broken, break_all
from ussd_app.replay.house import House, NoProgram
from ussd_app.replay.loading import drive
from ussd_app.replay.over_http import BadReply, HttpPhone
from ussd_app.replay.player import Around, Played, play, play_in_process
from ussd_app.replay.report import Result
from ussd_app.replay.studying import study
from ussd_app.replay.transcript import RECORDINGS, SUFFIX, Transcript
from ussd_app.replay.updating import updated
from ussd_app.replay.writing import as_yaml
from ussd_app.screens import FlowStuck, Program
from ussd_app.settings import BadSettings
from workers import settings as settings_module
from workers.settings import Settings

OK, PROBLEMS, USAGE = 0, 1, 2
#: What plays one transcript.
Player = Callable[[Transcript], Played]
_FORMATS = {"junit": report.as_junit, "json": report.as_json, "html": report.as_html}
_DOTS = 72
#: Why a transcript cannot be played: nobody answers it, or the flow that would has mistakes.
_UNPLAYED = (NoProgram, FlowError, FlowStuck, OSError, UnicodeDecodeError, ValueError)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--flow",
    "flow_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play on this flow, not on the one beside the transcripts.",
)
@click.option("--against", default="", help="Play over HTTP, on the endpoint at this URL.")
@click.option("--gateway", default="", help="With --against: the gateway whose part is played.")
@click.option(
    "--speed",
    type=click.Choice(["full", "recorded"]),
    default="full",
    show_default=True,
    help="With --against: whether `wait` waits.",
)
@click.option(
    "--faults",
    type=click.Choice(["all"]),
    help="Plant every single fault at every hop, on models of Redis and the back-ends.",
)
@click.option("--coverage", is_flag=True, help="Tell how much of each flow was met.")
@click.option("--update", is_flag=True, help="Rewrite the expectations to what is shown.")
@click.option("--format", "kind", type=click.Choice(["text", *_FORMATS]), default="text")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there."
)
def replay(
    paths: tuple[Path, ...],
    flow_file: Path | None,
    against: str,
    gateway: str,
    speed: str,
    faults: str | None,
    *,
    coverage: bool,
    update: bool,
    kind: str,
    output: Path | None,
) -> None:
    """Play transcripts, files and directories of them, and show where the screens differ.

    In this process, unless --against names a URL: a clock that only `wait` moves, back-ends as the
    transcript says, no Redis, no sleep. Exit status 0: all as written; 1: something differs;
    2: usage.
    """
    settings = _settings()
    if bool(against) != bool(gateway):
        _usage("--against and --gateway go together")
    if against and (update or coverage or flow_file is not None):
        _usage("--update, --coverage and --flow play in this process, without --against")
    files = _found(paths)
    recordings = any(file.name.endswith(RECORDINGS) for file in files)
    if flow_file is not None and recordings and faults is None:
        if kind not in {"text", "json"}:
            _usage("what would change is told as text or json")
        sys.exit(_changes(settings, flow_file, files, kind, output))
    if faults is not None:
        if against or update or kind != "text":
            _usage("--faults plays in this process, and tells in words")
        sys.exit(_faults(settings, flow_file, files))
    player = (
        _over_http(against, _gateway(gateway), waits=speed == "recorded")
        if against
        else _in_process(settings, flow_file)
    )
    if update:
        sys.exit(_update(files, player))
    results = _played(files, player, quiet=kind != "text")
    text = _FORMATS[kind](results) if kind in _FORMATS else _as_text(results)
    if output is not None:
        output.write_text(text, "utf-8")
    else:
        click.echo(text.rstrip("\n"))
    if coverage:
        for line in _covered(settings, flow_file, results):
            # What a machine reads stays what it reads.
            click.echo(line, err=kind != "text" and output is None)
    if any(result.failed for result in results):
        sys.exit(PROBLEMS)


@click.command(name="load")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--against", required=True, help="The endpoint's URL.")
@click.option("--gateway", required=True, help="The gateway whose part is played.")
@click.option("--rate", type=click.FloatRange(0.1, 10_000), required=True, help="Dialogs a second.")
@click.option("--seconds", type=click.FloatRange(1, 86_400), default=10.0, show_default=True)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page too.")
@click.option("--elsewhere", is_flag=True, help="Drive another machine than this one.")
def load_command(
    paths: tuple[Path, ...],
    against: str,
    gateway: str,
    rate: float,
    seconds: float,
    html: Path | None,
    *,
    elsewhere: bool,
) -> None:
    """Play transcripts as load: so many dialogs a second, whether or not those before have ended.

    Exit status 0: every screen as written; 1: errors or wrong screens; 2: usage.
    """
    chosen = _gateway(gateway)
    if chosen.capabilities.asynchronous:
        _usage(f"{chosen.name} is asynchronous: its screens come to its own URL, not to ours")
    if urlsplit(against).hostname not in {"127.0.0.1", "localhost", "::1"} and not elsewhere:
        _usage(f"{against} is another machine: say --elsewhere if it is meant")
    transcripts = list(_transcripts(_found(paths)))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("dialogs", total=int(rate * seconds))
        load = drive(
            transcripts,
            against.rstrip("/"),
            chosen,
            rate,
            seconds,
            on_begun=lambda begun: progress.update(task, completed=begun),
        )
    for line in load_report.lines(load):
        click.echo(line)
    if html is not None:
        title = f"{rate:g} dialogs a second for {seconds:g} s"
        html.write_text(load_report.page(load, title), "utf-8")
        click.echo(f"{html} written")
    if load.errors or load.wrong or load.not_begun:
        sys.exit(PROBLEMS)


def _found(paths: tuple[Path, ...]) -> list[Path]:
    files = list(_files(paths))
    if not files:
        _usage(f"no {SUFFIX} or {RECORDINGS} file in {', '.join(map(str, paths))}")
    return files


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = [*path.rglob(f"*{SUFFIX}"), *path.rglob(f"*{RECORDINGS}")]
            yield from sorted(found)
        else:
            yield path


def _played(files: list[Path], player: Player, *, quiet: bool) -> list[Result]:
    results: list[Result] = []
    for transcript in _transcripts(files):
        began = time.perf_counter()
        try:
            played, error = player(transcript), ""
        except (*_UNPLAYED, BadReply, requests.RequestException) as wrong:
            played, error = None, f"{transcript.file}: {transcript.name}: {wrong}"
        result = Result(transcript, played, error, time.perf_counter() - began)
        results.append(result)
        if not quiet:
            ends = len(results) % _DOTS == 0
            click.echo("F" if result.failed else ".", nl=ends)
    if not quiet:
        click.echo()
    return results


def _transcripts(files: list[Path]) -> Iterator[Transcript]:
    for file in files:
        try:
            yield from reading.load(file)
        except FlowError as error:
            click.echo(str(error), err=True)
            sys.exit(USAGE)
        except UnicodeDecodeError as error:
            _usage(f"{file}: not UTF-8 text: {error}")


def _as_text(results: list[Result]) -> str:
    parts = [report.failure(result) for result in results if result.failed]
    return "\n\n".join([*parts, report.summary(results)])


def _update(files: list[Path], player: Player) -> int:
    """Rewrite what differs; how it ended."""
    wrong: list[Played] = []
    for file in files:
        if not file.name.endswith(SUFFIX):
            _usage(f"{file}: recordings are not rewritten, record them anew")
        before = file.read_bytes().decode("utf-8")
        try:
            after, left = updated(before, str(file), player)
        except _UNPLAYED as error:
            click.echo(str(error), err=True)
            return USAGE
        wrong += left
        if after != before:
            file.write_bytes(after.encode())
            click.echo(f"{file} rewritten: review what changed")
    for played in wrong:
        click.echo(f"\n{report.told(played)}")
    return PROBLEMS if wrong else OK


def _in_process(settings: Settings, flow_file: Path | None) -> Player:
    programs, budget = _programs(settings, flow_file)
    return lambda transcript: play_in_process(transcript, programs(transcript), budget)


def _programs(
    settings: Settings, flow_file: Path | None
) -> tuple[Callable[[Transcript], Program], Budget]:
    """Which program answers a transcript, and the screens it must fit."""
    budget = known_budgets(settings)[0]
    if flow_file is not None:
        program = _compiled(settings, flow_file, budget)
        return lambda _transcript: program, budget
    return House(settings.menus_dir, find_application(settings), budget).program, budget


def _covered(settings: Settings, flow_file: Path | None, results: list[Result]) -> Iterator[str]:
    """How much of each flow was met, a line each."""
    programs, budget = _programs(settings, flow_file)
    played: dict[str, tuple[Program, list[Transcript]]] = {}
    for result in results:
        if result.played is not None:
            program = programs(result.transcript)
            played.setdefault(program.flow.name, (program, []))[1].append(result.transcript)
    for name, (program, transcripts) in played.items():
        found, _ = study(program, budget, transcripts)
        counts = found.counts().items()
        told = ", ".join(f"{what} {met} of {every}" for what, (met, every) in counts)
        yield f"{name}: {told}"


def _changes(
    settings: Settings, flow_file: Path, files: list[Path], kind: str, output: Path | None
) -> int:
    """What recorded sessions would see otherwise on another version; how it ended."""
    budget = known_budgets(settings)[0]
    program = _compiled(settings, flow_file, budget)
    lines = sum(file.read_bytes().count(b"\n") + 1 for file in files)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("sessions", total=lines)
        comparison = changes(
            _transcripts(files),
            program,
            budget,
            lambda done: progress.update(task, completed=done),
        )
    text = comparison.as_json() if kind == "json" else _changes_as_text(comparison)
    if output is not None:
        output.write_text(text + "\n", "utf-8")
    else:
        click.echo(text)
    return PROBLEMS if comparison.groups else OK


def _changes_as_text(comparison: Comparison) -> str:
    parts = [f"{comparison.same:,} of {comparison.sessions:,} sessions see no difference"]
    for group in comparison.groups:
        difference = group.example.difference
        transcript = group.example.transcript
        at = transcript.at
        place = f"{at.file}:{at.line}" if at is not None else transcript.file
        boxes = report.side_by_side(difference.expected, difference.shown)
        shown = "\n".join(f"  {each}" for each in boxes)
        parts.append(f"{group.sentence}\n  for example {transcript.name} ({place})\n{shown}")
    return "\n\n".join(parts)


def _faults(settings: Settings, flow_file: Path | None, files: list[Path]) -> int:
    """Break every transcript on purpose; how it ended."""
    programs, budget = _programs(settings, flow_file)
    broken: list[Broken] = []
    transcripts = planted = 0
    for transcript in _transcripts(files):
        transcripts += 1
        try:
            for _, _, found in break_all(transcript, programs(transcript), budget):
                planted += 1
                click.echo("F" if found else ".", nl=planted % _DOTS == 0)
                broken += [found] if found is not None else []
        except _UNPLAYED as error:
            click.echo(f"\n{transcript.file}: {transcript.name}: {error}", err=True)
            return USAGE
    click.echo()
    for each in broken:
        click.echo(f"\n{each.transcript.name}: {each.sentence}\n\n{as_yaml(each.transcript)}")
    click.echo(
        f"{planted} faults planted in {transcripts} transcripts, on models of Redis and the"
        f" back-ends; {len(broken)} broke something"
    )
    return PROBLEMS if broken else OK


def _compiled(settings: Settings, file: Path, budget: Budget) -> Program:
    try:
        library = Library.load(file.parent, find_application(settings))
        source = file.read_bytes().decode("utf-8")
        return Program.of(compile_source(source, str(file), library, (budget,)))
    except (FlowError, UnicodeDecodeError) as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)


def _over_http(url: str, gateway: Gateway, *, waits: bool) -> Player:
    if gateway.capabilities.asynchronous:
        _usage(f"{gateway.name} is asynchronous: its screens come to its own URL, not to ours")
    world = Around(on_wait=time.sleep if waits else None)

    def player(transcript: Transcript) -> Played:
        code = f"*{transcript.dial.strip('*#').split('*')[0]}#"
        phone = HttpPhone(url.rstrip("/"), gateway, transcript.msisdn, (code,))
        return play(transcript, phone, world)

    return player


def _gateway(name: str) -> Gateway:
    if name not in GATEWAYS:
        _usage(f'no gateway "{name}"{did_you_mean(name, GATEWAYS)}')
    return GATEWAYS[name]


def _settings() -> Settings:
    try:
        return settings_module.load()
    except BadSettings as error:
        _usage(str(error))


def _usage(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(USAGE)


COMMANDS: tuple[click.Command, ...] = (replay, load_command)
