"""The programs a web process runs: those of its menus directory, and what was published since.

A session is pinned to the version it began on. Every version stands on the shelf, so a process that
was started since, or on another release, still finds it.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow.clashes import clashes
from ussd_app.flow.compiler import Compiled, Library, examine, flow_files
from ussd_app.flow.diagnostics import Diagnostic, FlowError
from ussd_app.flow.model import CallState, Flow
from ussd_app.messages import Budget
from ussd_app.screens import Program
from ussd_app.session import Session
from ussd_app.shelf import Follower, Note, Shelf, ShelfBroken, Version

log = logging.getLogger("cassou.programs")

#: Who is named for what comes with a release. Its note says that it did: users have any name.
RELEASE = "release"

Budgets = tuple[Budget, ...]


def version_of(compiled: Compiled, main: str) -> Version:
    """What a flow was compiled from; raises `FlowError` where it could not be."""
    if compiled.flow is None or compiled.diagnostics:
        raise FlowError(compiled.diagnostics, compiled.sources)
    bundle = {Path(file).name: text for file, text in compiled.sources.items()}
    return Version(compiled.flow.name, Path(main).name, bundle)


def program_of(
    version: Version,
    application: Application,
    budgets: Budgets,
    served: Collection[str] | None = None,
) -> Program:
    """The program of a version from the shelf, pinned to its hash; raises `FlowError`.

    It was proven when it was published, so only its names are looked at again: the application may
    have other filters now, and `served`, where given, are the back-ends that may still be called.
    """
    compiled = _named(version, application, budgets)
    problems = list(compiled.diagnostics)
    if compiled.flow is not None and served is not None:
        problems += [
            Diagnostic(
                state.backend_at,
                "unknown-backend",
                f'the catalogue of this release has no back-end "{state.backend}"',
            )
            for state in compiled.flow.states.values()
            if isinstance(state, CallState) and state.backend not in served
        ]
    if compiled.flow is None or problems:
        raise FlowError(problems, compiled.sources)
    return Program.of(dataclasses.replace(compiled.flow, hash=version.hash))


def _named(version: Version, application: Application, budgets: Budgets) -> Compiled:
    library = Library.of(version.bundle, application)
    source = version.bundle[version.main]
    return examine(source, version.main, library, budgets, proofs=False)


class Directory:
    """Every flow of a directory, compiled; raises `FlowError` with all problems of all, OSError."""

    def __init__(self, path: Path, application: Application, budgets: Budgets) -> None:
        self.application = application
        self.budgets = budgets
        self.library = Library.load(path, application)
        self.versions: dict[str, Version] = {}
        self.flows: dict[str, Program] = {}
        flows: list[Flow] = []
        problems: list[Diagnostic] = []
        sources: dict[str, str] = {}
        for file in flow_files(path):
            compiled = examine(file.read_text("utf-8"), str(file), self.library, budgets)
            sources.update(compiled.sources)
            problems += compiled.diagnostics
            if compiled.flow is None:
                continue
            flows.append(compiled.flow)
            if compiled.flow.returns is None and not compiled.diagnostics:
                version = version_of(compiled, str(file))
                flow = dataclasses.replace(compiled.flow, hash=version.hash)
                self.versions[flow.name] = version
                self.flows[flow.name] = Program.of(flow)
        problems += clashes(flows)
        if problems:
            raise FlowError(problems, sources)

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
            if not history or history[-1].note is Note.RELEASED:
                shelf.publish(flow, version.hash, time.time(), RELEASE, released=True)
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


def answered(menus_dir: Path, shelf: Shelf, application: Application) -> dict[str, tuple[str, ...]]:
    """The service codes that each flow answers for new sessions: as published, else as in its file.

    What cannot be read answers nothing; of a damaged publication the file counts. Raises
    `FlowError` for a directory whose catalogue or texts are wrong, `ShelfBroken` for a shelf that
    cannot be read at all, OSError, UnicodeDecodeError.
    """
    library = Library.load(menus_dir, application)
    found: dict[str, tuple[str, ...]] = {}
    for file in flow_files(menus_dir):
        flow = examine(file.read_text("utf-8"), str(file), library, proofs=False).flow
        if flow is not None and flow.returns is None:
            found.setdefault(flow.name, flow.service_codes)
    for name in shelf.flows():
        try:
            current = shelf.current(name)
            version = shelf.bundle(current) if current else None
        except ShelfBroken as error:
            log.warning("what flow %s answers is not known: %s", name, error)
            continue
        if version is not None:
            found[name] = codes_of(version, application)
    return found


def codes_of(version: Version, application: Application) -> tuple[str, ...]:
    """The service codes of a version from the shelf; none where it cannot be read any more."""
    try:
        flow = _named(version, application, (Budget(),)).flow
    except FlowError:
        return ()
    return () if flow is None else flow.service_codes


class LivePrograms:
    """`hop.Programs` that follow a shelf, for any number of threads."""

    def __init__(self, directory: Directory, shelf: Shelf) -> None:
        self._directory = directory
        self._shelf = shelf
        #: The flows seen last and who answers each code of theirs: one value, changed at once.
        self._seen: tuple[Mapping[str, Program], Mapping[str, Program]] = ({}, {})
        self._logged: set[tuple[str, str]] = set()
        self._own = {each.flow.hash: each for each in directory.flows.values()}
        served = frozenset(directory.library.backends)
        self._follower: Follower[Program] = Follower(
            shelf,
            lambda version: program_of(version, directory.application, directory.budgets, served),
            directory.flows,
        )

    def current(self, service_code: str) -> Program | None:
        """See `hop.Programs.current`."""
        flows = self._follower.flows()
        seen, by_code = self._seen
        if flows is not seen:
            # Two threads may do this at once, of two publications: each writes a whole answer.
            by_code = self._by_code(flows)
            self._seen = flows, by_code
        return by_code.get(service_code)

    def of(self, session: Session) -> Program | None:
        """See `hop.Programs.of`."""
        return self._own.get(session.flow) or self._follower.of(session.flow)

    def all(self) -> tuple[Program, ...]:
        """Those of this release, and every version that is held, current or not.

        For what they remember: one that this release can no longer run is among them if it can be
        read at all, and else it is logged.
        """
        found = dict(self._own)
        try:
            versions = self._shelf.versions()
        except ShelfBroken as error:
            log.error("older versions cannot be read, nor what they remember: %s", error)  # noqa: TRY400  # a sentence
            versions = ()
        for version in versions:
            if version in found:
                continue
            try:
                held = self._shelf.bundle(version)
                if held is None:
                    continue
                flow = _named(held, self._directory.application, self._directory.budgets).flow
            except (ShelfBroken, FlowError) as error:
                log.error("version %s cannot be read, nor what it remembers: %s", version, error)  # noqa: TRY400  # a sentence
                continue
            if flow is not None:
                found[version] = Program.of(dataclasses.replace(flow, hash=version))
        return tuple(found.values())

    def any(self) -> Program:
        """See `hop.Programs.any`."""
        return next(iter(self._own.values()))

    def _by_code(self, flows: Mapping[str, Program]) -> Mapping[str, Program]:
        """Who answers each code: of several flows the first that had it, and that is logged."""
        claims: dict[str, list[str]] = {}
        for name, program in flows.items():
            for code in program.flow.service_codes:
                claims.setdefault(code, []).append(name)
        for code, names in claims.items():
            if len(names) < 2:
                continue
            names.sort(key=partial(self._since, code))
            for other in names[1:]:
                if (code, other) not in self._logged:
                    self._logged.add((code, other))
                    log.error(
                        "flow %s answers %s, so flow %s does not: publish it with another code",
                        names[0],
                        code,
                        other,
                    )
        return {code: flows[names[0]] for code, names in claims.items()}

    def _since(self, code: str, name: str) -> tuple[bool, float, str]:
        """Sorts the flows that claim a code, alike in all processes: the release's own first."""
        own = self._directory.flows.get(name)
        try:
            published = self._shelf.history(name)
        except ShelfBroken:
            published = ()
        at = published[-1].at if published else 0.0
        return own is None or code not in own.flow.service_codes, at, name
