"""The shelf as one process sees it: what is kept, what is current, what is damaged or refused."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ussd_app.shelf import Note, Publication, Shelf, ShelfBroken, ShelfRefused, Version

BUNDLE = {"buy.yaml": "flow: buy\r\n# é €\n", "parts/system.yaml": "", "catalogue.yaml": "a: 1"}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "published")


def keep(shelf: Shelf, text: str, flow: str = "buy") -> str:
    return shelf.keep(flow, "main.yaml", {"main.yaml": text})


def files(directory: Path) -> dict[str, tuple[bytes, int]]:
    """What every file holds, and when it was written."""
    found = (each for each in directory.rglob("*") if each.is_file())
    return {str(each): (each.read_bytes(), each.stat().st_mtime_ns) for each in found}


def test_nothing_is_made_by_reading(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.bundle("0" * 32) is None
    assert shelf.history("buy") == ()
    assert shelf.current("buy") is None
    assert shelf.roll_back("buy", 1.0, "me") is None
    assert shelf.flows() == ()
    assert shelf.stamp() == shelf.stamp()
    with pytest.raises(ShelfRefused):
        shelf.publish("buy", "0" * 32, 1.0, "me")
    assert list(tmp_path.iterdir()) == []


def test_a_version_comes_back_to_the_letter(shelf: Shelf) -> None:
    name = shelf.keep("buy", "buy.yaml", BUNDLE)
    assert shelf.bundle(name) == Version("buy", "buy.yaml", BUNDLE)
    assert Version("buy", "buy.yaml", BUNDLE).hash == name


def test_a_version_is_written_once(shelf: Shelf, tmp_path: Path) -> None:
    name = shelf.keep("buy", "buy.yaml", BUNDLE)
    before = files(tmp_path)
    assert shelf.keep("buy", "buy.yaml", dict(reversed(BUNDLE.items()))) == name
    assert files(tmp_path) == before


def test_keeping_a_version_makes_nothing_current(shelf: Shelf) -> None:
    before = shelf.stamp()
    keep(shelf, "a")
    assert shelf.stamp() == before
    assert shelf.flows() == ()


@pytest.mark.parametrize(
    "other",
    [
        Version("sell", "a", {"a": "1", "b": "2"}),
        Version("buy", "b", {"a": "1", "b": "2"}),
        Version("buy", "a", {"a": "1", "b": "3"}),
        Version("buy", "a", {"a": "1", "c": "2"}),
        Version("buy", "a", {"a": "1"}),
        Version("buy", "a", {"a": '1"],["b","2'}),
    ],
)
def test_versions_that_differ_have_different_hashes(other: Version) -> None:
    assert other.hash != Version("buy", "a", {"a": "1", "b": "2"}).hash


def test_the_canonical_form_stays_what_it_is() -> None:
    """Sessions are pinned to these: a change here would lose them."""
    assert Version("buy", "buy.yaml", BUNDLE).hash == "27232b6d2f69a301803bb763a179660e"


@pytest.mark.parametrize(
    "flow", ["", "Buy", "9buy", "buy_it", "../buy", "buy/it", "buy.", "buy\n", "achète", "\0"]
)
def test_what_is_no_name_of_a_flow_is_refused(shelf: Shelf, tmp_path: Path, flow: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: keep(shelf, "a", flow),
        lambda: shelf.publish(flow, "0" * 32, 1.0, "me"),
        lambda: shelf.roll_back(flow, 1.0, "me"),
        lambda: shelf.history(flow),
        lambda: shelf.current(flow),
    ]
    for ask in asked:
        with pytest.raises(ShelfRefused, match="no name of a flow"):
            ask()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "/etc/x", "../x", "a/../x", "a//x", "./x", "a\\x", "x\0"])
def test_a_bundle_stays_below_its_directory(shelf: Shelf, name: str) -> None:
    with pytest.raises(ShelfRefused, match="no file name below"):
        shelf.keep("buy", name, {name: ""})


def test_a_bundle_holds_its_main_file_and_only_text(shelf: Shelf) -> None:
    with pytest.raises(ShelfRefused, match="not in its bundle"):
        shelf.keep("buy", "main.yaml", {"other.yaml": ""})
    with pytest.raises(ShelfRefused, match="no text"):
        shelf.keep("buy", "main.yaml", {"main.yaml": "\ud800"})


@pytest.mark.parametrize("version", ["../../x", "0" * 31, "0" * 64, "G" * 32, "", "0" * 32 + "\n"])
def test_what_is_no_hash_is_not_held(shelf: Shelf, version: str) -> None:
    keep(shelf, "a")
    assert shelf.bundle(version) is None
    with pytest.raises(ShelfRefused, match="keep it first"):
        shelf.publish("buy", version, 1.0, "me")


def test_the_history_tells_who_and_when(shelf: Shelf) -> None:
    first, second = keep(shelf, "a"), keep(shelf, "b")
    assert shelf.publish("buy", first, 1.5, "Aïcha")
    assert shelf.publish("buy", second, 2.5, "a\udc80b")
    assert shelf.roll_back("buy", 3.5, "Ali") == first
    assert shelf.history("buy") == (
        Publication(first, 1.5, "Aïcha", Note.PUBLISHED),
        Publication(second, 2.5, "a\udc80b", Note.PUBLISHED),
        Publication(first, 3.5, "Ali", Note.ROLLED_BACK),
    )


def test_what_came_with_a_release_is_told_from_what_somebody_published(
    shelf: Shelf, tmp_path: Path
) -> None:
    first, second = keep(shelf, "a"), keep(shelf, "b")
    shelf.publish("buy", first, 1.0, "release")
    shelf.publish("buy", second, 2.0, "release", released=True)
    assert [each.note for each in shelf.history("buy")] == [Note.PUBLISHED, Note.RELEASED]
    content = json.loads((tmp_path / "published" / "current" / "buy.json").read_text())
    assert content["format"] == 1
    assert shelf.roll_back("buy", 3.0, "me") == first


def test_all_versions_that_are_held_are_told(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.versions() == ()
    held = sorted([keep(shelf, "a"), keep(shelf, "b"), keep(shelf, "a", "sell")])
    (tmp_path / "published" / "versions" / "notes.json").write_text("{}")
    assert shelf.versions() == tuple(held)


def test_rolling_back_twice_goes_two_back(shelf: Shelf) -> None:
    versions = [keep(shelf, text) for text in "abc"]
    for each in versions:
        shelf.publish("buy", each, 1.0, "me")
    assert shelf.roll_back("buy", 2.0, "me") == versions[1]
    assert shelf.roll_back("buy", 3.0, "me") == versions[0]
    assert shelf.roll_back("buy", 4.0, "me") is None
    assert shelf.current("buy") == versions[0]
    assert len(shelf.history("buy")) == 5


def test_what_is_published_after_a_roll_back_stands_on_it(shelf: Shelf) -> None:
    first, bad, good = (keep(shelf, text) for text in "abc")
    shelf.publish("buy", first, 1.0, "me")
    shelf.publish("buy", bad, 2.0, "me")
    shelf.roll_back("buy", 3.0, "me")
    shelf.publish("buy", good, 4.0, "me")
    assert shelf.roll_back("buy", 5.0, "me") == first


def test_publishing_the_current_one_again_changes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    name = keep(shelf, "a")
    assert shelf.publish("buy", name, 1.0, "me")
    before, stamp = files(tmp_path), shelf.stamp()
    assert not shelf.publish("buy", name, 2.0, "you")
    assert files(tmp_path) == before
    assert shelf.stamp() == stamp


def test_a_version_is_published_only_as_the_flow_it_is_of(shelf: Shelf) -> None:
    with pytest.raises(ShelfRefused, match="keep it first"):
        shelf.publish("sell", keep(shelf, "a"), 1.0, "me")
    assert shelf.flows() == ()


def test_a_time_that_is_none_changes_nothing(shelf: Shelf) -> None:
    name, before = keep(shelf, "a"), shelf.stamp()
    with pytest.raises(ValueError, match="JSON"):
        shelf.publish("buy", name, float("nan"), "me")
    assert shelf.stamp() == before
    assert shelf.history("buy") == ()
    assert shelf.publish("buy", name, 1.0, "me")


def test_every_change_changes_the_stamp_within_one_tick_too(shelf: Shelf) -> None:
    first, second = keep(shelf, "a"), keep(shelf, "b")
    stamps = {shelf.stamp()}
    shelf.publish("buy", first, 1.0, "me")
    for _ in range(50):
        shelf.publish("buy", second, 1.0, "me")
        stamps.add(shelf.stamp())
        shelf.roll_back("buy", 1.0, "me")
        stamps.add(shelf.stamp())
    assert len(stamps) == 101


def test_a_shelf_made_anew_has_another_stamp(tmp_path: Path) -> None:
    old, new = Shelf(tmp_path / "old"), Shelf(tmp_path / "new")
    for each in (old, new):
        each.publish("buy", keep(each, "a"), 1.0, "me")
    assert old.stamp() != new.stamp()


def test_flows_are_those_published(shelf: Shelf, tmp_path: Path) -> None:
    for flow in ("sell", "buy-2", "buy"):
        shelf.publish(flow, keep(shelf, "a", flow), 1.0, "me")
    (tmp_path / "published" / "current" / "Notes.json").write_text("{}")
    (tmp_path / "published" / "current" / "sell.json.new").write_text("{")
    assert shelf.flows() == ("buy", "buy-2", "sell")


# What is damaged.


def version_file(tmp_path: Path, name: str) -> Path:
    return tmp_path / "published" / "versions" / f"{name}.json"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("catalogue", "katalogue"),
        lambda text: text.replace('"buy"', '"sell"'),
        lambda text: text.replace('"files"', '"falls"'),
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text[:-9],
        lambda _text: "",
        lambda _text: "[" * 100_000,
        lambda _text: "[]",
        lambda _text: '{"format": 1, "flow": "buy", "main": [], "files": [[1, 2]]}',
    ],
)
def test_a_damaged_version_is_told_and_mended_by_keeping_it(
    shelf: Shelf, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    name = shelf.keep("buy", "buy.yaml", BUNDLE)
    path = version_file(tmp_path, name)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ShelfBroken, match=name):
        shelf.bundle(name)
    with pytest.raises(ShelfBroken, match=name):
        shelf.publish("buy", name, 1.0, "me")
    assert shelf.keep("buy", "buy.yaml", BUNDLE) == name
    assert shelf.bundle(name) == Version("buy", "buy.yaml", BUNDLE)


def test_a_version_under_another_name_is_damaged(shelf: Shelf, tmp_path: Path) -> None:
    name = keep(shelf, "a")
    version_file(tmp_path, name).rename(version_file(tmp_path, "0" * 32))
    with pytest.raises(ShelfBroken, match="not what its name says"):
        shelf.bundle("0" * 32)


def test_nobody_rolls_back_to_a_damaged_version(shelf: Shelf, tmp_path: Path) -> None:
    first, second = keep(shelf, "a"), keep(shelf, "b")
    shelf.publish("buy", first, 1.0, "me")
    shelf.publish("buy", second, 2.0, "me")
    version_file(tmp_path, first).write_text("{")
    with pytest.raises(ShelfBroken, match="it is no JSON"):
        shelf.roll_back("buy", 3.0, "me")
    assert shelf.current("buy") == second


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "../x"),
        ("version", None),
        ("published_at", "soon"),
        ("published_at", 10**400),
        ("who", 1),
        ("note", "forgotten"),
        ("note", "rolled back"),
    ],
)
def test_a_damaged_history_is_told_and_written_over_by_nobody(
    shelf: Shelf, tmp_path: Path, key: str, value: object
) -> None:
    name, other = keep(shelf, "a"), keep(shelf, "b")
    shelf.publish("buy", name, 1.0, "me")
    path = tmp_path / "published" / "current" / "buy.json"
    content = json.loads(path.read_text())
    content["publications"][0][key] = value
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    for ask in (
        lambda: shelf.history("buy"),
        lambda: shelf.roll_back("buy", 2.0, "me"),
        lambda: shelf.publish("buy", other, 2.0, "me"),
    ):
        with pytest.raises(ShelfBroken, match=r"buy\.json is damaged"):
            ask()
    assert path.read_bytes() == before
    assert shelf.flows() == ("buy",)


def test_a_history_under_another_flows_name_is_damaged(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("buy", keep(shelf, "a"), 1.0, "me")
    current = tmp_path / "published" / "current"
    (current / "buy.json").rename(current / "sell.json")
    with pytest.raises(ShelfBroken, match=r"sell\.json is damaged"):
        shelf.history("sell")


def test_a_directory_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file")
    for ask in (
        shelf.stamp,
        shelf.flows,
        lambda: shelf.current("buy"),
        lambda: shelf.bundle("0" * 32),
        lambda: keep(shelf, "a"),
    ):
        with pytest.raises(ShelfBroken, match=r"file.* cannot be .*See that this user"):
            ask()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_directory_closed_to_writers_is_still_read(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish("buy", keep(shelf, "a"), 1.0, "me")
    for folder in ("published/versions", "published/current", "published"):
        (tmp_path / folder).chmod(0o500)
    with pytest.raises(ShelfBroken, match="cannot be written: Permission denied"):
        keep(shelf, "b")
    assert shelf.current("buy") is not None
    for folder in ("published", "published/current", "published/versions"):
        (tmp_path / folder).chmod(0o700)


# Against a model.


class Model(RuleBasedStateMachine):
    """Two flows, a stack of versions and a list of what happened for each."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.shelf = Shelf(Path(self.directory.name) / "published")
        self.stacks: dict[str, list[str]] = {"buy": [], "sell": []}
        self.told: dict[str, list[tuple[str, float, str]]] = {"buy": [], "sell": []}
        self.now = 0.0

    flows = st.sampled_from(["buy", "sell"])

    @rule(flow=flows, text=st.sampled_from("abcd"))
    def publish(self, flow: str, text: str) -> None:
        self.now += 1
        version, before = keep(self.shelf, text, flow), self.shelf.stamp()
        new = self.stacks[flow][-1:] != [version]
        assert self.shelf.publish(flow, version, self.now, text) == new
        assert (self.shelf.stamp() != before) == new
        if new:
            self.stacks[flow].append(version)
            self.told[flow].append((version, self.now, text))

    @rule(flow=flows)
    def roll_back(self, flow: str) -> None:
        self.now += 1
        before, there = self.shelf.stamp(), len(self.stacks[flow]) > 1
        found = self.shelf.roll_back(flow, self.now, "back")
        assert (self.shelf.stamp() != before) == there
        if there:
            self.stacks[flow].pop()
            self.told[flow].append((self.stacks[flow][-1], self.now, "back"))
        assert found == (self.stacks[flow][-1] if there else None)

    @invariant()
    def is_as_the_model(self) -> None:
        shelf = Shelf(Path(self.directory.name) / "published")
        for flow, stack in self.stacks.items():
            assert shelf.standing(flow) == tuple(stack)
            assert shelf.current(flow) == (stack[-1] if stack else None)
            told = [(each.version, each.at, each.who) for each in shelf.history(flow)]
            assert told == self.told[flow]
        assert shelf.flows() == tuple(flow for flow, told in self.told.items() if told)

    def teardown(self) -> None:
        self.directory.cleanup()


test_publishing_and_rolling_back_are_as_a_stack = Model.TestCase
Model.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=16,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
