"""The three parties on free ports, with one clock between them that the tests turn by hand."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from simulators import meters_web, operator_web, platform_web
from simulators.operator_debits import PromptSettings
from simulators.seed import load
from simulators.serving import RunningServer
from simulators.store import Store

WORLD = load()
Create = Callable[[Store, threading.Event], Flask]


@pytest.fixture
def hands() -> list[datetime]:
    """The clock: its one element is the time; replace it to let time pass."""
    return [datetime(2026, 11, 23, 8, 0, tzinfo=UTC)]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str, Create], str]]:
    """Serve an app over a store of its own; the URL. All are closed at the end."""
    running: list[tuple[RunningServer, Store]] = []

    def start(schema: str, create: Create) -> str:
        store = Store(str(tmp_path / f"{len(running)}.sqlite3"), schema)
        stop = threading.Event()
        running.append((RunningServer(create(store, stop), stop), store))
        return running[-1][0].url

    yield start
    for server, store in running:
        server.close()
        store.close()


@pytest.fixture
def operator(serve: Callable[[str, Create], str], hands: list[datetime]) -> str:
    return serve(
        operator_web.SCHEMA,
        lambda store, stop: operator_web.create_operator(
            store,
            WORLD.operator,
            clock=lambda: hands[0],
            stop=stop,
            prompts=PromptSettings("direct"),
        ),
    )


@pytest.fixture
def prompting_operator(serve: Callable[[str, Create], str], hands: list[datetime]) -> str:
    return serve(
        operator_web.SCHEMA,
        lambda store, stop: operator_web.create_operator(
            store,
            WORLD.operator,
            clock=lambda: hands[0],
            stop=stop,
            prompts=PromptSettings("prompt", approve_seconds=2, lifetime_seconds=60),
        ),
    )


@pytest.fixture
def platform(serve: Callable[[str, Create], str], hands: list[datetime]) -> str:
    numbers = itertools.count(1)
    return serve(
        platform_web.SCHEMA,
        lambda store, stop: platform_web.create_platform(
            store,
            WORLD.platform,
            clock=lambda: hands[0],
            stop=stop,
            quote_seconds=600,
            new_id=lambda: f"q{next(numbers)}",
        ),
    )


@pytest.fixture
def meters(serve: Callable[[str, Create], str], hands: list[datetime]) -> str:
    return serve(
        meters_web.SCHEMA,
        lambda store, stop: meters_web.create_meters(
            store, WORLD.meters, clock=lambda: hands[0], stop=stop
        ),
    )
