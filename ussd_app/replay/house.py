"""Which program answers a transcript: one of the flows above its file, else of those by default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ussd_app.application import Application
from ussd_app.flow.diagnostics import FlowError
from ussd_app.handset import split_dial_string
from ussd_app.messages import Budget
from ussd_app.programs import Directory
from ussd_app.replay.transcript import Transcript
from ussd_app.screens import Program

#: What makes a directory above a transcript its menus.
CATALOGUE = "catalogue.yaml"


class NoProgram(Exception):  # noqa: N818  # says what is so
    """No flow answers what a transcript dials: the sentence says which codes there are."""


class House:
    """The programs that transcripts are played on; a menus directory is compiled once.

    A transcript's menus are the nearest directory above its file that holds a catalogue, else
    `menus`. `application` is that of all directories, or says which is a directory's; every flow
    must fit `budget`.
    """

    def __init__(
        self,
        menus: Path,
        application: Application | Callable[[Path], Application],
        budget: Budget,
    ) -> None:
        self._menus = menus
        self._application = application
        self.budget = budget
        self._compiled: dict[Path, Directory | FlowError] = {}

    def program(self, transcript: Transcript) -> Program:
        """The program whose service code the dial string begins with; of several, the longest code.

        Raises `NoProgram`, `FlowError` for flows with mistakes, OSError, UnicodeDecodeError.
        """
        menus = self.menus(Path(transcript.file))
        by_code = {
            code: program
            for program in self._directory(menus).programs()
            for code in program.flow.service_codes
        }
        try:
            code, _ = split_dial_string(transcript.dial, tuple(by_code))
        except ValueError:
            at = transcript.at
            place = f"{at.file}:{at.line}:{at.column}" if at is not None else transcript.file
            there = f"flows there answer {', '.join(by_code)}" if by_code else "it holds no flow"
            sentence = f'{place}: nothing in {menus} answers "{transcript.dial}"; {there}'
            raise NoProgram(sentence) from None
        return by_code[code]

    def menus(self, file: Path) -> Path:
        """The directory whose flows answer the transcripts of a file."""
        above = file.resolve().parents
        return next((each for each in above if (each / CATALOGUE).is_file()), self._menus)

    def _directory(self, menus: Path) -> Directory:
        if menus not in self._compiled:
            try:
                self._compiled[menus] = Directory(menus, self._of(menus), (self.budget,))
            except FlowError as error:
                self._compiled[menus] = error
        found = self._compiled[menus]
        if isinstance(found, FlowError):
            raise found.with_traceback(None)
        return found

    def _of(self, menus: Path) -> Application:
        if isinstance(self._application, Application):
            return self._application
        return self._application(menus)
