"""The shelf among processes: publishers at once, publishers killed, and full disks."""

from __future__ import annotations

import itertools
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from ussd_app.shelf import Follower, Shelf, ShelfBroken

ROOT = Path(__file__).parents[2]
#: What a publisher asks of the system: between any two of these it may die.
STEPS = frozenset(
    {"open", "write", "flush", "fsync", "replace", "rename", "ftruncate", "fstat", "stat"}
    | {"mkdir", "flock", "close", "__exit__"}
)


def keep(shelf: Shelf, text: str) -> str:
    return shelf.keep("buy", "main.yaml", {"main.yaml": text * 50, "catalogue.yaml": "x: y"})


def started(*arguments: str) -> subprocess.Popen[str]:
    """This file, run as a program of its own."""
    command = [sys.executable, "-m", "tests.web.test_web_shelf_processes", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def at_each_step(act: Callable[[], object], look: Callable[[], None]) -> None:
    """Run `act`, and `look` before and after everything it asks of the system."""

    def see(_frame: FrameType, event: str, called: object) -> None:
        if event in {"c_call", "c_return"} and getattr(called, "__name__", "") in STEPS:
            look()

    sys.setprofile(see)
    try:
        act()
    finally:
        sys.setprofile(None)


def whole(shelf: Shelf) -> tuple[str, ...]:
    """The versions in the history, each of which can be read."""
    versions = tuple(each.version for each in shelf.history("buy"))
    for version in versions:
        assert shelf.bundle(version) is not None
    return versions


def test_publishers_at_once_lose_nothing_of_one_another(tmp_path: Path) -> None:
    publishers = {who: started("publish", str(tmp_path), who, "25") for who in ("a", "b", "c")}
    for publisher in publishers.values():
        publisher.communicate()
        assert publisher.returncode == 0
    shelf = Shelf(tmp_path)
    assert len(whole(shelf)) == 75
    for who in publishers:
        assert [each.at for each in shelf.history("buy") if each.who == who] == list(range(25))


def test_a_publisher_killed_anywhere_leaves_what_it_had_said(tmp_path: Path) -> None:
    """Two at a time, one killed: all that was said to be published is there, and all is whole."""
    chance = random.Random(7)
    shelf = Shelf(tmp_path)
    follower = Follower(shelf, lambda version: version.hash, {"buy": ""})
    for turn in range(6):
        doomed, other = f"doomed{turn}", f"other{turn}"
        other_one = started("publish", str(tmp_path), other, "5")
        with started("publish", str(tmp_path), doomed, "100000") as doomed_one:
            assert doomed_one.stdout is not None
            said = [int(next(doomed_one.stdout)) for _ in range(chance.randrange(1, 12))]
            doomed_one.send_signal(signal.SIGKILL)
            said += [int(line) for line in doomed_one.stdout if line.endswith("\n")]
        other_one.communicate()
        whole(shelf)
        there = [each.at for each in shelf.history("buy") if each.who == doomed]
        assert there in (said, [*said, len(said)])
        assert [each.at for each in shelf.history("buy") if each.who == other] == list(range(5))
        assert follower.current("buy") == shelf.current("buy")


def test_a_publisher_may_die_at_every_single_step(tmp_path: Path) -> None:
    dying = started("die", str(tmp_path))
    told, _ = dying.communicate()
    assert dying.returncode == 0
    assert int(told) > 20


def test_a_stamp_never_stands_for_two_states(tmp_path: Path) -> None:
    """Somebody who looks at any moment, and then trusts the stamp, is never wrong."""
    shelf, reader = Shelf(tmp_path), Shelf(tmp_path)
    seen: dict[object, tuple[str, ...]] = {}
    looks = itertools.count()

    def look() -> None:
        next(looks)
        stamp = reader.stamp()
        standing = reader.standing("buy")
        assert seen.setdefault(stamp, standing) == standing

    for version in [keep(shelf, text) for text in "abcd"]:
        at_each_step(partial(shelf.publish, "buy", version, 1.0, "me"), look)
    at_each_step(lambda: shelf.roll_back("buy", 2.0, "me"), look)
    look()
    assert next(looks) > 100
    assert len({standing for standing in seen.values() if standing}) == 4


def test_a_full_disk_is_told_and_leaves_what_was_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    name, small = keep(shelf, "a"), keep(shelf, "small")
    shelf.publish("buy", name, 1.0, "me")
    before = {str(each) for each in tmp_path.rglob("*")}
    full = started("full", str(tmp_path))
    told, _ = full.communicate()
    assert told.count("cannot be written: File too large. See that") == 2
    assert {str(each) for each in tmp_path.rglob("*")} == before
    assert whole(shelf) == (name,)
    assert shelf.stamp() == shelf.stamp()
    assert shelf.publish("buy", small, 2.0, "me")


# What runs in processes of its own.


def publish(directory: str, who: str, count: str) -> None:
    """Publish and roll back, saying each time that it is done."""
    shelf = Shelf(Path(directory))
    for number in range(int(count)):
        shelf.publish("buy", keep(shelf, f"{who} {number}"), number, who)
        print(number, flush=True)  # noqa: T201  # the parent reads it


def die(directory: str) -> None:
    """Publish, in children each of which dies one step later; print how many did."""
    shelf = Shelf(Path(directory))
    follower = Follower(shelf, lambda version: version.hash, {"buy": ""})
    for step in itertools.count():
        before, stamp = shelf.standing("buy"), shelf.stamp()
        child = os.fork()
        if not child:
            publish_until(shelf, step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        after = whole(shelf)
        assert after[: len(before)] == before
        assert len(after) - len(before) in {0, 1}
        assert after == before or shelf.stamp() != stamp
        assert follower.current("buy") == (shelf.current("buy") or "")
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            assert len(after) == len(before) + 1
            print(step)  # noqa: T201  # the parent reads it
            return


def publish_until(shelf: Shelf, last: int) -> None:
    """Publish a new version, and die at the step numbered `last`."""
    steps = itertools.count()

    def look() -> None:
        if next(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    at_each_step(lambda: shelf.publish("buy", keep(shelf, f"{last}"), 1.0, "me"), look)


def full(directory: str) -> None:
    """Write on a disk without room; print what is said."""
    shelf = Shelf(Path(directory))
    small = keep(shelf, "small")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    acts: list[Callable[[], object]] = [
        lambda: keep(shelf, "new"),
        lambda: shelf.publish("buy", small, 2.0, "me"),
    ]
    for act in acts:
        try:
            act()
        except ShelfBroken as error:
            print(error)  # noqa: T201  # the parent reads it


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
