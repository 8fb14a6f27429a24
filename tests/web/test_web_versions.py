"""What a new session begins on, and what an old one finishes on: a directory and a shelf."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.whole_system import MENUS
from ussd_app import engine
from ussd_app.engine import Begin
from ussd_app.flow.diagnostics import FlowError
from ussd_app.hop import erase
from ussd_app.messages import Budget
from ussd_app.programs import RELEASE, Directory, LivePrograms, answered, program_of, release
from ussd_app.screens import Program
from ussd_app.sealing import Sealer
from ussd_app.session import Session
from ussd_app.shelf import Note, Shelf
from ussd_app.store import MemoryStore
from workers.application import APPLICATION

FLOW = "buy-electricity"
BUDGETS = (Budget(),)


@pytest.fixture
def menus(tmp_path: Path) -> Path:
    """A directory of flows that a test may change."""
    return Path(shutil.copytree(MENUS, tmp_path / "menus"))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty shelf."""
    return Shelf(tmp_path / "published")


def directory(menus: Path) -> Directory:
    """What stands in a directory now."""
    return Directory(menus, APPLICATION, BUDGETS)


def reword(menus: Path, text: str) -> None:
    """Change what the first screen says."""
    path = menus / f"{FLOW}.yaml"
    path.write_text(path.read_text("utf-8").replace("Énergie prépayée", text), "utf-8")


def session_of(program: Program | None) -> Session:
    """A session that begins on a program."""
    assert program is not None
    return engine.begin(program, Begin("one", "+22670123456", "*789#"), 0.0, Budget()).session


def test_a_version_compiles_to_the_flow_it_was_kept_from(menus: Path) -> None:
    here = directory(menus)
    again = program_of(here.versions[FLOW], APPLICATION, BUDGETS)

    assert again.flow.hash == here.flows[FLOW].flow.hash == here.versions[FLOW].hash
    assert again.flow.needs == here.flows[FLOW].flow.needs


def test_a_release_follows_a_release(menus: Path, shelf: Shelf) -> None:
    release(directory(menus), shelf)
    reword(menus, "Autre")
    release(directory(menus), shelf)

    assert [each.who for each in shelf.history(FLOW)] == [RELEASE, RELEASE]
    assert shelf.current(FLOW) == directory(menus).versions[FLOW].hash


def test_a_release_never_replaces_what_somebody_published(menus: Path, shelf: Shelf) -> None:
    release(directory(menus), shelf)
    reword(menus, "Autre")
    edited = directory(menus).versions[FLOW]
    shelf.keep(FLOW, edited.main, edited.bundle)
    shelf.publish(FLOW, edited.hash, 1.0, "awa")
    reword(menus, "Encore")
    release(directory(menus), shelf)

    assert shelf.current(FLOW) == edited.hash


def test_a_session_finishes_on_the_version_it_began_on(menus: Path, shelf: Shelf) -> None:
    old = directory(menus)
    release(old, shelf)
    began = session_of(LivePrograms(old, shelf).current("*789#"))
    reword(menus, "Autre")
    new = directory(menus)
    release(new, shelf)

    # Another process, of the new release, has never seen the old file.
    programs = LivePrograms(new, shelf)
    found = programs.of(began)

    assert found is not None
    assert found.flow.hash == began.flow == old.versions[FLOW].hash
    assert session_of(programs.current("*789#")).flow == new.versions[FLOW].hash


def test_every_mistake_of_every_file_is_told_at_once(menus: Path) -> None:
    for name, code in (("a", "*1#"), ("b", "*2#")):
        (menus / f"{name}.yaml").write_text(
            f'cassou: 1\nflow: {name}\nservice_codes: ["{code}"]\nlanguages: {{default: fr}}\n'
            "start: nowhere\nstates:\n  end: {end: Fin.}\n",
            "utf-8",
        )
    with pytest.raises(FlowError) as caught:
        directory(menus)

    assert {Path(each.at.file).name for each in caught.value.diagnostics} == {"a.yaml", "b.yaml"}


