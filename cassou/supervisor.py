"""Several processes as one: started in order, one log, brought back when they die."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cassou.tie import tied

#: How long a process may take to end in good order.
STOP_SECONDS_MAX = 8.0
#: How long a process may take until it says that it is ready.
READY_SECONDS_MAX = 20.0
_BACK_OFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
_LOOK_SECONDS = 0.2


class NotReady(RuntimeError):  # noqa: N818  # what is so
    """A process ended, or stayed silent, before it was ready; the message has its last lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process: its command (full path first), what it adds to the environment.

    `ready` is a text of the line by which it tells that it is ready; "" if it tells nothing.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    falls: int = 0
    line: bytes = b""
    said: list[str] = field(default_factory=list)


class Supervisor:
    """Runs programs. All calls from one thread, which must live as long as the programs."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        """`tell` gets every line a program prints, with the program's name."""
        self._tell = tell
        self._children: dict[str, _Child] = {}
        self._fallen: list[tuple[float, Program, int]] = []
        self._selector = selectors.DefaultSelector()

    def start(self, program: Program, falls: int = 0) -> str:
        """Start a program; the line that said it is ready. Raises `NotReady`."""
        process = subprocess.Popen(
            tied(list(program.command)),
            env={**os.environ, **program.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C at a terminal is the supervisor's to hear.
            process_group=0,
        )
        child = _Child(program, process, time.monotonic(), falls)
        self._children[program.name] = child
        assert process.stdout is not None  # noqa: S101  # asked for above
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        return self._until_ready(child) if program.ready else ""

    def tend(self, seconds: float) -> None:
        """Pass lines on and bring back what has died, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(min(left, _LOOK_SECONDS))
            self._bring_back()

    def pid(self, name: str) -> int:
        """The process id of a running program; raises KeyError."""
        return self._children[name].process.pid

    def stop(self) -> None:
        """End all, the newest first, in good order if they will."""
        self._fallen.clear()
        for child in reversed(list(self._children.values())):
            _signal(child, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS_MAX
        for child in list(self._children.values()):
            while child.process.poll() is None and time.monotonic() < until:
                self._read(0.02)
            _signal(child, signal.SIGKILL)
            child.process.wait()
            self._forget(child)

    def _until_ready(self, child: _Child) -> str:
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            for line in child.said:
                if child.program.ready in line:
                    return line
            if child.process.poll() is not None:
                self._read(0)
                break
            self._read(_LOOK_SECONDS)
        _signal(child, signal.SIGKILL)
        last = "\n".join(f"  {line}" for line in child.said[-15:]) or "  (nothing)"
        raise NotReady(f"{child.program.name} did not become ready; it said:\n{last}")

    def _read(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            child: _Child = key.data
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if not data:
                self._selector.unregister(key.fileobj)
                continue
            *lines, child.line = (child.line + data).split(b"\n")
            for raw in lines:
                line = raw.decode(errors="replace").rstrip()
                child.said = [*child.said[-40:], line]
                self._tell(child.program.name, line)

    def _bring_back(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.process.poll() is None:
                continue
            status = child.process.returncode
            # What it had started must not hold its port or its work.
            _signal(child, signal.SIGKILL)
            self._forget(child)
            falls = child.falls + 1 if now - child.started_at < 10 else 1
            delay = _BACK_OFF_SECONDS[min(falls, len(_BACK_OFF_SECONDS)) - 1]
            self._tell(child.program.name, f"ended ({status}); again in {delay:g} s")
            self._fallen.append((now + delay, child.program, falls))
        for due in [each for each in self._fallen if each[0] <= now]:
            self._fallen.remove(due)
            _, program, falls = due
            try:
                self.start(program, falls)
            except NotReady as error:
                self._tell(program.name, str(error))

    def _forget(self, child: _Child) -> None:
        del self._children[child.program.name]
        stdout = child.process.stdout
        if stdout is not None:
            with contextlib.suppress(KeyError):
                self._selector.unregister(stdout)
            stdout.close()


def _signal(child: _Child, number: signal.Signals) -> None:
    """Tell a program and everything it has started in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
