"""What a process shows of a shelf that is edited, damaged, and asked for by many threads."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ussd_app.shelf import OLD_VERSIONS_KEPT, Follower, Shelf, Version

THREADS = 16
#: Real seconds no test should take: what is awaited comes at once, or something is broken.
PATIENCE = 20.0


class Compiler:
    """Makes of a version the text of its main file; refuses one that begins with "bad".

    A version that begins with "slow" sets `entered` and is done when `gate` is set.
    """

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.entered = threading.Event()
        self.gate = threading.Event()

    def __call__(self, version: Version) -> str:
        text = version.bundle[version.main]
        self.compiled.append(text)
        if text.startswith("bad"):
            raise ZeroDivisionError(text)
        if text.startswith("slow"):
            self.entered.set()
            assert self.gate.wait(PATIENCE)
        return text


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def follow(shelf: Shelf, compiler: Compiler) -> Follower[str]:
    return Follower(shelf, compiler, {"buy": "baseline"}, PATIENCE)


def keep(shelf: Shelf, text: str, flow: str = "buy") -> str:
    return shelf.keep(flow, "main.yaml", {"main.yaml": text})


def publish(shelf: Shelf, text: str, flow: str = "buy") -> str:
    version = keep(shelf, text, flow)
    assert shelf.publish(flow, version, 1.0, "me")
    return version


def damage(tmp_path: Path, version: str) -> None:
    (tmp_path / "versions" / f"{version}.json").write_text("{")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged: nothing but errors, all of the shelf's logger."""
    assert {(each.name, each.levelno) for each in caplog.records} <= {
        ("cassou.shelf", logging.ERROR)
    }
    return [each.getMessage() for each in caplog.records]


def test_a_flow_never_published_is_the_baselines(shelf: Shelf, compiler: Compiler) -> None:
    follower = follow(shelf, compiler)
    assert follower.current("buy") == "baseline"
    assert dict(follower.flows()) == {"buy": "baseline"}
    with pytest.raises(KeyError):
        follower.current("sell")


def test_a_process_begins_on_what_is_current(shelf: Shelf, compiler: Compiler) -> None:
    publish(shelf, "one")
    publish(shelf, "two")
    assert follow(shelf, compiler).current("buy") == "two"
    assert compiler.compiled == ["two"]


def test_what_is_published_is_shown_at_once(shelf: Shelf, compiler: Compiler) -> None:
    follower = follow(shelf, compiler)
    first = publish(shelf, "one")
    assert follower.current("buy") == "one"
    second = publish(shelf, "two")
    publish(shelf, "new", "sell")
    assert follower.current("buy") == "two"
    assert follower.current("sell") == "new"
    shelf.roll_back("buy", 2.0, "me")
    assert follower.current("buy") == "one"
    assert (follower.of(first), follower.of(second)) == ("one", "two")
    assert sorted(compiler.compiled) == ["new", "one", "two"]


def test_the_flows_are_one_object_until_something_changes(shelf: Shelf, compiler: Compiler) -> None:
    publish(shelf, "one")
    follower = follow(shelf, compiler)
    before = follower.flows()
    keep(shelf, "two")
    assert follower.flows() is before
    publish(shelf, "two")
    assert follower.flows() is not before
    assert dict(before) == {"buy": "one"}


def test_a_session_finishes_on_a_version_this_process_never_showed(
    shelf: Shelf, compiler: Compiler
) -> None:
    first = publish(shelf, "one")
    publish(shelf, "two")
    follower = follow(shelf, compiler)
    assert follower.of(first) == "one"
    assert follower.of(first) == "one"
    assert compiler.compiled == ["two", "one"]
    assert follower.current("buy") == "two"


