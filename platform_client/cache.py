"""Answers to look-ups, kept for a stated time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FreshCache(Generic[T]):
    """At most `entries_max` values, none older than `fresh_seconds`. Safe from many threads.

    `clock` gives seconds that never go back. Where there is no room, the oldest value goes. With
    `fresh_seconds` zero nothing is kept.
    """

    def __init__(self, fresh_seconds: float, clock: Callable[[], float], entries_max: int) -> None:
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._entries_max = entries_max
        self._entries: dict[str, tuple[float, T]] = {}  # in the order of their age
        self._lock = threading.Lock()

    def get(self, name: str) -> T | None:
        """Give the value of `name`, None if there is no fresh one."""
        with self._lock:
            kept = self._entries.get(name)
            if kept is None:
                return None
            since, value = kept
            if self._clock() - since < self._fresh_seconds:
                return value
            del self._entries[name]
            return None

    def put(self, name: str, value: T) -> None:
        """Keep `value`, fresh from now."""
        if self._fresh_seconds <= 0:
            return
        with self._lock:
            self._entries.pop(name, None)
            self._entries[name] = (self._clock(), value)
            if len(self._entries) > self._entries_max:
                del self._entries[next(iter(self._entries))]
