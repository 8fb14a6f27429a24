"""A phone in the terminal, over HTTP or in this process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from cassou.application import find_application, known_budgets
from cassou.phone import phone as draw_phone
from cassou.phone import sms as draw_sms
from ussd_app.effects import FAILED, LATE, Call, CallResult
from ussd_app.flow.compiler import Library, compile_source
from ussd_app.flow.diagnostics import FlowError
from ussd_app.handset import Handset
from ussd_app.messages import Action, Screen
from ussd_app.replay.player import Phone, ScriptedBackends
from ussd_app.replay.recorder import Recorder
from ussd_app.replay.transcript import SUFFIX
from ussd_app.replay.writing import as_yaml
from ussd_app.screens import Program
from workers.settings import Settings


def converse(
    console: Console,
    phone: Phone,
    septets_max: int,
    dial_string: str,
    hang_up: Callable[[], None] | None = None,
) -> Screen:
    """Dial, answer, dial again, until the person leaves; the last screen.

    `hang_up`, where there is such a thing, breaks the session off.
    """

    def shown(screen: Screen) -> Screen:
        console.print(draw_phone(screen, septets_max, dial_string))
        return screen

    screen = shown(phone.dial(dial_string))
    ended = screen.action is Action.END
    while True:
        ways = "! hangs up, q leaves" if hang_up is not None else "q leaves"
        prompt = "Enter dials again, q leaves: " if ended else f"answer ({ways}): "
        try:
            typed = console.input(prompt)
        except (EOFError, KeyboardInterrupt):
            return screen
        if typed.strip().lower() == "q":
            return screen
        if typed.strip() == "!" and hang_up is not None and not ended:
            hang_up()
            ended = True
            continue
        screen = shown(phone.dial(dial_string) if ended else phone.send(typed))
        ended = screen.action is Action.END


def recorded(recorder: Recorder, file: Path, msisdn: str) -> None:
    """Write what was dialled as a transcript, and say how it is played again."""
    try:
        transcript = recorder.transcript(file.name.removesuffix(SUFFIX), msisdn)
    except ValueError:
        return
    file.write_text(as_yaml(transcript), "utf-8")
    click.echo(f"{file} written; cassou replay {file} plays it")


def in_process(
    settings: Settings,
    file: Path,
    dial_string: str,
    msisdn: str,
    *,
    ask: bool,
    record: Path | None = None,
) -> None:
    """Dial one flow; its back-ends give the catalogue's samples, or what the person says.

    `record` is the file that the dialog is written to.
    """
    console = Console(highlight=False)
    budget = known_budgets(settings)[0]
    try:
        library = Library.load(file.parent, find_application(settings))
        source = file.read_bytes().decode("utf-8")
        flow = compile_source(source, str(file), library, (budget,))
    except (FlowError, UnicodeDecodeError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if flow.returns is not None:
        click.echo(f'"{flow.name}" is a sub-flow: dial a flow that enters it', err=True)
        sys.exit(2)
    samples = ScriptedBackends(flow.backends, {})
    chosen = _asking(console, samples) if ask else samples.answer

    def answers(call: Call) -> CallResult | None:
        result = chosen(call)
        recorder.heard(call, result)
        return result

    handset = Handset(Program.of(flow), answers, msisdn, budget, time.time)
    recorder = Recorder(handset)

    def hang_up() -> None:
        told = len(handset.messages)
        recorder.drop("cancel")
        for message in handset.messages[told:]:
            console.print(draw_sms(message.text, message.msisdn))

    code = dial_string or flow.service_codes[0]
    try:
        converse(console, recorder, budget.septets_max, code, hang_up)
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if handset.lives:
        hang_up()
    if record is not None:
        recorded(recorder, record, msisdn)


def _asking(console: Console, samples: ScriptedBackends) -> Callable[[Call], CallResult | None]:
    """Back-ends whose outcome the person chooses; Enter takes the first."""

    def answer(call: Call) -> CallResult | None:
        outcomes = [*samples.outcomes(call.backend), LATE, FAILED]
        listed = " ".join(f"{number}.{name}" for number, name in enumerate(outcomes, 1))
        arguments = ", ".join(f"{name}: {value}" for name, value in call.arguments.items())
        console.print(f"[{call.backend}] {arguments}", style="dim", markup=False)
        try:
            typed = console.input(f"outcome ({listed}): ").strip()
        except (EOFError, KeyboardInterrupt):
            typed = ""
        number = int(typed) if typed.isdigit() and 0 < int(typed) <= len(outcomes) else 1
        name = outcomes[number - 1] if typed not in outcomes else typed
        return None if name == LATE else samples.sampled(call, name)

    return answer
