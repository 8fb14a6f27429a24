"""Where running stacks say that they run: one slot of the data directory each.

The first `make run` of a checkout owns `var` itself; a second one beside it takes `var/run-2` with
data of its own, so that neither touches the other's.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cassou.stack import Addresses

_SLOTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Slot:
    """A directory that this process owns until it ends: the kernel releases the lock."""

    directory: Path
    number: int
    lock: int


class NoSlot(Exception):  # noqa: N818  # what is so
    """Every slot is taken."""


def take_slot(var: Path) -> Slot:
    """The first free slot under `var`; raises `NoSlot`."""
    for number in range(1, _SLOTS_MAX + 1):
        directory = var if number == 1 else var / f"run-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return Slot(directory, number, lock)
    raise NoSlot(f"{_SLOTS_MAX} stacks run under {var}: stop one, or set CASSOU_VAR_DIR")


def announce(slot: Slot, addresses: Addresses) -> None:
    """Let `cassou dial` find this stack; for this user only, an address may hold a password."""
    path = slot.directory / "run.json"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(asdict(addresses), file)


def withdraw(slot: Slot) -> None:
    """Nobody is to find this stack any more."""
    (slot.directory / "run.json").unlink(missing_ok=True)


def find(var: Path) -> Addresses | None:
    """The addresses of the stack that runs under `var`, the first slot's first; None if none."""
    for path in sorted(var.glob("run.json")) + sorted(var.glob("run-*/run.json")):
        if _runs(path.parent):
            return Addresses(**json.loads(path.read_text("utf-8")))
    return None


def _runs(directory: Path) -> bool:
    """Whether somebody owns the slot: an announcement outlives a stack that was killed."""
    try:
        lock = os.open(directory / "run.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
