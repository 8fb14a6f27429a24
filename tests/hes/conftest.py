"""Stores and running services for the tests of the embedded head end system."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from hes_adapter.embedded.tables import metadata

from .helpers import Running, running

POSTGRES = os.environ.get("CASSOU_TEST_POSTGRES_URL")
"""An empty PostgreSQL database; when it is named, the service is tested on it as well."""


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite" or POSTGRES is None:
        yield f"sqlite:///{tmp_path / 'hes.db'}"
        return
    yield POSTGRES
    engine = create_engine(POSTGRES)
    metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def hes(store_url: str) -> Iterator[Running]:
    with running(store_url) as service:
        yield service