def test_two_flows_on_one_service_code_are_refused(menus: Path) -> None:
    source = (menus / f"{FLOW}.yaml").read_text("utf-8")
    (menus / "twin.yaml").write_text(source.replace(f"flow: {FLOW}", "flow: twin"), "utf-8")
    with pytest.raises(FlowError, match=r'answers "\*789#" already'):
        directory(menus)


SMALL = """\
cassou: 1
flow: NAME
service_codes: ["CODE"]
languages: {default: fr}
start: home
states:
  home: {show: Bonjour, next: bye}
  bye: {end: Au revoir.}
"""
#: It remembers a fact that no other version does.
REMEMBERING = """\
cassou: 1
flow: small
service_codes: ["*1#"]
languages: {default: fr}
start: home
vars:
  old_name: {type: text, lengths: [1, 20], remember: 30d}
states:
  home: {input: "Nom ?", save: old_name, next: told}
  told: {end: "Bonjour {old_name}."}
"""


def small(name: str, code: str) -> str:
    """A flow of one screen."""
    return SMALL.replace("NAME", name).replace("CODE", code)


def publish(shelf: Shelf, name: str, source: str, at: float = 1.0) -> str:
    """Publish a flow that stands in one file, whatever is wrong with that."""
    version = shelf.keep(name, f"{name}.yaml", {f"{name}.yaml": source})
    assert shelf.publish(name, version, at, "me")
    return version


def answers(programs: LivePrograms, code: str) -> str | None:
    """The name of the flow on a code."""
    found = programs.current(code)
    return found.flow.name if found is not None else None


def test_a_user_named_release_is_a_user(menus: Path, shelf: Shelf) -> None:
    release(directory(menus), shelf)
    reword(menus, "Autre")
    edited = directory(menus).versions[FLOW]
    shelf.keep(FLOW, edited.main, edited.bundle)
    shelf.publish(FLOW, edited.hash, 1.0, RELEASE)
    reword(menus, "Encore")
    release(directory(menus), shelf)

    assert [each.note for each in shelf.history(FLOW)] == [Note.RELEASED, Note.PUBLISHED]
    assert shelf.current(FLOW) == edited.hash


def test_two_files_with_one_flows_name_are_refused(menus: Path) -> None:
    (menus / "twin.yaml").write_text(small(FLOW, "*1#"), "utf-8")

    with pytest.raises(FlowError, match=rf'buy-electricity.yaml holds a flow "{FLOW}" already'):
        directory(menus)


def test_two_sub_flows_with_one_name_are_refused(menus: Path) -> None:
    for name, text in (("one", "Un."), ("two", "Deux.")):
        (menus / f"{name}.yaml").write_text(
            "cassou: 1\nflow: ask\nlanguages: {default: fr, also: [en]}\nstart: said\n"
            f"returns: {{done: {{}}}}\nstates:\n  said: {{show: {text}, next: done}}\n",
            "utf-8",
        )
    with pytest.raises(FlowError) as caught:
        directory(menus)

    (problem,) = caught.value.diagnostics
    assert (Path(problem.at.file).name, problem.id) == ("two.yaml", "duplicate-key")
    assert problem.message == 'one.yaml holds a flow "ask" already'


