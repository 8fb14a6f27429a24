"""What several rooms' tests share: the shipped flow, and one whole system as real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import wsgi
from tests.whole_system import World, running
from ussd_app.screens import Program
from workers.settings import load as load_settings

HERE = Path(__file__).parent

# How fast a machine is decides nothing in a test, nor does chance: the same cases every time.
# `pytest --hypothesis-profile=searching` draws new ones.
_PATIENT = [HealthCheck.too_slow, HealthCheck.filter_too_much]
hypothesis_settings.register_profile("searching", deadline=None, suppress_health_check=_PATIENT)
hypothesis_settings.register_profile(
    "settled", hypothesis_settings.get_profile("searching"), derandomize=True
)
hypothesis_settings.load_profile("settled")

#: Rooms whose tests start servers or processes by the dozen, or try thousands of cases; `make
#: check` leaves them out.
_SLOW = (
    "clients",
    "simulators",
    "hes/test_service",
    "cassou/test_cli",
    "cassou/test_embedded",
    "designer/test_designer_schema_agrees",
    "designer/test_designer_svg",
    "flow/test_flow_lengths",
    "flow/test_flow_types",
    "gateways/test_gateway_json",
    "gateways/test_gateway_xml",
    "gateways/test_gateway_capture",
    "ledger/test_ledger_store",
    "replay/test_explore",
    "workers/test_queue_forgeries",
    "workers/test_saga_enumeration",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the slow rooms as a whole; leave the long proofs out where nobody asks for them."""
    for item in items:
        within = item.path.is_relative_to(HERE)
        if within and item.path.relative_to(HERE).as_posix().startswith(_SLOW):
            item.add_marker(pytest.mark.world)
    if "prove" not in config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("prove")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def program() -> Program:
    """The shipped flow."""
    return next(iter(wsgi.load_directory(load_settings()).flows.values()))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole system, its wallet debiting at once."""
    yield from running(tmp_path_factory.mktemp("world"), {})
