"""A flow's source, the catalogue and the framework's texts, compiled into one `Flow`, once."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow import checks, graph
from ussd_app.flow.assigned import Assigned
from ussd_app.flow.catalogue import parse_catalogue, parse_system
from ussd_app.flow.diagnostics import Diagnostic, FlowError, Position, capped, did_you_mean
from ussd_app.flow.functions import FUNCTIONS
from ussd_app.flow.labels import with_labels
from ussd_app.flow.languages import read_languages
from ussd_app.flow.linker import STATES_MAX, Linker
from ussd_app.flow.model import (
    Backend,
    Body,
    Dial,
    End,
    Flow,
    Function,
    State,
    Text,
)
from ussd_app.flow.names import Names, numbered
from ussd_app.flow.parser import FlowParser
from ussd_app.flow.reader import Reader
from ussd_app.flow.rules import RULES
from ussd_app.flow.syntax import Mapping as MappingNode
from ussd_app.flow.syntax import Sequence, read
from ussd_app.messages import Budget
from ussd_app.render.texts import FILTERS, Filter

_FLOW_KEYS = (
    "cassou",
    "flow",
    "service_codes",
    "languages",
    "start",
    "home",
    "keys",
    "alphabet",
    "resume",
    "on_drop",
    "vars",
    "states",
)
_SUB_FLOW_KEYS = (
    "cassou",
    "flow",
    "languages",
    "start",
    "alphabet",
    "args",
    "returns",
    "vars",
    "states",
)
_SERVICE_CODE = re.compile(r"\*[0-9]+(\*[0-9]+)*#\Z")
_FLOW_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}\Z")
_SUB_FLOW = re.compile(r"^returns:", re.MULTILINE)
_NAMED = re.compile(r"^flow:\s*[\"']?([a-z][a-z0-9-]*)", re.MULTILINE)
#: A longer one is no code that an operator gives, and would break what is proven of screens.
_SERVICE_CODE_MAX = 20
SERVICE_CODES_MAX = 50
ALPHABETS = ("transliterate", "ucs2", "error")
#: Files of a menus directory that are no flows.
NO_FLOWS = frozenset({"catalogue.yaml", "system.yaml", "sms.yaml"})
#: The framework's own texts, for applications that bring none.
SYSTEM_FILE = Path(__file__).parent.parent / "menus" / "system.yaml"


def is_transcript(path: Path) -> bool:
    """Whether a file is a dialog to be played, by its name: they may lie beside flows."""
    return path.name.endswith(".dial.yaml")


def flow_files(directory: Path) -> list[Path]:
    """The files of a directory that hold flows."""
    found = sorted(directory.glob("*.yaml"))
    return [path for path in found if path.name not in NO_FLOWS and not is_transcript(path)]


@dataclass(frozen=True, slots=True)
class Library:
    """What every flow of an application is compiled against.

    `sources` are the texts of the files it was made of, by name; `sub_flows` the names of those
    that other flows may enter, with their file names.
    """

    backends: Mapping[str, Backend]
    functions: Mapping[str, Function]
    system: Mapping[str, Text]
    filters: Mapping[str, Filter]
    rules: Mapping[str, Callable[[str], bool]]
    sources: Mapping[str, str]
    sub_flows: Mapping[str, str]

    @classmethod
    def load(cls, directory: Path, application: Application | None = None) -> Library:
        """The YAML files of `directory`; raises `FlowError`, OSError, UnicodeDecodeError.

        A directory without a catalogue declares no back-ends; one without `system.yaml` uses the
        framework's own texts.
        """
        sources = {
            str(path): path.read_text("utf-8")
            for path in sorted(directory.glob("*.yaml"))
            if path.name != "sms.yaml" and not is_transcript(path)
        }
        return cls.of(sources, application)

    @classmethod
    def of(cls, sources: Mapping[str, str], application: Application | None = None) -> Library:
        """The same from texts by file name; raises `FlowError`."""
        application = application or Application()
        by_name = {Path(file).name: file for file in sources}
        kept: dict[str, str] = {}
        backends: Mapping[str, Backend] = {}
        functions: Mapping[str, Function] = {}
        if "catalogue.yaml" in by_name:
            file = by_name["catalogue.yaml"]
            kept[file] = sources[file]
            found = parse_catalogue(sources[file], file, application.functions)
            backends, functions = found.backends, found.functions
        file = by_name.get("system.yaml", str(SYSTEM_FILE))
        kept[file] = sources[file] if file in sources else SYSTEM_FILE.read_text("utf-8")
        system = parse_system(kept[file], file)
        sub_flows: dict[str, str] = {}
        for name, source in sources.items():
            named = _NAMED.search(source)
            if Path(name).name in NO_FLOWS or not named or not _SUB_FLOW.search(source):
                continue
            # Of two with one name the first: `clashes` tells of the other.
            if sub_flows.setdefault(named[1], name) == name:
                kept[name] = source
        return cls(
            backends,
            {**FUNCTIONS, **functions},
            system,
            {**FILTERS, **application.filters},
            {**RULES, **application.rules},
            kept,
            sub_flows,
        )


@dataclass(frozen=True, slots=True)
class Compiled:
    """A flow as far as it could be read, all that is wrong with it, and the sources it stands on.

    `sources` are by file: the flow's own, the catalogue, the framework's texts, its sub-flows.
    """

    flow: Flow | None
    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, str]


def compile_file(path: Path, library: Library, budgets: tuple[Budget, ...] = (Budget(),)) -> Flow:
    """The flow in one file; raises `FlowError`, OSError, UnicodeDecodeError."""
    return compile_source(path.read_text("utf-8"), str(path), library, budgets)


def compile_source(
    source: str, file: str, library: Library, budgets: tuple[Budget, ...] = (Budget(),)
) -> Flow:
    """The flow in `source`; raises `FlowError` with every problem found.

    `budgets` are those of the gateways it will be shown through: screens are proven to fit them.
    """
    compiled = examine(source, file, library, budgets)
    if compiled.flow is None or compiled.diagnostics:
        raise FlowError(compiled.diagnostics, compiled.sources)
    return compiled.flow


def examine(
    source: str,
    file: str,
    library: Library,
    budgets: tuple[Budget, ...] = (Budget(),),
    *,
    proofs: bool = True,
) -> Compiled:
    """A flow and everything wrong with it, in one run, in the order of the file.

    Without `proofs` only what its names stand for is looked at, such as back-ends and filters: for
    a flow that was proven before.
    """
    return _Compiler(source, file, library, budgets, proofs=proofs).run()


class _Compiler:
    def __init__(
        self,
        source: str,
        file: str,
        library: Library,
        budgets: tuple[Budget, ...],
        *,
        proofs: bool = True,
    ) -> None:
        self._proofs = proofs
        self._source = source
        self._file = file
        self._library = library
        self._budgets = budgets
        self._problems: list[Diagnostic] = []
        self._sub_flows: dict[str, Flow | None] = {}
        self._sources = {file: source}
        self._unread: dict[str, frozenset[str]] = {}

    def run(self) -> Compiled:
        """See `examine`."""
        flow = self._parsed(self._source, self._file)
        if flow is None:
            return self._done(None)
        self._sub_flows[flow.name] = flow
        broken = bool(self._problems)
        linker = Linker(flow, self._sub_flow, tuple(self._library.sub_flows))
        flow = with_labels(linker.linked())
        self._problems += linker.problems
        names = Names(flow)
        flow = numbered(flow, names)
        flow = dataclasses.replace(flow, hash=self._hash())
        assigned = Assigned(flow, names)
        flow = dataclasses.replace(flow, needs=assigned.needs())
        subject = checks.Subject(
            flow,
            names,
            assigned,
            self._library.rules,
            self._budgets,
            self._sources,
            self._unread,
        )
        whole = self._proofs and not broken and not self._problems
        self._problems += checks.run(subject, whole=whole)
        return self._done(flow)

    def _done(self, flow: Flow | None) -> Compiled:
        """One problem a place and check: a sub-flow used twice is wrong once."""
        found: dict[tuple[Position, str], Diagnostic] = {}
        for problem in sorted(set(self._problems)):
            found.setdefault((problem.at, problem.id), problem)
        sources = {**self._sources, **self._shared(), self._file: self._source}
        return Compiled(flow, tuple(capped(found.values())), sources)

    def _hash(self) -> str:
        """Of all that decides what a client sees: the sources, in the order of their names."""
        digest = hashlib.sha256()
        for file, text in {**self._shared(), **self._sources}.items():
            digest.update(f"{Path(file).name}\0{text}\0".encode())
        return digest.hexdigest()[:16]

    def _shared(self) -> dict[str, str]:
        sub_files = set(self._library.sub_flows.values())
        return {file: text for file, text in self._library.sources.items() if file not in sub_files}

    def _sub_flow(self, name: str) -> Flow | None:
        if name not in self._sub_flows:
            file = self._library.sub_flows.get(name)
            self._sub_flows[name] = None
            if file is not None:
                source = self._library.sources[file]
                self._sources[file] = source
                self._sub_flows[name] = self._parsed(source, file)
        return self._sub_flows[name]

    def _parsed(self, source: str, file: str) -> Flow | None:
        reader = Reader(file, source)
        node, problems = read(source, file)
        reader.problems += problems
        flow = None
        if node is not None:
            sub = isinstance(node, MappingNode) and "returns" in node.by_name
            top = reader.mapping(node, "a flow", _SUB_FLOW_KEYS if sub else _FLOW_KEYS)
            if not top.entries and not reader.problems:
                reader.problem(top.at, "missing-key", "the flow is empty")
            if top.entries:
                flow = _flow(reader, top, self._library, sub=sub)
        self._problems += reader.problems
        self._unread[file] = frozenset(reader.unread)
        return flow


def _flow(reader: Reader, top: MappingNode, library: Library, *, sub: bool) -> Flow | None:
    reader.version(top, "a flow")
    name, name_at = reader.target(top, "flow", "a flow")
    if name and not _FLOW_NAME.match(name):
        sentence = f'flow "{name}" must be lower-case letters, digits and hyphens, 64 at most'
        reader.problem(name_at, "bad-name", sentence)
    seconds = read_languages(reader, top, next(iter(library.system.values())).by_language)
    parser = FlowParser(reader)
    arguments = parser.variables(top.get("args"), "args")
    variables = parser.variables(top.get("vars"), "vars")
    for each in sorted(set(arguments) & set(variables)):
        sentence = f'"{each}" is an argument already'
        reader.problem(variables[each].at, "duplicate-key", sentence)
    states: dict[str, State] = {}
    if "states" not in top.by_name:
        reader.problem(top.at, "missing-key", 'a flow needs "states:"')
    found = top.get("states")
    entries = reader.mapping(found, '"states:"', None).entries if found is not None else ()
    if len(entries) > STATES_MAX:
        at = top.by_name["states"].at
        reader.problem(at, "too-large", f"a flow has at most {STATES_MAX} states")
        return None
    unread = []
    for key, value in entries:
        state = parser.state(key, value)
        if state is not None:
            states[key.value] = state
        else:
            unread.append(key)
    known = {key.value for key, _ in entries}
    returns = parser.returns(top.get("returns"))
    for each in sorted(set(returns or ()) & known):
        sentence = f'"{each}" is a state and an exit; one of them needs another name'
        reader.problem(states[each].at if each in states else top.at, "duplicate-key", sentence)
    start = _target(reader, top, "start", known, None)
    home = _target(reader, top, "home", known, start)
    if isinstance(states.get(home), End):
        at = top.by_name["home" if "home" in top.by_name else "start"].at
        reader.problem(at, "no-way-out", f'home "{home}" is an end; nobody could go on from it')
    dials = {} if sub else _dials(reader, top, known)
    # What cannot be read exists all the same: what leads there is no second mistake.
    states.update({key.value: End(key.value, key.at, Body((), key.at)) for key in unread})
    named = {start, home, *(dial.start for dial in dials.values())} - {""}
    if states:
        missing = sorted(named - set(states))
        states.update({each: End(each, top.at, Body((), top.at)) for each in missing})
    return Flow(
        name,
        "",
        dials,
        reader.languages,
        start,
        home,
        parser.keys(top.get("keys"), top.at),
        variables,
        states,
        library.system,
        library.backends,
        library.filters,
        library.functions,
        library.rules,
        name_at,
        reader.one_of(top, "alphabet", ALPHABETS, ALPHABETS[0]),
        seconds,
        parser.resume(top.get("resume")),
        parser.on_drop(top.get("on_drop")),
        arguments,
        returns,
    )


def _target(
    reader: Reader, top: MappingNode, key: str, states: set[str], default: str | None
) -> str:
    name = reader.word(top, key, "a flow", default)
    if name and states and name not in states and key in top.by_name:
        hint = did_you_mean(name, states)
        sentence = f'"{key}:" names state "{name}", which does not exist{hint}'
        reader.problem(top.by_name[key].at, "unknown-state", sentence)
    return name


def _dials(reader: Reader, top: MappingNode, states: set[str]) -> dict[str, Dial]:
    node = top.get("service_codes")
    if node is None:
        reader.problem(top.at, "missing-key", 'a flow needs "service_codes:"')
        return {}
    found: dict[str, Dial] = {}
    items = reader.sequence(node, '"service_codes:"', top.at)
    if isinstance(node, Sequence) and not items:
        reader.problem(node.at, "missing-key", "a flow needs one service code at least")
    if isinstance(node, Sequence):
        reader.most(node, SERVICE_CODES_MAX, '"service_codes:"', "codes")
    for item in items[:SERVICE_CODES_MAX]:
        if isinstance(item, MappingNode):
            body = reader.mapping(item, "a service code", ("code", "language", "start"))
            code, at = reader.target(body, "code", "a service code")
            language = reader.one_of(body, "language", reader.languages, "")
            dial = Dial(code, at, language, _target(reader, body, "start", states, ""))
        else:
            scalar = reader.scalar(item, "a service code")
            dial = Dial(scalar.value, scalar.at)
        if not _SERVICE_CODE.match(dial.code):
            sentence = f'"{dial.code}" is not a service code such as "*789#"; quote it'
            reader.problem(dial.at, "yaml-trap", sentence)
        elif len(dial.code) > _SERVICE_CODE_MAX:
            sentence = f"a service code has {_SERVICE_CODE_MAX} characters at most"
            reader.problem(dial.at, "yaml-trap", sentence)
        elif dial.code in found:
            reader.problem(dial.at, "duplicate-key", f'"{dial.code}" stands twice')
        found.setdefault(dial.code, dial)
    return found


def all_edges(flow: Flow) -> list[graph.Edge]:
    """Every edge of a compiled flow."""
    return graph.edges(flow.states, flow.home)
