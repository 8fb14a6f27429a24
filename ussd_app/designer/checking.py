"""All that is wrong in files and directories of flows, each problem once."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow.catalogue import check_messages
from ussd_app.flow.clashes import clashes
from ussd_app.flow.compiler import (
    NO_FLOWS,
    Compiled,
    Library,
    examine,
    flow_files,
    is_transcript,
)
from ussd_app.flow.diagnostics import Diagnostic, FlowError, Position
from ussd_app.flow.model import Flow
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import read
from ussd_app.messages import Budget
from ussd_app.render.texts import FILTERS

#: What `-` is called in diagnostics.
STDIN = "<stdin>"

#: What the other files of a menus directory have at their top, and how they are named.
_OTHERS = {
    "backends": ("a catalogue", "catalogue.yaml"),
    "functions": ("a catalogue", "catalogue.yaml"),
    "texts": ("the framework's texts", "system.yaml"),
    "messages": ("texts of SMS", "sms.yaml"),
    "transcript": ("a dialog", "NAME.dial.yaml"),
    "steps": ("a dialog", "NAME.dial.yaml"),
}


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

    A flow is checked against the catalogue, the system texts and the sub-flows beside it, and for a
    name or service code that another flow beside it has. Where one of those files is wrong, that is
    told and not what follows from it. With one of them the flows that stand on it are checked too.
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
    octets: bytes, directory: Path, application: Application, budgets: tuple[Budget, ...]
) -> Found:
    """Everything wrong in a flow that stands in no file, against what stands in `directory`.

    Of another version of it there, which has its name and codes, nothing is told.
    """
    found = _Gathered()
    source = found.decoded(octets, STDIN)
    library = found.library(directory, application)
    if library is not None and source is not None:
        found.flow(source, STDIN, library, budgets)
    return found.told()


def misnamed(path: Path) -> list[str]:
    """What would be passed over in a directory, or is a file, of the wrong name: sentences.

    Raises OSError, and UnicodeDecodeError for such a file in a directory.
    """
    if not path.is_dir():
        return [_rename(path)] if path.suffix == ".yml" else []
    beside = sorted(each for each in path.glob("*.yml") if not each.name.startswith("."))
    found = [
        _rename(each)
        for each in beside
        if unknown_kind(each.read_bytes().decode("utf-8"), str(each)) is None
    ]
    if not found and not flow_files(path):
        found.append(f"{path} holds no flow: no file NAME.yaml; folders below it are not searched")
    return found


def undecodable(error: UnicodeDecodeError, file: str) -> Diagnostic:
    """What is wrong with a file whose octets are no text."""
    sentence = f"not UTF-8 text: octet {error.start + 1} cannot be read; save it as UTF-8"
    return Diagnostic(Position(file, 1, 1, 1, 2), "yaml", sentence)


def _rename(path: Path) -> str:
    return f"{path}: a flow is found in a file .yaml alone; name it {path.with_suffix('.yaml')}"


def unknown_kind(source: str, file: str, *, flow: bool = False) -> str | None:
    """Why a file is none of those of a menus directory, or no flow: a sentence; None if it is one.

    What cannot be read, or is empty, may be one.
    """
    node, problems = read(source, file)
    if problems or (isinstance(node, MappingNode) and not node.entries):
        return None
    names = set(node.by_name) if isinstance(node, MappingNode) else set()
    others = [kind for name, kind in _OTHERS.items() if name in names]
    if names & {"flow", "states"} or (others and not flow):
        return None
    if others:
        what, name = others[0]
        return f"this is no flow but {what}: name it {name}"
    return 'this is no flow: at its top stands neither "flow:" nor "states:"'


def beside(directory: Path, library: Library, but: Container[str] = ()) -> dict[str, Compiled]:
    """The flows of a directory as far as they can be read, by file, not proven; raises OSError."""
    found = {}
    for path in flow_files(directory):
        try:
            source = "" if str(path) in but else path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        if source:
            found[str(path)] = examine(source, str(path), library, proofs=False)
    return found


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
            elif text is not None and file.name not in NO_FLOWS and self._is_flow(text, file):
                texts[str(file)] = text
        library = self.library(directory, application)
        if library is None:
            return
        others = beside(directory, library, texts)
        shared = any(file.name in ("catalogue.yaml", "system.yaml") for file in files)
        for name, other in others.items():
            if shared or any(each in other.sources for each in texts):
                texts[name] = other.sources[name]
        flows = [other.flow for name, other in others.items() if name not in texts]
        # A sub-flow first: what is wrong in it is told in its own words.
        subs = set(library.sub_flows.values())
        flows += [
            self.flow(texts[name], name, library, budgets)
            for name in sorted(texts, key=lambda each: (each not in subs, each))
        ]
        found = clashes([each for each in flows if each is not None], texts)
        self._keep(found, {})

    def _is_flow(self, text: str, file: Path) -> bool:
        sentence = unknown_kind(text, str(file), flow=True)
        if sentence is not None:
            at = Position(str(file), 1, 1, 1, 2)
            self._keep([Diagnostic(at, "missing-key", sentence)], {str(file): text})
        return sentence is None

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

    def flow(
        self, source: str, file: str, library: Library, budgets: tuple[Budget, ...]
    ) -> Flow | None:
        """Check one flow; it, as far as it could be read."""
        compiled = examine(source, file, library, budgets)
        self._keep(compiled.diagnostics, compiled.sources)
        return compiled.flow

    def _read(self, file: Path) -> str | None:
        return self.decoded(file.read_bytes(), str(file))

    def decoded(self, octets: bytes, file: str) -> str | None:
        """The text that octets stand for; None, and a problem, if they stand for none."""
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            self._keep([undecodable(error, file)], {})
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
