"""How a replay went, for people and for machines. Pure: texts in, texts out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jinja2 import Environment, FileSystemLoader, select_autoescape

from ussd_app.messages import Action, Screen
from ussd_app.render import gsm7
from ussd_app.replay.player import Played, Shown
from ussd_app.replay.transcript import How, Step, Transcript, Verb

_WIDTH = 38
_TRAIL_WIDTH = 30
#: What XML 1.0 cannot carry, shown as a question mark.
_CONTROL = {code: "?" for code in range(32) if code not in {9, 10, 13}}


@dataclass(frozen=True, slots=True)
class Result:
    """One transcript's end: played, or, where it could not be, why."""

    transcript: Transcript
    played: Played | None
    error: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.error) or self.played is None or self.played.problem is not None


def told(played: Played, septets_max: int = 160) -> str:
    """A failure as a person reads it: where, the dialog so far, the two screens side by side."""
    if played.problem is None:
        return ""
    step = played.problem.step
    at = step.at if step is not None else played.transcript.at
    place = f"{at.file}:{at.line}:{at.column}: " if at is not None else ""
    first, *more = played.problem.sentence.split("\n")
    other = step is not None and played.shown and not step.matches(played.shown[-1].screen.text)
    lines = [f"{place}{_headline(step) if _is_screen(step) and other else first}", ""]
    lines += [f"  {each}" for each in _trail(played.shown[:-1], played.transcript)]
    if played.shown:
        last = played.shown[-1]
        lines += ["", f"  {_sent(last, played.transcript)}"]
        boxes = _boxes(step, more, last.screen, septets_max)
        lines += [f"  {each}".rstrip() for each in boxes]
    return "\n".join(lines)


def _is_screen(step: Step | None) -> bool:
    return step is not None and step.verb in {Verb.SEE, Verb.END} and bool(step.text)


def _headline(step: Step | None) -> str:
    return f"expected ({step.how}), and something else is shown" if step is not None else ""


def _trail(shown: Sequence[Shown], transcript: Transcript) -> Iterable[str]:
    for each in shown:
        first = each.screen.text.split("\n")[0]
        yield f"{_sent(each, transcript):<16} {first[:_TRAIL_WIDTH]}"


def _sent(shown: Shown, transcript: Transcript) -> str:
    if shown.step is None:
        return f"dial {transcript.dial}"
    word = "dial " if shown.step.verb is Verb.DIAL else "> "
    return f"{word}{shown.step.text}"


def _boxes(step: Step | None, more: list[str], screen: Screen, septets_max: int) -> list[str]:
    ends = " end" if screen.action is Action.END else ""
    shown = _box(screen.text, "shown", f"{gsm7.cost(screen.text)}/{septets_max}{ends}")
    if not _is_screen(step) or step is None:
        return [*shown, *more]
    foot = "end" if step.verb is Verb.END else "goes on"
    expected = _box(step.text, f"expected, {step.how}", foot)
    blank = " " * len(expected[0])
    return [
        f"{left}  {' ' if _alike(left, right, step.how) else '≠'}  {right}"
        for left, right in zip_longest(expected, shown, fillvalue=blank)
    ]


def side_by_side(expected: str, shown: str) -> list[str]:
    """Two screens beside each other, where they differ marked."""
    left, right = _box(expected, "recorded", ""), _box(shown, "now", "")
    blank = " " * len(left[0])
    return [
        f"{one}  {' ' if _alike(one, other, How.EXACT) else '≠'}  {other}".rstrip()
        for one, other in zip_longest(left, right, fillvalue=blank)
    ]


def _alike(left: str, right: str, how: How) -> bool:
    return how is not How.EXACT or left == right or not left.startswith("│")


def _box(text: str, head: str, foot: str) -> list[str]:
    rows = []
    for line in text.split("\n"):
        rows += [line[at : at + _WIDTH] for at in range(0, max(len(line), 1), _WIDTH)]
    return [
        f"╭{f' {head} ':─^{_WIDTH + 2}}╮",
        *(f"│ {row:<{_WIDTH}} │" for row in rows),
        f"╰{f' {foot} ' if foot else '':─^{_WIDTH + 2}}╯",
    ]


def summary(results: Sequence[Result]) -> str:
    """The last line of a replay."""
    failed = sum(result.failed for result in results)
    over = sum(len(result.played.passed_over) for result in results if result.played is not None)
    hops = sum(len(result.played.shown) for result in results if result.played is not None)
    parts = [f"{len(results) - failed} of {len(results)} as written", f"{hops} hops"]
    if over:
        parts.append(f"{over} steps passed over: they cannot be played here")
    return "; ".join(parts)


def as_json(results: Sequence[Result]) -> str:
    """One JSON object: every transcript, its screens, and what is wrong."""
    return json.dumps(
        {
            "transcripts": [
                {
                    "name": result.transcript.name,
                    "file": result.transcript.file,
                    "failure": failure(result),
                    "seconds": round(result.seconds, 6),
                    "screens": [
                        {"sent": _sent(each, result.transcript), "text": each.screen.text}
                        for each in (result.played.shown if result.played is not None else ())
                    ],
                }
                for result in results
            ],
            "failed": sum(result.failed for result in results),
        },
        ensure_ascii=False,
        indent=2,
    )


def as_junit(results: Sequence[Result]) -> str:
    """JUnit's XML, as build servers read it."""
    failed = sum(result.failed for result in results)
    suite = Element(
        "testsuite",
        name="cassou replay",
        tests=str(len(results)),
        failures=str(failed),
        time=f"{sum(result.seconds for result in results):.6f}",
    )
    for result in results:
        case = SubElement(
            suite,
            "testcase",
            classname=result.transcript.file,
            name=result.transcript.name.translate(_CONTROL),
            time=f"{result.seconds:.6f}",
        )
        if result.failed:
            text = failure(result)
            problem = SubElement(case, "failure", message=text.split("\n")[0].translate(_CONTROL))
            problem.text = text.translate(_CONTROL)
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def as_html(results: Sequence[Result]) -> str:
    """A page: a line for each transcript, the failed ones with their screens side by side."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["j2"])
    )
    rows = [
        {
            "name": result.transcript.name,
            "file": result.transcript.file,
            "failed": result.failed,
            "failure": failure(result),
            "hops": len(result.played.shown) if result.played is not None else 0,
        }
        for result in results
    ]
    failed = sum(result.failed for result in results)
    page = environment.get_template("report.html.j2")
    return page.render(rows=rows, failed=failed, summary=summary(results))


def failure(result: Result) -> str:
    """What is wrong with one transcript, as a person reads it; "" if nothing is."""
    return result.error or (told(result.played) if result.played is not None else "not played")
