"""Any flow that `check` passes, against any client and any back-ends: the room's claim, generated.

Never an exception; never a screen over its budget, or with a character the network does not carry;
never a value that is not there, nor a sensitive one; always a way home or to an end; one call id
for a call that is for once a session; and the stored session's next turn is the session's.
`CASSOU_SOUNDNESS_DEEPER=20 CASSOU_SOUNDNESS_FROM=100000 pytest tests/soundness` goes further.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soundness.generator import made_menus
from tests.soundness.mutants import tightened
from tests.soundness.soundness import DEEPER, FROM, Trial, budgets_of


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 2**48))
def test_a_flow_that_passes_behaves(number: int) -> None:
    trial = Trial()
    trial.try_out(f"menus {number}", made_menus(number), number, 1)

    assert trial.broken == []


@pytest.mark.world
def test_flows_that_pass_behave_and_reach_the_whole_language() -> None:
    trial = Trial()
    for number in range(FROM, FROM + 480 * DEEPER):
        trial.try_out(f"menus {number}", made_menus(number), number, 3)
    table = trial.tally.table()
    print(table)  # noqa: T201  # read with -s, and where an assertion fails

    assert "\n".join(trial.broken) == ""
    assert trial.tally.missing() == []
    assert trial.tally.passed * 100 >= trial.tally.flows * 40, table


@pytest.mark.world
def test_a_text_as_long_as_check_lets_it_be_fits_every_phone() -> None:
    trial = Trial()
    for number in range(FROM, FROM + 70 * DEEPER):
        menus = made_menus(number)
        if menus.examined(budgets_of(menus, number)).diagnostics:
            continue
        tight = tightened(menus, number, budgets_of(menus, number))
        if tight is not None:
            trial.try_out(f"menus {number}, tightened", tight, number, 3)

    assert "\n".join(trial.broken) == ""
    assert trial.behaved > 20
