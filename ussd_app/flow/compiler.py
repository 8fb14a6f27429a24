"""A flow's source, the catalogue and the framework's texts, compiled into one `Flow`, once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ussd_app.flow import checks, graph
from ussd_app.flow.catalogue import parse_catalogue, parse_system
from ussd_app.flow.diagnostics import FlowError, did_you_mean
from ussd_app.flow.model import Backend, End, Flow, State, Text
from ussd_app.flow.parser import TOP_KEYS, FlowParser
from ussd_app.flow.reader import Reader
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import read
from ussd_app.render.texts import FILTERS, Filter

STATES_MAX = 2000
_SERVICE_CODE = re.compile(r"\*[0-9]+(\*[0-9]+)*#\Z")


@dataclass(frozen=True, slots=True)
class Library:
    """What every flow of an application is compiled against."""

    backends: Mapping[str, Backend]
    system: Mapping[str, Text]
    filters: Mapping[str, Filter]
    digest: bytes

    @classmethod
    def load(cls, directory: Path, filters: Mapping[str, Filter] | None = None) -> Library:
        """`catalogue.yaml` and `system.yaml` of `directory`; raises `FlowError`, OSError."""
        sources = [
            (directory / name, (directory / name).read_text("utf-8"))
            for name in ("catalogue.yaml", "system.yaml")
        ]
        digest = hashlib.sha256("\0".join(source for _, source in sources).encode()).digest()
        return cls(
            parse_catalogue(sources[0][1], str(sources[0][0])),
            parse_system(sources[1][1], str(sources[1][0])),
            {**FILTERS, **(filters or {})},
            digest,
        )


def compile_file(path: Path, library: Library) -> Flow:
    """The flow in one file; raises `FlowError`, OSError, UnicodeDecodeError."""
    return compile_source(path.read_text("utf-8"), str(path), library)


def compile_source(source: str, file: str, library: Library) -> Flow:
    """The flow in `source`; raises `FlowError` with every problem found."""
    reader = Reader(file)
    node, problems = read(source, file)
    reader.problems += problems
    if node is None:
        raise FlowError(reader.problems, source)
    top = reader.mapping(node, "a flow", TOP_KEYS)
    if not top.entries:
        raise FlowError(reader.problems, source)
    flow = _flow(reader, top, library, hashlib.sha256(library.digest + source.encode()))
    if not any(problem.id in {"wrong-shape", "missing-key"} for problem in reader.problems):
        reader.problems += checks.run(flow)
    if reader.problems:
        raise FlowError(reader.problems, source)
    return flow


def _flow(reader: Reader, top: MappingNode, library: Library, digest: hashlib._Hash) -> Flow:
    reader.version(top, "a flow")
    reader.languages = _languages(reader, top, library)
    parser = FlowParser(reader)
    variables_node = top.get("vars")
    variables = {
        key.value: parser.variable(key, value)
        for key, value in (
            reader.mapping(variables_node, '"vars:"', None).entries if variables_node else ()
        )
    }
    states: dict[str, State] = {}
    entries = reader.mapping(top.get("states"), '"states:"', None).entries
    if len(entries) > STATES_MAX:
        reader.problem(top.at, "too-large", f"a flow has at most {STATES_MAX} states")
    for key, value in entries:
        state = parser.state(key, value)
        if state is not None:
            states[key.value] = state
    start = _target(reader, top, "start", states, None)
    return Flow(
        reader.word(top, "flow", "a flow"),
        digest.hexdigest()[:16],
        _service_codes(reader, top),
        reader.languages,
        start,
        _target(reader, top, "home", states, start),
        parser.keys(top.get("keys")),
        variables,
        states,
        library.system,
        library.backends,
        library.filters,
    )


def _languages(reader: Reader, top: MappingNode, library: Library) -> tuple[str, ...]:
    node = top.get("languages")
    body = reader.mapping(node, '"languages:"', ("default", "also"))
    default = reader.word(body, "default", '"languages:"')
    also = body.get("also")
    others = reader.sequence(also, '"also:"', body.at) if also is not None else ()
    languages = (default, *(reader.scalar(item, "a language").value for item in others))
    known = next(iter(library.system.values())).by_language
    for language in languages:
        if language and language not in known:
            hint = did_you_mean(language, known)
            sentence = f'the framework has no texts in "{language}"{hint}'
            reader.problem(body.at, "missing-translation", sentence)
    return languages


def _target(
    reader: Reader, top: MappingNode, key: str, states: Mapping[str, State], default: str | None
) -> str:
    name = reader.word(top, key, "a flow", default)
    if name and name not in states and key in top.by_name:
        hint = did_you_mean(name, states)
        sentence = f'"{key}:" names state "{name}", which does not exist{hint}'
        reader.problem(top.by_name[key].at, "unknown-state", sentence)
    if key == "home" and isinstance(states.get(name), End):
        at = top.by_name[key].at if key in top.by_name else top.at
        reader.problem(at, "no-way-out", f'home "{name}" is an end; nobody could go on from it')
    return name


def _service_codes(reader: Reader, top: MappingNode) -> tuple[str, ...]:
    codes = []
    for item in reader.sequence(top.get("service_codes"), '"service_codes:"', top.at):
        scalar = reader.scalar(item, "a service code")
        if not _SERVICE_CODE.match(scalar.value):
            sentence = f'"{scalar.value}" is not a service code such as "*789#"; quote it'
            reader.problem(scalar.at, "yaml-trap", sentence)
        codes.append(scalar.value)
    return tuple(codes)


def all_edges(flow: Flow) -> list[graph.Edge]:
    """Every edge of a compiled flow."""
    return graph.edges(flow.states, flow.home)