@pytest.mark.parametrize("version", ["0" * 32, "", "../../x", "0" * 64])
def test_a_version_that_is_not_held_is_none(
    shelf: Shelf, compiler: Compiler, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish(shelf, "one")
    assert follow(shelf, compiler).of(version) is None
    assert errors(caplog) == []


def test_the_current_ones_and_the_last_used_are_kept(shelf: Shelf, compiler: Compiler) -> None:
    flows = [f"flow-{number}" for number in range(OLD_VERSIONS_KEPT + 5)]
    current = [publish(shelf, flow, flow) for flow in flows]
    follower = follow(shelf, compiler)
    old = [keep(shelf, f"old {number}") for number in range(OLD_VERSIONS_KEPT + 1)]
    for version in old[:-1]:
        follower.of(version)
    follower.of(old[0])
    follower.of(old[-1])
    compiler.compiled.clear()
    for version in (*current, *old[2:], old[0]):
        assert follower.of(version) is not None
    assert compiler.compiled == []
    assert follower.of(old[1]) == "old 1"
    assert compiler.compiled == ["old 1"]


def test_a_version_just_replaced_is_the_last_one_forgotten(
    shelf: Shelf, compiler: Compiler
) -> None:
    first = publish(shelf, "one")
    follower = follow(shelf, compiler)
    for number in range(OLD_VERSIONS_KEPT):
        follower.of(keep(shelf, f"old {number}"))
    publish(shelf, "two")
    assert follower.current("buy") == "two"
    for number in range(OLD_VERSIONS_KEPT - 1):
        follower.of(keep(shelf, f"new {number}"))
    compiler.compiled.clear()
    assert follower.of(first) == "one"
    assert compiler.compiled == []


# Threads.


def test_others_get_the_old_one_while_one_compiles(shelf: Shelf, compiler: Compiler) -> None:
    first = publish(shelf, "one")
    follower = follow(shelf, compiler)
    publish(shelf, "slow two")
    with ThreadPoolExecutor(THREADS) as pool:
        leader = pool.submit(follower.current, "buy")
        assert compiler.entered.wait(PATIENCE)
        others = [pool.submit(follower.current, "buy") for _ in range(THREADS * 4)]
        assert {each.result(PATIENCE) for each in others} == {"one"}
        assert pool.submit(follower.of, first).result(PATIENCE) == "one"
        assert not leader.done()
        compiler.gate.set()
        assert leader.result(PATIENCE) == "slow two"
    assert follower.current("buy") == "slow two"
    assert compiler.compiled == ["one", "slow two"]


def test_a_publication_during_a_compilation_is_not_missed(shelf: Shelf, compiler: Compiler) -> None:
    follower = follow(shelf, compiler)
    publish(shelf, "slow one")
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(follower.current, "buy")
        assert compiler.entered.wait(PATIENCE)
        publish(shelf, "two")
        assert follower.current("buy") == "baseline"
        compiler.gate.set()
        assert leader.result(PATIENCE) == "slow one"
    assert follower.current("buy") == "two"


def test_an_old_version_is_compiled_once_for_all_who_ask(shelf: Shelf, compiler: Compiler) -> None:
    follower = follow(shelf, compiler)
    version = keep(shelf, "slow old")
    together = threading.Barrier(THREADS + 1)

    def ask() -> str | None:
        together.wait(PATIENCE)
        return follower.of(version)

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(ask) for _ in range(THREADS)]
        together.wait(PATIENCE)
        assert compiler.entered.wait(PATIENCE)
        assert follower.current("buy") == "baseline"
        compiler.gate.set()
        assert {each.result(PATIENCE) for each in asked} == {"slow old"}
    assert compiler.compiled == ["slow old"]


def compiled_by_now() -> None:
    """Wait until nothing is being compiled any more."""
    for each in threading.enumerate():
        if each.name.startswith("cassou-compile"):
            each.join(PATIENCE)


def test_nobody_waits_longer_than_a_moment(shelf: Shelf, compiler: Compiler) -> None:
    first = publish(shelf, "one")
    follower = Follower(shelf, compiler, {"buy": "baseline"}, 0.0)
    second = publish(shelf, "slow two")
    assert [follower.current("buy") for _ in range(3)] == ["one"] * 3
    assert follower.of(second) is None
    assert follower.of(first) == "one"
    compiler.gate.set()
    compiled_by_now()
    assert follower.current("buy") == follower.of(second) == "slow two"
    assert compiler.compiled == ["one", "slow two"]


def test_a_process_starts_on_what_is_current_however_long_that_takes(
    shelf: Shelf, compiler: Compiler
) -> None:
    publish(shelf, "slow one")
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(Follower, shelf, compiler, {"buy": "baseline"}, 0.0)
        assert compiler.entered.wait(PATIENCE)
        assert not starting.done()
        compiler.gate.set()
        assert starting.result(PATIENCE).current("buy") == "slow one"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_compiler_that_ends_its_thread_leaves_nobody_waiting(shelf: Shelf) -> None:
    asked = []

    def dies(version: Version) -> str:
        asked.append(version.hash)
        raise SystemExit

    version = keep(shelf, "one")
    follower: Follower[str] = Follower(shelf, dies, {}, PATIENCE)
    assert [follower.of(version), follower.of(version)] == [None, None]
    assert asked == [version, version]
    compiled_by_now()


class Failing(Shelf):
    """A shelf that cannot be read, for a reason it does not know."""

    def bundle(self, version: str) -> Version | None:
        raise MemoryError(version)


def test_what_nobody_thought_of_is_logged_once_and_nobody_is_left_waiting(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version = publish(shelf, "one")
    follower = follow(Failing(tmp_path), compiler)
    assert [follower.of(version), follower.of(version)] == [None, None]
    assert follower.current("buy") == "baseline"
    assert errors(caplog) == [
        f"version {version} is not used, it cannot be read: MemoryError: {version}"
    ]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns fifty times as often as they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 50)
    yield
    sys.setswitchinterval(before)


def test_threads_follow_a_publisher_without_an_error(
    shelf: Shelf, compiler: Compiler, restless: None
) -> None:
    """What one thread sees never goes back in time, and the last is what all end on."""
    follower = follow(shelf, compiler)
    over = threading.Event()

    def watch() -> list[str]:
        seen = ["baseline"]
        while not over.is_set():
            now = follower.current("buy")
            if now != seen[-1]:
                seen.append(now)
        return seen

    with ThreadPoolExecutor(4) as pool:
        watchers = [pool.submit(watch) for _ in range(4)]
        try:
            for number in range(10, 20):
                publish(shelf, str(number))
        finally:
            over.set()
        for each in watchers:
            seen = each.result(PATIENCE)[1:]
            assert seen == sorted(set(seen))
    assert follower.current("buy") == "19"
    assert len(compiler.compiled) == len(set(compiler.compiled))


