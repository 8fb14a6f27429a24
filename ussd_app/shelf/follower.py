"""What one process shows of the shelf: the current versions, compiled, and older ones in use.

Live edits must never take a service down. What cannot be read or compiled is logged once, and the
publication before it is shown, whichever is the newest good one of those that stand; failing all,
what this process showed before, and at last the baseline, which it was started with. What could not
be read is tried again by each new session, for a disk may come back; what did not compile is not,
for its text never changes.

A client waits for whoever asks here. So versions are compiled in threads of their own, and nobody
waits for one longer than a moment, save when the process starts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import Generic, TypeVar

from ussd_app.shelf.versions import Shelf, ShelfBroken, Version

log = logging.getLogger("cassou.shelf")

T = TypeVar("T")

#: Versions that are no longer current, kept compiled for sessions that began on them.
OLD_VERSIONS_KEPT = 20

#: How long, in seconds, a caller waits for a version that is being compiled.
PATIENCE_SECONDS = 1.0


class Follower(Generic[T]):
    """Flows compiled by `compile` from what `shelf` holds; any number of threads may ask.

    `baseline` holds, by flow, what is shown of a flow that was never published. The constructor
    loads what is current, however long that takes; after that a caller waits `patience` seconds at
    most for a version. No trouble with the shelf or a version is ever raised from here.
    """

    def __init__(
        self,
        shelf: Shelf,
        compile: Callable[[Version], T],  # noqa: A002  # the word for it
        baseline: Mapping[str, T],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._shelf = shelf
        self._compile = compile
        self._baseline = dict(baseline)
        self._patience = patience
        self._flows: Mapping[str, T] = MappingProxyType(self._baseline)
        #: By flow, the published version that is shown, and what it was compiled to.
        self._shown: dict[str, tuple[str, T]] = {}
        self._seen = object()
        self._refreshing = threading.Lock()
        # Guards all below.
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, T] = OrderedDict()
        self._loading: dict[str, Future[T | None]] = {}
        self._hopeless: set[str] = set()
        self._logged: set[str] = set()
        self._follow(None)

    def current(self, flow: str) -> T:
        """What a new session of `flow` begins on.

        Raises KeyError for a flow of which there is neither a baseline nor a good version.
        """
        return self.flows()[flow]

    def flows(self) -> Mapping[str, T]:
        """What new sessions begin on, by flow: the same object until something changes.

        Whoever sees a change first waits a moment for it; the others, and it too where that was not
        enough, get what was shown before.
        """
        self._follow(self._patience)
        return self._flows

    def _follow(self, patience: float | None) -> None:
        """Show what is current if that has changed, as far as it is had within so many seconds."""
        try:
            stamp = self._shelf.stamp()
        except ShelfBroken as error:
            self._log_once(str(error), "the shelf cannot be asked: %s", error)
            return
        if stamp != self._seen and self._refreshing.acquire(blocking=False):
            try:
                if self._refresh(patience):
                    self._seen = stamp
            finally:
                self._refreshing.release()

    def of(self, version: str) -> T | None:
        """A version that a session began on, current or not; None if it is not to be had in time.

        It is compiled once, whoever asks for it meanwhile; it will be there for who asks again.
        """
        loading, _ = self._begun(version)
        try:
            return loading.result(self._patience)
        except TimeoutError:
            log.warning("version %s is not compiled yet; a client was not let wait for it", version)
            return None

    def _begun(self, version: str) -> tuple[Future[T | None], bool]:
        """What a version is or will be compiled to, and whether that begins only now."""
        mine: Future[T | None] = Future()
        with self._lock:
            if version in self._cache or version in self._hopeless:
                if version in self._cache:
                    self._cache.move_to_end(version)
                mine.set_result(self._cache.get(version))
                return mine, False
            loading = self._loading.get(version)
            if loading is not None:
                return loading, False
            self._loading[version] = mine
        name = f"cassou-compile-{version[:8]}"
        thread = threading.Thread(target=self._fill, args=(version, mine), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No thread is to be had: late is better than never.
            self._fill(version, mine)
        return mine, True

    def _fill(self, version: str, mine: Future[T | None]) -> None:
        """Load a version for all who wait for it; whatever happens, they hear of it."""
        found = None
        try:
            found = self._load(version)
        finally:
            with self._lock:
                del self._loading[version]
                if found is not None:
                    self._cache[version] = found
                    self._trim()
            mine.set_result(found)

    def _load(self, version: str) -> T | None:
        try:
            held = self._shelf.bundle(version)
        except ShelfBroken as error:
            self._log_once(version, "version %s is not used: %s", version, error)
            return None
        except Exception as error:  # noqa: BLE001  # as below; it may be read another time
            self._log_once(
                version,
                "version %s is not used, it cannot be read: %s: %s",
                version,
                type(error).__name__,
                error,
            )
            return None
        if held is None:
            return None
        try:
            return self._compile(held)
        except Exception as error:  # noqa: BLE001  # whatever a flow does to it, the service goes on
            with self._lock:
                self._hopeless.add(version)
            self._log_once(
                version,
                "version %s of %s is not used, it does not compile: %s: %s",
                version,
                held.flow,
                type(error).__name__,
                error,
            )
            return None

    def _refresh(self, patience: float | None) -> bool:
        """Show what is current now; False if it is to be tried again."""
        until = None if patience is None else time.monotonic() + patience
        shown: dict[str, tuple[str, T]] = {}
        whole = True
        try:
            flows = self._shelf.flows()
        except ShelfBroken as error:
            self._log_once(str(error), "the shelf cannot be read: %s", error)
            return False
        for flow in flows:
            best, final = self._best(flow, until)
            whole = whole and final
            if best is not None:
                shown[flow] = best
        with self._lock:
            # Those just replaced are the old ones that sessions will ask for.
            for version, found in (*self._shown.values(), *shown.values()):
                self._cache[version] = found
                self._cache.move_to_end(version)
            before, self._shown = self._shown, shown
            self._trim()
        if {flow: version for flow, (version, _) in before.items()} != {
            flow: version for flow, (version, _) in shown.items()
        }:
            published = {flow: found for flow, (_, found) in shown.items()}
            self._flows = MappingProxyType(self._baseline | published)
        return whole

    def _best(self, flow: str, until: float | None) -> tuple[tuple[str, T] | None, bool]:
        """What to show of a flow, None for its baseline; and whether that is settled.

        It is waited for until a time of the monotonic clock, if one is given.
        """
        before = self._shown.get(flow)
        settled = True
        try:
            standing = self._shelf.standing(flow)
        except ShelfBroken as error:
            self._log_once(str(error), "what is current of %s is not known: %s", flow, error)
            return before, False
        for version in reversed(standing):
            loading, begins = self._begun(version)
            try:
                # Who began it has waited; the next one need not again.
                left = 0.0 if until is None or not begins else until - time.monotonic()
                found = loading.result(None if until is None else max(left, 0.0))
            except TimeoutError:
                return before, False
            if found is not None:
                return (version, found), settled
            self._log_once(version, "version %s of %s is not used: it is not held", version, flow)
            settled = settled and version in self._hopeless
        return before, settled

    def _trim(self) -> None:
        """Forget the old versions that nobody has asked for longest; the lock is held."""
        current = {version for version, _ in self._shown.values()}
        old = [version for version in self._cache if version not in current]
        for version in old[:-OLD_VERSIONS_KEPT]:
            del self._cache[version]

    def _log_once(self, subject: str, message: str, *about: object) -> None:
        with self._lock:
            if subject in self._logged:
                return
            self._logged.add(subject)
        log.error(message, *about)
