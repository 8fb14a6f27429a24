"""The programs a web process runs: those of its menus directory, and what was published since.

A session is pinned to the version it began on. Every version stands on the shelf, so a process that
was started since, or on another release, still finds it.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow.compiler import Compiled, Library, examine, flow_files
from ussd_app.flow.diagnostics import Diagnostic, FlowError
from ussd_app.messages import Budget
from ussd_app.screens import Program
from ussd_app.session import Session
from ussd_app.shelf import Follower, Shelf, ShelfBroken, Version

log = logging.getLogger("cassou.programs")

#: Who publishes what comes with a release.
RELEASE = "release"

Budgets = tuple[Budget, ...]


def version_of(compiled: Compiled, main: str) -> Version:
    """What a flow was compiled from; raises `FlowError` where it could not be."""
    if compiled.flow is None or compiled.diagnostics:
        raise FlowError(compiled.diagnostics, compiled.sources)
    bundle = {Path(file).name: text for file, text in compiled.sources.items()}
    return Version(compiled.flow.name, Path(main).name, bundle)


def program_of(version: Version, application: Application, budgets: Budgets) -> Program:
    """The program of a version, pinned to its hash; raises `FlowError`."""
    library = Library.of(version.bundle, application)
    compiled = examine(version.bundle[version.main], version.main, library, budgets)
    if compiled.flow is None or compiled.diagnostics:
        raise FlowError(compiled.diagnostics, compiled.sources)
    return Program.of(dataclasses.replace(compiled.flow, hash=version.hash))


class Directory:
    """Every flow of a directory, compiled; raises `FlowError` with all problems of all, OSError."""

    def __init__(self, path: Path, application: Application, budgets: Budgets) -> None:
        self.application = application
        self.budgets = budgets
        self.library = Library.load(path, application)
        self.versions: dict[str, Version] = {}
        self.flows: dict[str, Program] = {}
        problems: list[FlowError] = []
        for file in flow_files(path):
            compiled = examine(file.read_text("utf-8"), str(file), self.library, budgets)
            if compiled.flow is None or compiled.diagnostics:
                problems.append(FlowError(compiled.diagnostics, compiled.sources))
            elif compiled.flow.returns is None:
                version = version_of(compiled, str(file))
                flow = dataclasses.replace(compiled.flow, hash=version.hash)
                self.versions[flow.name] = version
                self.flows[flow.name] = Program.of(flow)
        if not problems:
            problems = self._clashes()
        if problems:
            sources = {file: text for each in problems for file, text in each.sources.items()}
            raise FlowError([d for each in problems for d in each.diagnostics], sources)

    def _clashes(self) -> list[FlowError]:
        """Service codes that two flows claim."""
        owners: dict[str, str] = {}
        found = []
        for name, program in self.flows.items():
            for code, dial in program.flow.dials.items():
                other = owners.setdefault(code, name)
                if other != name:
                    sentence = f'flow "{other}" answers "{code}" already'
                    file = dial.at.file
                    source = self.versions[name].bundle[Path(file).name]
                    problem = Diagnostic(dial.at, "duplicate-key", sentence)
                    found.append(FlowError([problem], {file: source}))
        return found

    def programs(self) -> tuple[Program, ...]:
        """All of them."""
        return tuple(self.flows.values())


def release(directory: Directory, shelf: Shelf) -> None:
    """Put a release's versions on the shelf, so that sessions on them survive the next one.

    Each follows an earlier release's as the current one, never one that somebody published.
    """
    for flow, version in directory.versions.items():
        try:
            shelf.keep(flow, version.main, version.bundle)
            history = shelf.history(flow)
            if not history or history[-1].who == RELEASE:
                shelf.publish(flow, version.hash, time.time(), RELEASE)
            published = shelf.current(flow)
        except ShelfBroken as error:
            log.warning("%s; nothing can be published, and sessions end with this release", error)
            return
        if published != version.hash:
            log.warning(
                "flow %s: version %s was published and stays; publish the file of this release, "
                "or roll back",
                flow,
                published,
            )


class LivePrograms:
    """`hop.Programs` that follow a shelf, for any number of threads."""

    def __init__(self, directory: Directory, shelf: Shelf) -> None:
        self._seen: Mapping[str, Program] = {}
        self._by_code: Mapping[str, Program] = {}
        self._own = {each.flow.hash: each for each in directory.flows.values()}
        self._follower: Follower[Program] = Follower(
            shelf,
            lambda version: program_of(version, directory.application, directory.budgets),
            directory.flows,
        )

    def current(self, service_code: str) -> Program | None:
        """See `hop.Programs.current`."""
        flows = self._follower.flows()
        if flows is not self._seen:
            # Two threads may do this at once; both come to the same.
            self._by_code = {
                code: program for program in flows.values() for code in program.flow.service_codes
            }
            self._seen = flows
        return self._by_code.get(service_code)

    def of(self, session: Session) -> Program | None:
        """See `hop.Programs.of`."""
        return self._own.get(session.flow) or self._follower.of(session.flow)

    def all(self) -> tuple[Program, ...]:
        """Those of this release, and what is published."""
        return (*self._own.values(), *self._follower.flows().values())

    def any(self) -> Program:
        """See `hop.Programs.any`."""
        return next(iter(self._own.values()))
