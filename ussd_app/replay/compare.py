"""Recorded sessions played against another version of a flow: what clients would see otherwise.

Pure: recordings and a program come in, counts with examples go out. What is compared is the
screens, and which back-ends are called; SMS are not. Back-ends answer what was recorded, one that
was never recorded answers the catalogue's sample.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ussd_app.messages import Budget
from ussd_app.replay.compare_kinds import Example, Kind, sentence
from ussd_app.replay.compare_session import Target, differences
from ussd_app.replay.transcript import Transcript
from ussd_app.screens import Program

__all__ = ["Comparison", "Example", "Group", "Kind", "changes"]


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions that meet the same kind of difference at the same state.

    `about` is the back-end where it is about a call, else "". The example is the first of them.
    """

    state: str
    kind: Kind
    about: str
    count: int
    sentence: str
    example: Example


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many sessions there are, how many see no difference, and the others in groups.

    The largest group comes first; a session stands in as many as it meets differences.
    """

    sessions: int
    same: int
    groups: tuple[Group, ...]

    def as_json(self) -> str:
        """`{sessions, same, groups: [{state, kind, about, count, sentence, example}]}`."""
        groups = [
            {
                "state": each.state,
                "kind": each.kind,
                "about": each.about,
                "count": each.count,
                "sentence": each.sentence,
                "example": _told(each.example),
            }
            for each in self.groups
        ]
        found = {"sessions": self.sessions, "same": self.same, "groups": groups}
        return json.dumps(found, ensure_ascii=False, indent=2)


def _told(example: Example) -> dict[str, object]:
    """An example; `at` is the recording's place, `step` the screen's number in it, from 1."""
    difference = example.difference
    at = difference.step.at if difference.step is not None else example.transcript.at
    return {
        "transcript": example.transcript.name,
        "file": at.file if at is not None else example.transcript.file,
        "line": at.line if at is not None else None,
        "before": difference.before,
        "expected": difference.expected,
        "shown": difference.shown,
    }


def changes(
    transcripts: Iterable[Transcript],
    program: Program,
    budget: Budget,
    on_done: Callable[[int], None] = lambda _done: None,
) -> Comparison:
    """What recordings meet otherwise on a program; `on_done` gets the number of sessions done."""
    target = Target(program, budget)
    counts: dict[tuple[str, Kind, str], int] = {}
    examples: dict[tuple[str, Kind, str], Example] = {}
    sessions = same = 0
    for transcript in transcripts:
        found = differences(transcript, target)
        sessions += 1
        same += not found
        for each in found:
            key = (each.state, each.kind, each.about)
            if key not in counts:
                counts[key], examples[key] = 0, Example(transcript, each)
            counts[key] += 1
        on_done(sessions)
    groups = [
        Group(*key, count, sentence(key[1], key[0], key[2], count, sessions), examples[key])
        for key, count in counts.items()
    ]
    # Of groups of one size the first comes that was met first.
    groups.sort(key=lambda group: -group.count)
    return Comparison(sessions, same, tuple(groups))
