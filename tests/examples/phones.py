"""Phones on the example applications, with back-ends that tests tell what to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from examples.market import application as market
from ussd_app.application import Application
from ussd_app.effects import Call, CallResult, Value
from ussd_app.handset import Handset
from ussd_app.messages import Budget
from ussd_app.screens import Program

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
APPLICATIONS = {"savings": Application(), "market": market.APPLICATION}
#: A gateway that carries UCS-2, as the market wishes; the savings group needs none.
BUDGETS = {"savings": Budget(), "market": Budget(160, ucs2_max=80)}
#: 14 November 2023, the day that the transcripts are played on.
NOW = 1_700_000_000.0
MEMBER, CUSTOMER = "+243812000001", "+245955000001"
#: Programs by service code.
Programs = dict[str, Program]
#: An outcome, with its fields where they are not the sample; None: no answer in time.
Answered = str | tuple[str, Mapping[str, Value]] | None


@dataclass
class Backends:
    """Back-ends that give their sample, or in turn what a test says; every call is kept."""

    program: Program
    answers: dict[str, list[Answered]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def answer(self, call: Call) -> CallResult | None:
        """What a call comes to."""
        self.calls.append(call)
        outcomes = self.program.flow.backends[call.backend].outcomes
        told = self.answers.get(call.backend)
        answered = (told.pop(0) if len(told) > 1 else told[0]) if told else next(iter(outcomes))
        if answered is None:
            return None
        if isinstance(answered, tuple):
            return CallResult(call.id, *answered)
        sample = outcomes[answered].sample if answered in outcomes else {}
        return CallResult(call.id, answered, cast("Mapping[str, Value]", sample))

    def last(self, backend: str) -> Call:
        """The last call of one back-end."""
        return next(call for call in reversed(self.calls) if call.backend == backend)


@dataclass
class Phone:
    """A handset with the back-ends behind it."""

    handset: Handset
    backends: Backends
    days: list[int]

    def type(self, *inputs: str) -> str:
        """The text of the screen after the last of these inputs."""
        return [self.handset.send(typed) for typed in inputs][-1].text

    def dial(self, dial_string: str) -> str:
        """The first screen's text."""
        return self.handset.dial(dial_string).text

    def dial_tomorrow(self, dial_string: str) -> str:
        """The first screen's text, a day later."""
        self.days[0] += 1
        return self.dial(dial_string)


def phone(programs: Programs, code: str, msisdn: str, **answers: list[Answered]) -> Phone:
    """A phone on the program that answers a code; `answers` by back-end, `__` for the dot."""
    program = programs[code]
    dotted = {name.replace("__", "."): told for name, told in answers.items()}
    backends = Backends(program, dotted)
    budget = BUDGETS["market" if msisdn == CUSTOMER else "savings"]
    days = [0]
    handset = Handset(program, backends.answer, msisdn, budget, lambda: NOW + days[0] * 86_400)
    return Phone(handset, backends, days)


def known_keys(schema: object) -> set[str]:
    """The keys that a schema names, at any depth."""
    found: set[str] = set()
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            found |= set(properties)
        for value in schema.values():
            found |= known_keys(value)
    elif isinstance(schema, list):
        for value in schema:
            found |= known_keys(value)
    return found
