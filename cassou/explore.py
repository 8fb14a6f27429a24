"""The command that walks a flow and writes the transcripts that are missing."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table

from cassou.application import find_application, known_budgets
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError
from ussd_app.flow.model import Flow
from ussd_app.handset import split_dial_string
from ussd_app.messages import Budget
from ussd_app.replay import reading
from ussd_app.replay.coverage import Coverage, Kind, Point
from ussd_app.replay.explore import SESSIONS_MAX, Explored, explore, wanted
from ussd_app.replay.reasons import why
from ussd_app.replay.studying import study
from ussd_app.replay.transcript import RECORDINGS, SUFFIX, Transcript, Verb
from ussd_app.replay.writing import as_yaml
from ussd_app.screens import Program
from ussd_app.settings import BadSettings
from workers import settings as settings_module

OK, PROBLEMS, USAGE = 0, 1, 2
_PATHS = click.Path(exists=True, path_type=Path)


@click.command(name="explore")
@click.argument("flow_file", metavar="FLOW", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the transcripts there, a file for each; default: only name them.",
)
@click.option(
    "--known",
    multiple=True,
    type=_PATHS,
    help="Transcripts, or a directory of them: what they meet is not written again.",
)
@click.option("--languages", is_flag=True, help="Every screen in every language.")
@click.option("--force", is_flag=True, help="Overwrite files of the same name in --out.")
@click.option(
    "--sessions",
    type=click.IntRange(min=1),
    default=SESSIONS_MAX,
    show_default=True,
    help="How many sessions to look at, at most.",
)
def explore_command(
    flow_file: str,
    out: Path | None,
    known: tuple[Path, ...],
    *,
    languages: bool,
    force: bool,
    sessions: int,
) -> None:
    """Walk all of FLOW by shortest ways, write the missing transcripts, report what they cover.

    Every state, option and outcome, every bound of what is typed, every key. In this process;
    back-ends give the catalogue's samples, and what conditions ask about. Exit status 0: all was
    met; 1: something stayed unmet; 2: usage.
    """
    program, budget = _program(Path(flow_file))
    transcripts = transcripts_of(program.flow, known)
    before = coverage_of(program, budget, transcripts)
    words = [step.text for each in transcripts for step in each.steps if step.verb is Verb.SEND]
    found = explore(
        program, budget, before, words=words, languages=languages, sessions_max=sessions
    )
    console = Console(highlight=False)
    console.print(
        coverage_table(found.before, found.after, wanted(program.flow, languages=languages))
    )
    _write(found, out, force=force)
    if found.limit:
        console.print(f"stopped at a bound: {found.limit}")
    for point in found.unmet:
        console.print(f"unmet: {why(program.flow, point, found)}", markup=False, soft_wrap=True)
    if found.unmet:
        sys.exit(PROBLEMS)


def coverage_table(before: Coverage, after: Coverage, points: Collection[Point] = ()) -> Table:
    """What is met of all there is, before and after; `points` are counted beside the measures."""
    table = Table("", "before", "after", box=None, pad_edge=False)
    earlier = before.counts()
    for measure, count in after.counts().items():
        table.add_row(measure, _share(*earlier[measure]), _share(*count))
    every = Counter(each.kind for each in points)
    for kind, what in ((Kind.INPUT, "typed bounds"), (Kind.SCREEN, "screens by language")):
        if every[kind]:
            counts = (
                sum(each.kind is kind and each in found.met for each in points)
                for found in (before, after)
            )
            table.add_row(what, *(_share(count, every[kind]) for count in counts))
    return table


def _share(met: int, every: int) -> str:
    # Never 100 % while something is missing.
    percent = 100 * met // every if every else 100
    return f"{met} of {every} ({percent} %)"


def transcripts_of(flow: Flow, paths: Iterable[Path]) -> list[Transcript]:
    """The transcripts in files and directories that dial a flow; exits 2 for one that is none."""
    found = []
    for file in _files(paths):
        try:
            found += [each for each in reading.load(file) if _dials(flow, each)]
        except FlowError as error:
            _usage(str(error))
        except UnicodeDecodeError as error:
            _usage(f"{file}: not UTF-8 text: {error}")
    return found


def coverage_of(program: Program, budget: Budget, transcripts: Iterable[Transcript]) -> Coverage:
    """What transcripts meet; of one that fails, which is told, what it met until then."""
    found, played = study(program, budget, transcripts)
    for each in played:
        if each.problem is not None:
            click.echo(f"does not play to its end: {each.failure}", err=True)
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted([*path.rglob(f"*{SUFFIX}"), *path.rglob(f"*{RECORDINGS}")])
        else:
            yield path


def _dials(flow: Flow, transcript: Transcript) -> bool:
    try:
        split_dial_string(transcript.dial, flow.service_codes)
    except ValueError:
        return False
    return True


def _program(file: Path) -> tuple[Program, Budget]:
    """The program of a flow, compiled as `cassou dial --flow` does."""
    try:
        settings = settings_module.load()
    except BadSettings as error:
        _usage(str(error))
    budget = known_budgets(settings)[0]
    try:
        library = Library.load(file.parent, find_application(settings))
        flow = compile_source(file.read_bytes().decode("utf-8"), str(file), library, (budget,))
    except (FlowError, UnicodeDecodeError) as error:
        click.echo(str(error), err=True)
        sys.exit(PROBLEMS)
    if flow.returns is not None:
        _usage(f'"{flow.name}" is a sub-flow: explore a flow that enters it')
    return Program.of(flow), budget


def _write(found: Explored, out: Path | None, *, force: bool) -> None:
    files = _named(found.transcripts)
    if out is None:
        for each in found.transcripts:
            click.echo(f"missing: {each.name}")
        return
    taken = [name for name in files if (out / name).exists()]
    if taken and not force:
        more = f", and {len(taken) - 1} more like it" if taken[1:] else ""
        _usage(f"{out / taken[0]} exists{more}; give --known {out}, or --force to overwrite")
    out.mkdir(parents=True, exist_ok=True)
    for name, transcript in files.items():
        (out / name).write_text(as_yaml(transcript), "utf-8")
    click.echo(f"{len(files)} transcripts written to {out}")


def _named(transcripts: Iterable[Transcript]) -> dict[str, Transcript]:
    """The transcripts by the names of their files."""
    found: dict[str, Transcript] = {}
    for each in transcripts:
        slug = re.sub(r"[^a-z0-9]+", "-", each.name.lower()).strip("-")
        names = (f"{slug}{number}{SUFFIX}" for number in ("", *(f"-{n}" for n in range(2, 10_000))))
        found[next(name for name in names if name not in found)] = each
    return found


def _usage(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(USAGE)


COMMANDS: tuple[click.Command, ...] = (explore_command,)
