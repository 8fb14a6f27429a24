"""Rewrites the expectations of transcripts to what is shown now, in place; comments stay.

A person reviews what comes of it: the file differs where the screens do, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from ussd_app.flow.diagnostics import Position
from ussd_app.flow.syntax import Mapping, Node, Scalar, Sequence, read
from ussd_app.messages import Action
from ussd_app.replay import reading
from ussd_app.replay.player import Played
from ussd_app.replay.transcript import How, Step, Transcript, Verb


def updated(
    source: str, file: str, play: Callable[[Transcript], Played]
) -> tuple[str, list[Played]]:
    """The source with expectations as they are now, and what is wrong still.

    Raises `FlowError` where the source is no transcript.
    """
    touched: set[tuple[int, int]] = set()
    wrong: list[Played] = []
    for transcript_number, _ in enumerate(reading.parse(source, file)):
        while True:
            # Its places move with every change, so it is read anew.
            played = play(reading.parse(source, file)[transcript_number])
            step = played.problem.step if played.problem is not None else None
            if played.problem is None:
                break
            place = (step.at.line, step.at.column) if step is not None else (0, 0)
            if step is None or step.verb not in {Verb.SEE, Verb.END} or place in touched:
                # What is no expectation is a person's; so is one that two examples share.
                wrong.append(played)
                break
            touched.add(place)
            source = _rewritten(source, file, step, played)
    return source, wrong


def _rewritten(source: str, file: str, step: Step, played: Played) -> str:
    """The source with one expectation changed to the last screen."""
    key, value = _entry(source, file, step.at)
    screen = played.shown[-1].screen
    edits: list[tuple[Position, str]] = []
    verb = Verb.END if screen.action is Action.END else Verb.SEE
    if verb is not step.verb:
        edits.append((key.at, verb))
    if not step.matches(screen.text):
        shown = json.dumps(screen.text, ensure_ascii=False)
        if isinstance(value, Scalar):
            edits.append((value.at, f"{{{How.EXACT}: {shown}}}"))
        elif isinstance(value, Mapping):
            ((how, text),) = value.entries
            edits += [(how.at, How.EXACT), (text.at, shown)]
    return _edited(source, edits)


def _entry(source: str, file: str, at: Position) -> tuple[Scalar, Node]:
    """The key at a place, and what stands under it."""
    top, _ = read(source, file)
    steps = top.get("steps") if isinstance(top, Mapping) else None
    for item in steps.items if isinstance(steps, Sequence) else ():
        if isinstance(item, Mapping) and item.entries[0][0].at == at:
            return item.entries[0]
    raise AssertionError("a step that was just read stands where it stood")


def _edited(source: str, edits: list[tuple[Position, str]]) -> str:
    """The source with ranges replaced, the last first."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for at, text in sorted(edits, reverse=True):
        begin = starts[at.line - 1] + at.column - 1
        end = starts[at.end_line - 1] + at.end_column - 1
        # A block of lines reaches to where the next thing begins; its line end stays.
        end -= len(source[begin:end]) - len(source[begin:end].rstrip())
        source = source[:begin] + text + source[end:]
    return source
