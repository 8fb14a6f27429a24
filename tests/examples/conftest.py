"""The programs of the example applications."""

from __future__ import annotations

import pytest

from tests.examples.phones import APPLICATIONS, BUDGETS, EXAMPLES, Programs
from ussd_app.programs import Directory


@pytest.fixture(scope="session")
def programs() -> Programs:
    """The programs of the examples by service code."""
    found: Programs = {}
    for name, application in APPLICATIONS.items():
        directory = Directory(EXAMPLES / name, application, (BUDGETS[name],))
        for each in directory.programs():
            found |= dict.fromkeys(each.flow.service_codes, each)
    return found
