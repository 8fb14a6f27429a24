"""A real server, and an office of this process that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from cassou.embedded import EmbeddedRedis
from ussd_app.sealing import Sealer
from workers.office import office
from workers.queue import Doorbell, connect

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis.start(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(server: EmbeddedRedis) -> Iterator[Redis]:
    """An empty database."""
    redis = connect(server.url)
    redis.flushall()
    yield redis
    redis.close()


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(SECRET)


@pytest.fixture
def doorbell(redis: Redis, server: EmbeddedRedis, sealer: Sealer) -> Iterator[Doorbell]:
    doorbell = Doorbell(server.url, sealer)
    yield doorbell
    doorbell._redis.close()


@pytest.fixture
def here(
    server: EmbeddedRedis, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Settings with which the jobs of this process find this server and a ledger of their own."""
    monkeypatch.setenv("CASSOU_SECRET_KEY", SECRET.hex())
    monkeypatch.setenv("CASSOU_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CASSOU_REDIS_URL", server.url)
    office.cache_clear()
    yield
    if office.cache_info().currsize:
        used = office()
        used.ledger._engine.dispose()
        used.doorbell._redis.close()
    office.cache_clear()
