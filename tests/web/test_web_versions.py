"""What a new session begins on, and what an old one finishes on: a directory and a shelf."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.whole_system import MENUS
from ussd_app import engine
from ussd_app.engine import Begin
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import Budget
from ussd_app.programs import RELEASE, Directory, LivePrograms, program_of, release
from ussd_app.screens import Program
from ussd_app.session import Session
from ussd_app.shelf import Shelf
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
