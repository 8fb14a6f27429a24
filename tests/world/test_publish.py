"""Live edits: a published version is current in every web process at once; sessions keep theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole_system import MENUS, ROOT, World

pytestmark = pytest.mark.world

COMMAND = str(Path(sys.executable).with_name("cassou"))
FLOW = "buy-electricity.yaml"


def _cassou(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, "CASSOU_PUBLISHED_DIR": str(world.settings.published())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _first_lines(world: World, count: int) -> set[str]:
    """What so many new sessions show first: enough to meet every web process."""
    phones = [world.phone("demo", world.number()) for _ in range(count)]
    return {phone.dial("*789#").text.splitlines()[0] for phone in phones}


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of the menus whose first screen says something else."""
    shutil.copytree(MENUS, tmp_path / "menus")
    path = tmp_path / "menus" / FLOW
    source = path.read_text("utf-8")
    path.write_text(source.replace("Énergie prépayée", "Cassou énergie"), "utf-8")
    return path


def test_new_sessions_begin_on_what_was_published_and_old_ones_finish_on_theirs(
    world: World, edited: Path
) -> None:
    under_way = world.phone("moov", world.number())
    under_way.dial("*789#")
    under_way.send("1")

    published = _cassou(world, "publish", str(edited))
    assert published.returncode == 0, published.stderr
    assert _first_lines(world, 20) == {"Cassou énergie"}
    assert under_way.send("00").text.startswith("Énergie prépayée")

    rolled_back = _cassou(world, "publish", "--rollback", "buy-electricity")
    assert rolled_back.returncode == 0, rolled_back.stderr
    assert _first_lines(world, 20) == {"Énergie prépayée"}
    history = _cassou(world, "publish", "--history", "buy-electricity").stdout
    assert [word for word in ("release", "published", "rolled back") if word in history] == [
        "release",
        "published",
        "rolled back",
    ]


def test_a_flow_with_a_mistake_is_not_published(world: World, edited: Path) -> None:
    source = edited.read_text("utf-8")
    edited.write_text(source.replace("next: serial}", "next: serials}", 1), "utf-8")

    refused = _cassou(world, "publish", str(edited))

    assert refused.returncode == 1
    assert 'did you mean "serial"? [unknown-state]' in refused.stderr
    assert _first_lines(world, 4) == {"Énergie prépayée"}
