"""A storm of callbacks on one real server over lanes that break: not one reply is wrong."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from cassou.embedded import EmbeddedRedis
from tests.web.storm import LANDMARKS, Tally, storm, storm_of_its_own
from ussd_app.screens import Program

#: Whatever they are; a failure names its own.
SEED = 20_260_722
PROCESSES = 2


@pytest.mark.world
def test_no_reply_is_wrong_in_a_storm(program: Program, tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path / "redis") as server:
        tally = storm(program, server.url, SEED, 3_000)

    calm(tally, 3_000)


@pytest.mark.prove
def test_no_reply_is_wrong_in_a_hundred_thousand(tmp_path: Path) -> None:
    """Several processes of our own at once, each with its own dialogs, on one server."""
    each = 100_000 // PROCESSES
    spawning = multiprocessing.get_context("spawn")
    tally = Tally()
    with (
        EmbeddedRedis.start(tmp_path / "redis") as server,
        ProcessPoolExecutor(PROCESSES, spawning) as processes,
    ):
        for storms in [
            processes.submit(storm_of_its_own, server.url, SEED + number, each)
            for number in range(1, PROCESSES + 1)
        ]:
            tally.add(storms.result())

    calm(tally, 100_000)
    assert set(LANDMARKS) - tally.landmarks == set()


def calm(tally: Tally, callbacks: int) -> None:
    """A storm that was one, and did no harm."""
    print(f"\n{tally}")  # noqa: T201  # read with -s, and where an assertion fails
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.counts["callbacks"] >= callbacks
    for what in ("duplicates", "rivals", "re-orderings", "apologies", "purchases"):
        assert tally.counts[what] > 0, what
    for what in ("drops before", "drops after", "repeats after a lost reply"):
        assert tally.counts[what] > callbacks / 100, what
