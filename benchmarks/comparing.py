"""What it costs to play recorded sessions against another version, beside playing them alone."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from functools import partial

from ussd_app.effects import Call, CallResult
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.handset import Handset
from ussd_app.messages import Budget
from ussd_app.replay.compare import changes
from ussd_app.replay.player import ScriptedBackends, stage
from ussd_app.replay.reading import recorded
from ussd_app.replay.recorder import Recorder
from ussd_app.replay.transcript import Transcript
from ussd_app.replay.writing import as_json
from ussd_app.screens import Program
from workers import settings as settings_module
from workers.application import APPLICATION

_SESSIONS, _ROUNDS = 10_000, 3
_DIAL, _INPUTS = "*789#", ("1", "04246801379", "10", "1")
_HOPS = len(_INPUTS) + 1
_SURE = """\
  sure:
    menu: {fr: "Continuer?", en: "Go on?"}
    options:
      - {label: {fr: Non, en: No}, next: home}
      - {label: {fr: Oui, en: Yes}, next: confirm}

  confirm:
"""
#: What is replaced in the flow, and how many groups come of it.
_VERSIONS: Mapping[str, tuple[tuple[tuple[str, str], ...], int]] = {
    "the same": ((), 0),
    "other words": ((("Énergie prépayée", "Bienvenue"),), 1),
    "a screen more": ((("      ok: confirm", "      ok: sure"), ("  confirm:\n", _SURE)), 1),
}


def run() -> int:
    """Print the figures; 1 if the groups are not as they should be."""
    print(f"\n{_SESSIONS:,} recorded sessions of {_HOPS} hops, one core, CPU")
    print(f"{'':16}{'s':>7}{'sessions/s':>12}{'hops/s':>10}{'to playing':>12}")
    sessions = _sessions(_program(()))
    played = _least(partial(_play, sessions, _program(())))
    _print("read", _least(partial(_read, [as_json(each) for each in sessions])), played)
    _print("played alone", played, played)
    wrong = 0
    for name, (edits, groups) in _VERSIONS.items():
        program = _program(edits)
        found = changes(sessions, program, Budget())
        wrong += len(found.groups) != groups
        _print(name, _least(partial(changes, sessions, program, Budget())), played)
    return 1 if wrong else 0


def _print(name: str, seconds: float, played: float) -> None:
    print(
        f"{name:16}{seconds:>7.2f}{_SESSIONS / seconds:>12.0f}"
        f"{_SESSIONS * _HOPS / seconds:>10.0f}{seconds / played:>12.2f}"
    )


def _least(work: Callable[[], object]) -> float:
    """The least CPU seconds of some rounds."""
    found = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def _program(edits: tuple[tuple[str, str], ...]) -> Program:
    menus = settings_module.load().menus_dir
    source = (menus / "buy-electricity.yaml").read_text("utf-8")
    for old, new in edits:
        source = source.replace(old, new)
    return Program.of(compile_source(source, "flow.yaml", Library.load(menus, APPLICATION)))


def _sessions(program: Program) -> list[Transcript]:
    """As many recordings, of as many subscribers."""
    backends = ScriptedBackends(program.flow.backends, {})

    def answer(call: Call) -> CallResult | None:
        result = backends.answer(call)
        recorder.heard(call, result)
        return result

    recorder = Recorder(Handset(program, answer, "+22670000000"))
    recorder.dial(_DIAL)
    for typed in _INPUTS:
        recorder.send(typed)
    one = recorder.transcript("a purchase", "+22670000000")
    return [
        dataclasses.replace(one, name=f"session {number}", msisdn=f"+2267{number:07}")
        for number in range(_SESSIONS)
    ]


def _read(lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        recorded(line, "recordings.dial.jsonl", number)


def _play(sessions: list[Transcript], program: Program) -> None:
    budget = Budget()
    for transcript in sessions:
        phone, _ = stage(transcript, program, budget)
        phone.dial(_DIAL)
        for typed in _INPUTS:
            phone.send(typed)
