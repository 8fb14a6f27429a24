"""The commands of menu designers: check, new, fmt, draw, preview, diff, schema, i18n, publish."""

from __future__ import annotations

import dataclasses
import getpass
import sys
import time
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click
from rich.console import Console
from rich.table import Table

from cassou.application import find_application, known_budgets, served_budgets
from cassou.explore import coverage_of, transcripts_of
from ussd_app.designer import checking, diff, draw, fmt, i18n, preview, schema, starter, svg
from ussd_app.flow.clashes import clashes
from ussd_app.flow.compiler import Library, examine, is_transcript
from ussd_app.flow.diagnostics import FlowError, described
from ussd_app.flow.model import Flow
from ussd_app.messages import Budget
from ussd_app.programs import answered, codes_of, version_of
from ussd_app.replay import schema as transcript_schema
from ussd_app.replay.reading import load as load_transcripts
from ussd_app.screens import Program
from ussd_app.settings import BadSettings
from ussd_app.shelf import Publication, Shelf, ShelfBroken, ShelfRefused
from workers import settings as settings_module
from workers.settings import Settings

OK, PROBLEMS, USAGE = 0, 1, 2

P = ParamSpec("P")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """A command whose errors are sentences: 1 where a flow is wrong, 2 where the asking is."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except FlowError as error:
            _tell(error)
            sys.exit(PROBLEMS)
        except (ShelfBroken, ShelfRefused, fmt.CannotFormat, i18n.BadPo) as error:
            click.echo(str(error), err=True)
            sys.exit(PROBLEMS)
        except UnicodeDecodeError as error:
            click.echo(f"not UTF-8 text: {error}", err=True)
            sys.exit(PROBLEMS)
        except OSError as error:
            click.echo(f"{error.filename}: {error.strerror}", err=True)
            sys.exit(USAGE)

    return run


def _tell(error: FlowError) -> None:
    colour = sys.stderr.isatty()
    for each in error.diagnostics:
        click.echo(described(each, error.sources, colour=colour), err=True)


def _settings() -> Settings:
    try:
        return settings_module.load()
    except BadSettings as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)


def _budgets(settings: Settings, septets: int | None) -> tuple[Budget, ...]:
    return (Budget(septets),) if septets else known_budgets(settings)


def _compiled(path: Path, settings: Settings) -> Flow:
    """The flow in a file, under the hash that publishing it would give it; raises `FlowError`."""
    library = Library.load(path.parent, find_application(settings))
    compiled = examine(path.read_text("utf-8"), str(path), library, known_budgets(settings))
    if compiled.flow is None or compiled.diagnostics:
        raise FlowError(compiled.diagnostics, compiled.sources)
    return dataclasses.replace(compiled.flow, hash=version_of(compiled, str(path)).hash)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    output.write_text(text, "utf-8")
    click.echo(f"{output} written", err=True)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text")
@click.option("--septets", type=click.IntRange(40, 182), help="Screens of this size alone.")
@_plainly
def check(paths: tuple[Path, ...], form: str, septets: int | None) -> None:
    """Say all that is wrong in flows: files, directories, or - for one on standard input.

    Without PATHS: the menus directory. Of a directory its files NAME.yaml are checked; directories
    below it are not searched. Exit status 0: nothing is wrong; 1: something is; 2: usage.
    """
    settings = _settings()
    application, budgets = find_application(settings), _budgets(settings, septets)
    missing = [path for path in paths if str(path) != "-" and not path.exists()]
    if missing:
        names = ", ".join(str(path) for path in missing)
        click.echo(f"no such file or directory: {names}", err=True)
        sys.exit(USAGE)
    if paths == (Path("-"),):
        found = checking.check_text(sys.stdin.buffer.read(), Path.cwd(), application, budgets)
    elif Path("-") in paths:
        click.echo("- stands alone", err=True)
        sys.exit(USAGE)
    else:
        flows = [path for path in paths if not is_transcript(path)]
        chosen = flows if paths else [settings.menus_dir]
        _refuse([sentence for path in chosen for sentence in checking.misnamed(path)])
        found = checking.check_paths(chosen, application, budgets)
        found = _with_transcripts(found, [path for path in paths if path not in flows])
    match form:
        case "json":
            click.echo(checking.as_json(found))
        case "github":
            click.echo(checking.as_github(found), nl=bool(found.diagnostics))
        case _:
            for each in found.diagnostics:
                click.echo(described(each, found.sources, colour=sys.stdout.isatty()))
    if found.diagnostics:
        sys.exit(PROBLEMS)


def _refuse(sentences: list[str], status: int = USAGE) -> None:
    """End with what is wrong with the asking, if anything is."""
    for sentence in sentences:
        click.echo(sentence, err=True)
    if sentences:
        sys.exit(status)


def _with_transcripts(found: checking.Found, paths: list[Path]) -> checking.Found:
    for path in paths:
        wrong = FlowError((), {})
        try:
            load_transcripts(path)
        except FlowError as error:
            wrong = error
        except UnicodeDecodeError as error:
            wrong = FlowError([checking.undecodable(error, str(path))], {})
        found = checking.Found(
            tuple(sorted((*found.diagnostics, *wrong.diagnostics))),
            {**found.sources, **wrong.sources},
            (*found.files, str(path)),
        )
    return found


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--code", default="*123#", show_default=True, help="Service code it answers.")
@click.option("--languages", default="fr,en", show_default=True, help="The first is the default.")
@_plainly
def new(path: Path, code: str, languages: str) -> None:
    """Start a flow: a small one that works, in a new file PATH, which ends in .yaml."""
    if path.suffix != ".yaml":
        named = path.with_suffix(".yaml")
        _refuse([f"{path}: a flow is found in a file .yaml alone; name it {named}"])
    if path.exists():
        click.echo(f"{path} exists; nothing was written", err=True)
        sys.exit(USAGE)
    name = path.stem.lower().replace("_", "-").replace(" ", "-")
    try:
        source = starter.starter(name, code, tuple(languages.split(",")))
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(USAGE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")
    click.echo(f"{path} written. Next: cassou check {path}; cassou dial --flow {path}")


@click.command(name="fmt")
@click.argument("paths", nargs=-1, required=True, type=_FILE)
@click.option("--check", "only", is_flag=True, help="Change nothing; exit 1 if something would.")
@_plainly
def fmt_command(paths: tuple[Path, ...], *, only: bool) -> None:
    """Lay flows out anew; comments and texts stay as they are.

    So it does the catalogue, texts and dialogs; of any other YAML it says that it is no flow, and
    then changes nothing.
    """
    foreign = [(path, checking.unknown_kind(_source(path), str(path))) for path in paths]
    _refuse([f"{path}: {sentence}" for path, sentence in foreign if sentence], PROBLEMS)
    changed = []
    for path in paths:
        source = _source(path)
        laid_out = fmt.format_source(source, str(path))
        if laid_out != source:
            changed.append(path)
            if not only:
                path.write_bytes(laid_out.encode())
    for path in changed:
        click.echo(f"{path} {'would change' if only else 'laid out'}")
    if only and changed:
        sys.exit(PROBLEMS)


@click.command(name="draw")
@click.argument("path", type=_FILE)
@click.option("--format", "form", type=click.Choice(["mermaid", "svg"]), default="mermaid")
@click.option("--language", default="", help="Of the labels; default: the flow's own.")
@click.option(
    "--coverage",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Transcripts, or a directory of them: what they never meet is marked.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: standard output.")
@_plainly
def draw_command(
    path: Path, form: str, language: str, coverage: tuple[Path, ...], output: Path | None
) -> None:
    """The map of a flow."""
    settings = _settings()
    flow = _compiled(path, settings)
    met = _met(flow, coverage, settings) if coverage else None
    drawing = draw.drawing(flow, _language(flow, language), met)
    _write(draw.mermaid(drawing) if form == "mermaid" else svg.svg(drawing), output)


def _met(flow: Flow, paths: tuple[Path, ...], settings: Settings) -> draw.Met:
    """What transcripts meet of a flow."""
    if flow.returns is not None:
        _refuse([f'"{flow.name}" is a sub-flow: no transcript dials it'])
    budget = known_budgets(settings)[0]
    found = coverage_of(Program.of(flow), budget, transcripts_of(flow, paths))
    return draw.Met(found.states, found.transitions)


def _language(flow: Flow, wished: str) -> str:
    if wished and wished not in flow.languages:
        known = ", ".join(flow.languages)
        click.echo(f'flow "{flow.name}" has no texts in "{wished}"; it has {known}', err=True)
        sys.exit(USAGE)
    return wished or flow.languages[0]


@click.command(name="preview")
@click.argument("path", type=_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="HTML file.")
@click.option("--septets", type=click.IntRange(40, 182), help="Screens of this size alone.")
@_plainly
def preview_command(path: Path, output: Path, septets: int | None) -> None:
    """Every screen in every language as phones, on one printable sheet."""
    settings = _settings()
    flow = _compiled(path, settings)
    when = time.strftime("%Y-%m-%d %H:%M")
    _write(preview.sheet(flow, _budgets(settings, septets), when), output)


@click.command(name="diff")
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@_plainly
def diff_command(old: Path, new: Path, form: str) -> None:
    """What changes for the client from OLD to NEW. Exit status 1 where something does."""
    settings = _settings()
    budget = known_budgets(settings)[0]
    found = diff.differences(_compiled(old, settings), _compiled(new, settings), budget)
    click.echo(diff.as_json(found) if form == "json" else diff.as_text(found))
    if found:
        sys.exit(PROBLEMS)


@click.command(name="schema")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), default=None)
@_plainly
def schema_command(output: Path | None) -> None:
    """Write the JSON Schemas of flows, catalogue, system texts, transcripts; into the menus."""
    directory = output or _settings().menus_dir
    directory.mkdir(parents=True, exist_ok=True)
    for path in (*schema.write_all(directory), transcript_schema.write(directory)):
        click.echo(f"{path} written")


@click.group(name="i18n")
def i18n_group() -> None:
    """Translations as gettext PO files."""


@i18n_group.command(name="export")
@click.argument("path", type=_FILE)
@click.argument("language")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: standard output.")
@_plainly
def i18n_export(path: Path, language: str, output: Path | None) -> None:
    """The texts of PATH for a translator into LANGUAGE, as PO."""
    _write(i18n.export(_source(path), str(path), language), output)


@i18n_group.command(name="import")
@click.argument("path", type=_FILE)
@click.argument("po", type=_FILE)
@click.argument("language")
@_plainly
def i18n_import(path: Path, po: Path, language: str) -> None:
    """Put the translations of PO into PATH; its comments and layout stay."""
    before = _source(path)
    merged, left = i18n.merge(before, str(path), _source(po), language)
    path.write_bytes(merged.encode())
    for sentence in left:
        click.echo(f"{po}: {sentence}", err=True)
    changed = "written" if merged != before else "unchanged: nothing new was in it"
    click.echo(f"{path} {changed}; {len(left)} text(s) not taken")
    if left:
        sys.exit(PROBLEMS)


@i18n_group.command(name="status")
@click.argument("paths", nargs=-1, type=_FILE, required=True)
@_plainly
def i18n_status(paths: tuple[Path, ...]) -> None:
    """How many texts each language has."""
    table = Table("file", "language", "texts", "translated", "missing", "as the default")
    for path in paths:
        for row in i18n.status(_source(path), str(path)):
            counts = (row.total, row.translated, row.missing, row.same)
            table.add_row(str(path), row.language, *(str(count) for count in counts))
    Console().print(table)


@i18n_group.command(name="pseudo")
@click.argument("path", type=_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True)
@_plainly
def i18n_pseudo(path: Path, output: Path) -> None:
    """A copy of a flow with a made-up language, a third longer: shows what overflows."""
    output.mkdir(parents=True, exist_ok=True)
    for file, text in _pseudo_files(path):
        target = output / file.name
        target.write_text(text, "utf-8")
        click.echo(f"{target} written")
    click.echo(f"Next: cassou preview {output / path.name} -o sheet.html")


def _pseudo_files(path: Path) -> Iterable[tuple[Path, str]]:
    library = Library.load(path.parent, find_application(_settings()))
    for file, text in library.sources.items():
        if Path(file).name == "system.yaml":
            yield Path(file), i18n.pseudo_system(text, file)
        elif file in library.sub_flows.values():
            yield Path(file), i18n.pseudo(text, file)
        else:
            yield Path(file), text
    yield path, i18n.pseudo(_source(path), str(path))


def _source(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


@click.command(name="publish")
@click.argument("what")
@click.option("--rollback", is_flag=True, help="WHAT is a flow's name: the version before again.")
@click.option("--history", is_flag=True, help="WHAT is a flow's name: show what was published.")
@_plainly
def publish_command(what: str, *, rollback: bool, history: bool) -> None:
    """Make the flow in file WHAT current for new sessions, in every web process, at once.

    Sessions in flight finish on the version they began on. A service code that another flow of the
    menus directory, or another published one, answers is refused.
    """
    settings = _settings()
    shelf = Shelf(settings.published())
    who = getpass.getuser()
    if history:
        _print_history(what, shelf.history(what))
    elif rollback:
        _roll_back(what, shelf, settings, who)
    else:
        _publish(Path(what), shelf, settings, who)


def _roll_back(name: str, shelf: Shelf, settings: Settings, who: str) -> None:
    before = shelf.standing(name)[-2:-1]
    held = shelf.bundle(before[0]) if before else None
    if held is not None:
        codes = codes_of(held, find_application(settings))
        _refuse_taken(name, codes, shelf, settings)
    version = shelf.roll_back(name, time.time(), who)
    if version is None:
        click.echo(f'nothing was published of "{name}" before its current version', err=True)
        sys.exit(PROBLEMS)
    click.echo(f"{name}: version {version} is current again")


def _publish(path: Path, shelf: Shelf, settings: Settings, who: str) -> None:
    budgets = served_budgets(settings)
    library = Library.load(path.parent, find_application(settings))
    compiled = examine(_source(path), str(path), library, budgets)
    version_kept = version_of(compiled, str(path))
    name, flow = version_kept.flow, compiled.flow
    if flow is None or flow.returns is not None:
        _refuse([f'"{name}" is a sub-flow: publish the flow that enters it'])
        return
    near = checking.beside(path.parent, library, {str(path)}).values()
    problems = clashes([flow, *(each.flow for each in near if each.flow)], compiled.sources)
    if problems:
        raise FlowError(problems, compiled.sources)
    _refuse_taken(name, flow.service_codes, shelf, settings)
    version = shelf.keep(name, version_kept.main, version_kept.bundle)
    if shelf.publish(name, version, time.time(), who):
        click.echo(f"{name}: version {version} is current for new sessions")
    else:
        click.echo(f"{name}: version {version} was current already")


def _refuse_taken(name: str, codes: Iterable[str], shelf: Shelf, settings: Settings) -> None:
    """End, and publish nothing, where another flow answers one of these codes."""
    others = answered(settings.menus_dir, shelf, find_application(settings))
    taken = [
        f'nothing is published: flow "{other}" answers "{code}" already; give one of them another'
        for code in codes
        for other, its in others.items()
        if other != name and code in its
    ]
    _refuse(taken, PROBLEMS)


def _print_history(flow: str, publications: tuple[Publication, ...]) -> None:
    if not publications:
        click.echo(f'nothing was published of "{flow}"')
        return
    table = Table("when", "version", "who", "what")
    for each in publications:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.at))
        table.add_row(when, each.version, each.who, each.note)
    Console().print(table)


COMMANDS: tuple[click.Command, ...] = (
    check,
    new,
    fmt_command,
    draw_command,
    preview_command,
    diff_command,
    schema_command,
    i18n_group,
    publish_command,
)
