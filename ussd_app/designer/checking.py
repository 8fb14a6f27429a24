"""All that is wrong in files and directories of flows, each problem once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow.catalogue import check_messages
from ussd_app.flow.compiler import NO_FLOWS, Library, examine, is_transcript
from ussd_app.flow.diagnostics import Diagnostic, FlowError, Position
from ussd_app.messages import Budget
from ussd_app.render.texts import FILTERS

#: What `-` is called in diagnostics.
STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Found:
    """Problems in the order of their files, the sources they stand in, and the files looked at."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str]
    files: tuple[str, ...]


def check_paths(
    paths: Iterable[Path], application: Application, budgets: tuple[Budget, ...]
) -> Found:
    """Everything wrong in these files and directories; raises OSError.

    A flow is checked against the catalogue, the system texts and the sub-flows beside it. Where one
    of those is wrong, that is told and not what follows from it.
    """
    found = _Gathered()
    by_directory: dict[Path, list[Path]] = {}
    for path in paths:
        beside = (each for each in sorted(path.glob("*.yaml")) if not is_transcript(each))
        files = list(beside) if path.is_dir() else [path]
        for file in files:
            by_directory.setdefault(file.parent, []).append(file)
    for directory, files in by_directory.items():
        found.directory(directory, files, application, budgets)
    return found.told()


def check_text(
    source: str, directory: Path, application: Application, budgets: tuple[Budget, ...]
) -> Found:
    """Everything wrong in a flow that stands in no file, against what stands in `directory`."""
    found = _Gathered()
    library = found.library(directory, application)
    if library is not None:
        found.flow(source, STDIN, library, budgets)
    return found.told()


class _Gathered:
    def __init__(self) -> None:
        self._found: dict[tuple[Position, str], Diagnostic] = {}
        self._sources: dict[str, str] = {}
        self._files: list[str] = []

    def told(self) -> Found:
        """What was found so far."""
        return Found(tuple(sorted(self._found.values())), self._sources, tuple(self._files))

    def directory(
        self,
        directory: Path,
        files: list[Path],
        application: Application,
        budgets: tuple[Budget, ...],
    ) -> None:
        """Check files of one directory."""
        texts = {}
        for file in files:
            self._files.append(str(file))
            text = self._read(file)
            if text is not None and file.name == "sms.yaml":
                self._messages(text, str(file), application)
            elif text is not None and file.name not in NO_FLOWS:
                texts[str(file)] = text
        library = self.library(directory, application)
        if library is None:
            return
        # A sub-flow first: what is wrong in it is told in its own words.
        for name in sorted(texts, key=lambda each: each not in library.sub_flows.values()):
            self.flow(texts[name], name, library, budgets)

    def _messages(self, text: str, file: str, application: Application) -> None:
        try:
            check_messages(text, file, {*FILTERS, *application.filters})
        except FlowError as error:
            self._keep(error.diagnostics, error.sources)

    def library(self, directory: Path, application: Application) -> Library | None:
        """What flows of a directory are compiled against, or None where that itself is wrong."""
        sources = {}
        for path in sorted(directory.glob("*.yaml")):
            if path.name != "sms.yaml" and not is_transcript(path):
                text = self._read(path)
                if text is not None:
                    sources[str(path)] = text
        try:
            return Library.of(sources, application)
        except FlowError as error:
            self._keep(error.diagnostics, error.sources)
            return None

    def flow(self, source: str, file: str, library: Library, budgets: tuple[Budget, ...]) -> None:
        """Check one flow."""
        compiled = examine(source, file, library, budgets)
        self._keep(compiled.diagnostics, compiled.sources)

    def _read(self, file: Path) -> str | None:
        try:
            return file.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            at = Position(str(file), 1, 1, 1, 2)
            sentence = f"not UTF-8 text: octet {error.start + 1} cannot be read; save it as UTF-8"
            self._keep([Diagnostic(at, "yaml", sentence)], {})
            return None

    def _keep(self, diagnostics: Iterable[Diagnostic], sources: Mapping[str, str]) -> None:
        for each in diagnostics:
            self._found.setdefault((each.at, each.id), each)
        self._sources.update(sources)


def as_json(found: Found) -> str:
    """A list of `{file, line, column, end_line, end_column, severity, id, message}`."""
    items = [
        {
            "file": each.at.file,
            "line": each.at.line,
            "column": each.at.column,
            "end_line": each.at.end_line,
            "end_column": each.at.end_column,
            "severity": "error",
            "id": each.id,
            "message": each.message,
        }
        for each in found.diagnostics
    ]
    return json.dumps(items, ensure_ascii=False, indent=2)


def as_github(found: Found) -> str:
    """One workflow command a problem: GitHub shows them in the lines of a pull request."""
    lines = []
    for each in found.diagnostics:
        at = each.at
        place = f"file={_property(at.file)},line={at.line},endLine={at.end_line},col={at.column}"
        title = f"endColumn={at.end_column},title={_property(each.id)}"
        lines.append(f"::error {place},{title}::{_data(each.message)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
