"""Good flows with one thing changed: each is refused by `check`, or behaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soundness.generator import made_menus
from tests.soundness.made_files import Menus, menus_of, read
from tests.soundness.mutants import mutants
from tests.soundness.soundness import DEEPER, FROM, Trial, budgets_of, passed
from tests.whole_system import MENUS
from ussd_app.application import Application
from workers.application import APPLICATION as SHIPPED

OK = Path(__file__).parent.parent / "flow" / "ok"


def shipped() -> Menus:
    """The shipped flow."""
    return menus_of(MENUS, "buy-electricity.yaml")


def told(trial: Trial) -> str:
    """How many were caught and how many behaved."""
    return f"{trial.caught} mutants caught, {trial.behaved} behaved"


def test_the_shipped_flow_behaves() -> None:
    trial = Trial(SHIPPED)
    for number in range(6):
        trial.try_out("shipped", shipped(), number, 3)

    assert trial.broken == []
    assert trial.behaved == 6


def test_a_few_mutants_of_the_shipped_flow_are_caught_or_behave() -> None:
    trial = Trial(SHIPPED)
    trial.try_all(mutants(shipped(), 1, 2), 1, 1)

    assert trial.broken == []
    assert trial.caught > 5


@pytest.mark.world
def test_mutants_of_the_shipped_flow_are_caught_or_behave() -> None:
    trial = Trial(SHIPPED)
    for number in range(2, 2 + DEEPER):
        trial.try_all(mutants(shipped(), number, 20), number, 2)
    print(told(trial))  # noqa: T201  # read with -s

    assert "\n".join(trial.broken) == ""
    assert min(trial.caught, trial.behaved) > 10


@pytest.mark.world
def test_mutants_of_generated_flows_are_caught_or_behave() -> None:
    trial = Trial()
    for number in range(FROM, FROM + 30 * DEEPER):
        menus = made_menus(number)
        if passed(menus, budgets_of(menus, number)) is not None:
            trial.try_all(mutants(menus, number, 3), number, 2)
    print(told(trial))  # noqa: T201  # read with -s

    assert "\n".join(trial.broken) == ""
    assert min(trial.caught, trial.behaved) > 50


def examples() -> list[Menus]:
    """The flows that the compiler's own tests hold to be right, against the shipped catalogue."""
    catalogue = read((MENUS / "catalogue.yaml").read_text("utf-8"))
    found = []
    for path in sorted(OK.glob("*.yaml")):
        data = read(path.read_text("utf-8"))
        if "states" in data and "returns" not in data:
            found.append(Menus(data, {}, catalogue))
    return found


@pytest.mark.world
def test_the_compilers_good_examples_and_their_mutants_are_caught_or_behave() -> None:
    trial = Trial(Application(SHIPPED.filters))
    for number, menus in enumerate(examples()):
        trial.try_all([("example", menus), *mutants(menus, number, 2)], number, 1)
    print(told(trial))  # noqa: T201  # read with -s

    assert "\n".join(trial.broken) == ""
    assert min(trial.caught, trial.behaved) > 50