def test_who_had_a_code_keeps_it_and_that_is_logged_once(
    menus: Path, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    here = directory(menus)
    release(here, shelf)
    programs = LivePrograms(here, shelf)
    publish(shelf, "zebra", small("zebra", "*1#"), 1.0)
    assert answers(programs, "*1#") == "zebra"
    publish(shelf, "ant", small("ant", "*1#").replace("*1#", '*1#", "*789#'), 2.0)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert (answers(programs, "*1#"), answers(programs, "*789#")) == ("zebra", FLOW)
            publish(shelf, "other", small("other", f"*{len(shelf.history('other')) + 2}#"))

    told = sorted(each.getMessage() for each in caplog.records if each.name == "cassou.programs")
    assert told == [
        f"flow {FLOW} answers *789#, so flow ant does not: publish it with another code",
        "flow zebra answers *1#, so flow ant does not: publish it with another code",
    ]
    assert answers(LivePrograms(here, shelf), "*1#") == "zebra"


def test_what_each_flow_answers_is_as_published_else_as_in_its_file(
    menus: Path, shelf: Shelf
) -> None:
    assert answered(menus, shelf, APPLICATION) == {FLOW: ("*789#",)}
    moved = directory(menus).versions[FLOW]
    bundle = {
        name: text.replace('"*789#"', '"*788#"').replace("code: *789#", 'code: "*788#"')
        for name, text in moved.bundle.items()
    }
    shelf.publish(FLOW, shelf.keep(FLOW, moved.main, bundle), 1.0, "me")
    publish(shelf, "small", small("small", "*1#"))
    publish(shelf, "gone", "no flow at all")

    found = answered(menus, shelf, APPLICATION)
    assert found == {FLOW: ("*788#",), "small": ("*1#",), "gone": ()}


def test_a_version_that_calls_what_is_served_no_more_is_refused(menus: Path) -> None:
    here = directory(menus)
    served = set(here.library.backends)
    version = here.versions[FLOW]
    assert program_of(version, APPLICATION, BUDGETS, served).flow.name == FLOW

    with pytest.raises(FlowError, match=r'of this release has no back-end "meters\.find"'):
        program_of(version, APPLICATION, BUDGETS, served - {"meters.find"})


def test_a_version_whose_filter_is_gone_is_refused(menus: Path) -> None:
    version = directory(menus).versions[FLOW]
    without = dataclasses.replace(APPLICATION, filters={}, rules={})

    with pytest.raises(FlowError, match="unknown-"):
        program_of(version, without, BUDGETS)


class Asked(MemoryStore):
    """A store that tells which keys were erased."""

    def __init__(self) -> None:
        super().__init__()
        self.erased: set[bytes] = set()

    def keep(self, key: bytes, value: object, seconds: float) -> None:
        assert value is None
        self.erased.add(key)
        super().keep(key, value, seconds)


def test_what_only_an_older_version_remembers_is_forgotten_too(menus: Path, shelf: Shelf) -> None:
    old = publish(shelf, "small", REMEMBERING)
    publish(shelf, "small", small("small", "*1#"))
    programs = LivePrograms(directory(menus), shelf).all()
    current = tuple(each for each in programs if each.flow.hash != old)
    every, some = Asked(), Asked()
    erase(every, Sealer(b"k" * 32), programs, "+22670123456")
    erase(some, Sealer(b"k" * 32), current, "+22670123456")

    assert {fact for each in programs for _, fact, _ in each.facts} >= {"small.old_name"}
    assert len(every.erased - some.erased) == 1


def test_a_version_that_cannot_be_read_keeps_no_other_from_being_forgotten(
    menus: Path, shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = publish(shelf, "small", REMEMBERING)
    bad = publish(shelf, "small", small("small", "*1#"))
    (tmp_path / "published" / "versions" / f"{bad}.json").write_text("{")

    assert old in {each.flow.hash for each in LivePrograms(directory(menus), shelf).all()}
    assert f"version {bad} cannot be read, nor what it remembers" in caplog.text


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns fifty times as often as they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 50)
    yield
    sys.setswitchinterval(before)


def test_threads_never_see_one_publications_flows_with_anothers_codes(
    menus: Path, shelf: Shelf, restless: None
) -> None:
    programs = LivePrograms(directory(menus), shelf)
    rounds = 12

    def ask(_number: int) -> list[str | None]:
        return [answers(programs, "*1#") for _ in range(200)]

    with ThreadPoolExecutor(3) as pool:
        for number in range(rounds):
            publish(shelf, "small", small("small", "*1#").replace("Bonjour", f"N{number}"))
            seen = [each for asked in pool.map(ask, range(3)) for each in asked]
            assert set(seen) <= {"small", None}
            found = programs.current("*1#")
            assert found is not None
            assert found.flow.hash == shelf.current("small")