# Trouble.


def test_a_version_that_does_not_compile_is_logged_once_and_not_shown(
    shelf: Shelf, compiler: Compiler, caplog: pytest.LogCaptureFixture
) -> None:
    publish(shelf, "one")
    follower = follow(shelf, compiler)
    bad = publish(shelf, "bad")
    for _ in range(5):
        assert follower.current("buy") == "one"
        assert follower.of(bad) is None
    publish(shelf, "new", "sell")
    assert follower.current("buy") == "one"
    assert compiler.compiled == ["one", "bad", "new"]
    assert errors(caplog) == [
        f"version {bad} of buy is not used, it does not compile: ZeroDivisionError: bad"
    ]
    publish(shelf, "two")
    assert follower.current("buy") == "two"


def test_a_damaged_version_is_logged_once_and_used_when_mended(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(shelf, "one")
    follower = follow(shelf, compiler)
    second = publish(shelf, "two")
    damage(tmp_path, second)
    for _ in range(5):
        assert follower.current("buy") == "one"
        assert follower.of(second) is None
    (message,) = errors(caplog)
    assert message.startswith(f"version {second} is not used: ")
    assert "is damaged" in message
    caplog.clear()
    keep(shelf, "two")
    caplog.clear()
    assert follower.current("buy") == "two"
    assert errors(caplog) == []


def test_a_version_that_is_gone_is_logged_once(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    follower = follow(shelf, compiler)
    version = publish(shelf, "one")
    (tmp_path / "versions" / f"{version}.json").unlink()
    assert [follower.current("buy") for _ in range(3)] == ["baseline"] * 3
    assert errors(caplog) == [f"version {version} of buy is not used: it is not held"]


def test_a_new_process_takes_the_publication_before_a_broken_one(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(shelf, "one")
    damage(tmp_path, publish(shelf, "two"))
    publish(shelf, "bad")
    assert follow(shelf, compiler).current("buy") == "one"
    assert len(errors(caplog)) == 2


def test_rolling_back_to_a_damaged_version_goes_on_to_the_one_before(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a new process would: all processes show the same."""
    publish(shelf, "one")
    second = publish(shelf, "two")
    publish(shelf, "a mistake")
    follower = follow(shelf, compiler)
    shelf.roll_back("buy", 2.0, "me")
    damage(tmp_path, second)
    assert follower.current("buy") == "one"
    assert follow(shelf, compiler).current("buy") == "one"
    assert len(errors(caplog)) == 2


def test_a_new_process_does_not_take_what_was_rolled_back(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = publish(shelf, "one")
    publish(shelf, "a mistake")
    shelf.roll_back("buy", 2.0, "me")
    damage(tmp_path, first)
    assert follow(shelf, compiler).current("buy") == "baseline"
    assert len(errors(caplog)) == 1


def test_a_damaged_list_keeps_what_was_shown_and_other_flows_follow(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(shelf, "one")
    follower = follow(shelf, compiler)
    (tmp_path / "current" / "buy.json").write_text(json.dumps({"format": 9}))
    publish(shelf, "new", "sell")
    for _ in range(3):
        assert dict(follower.flows()) == {"buy": "one", "sell": "new"}
    assert dict(follow(shelf, Compiler()).flows()) == {"buy": "baseline", "sell": "new"}
    messages = errors(caplog)
    assert len(messages) == 2
    assert "has format 9" in messages[0]


def test_a_shelf_that_is_no_directory_leaves_the_baseline(
    compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    follower = follow(Shelf(tmp_path / "file"), compiler)
    for _ in range(3):
        assert follower.current("buy") == "baseline"
        assert follower.of("0" * 32) is None
    assert len(errors(caplog)) == 2


def test_a_shelf_that_goes_away_takes_nothing_with_it(
    shelf: Shelf, compiler: Compiler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = publish(shelf, "one")
    follower = follow(shelf, compiler)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    tmp_path.write_text("a file in its place")
    for _ in range(3):
        assert follower.current("buy") == "one"
        assert follower.of(first) == "one"
    assert len(errors(caplog)) == 1
    tmp_path.unlink()
    moved.rename(tmp_path)
    publish(shelf, "two")
    assert follower.current("buy") == "two"


def test_a_publisher_that_died_half_way_is_followed(
    shelf: Shelf, compiler: Compiler, tmp_path: Path
) -> None:
    """It had counted once, and renamed its list: the count stays odd until somebody writes."""
    publish(shelf, "one")
    follower = follow(shelf, compiler)
    publish(shelf, "two")
    with (tmp_path / "changes").open("r+b") as changes:
        changes.truncate(3)
    assert follower.current("buy") == "two"
    assert shelf.stamp() != shelf.stamp()
    keep(shelf, "three")
    assert shelf.stamp() == shelf.stamp()
    assert follower.current("buy") == "two"
