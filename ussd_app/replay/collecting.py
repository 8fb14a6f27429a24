"""Transcripts as pytest's items. Only `pytest_plugin.py` imports this, where a transcript lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ussd_app import menus as shipped
from ussd_app import settings
from ussd_app.application import Application, named
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import Budget
from ussd_app.replay import reading
from ussd_app.replay.house import House, NoProgram
from ussd_app.replay.player import play_in_process
from ussd_app.replay.report import told
from ussd_app.replay.transcript import Transcript
from ussd_app.settings import BadSettings, FrameworkSettings

_HOUSE = pytest.StashKey[House]()


class DialFile(pytest.File):
    """A file of transcripts; one with mistakes is a collection error that shows them."""

    def collect(self) -> Iterator[Dialog]:
        """An item for each transcript, one for each row of a table of examples."""
        here = self.config.invocation_params.dir
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        try:
            house = _house(self.config)
            transcripts = reading.load(path)
        except (FlowError, BadSettings, pytest.UsageError, OSError) as error:
            raise self.CollectError(str(error)) from None
        except UnicodeDecodeError as error:
            raise self.CollectError(f"{path}: not UTF-8 text: {error}") from None
        for transcript in transcripts:
            yield Dialog.from_parent(self, name=transcript.name, transcript=transcript, house=house)


class Dialog(pytest.Item):
    """One transcript."""

    def __init__(self, transcript: Transcript, house: House, **of_pytest: Any) -> None:
        super().__init__(**of_pytest)
        self._transcript = transcript
        self._house = house

    def runtest(self) -> None:
        """Play it; whatever is wrong is a failure without Python's traceback."""
        try:
            program = self._house.program(self._transcript)
        except (NoProgram, FlowError, OSError, UnicodeDecodeError) as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        budget = self._house.budget
        played = play_in_process(self._transcript, program, budget)
        if played.problem is not None:
            pytest.fail(told(played, budget.septets_max), pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands: pytest counts lines from 0."""
        at = self._transcript.at
        return self.path, at.line - 1 if at is not None else None, self.name


def _house(config: pytest.Config) -> House:
    """The one of this run; raises UsageError and `BadSettings` for options that are none."""
    if _HOUSE not in config.stash:
        root = config.rootpath
        menus = config.getini("cassou_menus")
        applications = _applications(config)
        budget = Budget(config.getini("cassou_septets"), ucs2_max=config.getini("cassou_ucs2"))
        config.stash[_HOUSE] = House(
            (root / menus).resolve() if menus else Path(shipped.__file__).parent,
            lambda directory: applications.get(directory, applications[None]),
            budget,
        )
    return config.stash[_HOUSE]


def _applications(config: pytest.Config) -> dict[Path | None, Application]:
    """By menus directory; None stands for all others."""
    targets: dict[Path | None, str] = {}
    for line in config.getini("cassou_application"):
        directory, _, target = line.strip().rpartition(" ")
        targets[(config.rootpath / directory).resolve() if directory else None] = target
    if None not in targets:
        targets[None] = settings.load(FrameworkSettings).application
    try:
        return {directory: named(target) for directory, target in targets.items()}
    except ValueError as error:
        raise pytest.UsageError(f"cassou_application: {error}") from None
